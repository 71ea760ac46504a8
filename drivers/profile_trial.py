"""A profile tried on its own vectors: what does not hold, in sentences. Pure; asks no device."""

from .errors import BadValueError
from .profile import Profile
from .vectors import check_vector


def untrue(profile: Profile) -> tuple[str, ...]:
    """What differs from the profile's vectors, one sentence each; empty if all hold."""
    wrong: list[str] = []
    for vector in profile.vectors:
        try:
            wrong += check_vector(profile, vector)
        except BadValueError as error:
            wrong.append(f"{vector.title}: {error}")
    return tuple(wrong)
