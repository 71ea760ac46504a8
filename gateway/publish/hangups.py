"""What a broker hangs up on: under MQTT 3.1.1 it cannot say how large a packet it takes, and closes the connection.

The message that was the largest in flight when three connections in a row ended is taken for the reason; whatever is as
large is then not sent but refused here, so that all the rest goes on. Slowly tried again. Never loses a message: a
record that is refused stays in the outbox. A connection on which nothing was answered says nothing of any message.
"""

from collections.abc import Iterable

from .limits import LARGEST_PACKET_BYTES
from .window import Outgoing

TIMES = 3
AGAIN_US = 60_000_000
AGAIN_MOST_US = 3_600_000_000


class Hangups:
    """Of one publisher, over all of its connections. Microseconds by the caller's monotonic clock."""

    def __init__(self) -> None:
        self.limit_bytes = LARGEST_PACKET_BYTES
        """What is larger made the broker hang up."""
        self._suspect: tuple[str, int] | None = None
        self._times = 0
        self._again_us, self._pause_us = 0, AGAIN_US
        self._trial: tuple[str, int] | None = None
        """What is larger than the limit and was sent nevertheless."""

    def takes(self, message: Outgoing, now_us: int) -> bool:
        """Whether to send it: it is small enough, or it is time to try once whether the broker takes it by now."""
        if message.packet_bytes <= self.limit_bytes:
            return True
        if self._trial is not None or now_us < self._again_us:
            return False
        self._trial = _name(message)
        return True

    def is_open(self, now_us: int) -> bool:
        """Whether it takes any message now: nothing is held, or a trial is due."""
        return self.limit_bytes == LARGEST_PACKET_BYTES or (self._trial is None and now_us >= self._again_us)

    def opens_us(self, now_us: int) -> int:
        """When the next may be tried."""
        return self._again_us if self._again_us > now_us else now_us + self._pause_us

    def hear_taken(self, message: Outgoing) -> bool:
        """The broker has answered for it. True: it takes all sizes again, as far as is known."""
        is_lifted = message.packet_bytes > self.limit_bytes
        if is_lifted:
            self.limit_bytes, self._pause_us = LARGEST_PACKET_BYTES, AGAIN_US
        if self._trial == _name(message):
            self._trial = None
        if self._suspect == _name(message):
            self._suspect, self._times = None, 0
        return is_lifted

    def hear_end(self, in_flight: Iterable[Outgoing], is_answered: bool, now_us: int) -> Outgoing | None:
        """A connection ended, or was given up for want of an answer. `is_answered`: something was acknowledged on it.

        Returns what is taken for the reason, where that is newly so.
        """
        trial, self._trial = self._trial, None
        largest = max(in_flight, key=lambda one: one.packet_bytes, default=None)
        if trial is not None:
            if is_answered and largest is not None and _name(largest) == trial:
                self._pause_us = min(2 * self._pause_us, AGAIN_MOST_US)
            self._again_us = now_us + self._pause_us
            return None
        if largest is None or not is_answered:
            return None
        if _name(largest) != self._suspect:
            self._suspect, self._times = _name(largest), 0
        self._times += 1
        if self._times < TIMES:
            return None
        self.limit_bytes = largest.packet_bytes - 1
        self._again_us, self._pause_us = now_us + AGAIN_US, AGAIN_US
        return largest


def _name(message: Outgoing) -> tuple[str, int]:
    """Whichever state a topic has; one record."""
    return message.topic, message.outbox_id
