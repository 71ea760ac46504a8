"""Where each kilowatt-hour and each price of one line came from: days, intervals, components, the tariff's version.

For the person with a wrong bill and two hours. Everything is looked up again in the same energy and tariff; the sum
of the days is the line's cells, or the explanation says that it is not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from ..config.hints import closest
from ..tariff.calendar import Calendar
from ..tariff.cycles import Cycle
from ..tariff.prices import price_components
from ..tariff.types import Tariff, Version
from .cells import Cell
from .energy import EnergyTable, Flow
from .explain_money import banks_of, is_of_year, parts_of
from .lines import Line, LineKind
from .money import kwh, total
from .price_series import PriceSeries, worth_of
from .sources import Energy
from .statement import Statement, Statements
from .statement_json import line_json, plain

_ONE_DAY = timedelta(days=1)
MILLIWH_PER_KWH = 1_000_000


class LineUnknownError(Exception):
    """No bill that was asked for has such a line; the message names near ones."""


@dataclass(frozen=True, slots=True)
class DayEnergy:
    """One bucket's energy on one local day, milliwatt-hours, and how many intervals it is the sum of."""

    day: str
    intervals: int
    import_milliwh: int
    export_milliwh: int
    estimated: int
    worth: str = ""
    """Of the line's direction, where each step has its price."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The time-step prices that a line was made with, and of which direction it is."""

    prices: PriceSeries
    flow: Flow

    def worth(self, table: EnergyTable, rows: Sequence[slice]) -> Decimal:
        """What the energy of some rows comes to."""
        return total(worth_of(self.flow.milliwh[one], self.prices.prices_of(table, one, self.flow)) for one in rows)


def having(chosen: Sequence[Statement], key: str) -> Statement:
    """The newest of some bills that has a line. Raises LineUnknownError."""
    for one in reversed(chosen):
        if any(line.key == key for line in one.lines):
            return one
    near = closest(key, {line.key for one in chosen for line in one.lines})
    newest = ", ".join(line.key for line in chosen[-1].lines)
    mend = f'did you mean "{near}"?' if near else f"statement {chosen[-1].number} has {newest}"
    which = f"statement {chosen[0].number} has no" if len(chosen) == 1 else "no statement has a"
    raise LineUnknownError(f'{which} line "{key}": {mend}')


def explain(made: Statements, energy: Energy, one: Statement, key: str) -> dict[str, Any]:
    """All there is to know about one line that a bill has."""
    line = next(each for each in one.lines if each.key == key)
    steps, cells, tariff = _steps_of(energy, one, line), one.energy.cells, made.account.tariff
    charges = made.account.terms.charge
    if line.beside and one.bill.period.beside is not None and made.account.supplier_tariff is not None:
        cells, tariff = one.bill.period.beside.cells, made.account.supplier_tariff
    calendar = Calendar(tariff)
    return {
        "statement": one.number,
        "line": line_json(line),
        "source": made.source,
        "year": _year(made, one) if is_of_year(line, one, charges) else [],
        "lines": parts_of(line, one, charges),
        "banks": banks_of(line, one),
        "cells": [_cell(calendar, energy.table, cells[position], line, steps) for position in line.cells],
    }


def _steps_of(energy: Energy, one: Statement, line: Line) -> Steps | None:
    """None: the line has a rate, or is none of energy."""
    if line.rate is not None or not line.quantity:
        return None
    if line.scope.value in one.export_parts:
        return Steps(one.export_parts[line.scope.value], energy.table.flow_export)
    taken = line.quantity > 0
    prices = energy.import_prices if taken else energy.export_prices
    return None if prices is None else Steps(prices, energy.table.flow_import if taken else energy.table.flow_export)


def explain_text(told: Mapping[str, Any]) -> Iterator[str]:
    """The same for a person."""
    line = told["line"]
    yield f"{line['label']}   ({line['key']}, statement {told['statement']})"
    if line["rate"] is not None:
        yield f"  {line['quantity']} {line['unit']} x {line['rate']} = {line['exact']}, printed {line['amount']}"
    else:
        yield f"  {line['exact']}, printed {line['amount']}"
    yield f"  source: {line['source']}"
    if not line["uncertain_milliwh"] and Decimal(line["uncertain_amount"]):
        why = (
            "its share of what these lines may be off"
            if told["lines"]
            else "as far as the energy that it is made of is uncertain"
        )
        yield f"  it may be off by {line['uncertain_amount']}: {why}"
    if line["uncertain_milliwh"]:
        yield f"  its energy may be off by {kwh(line['uncertain_milliwh']):f} kWh, {line['uncertain_amount']} in money"
    if told["year"]:
        yield f"  {'bill':>4} {'to':<10} {'import kWh':>14} {'export kWh':>14} {'carried':>12} {'minimums':>12}"
    for bill in told["year"]:
        figures = " ".join(f"{kwh(bill[name]):>14.6f}" for name in ("import_milliwh", "export_milliwh"))
        yield f"  {bill['number']:>4} {bill['last_day']} {figures} {bill['carried']:>12} {bill['minimums']:>12}"
    if told["year"]:
        sums = [sum(bill[name] for bill in told["year"]) for name in ("import_milliwh", "export_milliwh")]
        yield f"  {'all':<15} " + " ".join(f"{kwh(each):>14.6f}" for each in (*sums, sums[0] - sums[1])) + " net"
    for part in told["lines"]:
        yield f"  {part['amount']:>12}  {part['key']}"
    for move in told["banks"]:
        names = ("before", "earned", "used", "paid_out", "forfeited", "after")
        yield f"  bank {move['name']}: " + ", ".join(f"{name.replace('_', ' ')} {move[name]}" for name in names)
    for cell in told["cells"]:
        yield from _cell_text(cell)
    if told["cells"]:
        yield f"energy from {told['source']}"


def _cell_text(cell: Mapping[str, Any]) -> Iterator[str]:
    days = f"{cell['first_day']} to {cell['last_day']}"
    yield f"{cell['bucket']}, {days}, tariff version {cell['tariff_version'] or 'none'}"
    if cell["components"]:
        yield f"  price per kWh: {cell['price']}, the sum of"
        for name, one in cell["components"].items():
            tags = f"   ({', '.join(one['parts'])})" if one["parts"] else ""
            yield f"    {one['price']:>10}  {name}{tags}"
    if cell["rate_is"]:
        yield f"  the line's rate is {cell['rate_is']}"
    yield f"  {'day':<10} {'intervals':>9} {'import kWh':>14} {'export kWh':>14} {'net kWh':>14}"
    for day in cell["days"]:
        yield _row(day["day"], day) + _besides(day)
    yield _row("all", cell)
    if cell["positive_net_milliwh"] not in (cell["import_milliwh"], 0):
        yield f"  taken beyond what was given, by netting interval: {kwh(cell['positive_net_milliwh']):f} kWh"


def _besides(day: Mapping[str, Any]) -> str:
    worth = f"   {day['worth']} by its steps" if day["worth"] else ""
    return worth + (f"   {day['estimated']} estimated" if day["estimated"] else "")


def _row(name: str, one: Mapping[str, Any]) -> str:
    imported, exported = one["import_milliwh"], one["export_milliwh"]
    figures = " ".join(f"{kwh(each):>14.6f}" for each in (imported, exported, imported - exported))
    return f"  {name:<10} {one['intervals']:>9} {figures}"


def _year(made: Statements, closing: Statement) -> list[dict[str, Any]]:
    """The bills of the Relevant Period that a bill closes, oldest first; number 0: what the account's opening says."""
    year: list[Statement] = []
    for one in reversed(made.statements[: closing.number]):
        if one is not closing and (one.slot.closes_year or one.slot.programme != closing.slot.programme):
            break
        year.append(one)
    opening = made.account.terms.opening
    before = []
    if opening is not None and year[-1].number == 1:
        before = [
            {
                "number": 0,
                "last_day": (opening.as_of - _ONE_DAY).isoformat(),
                "import_milliwh": int(opening.import_kwh * MILLIWH_PER_KWH),
                "export_milliwh": int(opening.export_kwh * MILLIWH_PER_KWH),
                "carried": plain(opening.energy_charges + opening.non_bypassable_charges),
                "minimums": plain(opening.minimums_billed),
            }
        ]
    return before + [
        {
            "number": one.number,
            "last_day": one.slot.cycle.last_day.isoformat(),
            "import_milliwh": one.energy.import_milliwh,
            "export_milliwh": one.energy.export_milliwh,
            "carried": plain(one.carried),
            "minimums": plain(total(line.amount for line in one.lines if line.kind is LineKind.MINIMUM)),
        }
        for one in reversed(year)
    ]


def _cell(calendar: Calendar, table: EnergyTable, cell: Cell, line: Line, steps: Steps | None = None) -> dict[str, Any]:
    version, days = cell.block.version, list(_days(calendar, table, cell, steps))
    # A line without a rate has no use for the tariff's price: its own is in its source.
    components = {} if version is None or line.rate is None else price_components(version, cell.bucket)
    return {
        "bucket": cell.bucket,
        "first_day": cell.block.first_day.isoformat(),
        "last_day": cell.block.last_day.isoformat(),
        "tariff_version": "" if version is None else version.id,
        "price": plain(total(components.values())),
        "components": {
            name: {"price": plain(price), "parts": _parts(calendar.tariff, version, name)}
            for name, price in components.items()
        },
        "rate_is": "" if version is None else _rate_is(calendar.tariff, version, components, line),
        "intervals": sum(one.intervals for one in days),
        "import_milliwh": cell.import_milliwh,
        "export_milliwh": cell.export_milliwh,
        "positive_net_milliwh": cell.positive_net_milliwh,
        "adds_up": sum(one.import_milliwh for one in days) == cell.import_milliwh
        and sum(one.export_milliwh for one in days) == cell.export_milliwh,
        "days": [{name: getattr(one, name) for name in DayEnergy.__slots__} for one in days],
    }


def _days(calendar: Calendar, table: EnergyTable, cell: Cell, steps: Steps | None) -> Iterator[DayEnergy]:
    """Each local day of the cell's block on which its bucket occurs."""
    wanted = calendar.bucket_names.index(cell.bucket)
    day = cell.block.first_day
    while day <= cell.block.last_day:
        edges = calendar.edges(*Cycle(day, day).edges_us(calendar.zone))
        ends = [*edges.edges_us[1:], edges.end_us]
        spans = [
            table.rows_in(start_us, end_us)
            for start_us, end_us, bucket in zip(edges.edges_us, ends, edges.bucket_ids, strict=True)
            if bucket == wanted
        ]
        if spans:
            rows = np.concatenate([np.arange(one.start, one.stop) for one in spans])
            yield DayEnergy(
                day.isoformat(),
                len(rows),
                int(table.flow_import.milliwh[rows].sum()),
                int(table.credited_milliwh[rows].sum()),
                int(table.estimated[rows].sum()),
                "" if steps is None else plain(steps.worth(table, spans)),
            )
        day += _ONE_DAY


def _parts(tariff: Tariff, version: Version | None, name: str) -> list[str]:
    if version is None:
        return []
    parts = tariff.parts_of(version)
    return [part for part in ("supply", "transmission", "non_bypassable") if name in getattr(parts, part)]


def _rate_is(tariff: Tariff, version: Version, components: Mapping[str, Decimal], line: Line) -> str:
    """Which part of the price the line has: found by its sum, never guessed where none fits."""
    if line.rate is None:
        return f"none: its steps have a price each, by {line.source}" if line.quantity else "none: the line has no rate"
    parts = tariff.parts_of(version)
    whole = total(components.values())
    charged = total(price for name, price in components.items() if name in parts.non_bypassable)
    supply = total(price for name, price in components.items() if name in parts.supply)
    known = {
        whole: "the whole price",
        whole - charged: "the price without its non-bypassable components",
        charged: "its non-bypassable components",
        whole - supply: "the delivery part",
        whole - supply - charged: "the delivery part without its non-bypassable components",
        supply: "the supply part",
    }
    return known.get(line.rate, f"{plain(line.rate)}, from another place of the same version (see source)")
