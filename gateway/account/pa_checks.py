"""Who may have net metering in Pennsylvania: size by class, third-party ownership, properties, independent load.

Notes problems in the document and changes nothing. Figures with their sources: config/programmes/pennsylvania.toml.
(net-metering 1.7, rows 40, 41, 43, 54; corrections A-11, B.9)
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from ..config.document import Document
from ..tariff.types import Tariff
from .pa_terms import PennsylvaniaTerms
from .programme_file import load_programme
from .registry import PENNSYLVANIA
from .terms import AccountTerms, CustomerClass, Generator

_TABLE = ("pennsylvania",)
PHOTOVOLTAIC = frozenset({"photovoltaic", "pv", "solar", "solar_photovoltaic"})
"""What accounts call it."""


def check_pennsylvania(document: Document, terms: AccountTerms, supplied: Tariff | None) -> None:
    """The rules of `pennsylvania` across keys; `supplied`: the tariff that the account names as its supplier's."""
    stated = terms.pennsylvania
    if all(one.name != PENNSYLVANIA for one in terms.programme):
        if stated is not None:
            document.warn(_TABLE, "[pennsylvania] is not used", "it goes with the programme pennsylvania")
        return
    if stated is None:
        mend = "a table [pennsylvania] with independent_load = true, if the place uses energy of its own"
        document.add(_TABLE, "[pennsylvania] is missing", mend)
        return
    if not stated.independent_load:
        mend = "a plant alone at its meter is no customer-generator (75.13(a)(1))"
        document.add((*_TABLE, "independent_load"), "net metering needs independent load", mend, value=False)
    if terms.billing.anniversary is not None:
        mend = "leave it out: the year ends with May"
        document.warn(("billing", "anniversary"), "decides nothing in Pennsylvania", mend)
    check_plant(document, "generator", terms)
    _check_contracts(document, terms, supplied)
    for message in third_party_faults(stated):
        document.add((*_TABLE, "design_kwh_per_year"), message, "see the contract of the plant's owner")
    _check_properties(document, terms, stated)


def check_plant(document: Document, table: str, terms: AccountTerms) -> None:
    """Size and technology of the account's plant, which stands in that table of the document."""
    plant, stated = terms.generator, terms.pennsylvania
    if plant is None or stated is None:
        return
    size = _size(plant)
    if tier_of(plant.technology) is None:
        message = f'"{plant.technology}" is none of the technologies that the rules list'
        mend = f"one of {', '.join(_technologies())}, or pv"
        document.warn((table, "technology"), message, mend, value=plant.technology)
    for message in size_faults(plant, terms.customer.kind, standby=stated.standby):
        document.add((table, "size_kw"), message, "see the interconnection agreement", value=size)
    if size >= _figure("size_of_approval"):
        message = f"the Commission approves systems of {_figure('size_of_approval'):f} kW and more (75.13(a)(5))"
        document.warn((table, "size_kw"), message, "have its approval at hand", value=size)


def _check_contracts(document: Document, terms: AccountTerms, supplied: Tariff | None) -> None:
    """One supplier_tariff for suppliers one after the other: each with its own prices."""
    if supplied is None or terms.choices.get("egs_generation") != "kwh_bank":
        return
    begins = {one.effective for one in supplied.version}
    names = [terms.customer.supplier, *(one.name for one in terms.supplier)]
    for position, (stint, before) in enumerate(zip(terms.supplier, names, strict=False)):
        known = {one for one in names[: position + 1] if one}
        if stint.name and known - {stint.name} and stint.first not in begins:
            message = f"{stint.name} is billed by {supplied.id}, as {before or sorted(known)[0]} was before it"
            mend = f"join the prices of both by day: a tariff with [[schedule]], one of them from {stint.first}"
            document.warn(("supplier", position, "name"), message, mend, value=stint.name)


def tier_of(technology: str) -> int | None:
    """The tier of the credits that it earns; None for what the rules do not list."""
    value = _technologies().get("photovoltaic" if technology in PHOTOVOLTAIC else technology)
    return None if value is None else int(value)


def size_faults(generator: Generator, kind: CustomerClass, *, standby: bool) -> Iterator[str]:
    """Why a plant of that size has no net metering: 50 kW residential, 3 MW else, 5 MW standing by; limits included."""
    size = _size(generator)
    if kind is CustomerClass.RESIDENTIAL:
        if size > _figure("size_limit_residential"):
            yield f"{size:f} kW: residential net metering ends at {_figure('size_limit_residential'):f} kW"
        return
    limit, widest = _figure("size_limit_other"), _figure("size_limit_standby")
    if size > widest:
        yield f"{size:f} kW: net metering ends at {widest:f} kW"
    elif size > limit and not standby:
        yield (
            f"{size:f} kW: above {limit:f} kW a system must stand by for emergencies or be part of a microgrid "
            "(standby = true in [pennsylvania])"
        )


def third_party_faults(stated: PennsylvaniaTerms) -> Iterator[str]:
    """A third party's plant may make 110 % of the yearly use, no more."""
    if not stated.third_party_owned:
        return
    made, used = stated.design_kwh_per_year, stated.use_kwh_per_year
    if made is None or used is None:
        yield "a third party owns the plant: design_kwh_per_year and use_kwh_per_year are needed"
        return
    percent = _figure("third_party_percent")
    if made * 100 > used * percent:
        yield f"{made:f} kWh a year are more than {percent:f} % of the {used:f} kWh used"


def _check_properties(document: Document, terms: AccountTerms, stated: PennsylvaniaTerms) -> None:
    most = _figure("most_miles")
    for position, one in enumerate(stated.property):
        path = (*_TABLE, "property", position)
        if one.miles > most:
            mend = "between the boundaries of the properties, not between the meters"
            document.add((*path, "miles"), f"{one.name} is more than {most:f} miles away", mend, value=one.miles)
        if one.utility != terms.customer.utility:
            mend = "aggregated meters are in one utility's territory"
            document.add((*path, "utility"), f"{one.name} has another utility", mend, value=one.utility)
        if not one.independent_load:
            mend = "every location needs load of its own (75.14)"
            document.add((*path, "independent_load"), f"{one.name} has no load of its own", mend, value=False)


def _technologies() -> dict[str, Decimal]:
    prefix = "technology."
    figures = load_programme(PENNSYLVANIA).figure
    return {one.name.removeprefix(prefix): one.value for one in figures if one.name.startswith(prefix)}


def _size(plant: Generator) -> Decimal:
    return plant.size_kw + sum((one.added_kw for one in plant.enlargement), Decimal(0))


def _figure(name: str) -> Decimal:
    return load_programme(PENNSYLVANIA).figure_on(name, "", date.max).value
