"""The gateway's clock inside a simulated house: house time for the pipeline, real time for wire, disk and MQTT.

Implements `gateway.clock.Clock` over an `Anchor`; nothing else of the gateway is touched.
"""

from pathlib import Path

from gateway.clock import ClockState

from .house_time import Anchor, monotonic_us


class ScaledClock:
    """House time as wall time; monotonic time runs at the same rate; the boot id is the machine's own."""

    def __init__(self, anchor: Anchor) -> None:
        self._anchor = anchor
        self.boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()

    @property
    def rate(self) -> int:
        """House microseconds in a real one."""
        return self._anchor.speed

    def wall_us(self) -> int:
        """House time, UTC microseconds."""
        return self._anchor.house_us(monotonic_us())

    def monotonic_us(self) -> int:
        """CLOCK_MONOTONIC times the speed: the same scale in every process of this boot and speed."""
        return monotonic_us() * self._anchor.speed

    def real_us(self) -> int:
        """CLOCK_MONOTONIC, unscaled microseconds."""
        return monotonic_us()

    def state(self) -> ClockState:
        """Always synced: the anchor is the truth of this house."""
        return ClockState.SYNCED
