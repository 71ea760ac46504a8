"""What a conversation with a device wants from its wire, step by step: the words between protocol and I/O.

A protocol here is a generator: it yields a step, is sent what came of it, and returns its result or raises
DriverError. It never opens, sleeps, reads or calls back; who runs it does (`blocking`, `transport.loop`). Every step is
answered with bytes, which are empty for all but Read; a wire that is gone is thrown in as TransportLostError. A
generator that is closed in mid-conversation was given up: the protocol knows then that an answer may be under way.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Open:
    """Open the port or connect; nothing if it is open."""


@dataclass(frozen=True, slots=True)
class Close:
    """Release the port or the connection; nothing if it is closed. Never fails."""


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Go on at `at_us` of the ticker's scale, not earlier; at once if it is over."""

    at_us: int


@dataclass(frozen=True, slots=True)
class Write:
    """Hand all of `payload` to the wire."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """At least one and at most `max_bytes` bytes as soon as any are there; none if none came by `deadline_us`.

    A deadline that has passed means: what is there now.
    """

    max_bytes: int
    deadline_us: int


Step = Open | Close | WaitUntil | Write | Read
Steps = Generator[Step, bytes, T]
"""A conversation that ends with a T."""
