"""Net billing from quarters of an hour, one after the other, in fractions: PG&E's E-ELEC with its export prices.

From the rules' words (net-metering 1.3, corrections A-7, A-8, F.3) and two files of figures that are not the program's:
tariff sheets by component and the export prices' matrix, whose holidays are its own list of dates. The second 01:00
hour of the autumn night is HS2. Slow and obvious. Imports nothing of the program under test.
"""

import gzip
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")
CHARGES = (
    "public_purpose_programs",
    "nuclear_decommissioning",
    "competition_transition_charges",
    "wildfire_fund_charge",
)
SUPPLY = ("generation", "bundled_pcia")
Quarter = tuple[int, int, int]
"""(beginning in UTC seconds, import, export in milliwatt-hours)"""


@dataclass
class Bill:
    """Cents, by the name of the line; banks after the cycle in cents."""

    lines: dict[str, int] = field(default_factory=dict)
    banks: list[int] = field(default_factory=list)
    due: int = 0


def cents(exact: Fraction) -> int:
    """USD to whole cents, half away from zero."""
    whole = (abs(exact) * 100 + Fraction(1, 2)).__floor__()
    return whole if exact >= 0 else -whole


class Sheets:
    """The price sheets of E-ELEC by the day from which each holds."""

    def __init__(self, folder: Path) -> None:
        self.by_day = {}
        for path in sorted(folder.glob("*.toml")):
            self.by_day[date.fromisoformat(path.stem)] = tomllib.loads(path.read_text(), parse_float=Decimal)

    def first_of(self, day: date) -> date:
        return max(one for one in self.by_day if one <= day)

    def rates(self, day: date, season: str, period: str) -> tuple[Fraction, Fraction, Fraction]:
        """(generation, delivery, not bypassable) per kWh."""
        sheet = self.by_day[self.first_of(day)]
        parts = {**sheet["adders"], **sheet["energy"][season][period]}
        supply = sum((Fraction(parts.pop(name)) for name in SUPPLY), Fraction(0))
        charged = sum((Fraction(parts.pop(name)) for name in CHARGES), Fraction(0))
        return supply, sum((Fraction(one) for one in parts.values()), Fraction(0)), charged


class Exports:
    """The matrix of export prices and its holidays."""

    def __init__(self, path: Path) -> None:
        with gzip.open(path, "rt") as file:
            found = json.load(file, parse_float=Decimal)
        self.matrix, self.holidays = (
            found["data"],
            {date.fromisoformat(one) for of in found["holidays"].values() for one in of},
        )

    def price(self, part: str, local: datetime) -> Fraction:
        weekend = local.weekday() > 4 or local.date() in self.holidays
        hour = local.hour + (1 if local.fold else 0)
        return Fraction(self.matrix[str(local.year)][part][local.month - 1][int(weekend)][hour])


def season_of(day: date) -> str:
    return "summer" if 6 <= day.month <= 9 else "winter"


def period_of(local: datetime) -> str:
    if 16 <= local.hour < 21:
        return "peak"
    return "part_peak" if local.hour == 15 or local.hour >= 21 else "off_peak"


@dataclass(frozen=True)
class House:
    """Where figures are, the bonus per kWh, the daily charge by sheet, and the rate for a year's surplus."""

    sheets: Sheets
    exports: Exports
    bonus: Fraction
    tier: str
    surplus: Fraction

    def bills(self, quarters: Sequence[Quarter], first_days: Sequence[date]) -> list[Bill]:
        """The cycles between first days, the year's end on the last one."""
        bank, paid, earned, energy = [0, 0, 0], [0, 0, 0, 0], [0, 0], [0, 0]
        made: list[Bill] = []
        for first, following in pairwise(first_days):
            rows = [one for one in quarters if first <= local_of(one).date() < following]
            bill, charges, credit = self.cycle(rows, first, following)
            bank = [held + more for held, more in zip(bank, credit, strict=True)]
            bank, left = pay(bank, charges)
            bill.due, bill.banks = sum(left), list(bank)
            paid = [one + more for one, more in zip(paid, left, strict=True)]
            earned = [one + more for one, more in zip(earned, credit[:2], strict=True)]
            energy = [energy[0] + sum(one[1] for one in rows), energy[1] + sum(one[2] for one in rows)]
            made.append(bill)
        self.year_end(made[-1], bank, paid, earned, energy)
        return made

    def cycle(self, rows: Sequence[Quarter], first: date, following: date) -> tuple[Bill, list[int], list[int]]:
        """Lines in cents; charges by scope; credit by bank."""
        taken: dict[tuple[date, str, str], int] = {}
        worth: dict[tuple[str, date, str, str], Fraction] = {}
        days = [first + timedelta(days=number) for number in range((following - first).days)]
        block_of, block = {}, days[0]
        for day, before in zip(days, [days[0], *days], strict=False):
            if (self.sheets.first_of(day), season_of(day)) != (self.sheets.first_of(before), season_of(before)):
                block = day
            block_of[day] = block
        for row in rows:
            local = local_of(row)
            key = (block_of[local.date()], season_of(local.date()), period_of(local))
            taken[key] = taken.get(key, 0) + row[1]
            for part in ("generation", "delivery"):
                price = self.exports.price(part, local) if row[2] else Fraction(0)
                worth[(part, *key)] = worth.get((part, *key), Fraction(0)) + row[2] * price / 1_000_000
        lines: dict[str, int] = {}
        for (begin, season, period), milliwh in taken.items():
            supply, delivery, _ = self.sheets.rates(begin, season, period)
            kwh = Fraction(milliwh, 1_000_000)
            lines[f"generation.{begin}.{season}_{period}"] = cents(kwh * supply)
            lines[f"delivery.{begin}.{season}_{period}"] = cents(kwh * delivery)
        for begin in sorted({one[0] for one in taken}):
            kwh = Fraction(sum(milliwh for key, milliwh in taken.items() if key[0] == begin), 1_000_000)
            lines[f"non_bypassable.{begin}"] = cents(kwh * charged_of(self.sheets, begin))
        for begin in sorted({max(first, self.sheets.first_of(day)) for day in days}):
            count = sum(1 for day in days if max(first, self.sheets.first_of(day)) == begin)
            daily = Fraction(self.sheets.by_day[self.sheets.first_of(begin)]["base_services_charge"][self.tier])
            lines[f"fixed.{begin}.base_services_charge"] = cents(count * daily)
        for (part, begin, season, period), amount in worth.items():
            lines[f"credit.{part}.{begin}.{season}_{period}"] = -cents(amount)
        given = Fraction(sum(one[2] for one in rows), 1_000_000)
        lines["credit.acc_plus"] = -cents(given * self.bonus)
        sums = [sum(amount for name, amount in lines.items() if name.startswith(f"{scope}.")) for scope in SCOPES]
        credit = [-sum(amount for name, amount in lines.items() if name.startswith(start)) for start in CREDITS]
        return Bill({name: amount for name, amount in lines.items() if amount}), sums, credit

    def year_end(self, bill: Bill, bank: list[int], paid: list[int], earned: list[int], energy: list[int]) -> None:
        """Pay back, take back for the surplus, pay the surplus, roll over; into the closing bill."""
        rest, left = pay(bank, paid)
        for name, before, after in zip(SCOPES, paid, left, strict=True):
            if before != after:
                bill.lines[f"true_up.paid_back.{name}"] = after - before
        bill.due -= sum(paid) - sum(left)
        over = energy[1] - energy[0]
        if over > 0:
            short = 0
            for at, name in enumerate(("generation", "delivery")):
                asked = cents(Fraction(earned[at], 100) * over / energy[1])
                bill.lines[f"true_up.reversal.{name}"] = asked
                short += max(0, asked - rest[at])
                rest[at] = max(0, rest[at] - asked)
            payment = cents(Fraction(over, 1_000_000) * self.surplus)
            bill.lines["true_up.surplus"] = -payment
            if min(short, payment):
                bill.lines["true_up.reversal"] = min(short, payment)
            bill.due -= payment - min(short, payment)
        bill.banks = rest


SCOPES = ("generation", "delivery", "non_bypassable", "fixed")
CREDITS = ("credit.generation.", "credit.delivery.", "credit.acc_plus")


def charged_of(sheets: Sheets, day: date) -> Fraction:
    """The same at all hours of a sheet."""
    return sheets.rates(day, "winter", "peak")[2]


def pay(bank: Sequence[int], charges: Sequence[int]) -> tuple[list[int], list[int]]:
    """Each scoped bank its own charges; the bonus what is left, in order. What banks and charges are then."""
    used = [min(bank[0], charges[0]), min(bank[1], charges[1])]
    left, bonus = [charges[0] - used[0], charges[1] - used[1], *charges[2:]], bank[2]
    for at, one in enumerate(left):
        left[at] = one - min(one, bonus)
        bonus -= min(one, bonus)
    return [bank[0] - used[0], bank[1] - used[1], bonus], left


def local_of(row: Quarter) -> datetime:
    return datetime.fromtimestamp(row[0], UTC).astimezone(PACIFIC)
