"""The edges that matter to one gateway: the tariff's bucket edges and the interval edges, in one sorted table.

An interval never spans a bucket edge: it is split there. Interval edges lie on local quarters (or halves, hours),
so they are reckoned from the zone's offset at each step, never from UTC midnight.
"""

from array import array
from datetime import UTC, datetime, tzinfo
from typing import Protocol

from .clock import FIRST_CREDIBLE_US, LAST_CREDIBLE_US
from .tariff.calendar import NO_EDGE_US, EdgeTable


class Calendar(Protocol):
    """What the pipeline needs of a compiled tariff (`gateway.tariff`)."""

    @property
    def tariff_id(self) -> str: ...

    @property
    def zone(self) -> tzinfo: ...

    @property
    def bucket_names(self) -> tuple[str, ...]: ...

    def edges(self, start_us: int, end_us: int) -> EdgeTable: ...

    def bucket_at(self, utc_us: int) -> int: ...

    def next_edge_us(self, utc_us: int) -> int: ...

    def version_at(self, utc_us: int) -> str: ...


class Timeline:
    """Bucket and interval edges merged. UTC microseconds throughout."""

    def __init__(self, calendar: Calendar, interval_min: int, first_credible_us: int = FIRST_CREDIBLE_US) -> None:
        """`first_credible_us`: a live clock before it is not set; recorded readings may well be older."""
        self.calendar = calendar
        self.first_credible_us = first_credible_us
        self.interval_us = interval_min * 60_000_000
        self._known_from_us = 0
        self._known_next_us = 0

    def next_edge_us(self, utc_us: int) -> int:
        """The first edge strictly after `utc_us`; the answer is kept, so that a live loop asks in no time.

        A clock that is not set has no edges: outside the credible years the next one is their beginning, or none.
        """
        if utc_us < self.first_credible_us:
            return self.first_credible_us
        if utc_us >= LAST_CREDIBLE_US:
            return NO_EDGE_US
        if not self._known_from_us <= utc_us < self._known_next_us:
            edge_us = min(self._next_interval_edge_us(utc_us), self.calendar.next_edge_us(utc_us))
            self._known_from_us, self._known_next_us = utc_us, edge_us
        return self._known_next_us

    def edge_at_or_before_us(self, utc_us: int) -> int:
        """The last edge up to `utc_us`: where the interval that holds it begins."""
        # Two intervals back there is an edge, whatever the zone's offset does: it changes by less than an interval's
        # grid can hide only where that is an hour, and then by half of one.
        edge_us = self.next_edge_us(max(utc_us - 2 * self.interval_us, self.first_credible_us))
        while (later_us := self.next_edge_us(edge_us)) <= utc_us:
            edge_us = later_us
        return min(edge_us, utc_us)

    def bucket_name(self, utc_us: int) -> str:
        """The bucket that holds at an instant."""
        return self.calendar.bucket_names[self.calendar.bucket_at(utc_us)]

    @staticmethod
    def credible(utc_us: int) -> int:
        """The instant itself, or the nearest that a calendar has."""
        return min(max(utc_us, FIRST_CREDIBLE_US), LAST_CREDIBLE_US - 1)

    def table(self, start_us: int, end_us: int) -> EdgeTable:
        """Every edge in (start_us, end_us] and the bucket that holds from each, the start itself first."""
        edges, buckets = array("q", [start_us]), array("q", [self.calendar.bucket_at(start_us)])
        edge_us = self.next_edge_us(start_us)
        while edge_us <= end_us:
            edges.append(edge_us)
            buckets.append(self.calendar.bucket_at(edge_us))
            edge_us = self.next_edge_us(edge_us)
        return EdgeTable(edges, buckets, end_us)

    def _next_interval_edge_us(self, utc_us: int) -> int:
        moment = datetime.fromtimestamp(utc_us // 1_000_000, UTC)
        offset = moment.astimezone(self.calendar.zone).utcoffset()
        offset_us = 0 if offset is None else round(offset.total_seconds()) * 1_000_000
        return ((utc_us + offset_us) // self.interval_us + 1) * self.interval_us - offset_us
