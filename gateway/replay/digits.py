"""What a table itself tells of its meter: the last digit of each register, and how often it was read. Never too fine.

A meter that counts in steps of 100 Wh is often written `12300.000`: the digits on paper are not the meter's. So the
step is looked for in the values: the largest of the series 1, 2, 2.5, 5 times a power of ten that divides nearly all
of them. Nearly, because one garbled row must not make the meter finer; a step twice too large divides half at most.
"""

from array import array
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from .table import Column

ENOUGH_VALUES = 20
"""Of fewer different values nothing is concluded: three round numbers are no proof of a coarse meter."""
NEARLY_ALL = 0.9
COARSEST_MILLIWH = 10_000_000_000
DEFAULT_STEP_US = 5_000_000


class DigitSource(StrEnum):
    """Where a register's last digit is known from."""

    STATED = "stated"
    VALUES = "values"
    WRITTEN = "written"
    """The digits on paper: there are too few values to conclude anything."""


@dataclass(frozen=True, slots=True)
class Digit:
    """The size of a register's last digit."""

    milliwh: int
    known_from: DigitSource


def digit_of(column: Column, stated_milliwh: int | None) -> Digit:
    """The last digit of a register: as stated, else as the values show it, else as it is written; at least 1 mWh."""
    if stated_milliwh is not None:
        return Digit(stated_milliwh, DigitSource.STATED)
    written_milliwh = max(1, 10 ** (3 - column.places)) if column.places <= 3 else 1
    values: npt.NDArray[np.int64] = np.frombuffer(column.milliwh, dtype=np.int64)
    values = values[np.diff(values, prepend=0) != 0]  # a register that stands still says nothing new
    values = values[values > 0]
    if len(values) < ENOUGH_VALUES:
        return Digit(written_milliwh, DigitSource.WRITTEN)
    found_milliwh = max(step for step in _steps() if np.count_nonzero(values % step == 0) >= NEARLY_ALL * len(values))
    return Digit(max(found_milliwh, written_milliwh), DigitSource.VALUES)


def usual_step_us(time_us: "array[int]") -> int:
    """The median of the steps between rows."""
    if len(time_us) < 2:
        return DEFAULT_STEP_US
    instants: npt.NDArray[np.int64] = np.frombuffer(time_us, dtype=np.int64)
    return int(np.sort(instants[1:] - instants[:-1])[(len(instants) - 1) // 2])


def _steps() -> list[int]:
    steps, power = [1], 1
    while power < COARSEST_MILLIWH:
        steps += [2 * power, *([5 * power // 2] if power > 1 else []), 5 * power, 10 * power]
        power *= 10
    return steps
