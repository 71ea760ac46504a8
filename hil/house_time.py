"""House time: the simulated house's own clock, as a pure function of the machine's CLOCK_MONOTONIC.

house time = start + (monotonic - anchor) * speed, integer microseconds of UTC. CLOCK_MONOTONIC is one count for the
whole machine, so every process that is handed the same `Anchor` on its command line agrees without talking.
Must never import `gateway` or `drivers`: the simulated meters live by this file (`scaled_clock` is the gateway's side).
"""

import argparse
import time
from dataclasses import dataclass

US_PER_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Anchor:
    """The two instants that belong together, and how many house microseconds pass in a real one."""

    anchor_monotonic_us: int
    start_utc_us: int
    speed: int

    def __post_init__(self) -> None:
        if self.speed < 1:
            raise ValueError(f"speed {self.speed}: expected a whole number from 1 up")

    @classmethod
    def now(cls, start_utc_us: int, speed: int) -> "Anchor":
        """An anchor whose house starts at `start_utc_us` at this moment."""
        return cls(monotonic_us(), start_utc_us, speed)

    def house_us(self, at_monotonic_us: int) -> int:
        """House time, UTC microseconds, at a reading of CLOCK_MONOTONIC in microseconds."""
        return self.start_utc_us + (at_monotonic_us - self.anchor_monotonic_us) * self.speed

    def options(self) -> list[str]:
        """The anchor as command-line options, as `add_options` and `from_options` read them."""
        return [
            f"--anchor-monotonic-us={self.anchor_monotonic_us}",
            f"--start-utc-us={self.start_utc_us}",
            f"--speed={self.speed}",
        ]


def monotonic_us() -> int:
    """CLOCK_MONOTONIC, real microseconds."""
    return time.monotonic_ns() // 1000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the three options of `Anchor.options` on `parser`."""
    parser.add_argument("--anchor-monotonic-us", type=int, required=True, help="CLOCK_MONOTONIC at the start")
    parser.add_argument("--start-utc-us", type=int, required=True, help="house time at the start, UTC microseconds")
    parser.add_argument("--speed", type=int, default=1, help="house seconds in a real second")


def from_options(options: argparse.Namespace) -> Anchor:
    """The anchor that the parsed options name. Raises ValueError on a speed below 1."""
    return Anchor(options.anchor_monotonic_us, options.start_utc_us, options.speed)
