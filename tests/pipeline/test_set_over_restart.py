"""A clock that is set back while the machine is off, and what is remembered by the clock before. By hand.

The service carries 12 kW: 3 kWh in a quarter. After the restart only the least step is known: the last booked reading
stands right before the first that was read by the new clock; how long the machine was off nobody knows.
"""

from collections.abc import Sequence

import msgspec
import pytest

from gateway.decision import Accepted, Class, Decision, Limits, NewEpoch, Rollover, ValidatorState
from gateway.energy import Direction, registers_of
from gateway.reading.read import Reading
from gateway.registers.validate import validate

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
