"""When to connect again: full jitter over a doubling pause, which only a PUBACK makes short again. No clock, no I/O.

Two clients of one name throw each other out for as long as both come back: a broker of MQTT 5 may say so (0x8E), what
the other left on the broker tells it (`rival`), and connections that die young, again and again, look like it. A PUBACK
makes no haste then, and each time one is thrown out it stays away for longer, so that in the end each has its hour and
not its second. Who was right nobody here knows.
"""

import random

SHORTEST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
YOUNG_US = 5_000_000
TWINS_AFTER = 3
TWIN_PAUSE_S = 15.0
"""At most, after the second time; twice as long after each further one. The first may have been a mistake."""
TWIN_LONGEST_PAUSE_S = 1800.0
TWIN_GONE_US = 3_600_000_000
"""A connection that has stood for so long has no twin any more: the other would have come back by then."""


class Backoff:
    """Of one publisher. Microseconds by the caller's monotonic clock."""

    def __init__(self) -> None:
        self._attempt = self._died_young = self._taken_over = 0
        self._is_counted = False
        """The end of the last connection is among those that were taken over."""

    @property
    def are_twins(self) -> bool:
        """Whether another client uses our name, or seems to."""
        return self._taken_over > 0 or self._died_young >= TWINS_AFTER

    @property
    def thrown_out(self) -> int:
        """How often another client of our name has surely taken our place; 0 where none has."""
        return self._taken_over

    def hear_rival(self) -> None:
        """It was found that another has been connected in our name since we were."""
        if not self._is_counted:
            self._taken_over += 1
            self._is_counted = True

    def hear_puback(self) -> None:
        """The broker's word that it took something."""
        if not self.are_twins:
            self._attempt = 0

    def hear_standing(self, lived_us: int) -> bool:
        """The connection has stood for so long; True where a twin is forgotten for it."""
        if not self.are_twins or lived_us < TWIN_GONE_US:
            return False
        self._attempt = self._died_young = self._taken_over = 0
        return True

    def note_end(self, lived_us: int | None, taken_over: bool = False) -> None:
        """A connection ended, `lived_us` after it was accepted; None: it never was. `taken_over`: the broker's word."""
        self._is_counted = taken_over
        if taken_over:
            self._taken_over += 1
        self._died_young = self._died_young + 1 if lived_us is not None and lived_us < YOUNG_US else 0

    def pause_us(self) -> int:
        """How long to wait before the next try."""
        most_s = min(LONGEST_PAUSE_S, SHORTEST_PAUSE_S * 2 ** min(self._attempt, 30))
        self._attempt += 1
        if self._taken_over > 1:
            most_s = min(TWIN_LONGEST_PAUSE_S, TWIN_PAUSE_S * 2 ** min(self._taken_over - 2, 30))
            return int(random.uniform(most_s / 2, most_s) * 1e6)
        return int(random.uniform(0, most_s) * 1e6)
