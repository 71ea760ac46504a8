"""A feed-in tariff: all that the plant makes is sold at the contract's price, all that is used is bought at retail.

Two meters, two bills on one statement; nothing is set off but money. Without a production meter it is refused: a net
meter cannot tell what was made. (net-metering A11; corrections A-16)
"""

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from ...config.types import Role
from ..cells import CycleEnergy
from ..charges import PriceError, Prices, days_of, key_of
from ..lines import Due, Line, LineKind, energy_line
from ..setting import Ready, Setting
from .generic import GenericRules
from .generic_billing import NetBilling
from .generic_maker import generic_rules, generic_state

CONTRACT_PRICE = "contract_price"


class FeedIn(NetBilling):
    """A programme (`period.Programme`)."""

    def __init__(self, rules: GenericRules, prices: Prices, contract: Decimal | None) -> None:
        super().__init__(rules, prices, sold_apart=True)
        self.contract = contract
        """Per kWh; None: as the price of exports goes."""

    def given(self, energy: CycleEnergy) -> list[Line]:
        """What was made, at the contract's price."""
        if self.contract is None:
            return super().given(energy)
        lines: list[Line] = []
        for position, cell in enumerate(energy.cells):
            if not cell.export_milliwh:
                continue
            line = energy_line(
                key_of("export", cell.block, cell.bucket),
                f"Sold {cell.bucket.replace('_', ' ')}, {days_of(cell.block)}",
                -cell.export_milliwh,
                self.contract,
                self.prices.rounding,
                due=Due.NOW,
                source="contract_price in [choices]: the owner's contract",
                uncertain_milliwh=cell.export_uncertain_milliwh,
                cells=(position,),
            )
            lines.append(replace(line, kind=LineKind.CREDIT))
        return lines


def make_feed_in(setting: Setting) -> Ready[Any]:
    """The maker. Raises PriceError without a meter of the production, and for a price that is none."""
    if not any(one.role is Role.PRODUCTION for one in setting.terms.meter):
        raise PriceError(
            "feed_in sells all that the plant makes, and the account has no meter with "
            'role = "production"; with a net meter alone the programme is net_billing',
            at=("programme",),
        )
    return Ready(FeedIn(generic_rules(setting), setting.prices, _contract(setting)), generic_state(setting))


def _contract(setting: Setting) -> Decimal | None:
    text = setting.choice(CONTRACT_PRICE)
    if not text:
        return None
    try:
        price = Decimal(text)
    except InvalidOperation as error:
        raise _no_price(text) from error
    if not price.is_finite() or price < 0:
        raise _no_price(text)
    return price


def _no_price(text: str) -> PriceError:
    message = f'contract_price = "{text}" is no price; write it as "0.1234"'
    return PriceError(message, at=("choices", CONTRACT_PRICE))
