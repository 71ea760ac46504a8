"""Sixteen meters on one line, in virtual time: who is read when, with dead meters and flapping ones among them.

The line is written down here: a reading takes what it takes, a silence costs request, timeout and quiet time, and no
two overlap. Whether a line can keep its edges at all is reckoned by hand beside each case.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.reading.bus import DEAD_AFTER, Choice, Rank, Seat, choose, lead_of
from gateway.reading.schedule import Schedule

from .world import NOON_US, S, by_hand

MS = 1000
TIMELINE = by_hand()  # an edge at noon and at each quarter
QUARTER_US = 900 * S
LAG_US = 1 * S
IN_TIME_US = 9 * S
# 9600 Bd, 11 bits: 1.146 ms a character. Request 8 and answer 5 + 2 * 24 bytes: 69.9 ms; thinking 30 ms, pause 100 ms.
TAKES_US = 200 * MS
# The same request into silence: 69.9 ms, timeout 1 s, quiet 1 s.
SILENT_US = 2070 * MS


@dataclass
class Meter:
    """One meter of the line and what came of its turns."""

    name: str
    answers: Callable[[int], bool] = lambda _now_us: True
    takes_us: int = TAKES_US
    silent_us: int = SILENT_US
    poll_us: int = 5 * S
    lag_us: int = LAG_US
    failures: int = 0
    failed_us: int = -(10**18)
    begun_us: int = 0
    heard_us: int = 0
    windows: list[tuple[int, int]] = field(default_factory=list)
    """Begin and end of each reading that came."""
    turns: list[tuple[int, Rank, bool]] = field(default_factory=list)

    def seat(self, now_us: int) -> Seat:
        return Seat(
            self.name,
            Schedule(self.poll_us, self.lag_us, name=self.name),
            TIMELINE,
            takes_us=self.takes_us,
            silent_us=self.silent_us,
            failures=self.failures,
            is_shaky=now_us - self.failed_us < 600 * S,
            begun_us=self.begun_us,
            heard_us=self.heard_us,
        )


def run(meters: list[Meter], from_us: int, until_us: int) -> None:
    """Let the line work; times from noon."""
    now_us = NOON_US + from_us
    by_name = {meter.name: meter for meter in meters}
    while now_us < NOON_US + until_us:
        choice: Choice = choose([meter.seat(now_us) for meter in meters], now_us)
        if choice.name is None or choice.rank is None:
            assert choice.until_us > now_us
            now_us = choice.until_us
            continue
        meter = by_name[choice.name]
        meter.begun_us = now_us
        answers = meter.answers(now_us)
        meter.turns.append((now_us, choice.rank, answers))
        now_us += meter.takes_us if answers else meter.silent_us
        if answers:
            meter.failures, meter.heard_us = 0, meter.begun_us
            meter.windows.append((meter.begun_us, now_us))
        else:
            meter.failures, meter.failed_us = meter.failures + 1, now_us


def misses(meter: Meter, from_us: int, until_us: int) -> list[str]:
    """Edges in [from, until] without a reading over in the 9 s before, or one of the 9 s after that shows after it."""
    found = []
    edges = range(-(-from_us // QUARTER_US) * QUARTER_US, until_us + 1, QUARTER_US)
    for edge_us in (NOON_US + edge for edge in edges):
        before = any(edge_us - IN_TIME_US <= begun and over <= edge_us for begun, over in meter.windows)
        after = any(edge_us <= begun - meter.lag_us and over <= edge_us + IN_TIME_US for begun, over in meter.windows)
        found += [f"{meter.name}: nothing {side} {(edge_us - NOON_US) // S} s" for side, has in
                  (("before", before), ("after", after)) if not has]  # fmt: skip
    return found


def silent(_now_us: int) -> bool:
    return False


def flapping(now_us: int) -> bool:
    """Answers for 40 s of each minute, and not in the 20 s around the full one, when the edges are."""
    return 10 * S <= now_us % (60 * S) < 50 * S


def sixteen() -> list[Meter]:
    meters = [Meter(f"m{n:02}") for n in range(16)]
    for dead in (3, 7, 15):
        meters[dead].answers = silent
    meters[5].answers = flapping
    return meters


def test_sixteen_meters_three_dead_one_flapping_keep_every_edge() -> None:
    # By hand, before an edge: 12 * 225 ms + 2070 ms + 250 ms = 5.02 s of the 9. After it: lag 1.02 s, 12 * 200 ms,
    # and a silence of 2.07 s that began before the edge: 5.49 s of the 9. So it can be done.
    meters = sixteen()
    assert lead_of([meter.seat(NOON_US) for meter in meters if meter.answers is not silent]) == 250 * MS + 13 * 225 * MS
    run(meters, -QUARTER_US - 200 * S, 4 * QUARTER_US + 60 * S)
    living = [meter for meter in meters if meter.answers is not silent and meter.answers is not flapping]
    assert len(living) == 12
    assert [miss for meter in living for miss in misses(meter, -QUARTER_US, 4 * QUARTER_US)] == []


def test_a_flapping_meter_is_read_at_the_edges_at_which_it_answers() -> None:
    meters = sixteen()
    meters[5].answers = lambda now_us: now_us // (60 * S) % 2 == 0 or now_us % (60 * S) < 30 * S
    run(meters, -QUARTER_US - 200 * S, 4 * QUARTER_US + 60 * S)
    # Silent in the second half of each odd minute, it is taken for dead when an odd one ends in an edge; asked once the
    # edge is over, it answers.
    assert [miss for miss in misses(meters[5], -QUARTER_US, 4 * QUARTER_US) if "after" in miss] == []


def test_the_line_without_the_policy_misses_edges() -> None:
    """The control: first come, first served, as a single meter's schedule has it, on the same line."""
    meters = sixteen()
    due = {meter.name: NOON_US - QUARTER_US - 200 * S for meter in meters}
    now_us = NOON_US - QUARTER_US - 200 * S
    while now_us < NOON_US + 4 * QUARTER_US + 60 * S:
        meter = min(meters, key=lambda one: due[one.name])
        now_us = max(now_us, due[meter.name])
        begun_us, answers = now_us, meter.answers(now_us)
        now_us += TAKES_US if answers else SILENT_US
        meter.failures = 0 if answers else meter.failures + 1
        if answers:
            meter.windows.append((begun_us, now_us))
        due[meter.name] = Schedule(5 * S, LAG_US).next_read_us(now_us, TIMELINE, meter.failures)
    living = [meter for meter in meters if meter.answers not in (silent, flapping)]
    assert [miss for meter in living for miss in misses(meter, -QUARTER_US, 4 * QUARTER_US)] != []


def test_dead_meters_cost_one_probe_a_round_with_growing_pauses() -> None:
    meters = sixteen()
    run(meters, 60 * S, 840 * S)
    turns = sorted((at, meter.name, rank, came) for meter in meters for at, rank, came in meter.turns)
    names = [name for _, name, _, _ in turns]
    probes = [n for n, (_, _, rank, came) in enumerate(turns) if rank is Rank.PROBE and not came]
    assert len(probes) > 10
    living = {meter.name for meter in meters if meter.answers is not silent}
    for one, other in pairwise(probes):
        between = set(names[one + 1 : other])
        settled = living - {"m05"}
        assert settled <= between, "a second probe before every living meter had its turn"
    for dead in (3, 7, 15):
        begun = [at for at, _, _ in meters[dead].turns]
        pauses_s = [(later - earlier) / S for earlier, later in pairwise(begun)]
        # 10, 20, 40 and then 60 s, each up to a quarter less by chance, and as much later as the line is busy
        for pause_s, longest_s in zip(pauses_s, [10, 20, 40, *[60] * 99], strict=False):
            assert longest_s * 3 / 4 <= pause_s <= longest_s + 10
    assert len({tuple(at for at, _, _ in meters[dead].turns[3:]) for dead in (3, 7, 15)}) == 3


def test_polls_of_living_meters_go_on_beside_dead_ones() -> None:
    meters = sixteen()
    run(meters, 60 * S, 840 * S)
    for meter in meters:
        if meter.answers in (silent, flapping):
            continue
        begun = [begun for begun, _ in meter.windows]
        gaps_s = [(later - earlier) / S for earlier, later in pairwise(begun)]
        # 5 s, and at the worst one round of 13 readings, a probe and a silence of the flapping one on top
        assert max(gaps_s) <= 5 + 13 * 0.2 + 2 * 2.07 + 0.1


def test_a_line_of_dead_meters_only_finds_one_that_comes_back() -> None:
    meters = [Meter(f"m{n}", silent) for n in range(4)]
    meters[2].answers = lambda now_us: now_us > NOON_US + 300 * S
    run(meters, 60 * S, 420 * S)
    assert meters[2].windows
    assert meters[2].windows[0][0] <= NOON_US + (300 + 60 + 4 * 3) * S


def test_a_poll_that_would_run_into_anothers_edge_waits() -> None:
    # 1.2 s before noon: the window of two meters opens at 0.25 + 2 * 0.225 = 0.7 s before it
    now_us = NOON_US - 1200 * MS
    slow = Meter("slow", takes_us=1 * S)
    fast = Meter("fast")
    slow.begun_us = slow.heard_us = now_us - 5 * S
    fast.begun_us = fast.heard_us = now_us - 1 * S
    seats = [slow.seat(now_us), fast.seat(now_us)]
    lead_us = lead_of(seats)
    assert lead_us == 250 * MS + 1125 * MS + 225 * MS  # 1.6 s: both belong to the edge already
    assert choose(seats, now_us).rank is Rank.EDGE
    early_us = NOON_US - 2500 * MS
    slow.begun_us = slow.heard_us = early_us - 5 * S
    fast.begun_us = fast.heard_us = early_us - 1 * S
    waits = choose([slow.seat(early_us), fast.seat(early_us)], early_us)
    assert waits == Choice(None, None, NOON_US - lead_us)  # 2.5 s - 1.125 s is inside the window
    earlier_us = NOON_US - 2800 * MS
    slow.begun_us = slow.heard_us = earlier_us - 5 * S
    assert choose([slow.seat(earlier_us), fast.seat(earlier_us)], earlier_us).name == "slow"


def test_a_clock_that_can_be_wrong_gets_its_room() -> None:
    meters = [Meter("a"), Meter("b")]
    seats = [meter.seat(NOON_US) for meter in meters]
    assert lead_of(seats, 3 * S) == lead_of(seats) + 3 * S


def test_somebody_who_waits_is_served_first_but_not_out_of_an_edge_window() -> None:
    now_us = NOON_US + 101 * S  # a second past a point of the 5 s grid
    seats = [Meter(f"m{n}", begun_us=now_us - 1 * S, heard_us=now_us - 1 * S).seat(now_us) for n in range(3)]
    assert choose(seats, now_us).name is None
    asked = [*seats[:2], Seat(**{**fields(seats[2]), "is_asked": True})]
    assert choose(asked, now_us).name == "m2"
    dead = [*seats[:2], Seat(**{**fields(seats[2]), "is_asked": True, "failures": DEAD_AFTER})]
    assert choose(dead, now_us).rank is Rank.PROBE
    before_us = NOON_US + QUARTER_US - 2 * S  # a silence would last into the window
    assert choose([Seat(**{**fields(one), "begun_us": before_us - S, "heard_us": before_us - S}) for one in dead],
                  before_us).name is None  # fmt: skip


def fields(seat: Seat) -> dict[str, object]:
    return {name: getattr(seat, name) for name in Seat.__slots__}


meters_of_a_line = st.lists(
    st.tuples(
        st.sampled_from(["sound", "sound", "sound", "dead", "flapping"]),
        st.integers(40, 600),  # ms a reading
        st.sampled_from([1, 5, 10, 60]),  # s a poll
        st.integers(0, 2000),  # ms of lag
    ),
    min_size=2,
    max_size=16,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(meters_of_a_line, st.integers(300, 1000), st.randoms(use_true_random=False))
def test_every_edge_of_every_sound_meter_is_in_time_wherever_it_can_be(
    line: list[tuple[str, int, int, int]], timeout_ms: int, chance: object
) -> None:
    silent_us = 2 * timeout_ms * MS + 70 * MS
    meters = []
    for n, (kind, takes_ms, poll_s, lag_ms) in enumerate(line):
        answers = {"sound": lambda _now: True, "dead": silent}.get(kind)
        if answers is None:
            answers = lambda _now: chance.random() < 0.5  # type: ignore[attr-defined]  # noqa: E731
        meters.append(Meter(f"m{n}", answers, takes_ms * MS, silent_us, poll_s * S, lag_ms * MS))
    sound = [n for n, one in enumerate(line) if one[0] == "sound"]
    shaky = sum(one[0] == "flapping" for one in line)
    # What an edge asks of the line on either side: each sound meter once and an eighth more, each flapping one a
    # silence and one try more; after it besides the longest lag, and the one turn that may have begun before.
    needed_us = sum(line[n][1] * MS * 9 // 8 for n in sound) + 2 * shaky * silent_us + 250 * MS
    assume(sound and needed_us + 2 * S + silent_us + 20 * MS <= IN_TIME_US)
    run(meters, -300 * S, QUARTER_US + 30 * S)
    for edge_us in (0, QUARTER_US):
        if not any(is_taken_unawares(meter, edge_us) for meter in meters):
            assert [miss for n in sound for miss in misses(meters[n], edge_us, edge_us)] == []


def is_taken_unawares(meter: Meter, edge_us: int) -> bool:
    """Whether the meter fell silent at this edge for the first time in ten minutes: no line is held free for that."""
    silences_us = [begun_us - NOON_US for begun_us, _, answered in meter.turns if not answered]
    at_edge = [one for one in silences_us if abs(one - edge_us) <= IN_TIME_US]
    return bool(at_edge) and not any(at_edge[0] - 600 * S < one < at_edge[0] for one in silences_us)


def test_first_silence_at_an_edge_may_cost_that_edge_and_none_after_it() -> None:
    """Five sound meters of 400 ms, and one that has always answered and falls silent from a second before noon on.

    At noon the line turned to its edge 0.25 + 6 * 0.45 = 2.95 s before; a silence takes 2.07 of them. From then on one
    is held free: 0.25 + 5 * 0.45 + 2.07 = 4.57 s.
    """
    meters = [Meter(f"m{n}", takes_us=400 * MS, poll_us=60 * S) for n in range(6)]
    meters[0].answers = lambda now_us: (
        now_us < NOON_US - 20 * S or (now_us > NOON_US + 8 * 60 * S and now_us % S < S // 2)
    )
    run(meters, -300 * S, QUARTER_US + 30 * S)
    assert is_taken_unawares(meters[0], 0)
    assert [miss for one in meters[1:] for miss in misses(one, QUARTER_US, QUARTER_US)] == []


@pytest.mark.parametrize("failures", range(12))
def test_back_off_grows_is_bounded_and_spread(failures: int) -> None:
    exact_us = min(5 * S << failures, 60 * S)
    assert Schedule(5 * S, 0).back_off_us(failures) == exact_us
    spread = {Schedule(5 * S, 0, name=f"m{n}").back_off_us(failures) for n in range(50)}
    assert min(spread) >= exact_us * 3 // 4
    assert max(spread) <= exact_us
    assert len(spread) > 25
    # a meter that is read once in ten minutes is not left alone for two hours
    assert Schedule(600 * S, 0).back_off_us(failures) == 600 * S
