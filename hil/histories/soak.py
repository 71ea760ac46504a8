"""`soak clock`: histories of meter, clock, tariff and faults, by lot, through the books in virtual time, each judged.

No process, no disk, no network: thousands an hour, each the same on every machine. What a daemon does is `soak kill`'s.
"""

from collections import Counter
from pathlib import Path

from ..soak.history import RoundResult, Say
from .plan import History, history

ROUND_SIZE = 500
CONTROL_HISTORIES = 40
LAWS = ("law", "bucket", "truth", "interval", "interval_truth", "series", "register", "step")


class ClockSoak:
    """Obeys `hil.soak.soaks.Soak`. A fault is a whole history."""

    name = "clock"
    summary = "histories of steps, gaps, restarts and wrong answers in virtual time, in integers against an oracle"
    control_finding = "truth"
    judges_energy = True
    always_told: tuple[str, ...] = LAWS

    def describe(self, seed: int, number: int) -> str:
        """What happens in it."""
        return str(history(seed, number))

    def run_round(self, seed: int, number: int, last: int, folder: Path, say: Say) -> RoundResult:  # noqa: ARG002
        """The histories from `number` to the end of their round."""
        result = RoundResult()
        for each in range(number, min(last, (number - 1) // ROUND_SIZE * ROUND_SIZE + ROUND_SIZE) + 1):
            one = run_history(history(seed, each))
            result.injected += one.injected
            result.felt += one.felt
            result.verdict.add(one.verdict)
            if each % 100 == 0:
                say(f"history {each}: {result.verdict.counts['steps']} steps of the clock, {_found(result)}")
        return result

    def run_control(self, seed: int, folder: Path, say: Say) -> RoundResult:  # noqa: ARG002
        """Books that break a law each on purpose; if one of them passes, the control has found nothing."""
        from .broken import BROKEN

        whole, caught = RoundResult(), 0
        for law in BROKEN:
            found = RoundResult()
            for number in range(1, CONTROL_HISTORIES + 1):
                found.verdict.add(run_history(history(seed, number), law).verdict)
            caught += any(finding.what == law for finding in found.verdict.findings)
            say(f"books that break the law of {law}: {_found(found)}")
            whole.verdict.add(found.verdict)
        return whole if caught == len(BROKEN) else RoundResult()


def run_history(one: History, broken: str = "") -> RoundResult:
    """Play a history and judge it. Felt is one that left more than its first epoch among the events.

    `broken`: the law that its books break on purpose.
    """
    from .broken import broken_player
    from .judge import judge
    from .play import Player

    player = broken_player(broken) if broken else Player
    played = player(one).play()
    verdict = judge(one, played)
    for finding in verdict.findings:
        verdict.counts[finding.what] += 1
    verdict.findings = [
        type(finding)(finding.what, f"{finding.detail} in history {one}") for finding in verdict.findings
    ]
    felt = Counter(event["event"] for event in played.events)
    return RoundResult(1, int(felt.total() > 1), verdict)


def _found(result: RoundResult) -> str:
    kinds = Counter(finding.what for finding in result.verdict.findings)
    return ", ".join(f"{count} {what}" for what, count in kinds.items()) or "nothing found"
