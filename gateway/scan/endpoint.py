"""The scan of one endpoint on a network: a device, or a converter with a line behind it. Blocking.

Devices that answer to every unit number are told once. One connection, as many devices take no second. (docs/scan.md)
"""

from collections.abc import Sequence
from dataclasses import dataclass

from drivers import Profile, Ticker
from drivers.modbus.link import Framing
from drivers.modbus.scan import LineSetting
from drivers.transport.base import Transport

from .found import FoundUnit, ScanReport, Teller
from .units import Manner, UnitScan

ODD_UNITS = (83, 177)
"""Numbers that nobody sets: a device that answers to both of them answers to all."""


@dataclass(frozen=True, slots=True)
class EndpointPlace:
    """As a config names it: `host` and `tcp_port`, or the `port` that a running gateway holds."""

    host: str = ""
    tcp_port: int = 502
    port: str = ""
    is_rtu_over_tcp: bool = False
    setting: LineSetting | None = None
    through: str = ""
    """Who passes the questions on, if somebody does."""
    skip: tuple[int, ...] = ()
    """Units that are known already."""

    @property
    def name(self) -> str:
        return self.port or f"{self.host}:{self.tcp_port}"


class EndpointScan:
    """One endpoint."""

    def __init__(
        self,
        place: EndpointPlace,
        transport: Transport,
        units: Sequence[int],
        manner: Manner,
        profiles: Sequence[Profile],
        ticker: Ticker,
        report: ScanReport,
        teller: Teller,
    ) -> None:
        self._place, self._units, self._report, self._teller = place, units, report, teller
        framing = Framing.RTU if place.is_rtu_over_tcp and not place.through else Framing.TCP
        self._scan = UnitScan(transport, framing, ticker, manner, profiles)
        self._may_ignore_units = framing is Framing.TCP and place.setting is None and not place.is_rtu_over_tcp

    def run(self) -> None:
        """Scan it; what is found goes into the report at once. Raises TransportLostError."""
        try:
            self._run()
        finally:
            self._scan.close()
            self._report.requests += self._scan.requests

    def _run(self) -> None:
        units = [unit for unit in self._units if unit not in self._place.skip]
        asked = 0

        def tell(unit: int) -> None:
            nonlocal asked
            self._teller.doing(f"{self._place.name}, unit {unit}", asked, len(units))
            asked += 1

        if self._place.skip and self._may_ignore_units and self._answers_all():
            self._report.note(f"{self._place.name}: answers to every unit number; there is nobody else behind it")
            return
        is_first = not self._place.skip
        for unit in self._scan.there(units, tell):
            notes: tuple[str, ...] = ()
            answers_all = is_first and self._may_ignore_units and len(units) > 1 and self._answers_all()
            if answers_all:
                notes = ("answers to every unit number; it is one device",)
            is_first = False
            self._take(unit, notes)
            if answers_all:
                return
        if self._scan.unclear:
            listed = ", ".join(str(unit) for unit in self._scan.unclear)
            self._report.note(f"{self._place.name}: answers that make no sense when unit {listed} was asked")

    def _answers_all(self) -> bool:
        return list(self._scan.there(ODD_UNITS, lambda _unit: None)) == list(ODD_UNITS)

    def _take(self, unit: int, notes: tuple[str, ...]) -> None:
        place = self._place
        self._teller.answers(f"{place.name} unit {unit}")
        found = FoundUnit(
            unit,
            self._scan.recognise(unit),
            port=place.port,
            host=place.host,
            tcp_port=place.tcp_port,
            is_rtu_over_tcp=place.is_rtu_over_tcp,
            setting=place.setting,
            notes=notes,
        )
        self._report.found.append(found)
        self._teller.found(found)
