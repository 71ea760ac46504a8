"""Rows of held readings that are over for one register, and leave the other one open: that is told. By hand.

Readings come every 20 s and the service carries 12 kW: 66,666.7 mWh in that time; `high` all the time.
"""

import pytest

from .test_books import Desk
from .test_let_go import ONE_US, of_quarter
from .test_undecided import LIFE, STEP_US, desk, told, uncertain
from .world import KWH, MIN, NOON_US, reading

__all__ = ["desk"]
Row = tuple[int | None, int | None]


def take(desk: Desk, rows: list[Row], from_us: int = NOON_US) -> list[str]:
    return desk.take(*(reading(from_us + n * STEP_US, *row) for n, row in enumerate(rows)))


def export_uncertain(desk: Desk) -> int:
    record = desk.books.state_record()
    assert record is not None
    return int(record["export_uncertain_high_milliwh"] or 0)


def test_register_that_was_not_shown_as_the_other_woke_may_have_stood_as_long(desk: Desk) -> None:
    """Both stand from 12:02:40 on. At 12:20 export alone is shown, 3 kWh on; from 12:20:40 on import alone, 190 Wh on,
    which can have flowed in that minute. But export has shown that the meter had stood, since before 12:15."""
    counted: list[Row] = [(LIFE + 10 * n, 7 * LIFE + n) for n in range(8)]
    stands: list[Row] = [(LIFE + 70, 7 * LIFE + 7)] * 52
    woken: list[Row] = [(None, 7 * LIFE + 3 * KWH + n) for n in range(2)]
    alone: list[Row] = [(LIFE + 190_070 + n, None) for n in range(6)]
    assert take(desk, [*counted, *stands, *woken, *alone])[60:] == ["Quarantined"] * 6 + ["Accepted"] * 2
    assert [one["direction"] for one in told(desk, "direction_lost")] == ["export"]
    assert of_quarter(desk, NOON_US)["import_milliwh"] == 70
    assert of_quarter(desk, NOON_US)["import_uncertain_milliwh"] >= 190_000


@pytest.mark.parametrize(("shown", "open_milliwh"), [(0, 1_900_000), (LIFE + 60_000, 0)])
def test_register_beside_one_that_fell_and_is_gone_may_be_of_a_meter_that_was_reset(
    desk: Desk, shown: int, open_milliwh: int
) -> None:
    """Not read from 13:00:20 to 13:10; then import shows 0, and cannot be read from 13:10:20 on; export has 60 Wh more.
    If the meter was reset, it counted those, and 2 kWh less 60 Wh can have flowed before; not if import counted on."""
    take(desk, [(LIFE, 100), (LIFE, 100)], ONE_US)
    take(desk, [(shown, 60_100), *((None, 60_110 + 10 * n) for n in range(6))], ONE_US + 10 * MIN)
    assert [one["direction"] for one in told(desk, "direction_lost")] == ["import"]
    told_milliwh = export_uncertain(desk)
    assert told_milliwh >= open_milliwh
    assert open_milliwh or told_milliwh < 10


def test_register_that_jumped_beside_a_wrong_zero_may_never_have_counted_what_it_jumped_by(desk: Desk) -> None:
    """From 13:02:40 on import shows 0, and export 450 Wh more, which 12 kW carry in no 20 s; it stands there. At 13:12
    import is back, 10 mWh on: the meter was always the same. But in 9 minutes those 450 Wh may not have flowed."""
    before: list[Row] = [(LIFE + 10 * n, 93 + n) for n in range(8)]
    wrong: list[Row] = [(0, 450_100)] * 28
    assert take(desk, [*before, *wrong, (LIFE + 80, 450_110)], ONE_US)[8:] == ["Quarantined"] * 28 + ["Accepted"]
    assert desk.books.register_epoch == 1
    assert export_uncertain(desk) >= 450_000
    assert uncertain(desk)["high"] < 10
