"""How the next connection to a broker is tried, and when: what the end of each one says of it. No clock, no I/O.

Three things are learned: which MQTT the broker speaks (`dialect`), what it takes and keeps (`limits`), and how long to
stay away (`backoff`). Microseconds by the caller's monotonic clock.
"""

from ..config.types import MqttSection
from .backoff import Backoff
from .dialect import Dialect
from .limits import Limits
from .session import Session


class Attempts:
    """Of one publisher."""

    def __init__(self, section: MqttSection) -> None:
        self.dialect, self.backoff = Dialect(), Backoff()
        self.limits = Limits.of_config(section)
        self.due_us = 0
        """When the next one begins."""

    def hear_end(self, session: Session | None, answered: bool, now_us: int) -> None:
        """A connection, or a try, has ended. `answered`: something took the connection at all."""
        connected_us = None if session is None else session.connected_us
        at_once = self._hear_why(session, connected_us, answered)
        if at_once:  # it is one try in two parts
            self.due_us = now_us
            return
        lived_us = None if connected_us is None else now_us - connected_us
        self.backoff.note_end(lived_us, taken_over=session is not None and session.taken_over)
        self.due_us = now_us + self.backoff.pause_us()

    def _hear_why(self, session: Session | None, connected_us: int | None, answered: bool) -> bool:
        """What the end says of the next connection; True: the broker wants it otherwise, so ask at once."""
        if connected_us is not None:
            self.dialect.hear_end()
        elif session is not None and session.speaks_another:
            was_five = self.dialect.is_five
            self.dialect.hear_unsupported()
            return was_five
        elif session is not None and session.refusal is not None:
            before, self.limits = self.limits, self.limits.refused(session.refusal)
            return self.limits != before
        elif answered:
            self.dialect.hear_silence()
        return False
