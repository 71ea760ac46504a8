"""A question on a simulated line: what comes back, when, and what an injector of faults has at hand.

Pure. Times are microseconds after the question's last byte has left the wire; the answer of a healthy device begins
within 0.6 of the timeout. Shares no code with the driver.
"""

import random
from dataclasses import dataclass, field

from .faults import Fault, Setting, words_of
from .frames import Request, framed, registers_pdu


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes in a row. `character_us` apart; all of them belong to the fault, or to the plain answer."""

    at_us: int
    data: bytes
    character_us: int

    @property
    def end_us(self) -> int:
        return self.at_us + len(self.data) * self.character_us


@dataclass(slots=True)
class Happening:
    """What comes of one question."""

    stretches: list[Stretch] = field(default_factory=list)
    lost_at_us: int | None = None
    """When port or connection goes."""
    refused_openings: int = 0
    deaf_until_us: int = 0
    """The device hears nothing until then."""
    excused: bool = False
    """A damaged answer whose CRC holds: nobody can know."""
    gateway_keeps_us: int | None = None
    """A gateway gets the answer this late, and hands it to whoever asks it at that moment."""

    @property
    def over_us(self) -> int:
        """When nothing of it is under way any more."""
        ends = [stretch.end_us for stretch in self.stretches]
        return max([self.deaf_until_us, self.lost_at_us or 0, self.gateway_keeps_us or 0, *ends])


def answer(line: Setting, question: Request) -> bytes:
    """The plain answer."""
    return framed(question, registers_pdu(question.function, words_of(line.seed, question)))


def turnaround_us(line: Setting, question: Request) -> int:
    """How long the healthy device thinks."""
    return line.silence_us + (line.seed ^ question.address * 2654435761) % (line.timeout_us * 6 // 10)


class Scene:
    """What an injector has at hand."""

    def __init__(self, line: Setting, question: Request, fault: Fault) -> None:
        self.line, self.question, self.fault = line, question, fault
        self.good = answer(line, question)
        self.turnaround_us = turnaround_us(line, question)
        self.deadline_us = line.timeout_us + len(self.good) * line.character_us
        self.chance = random.Random(fault.b)

    def at(self, at_us: int, data: bytes) -> Stretch:
        return Stretch(at_us, data, self.line.character_us)

    def comes(self, *frames: bytes) -> Happening:
        """These bytes in a row, when the answer is due."""
        return Happening([self.at(self.turnaround_us, b"".join(frames))])

    def alone_or_with(self, wrong: bytes) -> Happening:
        """The wrong bytes alone, or the right answer right behind them."""
        return self.comes(wrong, self.good if self.fault.a & 1 else b"")

    def late_us(self) -> int:
        """After the timeout, no later than the device's worst."""
        return self.deadline_us + self.fault.a % max(1, self.line.worst_us)

    def other(self, unit: int, function: int, count: int) -> bytes:
        """A sound answer to a question that nobody asked here."""
        foreign = Request(unit, function, self.fault.b & 0xFFFF, count, self.question.transaction)
        return framed(foreign, registers_pdu(function, words_of(~self.line.seed & (1 << 64) - 1, foreign)))

    @property
    def other_unit(self) -> int:
        return (self.question.unit + self.fault.a % 240) % 247 + 1

    @property
    def other_count(self) -> int:
        return self.question.count % 100 + 1 + self.fault.a % 20
