"""The plan of `soak disk`: which fault of the disk comes when, as a pure function of the seed and the fault's number.

Rounds of ten: in even ones the disk fails under the daemon, in odd ones it damages what lies on it.
"""

from dataclasses import dataclass
from enum import StrEnum

from ..chance import between, name_key, roll

ROUND_SIZE = 10
_DISK = name_key("soak disk")
LASTS_S = 6.5
"""Longer than from one edge to the next."""


class DiskKind(StrEnum):
    """What the disk does."""

    WRITE = "eio-write"
    """The n-th write fails, once."""
    SYNC = "eio-sync"
    ROOM = "full-write"
    """There is no room for the n-th write, once."""
    FAILING = "failing"
    """Everything fails, for a while."""
    SYNCS = "failing-sync"
    """Writes work and syncs fail, for a while: what is written may or may not be there."""
    FULL = "full"
    READ_ONLY = "read-only"
    START_WRITE = "start-eio-write"
    """The n-th write of a daemon that begins fails, once."""
    START_SYNC = "start-eio-sync"
    PAGE = "page"
    """A page of the store is overwritten with noise."""
    BITS = "bits"
    """Up to eight bits of it flip."""
    CUT = "cut"
    """It is cut off somewhere."""
    EMPTY = "empty"
    GONE = "gone"
    LOG_BITS = "log-bits"
    """Bits flip in the log of a daemon that was killed."""
    LOG_CUT = "log-cut"
    LOG_SWAPPED = "log-swapped"
    """The log is an older one of the same store."""
    OLD_PAGE = "page-old"
    """A page of a table is an older copy of itself."""
    PAGES_EXCHANGED = "pages-exchanged"
    """Two pages of one table, each in the other's place."""


LIVE_DECK = (
    *(DiskKind.WRITE, DiskKind.SYNC, DiskKind.FULL, DiskKind.ROOM, DiskKind.START_WRITE),
    *(DiskKind.FAILING, DiskKind.SYNCS, DiskKind.START_SYNC, DiskKind.READ_ONLY, DiskKind.SYNC),
)
DAMAGE_DECK = (
    *(DiskKind.PAGE, DiskKind.OLD_PAGE, DiskKind.LOG_BITS, DiskKind.CUT, DiskKind.PAGES_EXCHANGED),
    *(DiskKind.LOG_SWAPPED, DiskKind.BITS, DiskKind.LOG_CUT, DiskKind.OLD_PAGE, DiskKind.EMPTY),
)
_MOST = {DiskKind.WRITE: 20, DiskKind.ROOM: 20, DiskKind.SYNC: 3, DiskKind.START_WRITE: 20, DiskKind.START_SYNC: 3}


@dataclass(frozen=True, slots=True)
class DiskFault:
    """One fault. `nth` counts calls from 1 where the kind does; `lot` decides whatever else is to be decided."""

    number: int
    kind: DiskKind
    nth: int
    lot: int

    def __str__(self) -> str:
        return f"{self.number} {self.kind}" + (f" {self.nth}" if self.nth else "")


def disk_fault(seed: int, number: int) -> DiskFault:
    """The fault with this number, counted from 1."""
    index, place = divmod(number - 1, ROUND_SIZE)
    deck = DAMAGE_DECK if index % 2 else LIVE_DECK
    kind = deck[(place + between(0, ROUND_SIZE - 1, seed, _DISK, index, 1)) % ROUND_SIZE]
    most = _MOST.get(kind, 0)
    nth = 0
    if most:  # all of them in turn
        nth = 1 + (between(0, most - 1, seed, _DISK, name_key(kind)) + (index // 2) * 7 + place) % most
    if kind is DiskKind.EMPTY and index % 4 == 3:
        kind = DiskKind.GONE
    return DiskFault(number, kind, nth, roll(seed, _DISK, number, 2))


def is_damage(index: int) -> bool:
    """Whether the round with this index, from 0, damages what lies on the disk."""
    return bool(index % 2)
