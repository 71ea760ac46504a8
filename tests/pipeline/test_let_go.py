"""What rows of held readings had shown that were let go before anybody believed them: told all the same. By hand.

Readings come every 20 s and the service carries 12 kW: 66,666.7 mWh in that time. Digits are one milliwatt-hour, so the
first register of an epoch and each bucket edge tell 1. An interval is 15 minutes.
"""

from dataclasses import replace
from typing import Any

import pytest

from drivers import EnergyRegister
from gateway.decision import Limits, Reason, ValidatorState
from gateway.energy import Direction
from gateway.reading.read import Reading
from gateway.registers.gone import fell_before

from .test_books import Desk
from .test_exchange import account
from .test_undecided import LIFE, STEP_US, counting, desk, polled, told, uncertain
from .world import KWH, MIN, NOON_US, SERVICE_MILLIW, H, S, reading

__all__ = ["desk"]
ONE_US = NOON_US + H
"""With no bucket edge at hand."""


def of_quarter(desk: Desk, start_us: int) -> dict[str, Any]:
    """The newest word on the quarter of an hour from then on."""
    desk.commit()
    return [one for one in desk.sent("interval") if one["end_utc_us"] == start_us + 15 * MIN][-1]


def test_intervals_before_have_all_that_a_register_gave_in_a_row_that_was_let_go(desk: Desk) -> None:
    """It stands from 12:01:20 on, is not read from 12:20 until 12:30, and shows 2.5 kWh more: held. 20 s later another
    meter hangs there. In ten minutes 2 kWh can have flowed, but all of it may have flowed before 12:15."""
    row = [*counting(LIFE, 5), *[LIFE + 40] * 56]
    old = [*polled(row, serial="A1"), reading(NOON_US + 30 * MIN, LIFE + 40 + 2_500_000, serial="A1")]
    desk.take(*old, *polled(counting(7 * LIFE, 8), NOON_US + 30 * MIN + STEP_US, serial="B2"))
    assert account(desk) == {"high": 40 + 70, "earlier": 40, "first": 7 * LIFE, "last": 7 * LIFE + 70, "epoch": 2}
    assert of_quarter(desk, NOON_US)["import_milliwh"] == 40
    assert of_quarter(desk, NOON_US)["import_uncertain_milliwh"] >= 2_500_000
    # Twice in no bucket: those 2.5 kWh and what 12 kW give in the 20 s behind; a digit of both epochs and both ends.
    assert uncertain(desk)["high"] == 2_500_000 + 66_667 + 4


def test_bucket_before_has_all_of_it_too(desk: Desk) -> None:
    """The same, and it was read last at noon: before that `low` was open, for the 1000 s since it stands."""
    row = [*counting(LIFE, 5), *[LIFE + 40] * 50]
    from_us = NOON_US - 54 * STEP_US
    old = [*polled(row, from_us, serial="A1"), reading(NOON_US + 10 * MIN, LIFE + 40 + 2_500_000, serial="A1")]
    desk.take(*old, *polled(counting(7 * LIFE, 8), NOON_US + 10 * MIN + STEP_US, serial="B2"))
    assert account(desk)["low"] == 40
    assert uncertain(desk)["low"] >= 2_500_000


def by_a_clock_ahead(readings: list[Reading]) -> list[Reading]:
    """The wall clock is set on by an hour; monotonic time is as it was."""
    return [replace(one, earliest_us=one.earliest_us + H, latest_us=one.latest_us + H) for one in readings]


def test_young_meter_that_counted_by_an_unbelieved_clock_and_fell_may_have_been_reset(desk: Desk) -> None:
    """The clock is set on while 60 Wh are counted; two such readings are held, then it shows 0 again, as at first."""
    desk.take(*polled([0, 0, 0], ONE_US))
    desk.take(*by_a_clock_ahead(polled([60_000, 60_000, *[0] * 8], ONE_US + 60 * S)))
    assert account(desk) == {"epoch": 1}  # all of it is 0
    (resumed,) = told(desk, "resumed")
    assert (resumed["classified"], resumed["rule"]) == ("undecided", "possible_either_way")
    # If it was reset: those 60 Wh, and in the 20 s behind them what 12 kW give; two digits.
    assert uncertain(desk)["high"] == 1 + 60_000 + 66_667 + 2


def test_so_may_one_whose_clock_is_right_again_when_it_falls(desk: Desk) -> None:
    desk.take(*polled([0, 0, 0], ONE_US), *by_a_clock_ahead(polled([60_000], ONE_US + 60 * S)))
    assert desk.take(*polled([0, 0], ONE_US + 80 * S)) == ["Accepted", "Accepted"]
    assert [one["classified"] for one in told(desk, "resumed")] == ["undecided"]
    assert uncertain(desk)["high"] == 1 + 60_000 + 66_667 + 2


def test_so_may_one_that_had_rolled_over_before(desk: Desk) -> None:
    """It passes its width of 1,000 kWh at 13:01, which a minute of readings confirms; then as above."""
    width = 1000 * KWH

    def shown(milliwh: int) -> EnergyRegister:
        return EnergyRegister(milliwh, 1, modulus_milliwh=width)

    rolling = [*(width - 40 + 20 * n for n in range(2)), *(20 * n for n in range(1, 8))]
    held = by_a_clock_ahead([reading(ONE_US + 200 * S, shown(60_140))])
    right = [reading(ONE_US + (220 + 20 * n) * S, shown(140)) for n in range(2)]
    desk.take(*(reading(ONE_US + 20 * n * S, shown(one)) for n, one in enumerate(rolling)))
    assert len(told(desk, "rollover")) == 1
    before = uncertain(desk)["high"]
    assert desk.take(*held, *right) == ["Quarantined", "Accepted", "Accepted"]
    assert [one.get("classified") for one in told(desk, "resumed")][-1:] == ["undecided"]
    # 60,140 less the 140 that it shows again; 20 s at 12 kW; two digits.
    assert uncertain(desk)["high"] == before + 60_000 + 66_667 + 2


@pytest.mark.parametrize("row", [[60_000] * 10, [60_000, 60_000, *counting(60_010, 8)]])
def test_one_that_counts_on_by_that_clock_leaves_nothing_open(desk: Desk, row: list[int]) -> None:
    desk.take(*polled([0, 0, 0], ONE_US), *by_a_clock_ahead(polled([*row], ONE_US + 60 * S)))
    assert account(desk)["last"] == row[-1]
    assert uncertain(desk)["high"] == 1


def test_old_meter_that_shows_a_zero_by_that_clock_leaves_nothing_open(desk: Desk) -> None:
    desk.take(*polled([LIFE, LIFE, LIFE], ONE_US))
    desk.take(*by_a_clock_ahead(polled([LIFE + 60_000, 0, *[LIFE + 60_000] * 8], ONE_US + 60 * S)))
    assert account(desk)["last"] == LIFE + 60_000
    assert uncertain(desk)["high"] == 1


def test_register_that_is_lost_as_the_other_wakes_may_have_stood_as_long(desk: Desk) -> None:
    """Both stand from 12:02:40 on. At 12:20 import gives 3 kWh and export shows 0; at 12:28 it is back, 1.2 kWh on."""
    rows = [(LIFE + 10 * n, 7 * LIFE + n) for n in range(8)] + [(LIFE + 70, 7 * LIFE + 7)] * 52
    rows += [(LIFE + 70 + 3 * KWH + 10 * n, 0) for n in range(24)]
    rows += [(LIFE + 300 + 3 * KWH + 10 * n, 7 * LIFE + 7 + 1_200_000 + n) for n in range(8)]
    desk.take(*(reading(NOON_US + n * STEP_US, *row) for n, row in enumerate(rows)))
    assert [one["direction"] for one in told(desk, "direction_found")] == ["export"]
    # In the 8 minutes that it was lost it can all have flowed; but import shows that the meter had stood.
    assert of_quarter(desk, NOON_US)["export_milliwh"] == 7
    assert of_quarter(desk, NOON_US)["export_uncertain_milliwh"] >= 1_200_000


@pytest.mark.parametrize("off_us", [H, -H])
@pytest.mark.parametrize("first", [100, LIFE])
def test_young_meter_that_woke_in_a_row_and_shows_less_may_have_been_reset_since(
    desk: Desk, first: int, off_us: int
) -> None:
    """It stands from 13:00 on, is not read from 13:05 to 13:15, and shows 2.05 kWh more: held, because 12 kW carry 2
    kWh in that time. 20 s later the clock is wrong once, and it shows 20 mWh more than at 13:05; right again, 50."""
    desk.take(*(reading(ONE_US + n * MIN, first) for n in range(6)))
    woken = reading(ONE_US + 15 * MIN, first + 2_050_000)
    wrong = reading(ONE_US + 15 * MIN + 20 * S, first + 20)
    wrong = replace(wrong, earliest_us=wrong.earliest_us + off_us, latest_us=wrong.latest_us + off_us)
    assert desk.take(woken, wrong, reading(ONE_US + 15 * MIN + 40 * S, first + 50))[-1] == "Accepted"
    assert account(desk)["last"] == first + 50
    if first == LIFE:  # no meter counts to that from 0: what was held was a spike, or is all that stood
        assert 50_000 <= uncertain(desk)["high"] < 60_000
    else:
        # Reset at 13:15, it had given 2 kWh of the ten minutes before; 50 mWh are booked.
        assert uncertain(desk)["high"] >= 2_000_000


@pytest.mark.parametrize("boot", ["boot", "next"])
@pytest.mark.parametrize("off_us", [0, 300 * S])
def test_young_meter_that_fell_by_a_clock_that_is_right_again_may_have_been_reset(
    desk: Desk, off_us: int, boot: str
) -> None:
    """It shows 100 Wh at 13:00:20, 60 at 13:10, by a clock that is five minutes fast then, or is not, and 110 at
    13:10:20, or after the machine was started anew. In 580 s 12 kW carry 1.93 kWh."""
    desk.take(*polled([100_000, 100_000], ONE_US))
    fell = reading(ONE_US + 10 * MIN, 60_000)
    fell = replace(fell, earliest_us=fell.earliest_us + off_us, latest_us=fell.latest_us + off_us)
    assert desk.take(fell, reading(ONE_US + 10 * MIN + 20 * S, 110_000, boot_id=boot)) == ["Quarantined", "Accepted"]
    assert told(desk, "resumed")[-1]["classified"] == "undecided"
    assert uncertain(desk)["high"] >= 1_900_000


@pytest.mark.parametrize(("counted_milliwh", "open_milliwh"), [(0, 3_600_000), (LIFE, 0)])
def test_fall_before_the_clock_was_set_may_have_been_a_reset(
    desk: Desk, counted_milliwh: int, open_milliwh: int
) -> None:
    """A young meter at 3.1 kWh at 12:05 shows 1.5 at 12:10; ten minutes later, by a clock that is two hours ahead, 3.2.
    It may have been reset in the five minutes before, in which 1 can flow, and 1.6 are in no register; and been dead
    since 12:00, where it was read before it moved last: 1 kWh. One that counts on from 900 kWh was not."""
    rows = [(0, counted_milliwh + 3_000_000), (5, counted_milliwh + 3_100_000), (10, 1_500_000)]
    later = [counted_milliwh + 3_200_000 + 10 * n for n in range(6)]
    desk.take(*(reading(NOON_US + minutes * MIN, one) for minutes, one in rows))
    set_on = [reading(NOON_US + 140 * MIN + n * STEP_US, one) for n, one in enumerate(later)]
    assert "Accepted" in desk.take(*(replace(one, monotonic_us=one.monotonic_us - 2 * H) for one in set_on))
    assert account(desk)["epoch"] == 1
    assert uncertain(desk)["high"] in range(open_milliwh, open_milliwh + 5)  # and digits
    assert told(desk, "resumed")[-1].get("import_uncertain_milliwh", 0) in range(open_milliwh, open_milliwh + 5)


@pytest.mark.parametrize(("counted_milliwh", "may_be_reset"), [(0, True), (LIFE, False)])
def test_so_it_may_where_it_stood_where_it_fell_to_until_the_clock_was_set(
    desk: Desk, counted_milliwh: int, may_be_reset: bool
) -> None:
    """The same, but at 12:20 it shows 1.5 kWh still, and five minutes later 6.2: 1 kWh can flow in those, so it stood.
    Reset in the five minutes until 12:10, in which 1 can flow, 1.6 kWh are in no register."""
    rows = [(0, counted_milliwh + 3_000_000), (5, counted_milliwh + 3_100_000), (10, 1_500_000)]
    later = [1_500_000, *(counted_milliwh + 6_200_000 + 10 * n for n in range(7))]
    desk.take(*(reading(NOON_US + minutes * MIN, one) for minutes, one in rows))
    times_us = [NOON_US + 140 * MIN, *(NOON_US + 145 * MIN + n * STEP_US for n in range(7))]
    set_on = [reading(at_us, one) for at_us, one in zip(times_us, later, strict=True)]
    assert "Accepted" in desk.take(*(replace(one, monotonic_us=one.monotonic_us - 2 * H) for one in set_on))
    assert account(desk)["epoch"] == 1
    told_milliwh = uncertain(desk)["high"]
    assert told_milliwh >= 2_600_000 if may_be_reset else told_milliwh < 5


def test_register_beside_one_that_fell_may_be_of_another_meter_though_it_is_not_shown_in_between(desk: Desk) -> None:
    """A young meter, read each five minutes. Export falls from 0.45 to 0 Wh, and import jumps by 524 Wh, which can have
    flowed; then import is not shown once. If another meter hangs there, of those 524 nothing need have flowed, or all
    that can in five minutes beside them: 1 kWh, less what it shows more, is 476."""
    rows = [(60_000, 450), (68_000, 450), (592_000, 0), (600_000, 0), (None, 300_000)]
    rows += [(2_000_000 + 10 * n, 600_000 + 10 * n) for n in range(3)]
    desk.take(*(reading(NOON_US + n * 5 * MIN, *one) for n, one in enumerate(rows)))
    assert account(desk)["epoch"] == 1
    # Until 12:05 it may have been dead since 12:00: 1 kWh besides.
    assert uncertain(desk)["high"] in range(1_000_000 + 524_000, 1_000_000 + 524_000 + 5)


def test_fall_before_the_digit_became_coarser_hides_what_that_digit_does() -> None:
    """Read each five minutes, in which 1 kWh can flow: 0.5 kWh, then 0.1 kWh by a digit of 1 Wh, then 1 kWh by one of
    100 Wh. Reset, the meter can have counted 0.9 kWh before, and 1.1 behind, of which 0.5 are booked: 1.5 are open."""
    rows = [EnergyRegister(500_000, 1000), EnergyRegister(100_000, 1000), EnergyRegister(1_000_000, 100_000)]
    last, row, now = [reading(NOON_US + n * 5 * MIN, one) for n, one in enumerate(rows)]
    state = ValidatorState(1, last, Reason.WENT_BACKWARDS, held_first=row, held_latest=row, held_count=1)
    found = fell_before(state, now, Limits(SERVICE_MILLIW))
    assert found.keys() == {Direction.IMPORT}
    assert 1_500_000 <= found[Direction.IMPORT] <= 1_700_000
