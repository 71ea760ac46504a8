"""Planned blocks, read: energy first and without mercy, the rest as far as the device gives it.

A block of values for people never costs a reading of energy; one that the device refuses for ever is not asked again.
"""

from dataclasses import dataclass

from ..errors import ConfigurationError, FrameError, NoAnswerError, RefusedError
from ..steps import Steps
from .link import ModbusLink
from .plan import Block


@dataclass(frozen=True, slots=True)
class BlockImage:
    """What was read: words by (function, address), and when the energy in it was asked for and answered."""

    words: dict[tuple[int, int], int]
    sent_us: int
    received_us: int


class BlockReader:
    """Reads a fixed plan of blocks of one unit again and again. `blocks` starts with those that hold energy."""

    def __init__(self, link: ModbusLink, unit: int, blocks: tuple[Block, ...]) -> None:
        self._link = link
        self._unit = unit
        self._blocks = blocks
        self._refused: set[Block] = set()

    @property
    def refused(self) -> frozenset[Block]:
        """Blocks without energy that the device refused for ever."""
        return frozenset(self._refused)

    def read(self) -> Steps[BlockImage]:
        """Read all blocks once. Raises DriverError if energy could not be read, or if the transport is lost."""
        words: dict[tuple[int, int], int] = {}
        sent_us: int | None = None
        received_us = 0
        for block in self._blocks:
            if block in self._refused:
                continue
            try:
                reply = yield from self._link.ask_patiently(self._unit, block.function, block.address, block.count)
            except ConfigurationError:
                if block.energy:
                    raise
                self._refused.add(block)
                continue
            except (NoAnswerError, FrameError, RefusedError):
                if block.energy:
                    raise
                break  # the link has counted it; after a quiet time for each, the energy would be old news
            words.update({(block.function, block.address + n): word for n, word in enumerate(reply.words)})
            if block.energy:
                sent_us = reply.sent_us if sent_us is None else sent_us
                received_us = reply.received_us
        if sent_us is None:
            raise ConfigurationError("the plan holds no energy register")
        return BlockImage(words, sent_us, received_us)
