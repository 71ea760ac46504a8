"""A comparison for a terminal and for programs. Layout only: figures are as they come, what is missing says why."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from textwrap import wrap
from typing import Any

from .compare import Column, Comparison, ratio
from .money import kwh
from .savings import Savings
from .statement_json import plain

SCHEMA = 1
NOT_COMPUTED = "not computed"
_WIDTH = 118


def rows_of(column: Column) -> list[tuple[str, str]]:
    """What a column says, label and figure; the labels are the same in every column that could be reckoned."""
    savings = column.savings
    return [
        ("due in the year, true-up included", plain(column.due)),
        ("  uncertain at the most", f"{column.uncertain:.2f}"),
        ("the same house without a plant", _or_none(savings, "without_plant")),
        ("saved against that", "none" if savings is None else plain(savings.without_plant - column.due)),
        ("documents' annual savings", _or_none(savings, "total")),
        ("  self-consumed at retail", _or_none(savings, "self_consumed")),
        ("  exported at the export rate", _or_none(savings, "exported")),
        ("  less non-bypassable charges", _or_none(savings, "non_bypassable")),
    ]


def house_rows(made: Comparison) -> list[tuple[str, str]]:
    """What is the same in all columns."""
    own, produced = made.self_consumed_milliwh, made.production_milliwh
    share = ratio(own, produced)
    return [
        ("imported", f"{kwh(made.import_milliwh):f} kWh"),
        ("exported", f"{kwh(made.export_milliwh):f} kWh"),
        ("produced", "none that is known: see below" if produced is None else f"{kwh(produced):f} kWh"),
        ("self-consumed", "none" if own is None else f"{kwh(own):f} kWh"),
        ("self-consumption ratio", "none" if share is None else f"{share}"),
    ]


def compare_text(made: Comparison) -> Iterator[str]:
    """The table, then what each column could not say, and the notes."""
    terms = made.account.terms
    yield f"{terms.name} ({terms.id})   {made.first_day} to {made.last_day}   energy from {made.source}"
    for label, figure in house_rows(made):
        yield f"  {label:<34} {figure}"
    yield ""
    computed = [one for one in made.columns if not one.why_not]
    heads = [(one.wanted.programme, one.wanted.tariff.rsplit("/", 1)[-1]) for one in computed]
    width = max([14, *(len(part) + 2 for head in heads for part in head)])
    for part in (0, 1):
        yield f"{'' if part else made.account.tariff.currency:<36}" + "".join(
            f"{head[part]:>{width}}" for head in heads
        )
    for lines in zip(*(rows_of(one) for one in computed), strict=True):
        yield f"{lines[0][0]:<36}" + "".join(f"{figure:>{width}}" for _, figure in lines)
    for one in made.columns:
        yield from _about(one)
    yield ""
    for note in made.notes:
        yield from _wrapped("", note)


def _about(one: Column) -> Iterator[str]:
    name = f"{one.wanted.programme} with {one.wanted.tariff}"
    if one.why_not:
        yield from _wrapped(f"{name}: {NOT_COMPUTED}: ", one.why_not)
        return
    if one.left:
        yield from _wrapped(
            f"{name}, left in banks: ", ", ".join(f"{key} {plain(left)}" for key, left in one.left.items())
        )
    if one.why_no_savings:
        yield from _wrapped(f"{name}, no savings: ", one.why_no_savings)
    for note in one.notes:
        yield from _wrapped(f"{name}: ", note)


def _wrapped(head: str, text: str) -> Sequence[str]:
    return wrap(head + text, _WIDTH, subsequent_indent="  ")


def _or_none(savings: Savings | None, name: str) -> str:
    return "none" if savings is None else plain(getattr(savings, name))


def compare_json(made: Comparison) -> dict[str, Any]:
    """The same for programs: money and ratio as text, energy as integer milliwatt-hours, null for what is not known."""
    share = ratio(made.self_consumed_milliwh, made.production_milliwh)
    return {
        "schema": SCHEMA,
        "account": made.account.terms.id,
        "currency": made.account.tariff.currency,
        "first_day": made.first_day.isoformat(),
        "last_day": made.last_day.isoformat(),
        "source": made.source,
        "import_milliwh": made.import_milliwh,
        "export_milliwh": made.export_milliwh,
        "production_milliwh": made.production_milliwh,
        "self_consumed_milliwh": made.self_consumed_milliwh,
        "self_consumption_ratio": None if share is None else str(share),
        "columns": [_column_json(one) for one in made.columns],
        "notes": list(made.notes),
    }


def _column_json(one: Column) -> dict[str, Any]:
    computed, savings = not one.why_not, one.savings
    saved: Decimal | None = None if savings is None else savings.without_plant - one.due
    return {
        "programme": one.wanted.programme,
        "tariff": one.wanted.tariff,
        "computed": computed,
        "why_not": one.why_not,
        "due": plain(one.due) if computed else None,
        "uncertain_amount": plain(one.uncertain) if computed else None,
        "banks": {name: plain(left) for name, left in one.left.items()},
        "without_plant": None if savings is None else plain(savings.without_plant),
        "saved_against_that": None if saved is None else plain(saved),
        "annual_savings": None if savings is None else plain(savings.total),
        "self_consumed_at_retail": None if savings is None else plain(savings.self_consumed),
        "exported_at_export_rate": None if savings is None else plain(savings.exported),
        "non_bypassable": None if savings is None else plain(savings.non_bypassable),
        "why_no_savings": one.why_no_savings,
        "notes": list(one.notes),
    }
