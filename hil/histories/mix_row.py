"""With which registers an epoch begins: those with which the row of readings was held that began it. No gateway.

A display that shows a last digit less than the reading before it is held at the old value until it passes that
(docs/accounting.md), in a row that waits for its confirmation too. Nobody is told of that there: no register of the row
was booked yet. So the oracle reckons an epoch from its first reading as it was held, and not as it was shown. A row
that begins anew begins with what is shown.
"""

from collections.abc import Sequence
from dataclasses import replace

from .jump_plan import JumpHistory
from .plan import LIMIT_MILLIW
from .record import Fate, Taken
from .truth import MILLIWH

CLOCK_JUMP_US = 600_000_000
"""A wall clock that leaps further ahead of the monotonic one begins a row anew."""


def as_held(history: JumpHistory, taken: Sequence[Taken]) -> list[Taken]:
    """The readings; those with which an epoch begins, and goes on until it has passed them, as they were held."""
    found: list[Taken] = []
    latest: Taken | None = None
    begun = False
    for one in taken:
        held = one
        if one.shown and latest is not None and _is_of_row(history, latest, one):
            held = replace(one, shown=_held(history, latest, one))
        begun = one.fate is Fate.OPENED or (begun and latest is not None)
        found.append(held if begun else one)
        if one.shown:
            is_over = one.fate is Fate.BOOKED and (not begun or held.shown == one.shown)
            latest = None if is_over else held
    return found


def _held(history: JumpHistory, latest: Taken, one: Taken) -> dict[str, int]:
    """The registers of a reading behind `latest` as they are held."""
    digit_milliwh = history.base.imports[0].step_milliwh
    falls = {name: latest.shown[name] - milliwh for name, milliwh in one.shown.items()}
    most_milliwh = LIMIT_MILLIW * (one.wall_latest_us - latest.wall_earliest_us) // MILLIWH + 2 * digit_milliwh
    if any(milliwh > digit_milliwh or -milliwh > most_milliwh for milliwh in falls.values()):
        return dict(one.shown)  # another row
    return {name: milliwh + max(falls[name], 0) for name, milliwh in one.shown.items()}


def _is_of_row(history: JumpHistory, latest: Taken, one: Taken) -> bool:
    """Whether a reading goes on by the same clock, of the same meter as far as that tells, with the same registers."""
    passed_us = one.wall_latest_us - latest.wall_latest_us
    leapt_us = passed_us - (one.monotonic_us - latest.monotonic_us) if one.boot == latest.boot else 0
    meters = history.base.imports
    same_meter = meters[latest.meter].serial == meters[one.meter].serial
    return passed_us > 0 and leapt_us <= CLOCK_JUMP_US and same_meter and latest.shown.keys() == one.shown.keys()
