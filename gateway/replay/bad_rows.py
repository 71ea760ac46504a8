"""Rows of a table that are no readings: all of them counted, the first of them told one by one.

Bounded: a table may have millions of them, and whoever mends it looks at the first few.
"""

from collections import Counter
from dataclasses import dataclass, field

from .fields import BadReason, FieldError

LISTED_MOST = 1000


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not handed on, and why."""

    line: int
    reason: BadReason
    message: str


@dataclass(slots=True)
class BadRows:
    """All bad rows of a table by reason, and its first LISTED_MOST with their lines."""

    counts: Counter[BadReason] = field(default_factory=Counter)
    listed: list[BadRow] = field(default_factory=list)
    """In order of their lines."""

    def __len__(self) -> int:
        return self.counts.total()

    def add(self, line: int, error: FieldError) -> None:
        """Count a row that comes after all those before it."""
        self.counts[error.reason] += 1
        if len(self.listed) < LISTED_MOST:
            self.listed.append(BadRow(line, error.reason, error.message))

    def join(self, other: "BadRows") -> None:
        """Take in those that were found in another pass over the same table."""
        self.counts.update(other.counts)
        self.listed = sorted([*self.listed, *other.listed], key=lambda row: row.line)[:LISTED_MOST]
