"""One scan: its places one after another, each told beforehand with how long it takes, each failure a note.

Through the running gateway where that holds the line. Blocking; an interrupt leaves the report as it stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from drivers import Profile, ProfileError, Ticker, TransportLostError, load_profile, shipped_profiles
from drivers.modbus.presence import QUESTIONS, THOROUGH_QUESTIONS
from drivers.modbus.scan import TCP_UNITS, LinePlan, LineSetting
from drivers.transport.base import Transport
from drivers.transport.serial import Parity, SerialTransport
from drivers.transport.tcp import TcpTransport

from ..config.types import Config, Framing
from ..config.way import Way, WayKind
from ..reading.guests import OVERDUE_US
from .endpoint import EndpointPlace, EndpointScan
from .found import ScanReport, Teller
from .serial_line import SerialScan
from .targets import Holder, holder_of, host_way, port_way
from .through import Ask, DaemonTransport
from .units import PATIENT_US, Manner

TCP_TIMEOUT_US = 1_000_000
"""A gateway waits for the line behind it before it says that nobody answered."""
CONNECT_US = 3_000_000
GAP_US = 3_000_000
"""About how long a question waits for its gap on a line that a gateway reads."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for. Empty `units`: the usual ones."""

    plan: LinePlan
    units: tuple[int, ...] = ()
    ports: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    tcp_port: int = 502
    framing: Framing = Framing.TCP
    is_thorough: bool = False
    despite_traffic: bool = False
    has_own_timeout: bool = False

    @property
    def manner(self) -> Manner:
        questions = THOROUGH_QUESTIONS if self.is_thorough else QUESTIONS
        return Manner(self.plan.timeout_us, questions, max(PATIENT_US, 2 * self.plan.timeout_us))


@dataclass(frozen=True, slots=True)
class Place:
    """A place to look at: how it is named in a config, how it is reached, and who holds it."""

    name: str
    way: Way
    holder: Holder | None = None
    is_host: bool = False
    """Named by host, not by port."""

    @property
    def is_line(self) -> bool:
        """Whether speed and parity are ours to try."""
        return self.holder is None and self.way.kind in (WayKind.SERIAL, WayKind.RFC2217)


def places_of(wish: Wish, running: Config | None) -> tuple[Place, ...]:
    """Ports and hosts as places. `running`: the config of a gateway that runs now. Raises ValueError."""
    ports = [(name, port_way(name), False) for name in wish.ports]
    hosts = [(name, host_way(name, wish.tcp_port, wish.framing), True) for name in wish.hosts]
    ways = {way.name: (name, way, is_host) for name, way, is_host in reversed((*ports, *hosts))}  # each once
    return tuple(Place(name, way, holder_of(way, running), is_host) for name, way, is_host in reversed(ways.values()))


def profiles_of(folder: Path | None, report: ScanReport) -> tuple[Profile, ...]:
    """Every shipped profile, and those beside a config; one that is wrong is told and left out."""
    own = sorted(path for path in ([] if folder is None else folder.glob("*.toml")) if _looks_like_profile(path))
    found = []
    for name in (*map(str, own), *shipped_profiles()):
        try:
            found.append(load_profile(name))
        except ProfileError as error:
            report.note(f"left out: {error}")
    return tuple(found)


def _looks_like_profile(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return "[[vectors]]" in text and "family" in text


def times_us(place: Place, wish: Wish) -> tuple[int, int, int]:
    """(first, usual, worst): until the first unit is asked, where all is as usual, and where nothing answers."""
    plan = wish.plan
    if place.is_line:
        factor = len(wish.manner.questions)
        return plan.first_us, plan.usual_us * factor, plan.worst_us * factor
    if place.holder is not None:
        asked = [unit for unit in wish.units or plan.units if unit not in place.holder.units]
        gap_us = GAP_US if place.holder.has_gaps else OVERDUE_US + GAP_US
        return gap_us, gap_us * len(asked), 3 * gap_us * len(asked)
    units = wish.units or TCP_UNITS
    return 100_000, 2_000_000, CONNECT_US + len(units) * len(wish.manner.questions) * _tcp_timeout_us(wish)


def _tcp_timeout_us(wish: Wish) -> int:
    return wish.plan.timeout_us if wish.has_own_timeout else TCP_TIMEOUT_US


class ScanJob:
    """The places of one scan. `ask`: the daemon, for those that it holds."""

    def __init__(
        self,
        wish: Wish,
        profiles: Sequence[Profile],
        ticker: Ticker,
        report: ScanReport,
        teller: Teller,
        ask: Ask | None,
    ) -> None:
        self._wish, self._profiles, self._ticker = wish, profiles, ticker
        self._report, self._teller, self._ask = report, teller, ask

    def look_at(self, place: Place) -> None:
        """Scan one place into the report. What hinders it is a note."""
        try:
            if place.holder is not None and self._ask is not None:
                self._through_daemon(place, place.holder, self._ask)
            elif place.is_line:
                self._line(place)
            else:
                self._endpoint(place)
        except TransportLostError as error:
            self._report.note(str(error))
            self._report.failed += 1

    def _line(self, place: Place) -> None:
        def opener(setting: LineSetting) -> Transport:
            return line_transport(place.way, place.name, setting, self._ticker)

        SerialScan(
            place.name,
            opener,
            self._wish.plan,
            self._wish.manner,
            self._profiles,
            self._ticker,
            self._report,
            self._teller,
            despite_traffic=self._wish.despite_traffic,
        ).run()

    def _endpoint(self, place: Place) -> None:
        way, wish = place.way, self._wish
        is_rtu = way.kind is WayKind.RTU_OVER_TCP
        named = {"host": place.name, "tcp_port": way.tcp_port} if place.is_host else {"port": place.name}
        where = replace(EndpointPlace(is_rtu_over_tcp=is_rtu), **named)
        units = wish.units or tuple(unit for unit in TCP_UNITS if not is_rtu or 1 <= unit <= 247)
        manner = replace(wish.manner, timeout_us=_tcp_timeout_us(wish))
        transport = TcpTransport(way.host, way.tcp_port, self._ticker, connect_timeout_us=CONNECT_US)
        EndpointScan(where, transport, units, manner, self._profiles, self._ticker, self._report, self._teller).run()

    def _through_daemon(self, place: Place, holder: Holder, ask: Ask) -> None:
        way = place.way
        for unit, name in sorted(holder.units.items()):
            self._report.known.append(f"{place.name} unit {unit}: meter {name} of the running gateway")
        named = {"host": place.name, "tcp_port": way.tcp_port} if place.is_host else {"port": place.name}
        where = EndpointPlace(
            is_rtu_over_tcp=way.kind is WayKind.RTU_OVER_TCP,
            setting=holder.setting,
            through=holder.meter,
            skip=tuple(holder.units),
        )
        if holder.setting is not None:
            self._report.note(
                f"{place.name}: held by the running gateway, so it was asked at {holder.setting} only, in the gaps "
                "between the gateway's own readings; for other settings stop the gateway"
            )
        is_tcp = way.kind is WayKind.TCP
        units = self._wish.units or (TCP_UNITS if is_tcp else self._wish.plan.units)
        units = tuple(unit for unit in units if is_tcp or 1 <= unit <= 247)
        transport = DaemonTransport(ask, holder.meter, place.name)
        EndpointScan(
            replace(where, **named),
            transport,
            units,
            self._wish.manner,
            self._profiles,
            self._ticker,
            self._report,
            self._teller,
        ).run()


def line_transport(way: Way, name: str, setting: LineSetting, ticker: Ticker) -> Transport:
    """A serial line, here or at the far end of a network, set as wished; not yet open."""
    parity = Parity(setting.parity.value)
    if way.kind is WayKind.SERIAL:
        return SerialTransport(name, setting.baud_bd, ticker, parity=parity, stop_bits=setting.stop_bits)
    from drivers.transport.rfc2217 import Rfc2217Transport  # few have one, and it brings sockets and threads

    return Rfc2217Transport(way.host, way.tcp_port, setting.baud_bd, ticker, parity=parity, stop_bits=setting.stop_bits)
