"""Which registers are read in which request. Pure: no wire, no device.

A value (with its scale factor) never spans two requests; all energy comes in one request wherever the device's
limit allows, so that import and export are of one moment; a hole is read along where that costs less than asking again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..profile import ENERGY, Register

ANOTHER_REQUEST_BYTES = 40
"""What another request costs on the wire, in byte times: 13 bytes of frames, 7 of silence, and about 20 while the
meter thinks (20 ms at 9600 baud). A hole costs two bytes a register."""


@dataclass(frozen=True, slots=True)
class Block:
    """One request: `count` registers from `address` by `function`. `energy`: it holds energy registers."""

    function: int
    address: int
    count: int
    energy: bool

    @property
    def last(self) -> int:
        return self.address + self.count - 1


def plan_blocks(
    registers: Sequence[Register], max_registers: int, another_request_bytes: int = ANOTHER_REQUEST_BYTES
) -> tuple[Block, ...]:
    """Blocks that hold all `registers`, those with energy first.

    Raises ValueError if one value with its scale factor does not fit into `max_registers`.
    """
    for register in registers:
        if register.last - register.first >= max_registers:
            raise ValueError(f"{register.name}: {register.last - register.first + 1} registers, limit {max_registers}")
    energy = _pack(
        [_block(register, True) for register in registers if register.meaning in ENERGY], max_registers, None
    )
    rest = _pack(
        [_block(register, False) for register in registers if register.meaning not in ENERGY],
        max_registers,
        another_request_bytes,
    )
    # The energy blocks take in what lies near; each piece goes to the first block that can hold it cheaply.
    for n, block in enumerate(energy):
        block, rest = _absorb(block, rest, max_registers, another_request_bytes)
        energy[n] = block
    return (*energy, *rest)


def one_moment(blocks: Iterable[Block]) -> bool:
    """True where all energy comes from one request."""
    return sum(block.energy for block in blocks) == 1


def _block(register: Register, energy: bool) -> Block:
    return Block(register.function, register.first, register.last - register.first + 1, energy)


def _pack(pieces: list[Block], max_registers: int, hole_bytes: int | None) -> list[Block]:
    """Merge pieces in the order of addresses, as the limit and the cost of holes allow (None: any hole)."""
    packed: list[Block] = []
    for piece in sorted(pieces, key=lambda block: (block.function, block.address, block.last)):
        merged = _merge(packed[-1], piece, max_registers, hole_bytes) if packed else None
        if merged is None:
            packed.append(piece)
        else:
            packed[-1] = merged
    return packed


def _absorb(block: Block, rest: list[Block], max_registers: int, hole_bytes: int) -> tuple[Block, list[Block]]:
    """Let `block` take in the pieces of `rest` near it, until none fits any more."""
    while True:
        for n, piece in enumerate(rest):
            merged = _merge(block, piece, max_registers, hole_bytes)
            if merged is not None:
                block, rest = merged, [*rest[:n], *rest[n + 1 :]]
                break
        else:
            return block, rest


def _merge(one: Block, other: Block, max_registers: int, hole_bytes: int | None) -> Block | None:
    """Both in one request, or None where the function, the limit or the hole between them forbids."""
    first, last = min(one.address, other.address), max(one.last, other.last)
    hole = max(one.address, other.address) - min(one.last, other.last) - 1
    if one.function != other.function or last - first >= max_registers:
        return None
    if hole_bytes is not None and 2 * hole > hole_bytes:
        return None
    return Block(one.function, first, last - first + 1, one.energy or other.energy)
