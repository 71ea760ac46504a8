"""Bills whose share goes by use that is not all known: none is whole until the Relevant Period ends (nem_a).

Marks and tells, and changes no amount. A share goes by the use of all since the period began, so a hole in January is
in each later month's share too. (net-metering-corrections A-12)
"""

from dataclasses import replace

from ..statement import Statement, Statements


def with_shares_off(made: Statements) -> Statements:
    """The same bills; those after an incomplete one are marked, and tell it."""
    lacks: tuple[int, ...] = ()
    programme, bills = "", []
    for one in made.statements:
        if one.slot.programme != programme:
            lacks, programme = (), one.slot.programme
        bills.append(_marked(one, lacks) if lacks else one)
        if one.holes:
            lacks = (*lacks, one.number)
        if one.slot.closes_year:
            lacks = ()
    return replace(made, statements=tuple(bills))


def _marked(one: Statement, lacks: tuple[int, ...]) -> Statement:
    numbers = ", ".join(map(str, lacks))
    note = (
        f"the share is off: not all energy of bill {numbers} of this Relevant Period is known, and shares go by its use"
    )
    return replace(one, year_lacks=lacks, notes=(*one.notes, note))
