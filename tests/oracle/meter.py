"""A meter as a thing of flesh and blood: it counts a flow, shows whole digits, and refreshes its display now and then.

Imports nothing of the program under test.
"""

from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.flow import Flow


@dataclass(frozen=True)
class Display:
    """How a register is shown: every `refresh_us`, in steps of `step_milliwh`, cut off or rounded to the nearest."""

    step_milliwh: int
    refresh_us: int
    nearest: bool = False

    @property
    def rounding_milliwh(self) -> int:
        """How far the truth can lie below what is shown."""
        return (self.step_milliwh + 1) // 2 if self.nearest else 0


@dataclass(frozen=True)
class Answer:
    """What a question brought: the register, and the window in which it can have been latched."""

    register_milliwh: int
    earliest_us: int
    latest_us: int


@dataclass(frozen=True)
class CountingMeter:
    """A register that was at `first_milliwh` when it began to count `flow`, at `since_us`."""

    flow: Flow
    display: Display
    first_milliwh: int = 0
    since_us: int = 0

    def true_register(self, utc_us: int) -> Fraction:
        return self.first_milliwh + self.flow.energy_between(self.since_us, utc_us)

    def shown(self, utc_us: int) -> int:
        """The digits that a question meets at an instant."""
        refresh_us = self.display.refresh_us
        refreshed_us = max(utc_us - utc_us % refresh_us if refresh_us else utc_us, self.since_us)
        steps = self.true_register(refreshed_us) / self.display.step_milliwh
        if self.display.nearest:
            steps += Fraction(1, 2)
        return (steps.numerator // steps.denominator) * self.display.step_milliwh

    def ask(self, sent_us: int, latched_us: int, received_us: int) -> Answer:
        """Ask at `sent_us`; the meter looks at its display at `latched_us`; the answer is whole at `received_us`."""
        assert sent_us <= latched_us <= received_us
        return Answer(self.shown(latched_us), sent_us - self.display.refresh_us, received_us)
