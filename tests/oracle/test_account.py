"""The oracle's judgement of an account that can be reckoned by hand: what is right passes, each single lie is named.

3.6 kW of import from 15:50 to 16:16:40 are 1000 mWh a second; a sharp, exact reading every minute, edges included.
"""

from dataclasses import replace

import pytest

from tests.oracle.account import Account, Kept, Oracle, Spell, clock_of
from tests.oracle.truth import MICRO, Poll, Register, Truth

PEAK_S = 1_752_620_400  # 2025-07-15 16:00:00 PDT
START_S = PEAK_S - 600
TRUTH = Truth(tuple((second, 3_600_000, 0) for second in range(START_S, PEAK_S + 1000)))
EXACT = Register(0, 0, 1, 0, 3_600_000)


def kept(second: int, ahead_s: int = 0) -> Kept:
    true, wall = (Poll(at * MICRO, at * MICRO) for at in (second, second + ahead_s))
    return Kept(wall, true, {"import": 1000 * (second - START_S), "export": 0})


def interval(start_s: int, end_s: int, told: int = 1) -> dict[str, int]:
    direction = {"import_milliwh": 1000 * (end_s - start_s), "import_uncertain_milliwh": told}
    edges = {"start_utc_us": start_s * MICRO, "end_utc_us": end_s * MICRO}
    return {**edges, **direction, "export_milliwh": 0, "export_uncertain_milliwh": told}


KEPT = [kept(second) for second in range(START_S, PEAK_S + 961, 60)]
ORACLE = Oracle(TRUTH, EXACT, clock_of([Spell(0, 0, True)]), KEPT)
BUCKETS = {
    ("import", "summer_off_peak"): 600_000,
    ("import", "summer_peak"): 960_000,
    ("export", "summer_off_peak"): 0,
    ("export", "summer_peak"): 0,
}
RIGHT = Account([interval(START_S, PEAK_S), interval(PEAK_S, PEAK_S + 900)], BUCKETS, dict.fromkeys(BUCKETS, 1))
FIRST, LAST = ("import", "summer_off_peak"), ("import", "summer_peak")


def with_interval(**changes: int) -> Account:
    first, second = RIGHT.intervals
    return replace(RIGHT, intervals=[first, {**second, **changes}])


def test_right_account_has_no_complaint() -> None:
    assert ORACLE.complaints(RIGHT) == []


@pytest.mark.parametrize(
    ("account", "complaint"),
    {
        "energy beyond what is told": (with_interval(import_milliwh=900_002), "import interval 2: booked 900002"),
        "energy where none flowed": (with_interval(export_milliwh=2), "export interval 2: booked 2, true 0"),
        # Each edge: one digit and the rounding up. Both of them are four.
        "more doubt than can be": (with_interval(import_uncertain_milliwh=5), "told 5 of 4"),
        "an edge that is none": (with_interval(end_utc_us=(PEAK_S + 840) * MICRO), "intervals end at"),
        "energy in the wrong bucket": (
            replace(RIGHT, buckets={**BUCKETS, FIRST: 600_002, LAST: 959_998}),
            "import summer_off_peak: booked 600002",
        ),
        # Its edge, and the digit of the first reading.
        "too much doubt in a bucket": (replace(RIGHT, uncertain={**RIGHT.uncertain, FIRST: 4}), "told 4 of 3"),
    }.values(),
)
def test_each_lie_is_named(account: Account, complaint: str) -> None:
    found = ORACLE.complaints(account)
    assert found
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("oracle", "complaint"),
    [
        (replace(ORACLE, clock=clock_of([Spell(0, 60 * MICRO, True)])), "the clock showed"),
        (replace(ORACLE, kept=[*KEPT[:-1], replace(KEPT[-1], shown={"import": 0, "export": 0})]), "import grew by 0"),
    ],
)
def test_wrong_clock_or_register_is_told_before_any_sum(oracle: Oracle, complaint: str) -> None:
    found = oracle.complaints(RIGHT)
    assert found
    assert all(complaint in text for text in found)


def test_a_clock_set_late_places_what_came_before_by_its_first_word() -> None:
    """90 s fast until 16:05: what the house then calls 16:00 was 15:58:30, and the buckets must tell 90 s of flow."""
    set_s = PEAK_S + 300
    spells = [Spell(0, -(10**15), False), Spell(PEAK_S * MICRO, 90 * MICRO, True), Spell(set_s * MICRO, 0, True)]
    assert clock_of(spells).offsets == ((0, 90 * MICRO), (set_s * MICRO, 0))
    late = [kept(at, 90 if at < set_s else 0) for at in range(START_S, PEAK_S + 961, 30)]
    oracle = replace(ORACLE, clock=clock_of(spells), kept=late)
    first, second = interval(START_S + 90, PEAK_S), interval(PEAK_S, PEAK_S + 900, told=1)
    first["import_milliwh"], second["import_milliwh"] = 510_000, 990_000
    moved = {**BUCKETS, FIRST: 510_000, LAST: 1_050_000}
    honest = Account([first, second], moved, {**dict.fromkeys(BUCKETS, 0), FIRST: 90_001, LAST: 90_001})
    assert oracle.complaints(honest) == []
    silent = replace(honest, uncertain=RIGHT.uncertain)
    assert [text.split(":")[0] for text in oracle.complaints(silent)] == [
        "import summer_off_peak",
        "import summer_peak",
    ]
