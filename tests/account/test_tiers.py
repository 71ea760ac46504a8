"""Tiers of a cycle's energy, by hand: in order of time, and shared over the hours of a month."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from gateway.account.tiers import PARTS_PER_MILLIWH, TierError, by_share, in_order, limits_of
from gateway.tariff.cycles import Block, Cycle
from gateway.tariff.types import Tier, Version

JULY = Cycle(date(2026, 7, 1), date(2026, 7, 31))


def version(*tiers: Tier) -> Version:
    return Version(effective=date(2026, 1, 1), source="a test", tier=tiers)


def tier(*buckets: str, kwh: str | None = None, a_day: str | None = None) -> Tier:
    return Tier(
        above_kwh=None if kwh is None else Decimal(kwh),
        above_kwh_per_day=None if a_day is None else Decimal(a_day),
        energy_per_kwh={name: {"energy": Decimal(1)} for name in buckets},
    )


def limits(one: Version, first: int, last: int, *buckets: str) -> tuple[int, ...]:
    return limits_of(Block(date(2026, 7, first), date(2026, 7, last), one, None), JULY, buckets)


def test_an_interval_over_a_limit_is_cut_there() -> None:
    below, middle, above = in_order(np.array([40, 30, 50, 0, 80]), (60, 130))
    assert below.tolist() == [40, 20, 0, 0, 0]
    assert middle.tolist() == [0, 10, 50, 0, 10]
    assert above.tolist() == [0, 0, 0, 0, 70]


def test_one_interval_can_reach_three_tiers() -> None:
    assert [one.tolist() for one in in_order(np.array([500]), (60, 130))] == [[60], [70], [370]]


def test_tiers_are_shared_in_proportion() -> None:
    """300 and 100 over a limit of 200: half of each lies below it."""
    parts = by_share([300, 100], (200,))
    assert parts == ((150 * PARTS_PER_MILLIWH,) * 2, (50 * PARTS_PER_MILLIWH,) * 2)


def test_shares_add_up_whatever_the_division_leaves() -> None:
    """Three sevenths and four sevenths of a limit of one: the rest of each lies above."""
    parts = by_share([3, 4], (1, 5))
    assert [sum(one) for one in parts] == [3 * PARTS_PER_MILLIWH, 4 * PARTS_PER_MILLIWH]
    assert parts[0][0] == 3 * PARTS_PER_MILLIWH // 7
    assert all(part > 0 for one in parts for part in one)


def test_nothing_has_no_share() -> None:
    assert by_share([0, 0], (200,)) == ((0, 0), (0, 0))


def test_a_limit_of_a_cycle_goes_by_days_where_only_a_part_of_it_has_the_price() -> None:
    assert limits(version(tier("peak", kwh="500")), 1, 31, "peak") == (500_000_000,)
    assert limits(version(tier("peak", kwh="500")), 1, 10, "peak") == (161_290_322,)  # 10/31, the rest of a mWh is lost
    assert limits(version(tier("peak", a_day="9.3")), 1, 10, "peak") == (93_000_000,)


def test_hours_of_one_season_need_the_same_limits() -> None:
    unlike = version(tier("peak", kwh="500"), tier("off_peak", kwh="600"))
    with pytest.raises(TierError, match="hours from 2026-07-01 to 2026-07-31 have unlike tiers"):
        limits(unlike, 1, 31, "peak", "off_peak")
    assert limits(unlike, 1, 31, "off_peak") == (600_000_000,)
