"""The retained messages: the newest of each topic, and which of them the broker of this connection has yet to get.

One that is overtaken before it went out is never sent: a slow broker gets fewer states, and no longer a queue.
One that is put off waits for its next trial, a newer word of its topic, or the next connection; it is never dropped.
"""

from .window import Lane, Outgoing


class Retained:
    """Of one gateway. Bounded by its number of topics."""

    def __init__(self) -> None:
        self._kept: dict[str, Outgoing] = {}
        self._due: dict[str, None] = {}
        self._put_off: dict[str, None] = {}

    def keep(self, topic: str, payload: str, expiry_s: int | None) -> None:
        """The newest word of a topic; an empty one removes what the broker keeps."""
        self._kept[topic] = Outgoing(Lane.LIVE, topic, payload, retain=True, expiry_s=expiry_s)
        self._due[topic] = None
        self._put_off.pop(topic, None)

    def payload_of(self, topic: str) -> str | None:
        """The newest word of a topic."""
        kept = self._kept.get(topic)
        return None if kept is None else kept.payload

    def repeat_all(self, first: str = "") -> None:
        """Everything is due once more: a new connection, or somebody has just begun to listen. `first`: a topic."""
        self._due = dict.fromkeys((*((first,) if first in self._kept else ()), *self._due, *self._kept))
        self._put_off.clear()

    def put_off(self, topic: str) -> None:
        """It cannot go out now."""
        self._put_off[topic] = None

    def repeat_put_off(self) -> None:
        """What was put off is due."""
        self._due |= self._put_off
        self._put_off.clear()

    @property
    def is_due(self) -> bool:
        return bool(self._due)

    @property
    def is_put_off(self) -> bool:
        """Whether anything waits for a trial."""
        return bool(self._put_off)

    def next(self) -> Outgoing:
        """The one that is due longest; it is due no more. To be asked only while `is_due`."""
        topic = next(iter(self._due))
        del self._due[topic]
        return self._kept[topic]
