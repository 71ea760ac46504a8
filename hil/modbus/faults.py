"""What can go wrong between a question and its answer, and in which order a trial meets it: pure functions of a seed.

A trial is one line, asked again and again. No question of a trial is asked twice: its address is its number, so any
answer that belongs to another question, or to another moment, has other words.
"""

import hashlib
import struct
from dataclasses import dataclass
from enum import StrEnum

from ..chance import between, name_key, roll
from .frames import Request

STRIDE = 128
MOST_STEPS = 0x10000 // STRIDE
STEPS_A_FAULT = 3
FAULTS_A_TRIAL = MOST_STEPS // STEPS_A_FAULT
_KEY = name_key("modbus faults")


class Framing(StrEnum):
    """How frames travel."""

    RTU = "rtu"
    """A serial line: bytes take their time."""
    RTU_OVER_TCP = "rtu-over-tcp"
    TCP = "tcp"


class Kind(StrEnum):
    """One fault. A line of the docs belongs to each."""

    SILENCE = "silence"
    LATE = "late"
    HALF_LATE = "half-late"
    HALVES = "halves"
    DOUBLED = "doubled"
    SWAPPED = "swapped"
    TRUNCATED = "truncated"
    BIT_FLIP = "bit-flip"
    CRC_COLLISION = "crc-collision"
    GARBAGE = "garbage"
    FLOOD = "flood"
    ENDLESS = "endless"
    FOREIGN_UNIT = "foreign-unit"
    WRONG_FUNCTION = "wrong-function"
    WRONG_COUNT = "wrong-count"
    LYING_COUNT = "lying-count"
    EXCEPTION = "exception"
    OTHER_MASTER = "other-master"
    ECHO = "echo"
    REBOOT = "reboot"
    MAP_CHANGE = "map-change"
    LOST = "lost"
    WRONG_TRANSACTION = "wrong-transaction"
    WRONG_PROTOCOL = "wrong-protocol"
    GATEWAY_LATE = "gateway-late"


_ON_RTU_ALONE = {Kind.CRC_COLLISION, Kind.ECHO, Kind.OTHER_MASTER}
_ON_TCP_ALONE = {Kind.WRONG_TRANSACTION, Kind.WRONG_PROTOCOL, Kind.GATEWAY_LATE}
# What harms the next question most comes most often.
_OFTEN = (Kind.LATE, Kind.LATE, Kind.DOUBLED, Kind.SWAPPED, Kind.BIT_FLIP, Kind.EXCEPTION)
_RTU_DECK = (*(kind for kind in Kind if kind not in _ON_TCP_ALONE), *_OFTEN)
_TCP_DECK = (*(kind for kind in Kind if kind not in _ON_RTU_ALONE), *_OFTEN)
DECKS = {Framing.RTU: _RTU_DECK, Framing.RTU_OVER_TCP: _RTU_DECK, Framing.TCP: _TCP_DECK}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and its dice: `a` and `b` are large random numbers, used as the kind needs them."""

    number: int
    kind: Kind
    a: int
    b: int


@dataclass(frozen=True, slots=True)
class Step:
    """One question of a trial, and what happens to its answer (None: nothing)."""

    index: int
    question: Request
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Setting:
    """One line and how it is asked. `timeout_us` is the device's time to answer; no answer ever begins later than
    `worst_us` after the timeout is over."""

    seed: int
    framing: Framing
    baud_bd: int
    timeout_us: int
    worst_us: int
    pause_us: int
    is_real: bool = False
    """On a real pty or socket, where a busy machine can put a pause between any two writes."""

    @property
    def character_us(self) -> int:
        """Time of a character of 11 bits on the line; 0 over TCP."""
        return -(-11_000_000 // self.baud_bd) if self.baud_bd else 0

    @property
    def silence_us(self) -> int:
        """What the standard wants before a request (2.5.1.1); nothing over Modbus TCP."""
        if self.framing is Framing.TCP:
            return 0
        return self.character_us * 7 // 2 if 0 < self.baud_bd <= 19200 else 1750


def words_of(seed: int, request: Request) -> tuple[int, ...]:
    """What the device holds at these addresses: other words for another unit, function, address or line."""
    place = struct.pack(">QBBH", seed, request.unit, request.function, request.address)
    return struct.unpack(f">{request.count}H", hashlib.shake_128(place).digest(2 * request.count))


def setting(seed: int, trial: int) -> Setting:
    """The line of a trial."""

    def dice(low: int, high: int, key: int) -> int:
        return between(low, high, seed, _KEY, trial, key)

    framing = (Framing.RTU, Framing.RTU, Framing.RTU_OVER_TCP, Framing.TCP)[dice(0, 3, 1)]
    baud_bd = (1200, 2400, 9600, 9600, 19200, 38400, 115200)[dice(0, 6, 2)] if framing is Framing.RTU else 0
    # At 1200 baud the silence before an answer alone takes 32 ms of the device's time to answer.
    timeout_us = dice(130 if baud_bd == 1200 else 50, 1000, 3) * 1000
    worst_us = dice(10, 400, 4) * timeout_us // 100
    pause_us = (0, 0, 20_000, 100_000)[dice(0, 3, 5)]
    return Setting(roll(seed, _KEY, trial), framing, baud_bd, timeout_us, worst_us, pause_us)


def real_setting(seed: int, line: int) -> Setting:
    """A line on a real pty or socket: short times, and a quiet that leaves room for a busy machine."""
    framing = tuple(Framing)[line % len(Framing)]
    baud_bd = (9600, 38400, 115200)[roll(seed, _KEY, line, 9) % 3] if framing is Framing.RTU else 0
    return Setting(roll(seed, _KEY, line, 10), framing, baud_bd, 150_000, 200_000, 0, is_real=True)


def steps(line: Setting, faults: list[Fault]) -> list[Step]:
    """The questions of a trial: each fault's own, and none, one or two honest ones behind it."""
    shapes = [
        (between(1, 247, line.seed, 1, n), (3, 4)[roll(line.seed, 2, n) % 2], between(2, 100, line.seed, 3, n))
        for n in range(4)
    ]
    made: list[Step] = []
    for fault in faults:
        for n in range(1 + fault.a % STEPS_A_FAULT):
            index = len(made)
            # Half of all questions look like the one before, so that its answer would fit.
            unit, function, count = shapes[max(0, roll(line.seed, 4, index) % 6 - 2)]
            transaction = 0 if line.framing is Framing.TCP else None
            question = Request(unit, function, index * STRIDE, count, transaction)
            made.append(Step(index, question, None if n else fault))
    return made


def fault(seed: int, number: int, framing: Framing) -> Fault:
    """The fault with this number on such a line."""
    deck = DECKS[framing]
    return Fault(
        number,
        deck[roll(seed, _KEY, number, 6) % len(deck)],
        roll(seed, _KEY, number, 7) >> 16,
        roll(seed, _KEY, number, 8) >> 16,
    )
