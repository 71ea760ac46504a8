"""The bills of the year that runs, among all of an account's, and which of them lack energy. Reckons nothing."""

from collections.abc import Iterable, Sequence

from .statement import Statement


def bills_of_year(bills: Sequence[Statement]) -> list[Statement]:
    """The newest bill and those before it in the same Relevant Period, oldest first."""
    year: list[Statement] = []
    for one in reversed(bills):
        if year and (one.slot.closes_year or one.slot.programme != year[0].slot.programme):
            break
        year.insert(0, one)
    return year


def lacking(bills: Iterable[Statement]) -> tuple[str, ...]:
    """A sentence for each bill of which not all energy is known: no sum over it has what is lacking."""
    return tuple(
        f"not all energy of bill {one.number} ({one.slot.cycle.first_day} to {one.slot.cycle.last_day}) is known, none "
        f"of {one.holes[0]}{_others(len(one.holes) - 1)}: what is not known is in no sum of the year"
        for one in bills
        if one.holes
    )


def _others(count: int) -> str:
    return f" and {count} more" if count else ""
