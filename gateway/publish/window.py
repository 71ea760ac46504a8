"""What is on the wire unacknowledged: one entry for each packet identifier, forgotten whole with its connection.

Knows nothing of paho or sockets. A message that is in here is still in the outbox, or is retained and kept elsewhere.
"""

from dataclasses import dataclass
from enum import Enum


class Lane(Enum):
    """Why a message goes out, and so how it gives way to others."""

    LIVE = "live"
    """Retained: status, state, health, head, discovery."""
    ROW = "row"
    """A record out of the outbox."""
    PAST = "past"
    """An answer to a backfill request."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as it shall go out. `outbox_id` 0: not out of the outbox."""

    lane: Lane
    topic: str
    payload: str
    retain: bool = False
    expiry_s: int | None = None
    outbox_id: int = 0

    @property
    def packet_bytes(self) -> int:
        """How large it is on the wire, at most: header, lengths, identifier, expiry, text as UTF-8. (MQTT 5, 3.3)"""
        return 5 + 2 + len(self.topic.encode()) + 2 + 6 + len(self.payload.encode())


class Window:
    """The messages in flight of one connection. `limit`: how many the broker takes at once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._entries: dict[int, tuple[Outgoing, int]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def has_room(self) -> bool:
        return len(self._entries) < self.limit

    def count(self, lane: Lane) -> int:
        """How many of a lane are in flight."""
        return sum(message.lane is lane for message, _ in self._entries.values())

    def outbox_ids(self) -> set[int]:
        """The rows in flight."""
        return {message.outbox_id for message, _ in self._entries.values() if message.outbox_id}

    def add(self, mid: int, message: Outgoing, sent_us: int) -> None:
        """A message went out under a packet identifier."""
        self._entries[mid] = message, sent_us

    def take(self, mid: int) -> Outgoing | None:
        """What the broker has answered for; None for an identifier that is not ours."""
        entry = self._entries.pop(mid, None)
        return None if entry is None else entry[0]

    def messages(self) -> list[Outgoing]:
        """All of them, in the order in which they went out."""
        return [message for message, _ in self._entries.values()]

    def oldest_us(self) -> int | None:
        """When the message went out that waits longest; None where none waits."""
        return min((sent_us for _, sent_us in self._entries.values()), default=None)

    def forget(self) -> None:
        """The connection is gone, and with it what its identifiers meant."""
        self._entries.clear()
