"""The judge of `soak modbus` is tried on links that are wrong in one way each; every way must be found."""

from collections.abc import Callable

import pytest

from drivers import NoAnswerError, Ticker
from drivers.transport import Transport
from hil.modbus import judge
from hil.modbus.faults import Framing, Kind, Setting, Step, setting
from hil.modbus.judge import TrialVerdict, judge_injectors
from hil.modbus.soak import ROUND_SIZE, ModbusSoak, Venue, venue
from hil.modbus.trial import Defended, run_virtual
from hil.modbus.unguarded import Unguarded

Answer = Callable[["Doctored", Step], tuple[int, ...]]


class Doctored:
    """The driver's link, and what a test makes of its answers."""

    def __init__(self, transport: Transport, line: Setting, ticker: Ticker, change: Answer) -> None:
        self.link, self.ticker, self.transport, self.line = Defended(transport, line, ticker), ticker, transport, line
        self.before: tuple[int, ...] = ()
        self._change = change

    def read_words(self, step: Step) -> tuple[int, ...]:
        return self._change(self, step)

    def counts(self) -> dict[str, int]:
        return self.link.counts()

    def close(self) -> None:
        self.link.close()


def findings(change: Answer) -> set[str]:
    verdict = run_virtual(3, 1, range(1, 61), lambda *port: Doctored(*port, change))
    return {finding.what for finding in verdict.findings}


def the_one_before(link: Doctored, step: Step) -> tuple[int, ...]:
    before, link.before = link.before, link.link.read_words(step)
    return before or link.before


def with_a_bit_flipped(link: Doctored, step: Step) -> tuple[int, ...]:
    first, *rest = link.link.read_words(step)
    return (first ^ 1, *rest)


def cut(link: Doctored, step: Step) -> tuple[int, ...]:
    return link.link.read_words(step)[:-1]


def with_a_traceback(link: Doctored, step: Step) -> tuple[int, ...]:
    words = link.link.read_words(step)
    raise IndexError(words)


def too_late(link: Doctored, step: Step) -> tuple[int, ...]:
    words = link.link.read_words(step)
    link.ticker.sleep_us(60_000_000)
    return words


def uncounted(link: Doctored, step: Step) -> tuple[int, ...]:
    raise NoAnswerError("never asked")


def as_it_is(link: Doctored, step: Step) -> tuple[int, ...]:
    return link.link.read_words(step)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (the_one_before, judge.MISATTRIBUTED),
        (with_a_bit_flipped, judge.MISATTRIBUTED),
        (cut, judge.MISATTRIBUTED),
        (with_a_traceback, judge.TRACEBACK),
        (too_late, judge.OVER_DEADLINE),
        (uncounted, judge.UNCOUNTED),
        (uncounted, judge.HONEST_FAILED),
    ],
)
def test_a_link_that_is_wrong_is_found(change: Answer, found: str) -> None:
    assert found in findings(change)


def test_a_link_that_is_right_is_not() -> None:
    assert findings(as_it_is) == set()


def test_a_request_into_the_silence_is_found() -> None:
    class Hasty(Unguarded):
        def read_words(self, step: Step) -> tuple[int, ...]:
            self._ticker.sleep_us(-1)
            self._line = Setting(self._line.seed, Framing.RTU, 115200, self._line.timeout_us, 0, 0)
            return super().read_words(step)

    found = {what.what for trial in range(6) for what in run_virtual(3, trial, range(1, 61), Hasty).findings}
    assert judge.EARLY in found


def test_a_master_without_a_guard_misattributes_on_every_kind_of_line() -> None:
    found: dict[Framing, int] = dict.fromkeys(Framing, 0)
    for trial in range(12):
        verdict = run_virtual(3, trial, range(1, 101), Unguarded)
        found[setting(3, trial).framing] += verdict.counts[judge.MISATTRIBUTED]
    assert all(found.values()), found


def test_an_injector_that_never_hits_is_found() -> None:
    verdict = TrialVerdict()
    verdict.counts.update(injected_late=40, felt_late=40, injected_silence=40, felt_silence=31)
    judge_injectors(verdict)
    assert [str(finding) for finding in verdict.findings] == ["not_felt: silence: felt 31 of 40"]


def test_each_fault_has_its_venue() -> None:
    venues = [venue(number) for number in range(1, 100_001)]
    assert venues.count(Venue.REAL) == 2000
    assert venues.count(Venue.BOOKS) == 1000
    assert ROUND_SIZE % 100 == 0


def test_the_plan_names_venue_line_and_fault() -> None:
    soak = ModbusSoak()
    told = [soak.describe(1, number) for number in (50, 99, 100, 7)]
    assert told[:3] == ["50 real", "99 books wrong words", "100 real"]
    assert any(kind in told[3] for kind in Kind)
    assert told == [soak.describe(1, number) for number in (50, 99, 100, 7)]
