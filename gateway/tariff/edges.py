"""Sorted UTC edges with the bucket that holds from each: how local days are laid onto the time that passes.

The bucket of an instant is that of the time which the clock shows at that instant. So a time that the clock jumps
over does not happen, and a time that it shows twice has its bucket twice. UTC microseconds; never asks for the time.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo

from .days import DayRules, Piece
from .walltime import MINUTE_US, offset_stretches

_DAY_US = 86_400_000_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class EdgeTable:
    """A stretch of compiled calendar.

    `bucket_ids[i]` holds from `edges_us[i]` (inclusive) to `edges_us[i + 1]` (exclusive), the last one to
    `end_us`. `edges_us[0]` is the start asked for, which need not be a true edge. UTC microseconds, int64.
    """

    edges_us: "array[int]"
    bucket_ids: "array[int]"
    end_us: int


@dataclass(frozen=True, slots=True)
class Span:
    """The calendar of [start_us, end_us); neighbouring buckets differ. Replaced whole, so that threads may share it."""

    start_us: int
    end_us: int
    edges_us: "array[int]" = field(default_factory=lambda: array("q"))
    bucket_ids: "array[int]" = field(default_factory=lambda: array("q"))

    def joined(self, later: "Span") -> "Span":
        """This one with what follows it."""
        assert self.end_us == later.start_us
        both = Span(self.start_us, later.end_us, array("q", self.edges_us), array("q", self.bucket_ids))
        both.extend(zip(later.edges_us, later.bucket_ids, strict=True))
        return both

    def extend(self, edges: Iterable[tuple[int, int]]) -> None:
        """Adds edges in order; one without a change is left out. Only while the span is being made."""
        last = self.bucket_ids[-1] if self.bucket_ids else None
        for edge_us, bucket in edges:
            if bucket != last:
                self.edges_us.append(edge_us)
                self.bucket_ids.append(bucket)
                last = bucket

    def position(self, utc_us: int) -> int:
        """Where the edge after `utc_us` stands; the bucket of `utc_us` stands before it."""
        return bisect_right(self.edges_us, utc_us)


def compile_span(rules: DayRules, ids: Mapping[str, int], zone: tzinfo, start_us: int, end_us: int) -> Span:
    """The calendar of [start_us, end_us), bucket names turned to `ids`."""
    span = Span(start_us, end_us)
    whole: dict[int, list[tuple[int, int]]] = {}  # by the identity of a day's pieces: `rules` keeps one for each kind
    for from_us, to_us, offset_us in offset_stretches(start_us, end_us, zone):
        wall_us, wall_end_us = from_us + offset_us, to_us + offset_us
        for number in range(wall_us // _DAY_US, -(-wall_end_us // _DAY_US)):
            pieces = rules.pieces(date.fromordinal(_EPOCH_ORDINAL + number))
            midnight_us = number * _DAY_US - offset_us
            if midnight_us < from_us or midnight_us + _DAY_US > to_us:
                span.extend((edge_us, ids[bucket]) for edge_us, bucket in _between(pieces, midnight_us, from_us, to_us))
                continue
            changes = whole.get(id(pieces))
            if changes is None:
                changes = whole[id(pieces)] = _changes(pieces, ids)
            span.extend([(midnight_us + after_us, bucket) for after_us, bucket in changes])
    return span


def _changes(pieces: tuple[Piece, ...], ids: Mapping[str, int]) -> list[tuple[int, int]]:
    """A whole day's buckets, each with the microseconds after midnight from which it holds; no two alike in a row."""
    found: list[tuple[int, int]] = []
    for piece in pieces:
        bucket = ids[piece.bucket]
        if not found or found[-1][1] != bucket:
            found.append((piece.minute * MINUTE_US, bucket))
    return found


def _between(pieces: tuple[Piece, ...], midnight_us: int, from_us: int, to_us: int) -> Iterable[tuple[int, str]]:
    """The edges of one day's pieces within [from_us, to_us), the piece that holds at `from_us` cut there."""
    held: tuple[int, str] | None = None
    for piece in pieces:
        edge_us = midnight_us + piece.minute * MINUTE_US
        if edge_us >= to_us:
            break
        if edge_us <= from_us:
            held = (from_us, piece.bucket)
            continue
        if held is not None:
            yield held
            held = None
        yield edge_us, piece.bucket
    if held is not None:
        yield held
