"""What a line of money stands on, for `explain`: the bank it came out of, the lines a tax is a percentage of, the year.

Looks up and reckons nothing again: every figure is one that the statement has.
"""

from typing import Any

from .lines import Line, LineKind
from .other_charges import taxed_lines
from .statement import Statement
from .statement_json import bank_json, line_json
from .terms import KwhBase, OtherCharge

OTHER = "other."
BANK = "bank."


def charge_of(line: Line, charges: tuple[OtherCharge, ...]) -> OtherCharge | None:
    """The account's own charge that made a line; None for every other line."""
    number = line.key.removeprefix(OTHER)
    if number == line.key or not number.isdigit():
        return None
    return charges[int(number) - 1]


def is_of_year(line: Line, one: Statement, charges: tuple[OtherCharge, ...]) -> bool:
    """Whether a line is of the whole year's bills: the true-up's, and charges on the year's energy."""
    charge = charge_of(line, charges)
    return line in one.true_up_lines or (charge is not None and charge.of is KwhBase.YEAR_NET)


def parts_of(line: Line, one: Statement, charges: tuple[OtherCharge, ...]) -> list[dict[str, Any]]:
    """The lines that a percentage is of."""
    charge = charge_of(line, charges)
    if charge is None or charge.percent is None:
        return []
    return [line_json(each) for each in taxed_lines(one.bill) if each.amount]


def banks_of(line: Line, one: Statement) -> list[dict[str, Any]]:
    """How the bank moved that a line is of."""
    name = line.key.removeprefix(BANK)
    if line.kind not in (LineKind.BANK, LineKind.SURPLUS) or name == line.key:
        return []
    return [bank_json(move, "cycle") for move in one.bill.settled.banks if move.name == name]
