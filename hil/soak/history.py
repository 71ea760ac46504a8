"""What a round leaves behind for the judge, and what the judge says. Types only.

All energy is integer milliwatt-hours, all times UTC microseconds of the house.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Content = dict[str, Any]
SITE = "site: "
"""Begins the name of a count of one place: the last line tells how many places there were."""
Say = Callable[[str], None]
"""Takes a line of progress."""


@dataclass(frozen=True, slots=True)
class Digits:
    """How far a meter's register may stand from its true count: it cuts digits off, and a float32 may round up."""

    below_milliwh: int
    above_milliwh: int


@dataclass(frozen=True, slots=True)
class Received:
    """One message of a meter as the reader got it; `kind` is the topic's last word."""

    meter: str
    kind: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must not be. `what` is a short name of the law that was broken."""

    what: str
    detail: str

    def __str__(self) -> str:
        return f"{self.what}: {self.detail}"


@dataclass(slots=True)
class Verdict:
    """The judge's word on a history."""

    lost_milliwh: int = 0
    doubled_milliwh: int = 0
    misplaced_milliwh: int = 0
    uncertain_told: int = 0
    """Sum of what the interval records tell, milliwatt-hours."""
    counts: Counter[str] = field(default_factory=Counter)
    worst: Counter[str] = field(default_factory=Counter)
    """Largest values, where `counts` has sums."""
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: "Verdict") -> None:
        """Take another verdict's numbers and findings in."""
        self.lost_milliwh += other.lost_milliwh
        self.doubled_milliwh += other.doubled_milliwh
        self.misplaced_milliwh += other.misplaced_milliwh
        self.uncertain_told += other.uncertain_told
        self.counts += other.counts
        self.worst |= other.worst
        self.findings += other.findings

    def find(self, what: str, detail: str) -> None:
        """Note something that must not be."""
        self.findings.append(Finding(what, detail))


@dataclass(slots=True)
class RoundResult:
    """A round's faults and the verdict on it."""

    injected: int = 0
    felt: int = 0
    verdict: Verdict = field(default_factory=Verdict)
