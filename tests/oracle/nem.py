"""NEM 1.0 and 2.0 from cumulative register readings, one quarter of an hour after the other, in fractions.

From the rules' words: net-metering 1.1 and 1.2 with their corrections. The year's basis is taken in the form
max(energy + N, N, 0); E-TOU-C's hours come from `etouc`. Only for zones whose offset is whole hours.
Slow and obvious. Imports nothing of the program under test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache

from tests.oracle.etouc import ZONE, bucket_of_minute
from tests.oracle.split import register_on_line

QUARTER_US = 900_000_000
MILLIWH_PER_KWH = 1_000_000
Readings = Sequence[tuple[int, int, int]]
"""(instant, import register, export register)"""


@dataclass(frozen=True)
class Sheet:
    """What holds from a day on, USD. `charge`: the non-bypassable part of every price."""

    first: date
    price: Mapping[str, Fraction]
    charge: Fraction
    minimum_a_day: Fraction = Fraction(0)
    fixed_a_day: Fraction = Fraction(0)
    baseline_credit: Fraction = Fraction(0)
    allowance_a_day: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """Which of the two, and who pays when. `surplus`: `YYYY-MM` -> USD per kWh."""

    second: bool
    step_min: int = 15
    energy_monthly: bool = False
    charges_monthly: bool = False
    surplus: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass
class Bill:
    """One cycle, exact; keys are (first day of the block, bucket) or the block's first day."""

    imported: int = 0
    exported: int = 0
    energy: dict[tuple[date, str], Fraction] = field(default_factory=dict)
    baseline: dict[date, Fraction] = field(default_factory=dict)
    charges: dict[date, Fraction] = field(default_factory=dict)
    minimum: dict[date, Fraction] = field(default_factory=dict)
    fixed: dict[date, Fraction] = field(default_factory=dict)
    due: Fraction = Fraction(0)


@dataclass
class Year:
    """The bills, and the true-up."""

    bills: list[Bill]
    energy: Fraction
    charges: Fraction
    minimums_before: Fraction
    adjustment: Fraction
    surplus_kwh: Fraction
    surplus_paid: Fraction
    closing_due: Fraction


def cent(exact: Fraction) -> Fraction:
    """Half away from zero."""
    whole = (abs(exact) * 100 + Fraction(1, 2)).__floor__()
    return Fraction(whole if exact >= 0 else -whole, 100)


def quarters(readings: Readings) -> list[tuple[int, int, int]]:
    """(start, imported, exported) of every whole quarter between the first and the last reading."""
    found = []
    at, before = 0, None
    first, last = readings[0][0], readings[-1][0]
    edge = -(-first // QUARTER_US) * QUARTER_US
    while edge <= last:
        while at + 1 < len(readings) - 1 and readings[at + 1][0] < edge:
            at += 1
        (t0, i0, x0), (t1, i1, x1) = readings[at], readings[at + 1]
        here = register_on_line(t0, i0, t1, i1, edge), register_on_line(t0, x0, t1, x1, edge)
        if before is not None:
            found.append((edge - QUARTER_US, here[0] - before[0], here[1] - before[1]))
        before = here
        edge += QUARTER_US
    return found


@cache
def day_of(start_us: int) -> date:
    return datetime.fromtimestamp(start_us // 1_000_000, UTC).astimezone(ZONE).date()


def sheet_on(day: date, sheets: Sequence[Sheet]) -> Sheet:
    return [one for one in sheets if one.first <= day][-1]


def season_on(day: date) -> str:
    return "summer" if 6 <= day.month <= 9 else "winter"


def blocks(first: date, last: date, sheets: Sequence[Sheet]) -> list[tuple[date, date]]:
    """The cycle's days, cut where price or season changes."""
    found: list[tuple[date, date]] = []
    day = first
    while day <= last:
        if found and (sheet_on(day, sheets), season_on(day)) == (
            sheet_on(found[-1][0], sheets),
            season_on(found[-1][0]),
        ):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
        day += timedelta(days=1)
    return found


def bill(flows: Sequence[tuple[int, int, int]], first: date, last: date, sheets: Sequence[Sheet], rules: Rules) -> Bill:
    """One cycle's bill; `due` is still without what only the account knows."""
    made = Bill()
    by_day: dict[date, list[tuple[int, int, int]]] = {}
    for flow in flows:
        by_day.setdefault(day_of(flow[0]), []).append(flow)
    block_net: dict[date, int] = {}
    for begin, end in blocks(first, last, sheets):
        sheet = sheet_on(begin, sheets)
        net: dict[str, int] = {}
        intervals: dict[int, int] = {}
        day = begin
        while day <= end:
            for start_us, imported, exported in by_day.get(day, []):
                made.imported += imported
                made.exported += exported
                bucket = bucket_of_minute(start_us // 60_000_000)
                net[bucket] = net.get(bucket, 0) + imported - exported
                interval = start_us // (rules.step_min * 60_000_000)
                intervals[interval] = intervals.get(interval, 0) + imported - exported
            day += timedelta(days=1)
        taken_off = sheet.charge if rules.second else Fraction(0)
        for bucket, milliwh in net.items():
            made.energy[begin, bucket] = Fraction(milliwh, MILLIWH_PER_KWH) * (sheet.price[bucket] - taken_off)
        if rules.second:
            base = sum(one for one in intervals.values() if one > 0)
            made.charges[begin] = Fraction(base, MILLIWH_PER_KWH) * sheet.charge
        days = (end - begin).days + 1
        made.minimum[begin] = days * sheet.minimum_a_day
        made.fixed[begin] = days * sheet.fixed_a_day
        block_net[begin] = sum(net.values())
    _baseline(made, block_net, first, last, sheets)
    return made


def _baseline(made: Bill, block_net: Mapping[date, int], first: date, last: date, sheets: Sequence[Sheet]) -> None:
    """sign(net) x min(|net|, allowance) x (-credit), the sign being the cycle's."""
    whole = sum(block_net.values())
    left = Fraction(abs(whole), MILLIWH_PER_KWH)
    for begin, end in blocks(first, last, sheets):
        sheet = sheet_on(begin, sheets)
        if not sheet.baseline_credit or not whole:
            continue
        own = Fraction(block_net[begin] if whole > 0 else -block_net[begin], MILLIWH_PER_KWH)
        allowed = ((end - begin).days + 1) * sheet.allowance_a_day[season_on(begin)]
        covered = min(max(own, Fraction(0)), allowed, left)
        left -= covered
        made.baseline[begin] = (-covered if whole > 0 else covered) * sheet.baseline_credit


def year(
    flows: Sequence[tuple[int, int, int]],
    cycles: Sequence[tuple[date, date]],
    sheets: Sequence[Sheet],
    rules: Rules,
    *,
    cents: bool = True,
) -> Year:
    """Twelve bills and the true-up of what `quarters` found. `cents`: each line is rounded before it is added."""
    printed = cent if cents else Fraction
    bills = [bill(flows, first, last, sheets, rules) for first, last in cycles]
    bank = paid = Fraction(0)
    energies, charges, minimums = [], [], []
    for one in bills:
        energy = sum(printed(x) for x in (*one.energy.values(), *one.baseline.values()))
        charge = sum(printed(x) for x in one.charges.values())
        # A daily charge does not change with the season: blocks of one sheet make one line.
        minimum = sum(printed(x) for x in _by_sheet(one.minimum, sheets))
        fixed = sum(printed(x) for x in _by_sheet(one.fixed, sheets))
        one.due = Fraction(minimum + fixed)
        if rules.charges_monthly:
            one.due += charge
        if rules.energy_monthly and energy >= 0:
            from_bank = min(bank, energy)
            bank -= from_bank
            paid += energy - from_bank
            one.due += energy - from_bank
        elif rules.energy_monthly:
            bank -= energy
        energies.append(Fraction(energy))
        charges.append(Fraction(charge))
        minimums.append(Fraction(minimum))
    energy_sum, charge_sum = sum(energies, Fraction(0)), sum(charges, Fraction(0))
    owed = Fraction(0) if rules.charges_monthly else charge_sum
    before = sum(minimums[:-1], Fraction(0))
    if rules.energy_monthly:
        back = min(bank, paid)
        adjustment = -back + owed - min(before, paid - back + owed)
    else:
        adjustment = max(Fraction(0), max(energy_sum + owed, owed, Fraction(0)) - before)
    over = sum(one.exported - one.imported for one in bills)
    surplus_kwh = Fraction(max(0, over), MILLIWH_PER_KWH)
    rate = rules.surplus.get(cycles[-1][1].strftime("%Y-%m"))
    surplus_paid = printed(surplus_kwh * rate) if rate is not None else Fraction(0)
    closing = bills[-1].due + adjustment
    return Year(bills, energy_sum, charge_sum, before, adjustment, surplus_kwh, surplus_paid, closing)


def _by_sheet(amounts: Mapping[date, Fraction], sheets: Sequence[Sheet]) -> list[Fraction]:
    joined: dict[date, Fraction] = {}
    for begin, amount in amounts.items():
        sheet = sheet_on(begin, sheets)
        joined[sheet.first] = joined.get(sheet.first, Fraction(0)) + amount
    return list(joined.values())
