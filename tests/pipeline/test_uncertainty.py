"""How wrong an edge can be, by hand: each bound of DESIGN 2 decides in one case, and rounding is always outwards.

The service carries 3.6 kW, so that one milliwatt-hour flows in a millisecond.
"""

import pytest

from gateway.uncertainty import Mark, edge_bounds, edge_uncertain_milliwh, most_energy_milliwh, start_uncertain_milliwh

MS = 1000
LIMIT_MILLIW = 3_600_000
EDGE_US = 1_000_000 * MS


def mark(earliest_ms: int, latest_ms: int, register: int, q: int = 1, rounding: int = 0) -> Mark:
    """A mark whose window is told in milliseconds from the edge."""
    return Mark(EDGE_US + earliest_ms * MS, EDGE_US + latest_ms * MS, register, q, rounding)


@pytest.mark.parametrize(
    ("limit_milliw", "duration_us", "most_milliwh"),
    [
        (LIMIT_MILLIW, 1000, 1),
        (LIMIT_MILLIW, 1001, 2),  # 1.001 goes up
        (LIMIT_MILLIW, 1, 1),
        (LIMIT_MILLIW, 0, 0),
        (LIMIT_MILLIW, -5_000_000, 0),
        (0, 3_600_000_000, 0),
        (12_000_000, 900_000_000, 3_000_000),  # 12 kW for a quarter of an hour: 3 kWh
        (1, 1, 1),
        # 10 000 A on 100 kV, three phases, for a century: far beyond int64 in between, exact all the same
        (3_750_000_000_000, 3_155_760_000_000_000, 3_287_250_000_000_000_000),
    ],
)
def test_most_that_the_service_can_carry(limit_milliw: int, duration_us: int, most_milliwh: int) -> None:
    assert most_energy_milliwh(limit_milliw, duration_us) == most_milliwh


# name: before, after, containing, booked -> low, high, uncertain
CASES: dict[str, tuple[Mark | None, Mark | None, tuple[Mark, ...], int, tuple[int, int, int]]] = {
    # lo = max(1000, 1100 - 200); hi = min(1101, 1001 + 300); S - lo = 50, hi - S = 51
    "both registers decide": (mark(-300, -290, 1000), mark(190, 200, 1100), (), 1050, (1000, 1101, 51)),
    # lo = max(1000, 1100 - 60) = 1040
    "the later register less what can flow": (mark(-300, -290, 1000), mark(50, 60, 1100), (), 1050, (1040, 1101, 51)),
    # hi = min(1101, 1000 + 1 + 40) = 1041
    "the earlier one and what can flow": (mark(-40, -30, 1000), mark(190, 200, 1100), (), 1010, (1000, 1041, 31)),
    # lo = 1100 - 60 = 1040, hi = 1000 + 1 + 70 = 1071
    "what can flow decides on both sides": (mark(-70, -30, 1000), mark(40, 60, 1100), (), 1050, (1040, 1071, 21)),
    "the coarse digit of the earlier one": (
        mark(-10, -5, 1000, q=1000),
        mark(3000, 3010, 4000, q=1000),
        (),
        1001,
        (1000, 2010, 1009),
    ),
    "the coarse digit of the later one": (
        mark(-3000, -2990, 0, q=1000),
        mark(5, 10, 1000, q=1000),
        (),
        1000,
        (990, 2000, 1000),
    ),
    "booked too high": (mark(-300, -290, 1000), mark(190, 200, 1100), (), 1090, (1000, 1101, 90)),
    # a float register may read above the truth: lo sinks by its rounding
    "rounding of a float": (mark(-5, -5, 1000, 8, 4), mark(5, 5, 1000, 8, 4), (), 1000, (996, 1008, 8)),
    # containing [-5, +5]: lo >= 1040 - 5 = 1035, hi <= 1040 + 1 + 5 = 1046
    "a reading around the edge tightens": (
        mark(-300, -290, 1000),
        mark(190, 200, 1100),
        (mark(-5, 5, 1040),),
        1040,
        (1035, 1046, 6),
    ),
    # containing [-500, +500] says 540..1541: weaker than what is known
    "a wide reading around the edge does not loosen": (
        mark(-300, -290, 1000),
        mark(190, 200, 1100),
        (mark(-500, 500, 1040),),
        1050,
        (1000, 1101, 51),
    ),
    "the tightest of several decides each side": (
        mark(-300, -290, 1000),
        mark(190, 200, 1100),
        (mark(-20, 2, 1040), mark(-3, 30, 1041)),
        1040,
        (1038, 1045, 5),
    ),
    # nothing after: only what can flow bounds it above
    "an epoch that ended before the edge": (mark(-100, -90, 1000), None, (), 1000, (1000, 1101, 101)),
    # nothing before: at most what can flow lies below, and never below zero
    "an epoch that began after the edge": (None, mark(90, 100, 1000), (), 1000, (900, 1001, 100)),
    "never below zero": (None, mark(90, 100, 60), (), 60, (0, 61, 60)),
    "read exactly at the edge": (mark(0, 0, 1000), mark(0, 0, 1000), (), 1000, (1000, 1001, 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_edge_by_hand(case: str) -> None:
    before, after, containing, booked, expected = CASES[case]
    low, high = edge_bounds(EDGE_US, before, after, containing, LIMIT_MILLIW)
    uncertain = edge_uncertain_milliwh(edge_bounds(EDGE_US, before, after, containing, LIMIT_MILLIW), booked)
    assert (low, high, uncertain) == expected


def test_a_started_millisecond_counts_as_a_whole_one() -> None:
    before, after = Mark(EDGE_US - 1, EDGE_US, 1000, 1, 0), Mark(EDGE_US, EDGE_US + 1, 1002, 1, 0)
    # hi = 1000 + 1 + ceil(0.001); lo = 1002 - ceil(0.001)
    assert edge_bounds(EDGE_US, before, after, (), LIMIT_MILLIW) == (1001, 1002)


def test_readings_that_contradict_the_service_limit_leave_only_the_registers() -> None:
    # 1000 -> 5000 within 20 ms of a clock that was set back meanwhile: low 4990 and high 1011 cannot both be.
    before, after = mark(-10, -10, 1000), mark(10, 10, 5000)
    assert edge_bounds(EDGE_US, before, after, (), LIMIT_MILLIW) == (1000, 5001)
    assert edge_uncertain_milliwh(edge_bounds(EDGE_US, before, after, (), LIMIT_MILLIW), 3000) == 2001


@pytest.mark.parametrize(
    ("one", "uncertain"),
    [
        (mark(0, 0, 1000), 1),  # its digit
        (mark(0, 0, 1000, q=1000), 1000),
        (mark(-30, 10, 1000), 31),  # latched 30 ms early: 30 may have flowed, and the digit
        (mark(-10, 30, 1000), 30),  # latched 30 ms late
        (mark(-10, 30, 1000, 8, 40), 70),  # and read up to 40 too high
    ],
)
def test_first_register_of_an_epoch(one: Mark, uncertain: int) -> None:
    assert start_uncertain_milliwh(one, EDGE_US, LIMIT_MILLIW) == uncertain
