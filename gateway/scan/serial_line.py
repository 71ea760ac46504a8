"""The scan of one serial line: listen, then the likely units at each setting, then the others where something answered.

Stops early: a line has one setting at a time. Speaks to nobody while another master does. (docs/scan.md)
"""

from collections.abc import Callable, Sequence

from drivers import Profile, Ticker, TransportLostError
from drivers.blocking import run_blocking
from drivers.modbus.link import Framing
from drivers.modbus.listen import Heard, listen
from drivers.modbus.scan import LinePlan, LineSetting, Step
from drivers.transport.base import Transport

from .found import FoundUnit, ScanReport, Teller
from .units import Manner, UnitScan

Opener = Callable[[LineSetting], Transport]
"""A transport for the line at a setting, not yet open."""


class SerialScan:
    """One line. `port` is its name in a config."""

    def __init__(
        self,
        port: str,
        opener: Opener,
        plan: LinePlan,
        manner: Manner,
        profiles: Sequence[Profile],
        ticker: Ticker,
        report: ScanReport,
        teller: Teller,
        *,
        despite_traffic: bool = False,
    ) -> None:
        self._port, self._opener, self._plan, self._manner = port, opener, plan, manner
        self._profiles, self._ticker, self._report, self._teller = profiles, ticker, report, teller
        self._despite_traffic = despite_traffic
        self._done = 0
        self._met: set[tuple[LineSetting, int]] = set()
        self._refused: set[LineSetting] = set()

    def run(self) -> None:
        """Scan it; what is found goes into the report at once. Raises TransportLostError where it cannot be opened."""
        if not self._is_free():
            return
        found: list[LineSetting] = []
        for step in self._plan.first_steps():
            if self._scan(step):
                found.append(step.setting)
                if not self._plan.is_every:
                    break
        for step in self._plan.rest_steps(found):
            if self._scan(step) and not found:
                break
        self._tell_what_was_left_out(found)

    def _is_free(self) -> bool:
        """Whether nobody else speaks here; who does is told."""
        if not self._plan.listen_us:
            return True
        heard: Heard | None = None
        for setting in self._plan.settings:
            self._teller.doing(f"{self._port}: listening at {setting}", 0, 0)
            heard = self._listen(setting)
            if not heard.octets and setting is self._plan.settings[0]:
                return True
            if heard.requests:
                break
        if heard is None or not heard.requests:
            self._report.note(
                f"{self._port}: something speaks without being asked, at no setting that was tried: an optical head, "
                "noise on an open line (termination, A and B), or another master at another speed"
            )
        else:
            units = ", ".join(str(unit) for unit in heard.units)
            self._report.note(
                f"{self._port}: another master asks unit {units} at {setting}. Two masters on one line garble each "
                "other now and then: end it while you scan, or use --despite-traffic"
            )
        return self._despite_traffic

    def _listen(self, setting: LineSetting) -> Heard:
        transport = self._opener(setting)
        try:
            return run_blocking(listen(self._ticker, self._plan.listen_us), transport, self._ticker)
        finally:
            transport.close()

    def _scan(self, step: Step) -> bool:
        """The units of one step; whether any was there."""
        setting = step.setting
        units = [unit for unit in step.units if (setting, unit) not in self._met]
        if setting in self._refused or not units:
            return False
        transport = self._opener(setting)
        try:
            transport.open()
        except TransportLostError as error:
            if setting is self._plan.settings[0]:
                raise
            self._refused.add(setting)
            self._report.note(f"{error}; not tried at {setting}")
            return False
        scan = UnitScan(transport, Framing.RTU, self._ticker, self._manner, self._profiles, setting)
        try:
            return self._scan_units(scan, setting, units)
        finally:
            scan.close()
            self._report.requests += scan.requests

    def _scan_units(self, scan: UnitScan, setting: LineSetting, units: Sequence[int]) -> bool:
        found = False
        total = sum(len(step.units) for step in self._plan.first_steps())
        total = max(total, self._done + len(units))

        def tell(unit: int) -> None:
            self._teller.doing(f"{self._port} at {setting}, unit {unit}", self._done, total)
            self._done += 1

        for unit in scan.there(units, tell):
            self._met.add((setting, unit))
            found = True
            self._teller.answers(f"{self._port} at {setting} unit {unit}")
            meter = FoundUnit(unit, scan.recognise(unit), port=self._port, setting=setting)
            self._report.found.append(meter)
            self._teller.found(meter)
        if scan.unclear:
            self._tell_noise(scan, setting)
        if scan.other_master:
            self._report.note(f"{self._port}: another master was heard while scanning at {setting}")
        return found

    def _tell_noise(self, scan: UnitScan, setting: LineSetting) -> None:
        units = ", ".join(str(unit) for unit in scan.unclear)
        end = "; the rest was left out here" if scan.is_noisy else ""
        self._report.note(
            f"{self._port} at {setting}: bytes that are no answer came when unit {units} was asked: two devices with "
            f"one number, another parity or speed, or a line without termination{end}"
        )

    def _tell_what_was_left_out(self, found: Sequence[LineSetting]) -> None:
        others = [setting for setting in self._plan.settings if setting not in found]
        if found and others and not self._plan.is_every:
            self._report.note(
                f"{self._port}: a line has one setting at a time, so {len(others)} others were not asked; for meters "
                "that are set differently: --every-setting"
            )
