"""How a register that jumps is booked and told: bounds, widths, digits, frozen registers, a changed config.

The service carries 12 kW, 66,666.7 mWh in 20 s. What becomes of whole histories is in `test_jumps_killed`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import EnergyRegister
from gateway.cli.status import register_line
from gateway.decision import Accepted, Basis, Class, NewEpoch, NoteKind, Rollover, Rule
from gateway.energy import registers_of
from gateway.ledger.schema import migrate
from gateway.reading.read import Reading
from gateway.registers.validate import Decision, Limits, Reason, ValidatorState, validate

from .test_books import Desk
from .test_validate import spoken
from .world import KWH, NOON_US, SERVICE_MILLIW, H, S, moved, reading, register, tries

LIFE = 900 * KWH
WIDTH = 1000 * KWH
LIMITS = Limits(limit_milliw=SERVICE_MILLIW)
ONE, OTHER = Basis("sdm", "a"), Basis("sdm", "b")


def wide(milliwh: int, resolution_milliwh: int = 1, rounding_milliwh: int = 0) -> EnergyRegister:
    return replace(register(milliwh, resolution_milliwh, rounding_milliwh), modulus_milliwh=WIDTH)


def polled(registers: Sequence[EnergyRegister | int | None], power_milliw: int | None = None) -> list[Reading]:
    """Import registers, one each 20 s."""
    readings = [reading(NOON_US + number * 20 * S, one) for number, one in enumerate(registers)]
    return [moved(one, snapshot=replace(one.snapshot, power_milliw=power_milliw)) for one in readings]


def decide(
    readings: Sequence[Reading], limits: Limits = LIMITS, state: ValidatorState | None = None
) -> tuple[ValidatorState, list[Decision]]:
    """Every decision; the state goes through JSON after each, as through the store."""
    state, decisions = state or ValidatorState(), []
    for one in readings:
        state, decision = validate(state, one, limits)
        state = msgspec.json.decode(msgspec.json.encode(state), type=ValidatorState)
        decisions.append(decision)
    return state, decisions


def notes(decisions: Sequence[Decision]) -> list[NoteKind]:
    return [note.kind for one in decisions if isinstance(one, Accepted | Rollover) for note in one.notes]


def last_register(decision: Decision) -> EnergyRegister:
    return next(iter(registers_of(decision.reading.snapshot).values()))


def test_step_back_is_booked_at_the_old_value_with_the_truth_in_its_bounds() -> None:
    """Shown 60 below what is booked, a digit of 100, up to 5 too high: the truth is from 65 below to 40 above."""
    _, decisions = decide(polled([register(LIFE, 100, 5), register(LIFE, 100, 5), register(LIFE - 60, 100, 5)]))
    booked = last_register(decisions[-1])
    assert booked.milliwh == LIFE
    assert (LIFE - booked.rounding_milliwh, LIFE + booked.resolution_milliwh) == (LIFE - 65, LIFE + 40)


@pytest.mark.parametrize(
    ("registers", "said"),
    [
        ([(0, 100), (-100, 100)], "accepted"),
        ([(0, 100), (-101, 100)], "quarantined went_backwards"),
        # the digit that the booked value was read with counts as long as that value is booked
        ([(0, 100), (-60, 1), (-100, 1)], "accepted"),
        ([(0, 100), (-60, 1), (-101, 1)], "quarantined went_backwards"),
        ([(0, 100), (-60, 1), (-60, 1), (-100, 1)], "accepted"),
        # it does not creep: each step is one digit, but two below what is booked
        ([(0, 100), (-100, 100), (-200, 100)], "quarantined went_backwards"),
        # passed again, it counts on
        ([(0, 100), (-100, 100), (100, 100), (0, 100)], "accepted"),
    ],
)
def test_step_back_is_no_more_than_a_last_digit(registers: list[tuple[int, int]], said: str) -> None:
    shown = [register(LIFE + milliwh, digit) for milliwh, digit in registers]
    _, decisions = decide(polled([shown[0], *shown]))
    assert spoken(decisions[-1]) == said


def test_step_back_is_noted_once_until_it_is_passed() -> None:
    shown = [0, 0, -1, -1, -1, 0, 1, 0, 1]
    _, decisions = decide(polled([LIFE + one for one in shown]))
    # shown as booked it is passed; the fall behind 1 is another one
    assert notes(decisions) == [NoteKind.STEPPED_BACK] * 2


def test_export_counts_on_while_import_is_held_a_digit_below() -> None:
    readings = [reading(NOON_US + n * 20 * S, LIFE - (n > 1), LIFE + n) for n in range(8)]
    _, decisions = decide(readings)
    assert [spoken(one) for one in decisions[1:]] == ["newepoch first_reading", *["accepted"] * 6]
    export = decisions[-1].reading.snapshot.energy_export
    assert export is not None
    assert export.milliwh == LIFE + 7


def test_fall_that_no_width_explains_is_a_reset() -> None:
    """The same registers with a declared width and without one."""
    for build, last in ((wide, "rollover rolled_over"), (register, "newepoch went_backwards")):
        shown = [build(one) for one in (WIDTH - 10, WIDTH - 10, 5, 6, 7, 8, 9)]
        _, decisions = decide(polled(shown))
        assert spoken(decisions[-1]) == last
        if isinstance(decisions[-1], NewEpoch):
            assert (decisions[-1].found, decisions[-1].rule) == (Class.RESET_TO_ZERO, Rule.BEGINS_NEAR_ZERO)


@pytest.mark.parametrize(
    ("shown", "held"),
    # 66,666.67 mWh in 20 s, told as 66,667, and the old digit: up to 66,667 through the width
    [(66_667 - 10, "quarantined rolled_over"), (66_668 - 10, "quarantined went_backwards")],
)
def test_rollover_is_bounded_by_the_service(shown: int, held: str) -> None:
    _, decisions = decide(polled([wide(WIDTH - 10), wide(WIDTH - 10), wide(shown)]))
    assert spoken(decisions[-1]) == held


def test_a_reset_does_not_become_a_rollover_by_waiting() -> None:
    """100 kWh below the width nothing can roll over in a poll; ten hours later it could have, but it fell before."""
    shown = [wide(one) for one in (WIDTH - 100 * KWH, WIDTH - 100 * KWH, 0, 1, 2, 3)]
    later = [reading(NOON_US + 10 * H, wide(4))]
    _, decisions = decide([*polled(shown), *later])
    assert spoken(decisions[-1]) == "newepoch went_backwards"


def test_second_rollover_counts_on_from_the_first() -> None:
    once = [WIDTH - 20, WIDTH - 10, 0, 1, 2, 3, 4]
    state, decisions = decide(polled([wide(one) for one in once]))
    assert spoken(decisions[-1]) == "rollover rolled_over"
    near = [reading(NOON_US + 100 * H + n * 20 * S, wide(one)) for n, one in enumerate((WIDTH - 5, *range(3, 8)))]
    state, decisions = decide(near, state=state)
    assert spoken(decisions[-1]) == "rollover rolled_over"
    assert last_register(decisions[-1]).milliwh == 2 * WIDTH + 7
    (memory,) = state.memories.values()
    assert (memory.rollovers, memory.rolled_over_milliwh) == (2, 2 * WIDTH)


def test_register_that_may_have_rolled_over_unseen_is_told() -> None:
    """12 kW for 200 h are 2400 kWh: 100 shown, and twice the width of 1000 may be missing."""
    readings = [*polled([wide(LIFE), wide(LIFE)]), reading(NOON_US + 200 * H, wide(LIFE + 100 * KWH))]
    _, decisions = decide(readings)
    accepted = decisions[-1]
    assert isinstance(accepted, Accepted)
    (note,) = accepted.notes
    assert (note.kind, note.detail["times_at_most"]) == (NoteKind.ROLLOVER_POSSIBLE, 2)
    readings[-1] = reading(NOON_US + 80 * H, wide(LIFE + 50 * KWH))  # 960 kWh: not once
    assert notes(decide(readings)[1]) == []


def test_held_readings_may_step_back_by_a_digit_too_and_are_still_believed() -> None:
    _, decisions = decide(polled([LIFE, LIFE, 5, 6, 5, 6, 7]))
    epoch = decisions[-1]
    assert isinstance(epoch, NewEpoch)
    assert last_register(epoch).milliwh == 7


FLOW = 3_600_000
"""Milliwatts: 20,000 mWh in 20 s."""


def test_frozen_register_is_noted_with_what_it_should_have_counted() -> None:
    _, decisions = decide(polled([LIFE] * 6, FLOW))
    assert notes(decisions) == [NoteKind.FROZEN]
    # it stands since the first reading, which was held until the second agreed; the fourth comes 60 s after it
    fourth = decisions[3]
    assert isinstance(fourth, Accepted)
    (note,) = fourth.notes
    assert note.detail == {"since_utc_us": NOON_US, "expected_milliwh": 60_000}
    assert fourth.frozen
    # It may stand since just after the reading before, 30 s at most; 12 kW for 90 s are 300 Wh; and the digit.
    assert last_register(fourth).resolution_milliwh == 300_001


@pytest.mark.parametrize(
    "why",
    {
        "no power known": polled([LIFE] * 9),
        # a five-hundredth of 12 kW is 24 W
        "power below what a meter counts": polled([LIFE] * 9, 23_999),
        "the other way": polled([LIFE] * 9, -FLOW),
        # 10 digits of 20 Wh are 200 Wh; 160 s make 160 Wh
        "a coarse digit": polled([register(LIFE, 20_000)] * 9, FLOW),
        "it moves": polled([LIFE + n for n in range(9)], FLOW),
    }.items(),
    ids=lambda item: item[0],
)
def test_register_is_not_called_frozen(why: tuple[str, list[Reading]]) -> None:
    assert notes(decide(why[1])[1]) == []


def test_register_whose_energy_the_other_direction_counts_is_not_frozen() -> None:
    """The power's sign is the wrong one: makers differ."""
    readings = [reading(NOON_US + n * 20 * S, LIFE, LIFE + n * 20_000) for n in range(12)]
    readings = [moved(one, snapshot=replace(one.snapshot, power_milliw=FLOW)) for one in readings]
    assert notes(decide(readings)[1]) == []


def test_what_a_frozen_register_gives_at_once_is_no_jump() -> None:
    frozen = [LIFE] * 12
    _, decisions = decide([*polled(frozen, FLOW), reading(NOON_US + 240 * S, LIFE + 220_000)])
    assert spoken(decisions[-1]) == "accepted"
    assert notes(decisions) == [NoteKind.FROZEN, NoteKind.MOVES_AGAIN]
    # the control: the same without a power that says so is more than 12 kW in 20 s
    _, decisions = decide([*polled(frozen), reading(NOON_US + 240 * S, LIFE + 220_000)])
    assert spoken(decisions[-1]) == "quarantined impossible_jump"


@pytest.mark.parametrize(("grown", "told"), [(406_666, "accepted"), (406_667, "quarantined impossible_jump")])
def test_what_a_coarse_register_gives_late_by_its_power_is_no_jump(grown: int, told: str) -> None:
    """A digit of 20 Wh that should have moved by eight: too few to be called frozen, by its power no jump either.

    It stands since 0 s; until 160 s 3.6 kW are 160 Wh, and twice that may come; 66,667 in the last 20 s; a digit.
    """
    still = [register(LIFE, 20_000)] * 9
    _, decisions = decide([*polled(still, FLOW), reading(NOON_US + 180 * S, register(LIFE + grown, 20_000))])
    assert spoken(decisions[-1]) == told
    # the control: no power says that it is late
    _, decisions = decide([*polled(still), reading(NOON_US + 180 * S, register(LIFE + 140_000, 20_000))])
    assert spoken(decisions[-1]) == "quarantined impossible_jump"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def test_interval_of_a_frozen_register_is_estimated_and_tells_what_can_have_flowed(desk: Desk) -> None:
    """Frozen from 12:10:20 to 12:19:40 at 3.6 kW; the quarter ends in it, with 280 Wh not counted yet."""
    true = [LIFE + n * 20_000 for n in range(140)]
    shown = [*true[:31], *[true[31]] * 28, *true[59:]]
    desk.take(*polled(shown, FLOW))
    desk.commit()
    quarter, later, third = desk.sent("interval")
    # it moves again in the second one, in which what had not been told is booked
    assert [one["quality"] for one in (quarter, later, third)] == ["estimated", "estimated", "measured"]
    assert quarter["import_milliwh"] == 31 * 20_000
    missing = true[45] - shown[45]
    assert missing == 280_000
    assert quarter["import_uncertain_milliwh"] >= missing
    assert quarter["import_milliwh"] + later["import_milliwh"] == 90 * 20_000


def test_edge_in_a_standstill_too_short_to_be_called_frozen_is_in_doubt(desk: Desk) -> None:
    """It stands still from 12:14:20 to 12:15:00 at 3.6 kW: at 12:15 it shows 40 Wh too little; 80 are in doubt."""
    true = [LIFE + n * 20_000 for n in range(100)]
    desk.take(*polled([*true[:44], *[true[43]] * 2, *true[46:]], FLOW))
    assert not any(event.kind == "frozen" for event in desk.batch.events)
    desk.commit()
    quarter = desk.sent("interval")[0]
    assert quarter["import_milliwh"] == 43 * 20_000
    # at both edges a digit
    assert quarter["import_uncertain_milliwh"] == 80_000 + 1 + 1


def test_one_reading_by_a_wrong_scale_invents_nothing() -> None:
    """500 kWh by watt-hours; once a scale factor comes wrong, and it is 1 MWh by megawatt-hours."""
    right, wrong = register(500 * KWH, 1000), register(1000 * KWH, 1000 * KWH)
    _, decisions = decide(polled([right, right, wrong, register(500 * KWH + 1000, 1000)]))
    assert [spoken(one) for one in decisions[2:]] == ["quarantined impossible_jump", "accepted"]
    assert last_register(decisions[-1]).milliwh == 500 * KWH + 1000


def by(basis: Basis | None) -> Limits:
    return replace(LIMITS, basis=basis)


def test_other_basis_closes_the_epoch_after_as_much_proof_as_any_jump() -> None:
    state, _ = decide(polled([LIFE, LIFE]), by(ONE))
    after = [reading(NOON_US + (40 + n * 20) * S, LIFE + n) for n in range(6)]
    state, decisions = decide(after, by(OTHER), state)
    assert [spoken(one) for one in decisions] == [
        *["quarantined ratio_changed"] * 4,
        "newepoch ratio_changed",
        "accepted",
    ]
    assert state.basis == OTHER


def test_basis_that_comes_back_leaves_the_account_as_it_was() -> None:
    state, _ = decide(polled([LIFE, LIFE]), by(ONE))
    state, _ = decide([reading(NOON_US + 40 * S, 40 * LIFE)], by(OTHER), state)
    _, decisions = decide([reading(NOON_US + 60 * S, LIFE + 3)], by(ONE), state)
    assert [spoken(one) for one in decisions] == ["accepted"]


def test_what_was_held_by_one_basis_proves_nothing_by_the_next() -> None:
    third = Basis("sdm", "c")
    state, _ = decide(polled([LIFE, LIFE]), by(ONE))
    held = [reading(NOON_US + (40 + n * 20) * S, LIFE) for n in range(4)]
    state, _ = decide(held, by(OTHER), state)
    _, decisions = decide([reading(NOON_US + (120 + n * 20) * S, LIFE) for n in range(5)], by(third), state)
    assert [spoken(one) for one in decisions] == [*["quarantined ratio_changed"] * 4, "newepoch ratio_changed"]


def test_other_profile_is_told_from_another_ratio() -> None:
    state, _ = decide(polled([LIFE, LIFE]), by(ONE))
    _, (decision,) = decide([reading(NOON_US + 40 * S, LIFE)], by(Basis("sunspec", "a")), state)
    assert spoken(decision) == "quarantined profile_changed"


def test_state_stored_before_this_was_kept_is_read_as_it_was_meant() -> None:
    """Word for word what the first schema's program wrote of a meter in quarantine."""
    register_text = '{"milliwh":%d,"resolution_milliwh":1,"rounding_milliwh":0,"unproven":false}'
    reading_text = (
        '{"meter":"grid","snapshot":{"energy_import":' + register_text + ',"energy_export":null,"power_milliw":null,'
        '"one_moment":true,"others":{}},"earliest_us":%d,"latest_us":%d,"monotonic_us":%d,"boot_id":"boot",'
        '"clock_state":"synced","serial":null,"clock_error_us":0}'
    )
    last = reading_text % (LIFE, NOON_US, NOON_US, 1000 * H)
    held = reading_text % (5, NOON_US + 20 * S, NOON_US + 20 * S, 1000 * H + 20 * S)
    text = (
        f'{{"register_epoch":3,"last":{last},"held_reason":"went_backwards","held_first":{held},'
        f'"held_latest":{held},"held_count":1,"lost":{{}}}}'
    )
    state = msgspec.json.decode(text, type=ValidatorState)
    assert (state.register_epoch, state.held_reason, state.basis) == (3, Reason.WENT_BACKWARDS, None)
    _, decisions = decide([reading(NOON_US + (40 + 20 * n) * S, 6 + n) for n in range(4)], LIMITS, state)
    assert [spoken(one) for one in decisions] == [*["quarantined went_backwards"] * 3, "newepoch went_backwards"]
    _, (decision,) = decide([reading(NOON_US + 40 * S, LIFE + 1)], by(ONE), state)
    assert spoken(decision) == "accepted"  # a basis that was never kept is no other one


def test_flicker_is_told_once_in_ten_minutes_with_how_often_not(desk: Desk) -> None:
    desk.take(*polled([LIFE, *[LIFE, LIFE - 1] * 40]))
    told = [row for row in desk.batch.events if row.kind == "stepped_back"]
    # one each 40 s for 27 minutes: 14 more within ten minutes of each that is told
    assert [row.detail["not_told"] for row in told] == [0, 14, 14]


def test_events_of_a_jump_carry_both_registers_what_it_was_and_why(desk: Desk) -> None:
    desk.take(*polled([wide(one) for one in (WIDTH - 10, WIDTH - 10, 5, 6, 7, 8, 9)]))
    rollover = next(row.detail for row in desk.batch.events if row.kind == "rollover")
    assert rollover == {
        "reason": "rolled_over",
        "classified": "rollover",
        "rule": "wrapped_growth_is_possible",
        "previous_import_milliwh": WIDTH - 10,
        "previous_time_utc_us": NOON_US + 20 * S,
        "reading_import_milliwh": 9,
        "reading_time_utc_us": NOON_US + 120 * S,
        "import_width_milliwh": WIDTH,
        "import_register_milliwh": WIDTH + 9,
    }


def test_state_and_status_tell_what_the_meter_shows(desk: Desk) -> None:
    desk.take(*polled([wide(one) for one in (WIDTH - 10, WIDTH - 10, 5, 6, 7, 8, 9)]))
    record = desk.books.state_record()
    assert record is not None
    assert (record["import_register_milliwh"], record["import_rolled_over_milliwh"]) == (WIDTH + 9, WIDTH)
    line = register_line(record, "import")
    assert line == "register 1,000.000009 kWh   (rolled over: the meter shows 0.000009 kWh)"
    assert register_line(record, "export") == "register not available"


SHOWN = st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 12), st.booleans()), min_size=8, max_size=40)


@given(start=st.integers(WIDTH - 400_000, WIDTH - 1), steps=SHOWN)
@tries(150)
def test_booked_registers_never_fall_and_end_where_the_meter_is(start: int, steps: list[tuple[int, int, bool]]) -> None:
    """A true count that rolls over, shown with a digit of 12 that may flicker down, and zeros in between."""
    true, readings = start, polled([wide(start % WIDTH, 12)] * 2)
    for number, (growth, flicker, zero) in enumerate(steps, 2):
        true += growth
        shown = 0 if zero and number % 5 == 0 else max(true % WIDTH - flicker, 0)
        readings.append(reading(NOON_US + number * 20 * S, wide(shown, 12)))
    end_us = NOON_US + (len(steps) + 2) * 20 * S
    readings += [reading(end_us + n * 20 * S, wide((true + n) % WIDTH, 12)) for n in range(10)]
    _, decisions = decide(readings)
    booked = [last_register(one).milliwh for one in decisions if isinstance(one, Accepted | Rollover | NewEpoch)]
    assert booked == sorted(booked)
    assert not [one for one in decisions[2:] if isinstance(one, NewEpoch)]
    assert booked[-1] == true + 9


def by_found(read_by: str, milliwh: int, at_s: int) -> Reading:
    return replace(reading(NOON_US + at_s * S, milliwh), read_by=read_by)


def test_a_device_that_is_read_as_another_variant_closes_the_epoch() -> None:
    """The config is the same; after a restart the device was found to keep its count elsewhere."""
    state, _ = decide([by_found("@one", LIFE, n * 20) for n in range(2)], by(ONE))
    state, decisions = decide([by_found("@two", LIFE + 5 + n, 40 + n * 20) for n in range(5)], by(ONE), state)
    assert [spoken(one) for one in decisions] == [*["quarantined profile_changed"] * 4, "newepoch profile_changed"]
    _, decisions = decide([by_found("@two", LIFE + 20, 160)], by(ONE), state)
    assert [spoken(one) for one in decisions] == ["accepted"]


def test_a_variant_that_comes_back_leaves_the_account_as_it_was() -> None:
    state, _ = decide([by_found("@one", LIFE, n * 20) for n in range(2)], by(ONE))
    state, _ = decide([by_found("@two", 3 * LIFE, 40)], by(ONE), state)
    _, decisions = decide([by_found("@one", LIFE + 3, 60)], by(ONE), state)
    assert [spoken(one) for one in decisions] == ["accepted"]


def test_a_store_from_before_variants_were_kept_goes_on_and_keeps_them() -> None:
    state, _ = decide([by_found("", LIFE, n * 20) for n in range(2)], by(ONE))
    state, decisions = decide([by_found("@one", LIFE + 1, 40)], by(ONE), state)
    assert [spoken(one) for one in decisions] == ["accepted"]
    _, decisions = decide([by_found("@two", LIFE + 2, 60)], by(ONE), state)
    assert [spoken(one) for one in decisions] == ["quarantined profile_changed"]


def test_a_profile_whose_file_was_changed_is_told_from_an_option() -> None:
    state, _ = decide(polled([LIFE, LIFE]), by(Basis("sdm", "a", own="mine")))
    for other, told in (("mine", "ratio_changed"), ("edited", "profile_changed"), ("", "ratio_changed")):
        _, decisions = decide([reading(NOON_US + 40 * S, LIFE)], by(Basis("sdm", "b", own=other)), state)
        assert [spoken(one) for one in decisions] == [f"quarantined {told}"]
