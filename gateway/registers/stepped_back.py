"""A young register that shows less, within its last digit: a display that steps back, or a meter that was reset.

Booked is the old value, and nothing until it is passed. Of a reset meter that leaves out what it counts from 0 to
there, and all that flowed before it was reset: told, of its other register too, if that is as young. A display that
flickers between two digits is not a meter that is reset at each of them: until the register grows one of them may have
been a reset, and nobody knows which. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from drivers import EnergyRegister

from ..decision import Doubt, Note, NoteKind
from ..energy import Direction


@dataclass(frozen=True, slots=True)
class Way:
    """One register from one reading to the next."""

    before: EnergyRegister
    booked: EnergyRegister
    shown: EnergyRegister
    most_milliwh: int
    """What the service can have carried meanwhile."""
    was_told: bool
    """Whether it was told as reset since it last grew."""

    @property
    def may_begin_at_zero(self) -> bool:
        """Whether it shows no more than it can have counted from 0 since."""
        return self.shown.milliwh <= self.most_milliwh


def of_reset(notes: Sequence[Note], ways: Mapping[Direction, Way]) -> Iterator[Doubt]:
    """What is open where a register that stepped back, by `notes`, may begin at 0."""
    back = {one.direction: one.detail["by_milliwh"] for one in notes if one.kind is NoteKind.STEPPED_BACK}
    young = {direction: way for direction, way in ways.items() if way.may_begin_at_zero}
    if not back.keys() & young.keys():
        return
    for direction, way in young.items():
        grown_milliwh = way.booked.milliwh - way.before.milliwh
        open_milliwh = max(way.most_milliwh - grown_milliwh, 0) + back.get(direction, 0)
        yield Doubt(direction, open_milliwh + way.before.resolution_milliwh, once=True, again=way.was_told)


def is_told_of_reset(way: Way, doubts: Sequence[Doubt], direction: Direction) -> bool:
    """Whether a register is told as one that may have been reset, since it last grew."""
    if way.booked.milliwh > way.before.milliwh:
        return False
    return way.was_told or any(one.direction is direction for one in doubts)


def told_first(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """What the reading leaves open with which an epoch is believed: nothing was told of its registers before."""
    return tuple(replace(one, again=False) for one in doubts)


def reset_milliwh(held_milliwh: Mapping[Direction, int], doubts: Iterable[Doubt]) -> dict[Direction, int]:
    """The most that is open of registers of a held row that may have been reset in it, with one reading more."""
    found = dict(held_milliwh)
    for one in doubts:
        if one.once:
            found[one.direction] = max(one.milliwh, found.get(one.direction, 0))
    return found


def told_with_row(held_milliwh: Mapping[Direction, int], doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """The same of a row: once, wherever in it that was."""
    in_row = (Doubt(direction, milliwh, once=True) for direction, milliwh in held_milliwh.items())
    return *(one for one in doubts if not one.once), *in_row
