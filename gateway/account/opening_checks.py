"""What `[opening]` may state: figures and banks that the programme of its day takes over, none of them lost unseen.

Notes problems in the document and changes nothing. That a bill begins with `as_of` is in `timeline`.
(net-metering-corrections C.1)
"""

from collections.abc import Mapping
from decimal import Decimal

from ..config.document import Document
from ..tariff.cycles import LONGEST_DAYS, SHORTEST_DAYS
from ..tariff.types import Tariff
from .programme_file import EACH, EACH_PERIOD, ProgrammeFile
from .terms import AccountTerms, Opening

FIGURES = (
    "energy_charges",
    "non_bypassable_charges",
    "minimums_billed",
    "energy_paid",
    "import_kwh",
    "export_kwh",
)
_MAY_BE_CREDITS = frozenset({"energy_charges", "non_bypassable_charges", "credit"})
"""What may stand below zero: sums of charges, and the generic money bank, where a price of exports was."""


def check_opening(
    document: Document, terms: AccountTerms, tariff: Tariff, programmes: Mapping[str, ProgrammeFile]
) -> None:
    """Every mistake in `[opening]` that needs the programme or the tariff."""
    opening = terms.opening
    if opening is None:
        return
    _check_dates(document, opening)
    stint = next((one for one in reversed(terms.programme) if one.first <= opening.as_of), None)
    file = None if stint is None else programmes.get(stint.name)
    if file is None:
        return
    for name in FIGURES:
        value = getattr(opening, name)
        if value and name not in file.opening:
            mend = f"{file.id} takes over " + (", ".join(file.opening) or "nothing")
            document.add(("opening", name), f"{file.id} has no use for {name}", mend, value=value)
        elif value < 0 and name not in _MAY_BE_CREDITS:
            document.add(("opening", name), f"{name} is below zero", "as the last bill says", value=value)
    banks = _banks_of(file, tariff)
    for name, held in opening.banks.items():
        if name not in banks:
            mend = "it has " + (", ".join(banks) or "none")
            document.add(("opening", "banks", name), f"{file.id} has no bank {name}", mend, value=held)
        elif held < 0 and name not in _MAY_BE_CREDITS:
            document.add(("opening", "banks", name), f"the bank {name} is below zero", value=held)

    for table, known in (("paid", file.opening_paid), ("earned", file.opening_earned)):
        _check_of_year(document, opening, table, known, file.id)


def states_nothing(opening: Opening) -> bool:
    """Whether it only says where the account begins."""
    tables = (opening.banks, opening.paid, opening.earned)
    return not any(getattr(opening, name) for name in FIGURES) and not any(any(one.values()) for one in tables)


def _check_of_year(document: Document, opening: Opening, table: str, known: tuple[str, ...], programme: str) -> None:
    """What was paid or earned in the running year: all that the programme asks, or nothing of it."""
    stated: Mapping[str, Decimal] = getattr(opening, table)
    for name, amount in stated.items():
        path = ("opening", table, name)
        if name not in known:
            mend = "it takes over " + (", ".join(known) or "nothing of the kind")
            document.add(path, f"{programme} has no use for {table} {name}", mend, value=amount)
        elif amount < 0 and table == "earned":
            document.add(path, f"{table} {name} is below zero", "as the bills since then say", value=amount)
        elif amount and not opening.cycles:
            mend = "cycles = how many bills there have been since last_true_up"
            document.add(path, "no bill lies between last_true_up and as_of", mend, value=amount)
    lacking = [name for name in known if name not in stated]
    if stated and lacking and set(stated) <= set(known):
        mend = f'add {lacking[0]} = "0" if it was nothing: of a part of it no true-up can be made'
        document.add(("opening", table), f"{table} says nothing of " + ", ".join(lacking), mend)


def _check_dates(document: Document, opening: Opening) -> None:
    days = (opening.as_of - opening.last_true_up).days
    # One cut bill may lie before the first whole one of a year and is not counted (F.6).
    if not SHORTEST_DAYS * opening.cycles <= days <= LONGEST_DAYS * (opening.cycles + 1):
        message = f"{opening.cycles} cycles lie in {days} days, from {opening.last_true_up} to {opening.as_of}"
        mend = "the true-up comes after twelve whole ones: count the bills since the last one"
        document.warn(("opening", "cycles"), message, mend, value=opening.cycles)


def _banks_of(file: ProgrammeFile, tariff: Tariff) -> tuple[str, ...]:
    """A programme's banks by name; one for each bucket of the tariff where it has those."""
    buckets = sorted({bucket for version in tariff.version for bucket in version.energy_per_kwh})
    found: list[str] = []
    periods = sorted({period for version in tariff.version for _, period in tariff.pairs_of(version)})
    for name in file.bank:
        if name.endswith(EACH_PERIOD):
            found += [f"{name.removesuffix(EACH_PERIOD)}.{period}" for period in periods]
            continue
        prefix = name.removesuffix(EACH)
        found += [name] if prefix == name else [f"{prefix}.{bucket}" for bucket in buckets]
    return tuple(found)
