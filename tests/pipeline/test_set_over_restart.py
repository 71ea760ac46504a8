"""A clock that is set back while the machine is off, and what is remembered by the clock before. By hand.

The service carries 12 kW: 3 kWh in a quarter. After the restart only the least step is known: the last booked reading
stands right before the first that was read by the new clock; how long the machine was off nobody knows.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from gateway.decision import Accepted, Class, Decision, Limits, NewEpoch, Rollover, ValidatorState
from gateway.energy import Direction, registers_of
from gateway.ledger.schema import migrate
from gateway.reading.read import Reading
from gateway.registers.validate import validate

from .test_books import Desk
from .world import KWH, MIN, NOON_US, SERVICE_MILLIW, H, S, moved, reading, register

LIFE = 900_000 * KWH
LIMITS = Limits(limit_milliw=SERVICE_MILLIW)


def decide(readings: Sequence[Reading]) -> tuple[ValidatorState, list[Decision]]:
    """Every decision of a history; the state goes through JSON after each, as through the store."""
    state, decisions = ValidatorState(), []
    for one in readings:
        state, decision = validate(state, one, LIMITS)
        state = msgspec.json.decode(msgspec.json.encode(state), type=ValidatorState)
        decisions.append(decision)
    return state, decisions


def row(
    at_us: int, milliwh: tuple[int | None, int | None], boot: str = "boot", off_us: int = 0, **more: str
) -> Reading:
    """A reading of true `at_us` after noon by a clock that is so far off."""
    one = reading(NOON_US + at_us + off_us, *milliwh, boot_id=boot, **more)
    return moved(one, monotonic_us=at_us + 10 * H)


def test_a_direction_that_was_lost_counts_on_over_a_restart_with_the_clock_set_back() -> None:
    """Export cannot be read from 5 minutes after noon on. Two hours later the machine is off for five minutes, and its
    clock is an hour behind then. Export is back with 20 kWh: in 2 h 5 min 12 kW carry 25, in the 1 h 5 min that the
    new clock shows since, 13."""
    first = [row(5 * n * S, (LIFE, LIFE + n - 1)) for n in range(2)]
    lost = [row(5 * MIN + 15 * MIN * n, (LIFE, None)) for n in range(9)]  # the last one at 2 h 5 min
    back = [row(130 * MIN + 20 * n * S, (LIFE, LIFE + 20 * KWH), "next", -H) for n in range(8)]
    state, decisions = decide([*first, *lost, *back])
    assert state.register_epoch == 1
    assert [type(one) for one in decisions[-2:]] == [Accepted, Accepted]
    assert state.last is not None
    assert registers_of(state.last.snapshot)[Direction.EXPORT].milliwh == LIFE + 20 * KWH


@pytest.mark.parametrize("given_kwh", [80, 12 * 24 * 7 + 40])
def test_one_that_is_back_only_later_counts_on_as_far_as_anybody_can_know(given_kwh: int) -> None:
    """Export cannot be read from 5 minutes after noon to 7:15 h after it. Of that the machine was off for 5 hours, and
    its clock is 6 hours behind since: the least that was is 2:15 h, in which 12 kW carry 27 kWh. Nobody knows how long
    it was off, a week at the most; more than that is of another meter."""
    first = [row(5 * n * S, (LIFE + n, LIFE + n)) for n in range(2)]
    lost = [row(5 * MIN + 15 * MIN * n, (LIFE + 100 * n, None)) for n in range(9)]  # the last one at 2:05 h
    booted = [row(7 * H + 5 * MIN + 20 * n * S, (LIFE + 2000 + n, None), "next", -6 * H) for n in range(8)]
    back = [
        row(7 * H + 15 * MIN + 20 * n * S, (LIFE + 3000 + n, LIFE + given_kwh * KWH + n), "next", -6 * H)
        for n in range(8)
    ]
    state, _ = decide([*first, *lost, *booted, *back])
    assert state.register_epoch == (1 if given_kwh == 80 else 2)


def test_one_that_is_lost_over_the_restart_itself_counts_on_when_the_clock_has_passed_its_last_time() -> None:
    """Both are read until noon; the machine is off for an hour, with a clock two hours behind since, and export cannot
    be read then until true 14:05. In the five minutes that the clock shows since noon 12 kW carry 1 kWh."""
    both = [row(-5 * n * S, (LIFE - n, LIFE - n)) for n in (1, 0)]
    booted = [row(H + 20 * n * S, (LIFE + n, None), "next", -2 * H) for n in range(8)]
    later = [row(H + 15 * MIN * n, (LIFE + 100 * n, None), "next", -2 * H) for n in range(1, 5)]
    back = [row(2 * H + 5 * MIN, (LIFE + 500, LIFE + 20 * KWH), "next", -2 * H)]
    state, decisions = decide([*both, *booted, *later, *back])
    assert state.register_epoch == 1
    assert isinstance(decisions[-1], Accepted)


def test_one_that_stood_over_a_restart_gives_at_once_what_it_can_have_kept_back_as_far_as_anybody_can_know() -> None:
    """The same clocks; import stands from noon on, and gives 80 kWh ten minutes after the machine was started anew."""
    first = [row(5 * n * S, (LIFE + n, LIFE + n)) for n in range(2)]
    stood = [row(5 * MIN + 15 * MIN * n, (LIFE + 1, LIFE + 100 * n + 100)) for n in range(9)]
    booted = [row(7 * H + 5 * MIN + 20 * n * S, (LIFE + 1, LIFE + 2000 + n), "next", -6 * H) for n in range(8)]
    woken = [
        row(7 * H + 15 * MIN + 20 * n * S, (LIFE + 80 * KWH + n, LIFE + 3000 + n), "next", -6 * H) for n in range(8)
    ]
    state, decisions = decide([*first, *stood, *booted, *woken])
    assert state.register_epoch == 1
    told = [doubt for one in decisions if isinstance(one, Accepted) for doubt in one.doubts]
    assert max(doubt.earlier_milliwh for doubt in told if doubt.direction is Direction.IMPORT) >= 80 * KWH


@pytest.mark.parametrize("back_us", [0, 3 * H])
def test_a_line_that_returns_over_a_restart_with_the_clock_set_back_is_known(back_us: int) -> None:
    """Other registers for ten minutes, believed; then the machine is off for five minutes and the old ones are back."""
    old = [row(20 * n * S, (LIFE + 10 * n, 500)) for n in range(5)]
    wrong = [row(2 * MIN + 20 * n * S, (10 * n, 7 * n)) for n in range(30)]
    back = [row(17 * MIN + 20 * n * S, (LIFE + 600 + 10 * n, 900 + n), "next", -back_us) for n in range(8)]
    _, decisions = decide([*old, *wrong, *back])
    found = [one.found for one in decisions if isinstance(one, NewEpoch)]
    assert found == [Class.FIRST_READING, Class.RESET_TO_ZERO, Class.RETURNED]


def test_what_counted_beside_a_lost_register_is_told_when_that_is_back_through_its_width() -> None:
    """Polled each quarter. From just before 12:15 on import counts from 0, by which it can be itself, and export shows
    a wrong 0. When both are right again, import gives the 2 kWh that it had left out, and export has passed its width
    of 1,000 kWh: the 2 kWh can have flowed at any time since noon."""
    width = 1000 * KWH

    def both(minute: int, imported: int, exported: int) -> Reading:
        export = register(exported)
        shown = moved(row(minute * MIN, (imported, None)))
        wide = type(export)(exported, 1, modulus_milliwh=width)
        return moved(shown, snapshot=type(shown.snapshot)(register(imported), wide, None, True, {}))

    right = [both(-15, 0, width - KWH), both(0, 0, width - KWH)]
    wrong = [both(15 * n, n * KWH // 10, 0) for n in range(1, 9)]
    back = [both(135 + 15 * n, 3 * KWH + n * KWH // 10, KWH + n * 1000) for n in range(6)]
    _, decisions = decide([*right, *wrong, *back])
    (rolled,) = [one for one in decisions if isinstance(one, Rollover)]
    of_import = [one for one in rolled.doubts if one.direction is Direction.IMPORT]
    # Between the last readings 8 and 9 it grew by 3 - 0.8 kWh and what the held ones have; since the last at noon.
    assert of_import
    assert max(one.earlier_milliwh for one in of_import) >= 2 * KWH
    assert min(one.since_us for one in of_import if one.earlier_milliwh) <= NOON_US


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def steps_told(desk: Desk, readings: Sequence[Reading]) -> list[object]:
    """The steps of the clock that are told of a history; the gateway is started again where the machine is."""
    for before, one in zip([readings[0], *readings], readings, strict=False):
        if one.boot_id != before.boot_id:
            desk.commit()
            desk.reopen()
        desk.take(one)
    desk.commit()
    return [event["step_us"] for event in desk.sent("event") if event["event"] == "clock_step"]


SET_US = 61 * S
OLD_METER = [row(5 * n * S, (LIFE + n, 500)) for n in range(2)]
NEW_METER = [row(MIN + 5 * n * S, (10 * n, 0)) for n in range(3)]


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_step_within_a_row_that_begins_an_epoch_is_told_over_a_restart(desk: Desk, is_seen: bool) -> None:
    """Another meter from 12:01 on; its clock is set on by 61 s, two readings see that, and the machine is off from
    12:01:30 to 12:05. Without those two it was set while it was off, which nothing shows."""
    seen = [row(MIN + 5 * n * S, (10 * n, 0), off_us=SET_US) for n in (3, 4)] if is_seen else []
    booted = [row(5 * MIN + 5 * n * S, (600 + 10 * n, 0), "next", SET_US) for n in range(3)]
    assert steps_told(desk, [*OLD_METER, *NEW_METER, *seen, *booted]) == ([SET_US] if is_seen else [])
    assert desk.books.register_epoch == 2


def test_it_is_told_over_two_restarts_too(desk: Desk) -> None:
    """The same, and one more reading between two times that the machine is off: the row has three boots."""
    seen = [row(MIN + 15 * S, (30, 0), off_us=SET_US)]
    between = [row(3 * MIN, (300, 0), "second", SET_US)]
    booted = [row(5 * MIN + 5 * n * S, (600 + 10 * n, 0), "third", SET_US) for n in range(3)]
    assert steps_told(desk, [*OLD_METER, *NEW_METER, *seen, *between, *booted]) == [SET_US]
    assert desk.books.register_epoch == 2


def test_a_step_in_the_boot_in_which_an_epoch_begins_is_told_though_the_old_one_ended_in_another(desk: Desk) -> None:
    """The machine is off when the meters are exchanged, and again behind the step: the old meter's last reading, the
    new one's first and the one that confirms it are of three boots."""
    first = [row(MIN + 5 * n * S, (10 * n, 0), "second") for n in range(3)]
    seen = [row(MIN + 15 * S, (30, 0), "second", SET_US)]
    booted = [row(5 * MIN + 5 * n * S, (600 + 10 * n, 0), "third", SET_US) for n in range(3)]
    assert steps_told(desk, [*OLD_METER, *first, *seen, *booted]) == [SET_US]
    assert desk.books.register_epoch == 2


@pytest.mark.parametrize("boot", ["boot", "second"])
def test_a_step_behind_such_a_row_is_told_where_the_meter_had_no_register_to_show(desk: Desk, boot: str) -> None:
    """The same; but when the clock is set the meter shows nothing, and then the machine is off. Nothing of that is
    held with the row, and its clock was seen."""
    first = [row(MIN + 5 * n * S, (10 * n, 0), boot) for n in range(3)]
    nothing = [row(MIN + 5 * n * S, (None, None), boot, SET_US) for n in (3, 4)]
    booted = [row(5 * MIN + 5 * n * S, (600 + 10 * n, 0), "third", SET_US) for n in range(3)]
    assert steps_told(desk, [*OLD_METER, *first, *nothing, *booted]) == [SET_US]
    assert desk.books.register_epoch == 2


def test_a_step_that_only_the_row_saw_behind_one_without_a_register_is_told(desk: Desk) -> None:
    """The meter shows nothing between two readings of the row, the clock is set behind both, and the machine off."""
    nothing = [row(MIN + 12 * S, (None, None))]
    seen = [row(MIN + 15 * S, (30, 0), off_us=SET_US)]
    booted = [row(5 * MIN + 5 * n * S, (600 + 10 * n, 0), "next", SET_US) for n in range(3)]
    assert steps_told(desk, [*OLD_METER, *NEW_METER, *nothing, *seen, *booted]) == [SET_US]


@pytest.mark.parametrize(("is_lost", "back_after"), [(True, 0), (True, 8), (False, 8)])
def test_what_a_lost_direction_counted_over_such_a_restart_is_in_no_bucket_within_its_interval_too(
    desk: Desk, is_lost: bool, back_after: int
) -> None:
    """Export cannot be read from 12:00:05 on, or only after 12:05, when the machine is off for an hour, with a clock
    that shows 12:01 then. Export is back at once, or two minutes later: what it counted flowed nobody knows when."""
    first = [row(5 * n * S, (LIFE + n, LIFE)) for n in range(2)]
    export = None if is_lost else LIFE
    lost = [row(MIN + 20 * n * S, (LIFE + 100 + n, export)) for n in range(13)]  # the last one at 12:05
    off_us = -64 * MIN
    away = [row(65 * MIN + 20 * n * S, (LIFE + 200 + n, None), "next", off_us) for n in range(back_after)]
    back = [
        row(65 * MIN + 20 * (back_after + n) * S, (LIFE + 300 + n, LIFE + 5 * KWH), "next", off_us) for n in range(5)
    ]
    desk.take(*first, *lost)
    desk.commit()
    desk.reopen()
    desk.take(*away, *back)
    record = desk.books.state_record()
    assert record is not None
    assert desk.books.register_epoch == 1
    assert record["export_register_milliwh"] == LIFE + 5 * KWH
    assert record["export_unassigned_milliwh"] == 5 * KWH
    assert not record.get("export_bucket_high_milliwh")
