"""Young registers that show a last digit less, again and again: one of those times may have been a reset. By hand.

Digits are of 1 Wh, the service carries 12 kW: 200 Wh in the minute between two readings. A reset can have kept back
that, the step back and a digit: 202 Wh. `low` until noon, then `high`; intervals are quarters of an hour.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.ledger.schema import migrate

from .test_books import Desk
from .test_exchange import account
from .test_undecided import told, uncertain
from .world import KWH, MIN, NOON_US, H, reading, register

WATTHOUR = 1000
RESET = 202 * WATTHOUR


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def show(desk: Desk, watthours: list[int], from_us: int, serial: str | None = None) -> None:
    """Import alone, each minute."""
    for number, one in enumerate(watthours):
        desk.take(reading(from_us + number * MIN, register(one * WATTHOUR, WATTHOUR), serial=serial))


def open_of_intervals(desk: Desk) -> dict[int, int]:
    """What is uncertain of each closed interval, by the minute after noon at which it began."""
    desk.commit()
    return {(one["start_utc_us"] - NOON_US) // MIN: one["import_uncertain_milliwh"] for one in desk.sent("interval")}


def test_reset_behind_a_flicker_is_told_by_the_time_that_nobody_read(desk: Desk) -> None:
    """3 and 2 Wh, each minute until 12:04, then an hour of nothing, and 2 Wh: 12 kWh may have flowed before a reset."""
    show(desk, [3, 3, 2, 3], NOON_US + MIN)
    assert uncertain(desk)["high"] == WATTHOUR + RESET
    show(desk, [2], NOON_US + 64 * MIN)
    assert uncertain(desk)["high"] == WATTHOUR + 12 * KWH + 2 * WATTHOUR
    assert account(desk) == {"first": 3 * WATTHOUR, "last": 3 * WATTHOUR, "epoch": 1}


def test_flicker_on_both_sides_of_a_bucket_edge_is_told_in_both(desk: Desk) -> None:
    """At 11:52 and at 12:03: either may have been the reset. At noon itself it showed 3 before and after: a digit."""
    show(desk, [3, 3, 2, *[3] * 10, 2, 3], NOON_US - 10 * MIN)
    assert uncertain(desk) == {"low": WATTHOUR + RESET + WATTHOUR, "high": RESET + WATTHOUR}


def test_flicker_of_hours_is_told_in_each_interval_and_once_in_the_bucket(desk: Desk) -> None:
    """Each minute from 12:01 to 13:06. What an interval is told beside it are digits; over its end a reset may lie on
    either side, and of that minute it is told once more at the most."""
    show(desk, [3 - n % 2 for n in range(66)], NOON_US + MIN)
    assert uncertain(desk)["high"] == WATTHOUR + RESET
    found = open_of_intervals(desk)
    assert set(found) == {1, 15, 30, 45}
    assert all(RESET <= milliwh <= 2 * RESET + 5 * WATTHOUR for milliwh in found.values()), found


def test_flicker_is_told_alike_when_the_gateway_is_started_anew_at_each_reading(desk: Desk) -> None:
    for number in range(66):
        show(desk, [3 - number % 2], NOON_US + (1 + number) * MIN)
        desk.commit()
        desk.reopen()
    show(desk, [3], NOON_US + 67 * MIN)
    assert uncertain(desk)["high"] == WATTHOUR + RESET


def test_register_that_grows_between_may_have_been_reset_each_time(desk: Desk) -> None:
    show(desk, [3, 3, 2, 3, 4, 3, 4], NOON_US + MIN)
    assert uncertain(desk)["high"] == WATTHOUR + 2 * RESET


def test_register_told_beside_another_is_told_its_own_step_back_too(desk: Desk) -> None:
    """At 12:03 import steps back, and export may have been reset with it: 200 Wh and a digit. At 12:05 it steps back
    itself, by 1 Wh: a digit more."""
    rows = [(3, 3), (3, 3), (2, 3), (3, 3), (3, 2)]
    both = [[register(one * WATTHOUR, WATTHOUR) for one in row] for row in rows]
    desk.take(*(reading(NOON_US + (1 + number) * MIN, *row) for number, row in enumerate(both)))
    record = desk.books.state_record()
    assert record is not None
    assert record["export_uncertain_high_milliwh"] == WATTHOUR + RESET
    assert record["import_uncertain_high_milliwh"] == WATTHOUR + RESET


def test_another_meter_that_flickers_is_told_by_itself(desk: Desk) -> None:
    """A1 is told once; then B2 by its number, held until it has shown 3, 2, 3, 2, 3 Wh: one of these may have been the
    reset, or one of those that come. Between the meters are a minute, 200 Wh, the digit of the old one and the first
    of the new; and A1 moved before its first reading: half a minute before that, and three until its last, it stood."""
    show(desk, [3, 3, 2, 3], NOON_US + MIN, "A1")
    before = uncertain(desk)["high"]
    assert before == WATTHOUR + RESET
    show(desk, [3, 2, 3, 2, 3], NOON_US + 5 * MIN, "B2")
    assert account(desk)["epoch"] == 2
    assert uncertain(desk)["high"] == before + 200_000 + 2 * WATTHOUR + 700_000 + RESET
    told_milliwh = uncertain(desk)["high"]
    show(desk, [2, 3, 2], NOON_US + 10 * MIN, "B2")
    assert uncertain(desk)["high"] == told_milliwh


def test_reset_in_the_middle_of_a_held_row_is_told_by_its_own_time(desk: Desk) -> None:
    """As above, but between B2's first 3 Wh and its 2 an hour passes, the rest of its row is read each minute."""
    show(desk, [900_000, 900_001], NOON_US + MIN, "A1")
    show(desk, [3], NOON_US + 3 * MIN, "B2")
    before = uncertain(desk)["high"]
    show(desk, [2, 3, 3, 4], NOON_US + 63 * MIN, "B2")
    assert account(desk)["epoch"] == 2
    assert uncertain(desk)["high"] - before >= 12 * KWH + 2 * WATTHOUR


def test_second_reading_of_a_meter_that_shows_less_may_be_of_a_reset_one(desk: Desk) -> None:
    """3 Wh, and 2 five minutes later: 1 kWh may have flowed. Both displays have a digit."""
    desk.take(*(reading(NOON_US + n * 5 * MIN, register((3 - n) * WATTHOUR, WATTHOUR)) for n in range(2)))
    assert uncertain(desk)["high"] == WATTHOUR + KWH + 2 * WATTHOUR
    (epoch,) = told(desk, "epoch")
    assert epoch["import_uncertain_milliwh"] == KWH + 2 * WATTHOUR


def test_second_reading_of_a_meter_may_be_behind_a_rollover_that_nobody_saw(desk: Desk) -> None:
    """A width of 1 kWh, and 10 minutes between the first two readings, in which 2 kWh can have flowed: once around."""
    wide = [replace(register(milliwh), modulus_milliwh=KWH) for milliwh in (300, 500)]
    desk.take(*(reading(NOON_US + n * 10 * MIN, one) for n, one in enumerate(wide)))
    assert uncertain(desk)["high"] == 1 + KWH


def test_old_register_that_flickers_was_not_reset(desk: Desk) -> None:
    """No minute carries the 900 kWh that it shows."""
    show(desk, [900_003, 900_002, 900_003, 900_002], NOON_US + H)
    assert uncertain(desk)["high"] == WATTHOUR
