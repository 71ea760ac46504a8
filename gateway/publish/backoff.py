"""When to connect again: full jitter over a doubling pause, which only a PUBACK makes short again. No clock, no I/O.

Connections that die young, again and again, have one usual cause, two clients of one name: those that a PUBACK would
make prompt again throw each other out as fast as they can, so it counts no more then.
"""

import random

SHORTEST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
YOUNG_US = 5_000_000
TWINS_AFTER = 3


class Backoff:
    """Of one publisher. Microseconds by the caller's monotonic clock."""

    def __init__(self) -> None:
        self._attempt = self._died_young = 0

    @property
    def are_twins(self) -> bool:
        """Whether another client seems to use our name."""
        return self._died_young >= TWINS_AFTER

    def hear_puback(self) -> None:
        """The broker's word that it took something."""
        if not self.are_twins:
            self._attempt = 0

    def note_end(self, lived_us: int | None) -> None:
        """A connection ended, `lived_us` after it was accepted; None: it never was."""
        self._died_young = self._died_young + 1 if lived_us is not None and lived_us < YOUNG_US else 0

    def pause_us(self) -> int:
        """How long to wait before the next try."""
        most_s = min(LONGEST_PAUSE_S, SHORTEST_PAUSE_S * 2 ** min(self._attempt, 30))
        self._attempt += 1
        return int(random.uniform(0, most_s) * 1e6)
