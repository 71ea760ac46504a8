"""The running bill and what is projected of its year, as the flat record that goes out over MQTT.

Cents are rounded here for who does not round bills (`rounding = "none"`); nothing else is. Reckons nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Any

from ..ledger.records import Record
from ..publish.account import BANK_PREFIX
from .account_file import AccountFile
from .bill_parts import due_of_cycle, due_of_true_up, uncertain_of_cycle
from .cost_date import CostDate
from .lines import BankMove, BankUnit
from .money import Rounding, rounded
from .projection import Method, Projection
from .running import Running
from .terms import AccountTerms

TO_DATE_ONLY = "to_date assumes nothing of the days to come: same_days_last_year and profile do"


def running_record(account: AccountFile, now: Running) -> Record:
    """The running bill to date, its banks, and the bill before it."""
    bill, last = now.bill, now.last
    terms, cells, cycle = account.terms, bill.energy.cells, bill.slot.cycle
    return {
        "currency": account.tariff.currency,
        "tariff": terms.tariff,
        "programme": bill.slot.programme,
        "as_of_utc_us": now.until_us,
        "period_first_day": cycle.first_day.isoformat(),
        "period_days": cycle.days,
        "is_whole": int(bill.is_whole),
        "year_is_whole": int(not (bill.holes or now.lacks)),
        "import_milliwh": bill.energy.import_milliwh,
        "export_milliwh": bill.energy.export_milliwh,
        "import_uncertain_milliwh": sum(one.import_uncertain_milliwh for one in cells),
        "export_uncertain_milliwh": sum(one.export_uncertain_milliwh for one in cells),
        **_due(terms, now),
        "uncertain_cents": _cents_up(uncertain_of_cycle(terms, bill)),
        "carried_cents": cents(bill.carried),
        "carried_in_year_cents": cents(bill.carried_in_year),
        "last_bill_first_day": None if last is None else last.slot.cycle.first_day.isoformat(),
        "last_bill_last_day": None if last is None else last.slot.cycle.last_day.isoformat(),
        "last_bill_due_cents": None if last is None else cents(last.due_now),
        "notes": "; ".join(now.notes) or None,
        **_banks(bill.bill.settled.banks),
    }


def projection_record(terms: AccountTerms, today: date, year: tuple[date, date] | None, found: Projection) -> Record:
    """What the bill that runs on `today` and its year will come to, by one method, with what is assumed."""
    asks = next((one for one in found.bills if one.slot.cycle.last_day >= today), None)
    is_to_date = found.method is Method.TO_DATE
    why_not = found.why_not or (TO_DATE_ONLY if is_to_date else "")
    low, high = found.low, found.high
    return {
        "year_first_day": None if year is None else year[0].isoformat(),
        "year_last_day": None if year is None else year[1].isoformat(),
        "projection": found.method.value,
        "projection_why_not": why_not or None,
        "projected_bill_cents": None if asks is None or is_to_date else cents(due_of_cycle(terms, asks)),
        "projected_bill_last_day": None if asks is None or is_to_date else asks.slot.cycle.last_day.isoformat(),
        "projected_true_up_cents": _cents_or_none(None if is_to_date else found.true_up_due),
        "projected_year_cents": _cents_or_none(None if is_to_date else found.year_due),
        "projected_year_low_cents": _cents_or_none(low),
        "projected_year_high_cents": _cents_or_none(high),
        "estimated_days": None if why_not else found.days_estimated,
        "projected_days": None if why_not else found.days,
        "assumed": "; ".join(found.notes) or None,
    }


def dates_record(dates: Sequence[CostDate]) -> Record:
    """The next of them."""
    return {
        "next_date": dates[0].day.isoformat() if dates else None,
        "next_date_what": dates[0].what.value if dates else None,
    }


def date_json(one: CostDate, today: date) -> Mapping[str, Any]:
    """One date, as its event tells it."""
    return {
        "what": one.what.value,
        "day": one.day.isoformat(),
        "days_left": (one.day - today).days,
        "amount_cents": _cents_or_none(one.amount),
        "amount_milliwh": None if one.kwh is None else int(one.kwh.scaleb(6)),
        "why": one.why,
    }


def _due(terms: AccountTerms, now: Running) -> Record:
    """The two are the statement's: what rounds (`rounding = "none"`) is the sum."""
    due, true_up = due_of_cycle(terms, now.bill), due_of_true_up(terms, now.bill)
    return {
        "due_cents": cents(due),
        "true_up_cents": None if true_up is None else cents(now.bill.due_now) - cents(due),
    }


def cents(amount: Decimal) -> int:
    """Whole cents, half up, away from zero below it."""
    return int(rounded(amount, Rounding.CENT).scaleb(2))


def _cents_up(amount: Decimal) -> int:
    """Of what may be off: never less than it."""
    return int(amount.scaleb(2).to_integral_value(ROUND_CEILING))


def _cents_or_none(amount: Decimal | None) -> int | None:
    return None if amount is None else cents(amount)


def _banks(moves: Sequence[BankMove]) -> Record:
    found: Record = {}
    for one in moves:
        name = BANK_PREFIX + one.name.replace(".", "_")
        if one.unit is BankUnit.MONEY:
            found[f"{name}_cents"] = cents(one.after)
        else:
            found[f"{name}_milliwh"] = int(one.after.scaleb(6))
    return found
