"""From the config's [[meter]] tables to meters that can be asked, grouped by the line they share."""

import os
from collections.abc import Iterable
from pathlib import Path

from drivers import Polled, Ticker, load_profile
from drivers.build import open_polled
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.base import Transport
from drivers.transport.serial import Parity, SerialTransport
from drivers.transport.tcp import TcpTransport

from .config.types import Config, MeterSection


def by_line(meters: Iterable[MeterSection]) -> dict[str, list[MeterSection]]:
    """Meters grouped by serial port or by TCP endpoint: what shares a line is asked by one thread."""
    lines: dict[str, list[MeterSection]] = {}
    for section in meters:
        # Two names of one port are one line: the second opening of it would be refused.
        port = os.path.realpath(section.port) if section.port else ""
        lines.setdefault(port or f"{section.host.lower()}:{section.tcp_port}", []).append(section)
    return lines


def open_meters(sections: list[MeterSection], folder: Path, ticker: Ticker) -> dict[str, Polled]:
    """The meters of one line, by name. Nothing is sent yet. Raises drivers.ProfileError.

    `folder` is the config's own: a profile beside it is found by its name.
    """
    first = sections[0]
    profiles = {section.name: load_profile(section.profile, (folder,)) for section in sections}
    link = ModbusLink(
        _transport(first, ticker),
        Framing.RTU if first.port else Framing.TCP,
        ticker,
        timeout_us=max(section.timeout_ms for section in sections) * 1000,
        baud_bd=first.baud_bd if first.port else None,
        pause_us=max(profile.pause_us for profile in profiles.values()),
    )
    return {
        section.name: open_polled(
            profiles[section.name],
            link,
            section.unit,
            swap_direction=section.swap_direction,
            sunspec_base=section.sunspec_base,
        )
        for section in sections
    }


def clock_meter(meters: Iterable[MeterSection], folder: Path) -> str | None:
    """The name of the first meter whose profile tells the time. Raises drivers.ProfileError."""
    timed = (one.name for one in meters if load_profile(one.profile, (folder,)).clock is not None)
    return next(timed, None)


def longest_request_s(section: MeterSection, sections: list[MeterSection]) -> float:
    """The longest that one request to a meter of the line `sections` can take, its waits before and after included."""
    timeout_s = max(one.timeout_ms for one in sections) / 1000
    wire_s = 2 * 256 * 11 / section.baud_bd if section.port else 0.0  # the longest frame each way
    return 3 * timeout_s + wire_s + 1.0  # quiet before it, the answer, quiet after it; a second for the rest


def open_one(config: Config, name: str, folder: Path, ticker: Ticker) -> Polled:
    """One meter of a config, alone on its line, for a command that runs without the daemon."""
    section = next(section for section in config.meter if section.name == name)
    return open_meters([section], folder, ticker)[name]


def _transport(section: MeterSection, ticker: Ticker) -> Transport:
    if not section.port:
        return TcpTransport(section.host, section.tcp_port, ticker)
    return SerialTransport(
        section.port, section.baud_bd, ticker, parity=Parity(section.parity.value), stop_bits=section.stop_bits
    )
