"""What is done to an account is kept beside its reading, unless it is what the meter showed."""

import inspect

import pytest

from gateway.bookkeeping.acts import (
    ACCEPTED,
    Add,
    Begin,
    ClockSet,
    RecordedAccumulator,
    booked_reading,
    decoded,
    encoded,
)
from gateway.buckets.accumulate import Accumulator
from gateway.energy import AccumulatorState
from gateway.kernels import Build, load_kernel

from .world import NOON_US, S, accumulator, by_hand, reading


def recorded() -> RecordedAccumulator:
    """With the rules and the timeline of an ordinary one."""
    plain = accumulator(by_hand())
    return RecordedAccumulator(AccumulatorState(), plain._timeline, load_kernel(Build.PYTHON), plain._rules)


def test_every_way_to_change_an_account_is_recorded() -> None:
    changes = {name for name, _ in inspect.getmembers(Accumulator, inspect.isfunction) if not name.startswith("_")}
    assert changes == {
        "add",
        "start_epoch",
        "doubt_clock_step",
        "go_back",
        "book_unplaced",
        "bridge",
        "move",
        "leave_open",
    }
    assert {name for name in changes if getattr(RecordedAccumulator, name) is getattr(Accumulator, name)} == set()


def test_a_reading_booked_as_it_is_needs_no_word() -> None:
    books, first, then = recorded(), reading(NOON_US, 10), reading(NOON_US + S, 20)
    books.start_epoch(1, first)
    assert books.take_acts("newepoch: first_reading", first) == (Begin(1, booked_reading(first)),)
    books.add(then)
    assert books.take_acts(ACCEPTED, then) == ()
    assert books.take_acts(ACCEPTED, then) == ()


@pytest.mark.parametrize("how", ["other registers", "frozen", "clock set", "other decision"])
def test_anything_else_is_kept_with_what_was_booked(how: str) -> None:
    books, first, shown = recorded(), reading(NOON_US, 10), reading(NOON_US + S, 20)
    books.start_epoch(1, first)
    books.take_acts("", first)
    booked = reading(NOON_US + S, 25) if how == "other registers" else shown
    if how == "clock set":
        books.doubt_clock_step(5)
    books.add(booked, how == "frozen")
    acts = books.take_acts("stated: closing" if how == "other decision" else ACCEPTED, shown)
    assert acts[-1] == Add(booked_reading(booked), how == "frozen")
    assert acts[:-1] == ((ClockSet(5),) if how == "clock set" else ())
    assert decoded(encoded(acts)) == acts
