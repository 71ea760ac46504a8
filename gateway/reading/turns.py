"""Whose turn it is on one line, and what became of it: selection, back-off, questions from other threads.

Holds no lock, waits for nothing and asks no meter: whoever owns the line does, a thread (`line`) or the loop of all TCP
endpoints (`endpoints`). Times are UTC microseconds of the pipeline.
"""

import queue
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from drivers import ConfigurationError, DriverError, MeterIdentity, Stepped
from drivers.recording import Tape
from drivers.want import Want

from ..clock import Clock
from ..log import event_line, logger
from .bus import REACH_US, Rank, Seat, choose
from .read import Reading
from .schedule import Edges, Schedule

FIRST_GUESS_US = 300_000
TURNS_KEPT = 5
SHAKY_FOR_US = 600_000_000
"""How long a meter that has failed is reckoned with a silence at each edge."""

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
    silence_s: float = 2.1
    """What a request that nobody answers costs the line, the quiet time after it included."""
    identity_every_us: int = 0
    """How often it is asked anew who it is, pipeline time; 0: only after it was away."""
    known: MeterIdentity | None = None
    """Who answered last, before a failure too."""
    known_us: int = 0
    begun_us: int = 0
    heard_us: int = 0
    """When its last turn began, and the last that brought a reading; 0: none."""
    failed_us: int | None = None
    """When it last failed, monotonic pipeline time."""
    begun_monotonic_us: int = 0
    taping: list[Tape] = field(default_factory=list)
    was_known: bool = False
    """Whether the turn under way is a reading and no more."""
    is_at_edge: bool = False
    """The turn under way is for an edge of a line that others wait for."""
    took_us: "deque[int]" = field(default_factory=lambda: deque([FIRST_GUESS_US], maxlen=TURNS_KEPT))
    """How long its last readings took, pipeline time."""
    took_at_edge_us: "deque[int]" = field(default_factory=lambda: deque(maxlen=TURNS_KEPT))
    waiting: "list[queue.SimpleQueue[Answer]]" = field(default_factory=list)
    """Who wants to hear its next reading."""
    tapes: list[Tape] = field(default_factory=list)
    """What its next turn is to be taken down on."""
    answering: "list[queue.SimpleQueue[Answer]]" = field(default_factory=list)
    """Who waits for the reading under way."""

    @property
    def want(self) -> Want:
        """How much the turn under way asks for."""
        if self.answering or self.taping:
            return Want.ALL
        return Want.NEEDED if self.is_at_edge else Want.DUE


class Turns:
    """The meters of one line. `begin` and `end` frame each turn."""

    def __init__(self, meters: Sequence[LineMeter], clock: Clock) -> None:
        self.meters = {meter.name: meter for meter in meters}
        self._clock = clock

    def ask_again(self, meter: str) -> None:
        """Read this meter as soon as the line is free."""
        self.meters[meter].asked = True

    def read_now(self, meter: str, tape: Tape | None = None) -> "queue.SimpleQueue[Answer]":
        """The same, and put the answer into the queue returned; it takes its normal way too.

        `tape`: the turn is taken down, identity and all, and the tape is whole when the answer is there.
        """
        answer: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self.meters[meter].waiting.append(answer)
        if tape is not None:
            self.meters[meter].tapes.append(tape)
        return answer

    def choose(self) -> tuple[LineMeter | None, float]:
        """The meter whose turn it is, or None and for how long, in real seconds."""
        if len(self.meters) > 1:
            return self._choose_among()
        (meter,) = self.meters.values()
        if meter.asked or meter.waiting:
            return meter, 0.0
        now_us = self._clock.wall_us()
        if now_us < meter.planned_us:  # the clock was set back: its old plan lies in the future
            self._plan(meter, now_us)
        if meter.due_us <= now_us:
            return meter, 0.0
        return None, self._pause_s(meter.due_us - now_us)

    def _choose_among(self) -> tuple[LineMeter | None, float]:
        now_us = self._clock.wall_us()
        for meter in self.meters.values():
            if now_us < meter.begun_us:  # the clock was set back
                meter.begun_us = meter.heard_us = 0
        choice = choose([self._seat(meter) for meter in self.meters.values()], now_us, self._clock.error_us())
        if choice.name is not None:
            meter = self.meters[choice.name]
            meter.is_at_edge = choice.rank is Rank.EDGE
            return meter, 0.0
        return None, self._pause_s(choice.until_us - now_us)

    def _seat(self, meter: LineMeter) -> Seat:
        first_asked = 2 if meter.identity is None else 1  # it is asked who it is before
        failed_us, rate = meter.failed_us, meter.schedule.rate
        return Seat(
            meter.name,
            meter.schedule,
            meter.edges,
            takes_us=first_asked * _usual_us(meter.took_us),
            takes_at_edge_us=first_asked * _usual_us(meter.took_at_edge_us or meter.took_us),
            silent_us=int(meter.silence_s * 1e6) * rate,
            failures=meter.failures,
            is_shaky=failed_us is not None and self._clock.monotonic_us() - failed_us < SHAKY_FOR_US * rate,
            begun_us=meter.begun_us,
            heard_us=meter.heard_us,
            is_asked=meter.asked or bool(meter.waiting),
        )

    def _pause_s(self, pause_us: int) -> float:
        return pause_us / 1e6 / self._clock.rate

    def begin(self, meter: LineMeter) -> None:
        """Its turn begins: questions that come from now on are for the next."""
        meter.answering, meter.waiting, meter.asked = meter.waiting, [], False
        meter.begun_us, meter.begun_monotonic_us = self._clock.wall_us(), self._clock.monotonic_us()
        meter.taping, meter.tapes = meter.tapes, []
        if meter.taping:
            meter.identity = None
            meter.polled.record(meter.taping[0])
        meter.was_known = meter.identity is not None

    def wants_identity(self, meter: LineMeter) -> bool:
        """Whether it is to be asked who it is: after it was away, and now and then, but never at an edge."""
        if meter.identity is None:
            return True
        now_us, monotonic_us = self._clock.wall_us(), self._clock.monotonic_us()
        if not meter.identity_every_us or monotonic_us - meter.known_us < meter.identity_every_us:
            return False
        return self._is_far_from_edge(meter, now_us)

    def is_far_from_edges(self) -> bool:
        """Whether none of its meters has an edge now, or just had one."""
        now_us = self._clock.wall_us()
        return all(self._is_far_from_edge(meter, now_us) for meter in self.meters.values())

    def _is_far_from_edge(self, meter: LineMeter, now_us: int) -> bool:
        reach_us = REACH_US * meter.schedule.rate
        return meter.edges.next_edge_us(now_us - reach_us) > now_us + reach_us

    def meet(self, meter: LineMeter, found: MeterIdentity | ConfigurationError) -> MeterIdentity:
        """It has said who it is, or that it does not say. For another than before, its map is learnt anew."""
        if isinstance(found, ConfigurationError):
            logger.warning(event_line("no_identity", meter=meter.name, why=found))
            found = MeterIdentity()
        before, meter.identity, meter.known = meter.known, found, found
        meter.known_us = self._clock.monotonic_us()
        if before is not None:
            (meter.polled.relearn if before == found else meter.polled.forget)()
        if before != found:
            kind = "meter_found" if before is None else "meter_changed"
            serial = found.serial or "-"
            logger.info(event_line(kind, meter=meter.name, vendor=found.vendor, model=found.model, serial=serial))
        return found

    def end(self, meter: LineMeter, answer: Answer) -> None:
        """Its turn is over: tell who waits, and plan the next."""
        monotonic_us = self._clock.monotonic_us()
        if isinstance(answer, DriverError):
            meter.failures += 1
            meter.failed_us = monotonic_us
            meter.identity = None  # who answers next may be another meter
        else:
            meter.failures, meter.heard_us = 0, meter.begun_us
            for note in answer[0].notes:
                logger.warning(event_line("map", meter=meter.name, note=note))
            if meter.was_known:
                took_us = meter.took_at_edge_us if meter.is_at_edge else meter.took_us
                took_us.append(monotonic_us - meter.begun_monotonic_us)
        if meter.taping:
            self._end_tapes(meter)
        for reply in meter.answering:
            reply.put(answer)
        meter.answering = []
        self._plan(meter, self._clock.wall_us())

    def _end_tapes(self, meter: LineMeter) -> None:
        """No more is taken down; who asked at the same time has the same."""
        meter.polled.record(None)
        first, *others = meter.taping
        for tape in others:
            tape.head, tape.events = dict(first.head), list(first.events)
        meter.taping = []

    def _plan(self, meter: LineMeter, now_us: int) -> None:
        meter.planned_us = now_us
        meter.due_us = meter.schedule.next_read_us(now_us, meter.edges, meter.failures, self._clock.error_us())


def _usual_us(took_us: "deque[int]") -> int:
    """The longest but one: a glitch is no rule."""
    return sorted(took_us)[-2:][0]
