"""The rules of a time zone as one word, to notice that a new time-zone database has changed them.

A process reads its zone once; what changes, changes at a restart. Then edges ahead lie elsewhere, closed intervals stay
as they are, and it is told. Pure.
"""

import hashlib
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

FIRST = datetime(2025, 1, 1, 12, tzinfo=UTC)
DAYS = 15 * 365


@lru_cache(maxsize=16)
def rules_of(zone: tzinfo) -> str:
    """A digest of the zone's offset on each day of fifteen years."""
    digest = hashlib.sha256()
    before: timedelta | None = None
    for day in range(DAYS):
        offset = (FIRST + timedelta(days=day)).astimezone(zone).utcoffset()
        if offset != before:
            digest.update(f"{day} {offset}\n".encode())
            before = offset
    return digest.hexdigest()[:16]
