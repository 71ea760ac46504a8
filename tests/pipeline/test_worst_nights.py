"""Bad nights of twenty readings, reckoned by hand: a register lost over an edge, and a clock set back by an hour in the
night that has 25 hours while a register shows 0.

A milliwatt-hour a millisecond is 3.6 kW. The service carries 12 kW: 66,666.7 mWh in 20 s, 1,000,000 in 300 s. A first
reading leaves its digit open, and a lost one that of the last. A restart after each reading changes nothing.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.ledger.schema import migrate
from gateway.read import Reading
from gateway.timeline import Timeline

from .test_books import LIFE, Desk
from .world import NOON_US, S, by_hand, reading, utc_us


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
