"""A hole of days in a bill: a card dies, and the meter's register tells what flowed, not when.

Of the hole all energy stands in its first hour, as the gateway books it (`bridge`), and each hour says that it may have
had all. The bill's ranges are held against placements of that energy (`tests.oracle.hole`): none lies outside, and
what is told is less than twice as wide as what was found.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account.account_file import AccountFile, read_account
from gateway.account.doubts.baseline import covered_of
from gateway.account.doubts.ranges import Range, around
from gateway.account.energy import EnergyTable, Flow
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy
from gateway.account.statement import Statement
from tests.oracle.hole import Hour, Sheet, widest, within_baseline

from ..pipeline.world import tries
from .energies import HOUR_US, PACIFIC, us
from .reckon import account_text
from .simple_tariff import simple_tariff

BASELINE = """[version.baseline]
credit_per_kwh = "0.10"
within_per_kwh = "0"
over_per_kwh = "0.10"
allowance_kwh_per_day = {{ basic = {{ summer = "{a_day}", winter = "{a_day}" }} }}
"""
PRICES = {"peak": Fraction("0.40"), "off_peak": Fraction("0.30")}
FINE = Fraction(1, 10**9)


@dataclass(frozen=True)
class Month:
    """One billing cycle with a hole. `most_wh`: what an hour outside it takes and gives at the most."""

    first: date
    following: date
    hole_from: str
    hole_hours: int
    hole_kwh: tuple[int, int]
    most_wh: tuple[int, int]
    a_day: int

    def blocks(self) -> dict[str, int]:
        """The allowance of each block's days, by its first day, kWh; winter begins in November."""
        winter = date(self.first.year, 11, 1)
        if not self.first < winter < self.following:
            return {str(self.first): self.a_day * (self.following - self.first).days}
        days = (winter - self.first).days, (self.following - winter).days
        return {str(self.first): self.a_day * days[0], str(winter): self.a_day * days[1]}


MONTHS = {
    "three days of July": Month(date(2026, 7, 1), date(2026, 8, 1), "2026-07-03T12:00", 85, (67, 52), (900, 600), 5),
    "more given than taken": Month(date(2026, 7, 1), date(2026, 8, 1), "2026-07-03T12:00", 85, (20, 90), (500, 700), 5),
    "an evening": Month(date(2026, 7, 1), date(2026, 8, 1), "2026-07-03T14:00", 6, (9, 4), (300, 350), 20),
    "nothing given": Month(date(2026, 7, 1), date(2026, 8, 1), "2026-07-03T12:00", 40, (30, 0), (400, 0), 3),
    "over a season's edge": Month(
        date(2026, 10, 20), date(2026, 11, 14), "2026-10-30T10:00", 60, (40, 30), (400, 350), 4
    ),
    "blocks of unlike sign": Month(
        date(2026, 10, 20), date(2026, 11, 14), "2026-10-30T10:00", 60, (80, 90), (100, 100), 4
    ),
}


def hours_of(month: Month, dice: random.Random) -> tuple[list[Hour], slice]:
    """What was booked, hour by hour, and which hours are the hole."""
    start_us, hole_us = us(f"{month.first}T00:00"), us(month.hole_from)
    count = (us(f"{month.following}T00:00") - start_us) // HOUR_US
    first = (hole_us - start_us) // HOUR_US
    hours: list[Hour] = []
    for at in range(count):
        local = datetime.fromtimestamp((start_us + at * HOUR_US) // 1_000_000, PACIFIC)
        block = max(one for one in month.blocks() if one <= str(local.date()))
        period = "peak" if 16 <= local.hour < 21 else "off_peak"
        taken, given = (dice.randrange(most + 1) * 1000 for most in month.most_wh)
        if first <= at < first + month.hole_hours:
            taken, given = (one * 1_000_000 if at == first else 0 for one in month.hole_kwh)
        hours.append((block, period, taken, given))
    return hours, slice(first, first + month.hole_hours)


def table_of(month: Month, hours: list[Hour], hole: slice) -> EnergyTable:
    """As the store has it: every edge within the hole may be off by all that flowed in it."""
    starts = us(f"{month.first}T00:00") + HOUR_US * np.arange(len(hours), dtype=np.int64)
    in_hole = np.zeros(len(hours), dtype=bool)
    in_hole[hole] = True
    edges = np.where(in_hole, 2, 0)
    edges[hole.stop - 1] = 1
    flows = []
    for side, kwh in enumerate(month.hole_kwh, start=2):
        milliwh = np.array([one[side] for one in hours], dtype=np.int64)
        unassigned = np.where(np.arange(len(hours)) == hole.start, milliwh, 0)
        flows.append(Flow(milliwh, unassigned, edges * kwh * 1_000_000))
    return EnergyTable("grid", "made", starts, starts + HOUR_US, flows[0], flows[1], in_hole)


def account_of(folder: Path, month: Month) -> AccountFile:
    tariff = simple_tariff(folder, more=BASELINE.format(a_day=month.a_day))
    text = account_text(
        "nem2",
        [month.first, month.following],
        pto=month.first,
        tariff=tariff,
        choices={"netting_interval": "60min"},
        customer='baseline = "basic"',
        rounding="none",
    )
    (folder / "home.toml").write_text(text, encoding="utf-8")
    return read_account(folder / "home.toml")


def told_by(bill: Statement) -> Iterator[tuple[str, Range]]:
    """Ranges by the oracle's names."""
    assert bill.ranges is not None
    yield "carried", bill.ranges.carried
    for key, one in bill.ranges.lines.items():
        name, _, rest = key.partition(".")
        if name in ("energy", "baseline", "non_bypassable"):
            block, _, bucket = rest.partition(".")
            yield f"{name} {block} {bucket.partition('_')[2]}".strip(), one


def misses(told: dict[str, Range], found: dict[str, tuple[Fraction, Fraction]]) -> list[str]:
    """Lines of which a placement lies outside."""
    return [
        key
        for key, (low, high) in found.items()
        if key in told and not (Fraction(told[key].low) - FINE <= low and high <= Fraction(told[key].high) + FINE)
    ]


@pytest.mark.parametrize("month", MONTHS.values(), ids=MONTHS)
@pytest.mark.parametrize("seed", range(2))
def test_a_hole_is_told_as_wide_as_its_energy_can_make_it(month: Month, seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    hours, hole = hours_of(month, dice)
    sheet = Sheet(PRICES, Fraction("0.03"), Fraction("0.10"), month.blocks())
    (bill,) = make_statements(account_of(tmp_path, month), Energy(table_of(month, hours, hole), ())).statements
    told, found = dict(told_by(bill)), widest(hours, hole, sheet, dice)
    assert set(told) <= set(found)
    assert misses(told, found) == []
    low, high = found["carried"]
    assert Fraction(told["carried"].high) - Fraction(told["carried"].low) < 2 * (high - low)
    assert max(abs(low - Fraction(bill.carried)), abs(high - Fraction(bill.carried))) <= Fraction(bill.uncertain_amount)
    halves = {key: _half(one) for key, one in told.items()}
    assert "carried" in misses(halves, found)  # the positive control


def _half(one: Range) -> Range:
    quarter = (one.high - one.low) / 4
    return Range(one.low + quarter, one.high - quarter)


@tries(60)
@given(
    st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 40), st.integers(0, 60)), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
)
def test_what_is_within_a_baseline_lies_in_what_is_told(
    blocks: list[tuple[int, int, int]], dice: random.Random
) -> None:
    """Blocks of days by (net, how far off, allowance), kWh; of each a true net is drawn, and the rule applied to it."""
    sure_net, off = (sum(one[at] for one in blocks) for at in (0, 1))
    nets = [around(Decimal(net), Decimal(doubt)) for net, doubt, _ in blocks]
    allowed = [Decimal(one[2]) for one in blocks]
    told = covered_of(nets, allowed, around(Decimal(sure_net), Decimal(off)))
    for _ in range(20):
        true = [net + dice.choice((-doubt, doubt, dice.randint(-doubt, doubt))) for net, doubt, _ in blocks]
        for one, within in zip(told, within_baseline(true, [one[2] for one in blocks]), strict=True):
            assert one.low <= within <= one.high
    if len(blocks) == 1:
        ((net, doubt, width),) = blocks
        assert told == [Range(*(Decimal(max(-width, min(width, net + end))) for end in (-doubt, doubt)))]
