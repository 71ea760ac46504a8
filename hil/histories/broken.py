"""Books that break one law each, on purpose: the judge must refuse every one, for that law. Never used elsewhere.

Each is a fault that real systems have: a step of the clock that is not told, an interval that is sent twice, a delta
that goes whole to one side of an edge, one momentary zero that becomes the new baseline.
"""

from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from gateway.bookkeeping.books import Books
from gateway.energy import Interval
from gateway.ledger.records import Batch, StoredMeter
from gateway.reading.read import Reading
from gateway.registers.validate import Decision, ValidatorState

from .plan import History
from .play import Player

P = TypeVar("P", bound=Player)
SECOND_US = 1_000_000


class _OneSided:
    """A kernel that gives all that grew over an edge to the bucket after it."""

    def split_series(
        self, _times: Any, registers: Any, edges: Any, buckets: Any, count: int
    ) -> tuple["array[int]", "array[int]"]:
        totals = array("q", bytes(8 * count))
        totals[buckets[-1]] = registers[-1] - registers[0]
        return totals, array("q", [registers[0]] * len(edges))


def _tells_no_step(books: Books) -> None:
    books._accumulator.doubt_clock_step = lambda *_: None  # type: ignore[method-assign]


def _sends_intervals_twice(books: Books) -> None:
    def write_again(additions: list[Interval], tariff: str, _limit_milliw: int, batch: Batch) -> None:
        while additions:
            books._journal.write_interval(additions.pop(0), tariff, batch)

    books._journal.write_again = write_again  # type: ignore[method-assign,assignment]


def _splits_nothing(books: Books) -> None:
    books._accumulator._kernel = _OneSided()  # type: ignore[assignment]


def rebases_on_zero(books: Books) -> None:
    """A fallen register is the new baseline at once, as if it had been read twice."""
    take = books.take

    def take_baseline(reading: Reading, batch: Batch) -> Decision:
        last = books._validator.last
        if last is not None and _imported(reading) < _imported(last):
            before = replace(
                reading,
                earliest_us=reading.earliest_us - SECOND_US,
                latest_us=reading.latest_us - SECOND_US,
                monotonic_us=reading.monotonic_us - SECOND_US,
            )
            epoch = books._validator.register_epoch
            books._validator = ValidatorState(epoch, held_first=before, held_latest=before, held_count=1)
        return take(reading, batch)

    books.take = take_baseline  # type: ignore[method-assign]


def _imported(reading: Reading) -> int:
    register = reading.snapshot.energy_import
    return 0 if register is None else register.milliwh


BROKEN: dict[str, Callable[[Books], None]] = {
    "truth": _tells_no_step,
    "series": _sends_intervals_twice,
    "bucket": _splits_nothing,
    "register": rebases_on_zero,
}
"""What the judge must find, and the fault."""


def with_fault(kind: type[P], fault: Callable[[Books], None]) -> type[P]:
    """A player whose books have a fault from the moment that they are opened, which is as it is made."""

    def open_books(self: P, stored: StoredMeter) -> Books:
        books = kind.open_books(self, stored)
        fault(books)
        return books

    return type(f"Broken{kind.__name__}", (kind,), {"open_books": open_books})


def broken_player(one: History, law: str) -> Player:
    """Plays a history through books that break `law`, one of BROKEN."""
    return with_fault(Player, BROKEN[law])(one)
