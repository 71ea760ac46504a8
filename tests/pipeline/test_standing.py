"""Meters that may have been dead when they were exchanged, and freezes that began where nobody looked. By hand.

The service carries 12 kW: 1 kWh in five minutes. `low` until noon, then `high`; intervals are quarters of an hour.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.decision import Basis
from gateway.ledger.schema import migrate
from gateway.reading.read import Reading
from gateway.registers.exchange import Exchanged

from .jump_histories import WIDTH, wide
from .test_books import Desk
from .test_exchange import NEW, account, said, say
from .test_undecided import LIFE, STEP_US, told, uncertain
from .world import KWH, MIN, NOON_US, H, S, reading, register


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def export_uncertain(desk: Desk) -> tuple[int, int]:
    record = desk.books.state_record()
    assert record is not None
    return int(record["export_uncertain_low_milliwh"] or 0), int(record["export_uncertain_high_milliwh"] or 0)


def quarter(desk: Desk, start_us: int) -> dict[str, int]:
    """The newest word on the interval that begins then."""
    desk.commit()
    return next(one for one in reversed(desk.sent("interval")) if one["start_utc_us"] == start_us)


def powered(one: Reading, power_milliw: int) -> Reading:
    return replace(one, snapshot=replace(one.snapshot, power_milliw=power_milliw))


def swapped(from_us: int, power_milliw: int | None = None) -> list[Reading]:
    """Five of another meter, each five minutes."""
    new = [reading(from_us + n * 5 * MIN, 7 * LIFE + 10 * n, 7 * LIFE, serial="B2") for n in range(5)]
    return new if power_milliw is None else [powered(one, power_milliw) for one in new]


def test_meter_that_stood_until_it_was_exchanged_may_have_been_dead(desk: Desk) -> None:
    """Read each five minutes; import counts until 11:30, export stood all day. Both stand at 12:10; at 12:15 hangs
    another meter. The first may have died just behind 11:25: until noon that is 35 minutes, 7 kWh, of either."""
    before = [reading(NOON_US - 40 * MIN + n * 5 * MIN, LIFE + 10 * min(n, 2), LIFE, serial="A1") for n in range(11)]
    desk.take(*before)
    assert (uncertain(desk)["low"], export_uncertain(desk)[0]) == (2, 2)  # a digit at the first, and one at noon
    desk.take(*swapped(NOON_US + 15 * MIN))
    assert account(desk)["epoch"] == 2
    assert uncertain(desk)["low"] == export_uncertain(desk)[0] == 2 + 7 * KWH
    # From noon on 10 minutes of it, 2 kWh, and the 5 minutes to the new meter, 1 kWh: no bucket is told of twice that.
    assert 3 * KWH <= uncertain(desk)["high"] <= 2 * 3 * KWH
    for since_min, kilowatthours in ((40, 1), (30, 3), (15, 3)):  # of the first, from 11:20, only five minutes
        one = quarter(desk, NOON_US - since_min * MIN)
        assert one["export_milliwh"] == 0
        assert kilowatthours * KWH <= one["export_uncertain_milliwh"] <= kilowatthours * KWH + 2


def test_export_that_stands_all_night_beside_import_that_counts_is_not_in_doubt(desk: Desk) -> None:
    """Read each half hour from 03:00 to 11:30; import counts each time, export never. At noon hangs another meter."""
    night = [reading(NOON_US - 9 * H + n * 30 * MIN, LIFE + 10 * n, LIFE, serial="A1") for n in range(18)]
    desk.take(*night, *swapped(NOON_US))
    assert account(desk)["epoch"] == 2
    # Half an hour until the last reading, in which it moved and may have died, and half an hour behind it: 12 kWh.
    assert 12 * KWH <= export_uncertain(desk)[0] <= 12 * KWH + 2
    assert quarter(desk, NOON_US - 75 * MIN)["export_uncertain_milliwh"] <= 2


def test_register_beside_a_frozen_one_may_have_stood_as_well_when_both_are_exchanged(desk: Desk) -> None:
    """Import and 3.6 kW until 11:30, read each five minutes; import stands from then on and is called frozen. That
    export stands too says nothing, but if the meter is dead it is in doubt: since 11:25, 7 kWh until noon."""
    from_us = NOON_US - 40 * MIN
    before = [reading(from_us + n * 5 * MIN, LIFE + 300_000 * min(n, 2), LIFE, serial="A1") for n in range(11)]
    desk.take(*(powered(one, 3_600_000) for one in before), *swapped(NOON_US + 15 * MIN, 0))
    assert [one["direction"] for one in told(desk, "frozen")] == ["import"]
    assert account(desk)["epoch"] == 2
    assert export_uncertain(desk)[0] == 2 + 7 * KWH
    assert 7 * KWH <= uncertain(desk)["low"] <= 2 * 7 * KWH


def test_meter_that_died_while_nobody_read_and_is_exchanged_is_told_without_a_hole(desk: Desk) -> None:
    """12 kW, read at noon and then not for 20 minutes, in which it has counted 67 Wh; it stands there, read each 20 s,
    and is called frozen. From noon to the last reading at 12:22:20 are 1340 s: 4 466 667 mWh. 20 s later another meter
    hangs there: 66 667; three digits."""
    at_us = [NOON_US, *(NOON_US + 20 * MIN + n * STEP_US for n in range(8))]
    old = [reading(one, LIFE + 66_667 * bool(n), serial="A1") for n, one in enumerate(at_us)]
    new = [reading(at_us[-1] + n * STEP_US, 66_667 * n, serial="B2") for n in range(1, 6)]
    desk.take(*(powered(one, 12_000_000) for one in (*old, *new)))
    assert [one["direction"] for one in told(desk, "frozen")] == ["import"]
    assert account(desk)["epoch"] == 2
    assert uncertain(desk)["high"] == 4_466_667 + 66_667 + 3


def test_freeze_that_began_while_nobody_read_is_told_since_the_reading_before(desk: Desk) -> None:
    """3.6 kW, read each five minutes until 11:15, then not before 12:05: it stands, and is called frozen at 12:10.
    It may have died just behind 11:10, and the quarter from 11:45 on may lack all that 12 kW are: 3 kWh."""
    counted = [powered(reading(NOON_US - 60 * MIN + n * 5 * MIN, LIFE + 300_000 * n), 3_600_000) for n in range(4)]
    stands = [powered(reading(NOON_US + n * 5 * MIN, LIFE + 900_000), 3_600_000) for n in range(1, 6)]
    desk.take(*counted, *stands)
    assert [one["direction"] for one in told(desk, "frozen")] == ["import"]
    one = quarter(desk, NOON_US - 15 * MIN)
    assert one["import_milliwh"] == 0
    assert 3 * KWH <= one["import_uncertain_milliwh"] <= 3 * KWH + 2
    assert uncertain(desk)["low"] >= 10 * KWH  # fifty minutes


def test_what_a_frozen_register_gives_is_told_once(desk: Desk) -> None:
    """Export stands all night, from 03:00 on, beside import that counts until 11:00; then 3.6 kW flow out, read each
    five minutes. Export is called frozen at 11:10, and gives 3 kWh at 11:50; it may have died behind 10:55. By 11:50
    that is 55 minutes, 11 kWh: of all that was told since nobody may add what it gave, of the night nobody at all."""
    night = [powered(reading(NOON_US - 9 * H + n * 5 * MIN, LIFE + 10 * n, LIFE), 0) for n in range(97)]
    frozen = [powered(reading(NOON_US - H + n * 5 * MIN, LIFE + 960, LIFE), -3_600_000) for n in range(1, 10)]
    awake = powered(reading(NOON_US - 10 * MIN, LIFE + 960, LIFE + 3 * KWH), -3_600_000)
    later = powered(reading(NOON_US + 5 * MIN, LIFE + 970, LIFE + 3 * KWH + 900_000), -3_600_000)
    desk.take(*night, *frozen, awake, later)
    assert [one["direction"] for one in told(desk, "frozen")] == ["export"]
    assert [one["grown_milliwh"] for one in told(desk, "moves_again")] == [3 * KWH]
    assert quarter(desk, NOON_US - 75 * MIN)["export_uncertain_milliwh"] in range(KWH, KWH + 3)  # five minutes of it
    assert quarter(desk, NOON_US - 90 * MIN)["export_uncertain_milliwh"] <= 2
    # Nothing is booked in them, and they carry 3 kWh; 3.15 by a clock that is 44 s wrong, and what was lost in a minute
    # before the first began, if it was.
    for number, milliwh in ((2, 3_150_000), (3, 3_150_000), (4, 3_210_000)):
        assert 3 * KWH <= quarter(desk, NOON_US - number * 15 * MIN)["export_uncertain_milliwh"] <= milliwh
    assert quarter(desk, NOON_US - 15 * MIN)["export_uncertain_milliwh"] >= 3 * KWH - 3 * 300_000


def test_open_interval_in_which_a_register_is_called_frozen_tells_what_stood_before_it(desk: Desk) -> None:
    """3.6 kW, read each minute from 10:50 on; it stands from 11:00 and is called frozen by 11:03, in an interval that
    began at 11:00: two minutes before which, at 12 kW, are no more than 0.4 kWh; it has 3 kWh if it stands on."""
    both = [powered(reading(NOON_US - 70 * MIN + n * MIN, LIFE + 60_000 * min(n, 10)), 3_600_000) for n in range(27)]
    desk.take(*both)
    assert [one["direction"] for one in told(desk, "frozen")] == ["import"]
    one = quarter(desk, NOON_US - 60 * MIN)
    assert one["import_milliwh"] == 0
    assert 3 * KWH <= one["import_uncertain_milliwh"] <= 3 * KWH + 400_000


@pytest.mark.parametrize(("closing_milliwh", "open_milliwh"), [(LIFE + 20, 7 * KWH), (LIFE + 30, 0)])
def test_meter_whose_stated_closing_register_stood_may_have_been_dead(
    desk: Desk, closing_milliwh: int, open_milliwh: int
) -> None:
    """As the first, with import alone, read until 12:10; at 12:14 the operator states the exchange. One that has moved
    since was alive."""
    before = [reading(NOON_US - 40 * MIN + n * 5 * MIN, LIFE + 10 * min(n, 2)) for n in range(11)]
    desk.take(*before)
    assert isinstance(say(desk, said(closing_milliwh, NEW), NOON_US + 14 * MIN), Exchanged)
    assert uncertain(desk)["low"] == 2 + open_milliwh


def test_bucket_edge_before_a_register_was_called_frozen_is_told_by_its_own_time(desk: Desk) -> None:
    """Digits of 100 Wh, 1.2 kW, read each five minutes; import stands from 11:50 and is called frozen at 12:40, when
    ten digits are missing. It may have died behind 11:45: by noon that is 3 kWh, in either bucket, not the 11 of 12:40.
    """
    counted = [register(LIFE + 100_000 * min(n, 2), 100_000) for n in range(13)]
    both = [powered(reading(NOON_US - 20 * MIN + n * 5 * MIN, one), 1_200_000) for n, one in enumerate(counted)]
    desk.take(*both[:-1])
    assert not told(desk, "frozen")
    desk.take(both[-1])
    assert [one["direction"] for one in told(desk, "frozen")] == ["import"]
    # Told at noon itself: a digit, and twice the 200 Wh that are overdue; a digit at the first reading.
    assert uncertain(desk) == {"low": 100_000 + 500_000 + 3 * KWH, "high": 500_000 + 3 * KWH}


def test_rollover_that_may_have_been_a_reset_may_have_been_one_of_a_dead_meter(desk: Desk) -> None:
    """Both stand from 11:30 on, export 1 Wh below its width; at 12:15 export shows 0, import 10 more, and both count.
    If the meter was reset, it may have been dead since 11:25, as the first: 7 kWh until noon."""
    below = [wide(LIFE + 10 * min(n, 2)) for n in range(11)]
    stands = [reading(NOON_US - 40 * MIN + n * 5 * MIN, one, wide(WIDTH - 1000)) for n, one in enumerate(below)]
    counts = [reading(NOON_US + (n + 3) * 5 * MIN, wide(LIFE + 30 + 10 * n), wide(10 * n)) for n in range(5)]
    desk.take(*stands, *counts)
    assert [one["classified"] for one in told(desk, "rollover")] == ["rollover"]
    assert export_uncertain(desk)[0] >= 7 * KWH


def test_register_that_counts_on_beside_one_that_fell_may_be_of_the_meter_behind_a_dead_one(desk: Desk) -> None:
    """As the first, but without a number, and from 12:15 on import shows 10 more each time, as if it were the old one,
    beside export at 0. If it is another meter's, the old one may have been dead: 7 kWh of import until noon."""
    before = [reading(NOON_US - 40 * MIN + n * 5 * MIN, LIFE + 10 * min(n, 2), LIFE) for n in range(11)]
    beside = [reading(NOON_US + (n + 3) * 5 * MIN, LIFE + 30 + 10 * n, 0) for n in range(5)]
    desk.take(*before, *beside)
    assert [one["direction"] for one in told(desk, "direction_lost")] == ["export"]
    assert account(desk)["epoch"] == 1
    assert uncertain(desk)["low"] >= 7 * KWH


def test_register_that_fell_and_stands_there_may_be_of_the_meter_behind_a_dead_one(desk: Desk) -> None:
    """The same: export may have been dead as well, and nobody may have to wait for it to count again. From 12:40 on it
    does, and that tells nothing of before noon again: 7 kWh it stays."""
    before = [reading(NOON_US - 40 * MIN + n * 5 * MIN, LIFE + 10 * min(n, 2), LIFE) for n in range(11)]
    beside = [reading(NOON_US + (n + 3) * 5 * MIN, LIFE + 30 + 10 * n, max(n - 4, 0) * 10) for n in range(10)]
    desk.take(*before, *beside[:5])
    assert [one["direction"] for one in told(desk, "direction_lost")] == ["export"]
    assert export_uncertain(desk)[0] == 2 + 7 * KWH
    assert quarter(desk, NOON_US - 15 * MIN)["export_uncertain_milliwh"] in range(3 * KWH, 3 * KWH + 3)
    desk.take(*beside[5:])
    assert account(desk)["epoch"] == 2
    assert export_uncertain(desk)[0] == 2 + 7 * KWH


@pytest.mark.parametrize(("moves", "open_milliwh"), [(2, 7 * KWH), (10, 0)])
def test_young_meter_that_may_have_been_reset_may_have_been_dead(desk: Desk, moves: int, open_milliwh: int) -> None:
    """As the first, but young and without a number. At 12:15 it shows less, at 12:20 more than ever: it was a glitch,
    or the meter was reset and has passed its old count. Then it may have been dead: 7 kWh until noon, of either. One
    whose import counted until 12:10 was alive."""
    from_us = NOON_US - 40 * MIN
    desk.take(*(reading(from_us + n * 5 * MIN, 1000 + 10 * min(n, moves), 1000) for n in range(11)))
    desk.take(reading(NOON_US + 15 * MIN, 50, 30), reading(NOON_US + 20 * MIN, 2000, 1500))
    assert [one["classified"] for one in told(desk, "resumed")] == ["undecided"]
    assert (uncertain(desk)["low"], export_uncertain(desk)[0]) == (2 + open_milliwh, 2 + open_milliwh)


@pytest.mark.parametrize(("import_first", "export"), [(0, 0), (0, LIFE), (LIFE, 0)])
def test_frozen_young_meter_may_have_been_reset_before_it_moves_again(
    desk: Desk, import_first: int, export: int
) -> None:
    """12 kW flow, read each five minutes. It freezes at 1 kWh at 12:05, is called so at 12:10, and read until 12:20; at
    12:45 it shows 2 kWh. A young one was reset at 12:35, say: 8 kWh have flowed since 12:05, and 1 is booked. One that
    shows 900 kWh beside it, or there, has not begun at 0: it gave what it had kept back."""
    counted = [0, KWH, KWH, KWH, KWH]
    rows = [reading(NOON_US + n * 5 * MIN, import_first + one, export) for n, one in enumerate(counted)]
    desk.take(reading(NOON_US - 20 * S, import_first, export), *(powered(one, 12_000_000) for one in rows))
    assert [one["direction"] for one in told(desk, "frozen")] == ["import"]
    before_milliwh, export_milliwh = uncertain(desk)["high"], export_uncertain(desk)[1]
    desk.take(powered(reading(NOON_US + 45 * MIN, import_first + 2 * KWH, export), 12_000_000))
    assert [one["grown_milliwh"] for one in told(desk, "moves_again")] == [KWH]
    told_milliwh = uncertain(desk)["high"] - before_milliwh
    if import_first or export:
        assert told_milliwh <= KWH + 2
        return
    # It can have stood since 12:00, when it was read before it moved last: that is 9 kWh, and 1 is booked. Of export
    # all 9 can have flowed.
    assert told_milliwh in range(8 * KWH, 8 * KWH + 10)
    assert export_uncertain(desk)[1] - export_milliwh in range(9 * KWH, 9 * KWH + 10)
    # 3 kWh flowed in each of both quarters; 1 kWh is booked in the first, and 10 of 25 minutes' kWh in the second.
    for since_min, booked_milliwh in ((0, KWH), (15, 400_000)):
        one = quarter(desk, NOON_US + since_min * MIN)
        assert one["import_milliwh"] == booked_milliwh
        assert one["import_uncertain_milliwh"] >= 3 * KWH - booked_milliwh


@pytest.mark.parametrize(("moved_milliwh", "open_milliwh"), [(0, 13_100_000), (10, 8_000_000)])
def test_meter_found_frozen_may_give_what_flowed_before_it_was_found(
    desk: Desk, moved_milliwh: int, open_milliwh: int
) -> None:
    """12 kW flow until noon, then 1.2. A meter is read until 10:55, another from 11:20 on, every four minutes: it froze
    at 11:16, and gives 8.9 kWh at 12:05, 8.8 of which flowed before noon. Beside what 12 kW are from half a minute
    before 11:20 until noon, 8.1 kWh, it may give what flowed in the 25 minutes in which nobody read, 5 kWh. One that
    had moved once since it was found died behind 11:20: 8 kWh."""
    old = [reading(NOON_US - (70 - 5 * n) * MIN, LIFE + n * KWH, serial="A1") for n in range(2)]
    at_us = [*(NOON_US - (40 - 4 * n) * MIN for n in range(10)), NOON_US + MIN]
    stands = [reading(one, 7 * LIFE + moved_milliwh * (n > 0), serial="B2") for n, one in enumerate(at_us)]
    desk.take(*(powered(one, 12_000_000 if one.latest_us < NOON_US else 1_200_000) for one in (*old, *stands)))
    assert [one["direction"] for one in told(desk, "frozen")] == ["import"]
    gives = 7 * LIFE + moved_milliwh + 8_900_000
    rows = [reading(NOON_US + 5 * MIN, gives, serial="B2"), reading(NOON_US + 20 * MIN, gives + 300_000, serial="B2")]
    desk.take(*(powered(one, 1_200_000) for one in rows))
    assert [one["grown_milliwh"] for one in told(desk, "moves_again")] == [8_900_000]
    assert account(desk)["high"] == 8_900_000 + 300_000
    assert uncertain(desk)["high"] in range(open_milliwh, open_milliwh + 10)
    one = quarter(desk, NOON_US)
    assert one["import_milliwh"] == 8_900_000 + 200_000  # and ten of fifteen minutes
    assert moved_milliwh or one["import_uncertain_milliwh"] >= 8_800_000


@pytest.mark.parametrize(("power_milliw", "frozen_milliwh"), [(0, 0), (-6 * KWH, 533_334)])
def test_zeros_of_another_meter_while_power_flows_are_told_when_it_counts(
    desk: Desk, power_milliw: int, frozen_milliwh: int
) -> None:
    """Read every 20 s. Another meter shows 0 for 160 s while 6 kW are exported, and then counts from there: what flowed
    in that time is in none of its readings. Where no power says so, a 0 is a 0."""
    old = [reading(NOON_US + n * STEP_US, LIFE + 10 * n, LIFE, serial="A1") for n in range(4)]
    new = [reading(NOON_US + n * STEP_US, 0, max(n - 11, 0), serial="B2") for n in range(4, 14)]
    desk.take(*old, *(powered(one, power_milliw) for one in new))
    assert account(desk)["epoch"] == 2
    # 12 kW from reading 3 to 4, 66,667; the first digit of each epoch, the last of the old; 12 kW from reading 4 to 12.
    assert export_uncertain(desk)[1] == 1 + 66_667 + 1 + 1 + frozen_milliwh


def test_register_that_woke_before_its_row_was_believed_is_told(desk: Desk) -> None:
    """Read every five minutes; by its number it is another meter. Its export stands for two readings while 6 kW are
    exported, and counts from the third on; with the fifth it is believed."""
    old = [reading(NOON_US + n * STEP_US, LIFE + 10 * n, LIFE, serial="A1") for n in range(2)]
    exports = [700, 700, *(701 + 500_000 * n for n in range(3))]
    new = [reading(NOON_US + STEP_US + (n + 1) * 5 * MIN, 800, one, serial="B2") for n, one in enumerate(exports)]
    assert desk.take(*old, *(powered(one, -6 * KWH) for one in new))[2:] == ["Quarantined"] * 4 + ["NewEpoch"]
    # Five minutes of 12 kW until its first, 1 kWh. It may have stood since half a minute before that, until the third:
    # ten minutes and a half, 2.1 kWh. The first digit of each epoch, the last of the old.
    assert export_uncertain(desk)[1] == 1 + KWH + 1 + 1 + 2_100_000


def test_meter_that_stood_while_its_ratio_was_changed_may_have_given_in_between(desk: Desk) -> None:
    """As the first, with import alone. At 12:12 the config has a new ratio, 2, and the gateway is started again, at
    which the meter wakes: 6 kWh that it had kept back since 11:30 are in the first register of the new epoch, and in
    the growth of none. That a config changed does not say that the meter was alive: 7 kWh until noon."""
    desk.books = desk.by(Basis("a profile", "ratio 1"))
    desk.take(*(reading(NOON_US - 40 * MIN + n * 5 * MIN, LIFE + 10 * min(n, 2)) for n in range(11)))
    desk.commit()
    desk.books = desk.by(Basis("a profile", "ratio 2"))
    awake = 2 * (LIFE + 20 + 6 * KWH)
    desk.take(*(reading(NOON_US + 15 * MIN + n * 5 * MIN, awake + 20 * n) for n in range(5)))
    assert [one["classified"] for one in told(desk, "epoch")] == ["ratio_changed"]
    assert account(desk) == {"low": 20, "high": 80, "earlier": 20, "first": awake, "last": awake + 80, "epoch": 2}
    assert uncertain(desk)["low"] == 2 + 7 * KWH
    assert quarter(desk, NOON_US - 15 * MIN)["import_uncertain_milliwh"] in range(3 * KWH, 3 * KWH + 3)


def test_interval_whose_time_came_twice_before_a_dead_meter_was_exchanged_can_have_had_it_twice(desk: Desk) -> None:
    """Read each five minutes until 12:10; it stands since noon, and may have died behind 11:55. The clock is set back
    by five minutes, and at 12:20 by it another meter hangs there: of the interval from 12:00 to 12:15 twenty minutes
    passed, 4 kWh, and not the 3 that a quarter of an hour carries."""
    before = [reading(NOON_US - 10 * MIN + n * 5 * MIN, LIFE + 10 * min(n, 2), serial="A1") for n in range(5)]
    desk.take(*before)
    late_us = before[-1].monotonic_us + 15 * MIN
    for n in range(5):
        at_us = NOON_US + 20 * MIN + n * 5 * MIN
        desk.take(reading(at_us, 7 * LIFE + 10 * n, serial="B2", monotonic_us=late_us + n * 5 * MIN))
    assert [one["step_us"] for one in told(desk, "clock_step")] == [-5 * MIN]
    assert account(desk)["epoch"] == 2
    one = quarter(desk, NOON_US)
    assert (one["import_milliwh"], one["quality"]) == (0, "incomplete")
    assert 4 * KWH <= one["import_uncertain_milliwh"] <= 6 * KWH + 2
