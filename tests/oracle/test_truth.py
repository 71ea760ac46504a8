"""The oracle's reading of truth files, clocks and polls, in cases that can be checked by hand."""

from fractions import Fraction
from pathlib import Path

import pytest

from tests.oracle.truth import Poll, Register, Truth, WallClock, bucket_energy, most_doubt_at_edge, read_truth

MICRO = 1_000_000
HOUR_S = 3600
# 3600 W of import for an hour, then 7200 W of export for an hour: 1000 and 2000 mWh a second.
HOURS = Truth(
    tuple((s, 3_600_000, 0) for s in range(HOUR_S)) + tuple((s, 0, 7_200_000) for s in range(HOUR_S, 2 * HOUR_S))
)
EXACT = Register(0, 0, 0, 0, 10**12)


def test_a_truth_file_is_read_by_its_powers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "utc_s,import_milliwh,export_milliwh,load_milliw,pv_milliw\n"
        "7,10,20,300,100\n8,10,20,300,900\n9,10,20,300,-5\n10,10,20,3"
    )
    assert read_truth(path, "grid").seconds == ((7, 200, 0), (8, 0, 600), (9, 305, 0))
    assert read_truth(path, "production").seconds == ((7, 0, 100), (8, 0, 900), (9, 5, 0))
    assert read_truth(path, "load").seconds == ((7, 300, 0), (8, 300, 0), (9, 300, 0))


def test_energy_between_instants_is_exact() -> None:
    assert HOURS.energy("import", 0, HOUR_S * MICRO) == 3_600_000
    assert HOURS.energy("import", -5, 2 * HOUR_S * MICRO) == 3_600_000
    assert HOURS.energy("export", (HOUR_S - 1) * MICRO, (HOUR_S + 1) * MICRO) == 2000
    assert HOURS.energy("import", 1, 2) == Fraction(1, 1000)
    with pytest.raises(AssertionError, match="ends before"):
        HOURS.energy("import", 0, 2 * HOUR_S * MICRO + 1)


def test_buckets_by_true_time() -> None:
    edge_us = (HOUR_S - 10) * MICRO
    stretches = [(0, edge_us, "a"), (edge_us, 2 * HOUR_S * MICRO, "b")]
    assert bucket_energy(HOURS, "import", stretches) == {"a": 3_590_000, "b": 10_000}


def test_a_clock_that_is_set_back_shows_a_minute_twice() -> None:
    # At true 1000 s the clock goes back by 90 s.
    clock = WallClock(((0, 0), (1000 * MICRO, -90 * MICRO)))
    assert clock.shown(999 * MICRO) == 999 * MICRO
    assert clock.shown(1000 * MICRO) == 910 * MICRO
    assert clock.spans(940 * MICRO, 970 * MICRO) == [
        (940 * MICRO, 970 * MICRO),
        (1030 * MICRO, 1060 * MICRO),
    ]
    # The edge is shown at true 950 s, and once more at 1040 s: 50 + 40 s lie behind and again before it.
    edge_us = 950 * MICRO
    stretches = [(0, edge_us, "a"), (edge_us, 1000 * MICRO, "b")]
    assert bucket_energy(HOURS, "import", stretches, clock) == {"a": 950_000 + 40_000, "b": 50_000 + 50_000}


def test_a_clock_that_is_set_on_skips_an_edge() -> None:
    clock = WallClock(((0, 0), (100 * MICRO, 60 * MICRO)))
    assert clock.spans(100 * MICRO, 160 * MICRO) == []
    assert clock.spans(90 * MICRO, 170 * MICRO) == [(90 * MICRO, 100 * MICRO), (100 * MICRO, 110 * MICRO)]


def test_doubt_at_an_edge_is_what_flowed_between_the_readings_around_it() -> None:
    polls = [Poll(10 * MICRO, 12 * MICRO), Poll(18 * MICRO, 19 * MICRO), Poll(22 * MICRO, 25 * MICRO)]
    # From 18 s to 25 s flowed 7000 mWh; one for the rounding up.
    assert most_doubt_at_edge(HOURS, "import", 20 * MICRO, polls, EXACT) == 7001
    assert most_doubt_at_edge(HOURS, "export", 20 * MICRO, polls, EXACT) == 1
    digits = Register(300, 20, 1000, 4, 10**12)
    assert most_doubt_at_edge(HOURS, "import", 20 * MICRO, polls, digits) == 7000 + 320 + 1000 + 4 + 1
    # The service carries 3600 W: at most 5 s of it lie on either side of the edge.
    assert most_doubt_at_edge(HOURS, "import", 20 * MICRO, polls, Register(0, 0, 0, 0, 3_600_000)) == 5001
    # A reading whose window holds the edge encloses nothing.
    holding = [*polls, Poll(19 * MICRO, 21 * MICRO)]
    assert most_doubt_at_edge(HOURS, "import", 20 * MICRO, holding, EXACT) == 7001
