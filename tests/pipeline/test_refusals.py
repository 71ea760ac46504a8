"""A meter that flips between good and bad: each refusal is counted, one reason is told at most once in ten minutes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ledger.schema import migrate

from .test_books import LIFE, Desk
from .world import MIN, NOON_US, S, moved, reading


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    one.take(reading(NOON_US, LIFE), reading(NOON_US + 1 * S, LIFE))
    yield one
    one.store.close()


def told(desk: Desk) -> list[tuple[str, object, object]]:
    rows = [row for row in desk.batch.events if row.kind in ("rejected", "quarantined", "resumed")]
    return [(row.kind, row.detail["reason"], row.detail.get("not_told", row.detail.get("readings"))) for row in rows]


def test_every_other_reading_zero_for_an_hour_is_one_event_in_ten_minutes(desk: Desk) -> None:
    """A zero each ten seconds: sixty rows in ten minutes, one of them told."""
    for n in range(6 * 60):
        desk.take(reading(NOON_US + (10 + 10 * n) * S, 0), reading(NOON_US + (15 + 10 * n) * S, LIFE))
    first = [("quarantined", "went_backwards", 0), ("resumed", "went_backwards", 1)]
    again = [("quarantined", "went_backwards", 59), ("resumed", "went_backwards", 1)]
    assert told(desk) == first + again * 5
    counters = desk.books.counters
    assert (counters.quarantined, counters.accepted) == (1 + 360, 1 + 360)


def test_zeros_and_spikes_in_turn_are_two_reasons(desk: Desk) -> None:
    desk.take(*(reading(NOON_US + (5 + 5 * n) * S, 9 * LIFE if n % 2 else 0) for n in range(200)))
    desk.take(reading(NOON_US + 1100 * S, LIFE))
    assert told(desk) == [
        ("quarantined", "went_backwards", 0),
        ("quarantined", "impossible_jump", 0),
        ("quarantined", "went_backwards", 59),
        ("quarantined", "impossible_jump", 59),
        ("resumed", "impossible_jump", 200),
    ]


def test_a_row_that_was_not_told_is_not_resumed_from(desk: Desk) -> None:
    for at in (10, 20):
        desk.take(reading(NOON_US + at * S, 0), reading(NOON_US + (at + 1) * S, LIFE))
    assert told(desk) == [("quarantined", "went_backwards", 0), ("resumed", "went_backwards", 1)]


def test_ten_minutes_are_monotonic_and_of_one_boot(desk: Desk) -> None:
    desk.take(reading(NOON_US + 10 * S, 0), reading(NOON_US + 11 * S, LIFE))
    ahead = reading(NOON_US + 12 * S, 0)
    desk.take(moved(ahead, earliest_us=ahead.earliest_us + 9 * MIN, latest_us=ahead.latest_us + 9 * MIN))
    desk.take(reading(NOON_US + 13 * S, LIFE))
    assert len([one for one in told(desk) if one[0] == "quarantined"]) == 1
    desk.take(reading(NOON_US + 14 * S, 0, boot_id="next", monotonic_us=5 * S))
    assert told(desk)[-1] == ("quarantined", "went_backwards", 1)
