"""Which refused readings are told. A meter that flips between good and bad at every poll must not flood the broker.

A row of refusals for one reason is one event, and one reason is told at most once in ten minutes of the readings'
monotonic time; the next event says how many rows were not told. What is told is chosen here; each is counted elsewhere.
"""

from ..reading.read import Reading
from ..registers.validate import Reason

TELL_AGAIN_US = 600_000_000


class Refusals:
    """The refusals of one meter since the start, and the row that was going on then."""

    def __init__(self, held: Reason | None = None, readings: int = 0) -> None:
        """`held`: why readings were in quarantine when the process before this one ended, and how many."""
        self._row = held
        """The reason of the row that is going on; None after a reading that was booked."""
        self._readings = readings
        self._told = None if held is Reason.FIRST_READING else held
        """The last reason told since a reading was booked."""
        self._told_at: dict[Reason, tuple[str, int]] = {}
        self._not_told: dict[Reason, int] = {}

    def refuse(self, reason: Reason, reading: Reading) -> int | None:
        """Count one. To be told: how many rows of this reason were not told since the last; None: not to be told."""
        self._readings += 1
        if reason is self._row:
            return None
        self._row = reason
        if reason is Reason.FIRST_READING:  # every meter begins with one
            return None
        boot_id, at_us = self._told_at.get(reason, ("", 0))
        if boot_id == reading.boot_id and reading.monotonic_us - at_us < TELL_AGAIN_US:
            self._not_told[reason] = self._not_told.get(reason, 0) + 1
            return None
        self._told, self._told_at[reason] = reason, (reading.boot_id, reading.monotonic_us)
        return self._not_told.pop(reason, 0)

    def accept(self) -> tuple[Reason, int] | None:
        """A reading was booked: the reason that was told before it and how many readings were not; None: not told."""
        told = None if self._told is None else (self._told, self._readings)
        self._row = self._told = None
        self._readings = 0
        return told
