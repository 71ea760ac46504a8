"""With which registers the judge of mixed histories lets an epoch begin: as the row was held, by hand.

The digit is 100 Wh: of two displays a digit apart the larger one is held, where the row goes on and nowhere else.
"""

import pytest

from hil.histories import mix_judge
from hil.histories.mix_plan import mixed_history
from hil.histories.mix_row import as_held
from hil.histories.record import DIRECTIONS, Fate, Played, Taken
from hil.histories.soak import MixedSoak

HISTORY = mixed_history(461, 1204)
"""A meter hangs there anew and shows 100 Wh of export, then a 0 for 793 s; its epoch begins behind a kill."""
DIGIT = 100_000
S = 1_000_000
HELD, OPENED, BOOKED = Fate.NOT_BOOKED, Fate.OPENED, Fate.BOOKED
Row = list[tuple[int | None, Fate]]
"""What export shows, in digits, and what became of that."""


def readings(row: Row) -> list[Taken]:
    """One every ten seconds; import shows 0."""
    found = []
    for number, (digits, fate) in enumerate(row):
        at_us = number * 10 * S
        shown = {} if digits is None else {"import": 0, "export": digits * DIGIT}
        found.append(Taken(1, False, shown, at_us, at_us, at_us, "boot 0", at_us, at_us, 0, fate))
    return found


def exports(taken: list[Taken]) -> list[int | None]:
    """In digits."""
    return [one.shown["export"] // DIGIT if one.shown else None for one in as_held(HISTORY, taken)]


ROWS: dict[str, tuple[Row, list[int | None]]] = {
    "a digit less than one held before": ([(1, HELD), (0, OPENED), (12, BOOKED)], [1, 1, 12]),
    "with one between that shows nothing": ([(1, HELD), (None, HELD), (0, OPENED)], [1, None, 1]),
    "until it is passed": (
        [(1, OPENED), (0, HELD), (0, BOOKED), (0, BOOKED), (2, BOOKED), (1, BOOKED)],
        [1, 1, 1, 1, 2, 1],
    ),
    "two digits less is another row": ([(2, HELD), (0, OPENED), (12, BOOKED)], [2, 0, 12]),
    "more is more": ([(1, HELD), (2, OPENED), (3, BOOKED)], [1, 2, 3]),
    "behind one that was booked": ([(1, BOOKED), (0, OPENED), (3, BOOKED)], [1, 0, 3]),
    "no epoch begins": ([(1, HELD), (0, BOOKED), (1, BOOKED), (0, BOOKED)], [1, 0, 1, 0]),
}


@pytest.mark.parametrize("name", ROWS)
def test_an_epoch_begins_as_its_row_was_held(name: str) -> None:
    row, held = ROWS[name]
    assert exports(readings(row)) == held


@pytest.mark.parametrize(("set_by_s", "held"), [(0, 1), (-10, 0), (-9, 1), (600, 1), (601, 0)])
def test_a_clock_that_is_set_back_or_leaps_begins_another_row(set_by_s: int, held: int) -> None:
    taken = readings([(1, HELD), (0, OPENED)])
    taken[1].wall_earliest_us += set_by_s * S
    taken[1].wall_latest_us += set_by_s * S
    assert exports(taken) == [1, held]


@pytest.mark.parametrize(("import_digits", "held"), [(2, 1), (3, 0)])
def test_a_register_that_leaps_beside_it_begins_another_row(import_digits: int, held: int) -> None:
    """In ten seconds 12 kW are 33 Wh, and two digits may be between two displays: 233 Wh."""
    taken = readings([(1, HELD), (0, OPENED)])
    taken[1].shown = {"import": import_digits * DIGIT, "export": 0}
    assert exports(taken) == [1, held]


def test_books_that_begin_at_the_display_are_refused() -> None:
    """The same books, with what the meter had shown before booked as if it had flowed: one digit in one bucket."""
    played: Played = MixedSoak().player(HISTORY, "").play()
    assert mix_judge.judge(HISTORY, played).findings == []
    opened = [number for number, one in enumerate(played.taken) if one.fate is OPENED]
    first = played.taken[opened[-1]]
    assert (len(opened), [first.shown[one] for one in DIRECTIONS]) == (2, [0, 0])
    for one in played.taken[opened[-1] :]:
        if one.state is not None:
            key = "export_bucket_high_milliwh"
            one.state = {**one.state, key: one.state[key] + DIGIT, "export_epoch_first_milliwh": 0}
    found = mix_judge.judge(HISTORY, played).findings
    assert {one.what for one in found} >= {"bucket"}
    assert "law" not in {one.what for one in found}
