"""The profile that a [[meter]] names: shipped, beside the config by its name, or a file; with or without a variant."""

from pathlib import Path

from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.profile_find import split_name

from .rules import resolved


def profile_path(folder: Path, name: str) -> str:
    """A profile's name as it is, its file as an absolute path; a variant stays behind it."""
    base, variant = split_name(name)
    if not base.endswith(".toml"):
        return name
    return str(resolved(folder, base)) + (f"@{variant}" if variant is not None else "")


def profile_named(folder: Path, name: str) -> Profile:
    """The profile that a config in `folder` means by `name`. Raises drivers.ProfileError."""
    return load_profile(profile_path(folder, name), (folder,))
