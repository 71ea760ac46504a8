"""The payload of `account/<account>`: its keys, and what it says where nothing can be said. Pure; no reckoning here.

Money is integer cents, energy integer milliwatt-hours, days are local and text. What is not known is null, never 0.
The daemon fills nothing in: it passes on what `netmeter account` has found, or this with the reason.
"""

from ..ledger.records import Record
from .message import SCHEMA

BANK_PREFIX = "bank_"
KEYS = (
    "why_not",
    "currency",
    "tariff",
    "programme",
    "as_of_utc_us",
    "period_first_day",
    "period_days",
    "is_whole",
    "year_is_whole",
    "import_milliwh",
    "export_milliwh",
    "import_uncertain_milliwh",
    "export_uncertain_milliwh",
    "due_cents",
    "true_up_cents",
    "uncertain_cents",
    "carried_cents",
    "carried_in_year_cents",
    "last_bill_first_day",
    "last_bill_last_day",
    "last_bill_due_cents",
    "year_first_day",
    "year_last_day",
    "projection",
    "projection_why_not",
    "projected_bill_cents",
    "projected_bill_last_day",
    "projected_true_up_cents",
    "projected_year_cents",
    "projected_year_low_cents",
    "projected_year_high_cents",
    "estimated_days",
    "projected_days",
    "assumed",
    "next_date",
    "next_date_what",
    "notes",
)
"""Besides `schema`, `gateway`, `account`, and a key for each bank."""


def account_record(gateway: str, account: str, found: Record) -> Record:
    """A payload: all keys, those that `found` lacks null."""
    banks = {key: value for key, value in found.items() if key.startswith(BANK_PREFIX)}
    head: Record = {"schema": SCHEMA, "gateway": gateway, "account": account}
    return {**head, **{key: found.get(key) for key in KEYS}, **banks}
