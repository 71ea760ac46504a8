"""The running bill and its projection as text for a person. Prints nothing, reckons nothing."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Any

from ..publish.account import BANK_PREFIX
from ..tariff.walltime import iso_local


def account_text(told: Mapping[str, Any], zone: tzinfo) -> Iterator[str]:
    """Line by line. `told`: what `--json` prints."""
    currency = told["currency"]
    at = iso_local(told["as_of_utc_us"], zone)
    yield f"{told['account']}   {told['programme']}, tariff {told['tariff']}   energy up to {at}"
    days = "its first day" if told["period_days"] == 1 else f"{told['period_days']} days"
    yield f"  running bill from {told['period_first_day']}, {days}"
    yield _line("  imported", f"{told['import_milliwh'] / 1e6:.3f}", "kWh")
    yield _line("  exported", f"{told['export_milliwh'] / 1e6:.3f}", "kWh")
    yield _line("  due so far", money(told["due_cents"]), currency)
    if told["true_up_cents"] is not None:
        yield _line("  its true-up, of the year so far", money(told["true_up_cents"]), currency)
    yield _line(
        "  carried to the true-up",
        money(told["carried_cents"]),
        f"({money(told['carried_in_year_cents'])} in the year)",
    )
    for key in sorted(key for key in told if key.startswith(BANK_PREFIX)):
        name, _, unit = key.rpartition("_")
        amount = money(told[key]) if unit == "cents" else f"{told[key] / 1e6:.3f}"
        yield _line(f"  {name.replace('_', ' ')}", amount, currency if unit == "cents" else "kWh")
    if not told["is_whole"]:
        yield "  ! not all energy of this bill is known"
    if told["last_bill_last_day"] is not None:
        yield _line(f"last bill, to {told['last_bill_last_day']}", money(told["last_bill_due_cents"]), currency)
    yield from _projected(told)
    for one in told["dates"]:
        amount = "" if one["amount_cents"] is None else f" {money(one['amount_cents'])} {currency}"
        yield f"  {one['day']}, {_when(one['days_left'])}: {one['what']}{amount}: {one['why']}"
    if told["notes"]:
        yield f"  ! {told['notes']}"


def _when(days_left: int) -> str:
    return {0: "today", 1: "tomorrow"}.get(days_left, f"in {days_left} days")


def money(cents: int | None) -> str:
    """Cents as a person writes them; `-` where they are not known."""
    if cents is None:
        return "-"
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _projected(told: Mapping[str, Any]) -> Iterator[str]:
    if told["projection_why_not"]:
        yield f"  no projection: {told['projection_why_not']}"
        return
    currency, days = told["currency"], f"{told['estimated_days']} of {told['projected_days']}"
    yield f"  by {told['projection']}, {days} days of the year estimated"
    yield _line(f"  this bill, to {told['projected_bill_last_day']}", money(told["projected_bill_cents"]), currency)
    yield _line(f"  closing bill, {told['year_last_day']}", money(told["projected_true_up_cents"]), currency)
    yield _line("  all of the year", money(told["projected_year_cents"]), currency)
    if told["projected_year_low_cents"] is not None:
        high = money(told["projected_year_high_cents"])
        yield _line("    by earlier years", money(told["projected_year_low_cents"]), f"to {high}")
    if told["assumed"]:
        yield f"    assumed: {told['assumed']}"


def _line(label: str, amount: str, unit: str) -> str:
    return f"  {label:<30} {amount:>12} {unit}"
