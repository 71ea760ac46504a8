"""From a table of readings to bills, by the program's own way: replay, intervals, timeline, programme, period ledger.

Nothing is worked out here. Each function hands one part's result to the next.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from gateway.account.account_file import AccountFile, read_account
from gateway.account.cells import energy_of_cycles
from gateway.account.charges import Prices
from gateway.account.energy import EnergyTable, Flow
from gateway.account.lines import Line, LineKind
from gateway.account.period import Account, Period, PeriodStatement, settle_all
from gateway.account.registry import make_programme
from gateway.account.setting import Setting
from gateway.account.timeline import timeline
from gateway.energy import Interval, Part, Quality
from gateway.replay import Replay, Service, Terms, read_table, replay
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff

from .house import Row, write_readings

HERE = Path(__file__).parent
MADE_TOU = str(HERE / "made-tou.toml")


@dataclass(frozen=True)
class Books:
    """What replay made of a table."""

    replayed: Replay
    energy: EnergyTable


def books_of(folder: Path, rows: Sequence[Row], tariff: str = MADE_TOU) -> Books:
    """Readings through `gateway.replay`, as `netmeter replay` takes them."""
    table = read_table(str(write_readings(folder / "readings.csv", rows)))
    replayed = replay(table, Calendar(load_tariff(tariff)), Terms(Service(60, 240)))
    assert replayed.law_holds
    (meter,) = replayed.meters
    return Books(replayed, energy_table(meter.intervals))


def energy_table(intervals: Iterable[Interval]) -> EnergyTable:
    """Closed intervals as columns."""
    rows = list(intervals)

    def column(values: Iterable[int]) -> "np.ndarray[Any, np.dtype[np.int64]]":
        return np.fromiter(values, dtype=np.int64, count=len(rows))

    def flow(parts: Sequence[Part | None]) -> Flow:
        present = [one for one in parts if one is not None]
        assert len(present) == len(rows)
        return Flow(
            column(one.milliwh for one in present),
            column(one.unassigned_milliwh for one in present),
            column(one.uncertain_milliwh for one in present),
        )

    return EnergyTable(
        "grid",
        "readings.csv",
        column(one.start_us for one in rows),
        column(one.end_us for one in rows),
        flow([one.energy_import for one in rows]),
        flow([one.energy_export for one in rows]),
        np.array([one.quality is not Quality.MEASURED for one in rows], dtype=bool),
    )


def account_text(
    programme: str,
    read_dates: Sequence[date],
    *,
    pto: date | None = None,
    tariff: str = MADE_TOU,
    choices: dict[str, str] | None = None,
    customer: str = 'base_services_tier = "tier_3"\nbaseline = "basic_x"',
    more: str = "",
    rounding: str = "cent",
) -> str:
    """An account's file."""
    generator = f'\n[generator]\ntechnology = "pv"\nsize_kw = "9"\napplication = {pto}\npto = {pto}\n' if pto else ""
    chosen = "\n".join(f'{name} = "{value}"' for name, value in (choices or {}).items())
    return f"""
format = 1
id = "home"
name = "Home"
tariff = "{tariff}"
[customer]
utility = "pge"
{customer}
[[programme]]
name = "{programme}"
from = {pto or read_dates[0]}
[[meter]]
name = "grid"
[billing]
read_day = "first_day"
read_dates = [{", ".join(map(str, read_dates))}]
rounding = "{rounding}"
{generator}
[choices]
{chosen}
{more}
"""


def account_file(folder: Path, text: str) -> AccountFile:
    """The account as its owner's file makes it."""
    path = folder / "account.toml"
    path.write_text(text, encoding="utf-8")
    return read_account(path)


def settled(account: AccountFile, energy: EnergyTable, first: date, last: date) -> list[Account[Any]]:
    """The bills of every spell of the account."""
    calendar = Calendar(account.tariff)
    found = []
    for spell in timeline(account.terms, account.programmes, first, last):
        customer = msgspec.structs.replace(
            account.terms.customer, supplier=spell.slots[0].supplier, pcia_vintage=spell.slots[0].pcia_vintage
        )
        prices = Prices(account.tariff, customer, account.terms.billing.rounding)
        setting = Setting(account.terms, account.programmes[spell.programme], prices, spell.whole, spell.opening)
        ready = make_programme(setting)
        energies = energy_of_cycles(energy, [one.cycle for one in spell.slots], calendar, ready.programme.netting)
        periods = [Period(one, slot.number, slot.closes_year) for one, slot in zip(energies, spell.slots, strict=True)]
        found.append(settle_all(ready.programme, ready.state, periods))
    return found


def lines_of(statement: PeriodStatement, kind: LineKind) -> dict[str, Line]:
    """The lines of one kind, the true-up's among them, by key."""
    closing = statement.true_up.lines if statement.true_up is not None else ()
    return {one.key: one for one in (*statement.settled.lines, *closing) if one.kind is kind}


def amounts(statement: PeriodStatement, kind: LineKind) -> list[Decimal]:
    return [one.amount for one in lines_of(statement, kind).values()]
