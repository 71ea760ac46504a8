"""Runs the soaks of histories: each history of a lot is played through the books in virtual time and judged.

No process, no disk, no network: thousands an hour, each the same on every machine. What a daemon does is `soak kill`'s.
What is drawn, who plays, who judges and which rules the control breaks is the lot's own (`soak`).
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ..soak.history import RoundResult, Say, Verdict
from .record import Played

H = TypeVar("H")


class Plays(Protocol):
    """Who plays one history, once."""

    def play(self) -> Played: ...


class HistorySoak(ABC, Generic[H]):
    """Obeys `hil.soak.soaks.Soak`. A fault is a whole history."""

    name: str
    summary: str
    always_told: tuple[str, ...]
    """The laws of its judge."""
    control_finding = "truth"
    judges_energy = True
    round_size = 200
    say_every = 50
    counted, counted_as = "truths", "truths"
    """Which count a line of progress tells, and how it is called there."""
    control_least, control_most = 1, 800
    """So many histories are played by each broken rule: at least, and before it is said that nothing shows it."""

    @abstractmethod
    def draw(self, seed: int, number: int) -> H:
        """A history of the lot."""

    @abstractmethod
    def player(self, one: H, broken: str) -> Plays:
        """Who plays it; `broken`: the rule that the books break on purpose, empty: none."""

    @abstractmethod
    def judge(self, one: H, played: Played) -> Verdict:
        """The verdict on it."""

    @abstractmethod
    def rules(self) -> Iterable[str]:
        """What the control breaks, one by one."""

    def shown_by(self, rule: str) -> tuple[str, ...]:  # noqa: ARG002
        """The findings of which one shows that a rule is broken."""
        return (self.control_finding,)

    def told_of(self, rule: str, count: int) -> str:
        """Books that break a rule, and how many histories they played, for a line of progress."""
        return f"books that {rule}, {count} histories"

    def describe(self, seed: int, number: int) -> str:
        """What happens in it."""
        return str(self.draw(seed, number))

    def run_round(self, seed: int, number: int, last: int, folder: Path, say: Say) -> RoundResult:  # noqa: ARG002
        """The histories from `number` to the end of their round."""
        result = RoundResult()
        end = (number - 1) // self.round_size * self.round_size + self.round_size
        for each in range(number, min(last, end) + 1):
            one = self.run_one(self.draw(seed, each))
            result.injected += one.injected
            result.felt += one.felt
            result.verdict.add(one.verdict)
            if each % self.say_every == 0:
                say(f"history {each}: {result.verdict.counts[self.counted]} {self.counted_as}, {_found(result)}")
        return result

    def run_control(self, seed: int, folder: Path, say: Say) -> RoundResult:  # noqa: ARG002
        """Books that break a rule each; if one of them passes, the control has found nothing."""
        whole, is_caught = RoundResult(), True
        for rule in self.rules():
            found, number = RoundResult(), 0
            while number < self.control_most and (number < self.control_least or not self._shows(rule, found)):
                number += 1
                found.verdict.add(self.run_one(self.draw(seed, number), rule).verdict)
            is_caught = is_caught and self._shows(rule, found)
            say(f"{self.told_of(rule, number)}: {_found(found)}")
            whole.verdict.add(found.verdict)
        return whole if is_caught else RoundResult()

    def _shows(self, rule: str, found: RoundResult) -> bool:
        return any(finding.what in self.shown_by(rule) for finding in found.verdict.findings)

    def run_one(self, one: H, broken: str = "") -> RoundResult:
        """Play a history and judge it. Felt is one that left more than its first epoch among the events."""
        played = self.player(one, broken).play()
        verdict = self.judge(one, played)
        for finding in verdict.findings:
            verdict.counts[finding.what] += 1
        verdict.findings = [
            type(finding)(finding.what, f"{finding.detail} in history {one}") for finding in verdict.findings
        ]
        return RoundResult(1, int(len(played.events) > 1), verdict)


def _found(result: RoundResult) -> str:
    kinds = Counter(finding.what for finding in result.verdict.findings)
    return ", ".join(f"{count} {what}" for what, count in kinds.items()) or "nothing found"
