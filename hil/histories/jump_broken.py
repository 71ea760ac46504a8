"""Books that break a rule each on purpose, as real systems do: what the judge of `soak jumps` has to find."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.bookkeeping.books import Books
from gateway.decision import Decision, Doubt, NewEpoch
from gateway.energy import Interval
from gateway.ledger.records import Batch
from gateway.reading.read import Reading

from .broken import rebases_on_zero, with_fault
from .jump_plan import JumpHistory
from .jump_play import JumpPlayer


def _never_rebases(books: Books) -> None:
    """The other wrong rule of the field: a smaller register is never taken, the old one is kept."""
    take = books.take

    def take_growing(reading: Reading, batch: Batch) -> Decision:
        last = books._validator.last
        before = None if last is None else last.snapshot.energy_import
        now = reading.snapshot.energy_import
        if before is not None and now is not None and now.milliwh < before.milliwh:
            reading = replace(reading, snapshot=replace(reading.snapshot, energy_import=before))
        return take(reading, batch)

    books.take = take_growing  # type: ignore[method-assign]


def _tells_no_doubt(books: Books) -> None:
    """What a decision leaves open is not told."""
    decide = books._booking.book

    def book(
        reading: Reading, _doubts: Sequence[Doubt], closed: list[Interval], batch: Batch, estimated: bool = False
    ) -> list[Interval]:
        return decide(reading, (), closed, batch, estimated)

    books._booking.book = book  # type: ignore[method-assign,assignment]


def _exchanges_without_doubt(books: Books) -> None:
    """Of a meter that is exchanged nothing is told of the time before its last reading: as if it had been alive."""
    begin = books._booking.epoch

    def epoch(
        decision: NewEpoch,
        previous: Reading | None,
        held: Reading | None,
        batch: Batch,
        steps_us: Sequence[int] = (),
        row_steps_us: Sequence[int] = (),
    ) -> list[Interval]:
        return begin(replace(decision, doubts=()), previous, held, batch, steps_us, row_steps_us)

    books._booking.epoch = epoch  # type: ignore[method-assign]


BROKEN: dict[str, Callable[[Books], None]] = {
    "take a momentary zero as the new baseline": rebases_on_zero,
    "never take a smaller register": _never_rebases,
    "do not tell what is undecided": _tells_no_doubt,
    "take an exchanged meter to have been alive": _exchanges_without_doubt,
}


def broken_player(one: JumpHistory, rule: str) -> JumpPlayer:
    """Plays a history through books that break `rule`, one of BROKEN."""
    return with_fault(JumpPlayer, BROKEN[rule])(one)
