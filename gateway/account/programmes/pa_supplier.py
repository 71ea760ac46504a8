"""An electric generation supplier whose contract nets kilowatt-hours: its lines beside the utility's, and its own bank.

The bank is the supplier's: no other one takes it over, and nobody but its contract says what it owes when the customer
leaves it, or when the year ends. What is lost is told in kilowatt-hours. (net-metering 1.5; corrections A-11)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ...tariff.types import bucket_name
from ..charges import PriceError, Prices, days_of, key_of
from ..lines import BankMove, BankUnit, Due, Line, LineKind, Scope, energy_line
from ..money import ZERO, kwh, kwh_text
from ..period import Period
from .pa_bank import Netted, Part, netted
from .pa_state import GENERATION_BANK


class EgsSwitch(StrEnum):
    """What a supplier's bank is worth when the customer leaves it."""

    FORFEITED = "forfeited"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Contract:
    """What the supplier's contract says: its prices, its periods by bucket, what becomes of its bank."""

    supplier: str
    prices: Prices
    periods: Mapping[str, str]
    left_is_zeroed: bool
    """Of what its bank holds when the year ends with May."""
    switch: EgsSwitch


@dataclass(frozen=True, slots=True)
class Ended:
    """What its bank becomes at the end of a year, of the supplier, or of the account."""

    banks: Mapping[str, int]
    lines: tuple[Line, ...] = ()
    moves: tuple[BankMove, ...] = ()
    notes: tuple[str, ...] = ()


def supplied(
    contract: Contract, held: Mapping[str, int], period: Period
) -> tuple[dict[str, int], list[Line], list[BankMove]]:
    """One cycle of the supplier: what its bank holds after it, what it bills, how the bank moved."""
    assert period.beside is not None
    found = list(netted(period.beside, contract.periods, held))
    lines = [_line(contract, part) for one in found for part in one.billed]
    moves = [one.move(GENERATION_BANK) for one in found if _moved(one)]
    return {one.period: one.after_milliwh for one in found if one.after_milliwh}, lines, moves


def ended(contract: Contract, banks: Mapping[str, int], period: Period, uncertain_milliwh: int) -> Ended:
    """What becomes of the bank when the year ends, another supplier follows, or the customer moves out.

    `uncertain_milliwh`: of the year's energy.
    """
    held = {name: one for name, one in banks.items() if one}
    gone = period.leaves or period.changes_supplier
    if not held or not (gone or contract.left_is_zeroed):
        return Ended(held)
    if gone and contract.switch is EgsSwitch.PAID:
        lines = tuple(_paid(contract, period, name, one, uncertain_milliwh) for name, one in held.items())
        return Ended({}, lines, tuple(_moves(held, "paid_out")))
    told = f"{kwh_text(sum(held.values()))} kWh of {contract.supplier}'s own bank are forfeited"
    why = "the customer leaves it, and its contract may owe them: egs_switch" if gone else "its contract: egs_left"
    return Ended({}, (), tuple(_moves(held, "forfeited")), (f"{told}: {why}",))


def _moves(held: Mapping[str, int], what: str) -> Iterator[BankMove]:
    for name, one in held.items():
        yield BankMove(f"{GENERATION_BANK}.{name}", BankUnit.KWH, kwh(one), **{what: kwh(one)})


def _moved(one: Netted) -> bool:
    return bool(one.held_milliwh) or one.net_milliwh < 0


def _line(contract: Contract, part: Part) -> Line:
    cell, prices = part.cell, contract.prices
    line = energy_line(
        key_of("egs.energy", cell.block, cell.bucket),
        f"{contract.supplier}: beyond its bank, {cell.bucket.replace('_', ' ')}, {days_of(cell.block)}",
        part.milliwh,
        prices.generation(cell),
        prices.rounding,
        due=Due.NOW,
        scope=Scope.GENERATION,
        source=prices.source(cell.block),
        uncertain_milliwh=cell.uncertain_milliwh,
        cells=(part.position,),
    )
    return replace(line, beside=True)


def _paid(contract: Contract, period: Period, name: str, held_milliwh: int, uncertain_milliwh: int) -> Line:
    """At the supplier's own price of the last day; pending where its tariff has none for that period then."""
    assert period.beside is not None
    block, prices = period.beside.blocks[-1], contract.prices
    assert block.version is not None
    bucket = bucket_name("" if block.season is None else block.season.name, name)
    key, label = f"egs.left.{name}", f"{contract.supplier}: its bank paid, {name.replace('_', ' ')}"
    try:
        price = prices.generation_in(block.version, bucket)
    except PriceError as error:
        told = f"{label}, {kwh_text(held_milliwh)} kWh: pending"
        source = f"egs_switch = paid; {error}"
        return Line(key, told, LineKind.NOT_INCLUDED, Due.NOTED, ZERO, ZERO, scope=Scope.GENERATION, source=source)
    return energy_line(
        key,
        label,
        -held_milliwh,
        price,
        prices.rounding,
        kind=LineKind.SURPLUS,
        due=Due.NOW,
        scope=Scope.GENERATION,
        source=f"egs_switch = paid; {prices.source(block)}",
        uncertain_milliwh=min(uncertain_milliwh, held_milliwh),
    )
