"""Another master on a line, told as an event: at most one in ten minutes, with how many of its requests were heard.

Two masters on one line garble each other now and then, and an answer may be anyone's: who reads the bill must know.
"""

from collections.abc import Callable

from ..clock import Clock

TELL_AGAIN_US = 600_000_000


class Overheard:
    """One line's. `heard` counts the requests of others since the start."""

    def __init__(self, heard: Callable[[], int], clock: Clock) -> None:
        self._heard, self._clock = heard, clock
        self._told = 0
        self._told_us: int | None = None

    def news(self) -> int | None:
        """How many requests were heard since the last time this was told; None: nothing to tell, or not yet again."""
        count = self._heard() - self._told
        now_us = self._clock.real_us()
        if not count or (self._told_us is not None and now_us - self._told_us < TELL_AGAIN_US):
            return None
        self._told += count
        self._told_us = now_us
        return count
