"""The plan of a soak that kills: which kill comes when, as a pure function of the seed and the fault's number.

The same seed replays the same plan on any machine. What the plan says is when to strike; where in the daemon's code
that lands is the machine's affair. Faults come in rounds, each in a house, and from a day, of its own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ..chance import between, name_key, roll
from ..house_time import US_PER_S
from ..household import ZONE
from .call_kill import Site

ROUND_SIZE = 10


class Kind(StrEnum):
    """What a kill waits for."""

    START = "start"
    """The new process has just taken the store."""
    EDGE = "edge"
    """An interval or bucket edge, a little before or after."""
    COMMIT = "commit"
    """The store is being written."""
    PUBLISH = "publish"
    """A record has just reached the reader."""
    ANY = "any"
    """Nothing: any moment will do."""
    MIGRATION_CALL = "migration-call"
    """The n-th system call of a kind while the store is made."""
    STARTUP_CALL = "startup-call"
    """The same, counted from the start of a daemon that has a store."""
    CYCLE_CALL = "cycle-call"
    """The same, in a daemon that reads, books, commits and delivers."""
    SHUTDOWN_CALL = "shutdown-call"
    """The same, in a daemon that was told to stop."""


DECK = (
    *(Kind.START, Kind.START, Kind.EDGE, Kind.EDGE, Kind.EDGE),
    *(Kind.COMMIT, Kind.COMMIT, Kind.PUBLISH, Kind.PUBLISH, Kind.ANY),
)
# Every second round. The store is made once, so whoever strikes there comes first.
CALL_DECK = (
    *(Kind.MIGRATION_CALL,) * 4,
    *(Kind.STARTUP_CALL, Kind.CYCLE_CALL, Kind.SHUTDOWN_CALL, Kind.CYCLE_CALL, Kind.STARTUP_CALL, Kind.CYCLE_CALL),
)
# How many calls of a kind a thread makes there, as strace counted them; a little fewer, because each must come.
_CALLS: dict[Kind, dict[str, int]] = {
    Kind.MIGRATION_CALL: {
        "pwrite64": 180,
        "fdatasync": 16,
        "unlink": 3,
        "ftruncate": 3,
        "write": 2,
        "fallocate": 1,
        "rename": 1,
    },
    Kind.STARTUP_CALL: {"pwrite64": 30, "fdatasync": 5, "fsync": 4, "sendto": 12, "write": 8},
    Kind.CYCLE_CALL: {"pwrite64": 40, "fdatasync": 6, "fsync": 4, "sendto": 20, "write": 16},
    Kind.SHUTDOWN_CALL: {"pwrite64": 9, "fdatasync": 2, "sendto": 3, "write": 2, "ftruncate": 1, "unlink": 2},
}
# From .. to, real microseconds after what the kill waits for; an edge can be struck before it comes.
_DELAY_US = {
    Kind.START: (0, 500_000),
    Kind.EDGE: (-400_000, 2_600_000),
    Kind.COMMIT: (0, 3_000),
    Kind.PUBLISH: (0, 30_000),
    Kind.ANY: (0, 3_000_000),
}
_FIRST_DAY = datetime(2025, 1, 2)
_DAYS = 540
# Local minutes of the day at which a round's house begins: before both price edges, midnight, and the hour of DST.
_STARTS_MIN = (15 * 60 + 53, 20 * 60 + 53, 23 * 60 + 53, 60 + 53)
_KILLS = name_key("soak kill")


@dataclass(frozen=True, slots=True)
class Fault:
    """One kill: `delay_us` real microseconds after what `kind` waits for, or at a `site`."""

    number: int
    kind: Kind
    delay_us: int
    site: Site | None = None

    def __str__(self) -> str:
        if self.site is not None:
            return f"{self.number} {self.kind} {self.site}"
        return f"{self.number} {self.kind} {self.delay_us:+d} us"


@dataclass(frozen=True, slots=True)
class Round:
    """Some faults in one house. `start_utc_us` is the house's time at the start."""

    house_seed: int
    start_utc_us: int
    faults: tuple[Fault, ...]


def fault(seed: int, number: int) -> Fault:
    """The fault with this number, counted from 1."""
    round_index, place = divmod(number - 1, ROUND_SIZE)
    if round_index % 2:
        return _call_fault(seed, number, round_index // 2, place)
    kind = _shuffled(seed, round_index)[place]
    low_us, high_us = _DELAY_US[kind]
    return Fault(number, kind, between(low_us, high_us, seed, _KILLS, round_index, place, 2))


def call_fault(seed: int, number: int) -> Fault:
    """The same of a soak that strikes at system calls alone."""
    return _call_fault(seed, number, *divmod(number - 1, ROUND_SIZE))


def _call_fault(seed: int, number: int, deck: int, place: int) -> Fault:
    kind = CALL_DECK[place]
    return Fault(number, kind, 0, _site(seed, kind, deck * CALL_DECK.count(kind) + CALL_DECK[:place].count(kind)))


def sites(kind: Kind) -> list[Site]:
    """Every place at which faults of a kind strike."""
    return [Site(call, nth) for call, most in _CALLS[kind].items() for nth in range(1, most + 1)]


def _site(seed: int, kind: Kind, number: int) -> Site:
    """The place of the kind's fault with this number, from 0: all of them in turn, near ones far apart."""
    all_sites = sites(kind)
    count = len(all_sites)
    stride = next(step for step in range(count * 5 // 13 + 1, 2 * count) if math.gcd(step, count) == 1)
    return all_sites[(between(0, count - 1, seed, _KILLS, name_key(kind)) + number * stride) % count]


def round_from(seed: int, number: int, last: int, chosen: Callable[[int, int], Fault] = fault) -> Round:
    """The round that begins with fault `number` and has none beyond `last`. `chosen`: seed and number to a fault."""
    index = (number - 1) // ROUND_SIZE
    until = min(last, (index + 1) * ROUND_SIZE)
    day = _FIRST_DAY + timedelta(days=between(0, _DAYS - 1, seed, _KILLS, index, 3))
    minute = _STARTS_MIN[between(0, len(_STARTS_MIN) - 1, seed, _KILLS, index, 4)]
    start = (day + timedelta(minutes=minute)).replace(tzinfo=ZONE)
    return Round(
        house_seed=between(1, 1_000_000, seed, _KILLS, index, 5),
        start_utc_us=int(start.timestamp()) * US_PER_S,
        faults=tuple(chosen(seed, each) for each in range(number, until + 1)),
    )


def control_round(seed: int) -> Round:
    """A few kills that a daemon which publishes before it commits cannot survive unnoticed: on a summer afternoon."""
    kinds = (Kind.PUBLISH, Kind.EDGE, Kind.PUBLISH, Kind.PUBLISH)
    faults = (
        Fault(number, kind, between(*_DELAY_US[kind], seed, _KILLS, number, 6)) for number, kind in enumerate(kinds, 1)
    )
    start = datetime(2025, 7, 15, 15, 53, tzinfo=ZONE)
    return Round(between(1, 1_000_000, seed, _KILLS, 7), int(start.timestamp()) * US_PER_S, tuple(faults))


def _shuffled(seed: int, round_index: int) -> list[Kind]:
    """The deck of a round; never begins with START, because that needs a process that was just started anew."""
    deck = sorted(range(len(DECK)), key=lambda card: roll(seed, _KILLS, round_index, card, 1))
    kinds = [DECK[card] for card in deck]
    first = next(place for place, kind in enumerate(kinds) if kind is not Kind.START)
    kinds[0], kinds[first] = kinds[first], kinds[0]
    return kinds
