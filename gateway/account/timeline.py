"""Which bills there are: the pieces of billing cycles (`slots`), counted within their years.

A Relevant Period is twelve whole cycles; a cut one before them belongs to it and is not counted (F.6). A change of
programme or supplier, and moving out, end it early. From the account's dates alone: never looks at energy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from ..tariff.cycles import Cycle
from .anniversary import position_of
from .opening_checks import states_nothing
from .programme_file import ProgrammeFile
from .registry import PLAIN
from .slots import Slot, TimelineError, changes_of, slots_of, under
from .terms import AccountTerms, Opening
from .year_ends import YearEnd, ends_year, follows_year_end, year_ends_of

CYCLES_A_YEAR = 12
AS_OF = ("opening", "as_of")


class NoBillYetError(TimelineError):
    """No billing cycle of the account has ended within the energy there is."""


@dataclass(frozen=True, slots=True)
class Spell:
    """Bills one after the other under one programme and one supplier."""

    slots: tuple[Slot, ...]
    whole: bool
    """Whether the first Relevant Period in it is known from its first day."""
    opening: Opening | None = None
    note: str = ""

    @property
    def programme(self) -> str:
        return self.slots[0].programme


def timeline(
    terms: AccountTerms, programmes: Mapping[str, ProgrammeFile], first_day: date, last_day: date
) -> tuple[Spell, ...]:
    """The spells of the bills whose cycles have energy: that end on `last_day` or before, and not before `first_day`.

    `first_day`, `last_day`: the local days that the energy covers. Raises TimelineError.
    """
    ends = year_ends_of(terms, programmes)
    slots, begins = slots_of(terms, programmes, (first_day, last_day), ends)
    spells = [
        _by_calendar(terms, group, begins, at == 0, ends[group[0].programme])
        if group[0].programme in ends
        else _numbered(terms, group, begins, at == 0)
        for at, group in enumerate(_groups(slots))
    ]
    ended = [_ended_early(one, following) for one, following in zip(spells, [*spells[1:], None], strict=False)]
    if ended and terms.customer.moved_out and ended[-1].slots[-1].cycle.last_day == terms.customer.moved_out:
        ended[-1] = _closed(ended[-1], f"moved out on {terms.customer.moved_out}")
    known = [_within(one, first_day, last_day) for one in ended]
    found = tuple(one for one in known if one.slots)
    _refuse_lost(terms.opening, spells)
    if not found:
        raise NoBillYetError(
            f"no billing cycle ends within the energy there is, {first_day} to {last_day}: "
            "see read_dates in [billing], and that energy and account are of the same years; "
            "of a bill that has not ended `netmeter account` tells"
        )
    return found


def _groups(slots: Sequence[Slot]) -> list[list[Slot]]:
    """Slots of one programme and supplier, one after the other."""
    groups: list[list[Slot]] = []
    for slot in slots:
        if groups and under(groups[-1][-1]) == under(slot):
            groups[-1].append(slot)
        else:
            groups.append([slot])
    return groups


def _numbered(terms: AccountTerms, slots: list[Slot], begins: date | None, is_first: bool) -> Spell:
    """Bills counted within their years. Until here a slot's number says whether it is whole (1) or cut (0)."""
    first = slots[0].cycle.first_day
    opening = terms.opening
    if opening is not None and first <= opening.as_of <= slots[-1].cycle.last_day:
        return _opened(slots, opening)
    events = {begins, terms.customer.moved_in, *changes_of(terms)}
    anniversary = terms.billing.anniversary
    if first in events or not is_first:
        if anniversary is not None and first < anniversary:
            return _by_anniversary(slots, anniversary, whole=True)
        return Spell(_counted(slots, 1 if slots[0].number else 0), whole=True)
    if anniversary is not None:
        return _by_anniversary(slots, anniversary, whole=anniversary <= first)
    note = (
        f"since {first}: what was before in this Relevant Period is not known, so no true-up is shown; "
        "say it in [opening], or when a Relevant Period begins as anniversary in [billing]"
    )
    return Spell(tuple(slots), whole=False, note=note if slots[0].programme != PLAIN else "")


def _by_calendar(terms: AccountTerms, slots: list[Slot], begins: date | None, is_first: bool, end: YearEnd) -> Spell:
    """Bills counted within years that end with May."""
    opening, first, number, note = terms.opening, slots[0].cycle.first_day, 1, ""
    if opening is not None and first <= opening.as_of <= slots[-1].cycle.last_day:
        spell = _opened(slots, opening)
        slots, number, whole = list(spell.slots), opening.cycles + 1, True
    else:
        opening = None
        events = {begins, terms.customer.moved_in, *changes_of(terms)}
        whole = not is_first or first in events or follows_year_end(first, end)
    if not whole:
        note = f"since {first}: what was before in this year is not known, so no true-up is shown; say it in [opening]"
    made: list[Slot] = []
    for slot in slots:
        made.append(replace(slot, number=number, closes_year=ends_year(slot.cycle)))
        number = 1 if made[-1].closes_year else number + 1
    return Spell(tuple(made), whole=whole, opening=opening, note=note)


def _opened(slots: list[Slot], opening: Opening) -> Spell:
    kept = [one for one in slots if one.cycle.first_day >= opening.as_of]
    if not kept or kept[0].cycle.first_day != opening.as_of:
        raise no_cycle_begins("[opening] as_of", opening.as_of, [one.cycle for one in slots])
    return Spell(_counted(kept, opening.cycles % CYCLES_A_YEAR + 1), whole=True, opening=opening)


def _by_anniversary(slots: list[Slot], anniversary: date, *, whole: bool) -> Spell:
    """Counted so that a year begins with the cycle of that day, and every twelve before and after it."""
    at = position_of(anniversary, [one.cycle for one in slots])
    if at is None:
        raise no_cycle_begins("[billing] anniversary", anniversary, [one.cycle for one in slots])
    first = (CYCLES_A_YEAR - at) % CYCLES_A_YEAR + 1
    note = "" if whole or at % CYCLES_A_YEAR == 0 else f"no true-up before {anniversary}: its year began before"
    return Spell(_counted(slots, first), whole=whole or at % CYCLES_A_YEAR == 0, note=note)


def _refuse_lost(opening: Opening | None, spells: Sequence[Spell]) -> None:
    """What [opening] states must reach a bill."""
    if opening is None or not spells:
        return
    spell = next((one for one in spells if one.opening is not None), None)
    if spell is None:
        first, last = spells[0].slots[0].cycle.first_day, spells[-1].slots[-1].cycle.last_day
        raise TimelineError(
            f"[opening] as_of {opening.as_of} is in none of the billing cycles there are, {first} to {last}: "
            "give the read dates and the energy from then on (earlier = FILE), or an opening as of a bill among them",
            at=AS_OF,
        )
    if spell.programme == PLAIN and not states_nothing(opening):
        raise TimelineError(
            f"[opening] states what a bill before {opening.as_of} came to, and nothing is credited on that day yet "
            "(pto in [generator]): leave those figures out, or see the dates",
            at=AS_OF,
        )


def no_cycle_begins(what: str, day: date, cycles: Sequence[Cycle]) -> TimelineError:
    """What a user is told whose day lies within a cycle."""
    firsts = [one.first_day for one in cycles]
    near = sorted(firsts, key=lambda one: abs((one - day).days))[:2]
    return TimelineError(
        f"{what} {day} is not the first day of a billing cycle; near it are " + " and ".join(map(str, sorted(near))),
        at=AS_OF if what.startswith("[opening]") else ("billing", "anniversary"),
    )


def _counted(slots: Sequence[Slot], number: int) -> tuple[Slot, ...]:
    made: list[Slot] = []
    for slot in slots:
        closes = number == CYCLES_A_YEAR
        made.append(replace(slot, number=number, closes_year=closes))
        number = 1 if closes else number + 1
    return tuple(made)


def _ended_early(spell: Spell, following: Spell | None) -> Spell:
    """A change of programme or supplier ends the Relevant Period."""
    if following is None or spell.programme == PLAIN:
        return spell
    before, after = spell.slots[-1], following.slots[0]
    what = (
        f"{after.programme} begins" if before.programme != after.programme else f"supplier {after.supplier or 'none'}"
    )
    return _closed(spell, f"{what} on {after.cycle.first_day}")


def _closed(spell: Spell, why: str) -> Spell:
    if spell.programme == PLAIN or spell.slots[-1].closes_year:
        return spell
    return replace(spell, slots=(*spell.slots[:-1], replace(spell.slots[-1], closes_year=True, why=why)))


def _within(spell: Spell, first_day: date, last_day: date) -> Spell:
    """The bills that energy is there for; a year of which the first bills are left out is no longer whole."""
    kept = tuple(one for one in spell.slots if one.cycle.last_day >= first_day and one.cycle.last_day <= last_day)
    if not kept or kept[0] is spell.slots[0]:
        return replace(spell, slots=kept)
    if spell.opening is not None:
        raise TimelineError(
            f"[opening] as_of is {spell.opening.as_of}, and the first energy is of {first_day}: "
            "give the energy in between (earlier = FILE), or an opening as of a later bill",
            at=AS_OF,
        )
    if kept[0].number == 1:
        return replace(spell, slots=kept, whole=True)
    note = f"since {kept[0].cycle.first_day}: the Relevant Period began before the first energy, so it has no true-up"
    return replace(spell, slots=kept, whole=False, note=note if spell.programme != PLAIN else "")
