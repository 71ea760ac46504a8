"""Where a scan looks: from what the user named to ports and endpoints, and which of them a running gateway holds."""

from dataclasses import dataclass

from drivers.modbus.scan import LineParity, LineSetting

from ..config.types import Config, Framing, MeterSection, Parity, RegisterOwner, Role
from ..config.way import Way, is_url, split_url, way_of
from ..reading.guests import MARGIN_S
from ..reading.meters import silence_s

READING_S = 0.3
"""About what a reading takes of a line."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A line that the config names: which meter stands for it, its setting, and the units that are known on it."""

    meter: str
    setting: LineSetting | None
    units: dict[int, str]
    """Unit number -> the meter's name."""
    has_gaps: bool = True
    """Whether its own readings leave room for a question that nobody answers."""


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
    room_s = min(section.poll_s for section in sections) - READING_S * len(sections)
    has_gaps = room_s > silence_s(first, sections) + MARGIN_S
    return Holder(first.name, setting, {section.unit: section.name for section in sections}, has_gaps)


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
