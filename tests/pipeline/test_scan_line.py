"""The scan of a serial line over scripted wires in virtual time: what real ptys cannot show (parity), and odd answers.

Every wire is a fresh transport at one setting; a device hears a question only at its own. Frames are by struct and a
CRC of the tests' own.
"""

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from drivers.modbus.scan import LineParity, LinePlan, LineSetting, settings_of
from drivers.transport.scripted import ScriptedTransport, VirtualTicker
from gateway.scan.found import FoundUnit, ScanReport
from gateway.scan.serial_line import SerialScan
from gateway.scan.units import Manner
from tests.protocol.modbus_bytes import crc, rtu_answer

MS = 1000
E19 = LineSetting(19200, LineParity.EVEN)
N96 = LineSetting(9600)


@dataclass
class Line:
    """Devices by (setting, unit) and how long each thinks; what is said unasked, by setting."""

    devices: dict[tuple[LineSetting, int], int]
    unasked: dict[LineSetting, list[tuple[int, bytes]]] = field(default_factory=dict)
    noise: Callable[[LineSetting, int], bytes] = lambda _setting, _unit: b""
    ticker: VirtualTicker = field(default_factory=VirtualTicker)
    asked: list[tuple[LineSetting, int, int]] = field(default_factory=list)
    report: ScanReport = field(default_factory=ScanReport)
    told: list[str] = field(default_factory=list)

    def open(self, setting: LineSetting) -> ScriptedTransport:
        def peer(request: bytes) -> Iterable[tuple[int, bytes]]:
            unit, function = request[0], request[1]
            self.asked.append((setting, unit, function))
            garbage = self.noise(setting, unit)
            if garbage:
                return [(20 * MS, garbage)]
            thinks_us = self.devices.get((setting, unit))
            return [] if thinks_us is None else [(thinks_us, rtu_answer(request, {0: 7, 1: 8}))]

        transport = ScriptedTransport(self.ticker, peer)
        for after_us, data in self.unasked.get(setting, []):
            transport.arrive(self.ticker.now_us + after_us, data)
        return transport

    def scan(self, plan: LinePlan, *, despite_traffic: bool = False) -> list[tuple[LineSetting | None, int]]:
        manner = Manner(plan.timeout_us)
        SerialScan(
            "/dev/line", self.open, plan, manner, (), self.ticker, self.report, self, despite_traffic=despite_traffic
        ).run()
        return [(one.setting, one.unit) for one in self.report.found]

    def doing(self, what: str, done: int, total: int) -> None:
        self.told.append(what)

    def answers(self, place: str) -> None:
        self.told.append(place)

    def found(self, unit: FoundUnit) -> None:
        self.told.append(unit.place)


def plan(units: Iterable[int] = range(1, 6), **more: bool) -> LinePlan:
    return LinePlan(settings_of((9600, 19200)), tuple(units), **more)


@pytest.mark.parametrize("setting", settings_of((9600, 19200)), ids=str)
def test_a_meter_is_found_at_its_own_parity_and_no_other(setting: LineSetting) -> None:
    line = Line({(setting, 1): 30 * MS})
    assert line.scan(plan()) == [(setting, 1)]


def test_nobody_is_told_where_nobody_is() -> None:
    line = Line({})
    assert line.scan(plan()) == []
    assert {(setting, unit) for setting, unit, _ in line.asked} == {
        (setting, unit) for setting in settings_of((9600, 19200)) for unit in range(1, 6)
    }


def test_only_reads_are_sent() -> None:
    line = Line({(N96, 2): 30 * MS})
    line.scan(plan())
    assert {function for _, _, function in line.asked} <= {3, 4}


def test_the_scan_stops_at_the_setting_that_answers_and_says_so() -> None:
    line = Line({(N96, 1): 30 * MS, (N96, 5): 30 * MS, (E19, 4): 30 * MS})
    assert line.scan(plan()) == [(N96, 1), (N96, 5)]
    assert any("--every-setting" in note for note in line.report.notes)


def test_every_setting_finds_the_meter_that_is_set_otherwise_too() -> None:
    line = Line({(N96, 1): 30 * MS, (E19, 4): 30 * MS})
    assert line.scan(plan(is_every=True)) == [(N96, 1), (E19, 4)]


@pytest.mark.parametrize("unit", [1, 4, 5], ids=["likely", "within", "last"])
def test_a_meter_slower_than_the_timeout_is_found_by_its_late_answer(unit: int) -> None:
    line = Line({(N96, unit): 270 * MS})
    assert line.scan(plan()) == [(N96, unit)]


def test_a_meter_that_takes_longer_than_any_patience_is_not_made_up() -> None:
    assert Line({(N96, 1): 5_000 * MS}).scan(plan()) == []


def test_two_devices_of_one_number_are_told_as_noise() -> None:
    line = Line({}, noise=lambda setting, unit: b"\x55\xaa\x12" if (setting, unit) == (N96, 2) else b"")
    assert line.scan(plan()) == []
    (note,) = [note for note in line.report.notes if "unit 2" in note]
    assert "two devices" in note


def test_a_line_that_is_all_noise_is_left_after_some_units() -> None:
    line = Line({}, noise=lambda setting, unit: b"\x00\x00" if setting == N96 else b"")
    line.scan(plan(range(1, 248), is_every=True))
    assert len({unit for setting, unit, _ in line.asked if setting == N96}) == 5
    assert len({unit for setting, unit, _ in line.asked if setting == E19}) == 247


def foreign_request(unit: int) -> bytes:
    body = struct.pack(">BBHH", unit, 4, 0x34, 2)
    return body + crc(body)


def test_another_master_is_heard_before_anything_is_sent() -> None:
    line = Line({(E19, 1): 30 * MS}, unasked={N96: [(300 * MS, b"\x8f\x01")], E19: [(500 * MS, foreign_request(9))]})
    assert line.scan(plan()) == []
    assert line.asked == []
    (note,) = line.report.notes
    assert "unit 9 at 19200 8E1" in note


def test_traffic_that_is_no_question_is_told_too() -> None:
    talk = [(300 * MS, b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01")]
    line = Line({}, unasked=dict.fromkeys(settings_of((9600, 19200)), talk))
    line.scan(plan())
    assert line.asked == []
    assert "without being asked" in line.report.notes[0]


def test_despite_traffic_it_speaks() -> None:
    line = Line({(E19, 1): 30 * MS}, unasked={N96: [(300 * MS, b"\x8f")], E19: [(500 * MS, foreign_request(9))]})
    assert (E19, 1) in line.scan(plan(), despite_traffic=True)


def test_a_scan_takes_no_longer_than_it_said() -> None:
    line, wish = Line({}), plan(range(1, 248))
    line.scan(wish)
    assert line.ticker.now_us <= wish.worst_us


def test_an_interrupt_leaves_what_was_found() -> None:
    line = Line({(N96, 1): 30 * MS})

    def pull_the_plug(setting: LineSetting, unit: int) -> bytes:
        if unit == 4:
            raise KeyboardInterrupt
        return b""

    line.noise = pull_the_plug
    with pytest.raises(KeyboardInterrupt):
        line.scan(plan())
    assert [one.unit for one in line.report.found] == [1]
