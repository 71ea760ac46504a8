"""Planned blocks, read: energy first and without mercy, the rest as far as the device gives it and as it ages.

A block that the device refuses is asked in parts, down to single values; what it has not is told once and dropped, and
remembered as long as this object lives, never on disk: a firmware update or another meter may have it. A counter of
energy is never dropped in silence, and none that this device has shown before is dropped at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from ..errors import ConfigurationError, FrameError, NoAnswerError, RefusedError
from ..steps import Steps
from ..want import Want
from .plan import Block, Piece, split
from .transaction import Reply

PASSES_MOST = 4
"""How often energy that lies in several requests is read until nothing has moved meanwhile."""
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3

Words = dict[tuple[int, int], int]


class Asker(Protocol):
    """What is wanted of a link; `ModbusLink` obeys it."""

    def ask_patiently(self, unit: int, function: int, address: int, count: int) -> Steps[Reply]: ...


@dataclass(frozen=True, slots=True)
class BlockImage:
    """What was read: words by (function, address), and when the energy in it was asked for and answered.

    `notes`: what was learnt of the device's map, told once.
    """

    words: Words
    sent_us: int
    received_us: int
    one_moment: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Kept:
    words: Words
    received_us: int


class BlockReader:
    """Reads a plan of blocks of one unit again and again. `blocks` starts with those that hold energy."""

    def __init__(self, link: Asker, unit: int, blocks: Sequence[Block]) -> None:
        self._link, self._unit = link, unit
        self._planned = tuple(blocks)
        self._proven: set[str] = set()
        self._noted: set[str] = set()
        self._notes: list[str] = []
        self._blocks = list(self._planned)
        self._kept: dict[Block, _Kept] = {}

    @property
    def blocks(self) -> tuple[Block, ...]:
        """As they are asked now, those with energy first."""
        return tuple(self._blocks)

    def relearn(self) -> None:
        """Begin anew with the plan: what the device refused is tried once more."""
        self._blocks, self._kept = list(self._planned), {}

    def forget(self) -> None:
        """Begin anew with the plan, and know nothing of the device: another may answer."""
        self.relearn()
        self._proven.clear()
        self._noted.clear()

    def read(self, *, want: Want = Want.DUE) -> Steps[BlockImage]:
        """Read all blocks once; what may be older than it is is asked for as `want` says.

        Raises DriverError if energy could not be read, or if the transport is lost.
        """
        moment = yield from self._read_energy()
        words = yield from self._read_rest(moment.received_us, want=want, strict=False)
        notes, self._notes = tuple(self._notes), []
        words.update(moment.words)
        return BlockImage(words, moment.sent_us, moment.received_us, moment.one_moment, notes)

    def read_plain(self) -> Steps[Words]:
        """All blocks without energy; values that the device does not have are not there. Raises DriverError."""
        return (yield from self._read_rest(0, want=Want.ALL, strict=True))

    def _read_energy(self) -> Steps[BlockImage]:
        """Energy of one moment: of one request, else re-read until nothing has moved around the middle request."""
        history: list[tuple[Block, Reply]] = []
        while True:
            energy = [block for block in self._blocks if block.energy]
            if not energy:
                raise ConfigurationError("the plan holds no energy register")
            block = energy[len(history) % len(energy)]
            try:
                reply = yield from self._ask(block)
            except ConfigurationError as error:
                self._refine(block, error)
                history.clear()
                continue
            history.append((block, reply))
            self._proven.update(piece.name for piece in block.pieces if piece.energy)
            moment = _moment(history, len(energy))
            if moment is not None:
                return moment

    def _read_rest(self, now_us: int, *, want: Want, strict: bool) -> Steps[Words]:
        words: Words = {}
        todo = [block for block in self._blocks if not block.energy]
        reachable = True
        while todo:
            block = todo.pop(0)
            kept = self._kept.get(block)
            if want is not Want.ALL and kept is not None and now_us - kept.received_us < block.max_age_us:
                words.update(kept.words)
                continue
            if not reachable or (want is Want.NEEDED and block.max_age_us):
                continue
            try:
                reply = yield from self._ask(block)
            except ConfigurationError as error:
                todo[:0] = self._refine(block, error)
                continue
            except (NoAnswerError, FrameError, RefusedError):
                if strict:
                    raise
                reachable = False  # it is counted; after a quiet time for each, the energy would be old news
                continue
            words.update(_words(block, reply))
            if block.max_age_us:
                self._kept[block] = _Kept(_words(block, reply), reply.received_us)
        return words

    def _ask(self, block: Block) -> Steps[Reply]:
        return self._link.ask_patiently(self._unit, block.function, block.address, block.count)

    def _refine(self, block: Block, error: ConfigurationError) -> list[Block]:
        """Replace a refused block in the plan by its parts. Returns the parts; raises where energy is at stake."""
        parts: tuple[Block, ...] = ()
        if error.code in (ILLEGAL_ADDRESS, ILLEGAL_VALUE):
            parts = split(block)
        elif block.energy or error.code != ILLEGAL_FUNCTION:
            if block.energy:
                raise error
            return []  # not for ever: it is asked again next time
        if not parts:
            self._drop(block, error)
        place = self._blocks.index(block)
        self._blocks[place : place + 1] = parts
        self._blocks.sort(key=lambda one: not one.energy)
        if block.energy and sum(part.energy for part in parts) > 1:
            names = " and ".join(piece.name for piece in block.pieces if piece.energy)
            self._note(f"{names} do not come in one request ({error}); they are re-read until nothing moves")
        return list(parts)

    def _drop(self, block: Block, error: ConfigurationError) -> None:
        others = any(one.energy for one in self._blocks if one != block)
        for piece in block.pieces:
            if piece.energy and (piece.essential or piece.name in self._proven or not others):
                self._blocks = list(self._planned)
                raise ConfigurationError(f"{piece.name}: {error}", error.code) from error
            self._note(f"the device has no {_place(piece)}: {error}")

    def _note(self, sentence: str) -> None:
        if sentence not in self._noted:
            self._noted.add(sentence)
            self._notes.append(sentence)


def _moment(history: list[tuple[Block, Reply]], blocks: int) -> BlockImage | None:
    """What `history` (blocks asked in turn) proves of one moment; None if another request may prove it.

    Counts that were the same before and after the middle request of the last 2n - 1 were so at its moment.
    """
    around = history[-(2 * blocks - 1) :]
    if len(around) == 2 * blocks - 1:
        pairs = zip(around, around[blocks:], strict=False)
        if all(_counts(block, first) == _counts(block, second) for (block, first), (_, second) in pairs):
            middle = around[blocks - 1][1]
            return BlockImage(_merged(around), middle.sent_us, middle.received_us, one_moment=True)
    if len(history) < PASSES_MOST * blocks:
        return None
    last = history[-blocks:]
    return BlockImage(_merged(last), last[0][1].sent_us, last[-1][1].received_us, one_moment=False)


def _counts(block: Block, reply: Reply) -> list[int]:
    """The words of a block's counters: power beside them may move."""
    spans = [(piece.first - block.address, piece.last - block.address) for piece in block.pieces if piece.counts]
    return [word for first, last in spans for word in reply.words[first : last + 1]]


def _merged(history: Sequence[tuple[Block, Reply]]) -> Words:
    words: Words = {}
    for block, reply in history:
        words.update(_words(block, reply))
    return words


def _words(block: Block, reply: Reply) -> Words:
    return dict(zip(_places(block.function, block.address, len(reply.words)), reply.words, strict=True))


@lru_cache(maxsize=256)
def _places(function: int, address: int, count: int) -> tuple[tuple[int, int], ...]:
    """The keys of a block's words, made once for all meters of a kind."""
    return tuple((function, address + n) for n in range(count))


def _place(piece: Piece) -> str:
    return f"{piece.name} at 0x{piece.first:04X} (function {piece.function})"
