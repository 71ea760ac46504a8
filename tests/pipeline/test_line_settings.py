"""From the config's words on a line to how long its characters take."""

from pathlib import Path

import pytest

from drivers.transport.scripted import VirtualTicker
from gateway.config.types import Framing, MeterSection, Parity, RegisterOwner, Role
from gateway.reading.meters import open_line, silence_s


def section(**way: object) -> MeterSection:
    return MeterSection(
        name="grid",
        profile="eastron-sdm630",
        role=Role.GRID,
        register=RegisterOwner.OWN,
        service_amps=100,
        service_volts=240,
        **way,
    )


@pytest.mark.parametrize(
    ("way", "bits"),
    [
        ({"port": "/dev/null"}, 10),  # 8N1
        ({"port": "/dev/null", "parity": Parity.EVEN}, 11),
        ({"port": "/dev/null", "stop_bits": 2}, 11),
        ({"port": "/dev/null", "parity": Parity.ODD, "stop_bits": 2}, 12),
        ({"port": "rfc2217://10.0.0.5:4001"}, 10),
        # How the far end of a converter is set is not known.
        ({"port": "socket://10.0.0.5:4001"}, 11),
        ({"host": "10.0.0.5", "framing": Framing.RTU}, 11),
    ],
)
def test_a_line_is_timed_as_it_is_set(way: dict[str, object], bits: int) -> None:
    assert open_line([section(**way)], Path(), VirtualTicker()).link.times.character_bits == bits


@pytest.mark.parametrize(
    ("way", "is_paced"),
    [
        ({"port": "/dev/ttyUSB0"}, True),
        ({"port": "/dev/ttyS1"}, True),
        # A USB device without a UART answers at its own speed, a pty at none.
        ({"port": "/dev/ttyACM0"}, False),
        ({"port": "/dev/pts/7"}, False),
        ({"port": "socket://10.0.0.5:4001"}, False),
        ({"port": "rfc2217://10.0.0.5:4001"}, False),
    ],
)
def test_only_a_port_with_a_uart_is_known_to_take_its_time(way: dict[str, object], is_paced: bool) -> None:
    assert open_line([section(**way)], Path(), VirtualTicker()).link.times.is_paced is is_paced


def test_what_a_silence_costs_counts_the_lines_own_bits() -> None:
    """A question of 8 characters of 10 bits at 1200 baud (66.7 ms), the timeout and the quiet of a second each."""
    slow = section(port="/dev/null", baud_bd=1200)
    assert silence_s(slow, [slow]) == pytest.approx(2.0667, abs=1e-4)
