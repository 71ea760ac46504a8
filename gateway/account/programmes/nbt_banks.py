"""The three credit banks of the Net Billing Tariff and what each may pay. Amounts in, amounts out.

"Energy Produced credits can only offset Energy Produced charges, Energy Delivered credits can only offset Energy
Delivered charges, Energy Export Bonus Credit can offset any and all electric charges" (a PG&E statement). So the scoped
banks are spent first and the bonus on what they left: the other way round it would be gone and a scoped credit left
over. No bank is ever below zero. (net-metering 1.3; corrections A-7, A-8, F.3)
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

from ..money import ZERO, total

SCOPES = ("generation", "delivery", "non_bypassable", "fixed")
"""Of charges, in the order in which the bonus pays them (F.3)."""
BANKS = ("generation", "delivery", "bonus")


@dataclass(frozen=True, slots=True)
class Charges:
    """What a cycle costs, or what was paid of it, by scope; below zero where a component is a credit."""

    generation: Decimal = ZERO
    delivery: Decimal = ZERO
    non_bypassable: Decimal = ZERO
    """With what stands beside energy delivered: exit fees of a customer of another supplier."""
    fixed: Decimal = ZERO

    def of(self, scope: str) -> Decimal:
        found = getattr(self, scope)
        assert isinstance(found, Decimal)
        return found

    @property
    def sum(self) -> Decimal:
        return total(self.of(scope) for scope in SCOPES)

    def plus(self, other: "Charges") -> "Charges":
        return Charges(*(self.of(scope) + other.of(scope) for scope in SCOPES))

    def minus(self, other: "Charges") -> "Charges":
        return Charges(*(self.of(scope) - other.of(scope) for scope in SCOPES))


@dataclass(frozen=True, slots=True)
class Purse:
    """What each bank holds. Raises ValueError for one below zero."""

    generation: Decimal = ZERO
    delivery: Decimal = ZERO
    bonus: Decimal = ZERO

    def __post_init__(self) -> None:
        for one in fields(self):
            if getattr(self, one.name) < 0:
                raise ValueError(f"bank {one.name} is {getattr(self, one.name)}, below zero")

    def of(self, bank: str) -> Decimal:
        found = getattr(self, bank)
        assert isinstance(found, Decimal)
        return found

    def plus(self, other: "Purse") -> "Purse":
        return Purse(*(self.of(bank) + other.of(bank) for bank in BANKS))

    def minus(self, other: "Purse") -> "Purse":
        return Purse(*(self.of(bank) - other.of(bank) for bank in BANKS))


@dataclass(frozen=True, slots=True)
class Spent:
    """What the banks paid: of each bank, and of each scope of charges."""

    banks: Purse
    paid: Charges

    @property
    def sum(self) -> Decimal:
        return self.paid.sum


def spend(purse: Purse, charges: Charges, bonus_scopes: Sequence[str] = SCOPES) -> Spent:
    """Scoped banks on their own charges, then the bonus on what is left, in the order of `bonus_scopes`."""
    scoped = {scope: min(purse.of(scope), max(ZERO, charges.of(scope))) for scope in ("generation", "delivery")}
    left, by_bonus = purse.bonus, dict.fromkeys(SCOPES, ZERO)
    for scope in bonus_scopes:
        by_bonus[scope] = min(left, max(ZERO, charges.of(scope) - scoped.get(scope, ZERO)))
        left -= by_bonus[scope]
    paid = Charges(*(scoped.get(scope, ZERO) + by_bonus[scope] for scope in SCOPES))
    return Spent(Purse(scoped["generation"], scoped["delivery"], purse.bonus - left), paid)


EMPTY = Purse()
NOTHING = Charges()
