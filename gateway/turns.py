"""Whose turn it is on one line, and what became of it: selection, back-off, questions from other threads.

Holds no lock, waits for nothing and asks no meter: whoever owns the line does, a thread (`line`) or the loop of all TCP
endpoints (`endpoints`). Times are UTC microseconds of the pipeline.
"""

import queue
from collections.abc import Sequence
from dataclasses import dataclass, field

from drivers import ConfigurationError, DriverError, MeterIdentity, Stepped

from .clock import Clock
from .log import event_line, logger
from .read import Reading
from .schedule import Edges, Schedule

Answer = tuple[Reading, MeterIdentity] | DriverError


@dataclass(slots=True)
class LineMeter:
    """A meter on a line and where it stands in its schedule."""

    name: str
    polled: Stepped
    schedule: Schedule
    edges: Edges
    due_us: int = 0
    planned_us: int = 0
    failures: int = 0
    identity: MeterIdentity | None = None
    asked: bool = False
    request_within_s: float = 4.0
    """The longest that one request to it can take."""
    waiting: "list[queue.SimpleQueue[Answer]]" = field(default_factory=list)
    """Who wants to hear its next reading."""
    answering: "list[queue.SimpleQueue[Answer]]" = field(default_factory=list)
    """Who waits for the reading under way."""


class Turns:
    """The meters of one line. `begin` and `end` frame each turn."""

    def __init__(self, meters: Sequence[LineMeter], clock: Clock) -> None:
        self.meters = {meter.name: meter for meter in meters}
        self._clock = clock

    def ask_again(self, meter: str) -> None:
        """Read this meter as soon as the line is free."""
        self.meters[meter].asked = True

    def read_now(self, meter: str) -> "queue.SimpleQueue[Answer]":
        """The same, and put the answer into the queue returned; it takes its normal way too."""
        answer: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self.meters[meter].waiting.append(answer)
        return answer

    def choose(self) -> tuple[LineMeter | None, float]:
        """The meter whose turn it is, or None and for how long, in real seconds."""
        asked = next((meter for meter in self.meters.values() if meter.asked or meter.waiting), None)
        if asked is not None:
            return asked, 0.0
        now_us = self._clock.wall_us()
        for meter in self.meters.values():
            if now_us < meter.planned_us:  # the clock was set back: its old plan lies in the future
                self._plan(meter, now_us)
        first = min(self.meters.values(), key=lambda meter: meter.due_us)
        if first.due_us <= now_us:
            return first, 0.0
        return None, (first.due_us - now_us) / 1e6 / self._clock.rate

    def begin(self, meter: LineMeter) -> None:
        """Its turn begins: questions that come from now on are for the next."""
        meter.answering, meter.waiting, meter.asked = meter.waiting, [], False

    def end(self, meter: LineMeter, answer: Answer) -> None:
        """Its turn is over: tell who waits, and plan the next."""
        if isinstance(answer, DriverError):
            meter.failures += 1
            meter.identity = None  # who answers next may be another meter
        else:
            meter.failures = 0
        for reply in meter.answering:
            reply.put(answer)
        meter.answering = []
        self._plan(meter, self._clock.wall_us())

    def _plan(self, meter: LineMeter, now_us: int) -> None:
        meter.planned_us = now_us
        meter.due_us = meter.schedule.next_read_us(now_us, meter.edges, meter.failures, self._clock.error_us())


def introduce(meter: LineMeter, found: MeterIdentity | ConfigurationError) -> MeterIdentity:
    """Tell who answers, or that the meter does not say."""
    if isinstance(found, ConfigurationError):
        logger.warning(event_line("no_identity", meter=meter.name, why=found))
        return MeterIdentity()
    logger.info(event_line("meter_found", meter=meter.name, vendor=found.vendor, model=found.model))
    return found
