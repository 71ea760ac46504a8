"""The thread of one line over scripted meters and a clock that moves by itself: turns, back-off, questions, steps.

The clock goes on a tenth of a second each time it is looked at, and its rate makes every wait of the thread as short
as the machine can: the tests see pipeline time only.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from drivers import ConfigurationError, DriverError, MeterIdentity, NoAnswerError, RefusedError, Sample
from drivers.recording import SENT, Tape
from drivers.want import Want
from gateway.clock import ClockState
from gateway.reading.line import Line
from gateway.reading.read import Reading, read_meter
from gateway.reading.schedule import Schedule
from gateway.reading.turns import LineMeter

from .world import NOON_US, H, S, by_hand, snapshot

PATIENCE_S = 30.0
START_US = NOON_US + 60 * S  # a minute past an edge: nothing but the poll grid for 13 minutes


@dataclass
class TickingClock:
    """Obeys `gateway.clock.Clock`."""

    now_us: int = START_US
    tick_us: int = S // 10
    rate: int = 1_000_000
    boot_id: str = "boot"

    def wall_us(self) -> int:
        self.now_us += self.tick_us
        return self.now_us

    def monotonic_us(self) -> int:
        return self.now_us

    def real_us(self) -> int:
        return 7

    def state(self) -> ClockState:
        return ClockState.SYNCED

    def error_us(self) -> int:
        return 0


@dataclass
class ScriptedMeter:
    """Obeys `drivers.Polled`: answers at once, or fails after a second of the line's time."""

    clock: TickingClock
    name: str
    log: list[tuple[str, str, int]]
    fails: Callable[[int], DriverError | None] = lambda _number: None
    identity: Callable[[], MeterIdentity] = lambda: MeterIdentity(serial="A1")
    update_lag_us: int = 0
    reads: int = 0
    closed: threading.Event = field(default_factory=threading.Event)

    def identify(self) -> MeterIdentity:
        self.log.append((self.name, "identify", self.clock.now_us))
        return self.identity()

    def read(self, *, want: Want = Want.DUE) -> Sample:
        self.reads += 1
        self.log.append((self.name, "read", self.clock.now_us))
        error = self.fails(self.reads)
        if error is not None:
            self.clock.now_us += 1 * S
            raise error
        return Sample(snapshot(self.reads), sent_us=7, received_us=7, update_lag_us=0)

    def relearn(self) -> None:
        pass

    def record(self, tape: Tape | None) -> None:
        self.log.append((self.name, "record" if tape is not None else "stop", self.clock.now_us))
        if tape is not None:
            tape.head["meter"] = self.name
            tape.note(0, SENT, b"ask")

    def forget(self) -> None:
        self.log.append((self.name, "forget", self.clock.now_us))

    def close(self) -> None:
        self.closed.set()


class Bench:
    """A line over scripted meters; `run_until` runs it in this thread until so many readings are delivered."""

    def __init__(self, clock: TickingClock, *meters: ScriptedMeter, poll_us: int = 5 * S) -> None:
        self.delivered: list[Reading] = []
        self.failures: list[tuple[str, str]] = []
        self.arrived: queue.SimpleQueue[Reading] = queue.SimpleQueue()
        self._enough = 10**9
        rhythm, edges = Schedule(poll_us, 0), by_hand()
        self.line = Line(
            "test",
            [LineMeter(meter.name, meter, rhythm, edges, silence_s=1.0) for meter in meters],
            clock,
            self._deliver,
            lambda name, why: self.failures.append((name, why)),
        )

    def _deliver(self, reading: Reading) -> None:
        self.delivered.append(reading)
        self.arrived.put(reading)
        if len(self.delivered) >= self._enough:
            self.line.stop()

    def run_until(self, readings: int) -> None:
        self._enough = readings
        self.line.run()


def silent(_number: int) -> DriverError:
    return NoAnswerError("unit 9: no answer within 300 ms")


def test_dead_meter_takes_one_probe_and_not_the_others_turns() -> None:
    clock, log = TickingClock(), list[tuple[str, str, int]]()
    dead, alive = ScriptedMeter(clock, "dead", log, silent), ScriptedMeter(clock, "alive", log)
    Bench(clock, dead, alive).run_until(60)  # sixty polls: five minutes
    reads = {name: [at for who, what, at in log if (who, what) == (name, "read")] for name in ("dead", "alive")}
    # Every point of the 5 s grid is read, at most a probe (1 s) and a few looks at the clock late.
    late_us = [at % (5 * S) for at in reads["alive"][1:]]
    assert max(late_us) < 2 * S
    grid = [at // (5 * S) for at in reads["alive"][1:]]
    assert grid == list(range(grid[0], grid[0] + len(grid)))
    # The dead one backs off to a minute: 10, 20, 40, 60 s after its last turn, and a turn of the other later at most.
    pauses_s = [(later - earlier) / S for earlier, later in pairwise(reads["dead"])]
    assert [pause_s // 10 * 10 for pause_s in pauses_s] == [10, 20, 40, 60, 60, 60][: len(pauses_s)]
    assert max(pause_s % 10 for pause_s in pauses_s) < 2
    assert len(pauses_s) >= 5


def test_meter_that_recovers_is_back_on_its_grid() -> None:
    clock, log = TickingClock(), list[tuple[str, str, int]]()
    meter = ScriptedMeter(clock, "grid", log, lambda number: silent(number) if number < 4 else None)
    bench = Bench(clock, meter)
    bench.run_until(3)
    assert bench.failures == [("grid", "unit 9: no answer within 300 ms")] * 3
    # Begun at 60 s; each failure takes one, and the pauses are 10, 20 and 40 s.
    assert [(one.instant_us - NOON_US) // (5 * S) * 5 for one in bench.delivered] == [130, 135, 140]


def test_identity_is_asked_once_and_anew_after_a_failure() -> None:
    clock, log = TickingClock(), list[tuple[str, str, int]]()
    serials = iter(["A1", "B2"])
    meter = ScriptedMeter(
        clock,
        "grid",
        log,
        lambda number: RefusedError("busy") if number == 3 else None,
        lambda: MeterIdentity(serial=next(serials)),
    )
    bench = Bench(clock, meter)
    bench.run_until(4)
    assert [what for _, what, _ in log] == ["identify", "read", "read", "read", "identify", "forget", "read", "read"]
    assert [one.serial for one in bench.delivered] == ["A1", "A1", "B2", "B2"]


def test_meter_is_asked_now_and_then_who_it_is_and_an_exchanged_one_is_learnt_anew() -> None:
    clock, log = TickingClock(), list[tuple[str, str, int]]()
    serials = iter(["A1", "A1", "B2", "B2"])
    meter = ScriptedMeter(clock, "grid", log, identity=lambda: MeterIdentity(serial=next(serials)))
    bench = Bench(clock, meter)
    bench.line.meters["grid"].identity_every_us = 60 * S
    bench.run_until(40)
    asked = [(what, (at - NOON_US) // S) for _, what, at in log if what != "read"]
    # At 60, 120 and 180 s; what another meter's map is like is not known.
    assert asked == [("identify", 60), ("identify", 120), ("identify", 180), ("forget", 180), ("identify", 240)]
    assert [one.serial for one in bench.delivered] == ["A1"] * 24 + ["B2"] * 16


def test_meter_is_not_asked_who_it_is_at_an_edge() -> None:
    clock, log = TickingClock(now_us=NOON_US - 60 * S), list[tuple[str, str, int]]()
    meter = ScriptedMeter(clock, "grid", log)
    bench = Bench(clock, meter)
    bench.line.meters["grid"].identity_every_us = 55 * S  # falls due 5 s before noon
    bench.run_until(20)
    asked = [(at - NOON_US) // S for _, what, at in log if what == "identify"]
    assert asked[0] == -60
    assert 9 <= asked[1] <= 15


def test_meter_without_an_identity_block_is_read_all_the_same() -> None:
    def refuse() -> MeterIdentity:
        raise ConfigurationError("illegal data address")

    clock = TickingClock()
    bench = Bench(clock, ScriptedMeter(clock, "grid", [], identity=refuse))
    bench.run_until(2)
    assert [one.serial for one in bench.delivered] == [None, None]
    assert bench.failures == []


def test_clock_set_back_does_not_stop_the_readings() -> None:
    clock, log = TickingClock(), list[tuple[str, str, int]]()
    meter = ScriptedMeter(clock, "grid", log)
    bench = Bench(clock, meter)
    bench.run_until(2)
    clock.now_us -= 1 * H
    bench.line = Line("test", list(bench.line.meters.values()), clock, bench._deliver, lambda *_: None)
    bench.run_until(4)
    times_s = [(one.instant_us - NOON_US) // S for one in bench.delivered]
    assert times_s[:2] == [60, 65]
    assert times_s[2:] == [70 - 3600, 75 - 3600]  # the next points of the grid as it now is, not an hour later


def test_clock_set_forward_reads_at_once() -> None:
    clock = TickingClock()
    bench = Bench(clock, ScriptedMeter(clock, "grid", []))
    bench.run_until(1)
    clock.now_us += 3 * H
    bench.line = Line("test", list(bench.line.meters.values()), clock, bench._deliver, lambda *_: None)
    bench.run_until(2)
    assert (bench.delivered[1].instant_us - NOON_US - 3 * H) // S == 60


@pytest.fixture
def quiet() -> TickingClock:
    """A clock that stands: after the first reading nothing is due."""
    return TickingClock(tick_us=0)


def test_question_from_another_thread_is_answered_and_takes_its_normal_way(quiet: TickingClock) -> None:
    bench = Bench(quiet, ScriptedMeter(quiet, "grid", []), ScriptedMeter(quiet, "house", []))
    bench.line.start()
    for _ in range(2):
        bench.arrived.get(timeout=PATIENCE_S)
    answer = bench.line.read_now("house").get(timeout=PATIENCE_S)
    assert isinstance(answer, tuple)
    assert (answer[0].meter, answer[1].serial) == ("house", "A1")
    assert bench.arrived.get(timeout=PATIENCE_S) == answer[0]
    bench.line.stop()
    bench.line.join(PATIENCE_S)


def test_question_to_a_dead_meter_is_answered_with_its_error(quiet: TickingClock) -> None:
    bench = Bench(quiet, ScriptedMeter(quiet, "grid", [], silent))
    bench.line.start()
    answer = bench.line.read_now("grid").get(timeout=PATIENCE_S)
    assert isinstance(answer, NoAnswerError)
    bench.line.stop()
    bench.line.join(PATIENCE_S)


def test_two_questions_at_once_get_one_reading(quiet: TickingClock) -> None:
    meter = ScriptedMeter(quiet, "grid", [])
    bench = Bench(quiet, meter)
    waiting = [bench.line.read_now("grid") for _ in range(2)]  # before the line runs: both wait
    bench.line.start()
    answers = [one.get(timeout=PATIENCE_S) for one in waiting]
    assert answers[0] == answers[1]
    assert meter.reads == 1
    bench.line.stop()
    bench.line.join(PATIENCE_S)


@pytest.mark.parametrize("fails", [False, True])
def test_a_turn_is_taken_down_from_the_identity_on_for_all_who_want_it(quiet: TickingClock, fails: bool) -> None:
    log: list[tuple[str, str, int]] = []
    meter = ScriptedMeter(quiet, "grid", log, silent if fails else lambda _number: None)
    bench = Bench(quiet, meter)
    tapes = [Tape(), Tape()]
    waiting = [bench.line.read_now("grid", tape) for tape in tapes]
    bench.line.start()
    answers = [one.get(timeout=PATIENCE_S) for one in waiting]
    assert isinstance(answers[0], NoAnswerError) == fails
    assert [what for _, what, _ in log] == ["record", "identify", "read", "stop"]
    assert [(tape.head, [one.payload for one in tape.events]) for tape in tapes] == [({"meter": "grid"}, [b"ask"])] * 2
    bench.line.read_now("grid").get(timeout=PATIENCE_S)
    assert [what for _, what, _ in log].count("record") == 1
    bench.line.stop()
    bench.line.join(PATIENCE_S)


def test_asking_again_reads_though_nothing_is_due(quiet: TickingClock) -> None:
    bench = Bench(quiet, ScriptedMeter(quiet, "grid", []))
    bench.line.start()
    bench.arrived.get(timeout=PATIENCE_S)
    bench.line.ask_again("grid")
    bench.arrived.get(timeout=PATIENCE_S)
    bench.line.stop()
    bench.line.join(PATIENCE_S)
    assert len(bench.delivered) == 2


def test_stopped_line_lets_go_of_every_port(quiet: TickingClock) -> None:
    meters = [ScriptedMeter(quiet, name, []) for name in ("grid", "house")]
    bench = Bench(quiet, *meters)
    bench.line.start()
    bench.arrived.get(timeout=PATIENCE_S)
    bench.line.stop()
    bench.line.join(PATIENCE_S)
    assert not bench.line.is_alive()
    assert all(meter.closed.is_set() for meter in meters)


@dataclass
class AnsweringMeter:
    """Obeys `drivers.Polled`: one answer, asked and received at given real times."""

    sent_us: int
    received_us: int
    update_lag_us: int

    def identify(self) -> MeterIdentity:
        return MeterIdentity()

    def read(self, *, want: Want = Want.DUE) -> Sample:
        return Sample(snapshot(5), self.sent_us, self.received_us, self.update_lag_us)

    def forget(self) -> None:
        pass

    def relearn(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("rate", "earliest_us", "latest_us"),
    # read at real 7 us: asked 6 us, answered 2 us before; the registers can be 3 us older than the question
    [(1, -9, -2), (60, -540, -120)],
)
def test_window_runs_from_the_oldest_latch_to_the_answer(rate: int, earliest_us: int, latest_us: int) -> None:
    clock = TickingClock(now_us=NOON_US, tick_us=0, rate=rate)
    one = read_meter("grid", AnsweringMeter(1, 5, 3), clock, serial="A1")
    assert (one.earliest_us - NOON_US, one.latest_us - NOON_US) == (earliest_us, latest_us)
    assert one.monotonic_us - NOON_US == latest_us
    assert (one.meter, one.serial, one.boot_id, one.clock_state) == ("grid", "A1", "boot", ClockState.SYNCED)


def test_reading_cannot_have_an_empty_window() -> None:
    with pytest.raises(ValueError, match="empty window"):
        read_meter("grid", AnsweringMeter(5, 1, 0), TickingClock())
