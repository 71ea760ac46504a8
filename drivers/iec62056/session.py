"""What the parts of one session share: its plan, how characters are sent and waited for, the greeting, giving up."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from .actions import Action, Failed, Listen, Pause, Reason, Send, SetBaud
from .parity import ParityMode, first_odd, with_parity, without_parity
from .plan import FALL_BACK_US, REACTION_MAX_US, Line, Plan
from .readout import BAUD_OF_DIGIT, Identification
from .signs import IDENTIFICATION, LF

START_BD = 300
MAX_GREETING_BYTES = 1024
"""Of noise and echo before an identification."""

T = TypeVar("T")
Flow = Generator[Action, bytes, T]
"""A part of a session: yields actions; a Listen is answered with what came, b"" for silence."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """An identification, and what came behind it in the same breath."""

    identification: Identification
    behind: bytes


class GiveUpError(Exception):
    """This attempt is lost; the next may do. Ends the session if none is left."""

    def __init__(self, reason: Reason, detail: str, rest_us: int = FALL_BACK_US) -> None:
        super().__init__(detail)
        self.failed = Failed(reason, detail, rest_us)


class RefusedByMeterError(GiveUpError):
    """The meter has said no: another attempt would hear the same."""


class Session:
    """One session's plan and habits, and how often something had to be said again."""

    def __init__(self, plan: Plan, line: Line) -> None:
        self.plan = plan
        self.line = line
        self.repeats = 0

    def greet(self) -> Flow[Greeting]:
        """Ask, and wait for the line by which a meter names itself; noise and our own echo are passed over."""
        yield self.sending(f"/?{self.plan.address}!\r\n".encode("ascii"))
        count, line = 0, bytearray()
        while True:
            received = yield self.listening()
            if not received:
                detail = f"{count} bytes, no identification" if count else "nothing heard"
                raise GiveUpError(Reason.NO_IDENTIFICATION, detail, rest_us=0)
            for place, byte in enumerate(received):
                count += 1
                if byte & 0x7F != LF:
                    line.append(byte)
                    continue
                identification = self._maybe_identification(line)
                if identification is not None:
                    return Greeting(identification, received[place + 1 :])
                line.clear()
            if count > MAX_GREETING_BYTES:
                raise GiveUpError(Reason.NO_IDENTIFICATION, f"{count} bytes, no identification")

    def _maybe_identification(self, line: bytearray) -> Identification | None:
        """A line's identification; None where there is none or its parity is not right."""
        plain = without_parity(line)
        named = IDENTIFICATION.search(plain)
        if named is None:
            return None
        came = line[named.start() :]
        is_damaged = self.line.parity is ParityMode.SOFTWARE and not came.isascii() and first_odd(came) is not None
        return None if is_damaged else Identification(named[0].rstrip(b"\r").decode("ascii"))

    def select(self, greeting: Greeting, baud_bd: int, protocol: str, action: str) -> Flow[bytes]:
        """Acknowledge the identification, `ACK V Z Y`, and go over to the rate. What has come before belongs to it.

        (6.3.14)
        """
        reaction_us = greeting.identification.reaction_us
        yield Pause(reaction_us)
        yield self.sending(b"\x06" + f"{protocol}{digit_of(baud_bd)}{action}\r\n".encode("ascii"))
        if baud_bd == START_BD:
            return greeting.behind
        yield Pause(self.line.settle_for_us(reaction_us))
        yield SetBaud(baud_bd)
        return b""

    def sending(self, characters: bytes) -> Send:
        """Our characters, with parity where the port makes none."""
        return Send(characters if self.line.parity is ParityMode.HARDWARE else with_parity(characters))

    def listening(self) -> Listen:
        """For as long as a meter may be silent."""
        return Listen(REACTION_MAX_US + self.line.margin_us)

    def plain(self, received: bytes) -> bytes:
        """What came, without a parity bit that shall not be looked at."""
        return without_parity(received) if self.line.parity is ParityMode.IGNORED else received


def digit_of(baud_bd: int) -> str:
    """Z of a rate."""
    return next(digit for digit, rate_bd in BAUD_OF_DIGIT.items() if rate_bd == baud_bd)
