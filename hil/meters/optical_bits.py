"""Characters as they are heard: parity, and what a line makes of bytes that are sent at one speed and heard at another.

Seven data bits and even parity, as bytes of eight bits (a pty carries no parity). A receiver at another speed samples
the same light at its own instants, so the wrong rate gives the wrong characters and not silence. Pure.
(IEC 62056-21, 5.4 and 5.6)
"""

from collections.abc import Iterator

BITS_PER_CHARACTER = 10
_FRACTION = 1 << 16


def with_parity(text: bytes) -> bytes:
    """Seven-bit characters with even parity in bit 7."""
    return bytes(one | (one.bit_count() & 1) << 7 for one in text)


def without_parity(heard: bytes) -> bytes | None:
    """The seven-bit characters; None where the parity of any is wrong."""
    if any(one.bit_count() & 1 for one in heard):
        return None
    return bytes(one & 0x7F for one in heard)


def as_heard(sent: bytes, sent_bd: int, heard_bd: int) -> bytes:
    """What a receiver at `heard_bd` makes of characters that follow each other without a pause at `sent_bd`."""
    return sent if sent_bd == heard_bd else bytes(_sampled(_levels(sent), sent_bd, heard_bd))


def _levels(sent: bytes) -> list[int]:
    """Start bit 0, data from the lowest bit, stop bit 1; then the line rests at 1."""
    levels: list[int] = []
    for one in sent:
        levels += [0, *(one >> place & 1 for place in range(8)), 1]
    return [*levels, 1]


def _sampled(levels: list[int], sent_bd: int, heard_bd: int) -> Iterator[int]:
    step = sent_bd * _FRACTION // heard_bd  # bits of the sender in one bit of the receiver
    at, end = 0, len(levels) * _FRACTION
    while at < end:
        if levels[at // _FRACTION]:
            at = (at // _FRACTION + 1) * _FRACTION
            continue
        bits = [_level(levels, at + step * (2 * place + 3) // 2) for place in range(9)]
        yield sum(bit << place for place, bit in enumerate(bits[:8]))
        at += step * 19 // 2
        while at < end and not levels[at // _FRACTION] and not bits[8]:
            at = (at // _FRACTION + 1) * _FRACTION  # a framing error: wait for the line to rest


def _level(levels: list[int], at: int) -> int:
    return levels[min(at // _FRACTION, len(levels) - 1)]
