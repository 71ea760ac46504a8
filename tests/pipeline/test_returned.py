"""The old registers come back: one of them cannot be read any more, or was back before the other. By hand.

Readings come every 20 s and the service carries 12 kW: 66,666.7 mWh in that time.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ledger.schema import migrate

from .test_books import Desk
from .test_exchange import account
from .test_undecided import LIFE, STEP_US, told, uncertain
from .world import KWH, NOON_US, H, S, moved, reading


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def exported(desk: Desk, what: str) -> int:
    record = desk.books.state_record()
    assert record is not None
    return int(record[f"export_{what}_milliwh"] or 0)


def take(desk: Desk, rows: list[tuple[int, int | None]]) -> None:
    desk.take(*(reading(NOON_US + n * STEP_US, *row) for n, row in enumerate(rows)))


def test_old_line_goes_on_though_one_register_is_gone(desk: Desk) -> None:
    """8 readings by the meter, 8 that count from 0, then the meter's own again, but import alone."""
    before = [(LIFE + 10 * n, 500 + n) for n in range(8)]
    wrong = [(10 * n, n) for n in range(8)]
    take(desk, [*before, *wrong, *[(LIFE + 160 + 10 * n, None) for n in range(9)]])
    # 70, then 70 of the same energy; of the 90 from reading 7 to 16, what was not in those 70: 20
    end = {"high": 240, "earlier": 70 + 70, "first": LIFE + 160 - 20, "last": LIFE + 240, "epoch": 3}
    assert account(desk) == end
    returned = told(desk, "epoch")[-1]
    assert (returned["classified"], returned["rule"]) == ("returned", "back_on_the_old_line")
    assert [one["direction"] for one in told(desk, "direction_lost")] == ["export"]
    # Of export nothing says what it counted in the two times that nobody read, 20 s each.
    assert exported(desk, "bucket_high") == 7 + 7
    assert exported(desk, "uncertain_high") >= 2 * 66_667


def test_what_a_register_kept_back_that_is_gone_is_told(desk: Desk) -> None:
    """Export stood for ten minutes before that: up to 2 kWh at 12 kW."""
    before = [(LIFE + 10 * n, 500) for n in range(31)]
    wrong = [(10 * n, n) for n in range(8)]
    take(desk, [*before, *wrong, *[(LIFE + 390 + 10 * n, None) for n in range(9)]])
    assert account(desk)["high"] == 300 + 90 + 80
    assert told(desk, "epoch")[-1]["classified"] == "returned"
    assert exported(desk, "uncertain_high") >= 2 * KWH


def test_more_than_can_have_flowed_is_not_the_old_line_with_one_register_less(desk: Desk) -> None:
    before = [(LIFE + 10 * n, 500 + n) for n in range(8)]
    wrong = [(10 * n, n) for n in range(8)]
    take(desk, [*before, *wrong, *[(LIFE + 160 + KWH + 10 * n, None) for n in range(9)]])
    assert told(desk, "epoch")[-1]["classified"] == "other_registers"
    assert account(desk)["high"] == 70 + 70 + 80


def test_register_that_stood_at_zero_meanwhile_has_not_lost_what_it_counted(desk: Desk) -> None:
    """Export begins anew, so zeros of import are believed too; 180 s later import has 500 Wh more than it had."""
    before: list[tuple[int, int | None]] = [(LIFE + 10 * n, 500 + n) for n in range(8)]
    wrong: list[tuple[int, int | None]] = [(0, n) for n in range(8)]
    take(desk, [*before, *wrong, *[(LIFE + 500_070 + 10 * n, 516 + n) for n in range(9)]])
    assert [one["classified"] for one in told(desk, "epoch")][1:] == ["reset_to_zero", "returned"]
    assert account(desk)["high"] == 70 + 500_000 + 80
    assert uncertain(desk)["high"] >= 500_000


def test_register_that_came_back_by_itself_has_not_counted_its_old_count_again(desk: Desk) -> None:
    """Zeros of both; then export shows its own 507 again, which is believed to be counted, and import 0 for longer.

    At reading 16 import is back too, with 90 more than at reading 7.
    """
    before: list[tuple[int, int | None]] = [(LIFE + 10 * n, 500 + n) for n in range(8)]
    zeros: list[tuple[int, int | None]] = [(0, 0), *[(0, 507)] * 7]
    take(desk, [*before, *zeros, *[(LIFE + 160 + 10 * n, 507 + n) for n in range(9)]])
    assert [one["classified"] for one in told(desk, "epoch")][1:] == ["reset_to_zero", "returned"]
    end = {"high": 70 + 90 + 80, "earlier": 70, "first": LIFE + 70, "last": LIFE + 240, "epoch": 3}
    assert account(desk) == end
    # Export got 7, then 507 that nobody has used, then 8; that 507 is told.
    assert exported(desk, "bucket_high") == 7 + 507 + 8
    assert exported(desk, "uncertain_high") >= 507


def test_registers_that_counted_more_than_the_old_line_has_grown_are_not_it(desk: Desk) -> None:
    """140 counted in between, and the register that is there then has 90 more than the old one had."""
    before: list[tuple[int, int | None]] = [(LIFE + 10 * n, 500 + n) for n in range(8)]
    wrong: list[tuple[int, int | None]] = [(20 * n, n) for n in range(8)]
    take(desk, [*before, *wrong, *[(LIFE + 160 + 10 * n, 516 + n) for n in range(9)]])
    assert told(desk, "epoch")[-1]["classified"] == "other_registers"


@pytest.mark.parametrize("booked_before", [0, 8])
def test_old_line_goes_on_though_the_clock_was_set_back_meanwhile(desk: Desk, booked_before: int) -> None:
    """From 14:00. 8 readings by the meter and 8 that count from 0; then, or 8 of those later, the clock is set back by
    15 minutes and shows a time before the epoch began; the old line is back when 5 such readings were believed."""
    right, wrong = [LIFE + 10 * n for n in range(8)], [10 * n for n in range(8 + booked_before)]
    again = [LIFE + 160 + 10 * booked_before + 10 * n for n in range(9)]
    for n, milliwh in enumerate([*right, *wrong, *again]):
        one = reading(NOON_US + 2 * H + n * STEP_US, milliwh)
        if n >= 16:
            one = moved(one, earliest_us=one.earliest_us - 900 * S, latest_us=one.latest_us - 900 * S)
        desk.take(one)
        if n == 18 + booked_before // 2:  # a restart: what was seen of the clock is kept
            desk.commit()
            desk.reopen()
    (returned,) = told(desk, "epoch")[-1:]
    assert (returned["classified"], returned["rule"]) == ("returned", "back_on_the_old_line")
    # What the wrong registers counted is booked: 70, and 80 more; the rest of what the old line grew by is not lost.
    first, last = LIFE + 160 + 10 * booked_before, LIFE + 240 + 10 * booked_before
    assert (account(desk)["high"], account(desk)["last"], account(desk)["epoch"]) == (last - LIFE, last, 3)
    assert account(desk)["first"] == first - 20
