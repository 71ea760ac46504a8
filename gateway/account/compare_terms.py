"""An account's terms as they would be under another programme, for `compare`: same house, same cycles, same plant.

What belongs to the account's own history (an opening, payments, changes of programme) is left out; what the other
programme has no option for too. Nothing is chosen that the account does not choose but the programme's defaults.
"""

from datetime import date
from decimal import Decimal

import msgspec

from .export_table import is_table
from .netting import MINUTE_US, NettingInterval
from .programme_file import ProgrammeFile
from .registry import PLAIN
from .terms import AccountTerms, Generator, ProgrammeStint

NETTING = "netting_interval"
QUARTER_US = 15 * MINUTE_US


def without_programme(terms: AccountTerms) -> AccountTerms:
    """Without net metering from the first day on: the cycles alone."""
    stint = ProgrammeStint(name=PLAIN, first=date.min)
    billing = msgspec.structs.replace(terms.billing, anniversary=None)
    return msgspec.structs.replace(
        terms,
        programme=(stint,),
        generator=None,
        billing=billing,
        opening=None,
        payment=(),
        choices={},
        charge=(),
        export_adder=(),
    )


def terms_for(terms: AccountTerms, file: ProgrammeFile, tariff: str, first: date, longest_us: int) -> AccountTerms:
    """Under `file`'s programme from `first` on, as if permission to operate had been given by then.

    `longest_us`: of the intervals with energy. Hours cannot net by the quarter, so an account that has not chosen nets
    them by the hour.
    """
    options = {one.name: one for one in file.option}
    kept = {name: value for name, value in terms.choices.items() if name in options and value in options[name].values}
    if NETTING in options and longest_us > QUARTER_US:
        kept.setdefault(NETTING, NettingInterval.HOUR.value)
    customer = msgspec.structs.replace(terms.customer, moved_in=None, moved_out=None)
    held = next((one for one in reversed(terms.supplier) if one.first <= first), None)
    if held is not None:
        customer = msgspec.structs.replace(customer, supplier=held.name, pcia_vintage=held.pcia_vintage)
    return msgspec.structs.replace(
        terms,
        tariff=tariff,
        customer=customer,
        programme=(ProgrammeStint(name=file.id, first=first),),
        supplier=(),
        generator=_plant(terms.generator, first),
        billing=msgspec.structs.replace(terms.billing, anniversary=first),
        opening=None,
        payment=(),
        export_prices=terms.export_prices if file.id == "nbt" and is_table(terms.export_prices) else "",
        choices=kept,
    )


def _plant(generator: Generator | None, first: date) -> Generator:
    if generator is None:
        return Generator(technology="", size_kw=Decimal(0), pto=first)
    pto = first if generator.pto is None else min(generator.pto, first)
    return msgspec.structs.replace(generator, pto=pto)
