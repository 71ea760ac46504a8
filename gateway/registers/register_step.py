"""One register's way from one reading to the next: does it count on, and how is it then booked?

Bounded by what the service can have carried. It never falls and never rolls over as booked. A digit that has become
coarser is not believed beyond what the finer one and the service allow. Pure.
"""

from dataclasses import dataclass, replace

import msgspec

from drivers import EnergyRegister

from ..decision import NoteKind, Reason, RegisterMemory

ROUNDED_UP = 100
"""A display that loses a place may round up; a digit coarser than that, with more energy, may be a wrong scale."""
Notes = tuple[tuple[NoteKind, dict[str, int]], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One register's way from one reading to the next."""

    now: EnergyRegister
    """As booked, if it is."""
    memory: RegisterMemory
    objection: Reason | None = None
    notes: Notes = ()


def step_of(before: EnergyRegister, memory: RegisterMemory, shown: EnergyRegister, most_milliwh: int) -> Step:
    """The way from `before`, as booked, to `shown`; `most_milliwh` is what the service can have carried meanwhile."""
    now = shown
    if memory.rolled_over_milliwh:
        now = replace(shown, milliwh=shown.milliwh + memory.rolled_over_milliwh)
    digit_milliwh = memory.digit_milliwh or before.resolution_milliwh
    changed = shown.resolution_milliwh >= 2 * digit_milliwh or digit_milliwh >= 2 * shown.resolution_milliwh
    notes: Notes = ()
    if changed:
        detail = {"previous_digit_milliwh": digit_milliwh, "digit_milliwh": shown.resolution_milliwh}
        notes = ((NoteKind.RESOLUTION_CHANGED, detail),)
    top_milliwh = before.milliwh + before.resolution_milliwh + most_milliwh
    if changed:  # a coarser digit may have been rounded up
        top_milliwh += min(shown.resolution_milliwh, ROUNDED_UP * digit_milliwh)
    if now.milliwh >= before.milliwh:
        if now.milliwh - now.rounding_milliwh >= top_milliwh:
            return Step(now, memory, Reason.IMPOSSIBLE_JUMP)
        booked = _bounded(before, now, memory, most_milliwh) if changed or memory.digit_milliwh else now
        after = _plain(memory)
        if booked is not now:
            after = msgspec.structs.replace(after, digit_milliwh=shown.resolution_milliwh)
        return Step(booked, after, None, (*notes, *_possible_rollovers(now, top_milliwh)))
    if before.milliwh - now.milliwh <= max(memory.top_digit_milliwh or digit_milliwh, shown.resolution_milliwh):
        if not memory.top_digit_milliwh:
            notes = (*notes, (NoteKind.STEPPED_BACK, {"by_milliwh": before.milliwh - now.milliwh}))
        held = msgspec.structs.replace(
            memory,
            digit_milliwh=shown.resolution_milliwh,
            top_digit_milliwh=memory.top_digit_milliwh or digit_milliwh,
        )
        return Step(_held_at(before, now, most_milliwh), held, None, notes)
    return _rolled_over(before, now, memory, top_milliwh, notes)


def _rolled_over(
    before: EnergyRegister, now: EnergyRegister, memory: RegisterMemory, top_milliwh: int, notes: Notes
) -> Step:
    """A register that fell: through its width, if it has one and that is possible, else backwards."""
    width_milliwh = now.modulus_milliwh
    unrolled = replace(now, milliwh=now.milliwh + (width_milliwh or 0))
    fits = before.milliwh <= unrolled.milliwh and unrolled.milliwh - unrolled.rounding_milliwh < top_milliwh
    if width_milliwh is None or not fits:
        return Step(now, memory, Reason.WENT_BACKWARDS)
    rolled = msgspec.structs.replace(
        _plain(memory),
        rollovers=memory.rollovers + 1,
        rolled_over_milliwh=memory.rolled_over_milliwh + width_milliwh,
    )
    return Step(unrolled, rolled, Reason.ROLLED_OVER, (*notes, *_possible_rollovers(unrolled, top_milliwh)))


def _plain(memory: RegisterMemory) -> RegisterMemory:
    """The memory of a register that is booked as it is read."""
    if not memory.digit_milliwh and not memory.top_digit_milliwh:
        return memory
    return msgspec.structs.replace(memory, digit_milliwh=0, top_digit_milliwh=0)


def _bounded(before: EnergyRegister, now: EnergyRegister, memory: RegisterMemory, most_milliwh: int) -> EnergyRegister:
    """A register whose digit has changed, within what the digit before and the service allow; `now` itself if it is.

    A coarser digit may be rounded up: then less has flowed than it shows.
    """
    digit_milliwh, rounding_milliwh = memory.digit_milliwh or before.resolution_milliwh, now.rounding_milliwh
    if now.resolution_milliwh >= 2 * digit_milliwh:
        up_milliwh = min(now.resolution_milliwh, ROUNDED_UP * digit_milliwh, now.milliwh - before.milliwh)
        rounding_milliwh = max(rounding_milliwh, up_milliwh)
    elif now.resolution_milliwh == memory.digit_milliwh:
        rounding_milliwh = max(rounding_milliwh, min(before.rounding_milliwh, now.resolution_milliwh))
    reach_milliwh = before.milliwh + before.resolution_milliwh + most_milliwh - now.milliwh
    if reach_milliwh < 1:  # rounded up beyond all that can have flowed: nothing is booked for that
        upper_milliwh = before.resolution_milliwh + most_milliwh
        return replace(
            now,
            milliwh=before.milliwh,
            resolution_milliwh=upper_milliwh,
            rounding_milliwh=before.rounding_milliwh,
        )
    resolution_milliwh = min(now.resolution_milliwh, reach_milliwh)
    if (resolution_milliwh, rounding_milliwh) == (now.resolution_milliwh, now.rounding_milliwh):
        return now
    return replace(now, resolution_milliwh=resolution_milliwh, rounding_milliwh=rounding_milliwh)


def _held_at(before: EnergyRegister, now: EnergyRegister, most_milliwh: int) -> EnergyRegister:
    """A register that shows less than is booked, booked at the old value: the truth still lies in its bounds.

    By a whole digit less: either display is off by one, and nobody knows which.
    """
    below_milliwh = before.milliwh - now.milliwh
    own_milliwh = now.resolution_milliwh - (below_milliwh if below_milliwh < now.resolution_milliwh else 0)
    above_milliwh = min(own_milliwh, before.resolution_milliwh + most_milliwh)
    return replace(
        now,
        milliwh=before.milliwh,
        resolution_milliwh=max(1, above_milliwh),
        rounding_milliwh=now.rounding_milliwh + below_milliwh,
    )


def _possible_rollovers(now: EnergyRegister, top_milliwh: int) -> Notes:
    """Nobody looked for so long that the register may have rolled over unseen: the least is booked, and told."""
    if now.modulus_milliwh is None or (times := (top_milliwh - 1 - now.milliwh) // now.modulus_milliwh) < 1:
        return ()
    return ((NoteKind.ROLLOVER_POSSIBLE, {"width_milliwh": now.modulus_milliwh, "times_at_most": times}),)
