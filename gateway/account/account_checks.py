"""What an account's file must fulfil beyond the types of its keys: dates in order, choices that exist, prices that fit.

Notes problems in the document and changes nothing. What only the energy can show (permission to operate after the
data, an interval that no netting interval holds) is in `timeline` and `netting`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise

import msgspec

from ..config.document import Document
from ..config.problem import TomlPath
from ..config.rules import NAME, NAME_MEND
from ..config.types import Role
from ..tariff.checks import check_years
from ..tariff.cycles import LONGEST_DAYS, SHORTEST_DAYS, cycles_of
from ..tariff.types import Tariff, Version
from .opening_checks import check_opening
from .price_file_checks import check_price_files
from .programme_file import ProgrammeFile, check_choices
from .registry import PENNSYLVANIA
from .terms import AccountTerms, EnergyFrom, Opening, OtherCharge

_ONE_DAY = timedelta(days=1)
NEM_START = "nem_start"


def check_terms(document: Document, terms: AccountTerms, programmes: Mapping[str, ProgrammeFile]) -> None:
    """The rules that need no tariff."""
    if not NAME.fullmatch(terms.id):
        document.add(("id",), f'id "{terms.id}" cannot be used', NAME_MEND, value=terms.id)
    _check_programmes(document, terms, programmes)
    _check_in_order(document, "supplier", [one.first for one in terms.supplier])
    _check_billing(document, terms)
    _check_meters(document, terms)
    _check_people(document, terms)
    check_price_files(document, terms, programmes)
    for position, charge in enumerate(terms.charge):
        _check_charge(document, ("charge", position), charge)
    for position, payment in enumerate(terms.payment):
        if payment.amount <= 0:
            mend = "what you paid the utility, above zero; what it gave you is a [[charge]] with an amount below zero"
            document.add(("payment", position, "amount"), "is no payment", mend, value=payment.amount)
    if terms.generator and terms.generator.size_kw <= 0:
        size_kw = terms.generator.size_kw
        document.add(("generator", "size_kw"), "is no size", "the plant's kilowatts, above zero", value=size_kw)
    for position, grown in enumerate(terms.generator.enlargement if terms.generator else ()):
        if grown.added_kw <= 0:
            path = ("generator", "enlargement", position, "added_kw")
            document.add(path, "is no enlargement", "the kilowatts that were added", value=grown.added_kw)


def check_prices(
    document: Document, terms: AccountTerms, tariff: Tariff, programmes: Mapping[str, ProgrammeFile]
) -> None:
    """The rules between the account and its tariff."""
    for earlier, later in pairwise(tariff.version):
        if earlier.last_day is not None and earlier.last_day >= later.effective:
            message = (
                f"tariff {tariff.id}: version {earlier.id} holds to {earlier.last_day}, and {later.id} before that"
            )
            document.add(("tariff",), message, "end the earlier version on the day before", value=terms.tariff)
    used = _versions_used(terms, tariff)
    if not used:
        last = tariff.version[-1].last_day
        message = f"tariff {tariff.id} has no version that holds from {terms.programme[0].first} on"
        document.add(("tariff",), message, f"its last one ends on {last}", value=terms.tariff)
    _check_time_of_use(document, terms, tariff, programmes)
    _check_customer(document, terms, tariff, used)
    _check_utility(document, terms, tariff, programmes)
    check_opening(document, terms, tariff, programmes)


def _check_utility(
    document: Document, terms: AccountTerms, tariff: Tariff, programmes: Mapping[str, ProgrammeFile]
) -> None:
    """Rules and published rates of one utility, prices of another; of a name that nobody knows nothing is said."""
    names = {key: name for file in programmes.values() for key, name in file.utility_names.items()}
    whose = next((key for key, name in names.items() if name.casefold() == tariff.utility.casefold()), None)
    own = names.get(terms.customer.utility)
    if whose is None or own is None or whose == terms.customer.utility:
        return
    message = f"tariff {tariff.id} is of {tariff.utility}, and the customer's utility is {own}"
    mend = (
        f'write utility = "{whose}", or the tariff that your bill names: prices of one and rules of another are no bill'
    )
    document.warn(("customer", "utility"), message, mend, value=terms.customer.utility)


def _check_programmes(document: Document, terms: AccountTerms, programmes: Mapping[str, ProgrammeFile]) -> None:
    if not terms.programme:
        document.add(("programme",), "there is no [[programme]]", "each names one and the day from which it holds")
    _check_in_order(document, "programme", [one.first for one in terms.programme])
    files = list(programmes.values())
    options = {option.name: option for one in files for option in one.option}
    names = [one.name for one in terms.programme]
    whole = msgspec.structs.replace(files[0], id=", ".join(dict.fromkeys(names)), option=tuple(options.values()))
    if all(name in programmes for name in names):
        check_choices(document, ("choices",), whole, terms.choices)
    for file in files:
        if file.utilities and terms.customer.utility not in file.utilities:
            message = f'{file.id} knows no defaults and no published rates of utility "{terms.customer.utility}"'
            mend = "if it is one of " + ", ".join(sorted(file.utilities)) + ", write it so; else see [choices]"
            document.warn(("customer", "utility"), message, mend, value=terms.customer.utility)


def _check_in_order(document: Document, table: str, days: Sequence[date]) -> None:
    for position, day in enumerate(days):
        path = (table, position, "from")
        check_years(document, path, day, "it is the first day on which it holds")
        if position and day <= days[position - 1]:
            document.add(
                path, f"{day} follows {days[position - 1]}", "write them in order of time, one a day", value=day
            )


def _check_billing(document: Document, terms: AccountTerms) -> None:
    billing, path = terms.billing, ("billing",)
    if billing.months == bool(billing.read_dates):
        message = "says both months and read_dates" if billing.months else "says neither read_dates nor months"
        mend = "read_dates = [...] with the days the utility read the meter, or months = true for calendar months"
        document.add(path, message, mend)
        return
    if billing.months:
        return
    if billing.read_day is None:
        mend = 'read_day = "last_day" where a bill ends with it, as in 06/08 - 07/07; else "first_day"'
        document.add((*path, "read_day"), "read_day is missing: read dates mean one of two things", mend)
    if len(billing.read_dates) < 2:
        document.add(
            (*path, "read_dates"),
            "a billing cycle lies between two read dates",
            "give at least two: the last bill shows both",
        )
    for position, (earlier, later) in enumerate(pairwise(billing.read_dates)):
        if later <= earlier:
            where = (*path, "read_dates", position + 1)
            document.add(where, f"read dates must be in order: {later} follows {earlier}", value=later)
            return
    if billing.read_day is not None:
        _warn_unusual(document, terms)


def _warn_unusual(document: Document, terms: AccountTerms) -> None:
    billing = terms.billing
    assert billing.read_day is not None
    for position, cycle in enumerate(cycles_of(billing.read_dates, billing.read_day)):
        if not cycle.is_usual:
            message = f"the cycle {cycle.first_day} to {cycle.last_day} has {cycle.days} days"
            mend = f"{SHORTEST_DAYS} to {LONGEST_DAYS} are usual: is a read date missing?"
            document.warn(
                ("billing", "read_dates", position + 1), message, mend, value=billing.read_dates[position + 1]
            )


def _check_meters(document: Document, terms: AccountTerms) -> None:
    if not any(one.role is Role.GRID for one in terms.meter):
        mend = 'role = "grid" is what the utility bills; production and consumption beside it are for the record'
        document.add(("meter",), "no meter has the role grid", mend)
    names: set[tuple[str, str]] = set()
    for position, meter in enumerate(terms.meter):
        path = ("meter", position)
        if (meter.gateway, meter.name) in names:
            mend = "one meter with two registers is one [[meter]]; months before its source go into earlier"
            document.add((*path, "name"), f"there are two meters {meter.name}", mend, value=meter.name)
        names.add((meter.gateway, meter.name))
        if meter.source is EnergyFrom.COLLECTOR and not meter.file:
            mend = 'file = "collected.sqlite": the database of `netmeter collect`'
            document.add((*path, "from"), "a collector has no usual place", mend, value=meter.source.value)
        if meter.source is EnergyFrom.GREEN_BUTTON and not meter.file.lower().endswith(".xml"):
            mend = 'file = "utility.xml", as the utility gives it for download; out of a ZIP archive unpack it first'
            document.add((*path, "file"), "a Green Button file is an .xml file", mend, value=meter.file)
        if meter.gateway and meter.source is not EnergyFrom.COLLECTOR:
            mend = 'it goes with from = "collector": whose meter it is, where several gateways have one of that name'
            document.add((*path, "gateway"), "gateway means nothing here", mend, value=meter.gateway)


def _check_people(document: Document, terms: AccountTerms) -> None:
    customer, generator, opening = terms.customer, terms.generator, terms.opening
    if customer.moved_in and customer.moved_out and customer.moved_out < customer.moved_in:
        message = f"moved_out {customer.moved_out} is before moved_in {customer.moved_in}"
        document.add(("customer", "moved_out"), message, value=customer.moved_out)
    if generator and generator.application and generator.pto and generator.pto < generator.application:
        message = f"pto {generator.pto} is before the application of {generator.application}"
        document.add(("generator", "pto"), message, "permission to operate follows it", value=generator.pto)
    if opening and opening.last_true_up > opening.as_of:
        message = f"last_true_up {opening.last_true_up} is after as_of {opening.as_of}"
        document.add(("opening", "last_true_up"), message, "it is the first day of the running year")
    if opening and (opening.last_true_up < opening.as_of) != (opening.cycles > 0):
        message = f"{opening.cycles} cycles lie between last_true_up {opening.last_true_up} and as_of {opening.as_of}"
        mend = "cycles = how many bills there have been since the last true-up"
        document.add(("opening", "cycles"), message, mend, value=opening.cycles)
    elif opening:
        _warn_miscounted(document, opening)


def _warn_miscounted(document: Document, opening: Opening) -> None:
    """Bills that cannot all lie in the time there is: the true-up would come in another month. One may be cut."""
    days = (opening.as_of - opening.last_true_up).days
    if opening.cycles * SHORTEST_DAYS <= days <= (opening.cycles + 1) * LONGEST_DAYS:
        return
    message = f"{opening.cycles} cycles in the {days} days from {opening.last_true_up} to {opening.as_of}"
    mend = "cycles = how many whole bills there have been since the last true-up: it decides when the year ends"
    document.warn(("opening", "cycles"), message, mend, value=opening.cycles)


def _check_charge(document: Document, path: TomlPath, charge: OtherCharge) -> None:
    if not charge.name.strip():
        document.add((*path, "name"), 'name = "" names no line', "write it as the bill prints it", value=charge.name)
    given = [name for name in ("percent", "per_kwh", "amount", "per_month") if getattr(charge, name) is not None]
    if len(given) != 1:
        message = f"says {' and '.join(given) or 'neither percent nor per_kwh nor amount nor per_month'}"
        document.add(path, message, "it is exactly one of percent, per_kwh, amount, per_month", value=charge.name)
    if (charge.per_kwh is None) != (charge.of is None):
        mend = 'of = "import" | "net" | "year_net", and only with per_kwh'
        document.add((*path, "of"), "per_kwh and of go together", mend, value=charge.name)
    if charge.last_day is not None and charge.last_day < charge.first:
        document.add((*path, "last_day"), f"last_day {charge.last_day} is before {charge.first}", value=charge.last_day)


def _check_time_of_use(
    document: Document, terms: AccountTerms, tariff: Tariff, programmes: Mapping[str, ProgrammeFile]
) -> None:
    for position, stint in enumerate(terms.programme):
        file = programmes.get(stint.name)
        if file is None or not file.time_of_use:
            continue
        until = terms.programme[position + 1].first if position + 1 < len(terms.programme) else None
        for version in _holding(tariff, stint.first, until):
            if len(tariff.periods_of(version)) > 1:
                continue
            message = f"{stint.name} requires time of use, and tariff {tariff.id}, version {version.id}, has one price"
            mend = "name the time-of-use schedule that the utility bills, such as pge-e-tou-c"
            document.add(("tariff",), message, mend, value=terms.tariff)
            break


def _check_customer(document: Document, terms: AccountTerms, tariff: Tariff, versions: Sequence[Version]) -> None:
    customer = terms.customer
    territories = _names(one.baseline.allowance_kwh_per_day for one in versions if one.baseline is not None)
    _check_named(document, "baseline", customer.baseline, territories, tariff)
    tiers = _names(one.base_services_per_day for one in versions)
    _check_named(document, "base_services_tier", customer.base_services_tier, tiers, tariff)
    vintages = _names(one.pcia_per_kwh for one in versions)
    if customer.supplier:
        _check_named(document, "pcia_vintage", customer.pcia_vintage, vintages, tariff)
    for position, supplier in enumerate(terms.supplier):
        if PENNSYLVANIA in {one.name for one in terms.programme} and not (vintages or supplier.pcia_vintage):
            continue
        if supplier.name and supplier.pcia_vintage not in vintages:
            message = f'tariff {tariff.id} has no PCIA of vintage "{supplier.pcia_vintage}"'
            mend = "one of " + (", ".join(vintages) or "none: it knows no customers of another supplier")
            document.add(("supplier", position, "pcia_vintage"), message, mend, value=supplier.pcia_vintage)


def _check_named(document: Document, key: str, given: str, known: Sequence[str], tariff: Tariff) -> None:
    """What the tariff has by name must be chosen, and be one of its names; what it has not is not asked for."""
    if given in known or not (given or known):
        return
    path = ("customer", key)
    if not known:
        document.warn(path, f'tariff {tariff.id} has no {key}: "{given}" decides nothing', "leave it out", value=given)
        return
    message = f'tariff {tariff.id} has no {key} "{given}"' if given else f"{key} is missing: tariff {tariff.id} asks it"
    document.add(path, message, "one of " + ", ".join(known), value=given)


def _versions_used(terms: AccountTerms, tariff: Tariff) -> tuple[Version, ...]:
    return _holding(tariff, terms.programme[0].first, terms.customer.moved_out) if terms.programme else tariff.version


def _holding(tariff: Tariff, first: date, until: date | None) -> tuple[Version, ...]:
    """The versions that hold on a day from `first` to the day before `until`."""
    found: list[Version] = []
    for one, later in zip(tariff.version, (*tariff.version[1:], None), strict=True):
        end = date.max if later is None else later.effective - _ONE_DAY
        if one.last_day is not None:
            end = min(end, one.last_day)
        if end >= first and (until is None or one.effective < until):
            found.append(one)
    return tuple(found)


def _names(mappings: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    return tuple(sorted({name for one in mappings for name in one}))
