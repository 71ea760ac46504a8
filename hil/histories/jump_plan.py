"""A history of a register that jumps, drawn by lot: what flows, what the meter shows of it, when it is asked.

A pure function of seed and number, the same on every machine. The clocks are right throughout (`plan` sets them).
Knows nothing of the gateway. Times are true UTC microseconds, energy milliwatt-hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ..chance import name_key
from .plan import HOUR_US, LIMIT_MILLIW, PLACES, Ask, Happening, History, Kind, Lot, tariff_by_lot
from .tariff import MINUTE_US
from .truth import Flow, Meter

S = 1_000_000
KEY = name_key("jumps")
REREAD_KEY = name_key("jumps: read in another way")
WIDTH_MILLIWH = 100_000 * 1_000_000
"""Five digits of kilowatt-hours, where a history's meter declares a width."""
RATIOS = (2, 5, 40)
COARSER = 100
"""How much coarser a digit becomes, where it does."""


class Jump(StrEnum):
    """What is wrong with what a meter shows, or what becomes of the meter."""

    ZEROS = "zeros"
    """Every register shows 0."""
    ONE_ZERO = "one zero"
    """One of two registers shows 0."""
    FROM_ZERO = "from zero"
    """The registers count from 0 for a while, and then from where they were, as if they had counted on there."""
    SPIKE = "spike"
    """Far too much."""
    FREEZE = "freeze"
    """The registers stand still and then give all at once."""
    NOTHING = "nothing"
    """No register can be read."""
    ONE_NOTHING = "one nothing"
    """One of two registers cannot be read."""
    BACK = "back"
    """A last digit less than before, until it counts on."""
    COARSE = "coarse"
    """A digit a hundred times as coarse."""
    RESET = "reset"
    """The meter begins again at 0."""
    SWAP = "swap"
    """Another meter hangs there."""
    RATIO = "ratio"
    """Another transformer, with which each step counts more; the config says so from then on."""
    PROFILE = "profile"
    """The same meter by other registers: the config names another profile from then on."""


REREADS = (Jump.RATIO, Jump.PROFILE)
"""The gateway is started again with another config."""
MOMENTS = (Jump.RESET, Jump.SWAP, *REREADS)
BY_ITSELF = tuple(one for one in Jump if one not in REREADS)
DISPLAYS = tuple(one for one in Jump if one not in MOMENTS)
WRONG = (Jump.ZEROS, Jump.ONE_ZERO, Jump.FROM_ZERO, Jump.SPIKE)
"""Of these nothing must be booked as if it had flowed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A jump from `at_us` until `until_us`; of `direction` alone (0 import, 1 export), where it is of one."""

    at_us: int
    until_us: int
    jump: Jump
    direction: int = 0

    def __str__(self) -> str:
        return f"{self.jump} {(self.until_us - self.at_us) // S} s" if self.until_us > self.at_us else str(self.jump)


@dataclass(frozen=True, slots=True)
class JumpHistory:
    """A history and the faults of its meters."""

    base: History
    faults: tuple[Fault, ...]
    has_power: bool
    """Whether the meter has a power register."""
    width_milliwh: int | None

    def __str__(self) -> str:
        both = [(one.at_us, str(one)) for one in self.faults] + [(one.at_us, str(one)) for one in self.base.happenings]
        words = ", ".join(word for _, word in sorted(both))
        power = "power" if self.has_power else "no power"
        digit_milliwh = self.base.imports[0].step_milliwh
        return f"{self.base.number}: digit {digit_milliwh} mWh, {power}, {len(self.base.asks)} polls; {words}"

    def fault_at(self, utc_us: int) -> Fault | None:
        """What is wrong with the display at an instant."""
        return next(
            (one for one in self.faults if one.jump in DISPLAYS and one.at_us <= utc_us < one.until_us),
            None,
        )


def jump_history(seed: int, number: int, rereads: bool = True) -> JumpHistory:
    """The history with this number; without `rereads` nobody ever changes the config."""
    lot = Lot(seed, number, KEY)
    zone, local = PLACES[lot.between(0, len(PLACES) - 1)]
    interval_min = (5, 15, 15, 30)[lot.between(0, 3)]
    start = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))
    start_us = int((start + timedelta(minutes=lot.between(0, 240))).timestamp()) * S + lot.between(0, 60 * S)
    faults, others = _faults(lot, start_us)
    reread = _maybe_reread(Lot(seed, number, REREAD_KEY), start_us, faults) if rereads else None
    own = faults
    if reread is not None:
        faults = tuple(sorted((*faults, reread), key=lambda one: one.at_us))
        others = tuple(sorted((*others, Happening(reread.at_us, Kind.KILL)), key=lambda one: one.at_us))
    over_us = max([one.until_us for one in faults] + [one.at_us + one.size_us for one in others])
    end_us = over_us + 2 * interval_min * MINUTE_US + 80 * MINUTE_US
    changes_us = tuple(one.at_us for one in faults if one.jump in MOMENTS)
    width_milliwh = WIDTH_MILLIWH if lot.one_in(4) else None
    imports, exports = _meters(lot, start_us, end_us, own, width_milliwh)
    if reread is not None:
        also = Lot(seed, number, REREAD_KEY, drawn=10)
        ratio = RATIOS[also.between(0, len(RATIOS) - 1)] if reread.jump is Jump.RATIO else 1
        imports, exports = (_read_anew(also, meters, reread, ratio, width_milliwh) for meters in (imports, exports))
    base = History(
        seed,
        number,
        tariff_by_lot(lot, zone, interval_min, start_us, end_us),
        imports,
        exports,
        changes_us,
        asks_by_lot(lot, start_us, end_us, turns_of(faults), others, reread),
        others,
        unassigned=lot.one_in(4),
        max_gap_us=(60 * S, 900 * S, HOUR_US)[lot.between(0, 2)],
        error_us=(0, 0, 20_000, 400_000)[lot.between(0, 3)],
    )
    return JumpHistory(base, faults, lot.one_in(3), width_milliwh)


def _faults(lot: Lot, start_us: int) -> tuple[tuple[Fault, ...], tuple[Happening, ...]]:
    """Some jumps in a row, often one straight into the next, with gaps and kills between them or across them."""
    faults: list[Fault] = []
    others: list[Happening] = []
    at_us = start_us
    for _ in range(lot.between(1, 4)):
        at_us += 0 if faults and lot.one_in(3) else lot.between(70, 3600) * S + lot.between(0, S)
        jump = BY_ITSELF[lot.between(0, len(BY_ITSELF) - 1)]
        if jump in MOMENTS:
            faults.append(Fault(at_us, at_us, jump))
        else:
            long_s = ((1, 20), (20, 90), (90, 800), (800, 5400))[lot.between(0, 3)]
            until_us = at_us + lot.between(*long_s) * S
            faults.append(Fault(at_us, until_us, jump, lot.between(0, 1)))
        if lot.one_in(4):
            gap_us = lot.between(20, 3600) * S
            others.append(Happening(at_us - lot.between(0, 30 * S), Kind.GAP, gap_us))
        if lot.one_in(3):
            others.append(Happening(lot.between(at_us, faults[-1].until_us + 90 * S), Kind.KILL))
        at_us = faults[-1].until_us
    return tuple(faults), tuple(sorted(others, key=lambda one: one.at_us))


def _maybe_reread(lot: Lot, start_us: int, faults: tuple[Fault, ...]) -> Fault | None:
    """In one history of four a change of the config, between two jumps or right at the end of one."""
    if not lot.one_in(4):
        return None
    jump = REREADS[lot.between(0, 1)]
    free_us = [one.until_us for one in faults]
    free_us += [
        before + (after.at_us - before) // 2 for before, after in zip([start_us, *free_us], faults, strict=False)
    ]
    found_us = [at_us for at_us in free_us if not any(one.at_us <= at_us < one.until_us for one in faults)]
    at_us = found_us[lot.between(0, len(found_us) - 1)]
    return Fault(at_us, at_us, jump)


def _read_anew(
    lot: Lot, meters: tuple[Meter, ...], reread: Fault, ratio: int, width_milliwh: int | None
) -> tuple[Meter, ...]:
    """The meters with one more: what the one of that moment is taken for from then on."""
    before = [one for one in meters if one.since_us <= reread.at_us]
    shown = before[-1].shown(reread.at_us)
    if reread.jump is Jump.PROFILE:
        step_milliwh = before[-1].step_milliwh
        other = lot.between(0, 10**9) * 1000 // step_milliwh * step_milliwh
        shown = (shown, 0, other)[lot.between(0, 2)]
    anew = replace(
        before[-1],
        since_us=reread.at_us,
        first_milliwh=shown * ratio % (width_milliwh or shown * ratio + 1),
        step_milliwh=before[-1].step_milliwh * ratio,
    )
    return *before, anew, *meters[len(before) :]


def _meters(
    lot: Lot, start_us: int, end_us: int, faults: tuple[Fault, ...], width_milliwh: int | None
) -> tuple[tuple[Meter, ...], tuple[Meter, ...]]:
    """The meters in the order in which they hang there; a reset is the same meter again, from 0 on."""
    step_milliwh = (1, 10, 1000, 10_000, 100_000)[lot.between(0, 4)]
    refresh_us = (0, 0, S, 5 * S)[lot.between(0, 3)]
    has_serial = lot.one_in(2)
    moments = [(start_us, Jump.SWAP), *((one.at_us, one.jump) for one in faults if one.jump in MOMENTS)]
    both: list[tuple[Meter, ...]] = []
    flows = _flows(lot, start_us, end_us)
    for flow in flows:
        meters: list[Meter] = []
        number = -1
        for since_us, jump in moments:
            number += jump is Jump.SWAP
            kinds = (0, lot.between(0, 1000), lot.between(0, 10**6), lot.between(0, 10**9) * 1000)
            first_milliwh = 0 if jump is Jump.RESET else kinds[lot.between(0, 3)] // step_milliwh * step_milliwh
            if width_milliwh is not None:
                near_milliwh = width_milliwh - lot.between(0, 5000) * 1000
                first_milliwh = near_milliwh if jump is Jump.SWAP and lot.one_in(2) else first_milliwh % width_milliwh
            serial = f"M{number}" if has_serial else None
            meters.append(Meter(flow, since_us, first_milliwh, step_milliwh, refresh_us, serial))
        both.append(tuple(meters))
    # One meter has one number, whichever register is asked for.
    return both[0], tuple(replace(one, serial=both[0][index].serial) for index, one in enumerate(both[1]))


def _flows(lot: Lot, start_us: int, end_us: int) -> tuple[Flow, Flow]:
    """Power in steps, one way or the other, from nothing to all that the service carries."""
    imported, exported = [], []
    at_us = start_us - HOUR_US
    while at_us < end_us:
        power_milliw = (0, LIMIT_MILLIW, LIMIT_MILLIW, lot.between(0, LIMIT_MILLIW), 3_600_000)[lot.between(0, 4)]
        exports = lot.one_in(3)
        imported.append((at_us, 0 if exports else power_milliw))
        exported.append((at_us, power_milliw if exports else 0))
        at_us += lot.between(1, 5400 * S)
    return Flow(tuple(imported)), Flow(tuple(exported))


def turns_of(faults: tuple[Fault, ...]) -> list[int]:
    """When something begins or ends, in order."""
    return sorted([one.at_us for one in faults] + [one.until_us for one in faults])


def asks_by_lot(
    lot: Lot,
    start_us: int,
    end_us: int,
    turns_us: Sequence[int],
    others: tuple[Happening, ...],
    reread: Fault | None = None,
    paces_s: tuple[int, ...] = (12, 60, 60, 300, 900),
) -> tuple[Ask, ...]:
    """Polls at a steady pace, one of `paces_s`, mostly faster for two minutes around each change, at `turns_us` in
    order; none while nothing is read, and none while the gateway is started with another config."""
    away = [(one.at_us, one.at_us + one.size_us) for one in others if one.kind in (Kind.GAP, Kind.REBOOT)]
    poll_us = paces_s[lot.between(0, len(paces_s) - 1)] * S
    fast_us = (5, 12, 12, 30)[lot.between(0, 3)] * S
    answer_us = (0, 50_000, 1_500_000)[lot.between(0, 2)]
    found: list[Ask] = []
    at_us = start_us + lot.between(0, S)
    while at_us < end_us:
        if not any(from_us - 2 * answer_us <= at_us < to_us for from_us, to_us in away):
            received_us = at_us + lot.between(0, answer_us)
            found.append(Ask(at_us, lot.between(at_us, received_us), received_us))
        near = any(-20 * S <= at_us - turn_us < 100 * S for turn_us in turns_us) or at_us < start_us + 20 * S
        pause_us = min(fast_us, poll_us) if near else poll_us
        if at_us > turns_us[-1] + 600 * S:
            pause_us = max(poll_us, 120 * S)
        soon_us = next((one for one in turns_us if one > at_us), end_us) + lot.between(0, 5 * S)
        at_us = max(min(at_us + lot.between(pause_us - S, pause_us + S), soon_us), at_us + 2 * answer_us + S)
    if reread is not None:
        lag_us = 5 * S  # the longest
        found = [one for one in found if one.received_us < reread.at_us or one.sent_us - lag_us > reread.at_us]
    return tuple(found)
