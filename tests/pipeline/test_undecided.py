"""Jumps of which nobody can know what they were: what is booked, and that the other case is told. By hand.

Readings come every 20 s and the service carries 12 kW: 66,666.7 mWh in that time. Digits are one milliwatt-hour, so the
first register of an epoch and each bucket edge tell 1. `low` until noon, then `high`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers import EnergyRegister
from gateway.ledger.schema import migrate
from gateway.reading.read import Reading
from gateway.registers.exchange import Exchanged

from .test_books import Desk
from .test_exchange import account, said, say
from .world import KWH, MIN, NOON_US, H, S, reading, register

LIFE = 900 * KWH
STEP_US = 20 * S


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def polled(registers: list[EnergyRegister | int], from_us: int = NOON_US, serial: str | None = None) -> list[Reading]:
    return [reading(from_us + n * STEP_US, one, serial=serial) for n, one in enumerate(registers)]


def told(desk: Desk, kind: str) -> list[dict[str, Any]]:
    return [dict(row.detail) for row in desk.batch.events if row.kind == kind]


def uncertain(desk: Desk) -> dict[str, int]:
    record = desk.books.state_record()
    assert record is not None
    return {name: int(record[f"import_uncertain_{name}_milliwh"] or 0) for name in ("low", "high")}


def counting(first: int, count: int, every: int = 10) -> list[EnergyRegister | int]:
    return [first + every * n for n in range(count)]


def test_register_that_stood_still_and_gives_all_at_once_is_booked_and_told_since_it_stood(desk: Desk) -> None:
    """No power register. It stands from five minutes before noon until five after, then 1 kWh is there."""
    stands = [LIFE + 50] * 30
    desk.take(*polled([*counting(LIFE, 5), *stands, *counting(LIFE + 50 + KWH, 8)], NOON_US - 20 * STEP_US))
    # the fifth reading of 1 kWh more was booked, and three after it
    assert account(desk) == {"low": 50, "high": KWH + 70, "first": LIFE, "last": LIFE + KWH + 120, "epoch": 1}
    (resumed,) = told(desk, "resumed")
    assert (resumed["classified"], resumed["rule"]) == ("stood_still", "possible_since_it_stood")
    assert resumed["import_since_utc_us"] <= NOON_US - 15 * STEP_US
    # Until noon the service can have carried 300 s of 12 kW, 1 kWh: all of it.
    assert uncertain(desk)["low"] >= KWH
    assert uncertain(desk)["high"] >= KWH


def test_closed_intervals_in_which_it_stood_are_told_anew(desk: Desk) -> None:
    """It stands from 12:10 until 12:50; then 6 kWh are there. No interval can have had more than 3."""
    desk.take(*polled([*counting(LIFE, 30), *[LIFE + 300] * 120, *counting(LIFE + 300 + 6 * KWH, 60)]))
    desk.commit()
    intervals = desk.sent("interval")
    first, second, third = (
        one for one in intervals if one["revision"] == 0 and one["end_utc_us"] <= NOON_US + 45 * MIN
    )
    assert [one["import_uncertain_milliwh"] for one in (first, second, third)] == [2, 2, 2]
    again = {one["supersedes"]: one for one in intervals if one["revision"] == 1}
    assert set(again) == {first["seq"], second["seq"], third["seq"]}
    for one in (second, third):
        assert again[one["seq"]]["import_milliwh"] == 0
        assert again[one["seq"]]["import_uncertain_milliwh"] == 3 * KWH + 2
        assert again[one["seq"]]["quality"] == "estimated"


def test_zeros_that_stand_for_an_hour_lose_nothing_and_end_no_epoch(desk: Desk) -> None:
    desk.take(*polled([*counting(LIFE, 8), *[0] * 180, *counting(LIFE + 1880, 3)]))
    assert account(desk) == {"high": 1900, "first": LIFE, "last": LIFE + 1900, "epoch": 1}
    assert [one["classified"] for one in told(desk, "resumed")] == ["glitch"]


def test_one_register_that_stands_at_zero_does_not_stop_the_other(desk: Desk) -> None:
    """The export register shows 0 for an hour; import counts on. Back again, it tells how much flowed, not when."""
    rows: list[tuple[int, int]] = [(LIFE + 10 * n, 500 + n if not 8 <= n < 188 else 0) for n in range(191)]
    decisions = desk.take(*(reading(NOON_US + n * STEP_US, *row) for n, row in enumerate(rows)))
    assert decisions[12:] == ["Accepted"] * 179  # held were the readings 8 to 11
    assert account(desk)["last"] == LIFE + 1900
    assert [one["direction"] for one in told(desk, "direction_lost")] == ["export"]
    record = desk.books.state_record()
    assert record is not None
    assert record["export_register_milliwh"] == 500 + 190
    assert (record["export_bucket_high_milliwh"], record["export_unassigned_milliwh"]) == (7 + 2, 181)


def test_registers_that_count_from_zero_and_come_back_are_the_old_ones_again(desk: Desk) -> None:
    """8 readings by the meter, 8 that count from 0, then the meter's own again, which has counted on meanwhile."""
    desk.take(*polled([*counting(LIFE, 8), *counting(0, 8), *counting(LIFE + 160, 9)]))
    # 70, then 70 of the same energy; of the 90 from reading 7 to 16, what was not in those 70: 20
    end = {"high": 240, "earlier": 70 + 70, "first": LIFE + 160 - 20, "last": LIFE + 240, "epoch": 3}
    assert account(desk) == end
    returned = told(desk, "epoch")[-1]
    assert (returned["classified"], returned["rule"]) == ("returned", "back_on_the_old_line")
    assert returned["returned_from_import_milliwh"] == LIFE + 70
    assert (returned["previous_import_milliwh"], returned["reading_import_milliwh"]) == (70, LIFE + 160)


def test_another_meter_that_comes_later_is_not_the_old_one_back(desk: Desk) -> None:
    """The same, but 1 kWh more: that much cannot have flowed in the two times that nobody read."""
    desk.take(*polled([*counting(LIFE, 8), *counting(0, 8), *counting(LIFE + 160 + KWH, 9)]))
    assert account(desk)["high"] == 70 + 70 + 80
    assert told(desk, "epoch")[-1]["classified"] == "other_registers"


def test_young_meter_that_was_reset_passes_its_old_count_and_the_other_case_is_told(desk: Desk) -> None:
    desk.take(*polled([100, 110, 5, 60, 150]))
    assert account(desk) == {"high": 50, "first": 100, "last": 150, "epoch": 1}
    (resumed,) = told(desk, "resumed")
    assert (resumed["classified"], resumed["rule"]) == ("undecided", "possible_either_way")
    # If it was reset: 145 since it showed 5, and before that up to 20 s of 12 kW, 66,667; booked are 40; two digits.
    assert uncertain(desk)["high"] == 1 + 66_667 + 145 - 40 + 2


def test_old_meter_that_cannot_have_been_reset_leaves_nothing_open(desk: Desk) -> None:
    desk.take(*polled([LIFE, LIFE + 10, 5, 60, LIFE + 50]))
    assert account(desk)["high"] == 50
    assert uncertain(desk)["high"] == 1


def test_zeros_of_the_old_meter_run_straight_into_a_new_one(desk: Desk) -> None:
    """Readings 8, 9, 10 are zeros of the old meter; before reading 11 another one hangs there, and counted 5."""
    desk.take(*polled([*counting(LIFE, 8), 0, 0, 0, *counting(5, 6)]))
    assert account(desk) == {"high": 70 + 55, "earlier": 70, "last": 55, "epoch": 2}
    # Lost is at most 12 kW from reading 7 to 10, 200,000, and to 11, 66,667 less the 5; three digits.
    assert uncertain(desk)["high"] == 1 + (200_000 + 1) + 1 + (66_667 - 5)


def test_what_one_held_reading_showed_of_a_register_that_had_stood_outlives_its_meter(desk: Desk) -> None:
    """It stands for ten minutes, then 1 kWh is there at once: held. 20 s later another meter hangs there."""
    old = polled([*counting(LIFE, 5), *[LIFE + 40] * 30, LIFE + 40 + KWH], NOON_US, serial="A1")
    desk.take(*old, *polled(counting(7 * LIFE, 8), NOON_US + 36 * STEP_US, serial="B2"))
    assert account(desk) == {"high": 40 + 70, "earlier": 40, "first": 7 * LIFE, "last": 7 * LIFE + 70, "epoch": 2}
    assert told(desk, "epoch")[-1]["classified"] == "meter_replaced"
    # Lost are that 1 kWh and what 12 kW give in the 20 s behind it, 66,667; a digit each of both epochs and both ends.
    assert uncertain(desk)["high"] == KWH + 66_667 + 4


def test_rollover_that_nobody_can_have_seen_is_uncertain(desk: Desk) -> None:
    """Two digits of kilowatt-hours roll over at 10 kWh; in an hour 12 can flow: 1 is booked, it may be 11."""
    narrow = [replace(register(one), modulus_milliwh=10 * KWH) for one in (5 * KWH, 5 * KWH, 6 * KWH)]
    desk.take(*polled([*narrow[:2]]), reading(NOON_US + H, narrow[2]))
    assert [one["times_at_most"] for one in told(desk, "rollover_possible")] == [1]
    assert account(desk)["high"] == KWH
    assert uncertain(desk)["high"] == 1 + 10 * KWH


def test_exchange_stated_too_early_is_undone_by_the_old_meter_itself(desk: Desk) -> None:
    """The operator states an exchange, but the old meter goes on answering; nothing of it is lost."""
    desk.take(*polled(counting(LIFE, 8)))
    assert isinstance(say(desk, said(LIFE + 75, 0), NOON_US + 150 * S), Exchanged)
    desk.take(*polled(counting(LIFE + 80, 8), NOON_US + 160 * S))
    assert told(desk, "epoch")[-1]["classified"] == "returned"
    assert account(desk) == {"high": 150, "earlier": 75, "first": LIFE + 75, "last": LIFE + 150, "epoch": 3}


def test_stated_exchange_tells_the_time_without_a_reading_as_a_gap(desk: Desk) -> None:
    desk.take(*polled(counting(LIFE, 2)))
    assert isinstance(say(desk, said(LIFE + 50, 0), NOON_US + 20 * S + 30 * MIN), Exchanged)
    (gap,) = told(desk, "gap")
    assert (gap["from_utc_us"], gap["to_utc_us"]) == (NOON_US + 20 * S, NOON_US + 20 * S + 30 * MIN)


def test_number_of_a_new_meter_is_kept_though_the_confirming_reading_had_none(desk: Desk) -> None:
    old, new = polled(counting(LIFE, 4), serial="A1"), polled(counting(7 * LIFE, 5), NOON_US + 80 * S, serial="B2")
    desk.take(*old, *new[:4], replace(new[4], serial=None))
    assert account(desk)["epoch"] == 2
    # had the number been lost, any other meter could go on here
    assert desk.take(reading(NOON_US + 300 * S, 7 * LIFE + 60, serial="C3")) == ["Quarantined"]


def test_zeros_that_stood_may_have_been_another_meter_that_gives_all_at_once(desk: Desk) -> None:
    """From 0 to 200 Wh in 20 s is too much for a register that moves, not for one that stood for 100 s."""
    desk.take(*polled([100_000, 100_010, *[0] * 5, 200_000]))
    assert account(desk) == {"high": 100_000, "first": 100_000, "last": 200_000, "epoch": 1}
    (resumed,) = told(desk, "resumed")
    assert (resumed["classified"], resumed["rule"]) == ("undecided", "possible_either_way")
    # If it is another, that can have hung there since after the last 0, and begun with anything: in the two minutes
    # since the last booked reading 12 kW are 400,000; booked are 99,990 of it; two digits.
    assert uncertain(desk)["high"] == 1 + 400_000 - 99_990 + 2


def flowing(rows: list[tuple[int, int]], power_milliw: int, digit_milliwh: int = 1) -> list[Reading]:
    """Import and export from noon on, every 20 s, with the power that the meter shows."""
    both = [(register(one, digit_milliwh), register(other, digit_milliwh)) for one, other in rows]
    readings = [reading(NOON_US + n * STEP_US, *each) for n, each in enumerate(both)]
    return [replace(one, snapshot=replace(one.snapshot, power_milliw=power_milliw)) for one in readings]


def of_first_quarter(desk: Desk) -> dict[str, Any]:
    """The newest word on 12:00 to 12:15."""
    desk.commit()
    return [one for one in desk.sent("interval") if one["end_utc_us"] == NOON_US + 15 * MIN][-1]


def test_register_that_stood_at_zero_beside_a_wrong_zero_is_told_since_then(desk: Desk) -> None:
    """Both show 0 from 11:50 until 12:05, which export did before; at 12:15 import is back, and 500 Wh of export."""
    from_us = NOON_US - 10 * MIN
    before = [reading(from_us - (8 - n) * STEP_US, LIFE + 10 * n, 0) for n in range(8)]
    zeros = [reading(from_us + n * STEP_US, 0, 0) for n in range(46)]
    desk.take(*before, *zeros, reading(NOON_US + 15 * MIN, LIFE + 900, 500_000))
    record = desk.books.state_record()
    assert record is not None
    assert (record["export_bucket_high_milliwh"], record["export_bucket_low_milliwh"]) == (500_000, 0)
    # All of it may have flowed before noon.
    assert int(record["export_uncertain_low_milliwh"] or 0) >= 500_000


def test_register_that_moves_at_once_with_a_frozen_one_is_told_as_long(desk: Desk) -> None:
    """Export is frozen from 12:10 until 12:20; then import has 30 Wh more too, which no export power shows."""
    counted = [(LIFE, 20_000 * n) for n in range(31)]
    stands = [(LIFE, 600_000)] * 29
    desk.take(*flowing([*counted, *stands, *[(LIFE + 30_000, 1_000_000 + n) for n in range(30)]], -3_600_000))
    assert of_first_quarter(desk)["import_milliwh"] == 0
    assert of_first_quarter(desk)["import_uncertain_milliwh"] >= 30_000


def test_frozen_register_may_stand_since_just_after_the_reading_before(desk: Desk) -> None:
    """12 kW, 66,666 mWh in 20 s; it stands from a moment after 12:13:00 on: at 12:15 it lacks 120 s of it, 399,995."""
    counted = [(LIFE + 66_666 * n, 0) for n in range(40)]
    stands = [(LIFE + 66_666 * 39 + 1, 0)] * 20
    desk.take(*flowing([*counted, *stands, *[(LIFE + 66_666 * n, 0) for n in range(60, 70)]], 12_000_000))
    assert of_first_quarter(desk)["import_milliwh"] == 66_666 * 39 + 1
    assert of_first_quarter(desk)["import_uncertain_milliwh"] >= 66_666 * 6 - 1


def test_coarse_register_that_gives_too_much_for_its_time_stood_before(desk: Desk) -> None:
    """Digits of 100 Wh at 3.6 kW, 20 Wh in 20 s; not read from 12:05 until 12:13:20, and it stands since 12:06:40.

    At 12:18 it has 600 Wh more; at 12:15 it lacked 500. Too few digits to be called frozen.
    """
    counted = [(LIFE + n // 5 * 100_000, 0) for n in range(70)]
    stands = [*counted[:40], *[counted[20]] * 14, *counted[54:]]
    readings = flowing(stands, 3_600_000, 100_000)
    desk.take(*readings[:16], *readings[40:])
    assert not told(desk, "frozen")
    assert of_first_quarter(desk)["import_milliwh"] == 400_000
    assert of_first_quarter(desk)["import_uncertain_milliwh"] >= 500_000


def test_row_whose_asleep_register_rolled_over_need_not_move_again(desk: Desk) -> None:
    """Both stand from 12:02:40 on and give 1 kWh each in 20 s, export through its width; then it stands at night."""
    rows = [(LIFE + 10 * n, 9_500_000 + n) for n in range(8)]
    rows += [(LIFE + 70, 9_500_007)] * 40
    rows += [(LIFE + KWH + 10 * n, 500_007) for n in range(8)]
    narrow = [(one, replace(register(other), modulus_milliwh=10 * KWH)) for one, other in rows]
    desk.take(*(reading(NOON_US + n * STEP_US, *each) for n, each in enumerate(narrow)))
    assert account(desk)["last"] == LIFE + KWH + 70
    record = desk.books.state_record()
    assert record is not None
    assert record["export_register_milliwh"] == 10 * KWH + 500_007
    assert [one["classified"] for one in told(desk, "rollover")] == ["rollover"]
    # As much as the fifth of them has grown by may not have flowed: 1 kWh and 40 less the 70 before.
    assert uncertain(desk)["high"] >= KWH - 30
    assert int(record["export_uncertain_high_milliwh"] or 0) >= KWH


def test_register_that_jumped_and_stood_there_may_never_have_counted_what_it_jumped_by(desk: Desk) -> None:
    """Import shows 1.5 kWh more from 13:00:40 on, which 12 kW carry in no 40 s, and stands there while export counts;
    at 13:10 it counts on from there. In ten minutes 2 kWh can have flowed, or nothing but the last 50 mWh."""
    rows = [(100, LIFE + n) for n in range(2)] + [(100 + 1_500_000, LIFE + 2 + n) for n in range(5)]
    desk.take(*(reading(NOON_US + H + n * STEP_US, *row) for n, row in enumerate(rows)))
    assert [one["direction"] for one in told(desk, "direction_lost")] == ["import"]
    desk.take(reading(NOON_US + H + 10 * MIN, 100 + 1_500_050, LIFE + 60))
    assert account(desk)["last"] == 100 + 1_500_050
    assert uncertain(desk)["high"] >= 1_500_000


@pytest.mark.parametrize("back_milliwh", [0, 1])
def test_register_that_steps_back_from_where_it_jumped_to_need_not_have_counted_that(
    desk: Desk, back_milliwh: int
) -> None:
    """The same, by a register with a width; at 13:10 export counts on, and import shows a last digit less, or moves on
    by one: that is within reach by now, and no proof that it was counted."""
    wide = [replace(register(one), modulus_milliwh=100_000 * KWH) for one in (100, 1_500_100)]
    rows = [(wide[0], LIFE + n) for n in range(2)] + [(wide[1], LIFE + 2 + n) for n in range(5)]
    desk.take(*(reading(NOON_US + H + n * STEP_US, *row) for n, row in enumerate(rows)))
    assert [one["direction"] for one in told(desk, "direction_lost")] == ["import"]
    again = replace(wide[1], milliwh=1_500_101 - 2 * back_milliwh)
    desk.take(reading(NOON_US + H + 10 * MIN, again, LIFE + 60))
    assert account(desk)["last"] == again.milliwh
    assert uncertain(desk)["high"] >= 1_499_999
