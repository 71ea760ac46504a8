"""A disk in memory that keeps apart what was synced and what was only written, and is cut off from its power.

After a cut a file holds its synced bytes and any part of what was written since: lost, kept, or torn at a sector.
Names are as after the last call: a journalling file system keeps their order (ext4(5), data=ordered), and what it may
do worse to them is not modelled. Pure.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ..chance import roll
from ..disk import put, resize
from ..disk_trace import Kind, Operation

SECTOR_BYTES = 512


class Loss(StrEnum):
    """What happens to what was written and not synced."""

    ALL = "all"
    TAIL = "tail"
    """The first writes are there, one is torn, the rest is lost."""
    HEAD = "head"
    """The other way round: the disk wrote the later ones first."""
    SECTORS = "sectors"
    """Each sector by lot."""


@dataclass(slots=True)
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)
    """Writes and truncations since the last sync."""


class DiskImage:
    """Takes operations; `cut` says what is there afterwards, and takes nothing from it."""

    def __init__(self) -> None:
        self._files: dict[Path, _File] = {}

    @property
    def is_unsynced(self) -> bool:
        """Whether a cut now could take anything."""
        return any(one.pending for one in self._files.values())

    def take(self, one: Operation) -> None:
        if one.path is None:
            return
        if one.kind is Kind.REMOVE:
            self._files.pop(one.path, None)
            return
        file = self._files.setdefault(one.path, _File())
        if one.kind is Kind.RENAME and one.target is not None:
            self._files[one.target] = self._files.pop(one.path)
        elif one.kind in (Kind.WRITE, Kind.TRUNCATE):
            file.pending.append(one)
        elif one.kind is Kind.SYNC:
            for each in file.pending:
                _apply(file.durable, each)
            file.pending.clear()

    def whole(self) -> dict[Path, bytes]:
        """Every file with all that was written: what a program sees that is killed, or reads its own files."""
        return {path: bytes(_kept(one, lambda _: True)) for path, one in self._files.items()}

    def cut(self, loss: Loss, seed: int, *keys: int) -> dict[Path, bytes]:
        """Every file after a power cut; the same for the same seed and keys."""
        found = {}
        for number, (path, one) in enumerate(sorted(self._files.items())):
            total = sum(len(_sectors(each)) for each in one.pending)
            at = roll(seed, *keys, number) % max(1, total)

            def keep(sector: int, at: int = at, number: int = number) -> bool:
                match loss:
                    case Loss.ALL:
                        return False
                    case Loss.TAIL:
                        return sector < at
                    case Loss.HEAD:
                        return sector > at
                    case Loss.SECTORS:
                        return bool(roll(seed, *keys, number, sector) & 1)

            found[path] = bytes(_kept(one, keep))
        return found


def _kept(file: _File, keep: Callable[[int], bool]) -> bytearray:
    """A file's bytes with those of its unsynced sectors that `keep` keeps, numbered through all its writes."""
    content, number = bytearray(file.durable), 0
    for each in file.pending:
        for sector in _sectors(each):
            if keep(number):
                _apply(content, sector)
            number += 1
    return content


def _sectors(one: Operation) -> list[Operation]:
    """A write as writes that end at sectors' ends; a truncation is one thing."""
    if one.kind is Kind.TRUNCATE or one.offset < 0 or not one.content:
        return [one]
    pieces, at, end = [], one.offset, one.offset + len(one.content)
    while at < end:
        until = min(end, (at // SECTOR_BYTES + 1) * SECTOR_BYTES)
        piece = one.content[at - one.offset : until - one.offset]
        pieces.append(Operation(Kind.WRITE, one.path, at, piece))
        at = until
    return pieces


def _apply(content: bytearray, one: Operation) -> None:
    if one.kind is Kind.TRUNCATE:
        resize(content, one.offset)
    else:
        put(content, one.offset, one.content)
