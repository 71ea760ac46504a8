"""From the config's [[meter]] tables to meters that can be asked, grouped by the line they share."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from drivers import Profile, Stepped, Ticker, load_profile
from drivers.build import open_polled
from drivers.fitting import Fitting, fitted
from drivers.modbus.line_times import STANDARD_BITS, bits_of
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.base import Transport
from drivers.transport.serial import Parity, SerialTransport
from drivers.transport.tcp import TcpTransport

from ..config.types import Config, MeterSection, Role
from ..config.way import WayKind, way_of

UARTS = ("ttyS", "ttyUSB", "ttyAMA", "ttyO", "ttymxc")
"""How Linux names ports with a UART of their own."""


def by_line(meters: Iterable[MeterSection]) -> dict[str, list[MeterSection]]:
    """Meters grouped by serial port or by TCP endpoint: what shares a line is asked by one thread."""
    lines: dict[str, list[MeterSection]] = {}
    for section in meters:
        lines.setdefault(way_of(section).name, []).append(section)
    return lines


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line that can be asked: its meters by name, and what is counted on it."""

    link: ModbusLink | None
    """None: an optical port, which nobody else can be asked on."""
    meters: dict[str, Stepped]


def profile_of(section: MeterSection, folder: Path) -> Profile:
    """The profile that a meter is read by, fitted to it. Raises drivers.ProfileError."""
    fitting = Fitting(section.whole_ratio, section.word_order, section.base_address, section.sum_phases)
    return fitted(named_profile(section.profile, folder), fitting)


def open_line(sections: list[MeterSection], folder: Path, ticker: Ticker) -> OpenLine:
    """The meters of one line. Nothing is sent yet. Raises drivers.ProfileError.

    `folder` is the config's own: a profile beside it is found by its name.
    """
    first = sections[0]
    is_tcp = way_of(first).kind is WayKind.TCP
    profiles = {section.name: profile_of(section, folder) for section in sections}
    if profiles[first.name].optical is not None:
        from .optical import open_optical_meter  # few gateways have an optical port

        meter = open_optical_meter(first, profiles[first.name], folder, ticker)
        return OpenLine(None, {first.name: meter})
    link = ModbusLink(
        _transport(first, ticker),
        Framing.TCP if is_tcp else Framing.RTU,
        ticker,
        timeout_us=max(section.timeout_ms for section in sections) * 1000,
        baud_bd=None if is_tcp else first.baud_bd,
        pause_us=max(_pause_us(section, profiles[section.name]) for section in sections),
        connect_pause_us=max(section.connect_pause_ms for section in sections) * 1000,
        character_bits=_character_bits(first),
        is_paced=_has_uart(first),
    )
    meters = {
        section.name: open_polled(
            profiles[section.name],
            link,
            section.unit,
            swap_direction=section.swap_direction,
            sunspec_base=section.sunspec_base,
            sunspec_model=section.sunspec_model,
            sunspec_meter=section.sunspec_meter,
            produces=section.role is Role.PRODUCTION,
            max_registers=section.max_registers,
        )
        for section in sections
    }
    return OpenLine(link, meters)


def _pause_us(section: MeterSection, profile: Profile) -> int:
    return profile.pause_us if section.pause_ms is None else section.pause_ms * 1000


def open_meters(sections: list[MeterSection], folder: Path, ticker: Ticker) -> dict[str, Stepped]:
    """The meters of `open_line` alone."""
    return open_line(sections, folder, ticker).meters


@lru_cache(maxsize=64)
def named_profile(name: str, folder: Path) -> Profile:
    """A profile before it is fitted, read once for all meters that have it. Raises drivers.ProfileError."""
    return load_profile(name, (folder,))


def tells_time(section: MeterSection, folder: Path) -> bool:
    """Whether the meter's profile says where it keeps the time. Raises drivers.ProfileError."""
    return profile_of(section, folder).clock is not None


def clock_meter(meters: Iterable[MeterSection], folder: Path) -> str | None:
    """The name of the first meter whose profile tells the time. Raises drivers.ProfileError."""
    timed = (one.name for one in meters if named_profile(one.profile, folder).clock is not None)
    return next(timed, None)


def longest_request_s(section: MeterSection, sections: list[MeterSection]) -> float:
    """The longest that one request to a meter of the line `sections` can take, its waits before and after included."""
    timeout_s = max(one.timeout_ms for one in sections) / 1000
    has_wire = way_of(section).kind is not WayKind.TCP
    wire_s = 2 * 256 * _character_bits(section) / section.baud_bd if has_wire else 0.0  # the longest frame each way
    pauses_s = max(one.connect_pause_ms + (one.pause_ms or 0) for one in sections) / 1000
    return 3 * timeout_s + wire_s + pauses_s + 1.0  # quiet before it, the answer, quiet after it; a second for the rest


def silence_s(section: MeterSection, sections: list[MeterSection]) -> float:
    """What a question that a meter of the line `sections` does not answer costs: request, timeout, quiet time."""
    timeout_s = max(one.timeout_ms for one in sections) / 1000
    return 2 * timeout_s + (8 * _character_bits(section) / section.baud_bd if section.port else 0.0)


def open_one(config: Config, name: str, folder: Path, ticker: Ticker) -> Stepped:
    """One meter of a config, alone on its line, for a command that runs without the daemon."""
    section = next(section for section in config.meter if section.name == name)
    return open_meters([section], folder, ticker)[name]


def _character_bits(section: MeterSection) -> int:
    """Of the line as the config sets it; a converter's own settings are not known, so it has the standard's."""
    if way_of(section).is_endpoint:
        return STANDARD_BITS
    return bits_of(has_parity=Parity(section.parity.value) is not Parity.NONE, stop_bits=section.stop_bits)


def _has_uart(section: MeterSection) -> bool:
    """Whether the port is one whose characters take the time that its baud rate says; a pty or ttyACM may not be."""
    way = way_of(section)
    return way.kind is WayKind.SERIAL and Path(way.name).name.startswith(UARTS)


def _transport(section: MeterSection, ticker: Ticker) -> Transport:
    way, parity = way_of(section), Parity(section.parity.value)
    if way.is_endpoint:
        return TcpTransport(way.host, way.tcp_port, ticker)
    if way.kind is WayKind.SERIAL:
        return SerialTransport(section.port, section.baud_bd, ticker, parity=parity, stop_bits=section.stop_bits)
    from drivers.transport.rfc2217 import Rfc2217Transport  # few have one, and it brings sockets and threads

    return Rfc2217Transport(way.host, way.tcp_port, section.baud_bd, ticker, parity=parity, stop_bits=section.stop_bits)
