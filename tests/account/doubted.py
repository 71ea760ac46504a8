"""Years of which the meter's edges are in doubt: what was booked, with its doubt, and what may truly have flowed.

Each month has four quarters of an hour one after the other on its tenth, two off-peak and two of peak, and no more. At
an edge a register is off by at most its own doubt; a quarter's doubt is that of its two edges, so the truth is one that
the doubt allows. Nothing here reckons money.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np

from gateway.account.account_file import read_account
from gateway.account.energy import EnergyTable, Flow
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy
from gateway.account.statement import Statement

from . import mce, net_billing, pennsylvania
from .house import PACIFIC
from .reckon import account_text, with_surplus_rate
from .test_generic_laws import tariff as generic_tariff

QUARTER_US = 900_000_000
FIRST_MINUTE = 15 * 60 + 30
"""Of the four; peak begins at 16:00."""
MONTHS = 13
KWH = 1_000_000


@dataclass(frozen=True)
class Sizes:
    """At most, kWh: what a quarter takes and gives, and by what an edge is off."""

    taken: int
    given: int
    off: Decimal


@dataclass(frozen=True)
class Pair:
    """Booked with its doubt, and the truth with none."""

    booked: EnergyTable
    true: EnergyTable


def pair_of(seed: int, first: date, sizes: Sizes, months: int = MONTHS) -> Pair:
    """A random year and a random truth; an edge in three is off as far as it can be."""
    dice = random.Random(seed)
    starts: list[int] = []
    columns: dict[str, list[int]] = {name: [] for name in ("import", "export", "import_off", "export_off")}
    true: dict[str, list[int]] = {"import": [], "export": []}
    day = first
    for _ in range(months):
        following = (day + timedelta(days=31)).replace(day=1)
        places = [
            us(day, 0),
            *(us(day.replace(day=10), FIRST_MINUTE + 15 * at) for at in range(4)),
            us(following, 0) - QUARTER_US,
        ]
        starts += places
        for name, most in (("import", sizes.taken), ("export", sizes.given)):
            flowed, seen, doubt = quarters_of(dice, most * dice.choice((0, 1, 1, 2)) // 2, int(sizes.off * KWH))
            true[name] += [0, *flowed, 0]
            columns[name] += [0, *seen, 0]
            columns[f"{name}_off"] += [0, *doubt, 0]
        day = following
    begin = np.array(starts, dtype=np.int64)
    return Pair(
        _table(begin, columns["import"], columns["export"], columns["import_off"], columns["export_off"]),
        _table(begin, true["import"], true["export"], [0] * len(starts), [0] * len(starts)),
    )


def quarters_of(dice: random.Random, most_kwh: int, off: int) -> tuple[list[int], list[int], list[int]]:
    """(flowed, booked, doubt) of four quarters; none takes less than nothing."""
    doubts = [dice.randrange(off + 1) for _ in range(5)]
    errors = [dice.choice((-one, one, dice.randint(-one, one))) for one in doubts]
    moved = [errors[at + 1] - errors[at] for at in range(4)]
    flowed = [max(0, -one, dice.randrange(most_kwh * KWH + 1)) for one in moved]
    seen = [one + more for one, more in zip(flowed, moved, strict=True)]
    return flowed, seen, [doubts[at] + doubts[at + 1] for at in range(4)]


def us(day: date, minute: int) -> int:
    """A wall time in California."""
    return round(datetime.combine(day, time(minute // 60, minute % 60), PACIFIC).timestamp()) * 1_000_000


def _table(
    begin: np.ndarray, taken: list[int], given: list[int], taken_off: list[int], given_off: list[int]
) -> EnergyTable:
    nothing = np.zeros(len(begin), dtype=np.int64)
    flows = [
        Flow(np.array(one, dtype=np.int64), nothing, np.array(off, dtype=np.int64))
        for one, off in ((taken, taken_off), (given, given_off))
    ]
    return EnergyTable("grid", "made", begin, begin + QUARTER_US, flows[0], flows[1], np.zeros(len(begin), bool))


TIER = """
[[version.tier]]
above_kwh = "20"
[version.tier.energy_per_kwh]
summer_peak = { generation = "0.25", delivery = "0.22" }
summer_off_peak = { generation = "0.25", delivery = "0.12" }
winter_peak = { generation = "0.25", delivery = "0.22" }
winter_off_peak = { generation = "0.25", delivery = "0.12" }
"""


def spring(component: str, month: int, _weekend: bool, _hour: int) -> str:
    """Prices of exports that are below zero from March to May (`net_billing.Price`)."""
    return "0.02" if component == "delivery" else "-0.03" if month in (3, 4, 5) else "0.07"


@dataclass(frozen=True)
class Case:
    """A programme with the account's own choices."""

    programme: str
    choices: tuple[tuple[str, str], ...] = ()
    more: str = ""
    has_tiers: bool = False
    """Whether energy above 20 kWh a month costs 0.10 more."""
    below_zero: bool = False
    """Whether exports cost something in spring, under `nbt`."""
    opening: str = ""
    """What is stated of the year before the first day, seven bills after the true-up of June 2024."""
    rounding: str = "none"

    @property
    def first(self) -> date:
        return date(2024, 6, 1) if self.programme == "pennsylvania" and not self.opening else date(2025, 1, 1)

    def text(self, folder: Path) -> str:
        """The account's file. Amounts are not rounded unless asked for: a cent is no doubt about energy."""
        chosen, more = dict(self.choices), self.opening + self.more
        pto = date(2024, 6, 1) if self.opening else self.first
        if self.programme == "pennsylvania":
            made = pennsylvania.account_text(
                folder,
                pto,
                choices=chosen,
                more=more,
                tariff_file=pennsylvania.tariff(folder, time_of_use=True),
            )
        elif self.programme == "mce":
            made = mce.account_text(folder, self.first, choices=chosen, more=more)
        elif self.programme == "nbt":
            net_billing.write_table(folder, spring if self.below_zero else net_billing.flat("0.07", "0.02"))
            choices = "\n".join(f'{name} = "{value}"' for name, value in {"acc_plus": "none", **chosen}.items())
            made = net_billing.account_text(folder, pto=pto, choices=choices, more=more)
        else:
            reads = [self.first]
            while len(reads) <= 2 * MONTHS:
                reads.append((reads[-1] + timedelta(days=31)).replace(day=1))
            made = account_text(
                self.programme,
                reads,
                pto=pto,
                tariff=generic_tariff(folder),
                choices=chosen,
                customer="",
                more=more,
            )
            made = made.replace('rounding = "cent"', "")
        if self.has_tiers:
            with (folder / "simple.toml").open("a", encoding="utf-8") as file:
                file.write(TIER)
        return made.replace("[billing]", f'[billing]\nrounding = "{self.rounding}"')

    def bills(self, folder: Path, table: EnergyTable) -> list[Statement]:
        """Every bill over that energy."""
        path = folder / "home.toml"
        path.write_text(self.text(folder), encoding="utf-8")
        account = with_surplus_rate(read_account(path), "0.03")
        return list(make_statements(account, Energy(table, ())).statements)


Month = tuple[int, int, int, int]
"""kWh taken and given, and by how much each may be off."""


def months_of(first: date, months: Sequence[Month]) -> EnergyTable:
    """A month's imports in one quarter at 10:00 of the tenth, its exports in one at 12:00, each alone; off-peak."""
    starts: list[int] = []
    flows: list[tuple[int, int, int, int]] = []
    day = first
    for taken, given, taken_off, given_off in months:
        following = (day + timedelta(days=31)).replace(day=1)
        tenth = day.replace(day=10)
        starts += [us(day, 0), us(tenth, 10 * 60), us(tenth, 12 * 60), us(following, 0) - QUARTER_US]
        flows += [(0, 0, 0, 0), (taken, 0, taken_off, 0), (0, given, 0, given_off), (0, 0, 0, 0)]
        day = following
    columns = [[kwh * KWH for kwh in column] for column in zip(*flows, strict=True)]
    return _table(np.array(starts, dtype=np.int64), *columns)
