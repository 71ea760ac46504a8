"""Three bad nights of twenty readings, reckoned by hand: a register lost over an edge, a meter that froze and was
swapped in the night that has 25 hours, and a clock set back by an hour in that night while a register shows 0.

A milliwatt-hour a millisecond is 3.6 kW. The service carries 12 kW: 66,666.7 mWh in 20 s, 1,000,000 in 300 s. A first
reading leaves its digit open, and a lost one that of the last. A restart after each reading changes nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.ledger.schema import migrate
from gateway.reading.read import Reading
from gateway.timeline import Timeline

from .test_books import LIFE, Desk
from .world import NOON_US, S, by_hand, etouc, moved, reading, utc_us


class Night(Desk):
    """The books of a shipped tariff, in whose zone 1 November has 25 hours; off-peak from 21:00 to 16:00."""

    def timeline(self) -> Timeline:
        return Timeline(etouc(), 15)


class Edges(Desk):
    """`low` until 1:45 of the second hour, then `high`."""

    def timeline(self) -> Timeline:
        return by_hand((utc_us("2026-11-01T01:45:00-08:00"), 2))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[type[Desk]], Desk]]:
    desks: list[Desk] = []

    def make(kind: type[Desk]) -> Desk:
        migrate(tmp_path / "ledger.sqlite")
        desks.append(kind(tmp_path / "ledger.sqlite"))
        return desks[-1]

    yield make
    for one in desks:
        one.store.close()


def play(desk: Desk, readings: list[Reading], *, restarts: bool) -> None:
    assert len(readings) == 20
    for one in readings:
        desk.take(one)
        desk.commit()
        if restarts and one is not readings[-1]:
            desk.reopen()


def ends(desk: Desk, *names: str) -> dict[str, int | str | None]:
    record = desk.books.state_record()
    assert record is not None
    return {name: record[name] for name in names}


EXPORT = (
    "export_bucket_low_milliwh",
    "export_bucket_high_milliwh",
    "export_unassigned_milliwh",
    "export_uncertain_low_milliwh",
    "export_uncertain_high_milliwh",
)


@pytest.mark.parametrize("restarts", [False, True])
def test_export_lost_before_the_edge_of_peak_and_back_after_it_is_split_since_it_was_read(
    opened: Callable[[type[Desk]], Desk], *, restarts: bool
) -> None:
    """Readings at -190, -170 .. +190 s; export is lost from -110 s to -10 s, and told as lost at -30 s.

    At -130 s it had 60,000; at +10 s it has 200,000: 140,000 in 140 s, of which 130 s were before noon: 130,000, so
    190,000 before it, and 10,000 + 180,000 after. At noon it can have had 60,000 + 140,000 and a digit at the most, and
    at the least, at 12 kW for the last 10 s (33,333.3), 200,000 - 33,334 = 166,666. Booked are 190,000: 23,334 open.
    """
    desk = opened(Desk)
    poll_s = range(-190, 191, 20)
    lifes = [LIFE + 1000 * (second + 190) for second in poll_s]
    lost = [None if 4 <= number < 10 else life for number, life in enumerate(lifes)]
    polls = [reading(NOON_US + at * S, *both) for at, *both in zip(poll_s, lifes, lost, strict=True)]
    play(desk, polls, restarts=restarts)
    assert list(ends(desk, *EXPORT).values()) == [190_000, 190_000, 0, 1 + 1 + 23_334, 23_334]
    assert [one["event"] for one in desk.sent("event") if "direction" in one["event"]] == [
        "direction_lost",
        "direction_found",
    ]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_meter_that_froze_and_was_swapped_in_the_night_of_25_hours(
    opened: Callable[[type[Desk]], Desk], *, restarts: bool
) -> None:
    """Every 300 s from 1:32:30 of the first hour on, 3.6 kW: 300,000 mWh each. From the sixth reading on it stands
    (1:57:30); the thirteenth (1:32:30 of the second hour) is of another meter.

    Booked: 5 and 7 times 300,000. It may have stood since just after the fifth reading: until the thirteenth 2,400 s of
    12 kW are 8,000,000; and three digits, of the first, of the last, and of the new meter's first.
    """
    desk, start_us = opened(Night), utc_us("2026-11-01T01:32:30-07:00")
    old = [LIFE + 300_000 * min(number, 5) for number in range(12)]
    new = [70_000_000 + 300_000 * number for number in range(8)]
    polls = [
        reading(start_us + 300 * number * S, life, serial="A1" if number < 12 else "B2")
        for number, life in enumerate([*old, *new])
    ]
    flowing = [moved(one, snapshot=replace(one.snapshot, power_milliw=3_600_000)) for one in polls]
    play(desk, flowing, restarts=restarts)
    names = ("import_earlier_epochs_milliwh", "import_bucket_winter_off_peak_milliwh", "import_unassigned_milliwh")
    assert list(ends(desk, *names).values()) == [1_500_000, 12 * 300_000, 0]
    told = ends(desk, "import_uncertain_winter_off_peak_milliwh")
    assert told == {"import_uncertain_winter_off_peak_milliwh": 8_000_000 + 3}
    quarters = desk.sent("interval")
    # 1:32:30 to 1:45, 1:45 to 2, and again from 1:00: each quarter of the night once, by its own instant.
    assert [(one["start_utc_us"] - start_us) // S for one in quarters] == [0, 750, 1650, 2550, 3450, 4350]
    # 750 s of them, 600 until it stood, none, none, 750 s of the new meter, 900
    assert [one["import_milliwh"] for one in quarters] == [750_000, 750_000, 0, 0, 750_000, 900_000]
    true_milliwh = [750_000, *[900_000] * 5]
    told_milliwh = [one["import_uncertain_milliwh"] for one in quarters]
    for one, true, told_one in zip(quarters, true_milliwh, told_milliwh, strict=True):
        assert abs(one["import_milliwh"] - true) <= told_one


@pytest.mark.parametrize("restarts", [False, True])
def test_a_clock_set_back_at_half_past_one_while_import_shows_0(
    opened: Callable[[type[Desk]], Desk], *, restarts: bool
) -> None:
    """Every 20 s from -130 s on, 20,000 mWh of import and 1,000 of export each; the clock is an hour ahead until 1:30
    of the second hour, and right from then on. Import shows 0 from -50 to 130 s.

    By the clock that was ahead it is `high`. Import: 60,000 until -70 s; 220,000 from there to 150 s, over a clock that
    was set, in `unassigned`; 100,000 until 250 s by the right clock, `low`. Export: 3,000, by the wrong clock; the
    16,000 since -70 s, which is before 1:30 by the right one, `low`. In truth all of it flowed in `low`.
    """
    desk, at_us = opened(Edges), utc_us("2026-11-01T01:30:00-08:00")
    polls = []
    for number in range(20):
        second = 20 * number - 130
        wall_us = at_us + (second + (3600 if second < 0 else 0)) * S
        energy_import = 0 if 4 <= number < 14 else LIFE + 20_000 * number
        polls.append(reading(wall_us, energy_import, LIFE + 1000 * number, monotonic_us=(second + 10**6) * S))
    play(desk, polls, restarts=restarts)
    for direction, booked in (("import", [100_000, 60_000, 220_000]), ("export", [16_000, 3000, 0])):
        buckets = [f"{direction}_{name}_milliwh" for name in ("bucket_low", "bucket_high", "unassigned")]
        assert list(ends(desk, *buckets).values()) == booked
        told = ends(desk, f"{direction}_uncertain_low_milliwh", f"{direction}_uncertain_high_milliwh")
        low, high = told.values()
        assert isinstance(low, int)
        assert isinstance(high, int)
        assert high >= booked[1]
        assert low + booked[2] >= sum(booked) - booked[0]
    told_steps = [one["step_us"] for one in desk.sent("event") if one["event"] == "clock_step"]
    assert told_steps == [-3600 * S]
