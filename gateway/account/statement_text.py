"""A statement as text for a terminal, to lay beside the utility's bill. Layout only: every figure is taken as it is."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from textwrap import wrap

from .cells import Cell
from .doubts.ranges import Range
from .lines import BankMove, BankUnit, Line
from .money import Rounding, kwh, rounded
from .statement import Statement, Statements, ranges_of
from .statement_json import due_words, plain

_LABEL_WIDTH = 58
NO_TRUE_UP_LINES = "there is nothing to settle"


def statement_text(made: Statements, one: Statement) -> Iterator[str]:
    """The lines of one bill."""
    terms, slot = made.account.terms, one.slot
    year = f", bill {slot.number or 'before the first'} of the year" if slot.programme != "plain" else ""
    yield f"{terms.name} ({terms.id})   statement {one.number}"
    yield f"{slot.cycle.first_day} to {slot.cycle.last_day}   {slot.cycle.days} days   {slot.programme}{year}"
    yield f"tariff {made.account.tariff.id}   energy from {made.source}"
    yield ""
    yield from _energy(one)
    yield ""
    yield from _lines("This cycle", one, one.bill.settled.lines)
    if one.other:
        yield from _lines("Other charges", one, one.other)
    if one.true_up_lines:
        yield from _lines("True-up of the year", one, one.true_up_lines)
    elif one.bill.true_up is not None:
        yield f"True-up of the year: {NO_TRUE_UP_LINES}"
        yield ""
    yield from _banks(one)
    yield from _sums(made, one)
    for line in one.not_included:
        yield f"  {line.label}"
    for note in one.notes:
        yield f"  note: {note}"


def summary_text(made: Statements) -> Iterator[str]:
    """One row for each bill: the summary of charges."""
    currency = made.account.tariff.currency
    yield (
        f"{'':>3} {'from':<10} {'to':<10} {'programme':<12} {'import kWh':>12} {'export kWh':>12} {'net kWh':>12} "
        + (f"{'due ' + currency:>11} {'carried':>11} {'in the year':>11}")
    )
    for one in made.statements:
        energy, cycle = one.energy, one.slot.cycle
        figures = (energy.import_milliwh, energy.export_milliwh, energy.net_milliwh)
        yield (
            f"{one.number:>3} {cycle.first_day} {cycle.last_day} {one.slot.programme:<12} "
            + " ".join(
                [
                    *(f"{kwh(milliwh):>12.3f}" for milliwh in figures),
                    *(f"{plain(money):>11}" for money in (one.due_now, one.carried, one.carried_in_year)),
                ]
            )
            + (" true-up" if one.bill.true_up is not None else "")
            + ("" if one.is_whole else " INCOMPLETE")
            + (" *" if one.not_included else "")
        )
    if any(one.not_included for one in made.statements):
        yield "    * not all that is billed is in these figures: the bill itself names it"


def _energy(one: Statement) -> Iterator[str]:
    yield f"{'Energy, kWh':<44} {'import':>13} {'export':>13} {'net':>13} {'uncertain':>11}"
    for cell in one.energy.cells:
        yield _energy_row(cell)
    energy = one.energy
    uncertain = energy.uncertain_milliwh
    figures = (energy.import_milliwh, energy.export_milliwh, energy.net_milliwh)
    yield f"  {'all':<42} " + " ".join(f"{kwh(each):>13.6f}" for each in figures) + f" {kwh(uncertain):>11.6f}"
    if not_placed(one):
        yield f"  {not_placed(one)}"


def not_placed(one: Statement) -> str:
    """The sentence for energy whose hour is not known; empty where there is none."""
    unassigned = one.energy.import_unassigned_milliwh + one.energy.export_unassigned_milliwh
    text = f"of it {kwh(unassigned):f} kWh whose hour is not known, counted in the bucket of their interval"
    return text if unassigned else ""


def _energy_row(cell: Cell) -> str:
    days = f"{cell.block.first_day} to {cell.block.last_day}"
    figures = (cell.import_milliwh, cell.export_milliwh, cell.net_milliwh)
    return (
        f"  {cell.bucket.replace('_', ' '):<17} {days:<24} "
        + " ".join(f"{kwh(each):>13.6f}" for each in figures)
        + f" {kwh(cell.uncertain_milliwh):>11.6f}"
    )


def _lines(title: str, one: Statement, lines: Sequence[Line]) -> Iterator[str]:
    yield f"{title:<60} {'quantity':>14}       {'rate':>12} {'amount':>12}  due      uncertain"
    for line in lines:
        yield from _line(one, line)
    yield ""


def _line(one: Statement, line: Line) -> Iterator[str]:
    words = wrap(line.label, _LABEL_WIDTH)
    for more in words[:-1]:
        yield f"  {more}"
    quantity = "" if line.quantity is None else plain(line.quantity)
    rate = "" if line.rate is None else plain(line.rate)
    doubt = line_doubt(one, line)
    figures = f"{quantity:>14} {line.unit:<5} {rate:>12} {plain(line.amount):>12}"
    yield f"  {words[-1]:<58} {figures}  {due_words(line.due):<7}{f'  {doubt}' if doubt else ''}".rstrip()
    yield f"    {line.key}   exact {plain(line.exact)}   {line.source}"


def line_doubt(one: Statement, line: Line) -> str:
    """What a line can be; empty where it is sure."""
    return range_text(ranges_of(one).lines[line.key], line.amount)


def range_text(one: Range, amount: Decimal) -> str:
    """`+-` where it may be off as far to either side, else from where to where; empty where it is sure."""
    if one.is_sure:
        return ""
    below, above = (f"{off:.2f}" for off in (amount - one.low, one.high - amount))
    return f"+-{above}" if below == above else f"{plain(_cents(one.low))} to {plain(_cents(one.high))}"


def _cents(amount: Decimal) -> Decimal:
    return rounded(amount, Rounding.CENT)


def between(one: Range) -> str:
    """The half-sentence behind a sum; empty where it is sure."""
    return "" if one.is_sure else f"between {plain(_cents(one.low))} and {plain(_cents(one.high))}"


def _banks(one: Statement) -> Iterator[str]:
    for at, move in enumerate(one.banks):
        unit = "" if move.unit is BankUnit.MONEY else f" {move.unit}"
        before, after = bank_doubts(one, at, move)
        parts = [
            f"{word} {plain(amount)}{f' ({doubt})' if doubt else ''}"
            for word, amount, doubt in (
                ("before", move.before, before),
                ("earned", move.earned, ""),
                ("used", move.used, ""),
                ("paid out", move.paid_out, ""),
                ("forfeited", move.forfeited, ""),
                ("after", move.after, after),
            )
        ]
        yield f"Bank {move.name.replace('_', ' ')}{unit}: " + ", ".join(parts)


def bank_doubts(one: Statement, at: int, move: BankMove) -> tuple[str, str]:
    """What the bank at that place of `Statement.banks` can hold, before and after."""
    ranges = ranges_of(one)
    return range_text(ranges.before[at], move.before), range_text(ranges.after[at], move.after)


def _sums(made: Statements, one: Statement) -> Iterator[str]:
    currency, ranges = made.account.tariff.currency, ranges_of(one)
    due, carried, in_year = (
        f", {text}" if (text := between(each)) else ""
        for each in (ranges.due_now, ranges.carried, ranges.carried_in_year)
    )
    yield f"Due now                  {plain(one.due_now):>12} {currency}{due}"
    yield f"Carried to the true-up   {plain(one.carried):>12} {currency}{carried}"
    yield f"  in this year           {plain(one.carried_in_year):>12} {currency}{in_year}"
    if not one.is_whole:
        yield "INCOMPLETE: energy is missing, see the notes"
