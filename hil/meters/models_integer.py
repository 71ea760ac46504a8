"""Simulated meters that tell their counts as integers: Carlo Gavazzi, ABB, Schneider, Accuenergy, SMA, SunSpec.

Written from the vendors' register maps (addresses counting from 0), not from any profile.
"""

import struct

from ..counters import Count
from . import sunspec_tcp
from .cells import DECIVOLTS, HERTZ, LINE_DECIV, VOLTS, Cells, by_phase, digits_by_phase, digits_by_tariff, nearest

TENTH_KWH = 100_000
HUNDREDTH_KWH = 10_000


def _gavazzi(count: Count, device_type: int) -> Cells:
    """What all of them have at 0x00 to 0x29: 0.1 V, mA, 0.1 W, low word first."""
    cells = Cells(function=4, low_first=True)
    deciwatts, milliamps = nearest(count.power_milliw, 100), abs(count.power_milliw) // 240
    cells.int32(0x00, *DECIVOLTS)
    cells.uint16(0x0B, device_type)
    cells.int32(0x0C, *map(int, by_phase(2 * milliamps)), *map(int, by_phase(deciwatts)))
    cells.int32(0x28, deciwatts)
    return cells


def em24(count: Count, serial: int) -> Cells:
    """EM24-DIN with RS-485: import at 0x3E (total) and 0x42 (partial, as if set back), export at 0x5C."""
    cells = _gavazzi(count, 71)
    imported = count.import_milliwh // TENTH_KWH
    cells.uint16(0x35, 1000)
    cells.uint16(0x37, HERTZ * 10)
    cells.int32(0x3E, imported)
    cells.int32(0x42, imported // 7)
    cells.int32(0x46, *digits_by_phase(count.import_milliwh, TENTH_KWH))
    cells.int32(0x5C, count.export_milliwh // TENTH_KWH)
    cells.uint16(0x303, 23)
    cells.uint16(0x1101, 7)
    cells.text(0x1300, 7, f"T{serial}")
    return cells


def _gavazzi_new(count: Count, device_type: int, serial: int) -> Cells:
    """From the EM24 E1 on: frequency at 0x33, import at 0x34, export at 0x4E, serial at 0x5000."""
    cells = _gavazzi(count, device_type)
    cells.uint16(0x33, HERTZ * 10)
    cells.int32(0x34, count.import_milliwh // TENTH_KWH)
    cells.int32(0x4E, count.export_milliwh // TENTH_KWH)
    cells.text(0x5000, 7, f"T{serial}")
    return cells


def em24_e1(count: Count, serial: int) -> Cells:
    """EM24-DIN with Ethernet."""
    cells = _gavazzi_new(count, 1648, serial)
    cells.int16(0x31, 1000)
    cells.int32(0x40, *digits_by_phase(count.import_milliwh, TENTH_KWH))
    cells.uint16(0x304, 0x1234)
    cells.uint16(0xA000, 7)
    return cells


def em340(count: Count, serial: int) -> Cells:
    """ET340: export per phase too."""
    cells = _gavazzi_new(count, 345, serial)
    cells.int16(0x31, 1000)
    cells.int32(0x40, *digits_by_phase(count.import_milliwh, TENTH_KWH))
    cells.int32(0x60, *digits_by_phase(count.export_milliwh, TENTH_KWH))
    return cells


def em540(count: Count, serial: int) -> Cells:
    """EM540 in measuring mode C."""
    cells = _gavazzi_new(count, 0x06E0, serial)
    cells.uint16(0x302, 0x0134)
    cells.uint16(0x1103, 2)
    return cells


def em530_high_first(count: Count, serial: int) -> Cells:
    """The EM530 that one library tells of: the same, high word first."""
    low, cells = em540(count, serial), Cells(function=4)
    cells.words = dict(low.words)
    for first in (*range(0x00, 0x0A, 2), *range(0x0C, 0x18, 2), 0x28, 0x34, 0x4E):
        if (4, first + 1) in low.words:
            cells.words[4, first], cells.words[4, first + 1] = low.words[4, first + 1], low.words[4, first]
    return cells


def abb(count: Count, serial: int) -> Cells:
    """B24 Silver: 0.01 kWh as unsigned 64-bit."""
    cells = Cells(function=3)
    centiwatts, centiamps = nearest(count.power_milliw, 10), abs(count.power_milliw) // 2400
    cells.uint64(0x5000, count.import_milliwh // HUNDREDTH_KWH, count.export_milliwh // HUNDREDTH_KWH)
    cells.uint64(0x5170, *digits_by_tariff(count.import_milliwh, HUNDREDTH_KWH))
    cells.uint64(0x5190, *digits_by_tariff(count.export_milliwh, HUNDREDTH_KWH))
    cells.uint64(0x5460, *digits_by_phase(count.import_milliwh, HUNDREDTH_KWH))
    cells.uint64(0x546C, *digits_by_phase(count.export_milliwh, HUNDREDTH_KWH))
    cells.uint32(0x5B00, *DECIVOLTS)
    cells.uint32(0x5B0C, *map(int, by_phase(2 * centiamps)))
    cells.int32(0x5B14, centiwatts, *map(int, by_phase(centiwatts)))
    cells.uint16(0x5B2C, HERTZ * 100)
    cells.int16(0x5B3A, 1000)
    cells.uint32(0x8900, serial)
    cells.text(0x8908, 8, "B1.2.3")
    cells.text(0x8960, 6, "B24 112-100")
    return cells


def schneider(count: Count, serial: int) -> Cells:
    """iEM3255: Wh as signed 64-bit, kW as float32; manual's register 3204 is address 3203."""
    cells = Cells(function=3)
    kilowatts, amps = count.power_milliw / 1_000_000, abs(count.power_milliw) / 240_000
    cells.text(0x31, 20, "iEM3255")
    cells.uint32(0x81, serial)
    cells.float32(2999, *by_phase(2 * amps))
    cells.float32(3027, *VOLTS)
    cells.float32(3053, *by_phase(kilowatts), kilowatts)
    cells.float32(3067, 0.003)
    cells.float32(3083, 1.0)
    cells.float32(3109, HERTZ)
    cells.int64(3203, count.import_milliwh // 1000, count.export_milliwh // 1000)
    cells.int64(3517, count.import_milliwh // 2000)
    return cells


def acuvim(count: Count, _serial: int) -> Cells:
    """Acuvim II, primary values: 0.1 kWh as unsigned 32-bit."""
    cells = Cells(function=3)
    watts = count.power_milliw / 1000
    cells.float32(0x4000, HERTZ, LINE_DECIV / 10)
    cells.float32(0x4010, LINE_DECIV / 5)
    cells.float32(0x4018, abs(watts) / 240)
    cells.float32(0x401C, *by_phase(watts), watts)
    cells.float32(0x403A, 1.0)
    cells.uint32(0x4048, count.import_milliwh // TENTH_KWH, count.export_milliwh // TENTH_KWH)
    return cells


def sma(count: Count, _serial: int) -> Cells:
    """Grid meter of a Home Manager: Wh as unsigned 32-bit, import and export power apart; functions 3 and 4 alike."""
    cells = Cells(function=3)
    watts = nearest(count.power_milliw, 1000)
    cells.uint32(30581, count.import_milliwh // 1000, count.export_milliwh // 1000)
    cells.int32(30865, max(watts, 0), max(-watts, 0))
    for (_, address), word in list(cells.words.items()):
        cells.words[4, address] = word
    return cells


def sunspec_203(count: Count, serial: int) -> Cells:
    """Models 1 and 203 at 40000."""
    cells = Cells(function=3)
    cells.words = {(3, sunspec_tcp.BASE + n): word for n, word in enumerate(sunspec_tcp.image(serial, count))}
    return cells


def sunspec_213(count: Count, serial: int) -> Cells:
    """Models 1 and 213 (floats) at 40000; what is not measured is NaN. (sunspec/models json/model_213.json)"""
    none = float("nan")
    watts, amps, volt = count.power_milliw / 1000, abs(count.power_milliw) / 240_000, LINE_DECIV / 10
    values = [none] * 62
    # A, V, Hz and W of the model, each in its order; two words a value, offset 2 of the model is value 0.
    values[0:4] = [2 * amps, amps, amps, none]
    values[4:8] = [volt, volt, volt, none]
    values[12:14] = [60.0, watts]
    values[14:16] = [watts / 2, watts / 2]
    values[29] = float(count.export_milliwh // 1000)
    values[33] = float(count.import_milliwh // 1000)
    body = struct.pack(">HH", 213, 124) + struct.pack(">61f", *values[:61]) + struct.pack(">I", 0)
    return _sunspec(serial, body)


def sunspec_701(count: Count, serial: int) -> Cells:
    """Models 1 and 701 at 40000: power counts generation as positive. (sunspec/models json/model_701.json)"""
    body = bytearray(struct.pack(">HH", 701, 153) + b"\xff\xff" * 153)

    def put(offset: int, raw: bytes) -> None:
        body[2 * offset : 2 * offset + len(raw)] = raw

    watts = max(-32767, min(32767, nearest(-count.power_milliw, 1000)))
    put(10, struct.pack(">h", watts))
    put(17, struct.pack(">I", 6000))
    put(19, struct.pack(">QQ", count.export_milliwh // 1000, count.import_milliwh // 1000))
    put(113, struct.pack(">8h", -2, -1, -2, 0, -2, 0, 0, 0))
    return _sunspec(serial, bytes(body))


def _sunspec(serial: int, model: bytes) -> Cells:
    raw = b"SunS" + sunspec_tcp.model_1(serial) + model + sunspec_tcp.END
    cells = Cells(function=3)
    words = struct.unpack(f">{len(raw) // 2}H", raw)
    cells.words = {(3, sunspec_tcp.BASE + n): word for n, word in enumerate(words)}
    return cells
