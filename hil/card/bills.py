"""The year's bills from the collector beside those from a ledger that lived: what differs, and whether it is told.

Both are made by `netmeter statement --json`, as a person makes them. The energy of each bill is held against the
meter's own registers besides.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ..house_time import US_PER_S
from ..household import ZONE
from ..process import ChildError
from ..soak.history import Verdict
from .gateway_home import TARIFF
from .life import CardYear, netmeter
from .year import FIRST_DAY, GRID, Plan, Year

OF_THE_YEAR = ("summary.", "true_up.")
"""Keys of lines that add up earlier bills."""
ACCOUNT = """\
format = 1
id = "card"
name = "A house with an array"
tariff = "{tariff}"
[customer]
utility = "pge"
baseline = "basic_x"
base_services_tier = "tier_3"
moved_in = {first_day}
[[programme]]
name = "nem2"
from = {first_day}
[generator]
technology = "solar"
size_kw = "9"
application = 2023-04-01
pto = 2024-06-01
[[meter]]
name = "grid"
{source}
[billing]
months = true
[choices]
netting_interval = "{netting}"
"""
Bill = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One bill of which the two differ."""

    last_day: str
    cents: int
    """By how much: what goes to the true-up."""
    told_cents: int
    """What the statement says that it may be off."""
    unassigned_milliwh: int


def compare_bills(year: CardYear, verdict: Verdict) -> list[Difference]:
    """Bills that differ, whatever is wrong noted in the verdict. Raises ChildError where there are none."""
    ours = _bills(year, "from-collector", f'from = "collector"\nfile = "{year.database}"')
    twins = _bills(year, "twins", f'from = "store"\nfile = "{year.twin.store}"')
    verdict.counts["bills"] = len(ours)
    if [one["last_day"] for one in ours] != [one["last_day"] for one in twins]:
        verdict.find("bills", f"{len(ours)} from the collector, {len(twins)} of the twin")
        return []
    counts, found, unassigned = Year(year.plan), [], [0, 0]
    torn: list[tuple[Bill, Bill]] = []
    for own, twin in zip(ours, twins, strict=True):
        unassigned[0] += own["import_unassigned_milliwh"]
        unassigned[1] += own["export_unassigned_milliwh"]
        if (difference := _differs(own, twin)) is not None:
            found.append(difference)
            if abs(difference.cents) > difference.told_cents:
                verdict.find("not_told", f"bill of {own['last_day']}: {difference}")
        if _touches_hole(own, year.plan):
            torn.append((own, twin))
            continue
        _judge_energy([own], [twin], counts, verdict)
        if _own_lines(own) != _own_lines(twin):
            verdict.find(
                "line", f"bill of {own['last_day']}, on which nothing was lost, has other lines than the twin's"
            )
    if torn:  # what flowed unheard over a month's end is in one of both bills: nobody can say in which
        _judge_energy([own for own, _ in torn], [twin for _, twin in torn], counts, verdict)
    if tuple(unassigned) != counts.between(GRID, year.plan.delivered_us, year.plan.again_us):
        verdict.find("unassigned", f"the bills tell {unassigned} mWh")
    return found


def _bills(year: CardYear, name: str, source: str) -> list[Bill]:
    path = year.folder / f"{name}.toml"
    netting = "15min" if year.plan.interval_min == 15 else "60min"
    text = ACCOUNT.format(tariff=TARIFF, first_day=FIRST_DAY.date(), source=source, netting=netting)
    path.write_text(text, encoding="utf-8")
    done = netmeter(year.folder, "statement", "--account", str(path), "--json")
    if done.returncode not in (0, 3):
        raise ChildError(f"netmeter statement ended with code {done.returncode}: {done.stderr.strip()}")
    bills = json.loads(done.stdout)["statements"]
    assert isinstance(bills, list)
    return bills


def _judge_energy(ours: list[Bill], twins: list[Bill], counts: Year, verdict: Verdict) -> None:
    """All that flowed in the time of these bills is in them."""
    first, last = datetime.fromisoformat(ours[0]["first_day"]), datetime.fromisoformat(ours[-1]["last_day"])
    from_us, to_us = (
        round(day.replace(tzinfo=ZONE).timestamp()) * US_PER_S for day in (first, last + timedelta(days=1))
    )
    true = counts.between(GRID, from_us, to_us)
    for bills in (ours, twins):
        found = tuple(sum(bill[f"{way}_milliwh"] for bill in bills) for way in ("import", "export"))
        if found != true:
            verdict.find("bill_energy", f"bills to {last.date()}: {found} mWh, the meter counted {true}")


def _differs(own: Bill, twin: Bill) -> Difference | None:
    """By its own charges, or by those of the year; the larger is told."""
    pairs = (("carried_to_true_up", "uncertain_amount"), ("carried_in_year", "uncertain_in_year"))
    offs = [(Decimal(own[key]) - Decimal(twin[key]), Decimal(own[told])) for key, told in pairs]
    due = Decimal(own["due_now"]) - Decimal(twin["due_now"])
    off, told = max([*offs, (due, Decimal(own["uncertain_in_year"]))], key=lambda one: abs(one[0]))
    if not off:
        return None
    unassigned = own["import_unassigned_milliwh"] + own["export_unassigned_milliwh"]
    return Difference(own["last_day"], int(off * 100), int(told * 100), unassigned)


def _own_lines(bill: Bill) -> list[tuple[str, ...]]:
    """Energy and lines of this cycle alone."""
    lines = [one for one in bill["lines"] if not one["key"].startswith(OF_THE_YEAR)]
    return [(json.dumps(one),) for one in (*bill["energy"], *lines)]


def _touches_hole(bill: Bill, plan: Plan) -> bool:
    first, last = (
        datetime.fromtimestamp(at_us // US_PER_S, ZONE).date().isoformat()
        for at_us in (plan.delivered_us, plan.again_us)
    )
    return bool(bill["first_day"] <= last and bill["last_day"] >= first)
