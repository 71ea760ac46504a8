"""The plan of `soak kill` depends on the seed and the number alone."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime

import pytest

from hil.soak.plan import CALL_DECK, ROUND_SIZE, Kind, control_round, fault, round_from, sites


def plan_of(seed: int, n: int) -> list[str]:
    return [str(fault(seed, number)) for number in range(1, n + 1)]


def test_a_seed_replays_its_plan_in_another_process() -> None:
    command = [sys.executable, "-m", "hil.cli", "soak", "kill", "--seed", "7", "--n", "25", "--plan"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.splitlines() == plan_of(7, 25)
    assert told.stdout.startswith("1 ")


def test_a_shorter_soak_is_the_beginning_of_a_longer_one() -> None:
    whole = round_from(3, 11, 40)
    assert [one.number for one in whole.faults] == list(range(11, 21))
    part = round_from(3, 11, 13)
    assert part.faults == whole.faults[:3]
    assert (part.house_seed, part.start_utc_us) == (whole.house_seed, whole.start_utc_us)


def test_other_seeds_and_other_rounds_differ() -> None:
    plans = {tuple(plan_of(seed, 20)) for seed in range(50)}
    assert len(plans) == 50
    houses = {(round_from(1, 1 + ROUND_SIZE * i, 10**6).house_seed) for i in range(50)}
    assert len(houses) > 45


def test_every_whole_round_has_every_kind_and_never_begins_with_a_start() -> None:
    for index in range(0, 200, 2):
        kinds = [one.kind for one in round_from(5, 1 + ROUND_SIZE * index, 10**6).faults]
        assert Counter(kinds) == {Kind.START: 2, Kind.EDGE: 3, Kind.COMMIT: 2, Kind.PUBLISH: 2, Kind.ANY: 1}
        assert kinds[0] is not Kind.START


def test_every_second_round_strikes_at_calls_and_in_time_at_every_one() -> None:
    struck: dict[Kind, set[object]] = {}
    for index in range(1, 2 * 25, 2):
        for one in round_from(5, 1 + ROUND_SIZE * index, 10**6).faults:
            assert one.site is not None
            struck.setdefault(one.kind, set()).add(one.site)
    for kind in CALL_DECK:
        assert len(struck[kind]) == min(len(sites(kind)), 25 * CALL_DECK.count(kind))
    # What 25 such rounds do not reach the next ones do.
    later = {fault(5, 1 + ROUND_SIZE * index + place).site for index in range(1, 101, 2) for place in (5, 7, 9)}
    assert later == set(sites(Kind.CYCLE_CALL))


def test_edges_are_struck_before_and_after() -> None:
    delays = [one.delay_us for one in (fault(9, n) for n in range(1, 400)) if one.kind is Kind.EDGE]
    assert min(delays) < -200_000
    assert max(delays) > 2_000_000
    assert all(fault(9, n).delay_us >= 0 for n in range(1, 400) if fault(9, n).kind is not Kind.EDGE)


def test_houses_begin_shortly_before_an_edge_on_days_that_the_tariff_knows() -> None:
    for index in range(100):
        start_us = round_from(2, 1 + ROUND_SIZE * index, 10**6).start_utc_us
        moment = datetime.fromtimestamp(start_us // 1_000_000, UTC)
        assert moment.minute == 53
        assert moment.year in (2025, 2026)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_control_strikes_when_a_record_is_out(seed: int) -> None:
    kinds = [one.kind for one in control_round(seed).faults]
    assert kinds.count(Kind.PUBLISH) >= 2
    assert control_round(seed) == control_round(seed)
