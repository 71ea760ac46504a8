"""Who may ask on a line that the gateway reads, and when: by a clock that the test moves."""

from dataclasses import dataclass
from typing import Any

import pytest

from drivers import ConfigurationError, DriverError, FrameError, NoAnswerError, RefusedError, TransportLostError
from drivers.modbus.link import Framing, ModbusLink, Reply
from drivers.transport.scripted import ScriptedTransport, VirtualTicker
from gateway.clock import ClockState
from gateway.reading.guests import WAITING_MOST, Guests, question_of, told

SILENCE_S = 2.0
ASKED = (7, 3, 0, 2)


@dataclass
class HandClock:
    """Obeys `gateway.clock.Clock`; moves by hand."""

    now_us: int = 0
    rate: int = 1
    boot_id: str = "boot"

    def wall_us(self) -> int:
        return self.now_us

    def monotonic_us(self) -> int:
        return self.now_us

    def real_us(self) -> int:
        return self.now_us

    def state(self) -> ClockState:
        return ClockState.SYNCED

    def error_us(self) -> int:
        return 0


def far() -> bool:
    return True


def near() -> bool:
    return False


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def guests(clock: HandClock) -> Guests:
    ticker = VirtualTicker()
    link = ModbusLink(ScriptedTransport(ticker, lambda _: []), Framing.RTU, ticker, timeout_us=1_000_000)
    return Guests(link, clock, SILENCE_S)


def test_nobody_waits_at_first(guests: Guests) -> None:
    assert guests.take(100.0, far) is None


def test_a_gap_must_hold_a_whole_silence_and_a_margin(guests: Guests) -> None:
    guest = guests.put(ASKED)
    assert guests.take(2.2, far) is None
    assert guests.take(2.25, near) is guest


def test_who_has_waited_long_goes_before_a_poll_but_not_near_an_edge(guests: Guests, clock: HandClock) -> None:
    guest = guests.put(ASKED)
    clock.now_us = 10_000_000
    assert guests.take(0.0, far) is None
    clock.now_us = 10_000_001
    assert guests.take(0.0, near) is None
    assert guests.take(0.0, far) is guest


def test_who_waits_behind_another_is_not_impatient_while_the_line_has_gaps(guests: Guests, clock: HandClock) -> None:
    first, second = guests.put(ASKED), guests.put((8, 3, 0, 2))
    clock.now_us = 9_000_000
    assert guests.take(3.0, far) is first
    clock.now_us = 15_000_000
    assert guests.take(0.0, far) is None
    clock.now_us = 19_000_001
    assert guests.take(0.0, far) is second


def test_first_come_first_served_and_no_more_than_a_few(guests: Guests) -> None:
    row = [guests.put((unit, 3, 0, 2)) for unit in range(1, WAITING_MOST + 2)]
    assert row[-1] is None
    assert [guests.take(9.0, far) for _ in range(WAITING_MOST)] == row[:-1]


def test_who_has_left_is_not_asked_for(guests: Guests) -> None:
    guest = guests.put(ASKED)
    assert guest is not None
    guests.leave(guest)
    assert guests.take(9.0, far) is None


def test_a_question_without_answer_is_not_asked_in_the_same_shape_for_a_while(guests: Guests, clock: HandClock) -> None:
    """The line itself would wait before it, and hold up its own meters."""
    first = guests.put(ASKED)
    assert first is not None
    assert guests.take(9.0, far) is first
    guests.end(first, NoAnswerError("silence"))
    again = guests.put((7, 3, 40, 2))  # another address, the same shape
    clock.now_us = 4 * 2_250_000 - 1
    assert guests.take(60.0, far) is None
    clock.now_us += 1
    assert guests.take(60.0, far) is again


def test_another_unit_waits_for_nothing_of_that(guests: Guests) -> None:
    first = guests.put(ASKED)
    assert first is not None
    assert guests.take(9.0, far) is first
    guests.end(first, NoAnswerError("silence"))
    other = guests.put((8, 3, 0, 2))
    assert guests.take(9.0, far) is other


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        (Reply((1, 65535), 0, 0), {"words": [1, 65535]}),
        (ConfigurationError("no", 2), {"exception": 2}),
        (RefusedError("busy", is_brief=True), {"exception": 6}),
        (RefusedError("path"), {"silent": "path"}),
        (NoAnswerError("none"), {"silent": "none"}),
        (FrameError("noise"), {"unclear": "noise"}),
        (TransportLostError("gone"), {"lost": "gone"}),
        (ConfigurationError("profile"), {"error": "profile"}),
    ],
)
def test_what_came_of_it_is_told(outcome: Reply | DriverError, answer: dict[str, Any]) -> None:
    assert told(outcome) == answer


@pytest.mark.parametrize("wrong", [{}, {"unit": True}, {"unit": "1"}, {"unit": 1.0}, {"count": None}])
def test_a_request_without_four_whole_numbers_is_refused(wrong: dict[str, Any]) -> None:
    request = {"unit": 1, "function": 3, "address": 0, "count": 2}
    assert question_of(request) == (1, 3, 0, 2)
    with pytest.raises(ValueError, match="whole numbers"):
        question_of({**request, **wrong} if wrong else {})
