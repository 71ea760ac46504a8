"""The pulse of a loop: its own word by when it will turn again, whatever meter, disk or broker do meanwhile.

The loop's thread gives its word; the main thread only looks. A loop that has declared that it waits for the disk
counts as turning, for as long as the disk takes: a restart would not mend the disk. Never blocks, never raises.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from .clock import Clock

TURN_WITHIN_S = 15.0
"""A turn without anything to wait for takes milliseconds; a small computer that swaps takes seconds."""
REACH_WITHIN_S = 180.0
"""How long it may take until a host is connected or refused. glibc asks three name servers twice with five seconds
each, for the name and for every search domain (resolv.conf(5)), and each address found is tried for five seconds."""


class Pulse:
    """One loop's. `turn`, `waiting_for_disk` are for its own thread; the rest for whoever looks. Real microseconds.

    Each field is replaced whole, so that no lock is needed.
    """

    def __init__(self, name: str, clock: Clock, within_s: float = TURN_WITHIN_S) -> None:
        """`within_s`: by when a usual turn is over."""
        self.name = name
        self.within_s = within_s
        self._clock = clock
        self._due_us: int | None = None
        self._disk_since_us: int | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the loop has turned at all."""
        return self._due_us is not None

    def turn(self, within_s: float | None = None) -> None:
        """The loop goes round, and will again within its usual time, or within the one given for what is ahead."""
        within_us = int((self.within_s if within_s is None else within_s) * 1e6)
        self._due_us = self._clock.real_us() + within_us

    @contextmanager
    def waiting_for_disk(self) -> Iterator[None]:
        """Around each call that the disk can hold up. Not to be nested."""
        self._disk_since_us = self._clock.real_us()
        try:
            yield
        finally:
            self.turn()  # first: between these two lines the loop must not look late
            self._disk_since_us = None

    def overdue_us(self, now_us: int) -> int:
        """How long ago the loop should have turned; 0 for one that keeps its word or waits for the disk."""
        due_us = self._due_us
        if self._disk_since_us is not None or due_us is None:
            return 0
        return max(0, now_us - due_us)

    def disk_wait_us(self, now_us: int) -> int:
        """How long the loop has been waiting for the disk; 0 where it does not."""
        since_us = self._disk_since_us
        return 0 if since_us is None else now_us - since_us
