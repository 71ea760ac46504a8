"""Where a scan looks: from what the user named to ports and endpoints, and which of them a running gateway holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.modbus.scan import LineParity, LineSetting

from ..config.types import Config, Framing, MeterSection, Parity, RegisterOwner, Role
from ..config.way import Way, WayKind, is_url, split_url, way_of


@dataclass(frozen=True, slots=True)
class Holder:
    """A line that the config names: which meter stands for it, its setting, and the units that are known on it."""

    meter: str
    setting: LineSetting | None
    units: dict[int, str]
    """Unit number -> the meter's name."""


def port_way(port: str) -> Way:
    """The way behind --port. Raises ValueError for a URL that cannot be used."""
    if is_url(port):
        split_url(port)
    return way_of(_section(port=port))


def host_way(host: str, tcp_port: int, framing: Framing) -> Way:
    """The way behind --host."""
    return way_of(_section(host=host, tcp_port=tcp_port, framing=framing))


def holder_of(way: Way, config: Config | None) -> Holder | None:
    """The config's line that is this way; None where it names none."""
    sections = [section for section in (() if config is None else config.meter) if way_of(section).name == way.name]
    if not sections:
        return None
    first = sections[0]
    setting = None if way.is_endpoint else _setting(first)
    return Holder(first.name, setting, {section.unit: section.name for section in sections})


def missing(ports: Sequence[str]) -> tuple[str, ...]:
    """Those of the named ports that are not there."""
    return tuple(port for port in ports if not is_url(port) and not Path(port).exists())


def is_serial(way: Way) -> bool:
    """Whether the scan sets the line's speed and parity itself."""
    return way.kind in (WayKind.SERIAL, WayKind.RFC2217)


def _setting(section: MeterSection) -> LineSetting:
    return LineSetting(section.baud_bd, LineParity(Parity(section.parity).value), section.stop_bits)


def _section(port: str = "", host: str = "", tcp_port: int = 502, framing: Framing = Framing.TCP) -> MeterSection:
    """As a config would hold it; what plays no part in reaching a meter is filled in."""
    return MeterSection(
        name="scan",
        profile="",
        role=Role.GRID,
        register=RegisterOwner.OWN,
        service_amps=1,
        service_volts=1,
        port=port,
        host=host,
        tcp_port=tcp_port,
        framing=framing,
    )
