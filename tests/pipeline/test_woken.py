"""Registers that stood and give all at once, beside a digit that says little. By hand; each was once not told.

Readings come every 20 s and the service carries 12 kW: 66,666.7 mWh in that time. `low` until noon, then `high`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bookkeeping.recompute import Again, is_same
from gateway.ledger.schema import migrate
from gateway.registers.exchange import Exchanged

from .test_books import Desk
from .test_exchange import NEW, account, said, say
from .test_standing import quarter
from .test_undecided import LIFE, STEP_US, of_first_quarter, told, uncertain
from .world import KWH, MIN, NOON_US, H, S, reading, register

KILO = 1_000_000
"""A digit of a kilowatt-hour."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def test_coarse_digit_that_may_be_rounded_up_may_as_well_give_what_stood(desk: Desk) -> None:
    """900.9 kWh stands from 11:55:40 on; at 12:00:20 it is 901, a digit of 1 kWh. Either it is rounded up, or 12 kW
    flowed all the time: until noon 260 s of it, 866,667 mWh."""
    counted = [register(LIFE + 900_000 - 10_000 * n, 10_000) for n in (2, 1, 0)]
    stands = [counted[-1]] * 13
    both = [*counted, *stands, register(LIFE + KILO, KILO)]
    desk.take(*(reading(NOON_US + 20 * S - (16 - n) * STEP_US, one) for n, one in enumerate(both)))
    assert desk.books.counters.quarantined == 1  # the very first
    assert uncertain(desk)["low"] >= 866_667


def test_edge_that_passed_before_a_register_was_called_frozen_is_told_anew(desk: Desk) -> None:
    """Digits of 100 Wh. From 12:10 until 14:10 it stands: 3.6 kW flow, but 600 W whenever the power is looked at.

    Ten digits of that take 100 minutes; at 12:15 it lacked 300 Wh. Then it gives 7.2 kWh.
    """
    counted = [LIFE + n // 5 * 100_000 for n in range(31)]
    both = [*counted, *[counted[-1]] * 359, LIFE + 78 * 100_000]
    readings = [reading(NOON_US + n * STEP_US, register(one, 100_000)) for n, one in enumerate(both)]
    desk.take(*(replace(one, snapshot=replace(one.snapshot, power_milliw=600_000)) for one in readings))
    assert [one["direction"] for one in told(desk, "frozen")] == ["import"]
    assert [one["grown_milliwh"] for one in told(desk, "moves_again")] == [7_200_000]
    assert of_first_quarter(desk)["import_milliwh"] == 600_000
    assert of_first_quarter(desk)["import_uncertain_milliwh"] >= 300_000


def test_frozen_register_whose_last_count_the_operator_states_leaves_the_same_open(desk: Desk) -> None:
    """The same until 14:10. At 15:00 the operator says that the meter was exchanged, and showed 7.2 kWh more."""
    counted = [LIFE + n // 5 * 100_000 for n in range(31)]
    both = [register(one, 100_000) for one in (*counted, *[counted[-1]] * 359)]
    readings = [reading(NOON_US + n * STEP_US, one) for n, one in enumerate(both)]
    desk.take(*(replace(one, snapshot=replace(one.snapshot, power_milliw=600_000)) for one in readings))
    assert [one["direction"] for one in told(desk, "frozen")] == ["import"]
    assert isinstance(say(desk, said(LIFE + 78 * 100_000, NEW), NOON_US + 3 * H), Exchanged)
    assert of_first_quarter(desk)["import_milliwh"] == 600_000
    assert of_first_quarter(desk)["import_uncertain_milliwh"] >= 300_000
    again = desk.books.begin_again(desk.timeline().calendar, desk.store.past)
    Again({desk.store.load_meter("grid").meter_id: again}, desk.store.past).catch_up()
    again.find_gone(desk.store.past)
    assert is_same(again.state, desk.books.account)
    assert not again.differences


def test_register_beside_a_wrong_zero_hides_behind_a_coarse_digit_when_that_is_over(desk: Desk) -> None:
    """Both show 0 from 11:50 until 12:05, which export did before; at 12:15 import is back, but by digits of 1 kWh:
    export shows 0 as well if it has 500 Wh, as the next reading says. They may all have flowed before noon."""
    from_us = NOON_US - 10 * MIN
    before = [reading(from_us - (8 - n) * STEP_US, LIFE + 10 * n, 0) for n in range(8)]
    zeros = [reading(from_us + n * STEP_US, 0, 0) for n in range(46)]
    coarse = reading(NOON_US + 15 * MIN, register(LIFE, KILO), register(0, KILO))
    desk.take(*before, *zeros, coarse, reading(NOON_US + 15 * MIN + STEP_US, LIFE + 900, 500_000))
    record = desk.books.state_record()
    assert record is not None
    assert (record["export_bucket_high_milliwh"], record["export_bucket_low_milliwh"]) == (500_000, 0)
    assert int(record["export_uncertain_low_milliwh"] or 0) >= 500_000


def test_display_that_steps_back_by_a_digit_may_have_been_right_before(desk: Desk) -> None:
    """Digits of 100: at 11:50 it shows 1000, at 12:05 900. If 1000 was right, up to 1099 had come by noon."""
    from_us = NOON_US - 10 * MIN
    both = [reading(from_us + n * STEP_US, register(LIFE + 1000, 100)) for n in range(2)]
    desk.take(*both, reading(NOON_US + 5 * MIN, register(LIFE + 900, 100)))
    assert len(told(desk, "stepped_back")) == 1
    assert uncertain(desk)["low"] >= 100 + 99  # the first register's digit, and the edge


@pytest.mark.parametrize(("first", "open_kwh"), [(0, 3), (LIFE, 0)])
def test_fall_within_a_coarse_digit_may_have_been_a_reset_of_a_young_meter(
    desk: Desk, first: int, open_kwh: int
) -> None:
    """Read at 13:00 and 13:00:20, by digits of 1 kWh: 1 kWh since its first day, or 901. At 13:05:20 digits are of 10
    Wh, and it shows 10 Wh; or 900.01 kWh. The young one may have been reset: 1 kWh can have flowed before, and 1 more
    may stand behind the coarse digit; and of what it counts from 0 on, 1 kWh is booked to nobody."""
    shown = first + KILO
    desk.take(*(reading(NOON_US + H + n * 20 * S, register(shown, KILO)) for n in range(2)))
    before = uncertain(desk)["high"]
    rows = [register(shown - KILO + 10_000 * (n + 1), 10_000) for n in range(3)]
    desk.take(*(reading(NOON_US + H + 320 * S + n * 20 * S, one) for n, one in enumerate(rows)))
    assert [one["by_milliwh"] for one in told(desk, "stepped_back")] == [990_000]
    grown = uncertain(desk)["high"] - before
    assert open_kwh * KILO - 10_000 <= grown <= open_kwh * KILO + 100_000


def test_register_beside_one_that_may_have_been_reset_within_its_digit_may_have_been_too(desk: Desk) -> None:
    """Export steps back by its digit of 10 Wh, to 0; import, 20 Wh before, shows 30 in the same moment, five minutes
    on. Both may count from 0 anew: then 1 kWh of import can have flowed, and not 10 Wh."""
    rows = [(10_000, 10_000), (20_000, 10_000), (30_000, 0), (40_000, 0)]
    times_us = (0, 20 * S, 320 * S, 340 * S)
    for at_us, both in zip(times_us, rows, strict=True):
        desk.take(reading(NOON_US + H + at_us, *(register(one, 10_000) for one in both)))
    assert [one["direction"] for one in told(desk, "stepped_back")] == ["export"]
    assert uncertain(desk)["high"] >= KILO - 10_000


@pytest.mark.parametrize("polls", [4, 720])
def test_display_that_flickers_is_told_as_a_possible_reset_once(desk: Desk, polls: int) -> None:
    """A young display between 3 and 2 Wh, each minute, for minutes or for half a day. Reset once it can have kept back
    what P carries in a minute, 200 Wh, and the step back; each display has a digit of 1 Wh."""
    desk.take(*(reading(NOON_US + MIN + n * MIN, register((3 - n % 2) * 1000, 1000)) for n in range(polls)))
    record = desk.books.state_record()
    assert record is not None
    assert 200_000 + 1000 <= int(record["import_uncertain_milliwh"] or 0) <= 200_000 + 1000 + 3 * 1000


def test_single_held_reading_of_a_reset_meter_may_have_stood(desk: Desk) -> None:
    """At 11:00 it shows 2.8 kWh, at 12:10 1.2, 400 s later 10.7: too much for these 400 s, unless it stood.

    If it was reset at 11:05, after another kWh, and stood at 1.2, then 11.7 kWh have flowed; booked are 7.9.
    """
    from_us = NOON_US - 60 * MIN
    desk.take(reading(from_us - STEP_US, 2_799_990), reading(from_us, 2_800_000))
    assert desk.take(reading(NOON_US + 10 * MIN, 1_200_000)) == ["Quarantined"]
    assert desk.take(reading(NOON_US + 10 * MIN + 400 * S, 10_700_000)) == ["Accepted"]
    (resumed,) = told(desk, "resumed")
    assert (resumed["classified"], resumed["rule"]) == ("undecided", "possible_either_way")
    assert uncertain(desk)["high"] >= 11_700_000 - 7_900_000
    desk.commit()
    within = [one for one in desk.sent("interval") if from_us <= one["start_utc_us"] and one["end_utc_us"] <= NOON_US]
    assert len(within) == 4
    for one in within:  # 7.9 kWh in 76 min 40 s; no quarter can have had more than 3, nor less than nothing
        assert one["import_milliwh"] in range(1_545_650, 1_545_655)
        assert 3 * KILO - 1_545_650 <= one["import_uncertain_milliwh"] <= 2 * 1_545_655


def test_direction_that_is_found_again_by_a_coarser_digit_may_have_flowed_in_each_bucket(desk: Desk) -> None:
    """Export is lost at 11:30 and back at 12:10, by digits of 1 kWh: 999,999 mWh may have flowed before noon."""
    from_us = NOON_US - 30 * MIN
    before = [reading(from_us + n * STEP_US, 10 * n, LIFE) for n in range(8)]
    alone = [reading(from_us + n * STEP_US, 10 * n) for n in range(8, 16)]
    desk.take(*before, *alone, reading(NOON_US + 10 * MIN, register(0, KILO), register(LIFE, KILO)))
    record = desk.books.state_record()
    assert record is not None
    assert [one["direction"] for one in told(desk, "direction_found")] == ["export"]
    assert int(record["export_uncertain_low_milliwh"] or 0) >= KILO - 1


def test_what_a_row_that_was_let_go_had_shown_is_told_when_the_registers_go_on(desk: Desk) -> None:
    """Import stands from 11:40 until noon; at 12:00:20 it gives 4 kWh, what 12 kW are in that time. Then nothing is
    read until 12:40, without export first, then with it: in 40 minutes 4 kWh may flow, but they flowed before noon."""
    from_us = NOON_US - 20 * MIN
    counted = [reading(from_us - (8 - n) * STEP_US, LIFE + 10 * n, 7) for n in range(9)]
    stands = [reading(from_us + n * STEP_US, LIFE + 80, 7) for n in range(1, 61)]
    desk.take(*counted, *stands, reading(NOON_US + STEP_US, LIFE + 80 + 4 * KILO, 7))
    desk.take(
        reading(NOON_US + 40 * MIN, LIFE + 90 + 4 * KILO),
        reading(NOON_US + 40 * MIN + STEP_US, LIFE + 100 + 4 * KILO, 7),
    )
    assert desk.books.last_decision == "accepted"
    assert uncertain(desk)["low"] >= 4 * KILO - 66_667


@pytest.mark.parametrize("ends", ["swapped", "wakes"])
def test_edge_before_a_register_was_called_frozen_is_told_once_however_that_ends(desk: Desk, ends: str) -> None:
    """Digits of 100 Wh, read each 5 minutes: 1.2 kW, but 12 kW between 12:10 and 12:15, when it stands already.

    Ten digits of 1.2 kW take 50 minutes: it is called frozen at 13:00. By 12:15 it lacks 1 kWh, and can lack what
    12 kW are since 12:05, when it last may have counted rightly: 2 kWh. Then another meter hangs there, or it moves.
    """
    counted = [LIFE, LIFE + 100_000, *[LIFE + 200_000] * 11]
    both = [reading(NOON_US + n * 5 * MIN, register(one, 100_000), serial="A1") for n, one in enumerate(counted)]
    desk.take(*(replace(one, snapshot=replace(one.snapshot, power_milliw=1_200_000)) for one in both))
    assert [one["direction"] for one in told(desk, "frozen")] == ["import"]
    after, serial = (7 * LIFE, "B2") if ends == "swapped" else (LIFE + 3 * KILO, "A1")
    desk.take(*(reading(NOON_US + n * 5 * MIN, register(after, 100_000), serial=serial) for n in range(13, 18)))
    assert len(told(desk, "moves_again")) == (ends == "wakes")
    assert account(desk)["epoch"] == (2 if ends == "swapped" else 1)
    assert of_first_quarter(desk)["import_milliwh"] == 200_000
    # A digit at either end, and those 2 kWh.
    assert of_first_quarter(desk)["import_uncertain_milliwh"] == 2 * 100_000 + 2 * KILO
    assert uncertain(desk)["low"] == 0


@pytest.mark.parametrize(("gives_milliwh", "stood"), [(3 * KWH, True), (KWH, False)])
def test_register_that_was_seen_to_stand_before_a_restart_and_gives_more_than_has_flowed_since_stood(
    desk: Desk, gives_milliwh: int, stood: bool
) -> None:
    """Read every 20 s; it counts until 11:51 and stands. At 12:10 the clock is set on by an hour, and the only reading
    by the new one shows that it stands; ten minutes later, behind a restart of the machine, it gives 3 kWh. By the
    clock it was booked 70 minutes before, in which 14 can flow; in the ten 2 have."""
    counts = [reading(NOON_US - 10 * MIN + n * STEP_US, LIFE + 10 * min(n, 3)) for n in range(61)]
    at_us, given = NOON_US + 80 * MIN, LIFE + 30 + gives_milliwh
    held = reading(at_us - 10 * MIN + STEP_US, LIFE + 30, monotonic_us=counts[-1].monotonic_us + STEP_US)
    rest = [reading(at_us + n * STEP_US, given + 10 * n, boot_id="2") for n in range(1, 6)]
    assert desk.take(*counts, held)[-1] == "Quarantined"
    assert set(desk.take(*rest)) == {"Accepted"}
    # From 11:50:40, where it was read before it moved last, 560 s of 12 kW.
    told_milliwh = quarter(desk, NOON_US - 10 * MIN)["import_uncertain_milliwh"]
    assert told_milliwh >= 1_866_667 if stood else told_milliwh < 10


@pytest.mark.parametrize(("gives_milliwh", "epoch"), [(3_610_000, 1), (7 * KWH, 2)])
def test_register_that_is_found_may_have_stood_since_it_was_lost(desk: Desk, gives_milliwh: int, epoch: int) -> None:
    """Export is lost at 12:01 and found at 12:20 with 1.33 kWh more; eleven minutes later it shows 3.61 kWh more at
    once, where 2.2 can flow. It may have stood since 12:01: in those 30 minutes 6 can, and 1.33 are booked. No 7."""
    exports = [*[LIFE + 10 * n for n in range(4)], *[None] * 8]
    both = [reading(NOON_US + n * STEP_US, LIFE + 10 * n, one) for n, one in enumerate(exports)]
    found = LIFE + 1_330_000
    later = [reading(NOON_US + 31 * MIN + n * STEP_US, LIFE + 900 + n, found + gives_milliwh + n) for n in range(6)]
    desk.take(*both, reading(NOON_US + 20 * MIN, LIFE + 500, found), *later)
    assert [one["direction"] for one in told(desk, "direction_found")] == ["export"]
    assert account(desk)["epoch"] == epoch


@pytest.mark.parametrize(("lost_at", "power_milliw"), [(1, -3_600_000), (-4, -3_600_000), (1, None), (-4, None)])
def test_register_beside_a_frozen_one_that_is_lost_may_have_woken_with_it(
    desk: Desk, lost_at: int, power_milliw: int | None
) -> None:
    """Read each minute from 11:50. Export counts 3.6 kW and stands from 11:52 on, which its power belies: frozen. It is
    not shown from 12:01 on, or from 11:56; import, which never moved, gives 111 815 mWh at 12:01. A minute of 12 kW
    is 200 000: it may flow then, or before noon. Then import counts. Without a power nobody knows of any freeze."""
    minutes = range(-10, 8)
    imports = [LIFE + (111_815 if n > 0 else 0) + 50_000 * max(n - 5, 0) for n in minutes]
    exports = [LIFE + 60_000 * min(n + 10, 2) if n < lost_at else None for n in minutes]
    both = [reading(NOON_US + n * MIN, *one) for n, *one in zip(minutes, imports, exports, strict=True)]
    desk.take(*(replace(one, snapshot=replace(one.snapshot, power_milliw=power_milliw)) for one in both))
    assert [one["direction"] for one in told(desk, "direction_lost")] == ["export"]
    assert len(told(desk, "frozen")) == (power_milliw is not None)
    assert account(desk) == {"high": 211_815, "first": LIFE, "last": LIFE + 211_815, "epoch": 1}
    # And a digit at either end, and that of the edge; of the 100 000 that it counts then, nothing.
    least = 0 if power_milliw is None else 111_815
    assert all(least <= milliwh <= least + 5 for milliwh in uncertain(desk).values())
