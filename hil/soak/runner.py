"""Runs a soak: the control first, then round after round, with a checkpoint after each; one JSON line at the end.

Passes only if nothing was found, nothing lost, doubled or misplaced, nearly every fault was felt, and the control
failed. Progress goes to standard error, the line to standard output.
"""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

from ..folder import make_folder
from ..process import ChildError
from . import checkpoint
from .checkpoint import FINDINGS_KEPT, Progress, Task
from .history import SITE, RoundResult, Say
from .soaks import SOAKS

EXIT_PASS, EXIT_FAIL = 0, 1
FELT_LEAST = 0.9
FAILED_AS_IT_MUST, PASSED = "failed", "passed"
_PACKAGE = Path(__file__).resolve().parents[1]


def run_soak(task: Task, resume: Path | None, keep_going: bool = False) -> int:
    """Run it to the end, or to Ctrl-C; the exit code. Raises CheckpointError before anything is started.

    `keep_going`: a round in which something was found does not end it; it fails at the end.
    """
    progress = Progress(task) if resume is None else checkpoint.load(resume, task)
    if resume is not None:
        try:
            checkpoint.save(resume, progress)
        except OSError as error:
            raise checkpoint.CheckpointError(f"{resume}: {error.strerror}") from error
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        _Run(progress, resume, keep_going).to_the_end()
    except KeyboardInterrupt:
        _say(f"interrupted; {progress.injected} faults are judged")
        _say("what is judged is lost without --resume" if resume is None else f"go on with --resume {resume}")
        return EXIT_FAIL
    print(json.dumps(conclusion(progress)), flush=True)
    return EXIT_PASS if passes(progress) else EXIT_FAIL


def passes(progress: Progress) -> bool:
    """The whole verdict."""
    off_milliwh = progress.lost_milliwh + progress.doubled_milliwh + progress.misplaced_milliwh
    return (
        progress.finding_count == 0
        and off_milliwh == 0
        and progress.injected > 0
        and progress.task.n in (None, progress.injected)
        and progress.felt >= FELT_LEAST * progress.injected
        and progress.control == FAILED_AS_IT_MUST
    )


def conclusion(progress: Progress) -> dict[str, object]:
    """The last line: flat but for the first findings, which name what is wrong."""
    task = progress.task
    return {
        "soak": task.soak,
        "seed": task.seed,
        "commit": task.commit,
        "pass": passes(progress),
        "injected": progress.injected,
        "felt": progress.felt,
        "felt_ratio": round(progress.felt / progress.injected, 4) if progress.injected else 0.0,
        **_energy(progress),
        "control": progress.control,
        "control_finding": next(iter(progress.control_findings), None),
        **dict.fromkeys(SOAKS[task.soak].always_told, 0),
        **_counts(progress),
        **dict(sorted(progress.worst.items())),
        "finding_count": progress.finding_count,
        "findings": progress.findings,
        "wall_s": round(progress.wall_s, 1),
    }


def _counts(progress: Progress) -> dict[str, int]:
    """The counts, those of single places as how many places there were."""
    found = {key: count for key, count in progress.counts.items() if not key.startswith(SITE)}
    sites = len(progress.counts) - len(found)
    return dict(sorted({**found, **({"distinct_kill_sites": sites} if sites else {})}.items()))


def _energy(progress: Progress) -> dict[str, int | None]:
    """What became of energy; None where the soak does not judge it: 0 would say that it did."""
    figures: dict[str, int | None] = {
        "lost_milliwh": progress.lost_milliwh,
        "doubled_milliwh": progress.doubled_milliwh,
        "misplaced_milliwh": progress.misplaced_milliwh,
        "uncertain_told": progress.uncertain_told,
    }
    return figures if SOAKS[progress.task.soak].judges_energy else dict.fromkeys(figures)


def source_commit() -> str:
    """The commit of the checkout that this runs from, `-dirty` with changes; "unknown" elsewhere."""
    command = ["git", "-C", str(_PACKAGE.parent), "rev-parse", "--show-toplevel"]
    describe = ["git", "-C", str(_PACKAGE.parent), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        top = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        if Path(top).resolve() != _PACKAGE.parent:
            return "unknown"  # an installed package inside somebody else's repository
        return subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


class _Run:
    """One soak under way."""

    def __init__(self, progress: Progress, resume: Path | None, keep_going: bool) -> None:
        self._progress, self._resume, self._keep_going = progress, resume, keep_going
        self._soak = SOAKS[progress.task.soak]
        self._counted_s = time.monotonic()

    def to_the_end(self) -> None:
        """The control and all rounds that are still to do."""
        progress, task = self._progress, self._progress.task
        last = task.n if task.n is not None else sys.maxsize
        _say(f"soak {task.soak}, seed {task.seed}, commit {task.commit}, from fault {progress.injected + 1}")
        if progress.control not in (FAILED_AS_IT_MUST, PASSED):
            self._run_control()
        while progress.injected < last and not self._time_is_over():
            if progress.finding_count and not self._keep_going:
                break
            run = partial(self._soak.run_round, task.seed, progress.injected + 1, last)
            result = self._in_folder(run, _say)
            self._take(result)
            if not result.injected:
                break  # the house itself broke, and would again

    def _time_is_over(self) -> bool:
        hours = self._progress.task.hours
        return hours is not None and self._progress.wall_s >= hours * 3600

    def _run_control(self) -> None:
        """The judge must refuse a daemon that breaks the law on purpose, for that reason and no other."""
        progress, soak = self._progress, self._soak
        _say("the control: a daemon that breaks the law on purpose")
        run = partial(soak.run_control, progress.task.seed)
        result = self._in_folder(run, lambda line: _say(f"control: {line}"), keep=False)
        found = [str(one) for one in result.verdict.findings if one.what == soak.control_finding]
        progress.control = FAILED_AS_IT_MUST if found else PASSED
        progress.control_findings = found[:FINDINGS_KEPT]
        self._save()
        _say(f"the control {progress.control}{', as it must: ' + found[0] if found else ': the judge saw nothing'}")

    def _in_folder(self, run: Callable[[Path, Say], RoundResult], say: Say, keep: bool = True) -> RoundResult:
        """Run in a folder of its own, which stays if something was found."""
        folder = make_folder("soak")
        kept = False
        try:
            result = run(folder, say)
            kept = keep and bool(result.verdict.findings)
        except (ChildError, OSError, ValueError) as error:
            result, kept = RoundResult(), True
            result.verdict.find("house", str(error))
        finally:
            if not kept:
                shutil.rmtree(folder, ignore_errors=True)
        if kept:
            _say(f"kept: {folder}")
        return result

    def _take(self, result: RoundResult) -> None:
        """Add a finished round to the sums."""
        progress, verdict = self._progress, result.verdict
        progress.injected += result.injected
        progress.felt += result.felt
        progress.lost_milliwh += verdict.lost_milliwh
        progress.doubled_milliwh += verdict.doubled_milliwh
        progress.misplaced_milliwh += verdict.misplaced_milliwh
        progress.uncertain_told += verdict.uncertain_told
        progress.counts = dict(Counter(progress.counts) + verdict.counts)
        progress.worst = dict(Counter(progress.worst) | verdict.worst)
        progress.finding_count += len(verdict.findings)
        progress.findings = [*progress.findings, *map(str, verdict.findings)][:FINDINGS_KEPT]
        for finding in verdict.findings[:FINDINGS_KEPT]:
            _say(f"FOUND {finding}")
        self._save()
        off = (
            f"lost {progress.lost_milliwh}, doubled {progress.doubled_milliwh}, misplaced {progress.misplaced_milliwh}"
        )
        energy = f" {off} mWh," if self._soak.judges_energy else ""
        _say(f"judged {progress.injected} faults, felt {progress.felt}:{energy} {progress.wall_s:.0f} s")

    def _save(self) -> None:
        now_s = time.monotonic()
        self._progress.wall_s += now_s - self._counted_s
        self._counted_s = now_s
        if self._resume is not None:
            checkpoint.save(self._resume, self._progress)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """The first Ctrl-C ends the round; a second must not keep it from ending its children."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
