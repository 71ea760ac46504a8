"""The judge of a trial: what the link said of each question, against what the device holds and what the line saw.

Shares no code with the driver.
"""

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from ..soak.history import Finding
from .faults import Kind, Setting, Step, words_of

MISATTRIBUTED, TRACEBACK, OVER_DEADLINE = "misattributed", "traceback", "over_deadline"
UNCOUNTED, HONEST_FAILED, EARLY = "uncounted", "honest_answer_refused", "early_request"
NOT_FELT = "not_felt"
JUDGED_FROM, FELT_LEAST_PERCENT = 20, 80


def key(kind: str) -> str:
    """A kind of fault as part of a name in the last line."""
    return kind.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question. Microseconds; `error` is the name of the exception's class."""

    step: Step
    words: tuple[int, ...] | None
    error: str
    is_driver_error: bool
    counted: tuple[str, ...]
    """Which of the link's own counts rose, without the count of requests."""
    transaction_us: int
    """From the request's first byte to the end of the call; 0 where none was sent."""
    transaction_most_us: int
    call_us: int
    call_most_us: int
    felt: bool
    excused: bool
    trouble: bool
    """Something of an earlier fault was still under way as it was asked."""


@dataclass(slots=True)
class TrialVerdict:
    """Sums of one or more trials."""

    faults: int = 0
    felt: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    worst: Counter[str] = field(default_factory=Counter)
    """Largest values, not sums; permille of what is allowed, and microseconds."""

    def find(self, what: str, detail: str) -> None:
        self.findings.append(Finding(what, detail))
        self.counts[what] += 1

    def worse(self, what: str, value: int) -> None:
        self.worst[what] = max(self.worst[what], value)

    def add(self, other: "TrialVerdict") -> None:
        """Take another one's sums in."""
        self.faults += other.faults
        self.felt += other.felt
        self.counts += other.counts
        self.findings += other.findings
        self.worst |= other.worst


def judge_injectors(verdict: TrialVerdict) -> None:
    """Each kind of fault must have been felt nearly every time: an injector that never hits proves nothing.

    Some do not hit by nature: what comes while the device boots, or the connection is down, meets no question.
    """
    for kind in map(key, Kind):
        injected, felt = verdict.counts[f"injected_{kind}"], verdict.counts[f"felt_{kind}"]
        if injected >= JUDGED_FROM and felt * 100 < FELT_LEAST_PERCENT * injected:
            verdict.find(NOT_FELT, f"{kind}: felt {felt} of {injected}")


def judge_trial(
    line: Setting, outcomes: Iterable[Outcome], where: str, did_happen: Set[int] | None = None
) -> TrialVerdict:
    """The verdict on all questions of a trial. `where` names it in findings.

    `did_happen`: on a real line, the faults that the device says it did, in place of what the outcomes say.
    There a busy machine can make an honest answer late, which is counted and no finding.
    """
    verdict = TrialVerdict()
    for outcome in outcomes:
        fault = outcome.step.fault
        if fault is not None:
            felt = outcome.felt if did_happen is None else fault.number in did_happen
            verdict.faults += 1
            verdict.felt += felt
            verdict.counts[f"injected_{key(fault.kind)}"] += 1
            verdict.counts[f"felt_{key(fault.kind)}"] += felt
        _judge_one(line, outcome, where, verdict, strict=did_happen is None)
    return verdict


def _judge_one(line: Setting, outcome: Outcome, where: str, verdict: TrialVerdict, strict: bool) -> None:
    step, fault = outcome.step, outcome.step.fault
    verdict.counts["transactions"] += 1
    verdict.counts.update(f"counted_{cause}" for cause in outcome.counted)
    name = f"{where}, question {step.index}" + (f", fault {fault.number} {fault.kind}" if fault else "")
    _judge_time(outcome, name, verdict)
    if outcome.words is not None:
        verdict.counts["answered"] += 1
        if outcome.words != words_of(line.seed, step.question):
            if outcome.excused:
                verdict.counts["crc_collisions"] += 1
            else:
                verdict.find(MISATTRIBUTED, f"{name}: got {outcome.words[:4]}, which is no answer to it")
        return
    verdict.counts[f"refused_{outcome.error}"] += 1
    if not outcome.is_driver_error:
        verdict.find(TRACEBACK, f"{name}: {outcome.error}")
    elif not outcome.counted:
        verdict.find(UNCOUNTED, f"{name}: {outcome.error}, and no cause was counted")
    if fault is None and not outcome.trouble and not strict:
        verdict.counts["real_honest_late"] += 1
    elif fault is None and not outcome.trouble:
        verdict.find(HONEST_FAILED, f"{name}: {outcome.error}, though nothing was wrong")


def _judge_time(outcome: Outcome, name: str, verdict: TrialVerdict) -> None:
    verdict.worse("worst_transaction_us", outcome.transaction_us)
    verdict.worse("worst_call_us", outcome.call_us)
    pairs = ((outcome.transaction_us, outcome.transaction_most_us), (outcome.call_us, outcome.call_most_us))
    for what, (took_us, most_us) in zip(("transaction", "call"), pairs, strict=True):
        verdict.worse(f"worst_{what}_permille", took_us * 1000 // max(1, most_us))
        if took_us > most_us:
            verdict.find(OVER_DEADLINE, f"{name}: {what} took {took_us} us, allowed {most_us}")
