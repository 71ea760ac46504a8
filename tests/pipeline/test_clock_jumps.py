"""A wall clock that leaps ahead of monotonic time: one wrong time is dropped, a lasting one is believed after a minute.

The service carries 12 kW. A virtual machine that was paused looks the same: its monotonic clock stood still.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ledger.schema import migrate
from gateway.reading.read import Reading

from .test_books import LIFE, Desk
from .test_validate import FIRST, NEW, OK, decide, spoken
from .world import KWH, MIN, NOON_US, H, S, moved, reading

LEAPT = "quarantined clock_jumped"
YEAR_US = 365 * 24 * H


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def poll(second: int, milliwh: int, ahead_us: int = 0) -> Reading:
    """A reading `second` seconds after noon by monotonic time, by a wall clock that is `ahead_us` ahead of that."""
    one = reading(NOON_US + second * S, LIFE + milliwh)
    return moved(one, earliest_us=one.earliest_us + ahead_us, latest_us=one.latest_us + ahead_us)


def words(*readings: Reading) -> list[str]:
    return [spoken(one) for one in decide([poll(-10, 0), poll(-5, 0), *readings])][2:]


@pytest.mark.parametrize("ahead_us", [11 * MIN, 3 * H, 5 * YEAR_US])
def test_one_time_far_ahead_is_dropped_and_the_next_right_one_is_booked(ahead_us: int) -> None:
    assert words(poll(0, 1, ahead_us), poll(5, 2), poll(10, 3)) == [LEAPT, OK, OK]


@pytest.mark.parametrize(
    ("ahead_us", "decision"),
    # 5 s at 500 ppm are 2500 us that the clock may have been slewed
    [(10 * MIN + 2500, OK), (10 * MIN + 2501, LEAPT)],
)
def test_a_smaller_step_is_booked_at_once(ahead_us: int, decision: str) -> None:
    assert words(poll(0, 1, ahead_us)) == [decision]


def test_a_month_of_slewing_is_no_jump() -> None:
    month = 30 * 24 * 3600
    assert words(poll(month, 1, 15 * MIN)) == [OK]  # 500 ppm of it are 21 minutes


def test_a_clock_that_stays_ahead_is_believed_after_a_minute_and_no_epoch_opens() -> None:
    assert words(*(poll(5 * n, n, 8 * H) for n in range(14))) == [LEAPT] * 12 + [OK, OK]


def test_the_minute_is_monotonic() -> None:
    """Five readings within twenty seconds, between which the wall clock says minutes, prove nothing."""
    assert words(*(poll(5 * n, n, 8 * H + n * MIN) for n in range(5))) == [LEAPT] * 5


def test_a_machine_that_was_paused_books_what_flowed_meanwhile() -> None:
    """8 h at 12 kW are 96 kWh; the monotonic clock allows 5 s of it."""
    assert words(*(poll(5 * n, 90 * KWH + n, 8 * H) for n in range(13))) == [LEAPT] * 12 + [OK]


def test_more_than_the_wall_time_allows_is_another_register() -> None:
    leapt = words(*(poll(5 * n, 99 * KWH + n, 8 * H) for n in range(14)))
    assert leapt == [LEAPT] * 12 + ["newepoch impossible_jump", OK]


def test_a_fallen_register_under_a_leapt_clock_begins_anew() -> None:
    assert words(*(poll(5 * n, n - 1000, 8 * H) for n in range(14)))[12:] == ["newepoch went_backwards", OK]


def test_two_leaps_do_not_confirm_each_other() -> None:
    ahead = [H if n % 2 else 8 * H for n in range(20)]
    assert words(*(poll(5 * n, n, one) for n, one in enumerate(ahead))) == [LEAPT] * 20


def test_a_first_reading_is_not_confirmed_over_a_leap() -> None:
    readings = [poll(0, 0, YEAR_US), poll(5, 0), poll(10, 0, YEAR_US), poll(15, 0), poll(20, 1)]
    assert [spoken(one) for one in decide(readings)] == [FIRST, FIRST, "rejected unconfirmed", FIRST, NEW]


def test_other_boot_has_no_monotonic_time_to_compare() -> None:
    assert words(moved(poll(0, 1, 8 * H), boot_id="next")) == [OK]


def test_a_dropped_glitch_closes_no_interval_and_puts_nothing_in_doubt(desk: Desk) -> None:
    for ahead_us in (0, 2 * YEAR_US, 0, -YEAR_US // 2, 0):  # ahead, and back
        at = 20 + 5 * len(desk.batch.readings)
        desk.take(poll(at, at, ahead_us), poll(at + 1, at, 0))
    doubt = desk.books.state_record()
    assert doubt is not None
    assert doubt["import_uncertain_milliwh"] == 1  # the first digit
    assert [row.kind for row in desk.batch.events] == ["epoch", "quarantined", "resumed", "quarantined", "resumed"]
    assert desk.batch.events[1].detail["reason"] == "clock_jumped"
    assert desk.batch.intervals == []


def test_a_believed_leap_is_told_with_its_step_and_booked(desk: Desk) -> None:
    desk.take(poll(20, 0), poll(21, 0))
    desk.take(*(poll(25 + 5 * n, 90 * KWH + n, 8 * H) for n in range(13)))
    assert [row.kind for row in desk.batch.events] == ["epoch", "quarantined", "clock_step", "gap", "resumed"]
    assert desk.batch.events[2].detail["step_us"] == 8 * H
    assert desk.books.register_epoch == 1
    record = desk.books.state_record()
    assert record is not None
    assert record["import_bucket_high_milliwh"] == 90 * KWH + 12
    assert len(desk.batch.intervals) == 32  # eight hours of quarters
