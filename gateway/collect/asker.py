"""Whom to ask for what: one request a series at a time, again where no answer came. Pure; time is an argument.

A hole is often no more than a message on its way: it is asked for only once it has stood still for a while. Asks never
for what is here, and never faster than a gateway answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..ledger.collected.positions import Gap
from .heard import Answer, Series

STOOD_US = 2_000_000
ANSWER_WITHIN_US = 60_000_000
"""By the contract: who gets no end marker within this asks again."""
AGAIN_US = 30_000_000
"""After an answer that brought nothing; twice as long after each further one."""
AGAIN_MOST_US = 3_600_000_000
MOST_A_GATEWAY = 8


@dataclass(frozen=True, slots=True)
class Request:
    """A backfill request: `from_seq` to `to_seq`, None: the newest."""

    id: str
    series: Series
    from_seq: int
    to_seq: int | None

    def content(self) -> dict[str, object]:
        """As it goes on the wire."""
        return {
            "schema": 1,
            "id": self.id,
            "meter": self.series.meter,
            "store_epoch": self.series.store_epoch,
            "kind": self.series.kind.value,
            "from": self.from_seq,
            "to": self.to_seq,
        }


@dataclass(slots=True)
class _Hole:
    from_seq: int
    since_us: int
    request: Request | None = None
    asked_us: int = 0
    not_before_us: int = 0
    in_vain: int = 0
    """Answers in a row that brought nothing."""


@dataclass(slots=True)
class Asker:
    """What is missing and what has been asked. `word` begins the ids of its requests."""

    word: str
    _holes: dict[Series, _Hole] = field(default_factory=dict)
    _count: int = 0

    def forget(self) -> None:
        """A new connection: answers to what was asked on the old one may never come."""
        self._holes.clear()

    def due(self, gaps: Iterable[Gap], now_us: int) -> list[Request]:
        """What to ask now, of the holes that there are."""
        found = {gap.series: gap for gap in gaps}
        self._holes = {series: hole for series, hole in self._holes.items() if series in found}
        open_there: dict[str, int] = {}
        for series, hole in self._holes.items():
            if hole.request is not None:
                open_there[series.gateway] = open_there.get(series.gateway, 0) + 1
        requests = []
        for series, gap in found.items():
            hole = self._holes.setdefault(series, _Hole(gap.from_seq, now_us))
            self._look(hole, gap, now_us)
            if hole.request is not None or now_us - hole.since_us < STOOD_US or now_us < hole.not_before_us:
                continue
            if open_there.get(series.gateway, 0) >= MOST_A_GATEWAY:
                continue
            open_there[series.gateway] = open_there.get(series.gateway, 0) + 1
            self._count += 1
            hole.request = Request(f"{self.word}-{self._count}", series, gap.from_seq, gap.to_seq)
            hole.asked_us = now_us
            requests.append(hole.request)
        return requests

    def answered(self, answer: Answer, gap: Gap | None, now_us: int) -> None:
        """The end marker of a request came; `gap`: what is missing now. Where it brought something, ask on at once."""
        hole = self._holes.get(answer.series)
        if hole is None or hole.request is None or hole.request.id != answer.id:
            return
        moved = gap is None or gap.from_seq > hole.request.from_seq or gap.to_seq != hole.request.to_seq
        hole.request = None
        if gap is not None:
            hole.from_seq = gap.from_seq
        hole.since_us = now_us - STOOD_US
        if moved and answer.answer != "busy":
            hole.not_before_us = hole.in_vain = 0
        else:
            hole.not_before_us = now_us + min(AGAIN_US * 2**hole.in_vain, AGAIN_MOST_US)
            hole.in_vain = min(hole.in_vain + 1, 10)

    @staticmethod
    def _look(hole: _Hole, gap: Gap, now_us: int) -> None:
        """A hole whose beginning moves is being filled: it has not stood, and its request is being answered."""
        if gap.from_seq != hole.from_seq:
            hole.from_seq, hole.since_us = gap.from_seq, now_us
            if hole.request is not None:
                hole.asked_us = now_us
        if hole.request is not None and now_us - hole.asked_us >= ANSWER_WITHIN_US:
            hole.request = None
