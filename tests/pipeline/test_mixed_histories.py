"""Histories of registers that stand or jump while the clock is set, by lot; `netmeter-hil soak mixed` any number.

The law after every step, the oracle's integers, the truth of each bucket and interval within what is told; nothing lost
of a meter that was always the same, whatever its clock did. NETMETER_HYPOTHESIS=20 plays twenty times as many.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from hil.histories.hidden import Hidden
from hil.histories.jump_excuse import hidden_times
from hil.histories.jump_plan import JumpHistory
from hil.histories.mix_broken import BROKEN
from hil.histories.mix_plan import mixed_history
from hil.histories.plan import LIMIT_MILLIW, Kind
from hil.histories.record import Fate, Taken
from hil.histories.soak import MixedSoak
from hil.histories.truth import Flow

from .world import MORE

run_mixed = MixedSoak().run_one
SEED = 6
HISTORIES = 300 * MORE
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_histories_by_lot(part: int) -> None:
    counts: Counter[str] = Counter()
    for number in range(1 + part, HISTORIES + 1, PARTS):
        result = run_mixed(mixed_history(SEED, number))
        assert [str(one) for one in result.verdict.findings] == []
        counts += result.verdict.counts
        counts["felt"] += result.felt
    # The lot does bring what the judge looks at, and little of it is hidden from everybody.
    of = HISTORIES // PARTS
    assert counts["felt"] > 0.9 * of
    assert counts["steps"] > of
    assert counts["truths"] > 20 * of
    assert counts["exact"] > 0.3 * of
    assert counts["wholes"] > 0.15 * of
    assert counts["sums"] > of
    assert counts["hidden"] < 0.5 * of


FOUND_WITHOUT = {
    "do not move what is remembered with the clock": 128,
    "take a register that stood for another meter": 46,
    "do not tell a step of the clock": 46,
    "do not tell what is undecided": 39,
}
"""A history each, in which it shows that our books have the rule."""


@pytest.mark.parametrize("rule", BROKEN)
def test_books_without_a_rule_are_refused(rule: str) -> None:
    one = mixed_history(SEED, FOUND_WITHOUT[rule])
    assert run_mixed(one).verdict.findings == []
    assert run_mixed(one, rule).verdict.findings != []


ONCE_OUTSIDE = [
    *((6, number) for number in (178, 472)),
    *((7, number) for number in (142, 291, 833, 853, 1110, 1121, 1223, 1315, 1316, 1403)),
    *((8, number) for number in (149, 756, 1440)),
    *((9, number) for number in (333, 614, 1074, 1092, 1944)),
    *((10, number) for number in (229, 425)),
    *((81, number) for number in (497, 1515)),
    *((86, number) for number in (71, 275, 409, 1415)),
    *((91, number) for number in (169, 528, 1908)),
    (92, 1811),
    (95, 262),
    *((302, number) for number in (59, 297, 697)),
    *((303, number) for number in (330, 1300)),
    (888, 48),
    (912, 641),
    (903, 1427),
    *((904, number) for number in (710, 1357)),
    *((905, number) for number in (534, 1113)),
    (907, 1145),
    (908, 10),
    *((910, number) for number in (343, 355)),
    (911, 557),
    (912, 380),
    *((913, number) for number in (844, 1060)),
    (917, 1137),
    *((431, number) for number in (27, 1124)),
    (433, 185),
    (440, 146),
    *((444, number) for number in (116, 774, 1375)),
    (461, 1204),
    *((901, number) for number in (6, 59, 225)),
]
"""Seed and number of histories whose truth was once outside of what was told."""


def test_histories_that_were_once_outside_of_what_is_told() -> None:
    for seed, number in ONCE_OUTSIDE:
        assert [str(one) for one in run_mixed(mixed_history(seed, number)).verdict.findings] == []


@pytest.mark.parametrize(("seed", "number"), [(431, 27), (444, 774)])
def test_dead_meter_that_is_reset_is_judged(seed: int, number: int) -> None:
    """4325 s, and then export stands where it fell to, to the very end; 2835 s, and nothing but a fall that may have
    been a glitch. None of it is excused."""
    found = run_mixed(mixed_history(seed, number), "do not tell what is undecided").verdict.findings
    assert "interval_truth" in {one.what for one in found}


def dead_times(history: JumpHistory, taken: Sequence[Taken]) -> list[Hidden]:
    """What is excused since the first fault, a meter that died."""
    return [one for one in hidden_times(history, taken) if one.from_us == history.faults[0].at_us]


def test_dead_meter_whose_reset_nobody_saw_hides_what_it_did_not_count_until_it_was_read_last() -> None:
    """It froze at 1258 Wh, was read for 4642 s, and 1292 s later shows 1934 Wh with the same number: reset, and a load
    of less than the service carries. Not judged: what flowed in the 4642 s. The six intervals of it lack 384 287,
    2 765 173, three times 898 000 and 508 638 mWh beyond what is told. Judged: as soon as anything else was seen."""
    history = mixed_history(444, 1375)
    taken = MixedSoak().player(history, "").play().taken
    at = next(number for number, one in enumerate(taken) if one.meter == 1)
    (dead,) = dead_times(history, taken)
    assert (taken[at - 1].shown["import"], taken[at].shown["import"]) == (1_258_000, 1_934_000)
    assert dead.until_us == taken[at - 1].true_latest_us
    assert 6_352_098 <= dead.milliwh["import"] <= LIMIT_MILLIW * (dead.until_us - dead.from_us) // 3_600_000_000 + 1
    assert dead_times(replace(history, has_power=True), taken) == []
    opened = [*taken[:at], replace(taken[at], fate=Fate.OPENED), *taken[at + 1 :]]
    assert dead_times(history, opened) == []
    later_us = taken[at - 1].true_latest_us + 400_000_000
    fell = replace(taken[at], shown={"import": 0}, glitch=True, true_earliest_us=later_us, true_latest_us=later_us + 1)
    assert dead_times(history, [*taken[:at], fell, *taken[at:]]) == []


def test_register_that_is_back_on_its_line_alone_hides_what_it_jumps_by() -> None:
    """Both count from 0 for 4247 s, and none is shown for 486. Then import alone is back: it had been 774 Wh below its
    width, and shows 1.44 kWh more than before, where 2.2 can have flowed. With export beside it that was seen."""
    history = mixed_history(910, 355)
    taken = MixedSoak().player(history, "").play().taken
    back = next(number for number, one in enumerate(taken) if one.shown == {"import": 13_285_092})
    (hidden,) = (one for one in hidden_times(history, taken) if one.until_us == taken[back].true_latest_us)
    assert hidden.milliwh == {"import": 774_000 + 2}
    both = replace(taken[back], shown={"import": 13_285_092, "export": 99_995_935_000})
    found = hidden_times(history, [*taken[:back], both, *taken[back + 1 :]])
    assert not any(one.until_us == both.true_latest_us for one in found)


def test_register_that_wakes_while_the_other_is_not_shown_hides_what_it_gives() -> None:
    """Both stood for 4381 s. Export gives 166 Wh in the first readings behind that, in 98 s in which 328 can flow, and
    import is not shown. Hidden is what flowed of export since it froze, and nothing of import; nothing, where import
    is shown with it, or a power register says what flowed."""
    history = mixed_history(917, 1137)
    taken = MixedSoak().player(history, "").play().taken
    until_us = history.faults[0].until_us
    woke = next(number for number, one in enumerate(taken) if one.true_earliest_us >= until_us)
    assert (taken[woke - 2].shown["export"], taken[woke].shown) == (5_138_000, {"export": 5_304_000})

    def of_export(history: JumpHistory, taken: list[Taken]) -> list[Hidden]:
        found = hidden_times(history, taken)
        return [one for one in found if one.until_us == taken[woke].true_latest_us]

    (hidden,) = of_export(history, taken)
    assert list(hidden.milliwh) == ["export"]
    assert 166_000 <= hidden.milliwh["export"] <= 166_000 + 3 * 1000 + 3_000
    both = replace(taken[woke], shown={"import": 7_598_000, "export": 5_304_000})
    assert of_export(history, [*taken[:woke], both, *taken[woke + 1 :]]) == []
    assert of_export(replace(history, has_power=True), taken) == []


def test_dead_meter_that_may_have_passed_its_width_hides_what_it_did_not_count_until_it_was_read_last() -> None:
    """It froze 492 Wh below its width, was read for 3406 s, and 2258 s later shows 657 Wh with the same number: held,
    and booked with four more that count on. Judged: where one of those is another's, is wrong, or begins an epoch."""
    history = mixed_history(907, 1145)
    taken = MixedSoak().player(history, "").play().taken
    at = next(number for number, one in enumerate(taken) if one.meter == 1)
    assert [one.fate for one in taken[at : at + 5]] == [Fate.NOT_BOOKED] * 4 + [Fate.BOOKED]
    assert (taken[at - 1].shown["export"], taken[at].shown["export"]) == (99_999_508_170, 657_690)
    (dead,) = dead_times(history, taken)
    assert dead.until_us == taken[at - 1].true_latest_us
    for change in ({"fate": Fate.OPENED}, {"meter": 0}, {"glitch": True}):
        rest = [*taken[: at + 4], replace(taken[at + 4], **change), *taken[at + 5 :]]
        assert dead_times(history, rest) == []


def with_a_load_at_last(history: JumpHistory) -> JumpHistory:
    """The history; 10 000 s after its first fault, long after the last, 5 kW begin to be imported."""
    at_us = history.faults[0].at_us + 10_000_000_000
    flow = history.base.imports[0].flow
    assert flow.steps[-1] < (at_us, 0)
    flow = Flow((*flow.steps, (at_us, 5_000_000)))
    imports = tuple(replace(one, flow=flow) for one in history.base.imports)
    return replace(history, base=replace(history.base, imports=imports))


def test_dead_meter_whose_successor_never_moves_hides_what_it_did_not_count_until_it_was_read_last() -> None:
    """It froze, 2459.181 s later 12 kW began to be exported, and 3583.922 s after it froze it was read last: 1124.741 s
    of 12 kW are 3749.136 Wh. Reset, import shows 0 and export 3257.505 Wh to the very end, which proves nothing."""
    history = mixed_history(303, 1300)
    taken = MixedSoak().player(history, "").play().taken
    at = next(number for number, one in enumerate(taken) if one.meter == 1)
    (dead,) = dead_times(history, taken)
    assert (dead.until_us, dead.milliwh) == (taken[at - 1].true_latest_us, {"import": 1, "export": 3_749_136 + 1})
    held = taken[at:]
    assert {tuple(one.shown.values()) for one in held} == {(0, 3_257_505)}

    def shows(*registers: int) -> list[Taken]:
        return [replace(one, shown=dict(zip(one.shown, registers, strict=True))) for one in held]

    # Judged: where it has a power register, one of the held moved, was booked, or none is of another meter; and where
    # registers that do not stand at a 0 have counted on through the width.
    assert dead_times(replace(history, has_power=True), taken) == []
    assert dead_times(history, [*taken[:-1], *shows(1, 3_257_505)[-1:]]) == []
    assert dead_times(history, [*taken[:-1], replace(taken[-1], fate=Fate.BOOKED)]) == []
    assert dead_times(history, taken[:at]) == []
    assert dead_times(history, [*taken[:at], *shows(1, 3_257_505)]) == []
    assert dead_times(replace(history, width_milliwh=None), [*taken[:at], *shows(1, 3_257_505)]) == [dead]
    # Another number says that it is another meter, but beside a 0 alone.
    imports = replace(history.base.imports[0], serial="M9"), *history.base.imports[1:]
    numbered = replace(history, base=replace(history.base, imports=imports))
    assert dead_times(numbered, taken) == []
    assert dead_times(numbered, [*taken[:at], *shows(0, 0)]) == [dead]


def test_dead_meter_behind_a_wrong_display_is_told_when_its_successor_moves_at_last() -> None:
    assert run_mixed(with_a_load_at_last(mixed_history(911, 557))).verdict.findings == []


def test_dead_meter_is_judged_as_soon_as_its_successor_has_moved() -> None:
    """The same with a load at last: our books tell of the dead meter then, and books that do not are refused."""
    history = with_a_load_at_last(mixed_history(303, 1300))
    assert run_mixed(history).verdict.findings == []
    found = run_mixed(history, "do not tell what is undecided").verdict.findings
    assert "export interval 16 (repeated)" in " ".join(str(one) for one in found)


def test_the_clock_is_right_in_the_end_and_the_meter_is_asked_on() -> None:
    kinds: Counter[Kind] = Counter()
    for number in range(1, 101):
        base = mixed_history(SEED, number).base
        steps = [one for one in base.happenings if one.kind is Kind.STEP]
        assert steps[-1].size_us == 0
        over_us = max(one.at_us + one.size_us * (one.kind is not Kind.STEP) for one in base.happenings)
        assert sum(one.sent_us > over_us for one in base.asks) >= 5
        kinds.update(one.kind for one in base.happenings)
    assert {Kind.STEP, Kind.REBOOT, Kind.KILL, Kind.GAP} <= set(kinds)
