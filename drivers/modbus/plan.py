"""Which registers are read in which request. Pure: no wire, no device.

A value (with its scale factor) never spans two requests; all energy comes in one request wherever the device's
limit allows, so that import and export are of one moment; a hole is read along where that costs less than asking again;
two requests that follow each other have different answer lengths where possible, because an RTU answer carries no
address and a late one is told from the next by its length alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from ..profile import ENERGY, Meaning, Register
from .cost import READING_EVERY_US, WireCost

SLOW_LINE = WireCost.rtu(9600)


@dataclass(frozen=True, slots=True)
class Piece:
    """What must come whole: a value with its scale factor."""

    name: str
    function: int
    first: int
    last: int
    energy: bool
    counts: bool
    """A counter: of the energy, or of one of the meter's own tariffs."""
    essential: bool
    """Without it the reading is no reading: it is never dropped."""
    max_age_us: int
    """How old it may be in a reading; 0: it is read each time."""


@dataclass(frozen=True, slots=True)
class Block:
    """One request: `count` registers from `address` by `function`. `energy`: it holds energy registers."""

    function: int
    address: int
    count: int
    energy: bool
    pieces: tuple[Piece, ...] = field(default=(), compare=False)

    @property
    def last(self) -> int:
        return self.address + self.count - 1

    @property
    def max_age_us(self) -> int:
        """How old its values may be: as old as the one that ages fastest."""
        return min((piece.max_age_us for piece in self.pieces), default=0)


def plan_blocks(
    registers: Sequence[Register],
    max_registers: int,
    cost: WireCost = SLOW_LINE,
    beside_energy: Sequence[Register] = (),
) -> tuple[Block, ...]:
    """Blocks that hold all `registers`, those with energy first.

    `beside_energy`, and the meter's own tariff counters, come with the energy in one request wherever they fit.
    Raises ValueError if one value with its scale factor does not fit into `max_registers`.
    """
    for register in (*registers, *beside_energy):
        if register.last - register.first >= max_registers:
            raise ValueError(f"{register.name}: {register.last - register.first + 1} registers, limit {max_registers}")
    energy = _pack([_block(one) for one in registers if one.meaning in ENERGY], max_registers, None)
    beside = [_block(one) for one in (*beside_energy, *(one for one in registers if one.is_tariff_counter))]
    rest = [_block(one) for one in registers if one.meaning not in ENERGY and not one.is_tariff_counter]
    # The energy blocks take in what must be of their moment, then what lies near.
    for n, block in enumerate(energy):
        energy[n], beside = _absorb(block, beside, max_registers, None)
    rest += beside
    for n, block in enumerate(energy):
        energy[n], rest = _absorb(block, rest, max_registers, cost)
    return tell_apart((*energy, *_pack(rest, max_registers, cost)), max_registers)


def one_moment(blocks: Iterable[Block]) -> bool:
    """True where all energy comes from one request."""
    return sum(block.energy for block in blocks) == 1


def tell_apart(blocks: Sequence[Block], max_registers: int) -> tuple[Block, ...]:
    """The same blocks, so ordered and padded that neighbours have different answer lengths where possible.

    Energy stays first. The last block is the neighbour of the first: the next reading follows.
    """
    energy = [block for block in blocks if block.energy]
    planned = [*energy, *_ordered([block for block in blocks if not block.energy], energy)]
    for n in range(1, len(planned)):
        around = {planned[n - 1].count, planned[(n + 1) % len(planned)].count}
        if planned[n].count == planned[n - 1].count or (n + 1 == len(planned) and planned[n].count in around):
            planned[n] = _padded(planned[n], around, max_registers)
    return tuple(planned)


def apart_from(blocks: Sequence[Block], others: Sequence[Block], max_registers: int) -> tuple[Block, ...]:
    """`blocks`, which are asked between the last and the first of `others`, padded to have other lengths than those."""
    if not blocks or not others:
        return tuple(blocks)
    padded = list(blocks)
    for n, neighbour in ((0, others[-1]), (-1, others[0])):
        if padded[n].count == neighbour.count:
            around = {others[0].count, others[-1].count, *(block.count for block in padded)}
            padded[n] = _padded(padded[n], around, max_registers)
    return tuple(padded)


def equal_neighbours(blocks: Sequence[Block]) -> int:
    """How many blocks have the answer length of the one before them, the first following on the last."""
    if len(blocks) < 2:
        return 0
    return sum(one.count == other.count for one, other in pairwise((*blocks, blocks[0])))


def split(block: Block) -> tuple[Block, ...]:
    """What to ask instead of a block that the device refuses; empty if it holds one value only: that is missing.

    First padding goes, then what is beside the energy, then the block is cut at its largest hole.
    """
    tight = _hull(block.pieces)
    if tight.count < block.count:
        return (tight,)
    energy = tuple(piece for piece in block.pieces if piece.energy)
    others = tuple(piece for piece in block.pieces if not piece.energy)
    if energy and others:
        inner = _hull(energy)
        rest = tuple(piece for piece in others if not _is_within(piece, inner))
        if rest:
            inside = (*energy, *(piece for piece in others if piece not in rest))
            return (_hull(inside), *_pack([_hull((piece,)) for piece in rest], block.count, None))
    if len(block.pieces) < 2:
        return ()
    pieces = sorted(block.pieces, key=lambda piece: (piece.first, piece.last))
    middle = len(pieces) / 2
    cut = max(range(1, len(pieces)), key=lambda n: (_hole_before(pieces, n), -abs(n - middle)))
    return _hull(tuple(pieces[:cut])), _hull(tuple(pieces[cut:]))


def _hole_before(pieces: list[Piece], n: int) -> int:
    return pieces[n].first - max(piece.last for piece in pieces[:n]) - 1


def _is_within(piece: Piece, block: Block) -> bool:
    return block.address <= piece.first and piece.last <= block.last


def _hull(pieces: tuple[Piece, ...]) -> Block:
    first, last = min(piece.first for piece in pieces), max(piece.last for piece in pieces)
    energy = any(piece.energy for piece in pieces)
    return Block(pieces[0].function, first, last - first + 1, energy, pieces)


def _block(register: Register) -> Block:
    energy = register.meaning in ENERGY
    piece = Piece(
        name=register.name,
        function=register.function,
        first=register.first,
        last=register.last,
        energy=energy,
        counts=energy or register.is_tariff_counter,
        essential=register.meaning is Meaning.ENERGY_IMPORT,
        max_age_us=0 if energy or register.is_tariff_counter else register.max_age_us,
    )
    return _hull((piece,))


def _pack(blocks: list[Block], max_registers: int, cost: WireCost | None) -> list[Block]:
    """Merge blocks in the order of addresses, as the limit and the cost of holes allow (None: any hole)."""
    packed: list[Block] = []
    for piece in sorted(blocks, key=lambda block: (block.function, block.address, block.last)):
        merged = _merge(packed[-1], piece, max_registers, cost) if packed else None
        if merged is None:
            packed.append(piece)
        else:
            packed[-1] = merged
    return packed


def _absorb(block: Block, rest: list[Block], max_registers: int, cost: WireCost | None) -> tuple[Block, list[Block]]:
    """Let `block` take in the pieces of `rest` near it, until none fits any more."""
    while True:
        for n, piece in enumerate(rest):
            merged = _merge(block, piece, max_registers, cost)
            if merged is not None:
                block, rest = merged, [*rest[:n], *rest[n + 1 :]]
                break
        else:
            return block, rest


def _merge(one: Block, other: Block, max_registers: int, cost: WireCost | None) -> Block | None:
    """Both in one request, or None where the function, the limit or the cost forbids."""
    first, last = min(one.address, other.address), max(one.last, other.last)
    count = last - first + 1
    if one.function != other.function or count > max_registers:
        return None
    if cost is not None and not _is_cheaper(one, other, count, cost):
        return None
    energy = one.energy or other.energy
    return Block(one.function, first, count, energy, (*one.pieces, *other.pieces))


def _is_cheaper(one: Block, other: Block, count: int, cost: WireCost) -> bool:
    """Whether one request of `count` costs no more wire a second than two, each at its own pace."""
    together = cost.of(count) / _period_us(min(one.max_age_us, other.max_age_us))
    apart = cost.of(one.count) / _period_us(one.max_age_us) + cost.of(other.count) / _period_us(other.max_age_us)
    return together <= apart


def _period_us(max_age_us: int) -> int:
    """How often a value of this age is asked for, if readings come at the usual pace."""
    return max(1, -(-max_age_us // READING_EVERY_US)) * READING_EVERY_US


def _ordered(rest: list[Block], energy: list[Block]) -> list[Block]:
    """`rest` in the first order found in which no block follows one of its own length; as it is where there is none."""
    before = energy[-1].count if energy else 0
    left, ordered = list(rest), list[Block]()
    while left:
        lengths = [block.count for block in left]
        # The most frequent length first: what is left to the end has nobody to stand between.
        choices = sorted(range(len(left)), key=lambda n: (lengths[n] == before, -lengths.count(lengths[n]), n))
        ordered.append(left.pop(choices[0]))
        before = ordered[-1].count
    return ordered


def _padded(block: Block, around: set[int], max_registers: int) -> Block:
    """`block` longer by a value or two of the device's usual size, so that its length is none of `around`.

    What is read along is not used. A device that refuses it is asked without it (`split`).
    """
    step = min((piece.last - piece.first + 1 for piece in block.pieces), default=1)
    for count in (block.count + step, block.count + 2 * step):
        if count in around or count > max_registers:
            continue
        if block.address + count <= 0x10000:
            return replace(block, count=count)
    return block
