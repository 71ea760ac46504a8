"""Chance that is the same on every machine: 64-bit integers from a seed and any integers (splitmix64).

No state, no float, no order of calls: the answer depends on the arguments alone.
"""

import zlib

_MASK = (1 << 64) - 1


def roll(seed: int, *keys: int) -> int:
    """A number in 0 .. 2**64 - 1 that belongs to `seed` and `keys`."""
    state = seed & _MASK
    for key in (*keys, len(keys)):
        state = (state + 0x9E3779B97F4A7C15 + (key & _MASK)) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


def between(low: int, high: int, seed: int, *keys: int) -> int:
    """A number in low .. high, both included."""
    return low + roll(seed, *keys) % (high - low + 1)


def name_key(name: str) -> int:
    """A name as a key for `roll`."""
    return zlib.crc32(name.encode())
