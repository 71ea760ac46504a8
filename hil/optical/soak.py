"""`soak optical`: sessions on an optical port whose messages are spoilt; one in twenty on a real pty.

Sessions are numbered from 1; ten make a trial, which is one meter in one mode with one kind of fault.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from ..soak.history import RoundResult, Say

if TYPE_CHECKING:  # the driver is loaded by the round that needs it
    from ..soak.history import Verdict

ROUND_SIZE = 2_000
SESSIONS_A_TRIAL = 10
REAL_EVERY = 20
REAL_AT_ONCE = 6
CONTROL_TRIALS = 5


class OpticalSoak:
    """Obeys `hil.soak.soaks.Soak`."""

    name = "optical"
    summary = "spoilt messages on an optical port, wrong rates and echoes, in virtual time and on real ptys"
    control_finding = "believed_wrong"
    judges_energy = False
    always_told: tuple[str, ...] = ("sessions", "believed", "real_sessions", "believed_wrong", "traceback", "wrote")

    def describe(self, seed: int, number: int) -> str:
        """Where, and in which trial."""
        from .trial import setting

        trial = (number - 1) // SESSIONS_A_TRIAL
        return f"{number} {'real' if _is_real(trial) else 'virtual'} {setting(seed, trial)}"

    def run_round(self, seed: int, number: int, last: int, folder: Path, say: Say) -> RoundResult:
        """The trials of the sessions from `number` to the end of their round."""
        from .real import run_real
        from .trial import run_virtual

        until = min(last, (number - 1) // ROUND_SIZE * ROUND_SIZE + ROUND_SIZE)
        trials = range((number - 1) // SESSIONS_A_TRIAL, (until - 1) // SESSIONS_A_TRIAL + 1)
        result = RoundResult(until - number + 1)
        for trial in (one for one in trials if not _is_real(one)):
            _add(result, run_virtual(seed, trial))
        say(f"virtual, up to session {until}: {_told(result)}")
        with ThreadPoolExecutor(REAL_AT_ONCE) as pool:
            real = [one for one in trials if _is_real(one)]
            for verdict in pool.map(lambda trial: run_real(seed, trial, folder), real):
                _add(result, verdict)
        say(f"real ptys, up to session {until}: {_told(result)}")
        return result

    def run_control(self, seed: int, folder: Path, say: Say) -> RoundResult:
        """A reader that looks at no check; if it is never wrong, the faults are none."""
        from .trial import run_unguarded

        del folder
        result = RoundResult()
        for trial in range(CONTROL_TRIALS):
            _add(result, run_unguarded(seed, trial))
        say(f"a reader that believes what it hears: {len(result.verdict.findings)} wrong of {_told(result)}")
        return result


def _is_real(trial: int) -> bool:
    return trial % REAL_EVERY == REAL_EVERY - 1


def _add(result: RoundResult, verdict: "Verdict") -> None:
    result.verdict.add(verdict)
    result.felt += verdict.counts["felt"]


def _told(result: RoundResult) -> str:
    counts = result.verdict.counts
    return f"{counts['sessions']} sessions, {counts['believed']} believed, {counts['real_sessions']} on real ptys"
