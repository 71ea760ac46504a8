"""What can go wrong on an optical head, put in by count: every so many messages, never by chance.

Each fault that was put in is told on standard output, so that a test sees that it happened.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

FAULTS = {
    "lost-bcc": "the check character is not sent",
    "bad-parity": "a character has the wrong parity",
    "flip": "two bits of one character are flipped: the parity holds, the check character does not",
    "cut": "the message breaks off in the middle",
    "wrong-baud": "the meter goes on at another rate than it said",
    "silent": "a request is not answered",
}
LONG = 24
"""Shorter messages (an identification, ACK) are left alone by faults of data."""


@dataclass(slots=True)
class Faults:
    """`every`: fault -> after how many chances it comes; each fault counts its own."""

    every: Mapping[str, int] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda _line: None
    chances: dict[str, int] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)

    def due(self, fault: str) -> bool:
        """Whether this chance is one for `fault`."""
        every = self.every.get(fault, 0)
        if not every:
            return False
        self.chances[fault] = self.chances.get(fault, 0) + 1
        if self.chances[fault] % every:
            return False
        self.done[fault] = self.done.get(fault, 0) + 1
        self.tell(f"fault {fault} {self.done[fault]}")
        return True

    def spoilt(self, characters: bytes) -> bytes:
        """A message as it goes out."""
        if len(characters) < LONG:
            return characters
        middle = len(characters) // 2
        place = (31 * (sum(self.done.values()) + 1)) % len(characters)  # another each time
        if self.due("lost-bcc"):
            characters = characters[:-1]
        if self.due("bad-parity"):
            characters = _flipped(characters, place, 0x80)
        if self.due("flip"):
            characters = _flipped(characters, place % len(characters), 0x03)
        if self.due("cut"):
            characters = characters[:middle]
        return characters


def _flipped(characters: bytes, place: int, bits: int) -> bytes:
    return characters[:place] + bytes([characters[place] ^ bits]) + characters[place + 1 :]


def parse_fault(text: str) -> tuple[str, int]:
    """NAME=EVERY, as the command line has it. Raises ValueError that names what there is."""
    name, _, every = text.partition("=")
    if name not in FAULTS or not every.isdecimal() or not int(every):
        raise ValueError(f"{text!r} is not NAME=EVERY; names: {', '.join(FAULTS)}; EVERY: a number from 1 up")
    return name, int(every)
