"""What a programme is made from: the account's terms, its own file, the prices of its customer, and where it begins.

A programme's module has a maker `Setting -> Ready`; `registry` names them. Nothing here reckons.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ..tariff.days import DayRules
from ..tariff.types import Tariff
from .charges import Prices
from .period import Programme
from .price_series import PriceSeries
from .programme_file import ProgrammeFile
from .terms import AccountTerms, Opening

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Setting:
    """One spell of an account: a programme, and a customer with the supplier of that spell (`prices.customer`)."""

    terms: AccountTerms
    file: ProgrammeFile
    prices: Prices
    whole: bool
    """Whether the Relevant Period that the spell begins in is known from its first day; else it has no true-up."""
    opening: Opening | None = None
    """What was before, where the spell is the account's first."""
    rules: DayRules | None = None
    """The tariff's days, where the caller has looked some up already."""
    held: Mapping[str, Decimal] = field(default_factory=dict)
    """Bank -> what it holds after the spells before."""
    folder: Path = Path()
    """The account's own, for the files that it names."""
    supplier_tariff: Tariff | None = None
    """What the other supplier charges, where the account names it."""

    def choice(self, name: str) -> str:
        """An option's value: the account's own, else the default of its utility, its class, everybody."""
        customer = self.prices.customer
        return self.file.choice(name, customer.utility, self.terms.choices, customer.kind)


@dataclass(frozen=True, slots=True)
class Ready(Generic[State]):
    """A programme and the state that it begins with."""

    programme: Programme[State]
    state: State
    export_parts: Callable[[int, int], Mapping[str, PriceSeries]] | None = None
    """What exports within [start_us, end_us) are paid by component, where the programme has a table of it."""
    beside: Tariff | None = None
    """The tariff of a second ledger: each cycle's energy is gathered by its blocks too (`Period.beside`)."""


class Maker(Protocol):
    """How a programme comes to be. Raises ProgrammeError or charges.PriceError for what the account lacks."""

    def __call__(self, setting: Setting) -> Ready[object]:
        """The programme, ready for its first cycle."""
        ...
