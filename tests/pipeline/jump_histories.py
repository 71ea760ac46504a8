"""Histories of twenty readings for each kind of jump, and for pairs of them, with the end written by hand.

Readings come every 20 s; five that agree over a minute are the ones at 0, 20, 40, 60 and 80 s: what is held from
reading n on is believed at reading n + 4. The service carries 12 kW: 66,666.7 mWh in 20 s. The meter counts 10 mWh a
poll; it is `low` until noon, then `high`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from drivers import EnergyRegister
from gateway.decision import Basis
from gateway.reading.read import Reading

from .world import KWH, NOON_US, S, moved, reading, register

LIFE = 900 * KWH
WIDTH = 1_000_000 * KWH
"""Six digits of kilowatt-hours."""
BY_ONE, BY_FORTY = Basis("sdm", "ratio 1"), Basis("sdm", "ratio 40")
BY_OTHER = Basis("other", "ratio 1")


@dataclass(frozen=True)
class History:
    """Twenty readings and what must be in the store after the last."""

    registers: list[EnergyRegister | None]
    ends: dict[str, int]
    """Import: totals by bucket, `earlier`, `first`, `last`, `epoch`; whatever is not named is 0."""
    events: list[tuple[str, str]]
    """Each event and its `classified`, in order; the first epoch is left out, gaps too."""
    at_s: Callable[[int], int] = lambda n: 20 * n
    """Seconds after noon."""
    serial: Callable[[int], str | None] = lambda _n: None
    power_milliw: int | None = None
    basis: Callable[[int], Basis] = lambda _n: BY_ONE
    uncertain: dict[str, int] = field(default_factory=dict)

    def reading(self, number: int) -> Reading:
        one = reading(NOON_US + self.at_s(number) * S, self.registers[number], serial=self.serial(number))
        return moved(one, snapshot=replace(one.snapshot, power_milliw=self.power_milliw))


def counting(first_milliwh: int, count: int = 20, every_milliwh: int = 10, **more: int) -> list[EnergyRegister | None]:
    return [wide(first_milliwh + every_milliwh * number, **more) for number in range(count)]


def wide(milliwh: int, resolution_milliwh: int = 1) -> EnergyRegister:
    return replace(register(milliwh, resolution_milliwh), modulus_milliwh=WIDTH)


def at(place: int, what: EnergyRegister | None, registers: list[EnergyRegister | None]) -> list[EnergyRegister | None]:
    return [*registers[:place], what, *registers[place + 1 :]]


def from_a_to_b(place: int) -> Callable[[int], str]:
    return lambda number: "A1" if number < place else "B2"


def over_noon(number: int) -> int:
    """The tenth reading ten seconds before noon, the eleventh ten seconds after."""
    return 20 * number - 190


PLAIN = {"high": 190, "first": LIFE, "last": LIFE + 190, "epoch": 1}
GLITCH = [("quarantined", ""), ("resumed", "glitch")]
# Seven growths of 10 before, eleven after; what flowed between is in no register.
ANEW = {"high": 70 + 110, "earlier": 70, "first": 0, "last": 110, "epoch": 2}


def new_epoch(found: str) -> list[tuple[str, str]]:
    return [("quarantined", ""), ("epoch", found), ("resumed", "")]


KINDS: dict[str, History] = {
    "a momentary zero": History(at(7, wide(0), counting(LIFE)), PLAIN, GLITCH),
    "a spike": History(at(7, wide(9 * LIFE), counting(LIFE)), PLAIN, GLITCH),
    "a step back by a last digit": History(
        # three times 100 less than the one before, then on
        [
            *counting(LIFE, 7, 100, resolution_milliwh=100),
            *[wide(LIFE + 500, 100)] * 3,
            *counting(LIFE + 1000, 10, 100, resolution_milliwh=100),
        ],
        {"high": 1900, "first": LIFE, "last": LIFE + 1900, "epoch": 1},
        [("stepped_back", "")],
    ),
    "a rollover": History(
        [*counting(WIDTH - 100, 10), *counting(0, 10)],
        {"high": 190, "first": WIDTH - 100, "last": WIDTH + 90, "epoch": 1, "rolled_over": WIDTH},
        [("quarantined", ""), ("rollover", "rollover"), ("resumed", "")],
    ),
    "a reset to zero": History([*counting(LIFE, 8), *counting(0, 12)], ANEW, new_epoch("reset_to_zero")),
    "another meter by its serial number": History(
        [*counting(LIFE, 8), *counting(7 * LIFE, 12)],
        {**ANEW, "first": 7 * LIFE, "last": 7 * LIFE + 110},
        new_epoch("meter_replaced"),
        serial=from_a_to_b(8),
    ),
    # rejected readings leave nothing behind: that they are over is told by the process that saw them, and it was killed
    "a sentinel": History(at(7, None, counting(LIFE)), PLAIN, [("rejected", "")]),
    "a register frozen at 3.6 kW": History(
        # 20 Wh in 20 s; from the sixth reading on it stands still, and gives all of it at the fifteenth
        [*counting(LIFE, 6, 20_000), *[wide(LIFE + 100_000)] * 8, *counting(LIFE + 280_000, 6, 20_000)],
        {"high": 380_000, "first": LIFE, "last": LIFE + 380_000, "epoch": 1},
        [("frozen", ""), ("moves_again", "")],
        power_milliw=3_600_000,
    ),
    "digits of a kilowatt-hour": History(
        # 900.000000 to 900.000090 kWh, then 900
        [*counting(LIFE, 10), *[wide(LIFE, KWH)] * 10],
        {"high": 90, "first": LIFE, "last": LIFE + 90, "epoch": 1},
        [("resolution_changed", ""), ("stepped_back", "")],
    ),
    "another ratio": History(
        [*counting(LIFE, 8), *counting(40 * (LIFE + 80), 12, 400)],
        {**ANEW, "high": 70 + 4400, "first": 40 * (LIFE + 80), "last": 40 * (LIFE + 190)},
        new_epoch("ratio_changed"),
        basis=lambda number: BY_ONE if number < 8 else BY_FORTY,
    ),
    "another profile": History(
        # it reads the same count; that the two are one register nobody knows
        counting(LIFE),
        {**ANEW, "first": LIFE + 80, "last": LIFE + 190},
        new_epoch("profile_changed"),
        basis=lambda number: BY_ONE if number < 8 else BY_OTHER,
    ),
    "registers from zero, and the meter's own again": History(
        # 60 by its own until reading 6, 50 from zero until reading 12, 60 by its own from reading 13 on.
        # Of the 70 from 6 to 13, what was not in those 50: 20
        [*counting(LIFE, 7), *counting(0, 6), *counting(LIFE + 130, 7)],
        {"high": 190, "earlier": 60 + 50, "first": LIFE + 130 - 20, "last": LIFE + 190, "epoch": 3},
        [*new_epoch("reset_to_zero"), *new_epoch("returned")],
    ),
    "a register that stands, and gives all at once": History(
        # 200 Wh from reading 12 to 13 are too much for 20 s, not for the 180 since reading 4
        [*counting(LIFE, 5), *[wide(LIFE + 40)] * 8, *counting(LIFE + 200_040, 7)],
        {"high": 200_100, "first": LIFE, "last": LIFE + 200_100, "epoch": 1},
        [("quarantined", ""), ("resumed", "stood_still")],
    ),
    "a young register that falls and is past its old count again": History(
        at(8, wide(5), counting(100)),
        {"high": 190, "first": 100, "last": 290, "epoch": 1},
        [("quarantined", ""), ("resumed", "undecided")],
        # Was it a reset: 66,667 in the 20 s before, 185 since, of which 20 are booked; two digits, and the first.
        uncertain={"high": 66_667 + 185 - 20 + 2 + 1},
    ),
}

PAIRS: dict[str, History] = {
    "a zero in a gap over an edge": History(
        # 940 in the 620 s from 80 s before noon: floor(940 * 80 / 620) = 121 before it, 819 after
        [*counting(LIFE, 7), wide(0), *counting(LIFE + 1000, 12)],
        {"low": 60 + 121, "high": 819 + 110, "first": LIFE, "last": LIFE + 1110, "epoch": 1},
        GLITCH,
        at_s=lambda number: 20 * number - 200 + (580 if number >= 7 else 0),
    ),
    "a swap at an edge": History(
        [*counting(LIFE, 10), *counting(5000, 10)],
        {"low": 90, "high": 90, "earlier": 90, "first": 5000, "last": 5090, "epoch": 2},
        new_epoch("meter_replaced"),
        at_s=over_noon,
        serial=from_a_to_b(10),
        # 10 s at 12 kW are 33,333.3, on both sides of noon. low: the first digit; at the edge that and a digit.
        # high: the same at the edge; from there to the new meter; its first digit.
        uncertain={"low": 1 + 33_335, "high": 33_335 + 33_334 + 1},
    ),
    "a rollover at an edge": History(
        # 50 in the 100 s from 10 s before noon on: 5 and 45
        [*counting(WIDTH - 100, 10), *counting(0, 10)],
        {"low": 95, "high": 95, "first": WIDTH - 100, "last": WIDTH + 90, "epoch": 1, "rolled_over": WIDTH},
        [("quarantined", ""), ("rollover", "rollover"), ("resumed", "")],
        at_s=over_noon,
    ),
    "a zero just below the width": History(
        at(7, wide(0), counting(WIDTH - 1000)),
        {"high": 190, "first": WIDTH - 1000, "last": WIDTH - 810, "epoch": 1},
        GLITCH,
    ),
    "a spike and then a reset": History(
        at(5, wide(9 * LIFE), [*counting(LIFE, 10), *counting(0, 10)]),
        {"high": 180, "earlier": 90, "first": 0, "last": 90, "epoch": 2},
        [*GLITCH, *new_epoch("reset_to_zero")],
    ),
    "a swap that looks like a rollover": History(
        [*counting(WIDTH - 100, 8), *counting(0, 12)],
        {**ANEW, "first": 0, "last": 110},
        new_epoch("meter_replaced"),
        serial=from_a_to_b(8),
    ),
    "a step back just after a rollover": History(
        # at the sixteenth and seventeenth reading one digit less than booked
        [
            *counting(WIDTH - 1000, 10, 100, resolution_milliwh=100),
            *counting(0, 6, 100, resolution_milliwh=100),
            *[wide(400, 100)] * 2,
            *counting(800, 2, 100, resolution_milliwh=100),
        ],
        {"high": 1900, "first": WIDTH - 1000, "last": WIDTH + 900, "epoch": 1, "rolled_over": WIDTH},
        [("quarantined", ""), ("rollover", "rollover"), ("resumed", ""), ("stepped_back", "")],
    ),
    "another ratio in a gap over an edge": History(
        [*counting(LIFE, 7), *counting(40 * (LIFE + 1000), 13, 400)],
        {
            "low": 60,
            "high": 4800,
            "earlier": 60,
            "first": 40 * (LIFE + 1000),
            "last": 40 * (LIFE + 1000) + 4800,
            "epoch": 2,
        },
        new_epoch("ratio_changed"),
        at_s=lambda number: 20 * number - 200 + (580 if number >= 7 else 0),
        basis=lambda number: BY_ONE if number < 7 else BY_FORTY,
        # 80 s before noon at 12 kW are 266,666.7, on both sides; 520 s behind it 1,733,333.3; digits as at a swap.
        uncertain={"low": 1 + 266_668, "high": 266_668 + 1_733_334 + 1},
    ),
    "zeros, and another profile meanwhile": History(
        # five readings of the other profile, 80 s, but all of them show 0
        [*counting(LIFE, 8), *[wide(0)] * 6, *counting(7 * LIFE, 6)],
        {"high": 70 + 50, "earlier": 70, "first": 7 * LIFE, "last": 7 * LIFE + 50, "epoch": 2},
        [("quarantined", ""), *new_epoch("profile_changed")],
        basis=lambda number: BY_ONE if number < 9 else BY_OTHER,
    ),
    "a register that stands and gives all at once, and another meter": History(
        # 200 Wh from reading 12 to 13 are held; at 14 another meter hangs there
        [*counting(LIFE, 5), *[wide(LIFE + 40)] * 8, wide(LIFE + 200_040), *counting(7 * LIFE, 6)],
        {"high": 40 + 50, "earlier": 40, "first": 7 * LIFE, "last": 7 * LIFE + 50, "epoch": 2},
        [("quarantined", ""), *new_epoch("meter_replaced")],
        serial=from_a_to_b(14),
        # Those 200 Wh, and 66,667 of 12 kW in the 20 s behind them; a digit each of both epochs and both ends.
        uncertain={"high": 200_000 + 66_667 + 4},
    ),
}
