"""Where a meter profile is found: by the path of its file, or by its name in a folder or among the shipped ones.

A profile's name is its file's, unless the file says `name = "..."`; then it is that, whatever the file is called. What
follows an `@` names one of the profile's variants. Reads files; decides nothing about what is in them.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from .errors import ProfileError
from .tables import did_you_mean

SHIPPED = Path(__file__).parent / "profiles"
OPTICAL = SHIPPED / "optical"


def shipped_profiles() -> tuple[str, ...]:
    """Names of the Modbus profiles that come with the program, sorted."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def shipped_optical() -> tuple[str, ...]:
    """The same of meters on an optical port."""
    return tuple(sorted(path.stem for path in OPTICAL.glob("*.toml")))


def split_name(name_or_path: str) -> tuple[str, str | None]:
    """(profile, variant): "x@y" -> ("x", "y"); a path that ends in .toml has no variant of its own."""
    if name_or_path.endswith(".toml") or "@" not in name_or_path:
        return name_or_path, None
    profile, _, variant = name_or_path.rpartition("@")
    return profile, variant


def profile_file(name_or_path: str, search: Sequence[Path]) -> Path:
    """The file of a profile: first in the folders of `search`, then among the shipped ones. Raises ProfileError."""
    if name_or_path.endswith(".toml"):
        return Path(name_or_path)
    unreadable: list[str] = []
    known = {*shipped_profiles(), *shipped_optical()}
    for folder in search:
        named = _named_files(folder, unreadable)
        known.update(named)
        files = named.get(name_or_path, [])
        if len(files) > 1:
            listed = ", ".join(str(path) for path in files)
            raise ProfileError(f"{len(files)} files have a meter profile `{name_or_path}`: {listed}; rename one")
        if files:
            return files[0]
    for home in (SHIPPED, OPTICAL):
        shipped = home / f"{name_or_path}.toml"
        if shipped.is_file() and shipped.parent == home:
            return shipped
    also = f" (not looked into: {'; '.join(unreadable)})" if unreadable else ""
    raise ProfileError(f"no meter profile `{name_or_path}`: {did_you_mean(name_or_path, sorted(known))}{also}")


def _named_files(folder: Path, unreadable: list[str]) -> dict[str, list[Path]]:
    """Profile names of a folder and the files that bear them; a TOML file that is no profile bears none."""
    named: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            named.setdefault(path.stem, []).append(path)  # asked for by this name, it is read and explained
            unreadable.append(f"{path}: {error}")
            continue
        name = content.get("name", path.stem)
        # Half a profile counts too: it is read, and told what is missing.
        if isinstance(name, str) and ("family" in content or "registers" in content or "vectors" in content):
            named.setdefault(name, []).append(path)
    return named
