"""The clock is set back and on between two booked readings: it is told step by step. By hand, in milliwatt-hours.

`low` until noon, then `high`; intervals of 15 minutes; the service carries 12 kW, 3 kWh in a quarter. 12 kW flow all
the time. The virtual machine is paused for 65 minutes, and its clock, an hour fast, set right five minutes before or
after that: the sum of both is five minutes, in which 12 kW carry 1 kWh.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clock_steps import chained, kept
from gateway.ledger.schema import migrate
from gateway.reading.read import Reading

from .test_books import Desk
from .test_set_while_wrong import newest, words
from .world import KWH, NOON_US, H, S, moved, reading

LIFE = 900_000 * KWH
PAUSE_S, FIRST_S = 65 * 60, 400
"""The machine is paused from 400 s after noon on."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def at(second: int, off_us: int = 0, imported: int | None = None) -> Reading:
    """A reading at a true second after noon; the monotonic clock lacks the pause. 12 kW are 10/3 Wh a second."""
    shown = second * 10_000 // 3 if imported is None else imported
    paused_s = PAUSE_S if second > FIRST_S else 0
    return moved(reading(NOON_US + second * S + off_us, LIFE + shown), monotonic_us=(second - paused_s) * S + 100 * H)


def steps_told(desk: Desk) -> list[object]:
    desk.commit()
    return [event["step_us"] for event in desk.sent("event") if event["event"] == "clock_step"]


BEFORE = [at(second, off_us=H) for second in (5, 10, 15)]
AFTER_S = [FIRST_S + PAUSE_S + 12 * n for n in range(1, 8)]


def test_a_pause_behind_a_step_back_that_only_held_readings_saw_is_told_by_itself(desk: Desk) -> None:
    desk.take(*BEFORE, *(at(30 + 12 * n) for n in range(3)), *(at(second) for second in AFTER_S))
    assert desk.books.register_epoch == 1
    assert steps_told(desk) == [-H, PAUSE_S * S]
    found = words(desk)
    assert found["low"] == found["nowhere"] == 0  # by the clock that is right all flowed after noon
    assert found["high"] == AFTER_S[-1] * 10_000 // 3 - 16_666
    # The whole quarters of the pause, by the clock that is right: 3 kWh each.
    for end in (1800, 2700, 3600):
        assert newest(desk)[end]["import_milliwh"] == pytest.approx(3 * KWH, abs=1)
        assert newest(desk)[end]["import_unassigned_milliwh"] in (0, None)


def test_one_before_the_step_back_is_too(desk: Desk) -> None:
    """The readings by the clock that is still fast are held, because it leapt by more than ten minutes."""
    held = [at(FIRST_S + PAUSE_S + 5 * n, off_us=H) for n in range(1, 4)]
    desk.take(*BEFORE, *held, *(at(second + 300) for second in AFTER_S))
    assert desk.books.register_epoch == 1
    assert steps_told(desk) == [PAUSE_S * S, -H]
    assert words(desk)["high"] == (AFTER_S[-1] + 300) * 10_000 // 3 - 16_666


def test_they_are_told_where_little_flowed_too(desk: Desk) -> None:
    """The register grows by 1 Wh with each reading, so that nothing says whether the machine was paused."""
    rows = [(30 + 12 * n, 0) for n in range(3)] + [(second, 0) for second in AFTER_S]
    desk.take(*BEFORE, *(at(second, off, 50_000 + 1000 * n) for n, (second, off) in enumerate(rows)))
    assert desk.books.register_epoch == 1
    assert steps_told(desk) == [-H, PAUSE_S * S]


def test_they_are_told_over_a_restart_too(desk: Desk) -> None:
    """The readings that saw both are of the first boot; the machine is off for five minutes behind them."""
    seen = [at(second) for second in (30, 42, *AFTER_S[:2])]
    booted = [moved(at(second + 300), boot_id="next", monotonic_us=second * S) for second in AFTER_S]
    desk.take(*BEFORE, *seen)
    desk.commit()
    desk.reopen()
    desk.take(*booted)
    assert desk.books.register_epoch == 1
    assert steps_told(desk) == [-H, PAUSE_S * S]
    assert words(desk)["high"] == (AFTER_S[-1] + 300) * 10_000 // 3 - 16_666


def test_a_wrong_time_that_is_gone_again_allows_a_register_nothing(desk: Desk) -> None:
    """One answer an hour behind; then the clock is as it was, and the register shows 5 kWh more: another's."""
    others = [at(50 + 12 * n, H, 5 * KWH + 1000 * n) for n in range(7)]
    desk.take(*BEFORE, at(30), *others)
    assert desk.books.register_epoch == 2
    assert steps_told(desk) == []


@pytest.mark.parametrize(
    ("steps_s", "chain_s"),
    [
        ([], []),
        ([-3600, 3600], []),
        ([-3600, 3898], [-3600, 3898]),
        ([900, 900, -60], [1800, -60]),
        ([900, -300, -600], []),
        ([-3600, 900, -900, 3898], [-3600, 3898]),
        ([-3600, 1800, 1800], []),
        ([60, -3600, 7200, -3600, -60], [60, -3600, 7200, -3660]),
    ],
)
def test_steps_that_undo_each_other_are_none(steps_s: list[int], chain_s: list[int]) -> None:
    chain: list[int] = []
    for step_s in steps_s:
        chain = chained(chain, step_s * S)
    assert chain == [step_s * S for step_s in chain_s]


def test_of_a_clock_that_is_set_all_the_time_sixteen_steps_are_kept() -> None:
    steps = [(n, n * S) for n in range(1, 18)]
    assert kept(steps[:16]) == steps[:16]
    assert kept(steps) == [(2, 3 * S), *steps[2:]]


def exchanged(second: int, off_s: int = 0, paused_s: int = 0) -> Reading:
    """A reading of the meter that hangs there since 870 s before noon, at a true second. The machine's clock is 15
    minutes fast until it is set right."""
    one = reading(NOON_US + (second + off_s) * S, (second + 870) * 10_000 // 3, serial="new")
    return moved(one, monotonic_us=(second - paused_s) * S + 100 * H)


OLD = [moved(reading(NOON_US + s * S, LIFE, serial="old"), monotonic_us=(s - 900) * S + 100 * H) for s in (10, 15, 20)]
FAST = [exchanged(-870, 900), exchanged(-860, 900), exchanged(-540, 900, 300), exchanged(-530, 900, 300)]


def test_steps_within_the_row_with_which_an_epoch_begins_are_told_one_by_one(desk: Desk) -> None:
    """The machine is paused for 300 s, which looks like a clock set on; then that is set back by 900 while nobody
    reads. The new meter was read first at 12:00:30 by the clock of then, 870 s before noon; by the sum of both, 570."""
    desk.take(*OLD, *FAST, exchanged(1000, 0, 300))
    assert desk.books.register_epoch == 2
    assert steps_told(desk) == [300 * S, -900 * S]
    found = words(desk)
    # 12 kW for 870 s and 1000 s; the part of a milliwatt-hour that is cut off at noon goes to the later bucket.
    assert (found["low"], found["high"], found["nowhere"]) == (2_899_999, 3_333_334, 0)


def test_those_of_a_row_that_is_believed_after_a_restart_are_too(desk: Desk) -> None:
    """A reading less, so that the row is long enough only by the machine's next boot, 300 s later."""
    desk.take(*OLD, *FAST[:3], exchanged(1000, 0, 300))
    desk.commit()
    desk.reopen()
    desk.take(moved(exchanged(1300), boot_id="next", monotonic_us=60 * S))
    assert desk.books.register_epoch == 2
    assert steps_told(desk) == [300 * S, -900 * S]
    found = words(desk)
    assert (found["low"], found["high"], found["nowhere"]) == (2_899_999, 4_333_334, 0)


def test_steps_of_such_a_row_that_undo_each_other_are_none(desk: Desk) -> None:
    """Set on by 300 s, and back by as much."""
    desk.take(*OLD, *(exchanged(*one) for one in ((-870, 900), (-860, 900), (-855, 1200), (-850, 1200), (-500, 900))))
    assert desk.books.register_epoch == 2
    assert steps_told(desk) == []


def test_a_row_that_began_in_a_wrong_time_that_is_gone_tells_nothing_of_it(desk: Desk) -> None:
    """The old meter is booked last at 12:10. The clock is set back by 300 s, and the new meter hangs there; it is set
    on by 300 s, right again, and then back by 100. Since 12:10 it was set back by 100 s, and no more."""
    old = [moved(reading(NOON_US + s * S, LIFE, serial="old"), monotonic_us=s * S + 100 * H) for s in (590, 595, 600)]
    desk.take(*old, *(exchanged(*one) for one in ((605, -300), (610, -300), (615, 0), (620, 0), (900, -100))))
    assert desk.books.register_epoch == 2
    assert steps_told(desk) == [-100 * S]
    found = words(desk)
    # From 4,916,666.7 to 5,900,000 mWh, cut off; all of it after noon by any of these clocks.
    assert (found["low"], found["high"], found["nowhere"]) == (0, 983_334, 0)


def test_a_row_that_began_in_the_second_of_two_wrong_times_tells_neither(desk: Desk) -> None:
    """The same, behind readings of the old meter by a clock that is an hour behind; then all is as it was."""
    old = [moved(reading(NOON_US + s * S, LIFE, serial="old"), monotonic_us=s * S + 100 * H) for s in (590, 595, 600)]
    behind = [moved(reading(NOON_US + s * S - H, LIFE, serial="old"), monotonic_us=s * S + 100 * H) for s in (605, 610)]
    wrong = moved(reading(NOON_US + 315 * S, LIFE, serial="old"), monotonic_us=615 * S + 100 * H)
    desk.take(*old, *behind, wrong, *(exchanged(*one) for one in ((620, -300), (630, -300))))
    desk.take(*(exchanged(second, 0) for second in range(640, 740, 10)))
    assert desk.books.register_epoch == 2
    assert steps_told(desk) == []
