"""Statements as one JSON object: a contract for programs, with a JSON Schema beside it (statement.schema.json).

Money, rates and quantities are text, exact to the last digit; energy is integer milliwatt-hours; days are local.
Nothing is reckoned or rounded here.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from .cells import Cell
from .doubts.ranges import Range
from .lines import BankMove, Due, Line
from .statement import Statement, StatementRanges, Statements, ranges_of
from .terms import AccountTerms

SCHEMA = 1
SCHEMA_FILE = Path(__file__).with_name("statement.schema.json")


def as_json(made: Statements, chosen: Sequence[Statement]) -> dict[str, Any]:
    """The account and the statements that were asked for."""
    terms, tariff = made.account.terms, made.account.tariff
    return {
        "schema": SCHEMA,
        "account": terms.id,
        "name": terms.name,
        "tariff": tariff.id,
        "utility": terms.customer.utility,
        "currency": tariff.currency,
        "zone": tariff.zone,
        "rounding": terms.billing.rounding.value,
        "terms": _terms(terms),
        "source": made.source,
        "notes": list(made.notes),
        "statements": [statement_json(one) for one in chosen],
    }


def statement_json(one: Statement) -> dict[str, Any]:
    """One bill."""
    slot, ranges = one.slot, ranges_of(one)
    return {
        "number": one.number,
        "first_day": slot.cycle.first_day.isoformat(),
        "last_day": slot.cycle.last_day.isoformat(),
        "days": slot.cycle.days,
        "programme": slot.programme,
        "supplier": slot.supplier,
        "number_in_year": slot.number,
        "closes_year": slot.closes_year,
        "is_whole": one.is_whole,
        "holes": [{"start_utc_us": hole.start_us, "end_utc_us": hole.end_us} for hole in one.holes],
        "energy_sha256": one.energy_digest,
        "import_milliwh": one.energy.import_milliwh,
        "export_milliwh": one.energy.export_milliwh,
        "import_unassigned_milliwh": one.energy.import_unassigned_milliwh,
        "export_unassigned_milliwh": one.energy.export_unassigned_milliwh,
        "energy": [_cell(cell) for cell in one.energy.cells],
        "lines": [_ranged(line, ranges) for line in one.bill.settled.lines],
        "other_lines": [_ranged(line, ranges) for line in one.other],
        "true_up": None if one.bill.true_up is None else [_ranged(line, ranges) for line in one.bill.true_up.lines],
        "not_included": [_ranged(line, ranges) for line in one.not_included],
        "banks": [_bank(one, at, ranges) for at in range(len(one.banks))],
        "due_now": plain(one.due_now),
        **_ends("due_now", ranges.due_now),
        "carried_to_true_up": plain(one.carried),
        **_ends("carried_to_true_up", ranges.carried),
        "carried_in_year": plain(one.carried_in_year),
        **_ends("carried_in_year", ranges.carried_in_year),
        "uncertain_amount": plain(one.uncertain_amount),
        "uncertain_in_year": plain(one.uncertain_in_year),
        "notes": list(one.notes),
    }


def _ranged(line: Line, ranges: StatementRanges) -> dict[str, Any]:
    """A line with what it can be, its energy being uncertain."""
    return {**line_json(line), **_ends("amount", ranges.lines[line.key])}


def _bank(one: Statement, at: int, ranges: StatementRanges) -> dict[str, Any]:
    """A bank's movement with what it can have held."""
    moved = bank_json(one.banks[at], "cycle" if at < len(one.bill.settled.banks) else "true_up")
    return {**moved, **_ends("before", ranges.before[at]), **_ends("after", ranges.after[at])}


def _ends(name: str, one: Range) -> dict[str, str]:
    """The lowest and the highest that it can be; the same where it is sure."""
    return {f"{name}_low": plain(one.low), f"{name}_high": plain(one.high)}


def line_json(line: Line) -> dict[str, Any]:
    """One line."""
    return {
        "key": line.key,
        "label": line.label,
        "kind": line.kind.value,
        "due": line.due.value,
        "scope": line.scope.value,
        "quantity": None if line.quantity is None else plain(line.quantity),
        "unit": line.unit,
        "rate": None if line.rate is None else plain(line.rate),
        "exact": plain(line.exact),
        "amount": plain(line.amount),
        "source": line.source,
        "uncertain_milliwh": line.uncertain_milliwh,
        "uncertain_amount": plain(line.uncertain_amount),
    }


def plain(amount: Decimal) -> str:
    """Digits and a point, never an exponent; zero has no sign."""
    return f"{amount if amount else abs(amount):f}"


def due_words(due: Due) -> str:
    """What a person reads."""
    return {Due.NOW: "now", Due.TRUE_UP: "true-up", Due.NOTED: "noted"}[due]


def _cell(cell: Cell) -> dict[str, Any]:
    version, season = cell.block.version, cell.block.season
    return {
        "first_day": cell.block.first_day.isoformat(),
        "last_day": cell.block.last_day.isoformat(),
        "tariff_version": "" if version is None else version.id,
        "season": "" if season is None else season.name,
        "bucket": cell.bucket,
        "import_milliwh": cell.import_milliwh,
        "export_milliwh": cell.export_milliwh,
        "positive_net_milliwh": cell.positive_net_milliwh,
        "import_uncertain_milliwh": cell.import_uncertain_milliwh,
        "export_uncertain_milliwh": cell.export_uncertain_milliwh,
        "positive_net_uncertain_milliwh": cell.positive_net_uncertain_milliwh,
        "estimated_intervals": cell.estimated_rows,
    }


def bank_json(move: BankMove, when: str) -> dict[str, Any]:
    """What moved in one bank; `when`: in the cycle, or at the true-up."""
    amounts = {name: plain(getattr(move, name)) for name in ("before", "earned", "used", "paid_out", "forfeited")}
    return {"name": move.name, "unit": move.unit.value, "when": when, **amounts, "after": plain(move.after)}


def _terms(terms: AccountTerms) -> dict[str, Any]:
    """What decided: programmes by date and the account's own choices."""
    return {
        "programmes": [{"name": one.name, "from": one.first.isoformat()} for one in terms.programme],
        "choices": msgspec.to_builtins(terms.choices),
    }
