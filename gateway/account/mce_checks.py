"""What an account with MCE as its supplier must say: the supplier, from which day, and what it charges.

Notes problems in the document and changes nothing. (net-metering rows 63 to 65, 74)
"""

from ..config.document import Document
from ..tariff.flags import Flag
from ..tariff.types import Period, Season, Tariff
from .registry import MCE, WITH_SUPPLIER
from .terms import AccountTerms

UTILITY = "pge"


def check_mce(document: Document, terms: AccountTerms, tariff: Tariff | None, supplied: Tariff | None) -> None:
    """The rules of `mce` across keys; `supplied`: the tariff that the account names as its supplier's."""
    at = [position for position, one in enumerate(terms.programme) if one.name in WITH_SUPPLIER]
    if not at:
        if terms.supplier_tariff and terms.choices.get("egs_generation") != "kwh_bank":
            mend = "it goes with the programme mce; under others the supplier's part is on its own bill"
            document.warn(("supplier_tariff",), "is named and not used", mend, value=terms.supplier_tariff)
        return
    if not terms.supplier_tariff:
        mend = 'supplier_tariff = "mce-e-tou-c": what MCE charges for generation, on the schedule that the bill names'
        document.add(("supplier_tariff",), "supplier_tariff is missing: mce bills generation too", mend)
    if supplied is not None and Flag.GENERATION_ONLY not in supplied.flags_of(supplied.version[-1]):
        mend = 'a file of generation alone has flags = ["generation_only"], as mce-e-tou-c has'
        message = f"tariff {supplied.id} is not of generation alone: is it the supplier's?"
        document.add(("supplier_tariff",), message, mend, value=terms.supplier_tariff)
    if supplied is not None and tariff is not None and _hours(supplied) != _hours(tariff):
        message = f"tariff {supplied.id} has other seasons or hours than {tariff.id}"
        mend = "MCE bills by the schedule that PG&E bills: name the two of one schedule"
        document.warn(("supplier_tariff",), message, mend, value=terms.supplier_tariff)
    if terms.customer.utility != UTILITY:
        mend = f'utility = "{UTILITY}", the utility whose wires MCE uses'
        document.add(("customer", "utility"), "MCE sells over PG&E's wires alone", mend, value=terms.customer.utility)
    for position in at:
        stint = terms.programme[position]
        names = [terms.customer.supplier, *(one.name for one in terms.supplier if one.first <= stint.first)]
        if names[-1].casefold() != MCE:
            mend = f'[[supplier]] name = "mce", from = {stint.first} and its pcia_vintage; or supplier in [customer]'
            message = f"the energy is not MCE's on {stint.first}"
            document.add(("programme", position, "name"), message, mend, value=stint.name)


def _hours(tariff: Tariff) -> tuple[frozenset[Season], frozenset[Period]]:
    """What decides the period of an hour in the newest version."""
    newest = tariff.version[-1]
    return frozenset(tariff.seasons_of(newest)), frozenset(tariff.periods_of(newest))
