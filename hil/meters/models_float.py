"""Simulated meters that tell their counts as floats: Eastron, Janitza, WattNode, Chint, Orno, Siemens.

Written from the vendors' register maps (addresses counting from 0), not from any profile.
"""

from collections.abc import Callable

from ..counters import Count
from .cells import HERTZ, VOLTS, Cells, by_phase, digits_by_tariff


def _kwh(milliwh: int) -> float:
    """Two decimals of a kilowatt-hour."""
    return milliwh // 10_000 / 100


def _wh(milliwh: int) -> float:
    return float(milliwh // 1000)


def _amps(count: Count) -> float:
    return abs(count.power_milliw) / 240_000


def eastron(phases: int, extra: bool) -> Callable[[Count, int], Cells]:
    """The SDM family: function 4, high word first; the serial number is a holding register."""

    def registers(count: Count, serial: int) -> Cells:
        cells = Cells(function=4)
        watts, amps = count.power_milliw / 1000, _amps(count)
        if phases == 1:
            cells.float32(0x00, VOLTS[0])
            cells.float32(0x06, 2 * amps)
            cells.float32(0x0C, watts)
            cells.float32(0x12, abs(watts))
            cells.float32(0x18, 3.0)
            cells.float32(0x1E, 1.0)
        else:
            cells.float32(0x00, *VOLTS, *by_phase(2 * amps), *by_phase(watts))
            cells.float32(0x34, watts)
        imported, exported = _kwh(count.import_milliwh), _kwh(count.export_milliwh)
        cells.float32(0x46, HERTZ, imported, exported)
        if not extra:
            cells.float32(0x4C, 11.0, 12.0)
        cells.float32(0x156, _kwh(count.import_milliwh + count.export_milliwh))
        if phases == 3 and not extra:
            cells.float32(0x15A, *by_phase(imported), *by_phase(exported))
        if extra:
            cells.float32(0x184, 1.0, 2.0)
            cells.float32(0x18C, imported - exported)
            cells.float32(0x500, max(watts, 0.0), max(-watts, 0.0))
        cells.uint32(0xFC00, serial, function=3)
        return cells

    return registers


def janitza(count: Count, _serial: int) -> Cells:
    """UMG 604: function 3, Wh as float32."""
    cells = Cells(function=3)
    watts, amps = count.power_milliw / 1000, _amps(count)
    cells.float32(1317, *VOLTS)
    cells.float32(1325, *by_phase(2 * amps))
    cells.float32(1333, *by_phase(watts))
    cells.float32(1369, watts)
    cells.float32(1439, HERTZ)
    cells.float32(9851, _wh(count.import_milliwh))
    cells.float32(9863, _wh(count.export_milliwh))
    return cells


def wattnode(count: Count, serial: int) -> Cells:
    """WattNode: low word first; register 1001 of the manual is address 1000."""
    cells = Cells(function=3, low_first=True)
    watts, amps = count.power_milliw / 1000, _amps(count)
    imported, exported = _kwh(count.import_milliwh), _kwh(count.export_milliwh)
    since_in, since_out = imported / 3, exported / 4  # those that can be reset were reset once
    cells.float32(1000, since_in - since_out, since_in, imported - exported, imported, watts, *by_phase(watts))
    cells.float32(1018, *VOLTS)
    cells.float32(1032, HERTZ)
    cells.float32(1112, since_out, exported)
    cells.float32(1162, *by_phase(2 * amps))
    cells.int32(1206, count.import_milliwh // 100_000)
    cells.int32(1314, count.export_milliwh // 100_000)
    cells.int16(1602, 200)
    cells.int32(1700, serial)
    return cells


def chint(base: int) -> Callable[[Count, int], Cells]:
    """DTSU666, direct connection (ratios 1 and 1.0); `base`: where this build keeps its energies, 0x1000 or 0x4000."""

    def registers(count: Count, _serial: int) -> Cells:
        cells = Cells(function=3)
        deciwatts, milliamps = count.power_milliw / 100, _amps(count) * 1000
        cells.int16(0x0006, 1, 10)
        cells.float32(0x2006, *(10 * volt for volt in VOLTS), *by_phase(2 * milliamps))
        cells.float32(0x2012, deciwatts, *by_phase(deciwatts))
        cells.float32(0x202A, 1000.0)
        cells.float32(0x2044, HERTZ * 100)
        cells.float32(base + 0x1E, _kwh(count.import_milliwh))
        cells.float32(base + 0x28, _kwh(count.export_milliwh))
        return cells

    return registers


def orno(count: Count, serial: int) -> Cells:
    """OR-WE-516: kW and kWh as float32, four tariffs."""
    cells = Cells(function=3)
    kilowatts, amps = count.power_milliw / 1_000_000, _amps(count)
    imported, exported = _kwh(count.import_milliwh), _kwh(count.export_milliwh)
    total = _kwh(count.import_milliwh + count.export_milliwh)
    cells.uint32(0, serial)
    cells.float32(14, *VOLTS, HERTZ, *by_phase(2 * amps), kilowatts, *by_phase(kilowatts))
    cells.float32(256, total)
    cells.float32(264, imported)
    cells.float32(272, exported)
    tariffs_in = digits_by_tariff(count.import_milliwh, 10_000)
    tariffs_out = digits_by_tariff(count.export_milliwh, 10_000)
    for tariff, (taken, given) in enumerate(zip(tariffs_in, tariffs_out, strict=True)):
        cells.float32(304 + 12 * tariff, (taken + given) / 100, taken / 100, given / 100)
    return cells


def siemens(count: Count, _serial: int) -> Cells:
    """PAC2200: Wh as float64, by tariff; a third of the energy was counted in tariff 2."""
    cells = Cells(function=3)
    watts, amps = count.power_milliw / 1000, _amps(count)
    cells.float32(1, *VOLTS)
    cells.float32(13, *by_phase(2 * amps))
    cells.float32(25, *by_phase(watts))
    cells.float32(55, HERTZ)
    cells.float32(63, abs(watts), watts, 3.0, 1.0)
    imported, exported = count.import_milliwh // 1000, count.export_milliwh // 1000
    cells.float64(801, imported - imported // 3, imported // 3, exported - exported // 3, exported // 3)
    return cells
