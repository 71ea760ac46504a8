"""The seam under the protocols: a pipe of bytes with absolute deadlines on the ticker's scale."""

from typing import Protocol


class Transport(Protocol):
    """A pipe of bytes, blocking and timed, used from one thread. Every method but `close` raises TransportLostError."""

    @property
    def is_open(self) -> bool: ...

    @property
    def name(self) -> str:
        """Where it leads, for messages: a device path, or host:port."""
        ...

    def open(self) -> None:
        """Open the port or connect; nothing happens if it is open. The message of a failure names the mend."""
        ...

    def close(self) -> None:
        """Release it. Never raises; closing twice is allowed."""
        ...

    def write(self, data: bytes) -> None:
        """Hand all of `data` to the system."""
        ...

    def read(self, max_bytes: int, deadline_us: int) -> bytes:
        """At least one and at most `max_bytes` bytes as soon as any are there; b"" if none came by the deadline.

        A deadline that has passed means: what is there now.
        """
        ...

    def drain(self) -> bytes:
        """Take what has arrived, without waiting, and return it (bounded: a flood must not hold the caller)."""
        ...
