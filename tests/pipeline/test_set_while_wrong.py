"""A clock that is set while a register stands, or cannot be read. By hand, energy in milliwatt-hours.

`low` until noon, then `high`; intervals of 15 minutes; the service carries 12 kW, which is 3 kWh in a quarter and
3,333 mWh a second. What is true is reckoned by true time, and so is each `at`, in seconds after noon.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.energy import Part
from gateway.ledger.schema import migrate
from gateway.reading.read import Reading

from .test_books import Desk
from .world import KWH, NOON_US, H, S, accumulator, by_hand, moved, reading

LIFE = 900_000 * KWH
QUARTER = 900


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def at(second: int, imported: int | None, exported: int | None = None, off_us: int = 0, boot: str = "boot") -> Reading:
    """A reading by a wall clock that is so far off; the registers from their first count on."""
    shown = [None if milliwh is None else LIFE + milliwh for milliwh in (imported, exported)]
    one = reading(NOON_US + second * S + off_us, *shown, boot_id=boot)
    return moved(one, monotonic_us=second * S + 100 * H)


def words(desk: Desk, direction: str = "import") -> dict[str, int]:
    """What the public state says of a direction."""
    record = desk.books.state_record()
    assert record is not None
    names = {"low": "bucket_low", "high": "bucket_high", "nowhere": "unassigned", "lost": "earlier_epochs"}
    names |= {"open_low": "uncertain_low", "open_high": "uncertain_high"}
    return {name: int(record.get(f"{direction}_{word}_milliwh") or 0) for name, word in names.items()}


def newest(desk: Desk) -> dict[int, dict[str, Any]]:
    """The word that holds on each interval, by its end in seconds after noon."""
    return {(one["end_utc_us"] - NOON_US) // S: one for one in desk.sent("interval")}


def test_a_register_that_woke_before_the_clock_was_set_is_not_another_meter(desk: Desk) -> None:
    """It stands from noon on, and gives 2 kWh at ten past: 12 kW carry 2 kWh in 600 s. That is held, because it had
    been read 5 s before; then the clock is set back by 90 s, and it is held for that."""
    desk.take(at(-10, 0), at(-5, 10), *(at(5 * n, 20) for n in range(120)))
    desk.take(at(600, 20 + 2 * KWH - 10_000), at(605, 20 + 2 * KWH))
    desk.take(*(at(610 + 5 * n, 20 + 2 * KWH + 10 * n, off_us=-90 * S) for n in range(20)))
    found = words(desk)
    assert desk.books.register_epoch == 1
    # 190 since it woke: 20 readings, 10 each but the first; nothing is in no bucket
    assert found["low"] + found["high"] == 20 + 2 * KWH + 190
    assert found["nowhere"] == 0


def test_closed_intervals_in_which_it_stood_are_told_though_the_clock_was_set_back_since(desk: Desk) -> None:
    """It stands from 12:00:05 to 12:50, read each five minutes, so that the intervals to 12:15, 12:30 and 12:45 close
    with the 10 of the first seconds, and nothing. At 12:46 the clock is set back by an hour. Then it gives 9 kWh."""
    desk.take(at(-10, 0), at(0, 10), at(5, 20), *(at(300 * n, 20) for n in range(1, 10)))
    desk.take(*(at(2760 + 15 * n, 20, off_us=-H) for n in range(6)))
    desk.take(*(at(3000 + 15 * n, 20 + 9 * KWH + 10 * n, off_us=-H) for n in range(8)))
    desk.commit()
    assert desk.books.register_epoch == 1
    for end in (QUARTER, 2 * QUARTER, 3 * QUARTER):
        word = newest(desk)[end]
        assert (word["revision"], word["import_milliwh"]) == (1, 10 if end == QUARTER else 0)
        # By the clock as it was, each quarter can have had 3 kWh of it.
        assert word["import_uncertain_milliwh"] >= 3 * KWH


def test_what_an_interval_had_of_a_lost_direction_stays_in_it_when_the_clock_is_set_back_within(desk: Desk) -> None:
    """Export counts 1000 until 12:01:40, and cannot be read then; at 12:10 the clock is set back by four minutes, so
    that 12:06 comes again. Each milliwatt-hour that is in a bucket is in an interval."""
    desk.take(at(-10, 0, 0), at(-5, 0, 0), at(0, 0, 0), at(50, 0, 500), at(100, 0, 1000))
    desk.take(*(at(120 + 20 * n, 0) for n in range(24)))
    desk.take(*(at(600 + 20 * n, 0, off_us=-240 * S) for n in range(40)))
    desk.commit()
    assert words(desk, "export")["high"] == 1000
    assert newest(desk)[QUARTER]["export_milliwh"] == 1000


def test_a_step_is_told_in_the_buckets_of_a_direction_that_is_lost_when_the_clock_is_set_right(desk: Desk) -> None:
    """The clock is set back by ten minutes at 11:40, so that it shows noon at 12:10; 1 kW of export are booked in `low`
    until then. At 12:20 export cannot be read, and at 12:30 the clock is set right: 10 minutes at 12 kW are open."""
    desk.take(at(-1300, 0, 0), at(-1295, 0, 0), at(-1220, 0, 20_000))
    behind = -600 * S
    desk.take(*(at(second, 0, 20_000 + (second + 1200) * 1000 // 4, behind) for second in range(-1200, 1200, 60)))
    desk.take(*(at(1200 + 60 * n, 0, None, behind) for n in range(10)))
    before = words(desk, "export")
    desk.take(*(at(1800 + 60 * n, 0) for n in range(8)))
    after = words(desk, "export")
    for bucket in ("open_low", "open_high"):
        assert after[bucket] >= before[bucket]
        assert after[bucket] >= 2 * KWH


def test_a_step_that_only_refused_readings_saw_is_known_after_a_restart(desk: Desk) -> None:
    """After 12:00:05 nothing is available. A minute later the clock is set back by an hour, and a minute after that the
    machine is started anew: 11:05 by its clock."""
    desk.take(at(0, 0), at(5, 10))
    desk.take(*(at(65 + 5 * n, None, off_us=-H) for n in range(12)))
    desk.take(*(at(300 + 5 * n, 600 + 10 * n, off_us=-H, boot="next") for n in range(14)))
    desk.commit()
    (step,) = [one for one in desk.sent("event") if one["event"] == "clock_step"]
    assert step["step_us"] == -H
    found = words(desk)
    # What flowed since 12:00:05 is of 11:00:05 to 11:06:05 by the clock that holds: known, and in `low`.
    assert (found["high"], found["low"], found["nowhere"]) == (10, 600 + 130 - 10, 0)


def test_an_interval_whose_time_came_twice_is_told_of_all_of_it_where_a_direction_is_lost_too(desk: Desk) -> None:
    """12 kW from noon to 12:16. At 12:05 import shows 1 kWh and export 9; the meter is reset at 12:11, so that import
    shows 1 kWh again from 12:16 on, and export 0: as if one had stood and the other fallen. At 12:23:30 the clock is
    set back by a minute: 12:04 comes again, and the quarter that ends at 12:15 by that clock is 16 minutes long."""
    fell_while_it_stood(desk, -60 * S)
    word = newest(desk)[QUARTER]
    assert (word["quality"], word["import_milliwh"]) == ("incomplete", KWH)
    # 3,333,333 mWh a 1000 seconds: 960 of them are 3.2 kWh.
    assert KWH + word["import_uncertain_milliwh"] >= 3_200_000


@pytest.mark.parametrize(
    ("stretches_s", "lacked_s"),
    [
        ([(-20, 500, -620)], 500),
        ([(-20, 500, -600), (-50, 40, -200)], 540),  # the quarter is left, goes on, and is left again
        ([(-20, 500, -400), (110, 150, -300)], 550),  # noon to 500, and 100 to 150 again
    ],
)
def test_all_that_an_interval_lacks_of_a_lost_direction_is_told_however_often_the_clock_is_set_back(
    stretches_s: list[tuple[int, int, int]], lacked_s: int
) -> None:
    """3.6 kW carry 1,000 mWh a second. Export is read at 11:59:30 last, until the clock shows 11:58:20 again: what it
    can have had of the quarter after noon is all the time of that which was shown till then, and a digit at both edges.
    A stretch: from when until when import alone is read, in seconds after noon, and by how much the clock is set then.
    """
    books = accumulator(by_hand(), limit_milliw=3_600_000)
    books.start_epoch(1, reading(NOON_US - 60 * S, 0, 0))
    books.add(reading(NOON_US - 30 * S, 0, 0))
    for from_s, until_s, set_s in stretches_s:
        books.add(reading(NOON_US + from_s * S, 0))
        books.add(reading(NOON_US + until_s * S, 0))
        books.go_back(set_s * S)
    for second in (-100, 0):
        books.add(reading(NOON_US + second * S, 0, 0))
    (quarter,) = books.add(reading(NOON_US + QUARTER * S, 0, 0))
    assert quarter.energy_export == Part(0, 0, lacked_s * 1000 + 2, 0)


def test_control_of_an_interval_whose_time_came_once_no_more_is_told_than_what_it_carries(desk: Desk) -> None:
    """The same, and the clock stays. 12:00:05 to 12:25 is the time between the readings around what is in doubt, of
    which 500 ppm are 0.7475 s: 901.7475 s at 12 kW are 3,005,825 mWh."""
    fell_while_it_stood(desk, 0)
    word = newest(desk)[QUARTER]
    assert (word["quality"], word["import_milliwh"]) == ("incomplete", KWH)
    assert KWH + word["import_uncertain_milliwh"] == 3_005_825


def fell_while_it_stood(desk: Desk, step_us: int) -> None:
    """Import stands at 1 kWh from 12:05 on; export is at 0 from 12:21 on, and the clock is set by so much at 12:23."""
    desk.take(reading(NOON_US, 0, 9 * KWH), reading(NOON_US + 5 * S, 16_667, 9 * KWH))
    desk.take(reading(NOON_US + 300 * S, KWH, 9 * KWH))
    for second in range(1260, 1800, 60):
        one = reading(NOON_US + second * S, KWH, 0)
        off_us = step_us if second > 1400 else 0
        desk.take(moved(one, earliest_us=one.earliest_us + off_us, latest_us=one.latest_us + off_us))
    desk.commit()


def test_interval_that_a_clock_in_between_showed_is_told_of_a_register_that_stood_by_that(desk: Desk) -> None:
    """Read each minute. Nothing flows until 13:31, when the clock is set back by an hour; then 12 kW, and the register
    stands at its first count of it, past the quarter from 12:45 on by the new clock. At 14:02 it is set back by another
    hour, and four minutes later the register gives 6.8 kWh. That quarter was shown twice and has nothing of 3 kWh."""

    def minute(number: int) -> Reading:
        counted = 0 if number < 92 else 10 if number < 126 else 6_800_000
        return at(60 * number, counted, off_us=-H * ((number > 91) + (number > 121)))

    desk.take(*(minute(number) for number in range(134)))
    desk.commit()
    assert desk.books.register_epoch == 1
    quarter = newest(desk)[4 * QUARTER]
    assert (quarter["quality"], quarter["import_milliwh"]) == ("repeated", 0)
    assert quarter["import_uncertain_milliwh"] >= 3 * KWH
