"""The judge of jumping registers, in cases that can be checked by hand: what it excuses, and that it excuses no more.

3.6 kW flow, which is a milliwatt-hour a millisecond, and the service carries 12. Bucket 1 until noon, then 2. The meter
shows each milliwatt-hour from 900 kWh on; the first reading is a minute before noon, the others come every 10 s.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from hil.histories.hidden import digit_milliwh
from hil.histories.jump_judge import judge
from hil.histories.jump_plan import COARSER, Fault, Jump, JumpHistory
from hil.histories.plan import History
from hil.histories.record import Fate, Played, Taken
from hil.histories.tariff import NAMES, Tariff
from hil.histories.truth import Flow, Meter

S = 1_000_000
MIN = 60 * S
DAY_US = 1_782_864_000_000_000  # 2026-07-01 00:00 UTC
NOON_US = DAY_US + 12 * 60 * MIN
FIRST_US = NOON_US - MIN
LIFE = 900_000_000
KEPT_S = [-60, -50, -40, -30, -20, -10, 0, 10, 20, 30, 40]
"""When the meter is read, in seconds after noon."""


def world(
    *faults: Fault, numbers: Sequence[str | None] = (None,), first: Sequence[int] = (LIFE,), digit_milliwh: int = 1
) -> JumpHistory:
    """A meter, or two: the second from the fault's moment on."""
    since_us = [FIRST_US, *(one.at_us for one in faults if one.jump is Jump.SWAP)]
    flows = Flow(((FIRST_US, 3_600_000),)), Flow(((FIRST_US, 0),))
    meters = [
        tuple(
            Meter(flow, at_us, shown, digit_milliwh, 0, number)
            for at_us, shown, number in zip(since_us, first, numbers, strict=True)
        )
        for flow in flows
    ]
    calendar = Tariff("UTC", ((DAY_US, 1), (NOON_US, 2)), 15, DAY_US, DAY_US + 24 * 60 * MIN)
    base = History(0, 0, calendar, meters[0], meters[1], tuple(since_us[1:]), (), (), False, MIN, 0)
    return JumpHistory(base, faults, False, None)


def fault(jump: Jump, from_s: int, until_s: int, direction: int = 0) -> Fault:
    return Fault(NOON_US + from_s * S, NOON_US + until_s * S, jump, direction)


def seen(at_s: int, shown: int, booked: tuple[int, int] | None, *, told: tuple[int, int] = (0, 0)) -> Taken:
    """A reading, and what the state says after it of import in both buckets; None: it was not booked."""
    at_us = NOON_US + at_s * S
    fate = Fate.NOT_BOOKED if booked is None else Fate.BOOKED
    both = {"import": shown, "export": LIFE}
    one = Taken(0, False, both, at_us, at_us, at_us, "a", at_us, at_us, 0, fate)
    if booked is None:
        return one
    state: dict[str, int] = {"time_utc_us": at_us}
    for direction, totals, uncertain in (("import", booked, told), ("export", (0, 0), (0, 0))):
        state[f"{direction}_register_milliwh"] = sum(totals)
        for word in ("earlier_epochs", "epoch_first", "unassigned"):
            state[f"{direction}_{word}_milliwh"] = 0
        for name, total, open_milliwh in zip(NAMES[1:3], totals, uncertain, strict=True):
            state[f"{direction}_bucket_{name}_milliwh"] = total
            state[f"{direction}_uncertain_{name}_milliwh"] = open_milliwh
    return replace(one, state=state, quiet=True)


def right(at_s: int) -> Taken:
    """A reading that shows, and is booked as, what flowed."""
    return seen(at_s, LIFE + (at_s + 60) * 1000, (min(at_s + 60, 60) * 1000, max(at_s, 0) * 1000))


def found(history: JumpHistory, taken: list[Taken]) -> set[str]:
    return {one.what for one in judge(history, Played(taken)).findings}


def test_what_is_booked_as_it_flowed_is_right() -> None:
    assert found(world(), [right(at_s) for at_s in KEPT_S]) == set()


def test_a_second_in_the_wrong_bucket_is_found() -> None:
    assert found(world(), [*map(right, KEPT_S[:-1]), seen(40, LIFE + 100_000, (59_000, 41_000))]) == {"truth"}


def frozen(until_s: int, off_milliwh: int) -> list[Taken]:
    """It stands from 8 s before noon on; of what it gives afterwards so much is booked behind noon that was before."""
    stands = [seen(at_s, LIFE + 52_000, (52_000, 0)) for at_s in KEPT_S if -8 <= at_s < until_s]
    kept = [right(at_s) for at_s in KEPT_S if at_s < -8]
    woken = [
        seen(at_s, LIFE + (at_s + 60) * 1000, (60_000 - off_milliwh, at_s * 1000 + off_milliwh))
        for at_s in KEPT_S
        if at_s >= until_s
    ]
    return [*kept, *stands, *woken]


@pytest.mark.parametrize(("off_milliwh", "what"), [(8_000, set()), (41_000, {"truth"})])
def test_a_register_that_stood_unseen_excuses_what_flowed_meanwhile_and_no_more(
    off_milliwh: int, what: set[str]
) -> None:
    """It gives 18 Wh in 10 s, which 12 kW can carry. From the reading before it stood to the one after are 30 s."""
    history = world(fault(Jump.FREEZE, -8, 5))
    assert found(history, frozen(10, off_milliwh)) == what


def test_a_register_that_stood_and_gave_more_than_can_flow_is_not_excused() -> None:
    """It gives 48 Wh in 10 s: 12 kW are 33."""
    assert found(world(fault(Jump.FREEZE, -8, 35)), frozen(40, 8_000)) == {"truth"}


def test_while_one_register_shows_0_the_other_is_asked_for() -> None:
    """Export is at 0 from noon on; import has a second too little before noon all that time."""
    history = world(fault(Jump.ONE_ZERO, 0, 200, direction=1))
    taken = [
        *map(right, KEPT_S[:6]),
        *(seen(at_s, LIFE + 60_000 + at_s * 1000, (59_000, at_s * 1000 + 1000)) for at_s in KEPT_S[6:]),
    ]
    zeros = [replace(one, shown={**one.shown, "export": 0}, glitch=True) for one in taken[6:]]
    assert found(history, [*taken[:6], *zeros]) == {"truth"}


@pytest.mark.parametrize(("told_milliwh", "what"), [(5_000, set()), (4_999, {"truth"})])
def test_a_digit_that_no_reading_has_seen_is_excused_where_the_display_lacks_it_and_no_more(
    told_milliwh: int, what: set[str]
) -> None:
    """A display of 30 Wh that goes back from 60 to 30 Wh two seconds after noon. 35 Wh are missing before noon."""
    history = world(fault(Jump.BACK, 2, 28), digit_milliwh=30_000)
    before = seen(-30, LIFE + 30_000, (30_000, 0))
    low = seen(20, LIFE + 30_000, (25_000, 5_000), told=(told_milliwh, 0))
    assert found(history, [seen(-60, LIFE, (0, 0)), before, low]) == what


def test_a_digit_that_a_reading_has_seen_is_not_excused() -> None:
    history = world(fault(Jump.BACK, 2, 28), digit_milliwh=30_000)
    before = seen(1, LIFE + 60_000, (59_000, 1_000), told=(30_000, 0))
    low = seen(20, LIFE + 30_000, (25_000, 5_000), told=(5_000, 0))
    assert found(history, [seen(-60, LIFE, (0, 0)), before, low]) == {"truth"}


@pytest.mark.parametrize(
    ("numbers", "off_milliwh", "what"),
    [((None, None), 5_000, set()), ((None, None), 60_000, {"truth"}), (("A", "B"), 5_000, {"truth"})],
)
def test_another_meter_is_excused_by_what_it_shows_and_only_without_a_number(
    numbers: tuple[str | None, str | None], off_milliwh: int, what: set[str]
) -> None:
    """Five seconds after noon another one hangs there, which shows 5 Wh more than the old one had."""
    swap = Fault(NOON_US + 5 * S, NOON_US + 5 * S, Jump.SWAP)
    history = world(swap, numbers=numbers, first=(LIFE, LIFE + 70_000))
    old = [right(at_s) for at_s in KEPT_S if at_s < 5]
    new = [
        replace(seen(at_s, LIFE + 65_000 + at_s * 1000, (60_000, at_s * 1000 + off_milliwh)), meter=1)
        for at_s in KEPT_S
        if at_s > 5
    ]
    assert found(history, [*old, *new]) == what


def test_an_answer_given_while_a_coarse_digit_ends_may_still_be_coarse() -> None:
    """Asked a second before noon, answered a second after it: until noon the digit is coarse, then export is away."""
    history = world(fault(Jump.COARSE, -30, 0), fault(Jump.ONE_NOTHING, 0, 20, 1))
    one = right(0)
    one = replace(one, true_earliest_us=NOON_US - S, true_latest_us=NOON_US + S)
    assert digit_milliwh(history, one) == COARSER
    later = replace(one, true_earliest_us=NOON_US + S)
    assert digit_milliwh(history, later) == 1


@pytest.mark.parametrize(("stands_s", "words"), [(-30, {"truth"}), (0, set())])
def test_what_no_register_tells_of_is_excused_in_the_buckets_of_that_time_alone(stands_s: int, words: set[str]) -> None:
    """It stands for one reading, and gives 20 Wh with the next: that may as well have flowed since. Then 10 Wh are in
    the bucket before noon that flowed after it: excused where that time goes on after noon, and else not."""
    before = right(stands_s - 10)
    assert before.state is not None
    booked = before.state["import_bucket_low_milliwh"], before.state["import_bucket_mid_milliwh"]
    stands = seen(stands_s, before.shown["import"], booked)
    kept = [stands if at_s == stands_s else right(at_s) for at_s in KEPT_S[:-1]]
    last = seen(40, LIFE + 100_000, (70_000, 30_000))
    assert found(world(fault(Jump.FREEZE, stands_s - 9, stands_s + 9)), [*kept, last]) == words
