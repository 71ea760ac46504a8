"""`soak jumps`: histories of a register that jumps, by lot, through the books in virtual time, each judged.

No process, no disk, no network. The control is books that break a rule each on purpose, as real systems do.
"""

from collections import Counter
from pathlib import Path

from ..soak.history import RoundResult, Say
from .jump_judge import LAWS, judge
from .jump_plan import JumpHistory, jump_history

ROUND_SIZE = 200
CONTROL_MOST = 800
"""Histories that are played by a broken rule before it is said that nothing shows it."""


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
        from .jump_broken import BROKEN

        whole, caught = RoundResult(), 0
        for rule in BROKEN:
            found = RoundResult()
            number = 0
            while number < CONTROL_MOST and not _shows_it(found):
                number += 1
                found.verdict.add(run_jumps(jump_history(seed, number), rule).verdict)
            caught += _shows_it(found)
            say(f"books that {rule}, {number} histories: {_found(found)}")
            whole.verdict.add(found.verdict)
        return whole if caught == len(BROKEN) else RoundResult()


def run_jumps(one: JumpHistory, broken: str = "") -> RoundResult:
    """Play a history and judge it. Felt is one that left more than its first epoch among the events."""
    # Only what plays the books loads them: who judges shares no code with the judged.
    from .jump_broken import broken_player
    from .jump_play import JumpPlayer

    played = (broken_player(one, broken) if broken else JumpPlayer(one)).play()
    verdict = judge(one, played)
    for finding in verdict.findings:
        verdict.counts[finding.what] += 1
    verdict.findings = [
        type(finding)(finding.what, f"{finding.detail} in history {one}") for finding in verdict.findings
    ]
    return RoundResult(1, int(len(played.events) > 1), verdict)


def _shows_it(result: RoundResult) -> bool:
    return any(finding.what == "truth" for finding in result.verdict.findings)


def _found(result: RoundResult) -> str:
    kinds = Counter(finding.what for finding in result.verdict.findings)
    return ", ".join(f"{count} {what}" for what, count in kinds.items()) or "nothing found"
