"""Registers that stood, and give all at once behind a clock that leapt ahead and a restart of the machine. By hand.

Read each minute; the service carries 12 kW: 1 kWh in five minutes, 3 in an interval of a quarter of an hour.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ledger.schema import migrate

from .test_books import Desk
from .test_standing import quarter
from .test_undecided import LIFE, told, uncertain
from .world import KWH, MIN, NOON_US, S, reading


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


@pytest.mark.parametrize("shown", [LIFE + 50, None])
@pytest.mark.parametrize(("grown_milliwh", "stood"), [(4 * KWH, True), (800_000, False)])
def test_register_that_gives_more_than_passed_by_a_step_that_was_seen_had_stood(
    desk: Desk, grown_milliwh: int, stood: bool, shown: int | None
) -> None:
    """It stands from 12:05 until 12:40. Then the clock is set on by 30 minutes: two readings are held for that, or are
    refused because they show no register, and the machine starts anew. At 12:45, which is 13:15 by now, it has 4 kWh
    more. By the wall clock 35 minutes have passed, by what was seen five, and a bit: most of it flowed before, and the
    quarter from 12:15 on can have had 3 kWh of it. 0.8 kWh can have flowed since."""
    stands = [reading(NOON_US + n * MIN, LIFE + 10 * min(n, 5)) for n in range(41)]
    mono_us = stands[-1].monotonic_us
    leapt = [reading(NOON_US + 70 * MIN + n * 20 * S, shown, monotonic_us=mono_us + n * 20 * S) for n in range(1, 3)]
    assert desk.take(*stands, *leapt)[-2:] == ["Rejected" if shown is None else "Quarantined"] * 2
    behind = [reading(NOON_US + (75 + n) * MIN, LIFE + 50 + grown_milliwh, boot_id="anew") for n in range(2)]
    assert desk.take(*behind) == ["Accepted"] * 2
    assert [one["step_us"] for one in told(desk, "clock_step")] == [30 * MIN]
    assert uncertain(desk)["high"] == 1 + (grown_milliwh + 2 if stood else 0)  # once
    one = quarter(desk, NOON_US + 15 * MIN)
    assert one["import_milliwh"] == 0
    told_milliwh = one["import_uncertain_milliwh"]
    assert (3 * KWH <= told_milliwh <= 3 * KWH + 2) if stood else told_milliwh <= 2


@pytest.mark.parametrize(("grown_milliwh", "stood"), [(4 * KWH, True), (60_000, False)])
def test_register_that_gives_more_as_the_clock_leaps_than_by_monotonic_time_may_have_stood(
    desk: Desk, grown_milliwh: int, stood: bool
) -> None:
    """It stands from 11:51 until 12:10, read each 20 s. Then the clock is an hour ahead, and it has 4 kWh more: the
    machine was asleep and they flowed in that hour, or it gave what it had kept back. 66 Wh can have flowed in 20 s."""
    stands = [reading(NOON_US - 10 * MIN + n * 20 * S, LIFE + 10 * min(n, 3)) for n in range(61)]
    mono_us, given = stands[-1].monotonic_us, LIFE + 30 + grown_milliwh
    leapt = [
        reading(NOON_US + 70 * MIN + n * 20 * S, given + 10 * n, monotonic_us=mono_us + n * 20 * S) for n in range(1, 8)
    ]
    assert "Accepted" in desk.take(*stands, *leapt)
    # From 11:50:40, where it was read before it moved last, 560 s of 12 kW.
    told_milliwh = quarter(desk, NOON_US - 10 * MIN)["import_uncertain_milliwh"]
    assert told_milliwh >= 1_866_667 if stood else told_milliwh < 10
