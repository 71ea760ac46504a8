"""`soak jumps`: histories of a register that jumps, by lot, through the books in virtual time, each judged.

No process, no disk, no network. The control is books that break a rule each on purpose, as real systems do.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gateway.books import Books
from gateway.decision import Decision, Doubt
from gateway.energy import Interval
from gateway.ledger.records import Batch, StoredMeter
from gateway.read import Reading

from ..soak.history import RoundResult, Say
from .broken import rebases_on_zero
from .jump_judge import LAWS, judge
from .jump_plan import JumpHistory, jump_history
from .jump_play import JumpPlayer

ROUND_SIZE = 200
CONTROL_HISTORIES = 60


class JumpSoak:
    """Obeys `hil.soak.soaks.Soak`. A fault is a whole history."""

    name = "jumps"
    summary = "histories of zeros, spikes, frozen registers, resets and swaps in virtual time, against the truth"
    control_finding = "truth"
    judges_energy = True
    always_told: tuple[str, ...] = LAWS

    def describe(self, seed: int, number: int) -> str:
        """What happens in it."""
        return str(jump_history(seed, number))

    def run_round(self, seed: int, number: int, last: int, folder: Path, say: Say) -> RoundResult:  # noqa: ARG002
        """The histories from `number` to the end of their round."""
        result = RoundResult()
        for each in range(number, min(last, (number - 1) // ROUND_SIZE * ROUND_SIZE + ROUND_SIZE) + 1):
            one = run_jumps(jump_history(seed, each))
            result.injected += one.injected
            result.felt += one.felt
            result.verdict.add(one.verdict)
            if each % 50 == 0:
                say(f"history {each}: {result.verdict.counts['truths']} truths, {_found(result)}")
        return result

    def run_control(self, seed: int, folder: Path, say: Say) -> RoundResult:  # noqa: ARG002
        """Books that break a rule each; if one of them passes, the control has found nothing."""
        whole, caught = RoundResult(), 0
        for rule in BROKEN:
            found = RoundResult()
            for number in range(1, CONTROL_HISTORIES + 1):
                found.verdict.add(run_jumps(jump_history(seed, number), rule).verdict)
            caught += any(finding.what == "truth" for finding in found.verdict.findings)
            say(f"books that {rule}: {_found(found)}")
            whole.verdict.add(found.verdict)
        return whole if caught == len(BROKEN) else RoundResult()


def run_jumps(one: JumpHistory, broken: str = "") -> RoundResult:
    """Play a history and judge it. Felt is one that left more than its first epoch among the events."""
    player = type("Broken", (_BrokenPlayer,), {"rule": broken}) if broken else JumpPlayer
    played = player(one).play()
    verdict = judge(one, played)
    for finding in verdict.findings:
        verdict.counts[finding.what] += 1
    verdict.findings = [
        type(finding)(finding.what, f"{finding.detail} in history {one}") for finding in verdict.findings
    ]
    return RoundResult(1, int(len(played.events) > 1), verdict)


def _found(result: RoundResult) -> str:
    kinds = Counter(finding.what for finding in result.verdict.findings)
    return ", ".join(f"{count} {what}" for what, count in kinds.items()) or "nothing found"


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
    decide = books._book

    def book(reading: Reading, _doubts: Sequence[Doubt], batch: Batch, estimated: bool = False) -> list[Interval]:
        return decide(reading, (), batch, estimated)

    books._book = book  # type: ignore[method-assign,assignment]


BROKEN: dict[str, Callable[[Books], None]] = {
    "take a momentary zero as the new baseline": rebases_on_zero,
    "never take a smaller register": _never_rebases,
    "do not tell what is undecided": _tells_no_doubt,
}


class _BrokenPlayer(JumpPlayer):
    rule = ""

    def open_books(self, stored: StoredMeter) -> Books:
        books = super().open_books(stored)
        BROKEN[self.rule](books)
        return books
