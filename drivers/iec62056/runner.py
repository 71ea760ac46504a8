"""Does what a dialogue wants, on an open port, in the caller's thread: sends, waits, switches the rate, listens.

Adds no repetition and no judgement of its own, only an end: a session that outlasts `longest_us` is given up. What was
sent and heard is remembered with its time as long as the session lasts, and never logged: it may hold a password.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import NoAnswerError, TransportLostError
from ..recording import HEARD, SENT, Tape
from ..timing import Ticker
from ..transport.base import Transport
from .actions import Action, Done, Failed, Listen, Pause, Send, SetBaud, SetLine
from .parity import without_parity

BITS_PER_CHARACTER = 10
READ_BYTES = 4096
REQUEST, ACKNOWLEDGE = b"/", b"\x06"


class Dialogue(Protocol):
    """A conversation without a wire (`actions`)."""

    def start(self) -> Sequence[Action]: ...

    def receive(self, received: bytes) -> Sequence[Action]: ...

    def silence(self) -> Sequence[Action]: ...


class Port(Transport, Protocol):
    """A transport whose rate can be changed while it is open."""

    def set_baud(self, baud_bd: int) -> None:
        """The rate of both ways from now on, and of the next opening. Raises TransportLostError."""
        ...


@dataclass(slots=True)
class Heard:
    """What was heard since the last request, and when; all microseconds on the ticker's scale."""

    requested_us: int = 0
    """When the last request, the first word of a session, was handed over."""
    commanded_us: list[int] = field(default_factory=list)
    """When each read command was, since then."""
    text: bytearray = field(default_factory=bytearray)
    arrived: list[tuple[int, int]] = field(default_factory=list)
    """(length of `text` then, when)."""

    def sent(self, payload: bytes, now_us: int) -> None:
        """A message went out. A request begins anew: nothing older can be part of its answer."""
        bare = without_parity(payload)
        if bare.lstrip(b"\0").startswith(REQUEST) or not self.requested_us:
            self.requested_us = now_us
            self.commanded_us.clear()
            self.text.clear()
            self.arrived.clear()
        elif bare.startswith(b"\x01R"):
            self.commanded_us.append(now_us)

    def came(self, data: bytes, now_us: int) -> None:
        """Bytes came."""
        self.text += without_parity(data)
        self.arrived.append((len(self.text), now_us))

    def arrived_us(self, text: str) -> int:
        """By when the last occurrence of `text` was there; the last byte's time where it is not found."""
        at = self.text.rfind(text.encode("ascii", "replace"))
        end = at + len(text) if at >= 0 else len(self.text)
        return next((when_us for length, when_us in self.arrived if length >= end), self._last_us)

    @property
    def _last_us(self) -> int:
        return self.arrived[-1][1] if self.arrived else self.requested_us


class Runner:
    """One port, and how long a session on it may last."""

    def __init__(self, port: Port, ticker: Ticker, *, longest_us: int) -> None:
        self.port = port
        self.tape: Tape | None = None
        self._ticker, self._longest_us = ticker, longest_us
        self._baud_bd = 0
        self._is_secret = False

    def run(self, dialogue: Dialogue, baud_bd: int, *, is_secret: bool = False) -> tuple[Done | Failed, Heard]:
        """The session's end. Raises NoAnswerError when it takes too long, TransportLostError.

        `is_secret`: a password is in it, so nothing of it is taken down, its echo included.
        """
        self._is_secret = is_secret
        try:
            return self._run(dialogue, baud_bd)
        except TransportLostError:
            self.close()  # an adapter that is plugged in again is another file: the next session opens it
            raise

    def _run(self, dialogue: Dialogue, baud_bd: int) -> tuple[Done | Failed, Heard]:
        self.port.open()
        self._set_baud(baud_bd)
        self.port.drain()
        heard, end_us = Heard(), self._ticker.monotonic_us() + self._longest_us
        actions = dialogue.start()
        while True:
            for action in actions:
                if isinstance(action, Done | Failed):
                    return action, heard
                if isinstance(action, Listen):
                    actions = self._listen(dialogue, action.silence_us, heard)
                    break
                self._do(action, heard)
            else:
                raise RuntimeError("a dialogue must end with Listen, Done or Failed")
            if self._ticker.monotonic_us() > end_us:
                raise NoAnswerError(f"{self.port.name}: the session has lasted {self._longest_us // 1_000_000} s")

    def _do(self, action: Action, heard: Heard) -> None:
        if isinstance(action, Send):
            now_us = self._ticker.monotonic_us()
            heard.sent(action.payload, now_us)
            self.note(SENT, action.payload)
            self.port.write(action.payload)
            wire_us = len(action.payload) * BITS_PER_CHARACTER * 1_000_000 // self._baud_bd
            self._sleep_until(now_us + wire_us)
        elif isinstance(action, SetBaud):
            self.port.drain()
            self._set_baud(action.baud_bd)
        elif isinstance(action, Pause):
            self._ticker.sleep_us(action.duration_us)
        elif isinstance(action, SetLine):
            raise RuntimeError("no session of this meter goes over to HDLC")

    def _listen(self, dialogue: Dialogue, silence_us: int, heard: Heard) -> Sequence[Action]:
        data = self.port.read(READ_BYTES, self._ticker.monotonic_us() + silence_us)
        if not data:
            return dialogue.silence()
        heard.came(data, self._ticker.monotonic_us())
        self.note(HEARD, data)
        return dialogue.receive(data)

    def _set_baud(self, baud_bd: int) -> None:
        if baud_bd != self._baud_bd or not self.port.is_open:
            self.port.set_baud(baud_bd)
            self._baud_bd = baud_bd

    def _sleep_until(self, at_us: int) -> None:
        self._ticker.sleep_us(at_us - self._ticker.monotonic_us())

    def note(self, direction: str, data: bytes) -> None:
        """Take down what went by, if that is wanted and no secret."""
        if self.tape is not None and not self._is_secret:
            self.tape.note(self._ticker.monotonic_us(), direction, data)

    def close(self) -> None:
        """Release the port."""
        self.port.close()
        self._baud_bd = 0
