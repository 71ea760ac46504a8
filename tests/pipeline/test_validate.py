"""Is it the same meter, counting on? Tables of readings with the decision on each, written by hand.

The service carries 12 kW: 16,666,667 mWh in five seconds are too much, 16,666 are what it carries. Both wrong rules
of the field stand here as small functions, to show that these tables would find them.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import EnergyRegister
from gateway.energy import registers_of
from gateway.reading.read import Reading
from gateway.registers.validate import Accepted, Decision, Limits, NewEpoch, Reason, Rejected, ValidatorState, validate

from .world import KWH, NOON_US, SERVICE_MILLIW, H, S, moved, reading, register, tries, utc_us

LIMITS = Limits(limit_milliw=SERVICE_MILLIW)
LIFE = 31_415 * KWH
"""What a meter shows after ten years."""
FIRST = "quarantined first_reading"
NEW = "newepoch first_reading"
OK = "accepted"


def spoken(decision: Decision) -> str:
    """A decision in words: its kind and its reason."""
    kind = type(decision).__name__.lower()
    return kind if isinstance(decision, Accepted) else f"{kind} {decision.reason.value}"


def decide(readings: Sequence[Reading], limits: Limits = LIMITS) -> list[Decision]:
    """Every decision of a history; the state goes through JSON after each, as through the store."""
    state, decisions = ValidatorState(), []
    for one in readings:
        state, decision = validate(state, one, limits)
        state = msgspec.json.decode(msgspec.json.encode(state), type=ValidatorState)
        decisions.append(decision)
    return decisions


def polled(*registers: int | None, every_us: int = 5 * S) -> list[Reading]:
    """Import registers, one each five seconds."""
    return [reading(NOON_US + number * every_us, value) for number, value in enumerate(registers)]


GONE = "quarantined not_available"
BACK = "quarantined went_backwards"
JUMP = "quarantined impossible_jump"
# Import registers, five seconds apart -> the decision on each.
TABLES: dict[str, tuple[list[Reading], list[str]]] = {
    "a meter that counts": (polled(LIFE, LIFE, LIFE + 9, LIFE + 9), [FIRST, NEW, OK, OK]),
    "first reading a momentary zero": (
        polled(0, LIFE, LIFE + 1, LIFE + 2),
        [FIRST, "rejected unconfirmed", NEW, OK],
    ),
    "first reading a spike": (polled(9 * LIFE, LIFE, LIFE), [FIRST, "rejected unconfirmed", NEW]),
    "one momentary zero": (polled(LIFE, LIFE, 0, LIFE + 9, LIFE + 9), [FIRST, NEW, BACK, OK, OK]),
    "one spike": (polled(LIFE, LIFE, 9 * LIFE, LIFE + 9), [FIRST, NEW, JUMP, OK]),
    "a step back by one digit, and on": (polled(LIFE, LIFE, LIFE - 1, LIFE), [FIRST, NEW, OK, OK]),
    "no register at all": (polled(LIFE, LIFE, None, LIFE), [FIRST, NEW, "rejected not_available", OK]),
    "nothing but sentinels": (polled(None, None), ["rejected not_available"] * 2),
    # 4 readings and 15 s are not enough, and a good one clears them
    "zeros, but too few": (polled(LIFE, LIFE, 0, 0, 0, 0, LIFE), [FIRST, NEW, BACK, BACK, BACK, BACK, OK]),
    # the thirteenth reading comes 60 s after the first
    "a meter reset to zero": (
        polled(LIFE, LIFE, *range(12), 12, 13),
        [FIRST, NEW, *[BACK] * 12, "newepoch went_backwards", OK],
    ),
    # zeros prove nothing, however many: the meter is believed when it counts
    "a meter reset to zero that counts nothing for long": (
        polled(LIFE, LIFE, *[0] * 200, 1, 2),
        [FIRST, NEW, *[BACK] * 200, "newepoch went_backwards", OK],
    ),
    "zeros for long, and back": (polled(LIFE, LIFE, *[0] * 200, LIFE + 9), [FIRST, NEW, *[BACK] * 200, OK]),
    "a meter that begins high": (
        polled(LIFE, LIFE, *range(2 * LIFE, 2 * LIFE + 12), 2 * LIFE + 15, 2 * LIFE + 16),
        [FIRST, NEW, *[JUMP] * 12, "newepoch impossible_jump", OK],
    ),
    "zeros for long, but too few of them": (
        polled(LIFE, LIFE, 0, 0, 0, 0, LIFE, every_us=40 * S),
        [FIRST, NEW, BACK, BACK, BACK, BACK, OK],
    ),
    "the fifth reading over more than a minute": (
        polled(LIFE, LIFE, 0, 0, 0, 0, 1, every_us=40 * S),
        [FIRST, NEW, BACK, BACK, BACK, BACK, "newepoch went_backwards"],
    ),
    # the hold begins anew at each: zeros and spikes never follow from each other
    "zeros and spikes in turn": (
        polled(LIFE, LIFE, *[0, 9 * LIFE] * 10, LIFE),
        [FIRST, NEW, *[BACK, JUMP] * 10, OK],
    ),
    # by one digit it is held, by two it is not the same register; and no row of falling ones is ever believed
    "a register that runs down": (
        polled(LIFE, LIFE, *range(LIFE - 1, LIFE - 21, -1)),
        [FIRST, NEW, OK, *[BACK] * 19],
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_decision_on_each_reading(case: str) -> None:
    readings, expected = TABLES[case]
    assert [spoken(decision) for decision in decide(readings)] == expected


# The two wrong rules, as controls: what they would book of the energy in a table.
Rule = Callable[[Sequence[int]], int]


def always_rebase(registers: Sequence[int]) -> int:
    """A fallen register is the new baseline at once."""
    return sum(max(after - before, 0) for before, after in pairwise(registers))


def never_rebase(registers: Sequence[int]) -> int:
    """A fallen register is ignored until it is above the old one again."""
    return max(registers) - registers[0]


def booked(readings: Sequence[Reading]) -> int:
    """What our decisions book of import: growth between accepted readings, and from an epoch's first on."""
    energy, last = 0, 0
    for decision in decide(readings):
        if isinstance(decision, Accepted | NewEpoch):
            first = decision.first.snapshot.energy_import if isinstance(decision, NewEpoch) else None
            now = decision.reading.snapshot.energy_import
            assert now is not None
            energy += now.milliwh - (last if first is None else first.milliwh)
            last = now.milliwh
    return energy


# registers every 5 s; energy by hand: ours, rebased at once, never rebased
WRONG_RULES: dict[str, tuple[list[int], tuple[int, int, int]]] = {
    "one momentary zero": ([LIFE, LIFE + 5, 0, LIFE + 10], (10, 5 + LIFE + 10, 10)),
    "a reset meter that counts 3 a poll": (
        [LIFE, LIFE + 5, *range(0, 60, 3)],
        (5 + 57, 5 + 57, 5),
    ),
}


@pytest.mark.parametrize("case", WRONG_RULES)
def test_neither_wrong_rule_is_ours(case: str) -> None:
    registers, (ours, rebased, frozen) = WRONG_RULES[case]
    assert booked(polled(*registers)) == ours
    assert always_rebase(registers) == rebased
    assert never_rebase(registers) == frozen
    assert ours != rebased or ours != frozen  # one of the two is wrong here


@pytest.mark.parametrize(
    ("before", "now", "decision"),
    [
        # 12 kW for 5 s are 16666.67, told as 16667; the old digit may hide 1 more: 16668 cannot be.
        (register(LIFE), register(LIFE + 16_667), OK),
        (register(LIFE), register(LIFE + 16_668), JUMP),
        # a float register may read 10 too high, and its old digit may hide 20
        (register(LIFE, 20, 10), register(LIFE + 16_696, 20, 10), OK),
        (register(LIFE, 20, 10), register(LIFE + 16_697, 20, 10), JUMP),
        # digits of 20 since now: they may have been rounded up to it, once
        (register(LIFE), register(LIFE + 16_687, 20), OK),
        (register(LIFE), register(LIFE + 16_688, 20), JUMP),
    ],
)
def test_jump_is_bounded_by_the_service_and_the_digits(
    before: EnergyRegister, now: EnergyRegister, decision: str
) -> None:
    readings = [reading(NOON_US - S, before), reading(NOON_US, before), reading(NOON_US + 5 * S, now)]
    assert spoken(decide(readings)[-1]) == decision


def test_coarse_digit_may_turn_at_once() -> None:
    """A register of whole kilowatt-hours steps by one whole: no jump."""
    readings = [reading(NOON_US + n * S, register(value, KWH)) for n, value in enumerate([LIFE, LIFE, LIFE + KWH])]
    assert spoken(decide(readings)[-1]) == OK


def test_width_of_the_old_window_may_have_carried_energy_too() -> None:
    first = reading(NOON_US - 10 * S, LIFE)
    wide = reading(NOON_US, LIFE, half_window_us=2 * S)
    after = reading(NOON_US + 5 * S, LIFE + 20_000)  # 16,667 in 5 s, 23,334 in 7 s
    assert spoken(decide([first, wide, after])[-1]) == OK
    assert spoken(decide([first, moved(wide, earliest_us=NOON_US, latest_us=NOON_US), after])[-1]) == JUMP


def test_long_outage_allows_all_that_the_service_can_carry() -> None:
    readings = [*polled(LIFE, LIFE), reading(NOON_US + 100 * H, LIFE + 1_000 * KWH)]
    assert spoken(decide(readings)[-1]) == OK  # 1200 kWh were possible


@pytest.mark.parametrize(
    ("wall_us", "decision"),
    # 12 kW for 9 min are 1.8 kWh; of a leap no more is believed than that it was one
    [(9 * 60 * S, OK), (8 * 60 * S, JUMP), (100 * H, "quarantined clock_jumped")],
)
def test_elapsed_time_in_one_boot_is_the_longer_of_both_clocks(wall_us: int, decision: str) -> None:
    """A virtual machine that was paused has a monotonic clock that stood still."""
    last = reading(NOON_US + 5 * S, LIFE)
    after = reading(NOON_US + 5 * S + wall_us, LIFE + 1_800_000, monotonic_us=last.monotonic_us + 5 * S)
    assert spoken(decide([reading(NOON_US, LIFE), last, after])[-1]) == decision


def test_after_a_boot_only_the_wall_clock_is_left() -> None:
    after = reading(NOON_US + 100 * H, LIFE + 1_000 * KWH, boot_id="next", monotonic_us=3 * S)
    assert spoken(decide([*polled(LIFE, LIFE), after])[-1]) == OK


def test_other_serial_number_is_another_meter_and_needs_as_much_proof() -> None:
    old = [moved(one, serial="A1") for one in polled(LIFE, LIFE)]
    new = [moved(reading(NOON_US + (10 + 5 * n) * S, LIFE + n), serial="B2") for n in range(14)]
    decisions = [spoken(one) for one in decide([*old, *new])]
    assert decisions == [FIRST, NEW, *["quarantined meter_replaced"] * 12, "newepoch meter_replaced", OK]


def test_serial_that_is_not_read_once_says_nothing() -> None:
    serials = ["A1", "A1", None, "A1"]
    readings = [moved(one, serial=s) for one, s in zip(polled(LIFE, LIFE, LIFE, LIFE), serials, strict=True)]
    assert [spoken(one) for one in decide(readings)] == [FIRST, NEW, OK, OK]


def test_serial_that_changes_behind_an_unread_one_is_still_found() -> None:
    serials = ["A1", "A1", None, "B2"]
    readings = [moved(one, serial=s) for one, s in zip(polled(LIFE, LIFE, LIFE, LIFE), serials, strict=True)]
    assert spoken(decide(readings)[-1]) == "quarantined meter_replaced"


def test_both_registers_must_count_on() -> None:
    readings = [
        reading(NOON_US, LIFE, LIFE),
        reading(NOON_US + 5 * S, LIFE, LIFE),
        reading(NOON_US + 10 * S, LIFE + 5, LIFE - 2),
        reading(NOON_US + 15 * S, LIFE + 5, LIFE + 20_000 * KWH),
        reading(NOON_US + 20 * S, LIFE + 5),
        reading(NOON_US + 25 * S, LIFE + 5, LIFE),
    ]
    assert [spoken(one) for one in decide(readings)] == [FIRST, NEW, BACK, JUMP, GONE, OK]


@pytest.mark.parametrize("back_us", [0, 1, H])
def test_time_that_has_not_advanced_books_nothing(back_us: int) -> None:
    readings = [*polled(LIFE, LIFE), reading(NOON_US + 5 * S - back_us, LIFE + 5), reading(NOON_US + 10 * S, LIFE + 6)]
    assert [spoken(one) for one in decide(readings)][2:] == ["rejected time_not_advanced", OK]


@pytest.mark.parametrize(
    ("moment", "decision"),
    [
        ("1970-01-01T00:00:10+00:00", "rejected clock_not_set"),
        ("2024-12-31T23:59:59+00:00", "rejected clock_not_set"),
        ("2025-01-01T00:00:00+00:00", FIRST),
    ],
)
def test_clock_before_this_program_was_written_is_not_set(moment: str, decision: str) -> None:
    assert [spoken(one) for one in decide([reading(utc_us(moment), LIFE)])] == [decision]


def test_new_epoch_hands_over_the_first_held_reading_and_the_old_last() -> None:
    readings = polled(LIFE, LIFE + 5, *range(100, 113))
    decision = decide(readings)[-1]
    assert isinstance(decision, NewEpoch)
    assert decision.register_epoch == 2
    assert [one and registers_of(one.snapshot) for one in (decision.previous, decision.first, decision.reading)] == [
        registers_of(one.snapshot) for one in (readings[1], readings[2], readings[-1])
    ]


def test_refused_reading_is_data() -> None:
    decision = decide(polled(LIFE, LIFE, None))[-1]
    assert isinstance(decision, Rejected)
    assert decision.reason is Reason.NOT_AVAILABLE
    assert decision.previous is not None
    assert decision.previous.latest_us == NOON_US + 5 * S
    assert decision.reading.latest_us == NOON_US + 10 * S


@given(
    registers=st.lists(
        st.one_of(st.integers(0, 40), st.sampled_from([0, LIFE, LIFE + 1, None])), min_size=1, max_size=40
    )
)
@tries(200)
def test_what_is_accepted_never_falls_and_never_outruns_the_service(registers: list[int | None]) -> None:
    last: int | None = None
    for decision in decide(polled(*registers)):
        if not isinstance(decision, Accepted | NewEpoch):
            continue
        now = decision.reading.snapshot.energy_import
        assert now is not None
        if isinstance(decision, NewEpoch):
            first = decision.first.snapshot.energy_import
            last = first.milliwh if first else None
        assert last is not None
        assert 0 <= now.milliwh - last <= 40 * 16_667 + 1
        last = now.milliwh
