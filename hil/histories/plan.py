"""A history drawn by lot: what flows, how the meter shows it, when it is asked, and what the clock does meanwhile.

A pure function of seed and number, the same on every machine. Knows nothing of the gateway. Times are true UTC
microseconds; the clock is right again at the end, and the meter is asked until long after all that it ever showed.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ..chance import name_key, roll
from .tariff import MINUTE_US, Tariff
from .truth import Flow, Meter

S = 1_000_000
HOUR_US = 3600 * S
LIMIT_MILLIW = 12_000_000
POLLS_AFTER = 7
"""So often the meter is asked after the last that happens: five readings are held before they are believed."""
_KEY = name_key("histories")
_AFTER_KEY = name_key("histories: asked on")
# Days and zones in which local time changes, or is an odd offset from UTC.
PLACES = (
    ("America/Los_Angeles", "2026-03-07T20:00"),
    ("America/Los_Angeles", "2026-10-31T20:00"),
    ("America/Los_Angeles", "2026-07-01T12:00"),
    ("Europe/Berlin", "2026-10-24T23:00"),
    ("Australia/Lord_Howe", "2026-04-04T23:30"),
    ("Asia/Kathmandu", "2026-05-05T05:00"),
    ("UTC", "2026-12-31T22:00"),
)
_STEPS_S = (1, 2, 7, 40, 61, 90, 300, 599, 601, 900, 1800, 3600, 5400, 7200)


class Kind(StrEnum):
    """What happens to a history beside its polls."""

    STEP = "step"
    """The wall clock is set: `size_us` is how far it is off from then on."""
    REBOOT = "reboot"
    """The machine is off for a while: another boot, another monotonic clock."""
    PAUSE = "pause"
    """A virtual machine is paused: its monotonic clock stands still, the wall clock is set right afterwards."""
    GAP = "gap"
    """Nothing is read: the process was stopped, the machine slept, the line was cut."""
    KILL = "kill"
    """The process is killed and started again from what was stored."""
    ZERO = "zero"
    """The meter answers 0 once."""
    SPIKE = "spike"
    """The meter answers with far too much once."""
    SWAP = "swap"
    """Another meter with other registers is put in its place."""
    UNSET = "unset"
    """The machine boots in 1970: the clock is known to be wrong until the next step."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happens. `size_us`: how far off the clock is then, or how long it takes."""

    at_us: int
    kind: Kind
    size_us: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.size_us // S:+d} s" if self.size_us else str(self.kind)


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to the meter: sent, answered from the display, received."""

    sent_us: int
    latched_us: int
    received_us: int


@dataclass(frozen=True, slots=True)
class History:
    """All that happens to one meter and its gateway."""

    seed: int
    number: int
    tariff: Tariff
    imports: tuple[Meter, ...]
    """The meters in the order in which they hang there; the register of a direction is its own."""
    exports: tuple[Meter, ...]
    swaps_us: tuple[int, ...]
    asks: tuple[Ask, ...]
    happenings: tuple[Happening, ...]
    unassigned: bool
    max_gap_us: int
    error_us: int
    """How far the clock is always off, and says so."""

    def __str__(self) -> str:
        words = ", ".join(str(one) for one in self.happenings) or "nothing"
        return f"{self.number}: {self.tariff.interval_min} min, {len(self.asks)} polls; {words}"


@dataclass(slots=True)
class Lot:
    """Numbers one after another."""

    seed: int
    number: int
    key: int = _KEY
    drawn: int = field(default=0)

    def between(self, low: int, high: int) -> int:
        self.drawn += 1
        return low + roll(self.seed, self.key, self.number, self.drawn) % (high - low + 1)

    def one_in(self, count: int) -> bool:
        return self.between(1, count) == 1


def history(seed: int, number: int) -> History:
    """The history with this number."""
    lot = Lot(seed, number)
    zone, local = PLACES[lot.between(0, len(PLACES) - 1)]
    interval_min = (5, 15, 15, 30, 60)[lot.between(0, 3 if zone == "Australia/Lord_Howe" else 4)]
    start = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))
    start_us = int((start + timedelta(minutes=lot.between(0, 240))).timestamp()) * S + lot.between(0, 60 * S)
    happenings = _happenings(lot, start_us)
    farthest_us = max((one.size_us for one in happenings if one.kind is Kind.STEP), default=0)
    last = happenings[-1]
    over_us = last.at_us + (0 if last.kind is Kind.STEP else last.size_us)
    end_us = over_us + max(farthest_us, 0) + 3 * interval_min * MINUTE_US + 20 * MINUTE_US
    asks = _asks(lot, start_us, end_us, happenings)
    asks = polled_on(asks, over_us, Lot(seed, number, _AFTER_KEY))
    tariff = tariff_by_lot(lot, zone, interval_min, start_us, end_us)
    swaps_us = tuple(one.at_us for one in happenings if one.kind is Kind.SWAP)
    step_milliwh = (1, 10, 1000, 10_000)[lot.between(0, 3)]
    refresh_us = (0, 0, S, 5 * S)[lot.between(0, 3)]
    meters = [
        tuple(
            Meter(flow, since_us, lot.between(0, 10**9) * 1000 * (since_us == start_us), step_milliwh, refresh_us)
            for since_us in (start_us, *swaps_us)
        )
        for flow in (_flow(lot, start_us, end_us), _flow(lot, start_us, end_us))
    ]
    return History(
        seed,
        number,
        tariff,
        _with_serials(meters[0]),
        _with_serials(meters[1]),
        swaps_us,
        asks,
        happenings,
        unassigned=lot.one_in(4),
        max_gap_us=(60 * S, 900 * S, HOUR_US)[lot.between(0, 2)],
        error_us=(0, 0, 20_000, 400_000)[lot.between(0, 3)],
    )


def _with_serials(meters: tuple[Meter, ...]) -> tuple[Meter, ...]:
    return tuple(replace(meter, serial=f"M{index}") for index, meter in enumerate(meters))


def _happenings(lot: Lot, start_us: int) -> tuple[Happening, ...]:
    """Some things in a row, with time between them; the clock is set right behind the last."""
    found: list[Happening] = []
    at_us = start_us
    if lot.one_in(8):
        found.append(Happening(start_us, Kind.UNSET))
        at_us += lot.between(30, 1200) * S
        found.append(Happening(at_us, Kind.STEP, 0))
    others = (Kind.REBOOT, Kind.PAUSE, Kind.GAP, Kind.GAP, Kind.KILL, Kind.KILL, Kind.ZERO, Kind.SPIKE, Kind.SWAP)
    off_us = 0
    for _ in range(lot.between(1, 6)):
        at_us += lot.between(60, 5400) * S + lot.between(0, S)
        if lot.between(0, 2):
            # A clock that is wrong and set to be wrong by seconds hides those from everybody: drift looks the same.
            small = 3 if off_us else 0
            size_us = _STEPS_S[lot.between(small, len(_STEPS_S) - 1)] * S * (-1 if lot.one_in(2) else 1)
            off_us = 0 if off_us and not lot.one_in(3) else size_us + lot.between(-S // 4, S // 4)
            found.append(Happening(at_us, Kind.STEP, off_us))
            continue
        kind = others[lot.between(0, len(others) - 1)]
        if kind is Kind.PAUSE and off_us:
            kind = Kind.GAP  # with a wrong clock and a monotonic one that stood still nothing is left to tell the time
        long = kind in (Kind.REBOOT, Kind.PAUSE, Kind.GAP)
        found.append(Happening(at_us, kind, lot.between(20, 5400) * S if long else 0))
        at_us += found[-1].size_us + (90 * MINUTE_US if kind is Kind.PAUSE else 0)
    if off_us:
        at_us += lot.between(60, 7200) * S
        found.append(Happening(at_us, Kind.STEP, 0))
    return tuple(found)


def _asks(lot: Lot, start_us: int, end_us: int, happenings: tuple[Happening, ...]) -> tuple[Ask, ...]:
    """Polls at a steady pace, faster for two minutes after each happening; none while nothing is read."""
    away = [
        (one.at_us, one.at_us + one.size_us) for one in happenings if one.kind in (Kind.GAP, Kind.REBOOT, Kind.PAUSE)
    ]
    poll_us = (60, 300, 600, 900)[lot.between(0, 3)] * S
    answer_us = (0, 50_000, 1_500_000)[lot.between(0, 2)]
    found: list[Ask] = []
    at_us = start_us + lot.between(0, S)
    while at_us < end_us:
        if not any(from_us - 2 * answer_us - S <= at_us < to_us for from_us, to_us in away):
            received_us = at_us + lot.between(0, answer_us)
            found.append(Ask(at_us, lot.between(at_us, received_us), received_us))
        near = any(0 <= at_us - one.at_us - one.size_us * (one.kind is not Kind.STEP) < 100 * S for one in happenings)
        pause_us = 12 * S if near or at_us < start_us + 20 * S else lot.between(poll_us - S, poll_us + S)
        soon_us = next((one.at_us for one in happenings if one.at_us > at_us), end_us) + lot.between(0, 60 * S)
        at_us = min(at_us + pause_us, soon_us)
    return tuple(found)


def polled_on(asks: tuple[Ask, ...], over_us: int, lot: Lot) -> tuple[Ask, ...]:
    """The polls, and as many more as there are too few after the last that happens, at the pace of the last two."""
    found = list(asks)
    pace_us = max(found[-1].sent_us - found[-2].sent_us, 12 * S)
    while sum(one.sent_us > over_us for one in found[-POLLS_AFTER:]) < POLLS_AFTER:
        at_us = found[-1].sent_us + lot.between(pace_us - S, pace_us + S)
        found.append(Ask(at_us, at_us, at_us + lot.between(0, S)))
    return tuple(found)


def tariff_by_lot(lot: Lot, zone: str, interval_min: int, start_us: int, end_us: int) -> Tariff:
    """Buckets that change at odd hours, from half a day before until half a day after."""
    from_us, to_us = start_us - 12 * HOUR_US, end_us + 12 * HOUR_US
    at_us = from_us // HOUR_US * HOUR_US
    changes = [(at_us, 1 + lot.between(0, 2))]
    while at_us < to_us:
        at_us += (15, 30, 60, 120, 180, 300)[lot.between(0, 5)] * MINUTE_US
        changes.append((at_us, 1 + (changes[-1][1] + lot.between(0, 1)) % 3))
    return Tariff(zone, tuple(changes), interval_min, from_us, to_us)


def _flow(lot: Lot, start_us: int, end_us: int) -> Flow:
    """Power in steps, from nothing to all that the service carries."""
    steps = []
    at_us = start_us - HOUR_US
    while at_us < end_us:
        steps.append((at_us, (0, 1, LIMIT_MILLIW, lot.between(0, LIMIT_MILLIW), 3_600_000)[lot.between(0, 4)]))
        at_us += lot.between(1, 5400 * S)
    return Flow(tuple(steps))
