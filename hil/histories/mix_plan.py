"""A history of a register that jumps, or stands still, while the clock is set: the faults of `jump_plan` and the clocks
of `plan` in one, drawn by lot.

A pure function of seed and number, the same on every machine. The meter's faults are of true time, whatever the clock
shows; half the steps of the clock fall into one of them. Knows nothing of the gateway.
"""

from dataclasses import replace
from itertools import pairwise

from ..chance import name_key
from .jump_plan import DISPLAYS, Fault, Jump, JumpHistory, asks_by_lot, jump_history, turns_of
from .plan import HOUR_US, Happening, Kind, Lot, polled_on
from .tariff import MINUTE_US

S = 1_000_000
KEY = name_key("mixed")
STEPS_S = (7, 61, 90, 300, 599, 601, 900, 1800, 3600, 5400, 7200)
PACES_S = (60, 120, 300, 300, 900)
RIGHT_AT_LEAST_US = 300 * S
"""The clock is right until the account has begun."""


def mixed_history(seed: int, number: int) -> JumpHistory:
    """The history with this number."""
    one, lot = jump_history(seed, number, rereads=False), Lot(seed, number, KEY)
    faults = _more_that_stand(lot, one.faults)
    start_us = one.base.asks[0].sent_us
    over_us = max([each.until_us for each in faults] + [each.at_us + each.size_us for each in one.base.happenings])
    set_anew = _settings(lot, start_us, over_us + HOUR_US, faults)
    others = tuple(sorted((*one.base.happenings, *set_anew), key=lambda each: each.at_us))
    others = _apart(others)
    steps = [each for each in others if each.kind is Kind.STEP]
    over_us = max([over_us] + [each.at_us + each.size_us * (each.kind is not Kind.STEP) for each in others])
    # After it was set back the clock has to come to where it was: a repeated interval ends only then.
    ahead_us = max((each.size_us for each in steps), default=0)
    end_us = over_us + max(ahead_us, 0) + 2 * one.base.tariff.interval_min * MINUTE_US + 80 * MINUTE_US
    turns_us = sorted(turns_of(faults) + [each.at_us for each in steps])
    asks = polled_on(asks_by_lot(lot, start_us, end_us, turns_us, others, paces_s=PACES_S), over_us, lot)
    return replace(one, base=replace(one.base, asks=asks, happenings=others), faults=faults)


def offs_us(history: JumpHistory, from_us: int, until_us: int) -> tuple[int, int]:
    """How far off the clock was at the least and at the most in a stretch of true time."""
    steps = [each for each in history.base.happenings if each.kind is Kind.STEP]
    before = [each.size_us for each in steps if each.at_us <= from_us][-1:] or [0]
    found = before + [each.size_us for each in steps if from_us < each.at_us <= until_us]
    return min(found), max(found)


def set_back_us(history: JumpHistory, from_us: int, until_us: int) -> int:
    """How far the clock was set back in a stretch of true time, all in all."""
    steps = [each for each in history.base.happenings if each.kind is Kind.STEP]
    sizes_us = [0, *(each.size_us for each in steps)]
    within = [from_us < each.at_us <= until_us for each in steps]
    return sum(max(old - new, 0) for (old, new), here in zip(pairwise(sizes_us), within, strict=True) if here)


def _more_that_stand(lot: Lot, faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """In one history of two the longest fault of a display is a register that stands still."""
    shown = [each for each in faults if each.jump in DISPLAYS]
    if not shown or lot.one_in(2):
        return faults
    longest = max(shown, key=lambda each: each.until_us - each.at_us)
    return tuple(replace(each, jump=Jump.FREEZE) if each is longest else each for each in faults)


def _settings(lot: Lot, start_us: int, end_us: int, faults: tuple[Fault, ...]) -> list[Happening]:
    """When the clock is set, and how far off it is then; in the end right. In one of four with a restart at hand, and
    in one of twelve over one, where nobody can see it."""
    found: list[Happening] = []
    off_us = 0
    moments_us = sorted(_moment(lot, start_us, end_us, faults) for _ in range(lot.between(1, 3)))
    for at_us in moments_us:
        size_us = STEPS_S[lot.between(0, len(STEPS_S) - 1)] * S * (-1 if lot.one_in(2) else 1)
        size_us += lot.between(-S // 4, S // 4)
        # A clock that is wrong and set to be wrong by seconds hides those from everybody: drift looks the same.
        off_us = 0 if off_us and (lot.one_in(2) or abs(size_us - off_us) < 3 * S) else size_us
        found.append(Happening(at_us, Kind.STEP, off_us))
        if lot.one_in(4):
            away_us = lot.between(20, 3600) * S
            before_us = away_us // 2 if lot.one_in(3) else -lot.between(15, 900) * S
            found.append(Happening(max(at_us - before_us, start_us + RIGHT_AT_LEAST_US), Kind.REBOOT, away_us))
        elif lot.one_in(3):
            found.append(Happening(at_us + lot.between(0, 120) * S, Kind.KILL))
    if off_us:
        found.append(Happening(end_us + lot.between(0, 3600) * S, Kind.STEP, 0))
    return found


def _moment(lot: Lot, start_us: int, end_us: int, faults: tuple[Fault, ...]) -> int:
    """Any time; in two of three a time in which something is wrong, mostly for long, or right beside it."""
    from_us, until_us = start_us + RIGHT_AT_LEAST_US, end_us
    if not lot.one_in(3):
        fault = faults[lot.between(0, len(faults) - 1)]
        if not lot.one_in(3):
            fault = max(faults, key=lambda each: each.until_us - each.at_us)
        from_us, until_us = max(fault.at_us - 60 * S, from_us), max(fault.until_us + 60 * S, from_us + S)
    return lot.between(from_us, until_us)


def _apart(others: tuple[Happening, ...]) -> tuple[Happening, ...]:
    """Without the restarts that fall into a time without readings: one machine is off once at a time."""
    found: list[Happening] = []
    free_us = 0
    for each in others:
        if each.kind in (Kind.REBOOT, Kind.GAP):
            if each.at_us < free_us:
                continue
            free_us = each.at_us + each.size_us
        found.append(each)
    return tuple(found)
