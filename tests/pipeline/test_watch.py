"""Pulses and the watch over them, on a clock that is set by hand: what is fed, what is not, and what is said."""

from dataclasses import dataclass, field

import pytest

from gateway.daemon.notify import Notifier
from gateway.daemon.watch import Watch
from gateway.pulse import TURN_WITHIN_S, Pulse

from .test_line import TickingClock

S = 1_000_000


class HandClock(TickingClock):
    """`real_us` is what the test says."""

    real: int = 1000 * S

    def real_us(self) -> int:
        return self.real


class Ear(Notifier):
    """Obeys `Notifier`; keeps what is sent, and is deaf when told so."""

    def __init__(self) -> None:
        super().__init__(None)
        self.heard: list[tuple[str, ...]] = []
        self.deaf = False

    def send(self, *assignments: str) -> bool:
        if not self.deaf:
            self.heard.append(assignments)
        return not self.deaf


@dataclass
class Bench:
    """A watch over a line and a ledger. `turn` lets time pass first."""

    period_us: int | None = 60 * S
    clock: HandClock = field(default_factory=HandClock)
    ear: Ear = field(default_factory=Ear)
    missing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.line, self.ledger = Pulse("line A", self.clock), Pulse("ledger", self.clock, 30)
        self.watch = Watch(self.ear, self.period_us, [self.line, self.ledger], self.clock, lambda: self.missing)

    def begin(self) -> None:
        self.line.turn()
        self.ledger.turn()
        self.turn(0)

    def turn(self, after_s: float) -> tuple[str, ...] | None:
        """What the watch then says; None where it says nothing."""
        self.clock.real += int(after_s * S)
        said = len(self.ear.heard)
        self.watch.turn()
        return self.ear.heard[said] if len(self.ear.heard) > said else None


def test_ready_is_said_once_and_not_before_every_loop_has_turned() -> None:
    bench = Bench()
    bench.ledger.turn()
    assert bench.turn(0) == ("STATUS=starting", "WATCHDOG=1")
    bench.line.turn()
    assert bench.turn(0) == ("READY=1", "STATUS=all is well", "WATCHDOG=1")
    assert bench.turn(1) == ("WATCHDOG=1",)


def test_ready_that_did_not_go_out_is_said_again() -> None:
    bench = Bench()
    bench.ear.deaf = True
    bench.begin()
    bench.ear.deaf = False
    assert bench.turn(1) == ("READY=1", "STATUS=all is well", "WATCHDOG=1")


def test_loop_that_keeps_its_word_is_fed_for_to_the_last_microsecond() -> None:
    bench = Bench()
    bench.begin()
    bench.ledger.turn(100)
    bench.line.turn()
    assert bench.turn(TURN_WITHIN_S) == ("WATCHDOG=1",)
    assert bench.turn(1e-6) == ("STATUS=line A hangs",)
    assert bench.turn(5) is None


def test_loop_that_turns_again_is_fed_for_again() -> None:
    bench = Bench()
    bench.begin()
    assert bench.turn(31) == ("STATUS=ledger hangs; line A hangs",)
    bench.line.turn()
    assert bench.turn(1) == ("STATUS=ledger hangs",)
    bench.ledger.turn()
    assert bench.turn(1) == ("STATUS=all is well", "WATCHDOG=1")


def test_announced_wait_is_granted_and_no_more() -> None:
    bench = Bench()
    bench.begin()
    bench.ledger.turn(1000)
    bench.line.turn(180)
    assert bench.turn(180) == ("WATCHDOG=1",)
    assert bench.turn(1) == ("STATUS=line A hangs",)


def test_loop_that_waits_for_the_disk_is_fed_for_and_told() -> None:
    bench = Bench()
    bench.begin()
    bench.line.turn(10**6)
    with bench.ledger.waiting_for_disk():
        assert bench.turn(2) == ("WATCHDOG=1",)  # a card takes a second or two: no news
        assert bench.turn(3600) == ("STATUS=the disk does not answer: ledger waits for it", "WATCHDOG=1")
    assert bench.turn(30) == ("STATUS=all is well", "WATCHDOG=1")
    assert bench.turn(1) == ("STATUS=ledger hangs",)  # the wait is over: it must turn as ever


def test_disk_that_fails_ends_the_wait_too() -> None:
    bench = Bench()
    bench.begin()
    with pytest.raises(OSError, match="EIO"), bench.ledger.waiting_for_disk():
        raise OSError("EIO")
    assert bench.ledger.disk_wait_us(bench.clock.real + S) == 0
    assert bench.ledger.overdue_us(bench.clock.real + 31 * S) == S


def test_what_is_missing_is_told_and_never_stops_the_feeding() -> None:
    bench = Bench()
    bench.begin()
    bench.missing = ["broker b:1883 is away: refused", "meter grid is not read: silent"]
    told = "STATUS=broker b:1883 is away: refused; meter grid is not read: silent"
    assert bench.turn(1) == (told, "WATCHDOG=1")
    assert bench.turn(1) == ("WATCHDOG=1",)
    bench.missing = []
    assert bench.turn(1) == ("STATUS=all is well", "WATCHDOG=1")


def test_without_a_watchdog_only_news_is_told() -> None:
    bench = Bench(period_us=None)
    bench.begin()
    assert bench.ear.heard == [("READY=1", "STATUS=all is well")]
    assert bench.turn(1) is None
    assert bench.watch.pause_s == 5.0


@pytest.mark.parametrize(("period_us", "pause_s"), [(60 * S, 5.0), (1 * S, 0.25), (8 * S, 2.0)])
def test_feeding_comes_four_times_a_period_and_at_least_every_five_seconds(period_us: int, pause_s: float) -> None:
    bench = Bench(period_us)
    bench.begin()
    assert bench.watch.pause_s == pause_s


def test_stopping_is_told_and_fed() -> None:
    bench = Bench()
    bench.begin()
    bench.watch.ending()
    assert bench.ear.heard[-1] == ("STOPPING=1", "STATUS=stopping", "WATCHDOG=1")
