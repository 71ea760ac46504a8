"""An Eastron SDM630 over Modbus RTU on a pty, at 9600 8N1.

Function 4: float32, high word first, an even address a parameter, at most 80 registers a request; energies in kWh with
the meter's two decimals. Holes inside the map read as 0 (as the field's block readers find them) unless
`--refuse-holes`; addresses outside answer exception 2. Function 3: the serial number at 0xFC00; with `--clock-off` also
a clock at 0xF800, which the real meter does not have: UTC seconds since 1970 as an unsigned 32-bit number. (Eastron
SDM630-Modbus protocol; register map checked against three open-source readers)
"""

import argparse
import struct
from collections.abc import Callable
from pathlib import Path

from ..counters import Count
from ..lifetime import die_with_parent, end_on_signal
from .core import MeterCore, placement_from, placement_options
from .rtu_line import RtuLine, silence_us, sleep_until

BAUD_BD = 9600
MOST_REGISTERS = 80
MAP_END = 0x0166  # one past the last parameter (energy_export_active_l3 at 0x0164)
SERIAL_ADDRESS = 0xFC00
CLOCK_ADDRESS = 0xF800
MILLIWH_PER_DIGIT = 10_000  # 0.01 kWh
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
TICK_US = 200_000


def crc16(data: bytes) -> bytes:
    """The two check bytes of an RTU frame, low byte first. (Modbus over Serial Line V1.02, 6.2.2)"""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return struct.pack("<H", register)


def input_parameters(count: Count) -> dict[int, float]:
    """Address -> value of every parameter that this meter measures, in the vendor's units (V, A, W, Hz, kWh)."""
    watts = count.power_milliw / 1000
    amps = abs(watts) / 240
    imported, exported = _kwh(count.import_milliwh), _kwh(count.export_milliwh)
    parameters = {0: 120.0, 2: 120.0, 4: 0.0, 6: amps, 8: amps, 10: 0.0, 12: watts / 2, 14: watts / 2, 16: 0.0}
    parameters |= {52: watts, 56: abs(watts), 60: 0.0, 62: 1.0, 70: 60.0}
    parameters |= {72: imported, 74: exported, 76: 0.0, 78: 0.0, 342: _kwh(count.import_milliwh + count.export_milliwh)}
    half_in, half_out = _kwh(count.import_milliwh // 2), _kwh(count.export_milliwh // 2)
    return parameters | {346: half_in, 348: half_in, 350: 0.0, 352: half_out, 354: half_out, 356: 0.0}


def _kwh(milliwh: int) -> float:
    return milliwh // MILLIWH_PER_DIGIT / 100


class Sdm630:
    """The meter's answers, without a line: a request frame in, an answer frame out."""

    def __init__(
        self,
        unit: int,
        serial: int,
        shown: Callable[[], Count],
        refuse_holes: bool = False,
        clock_s: Callable[[], int] | None = None,
    ) -> None:
        """`clock_s`: what its clock shows, UTC seconds since 1970; None for a meter without one."""
        self._unit = unit
        self._serial = serial
        self._shown = shown
        self._refuse_holes = refuse_holes
        self._clock_s = clock_s

    def answer(self, frame: bytes) -> bytes | None:
        """The answer to a request; None where a meter stays silent (not for it, damaged, not a read request)."""
        if len(frame) < 4 or crc16(frame[:-2]) != frame[-2:] or frame[0] != self._unit:
            return None
        function = frame[1]
        if function not in (3, 4):
            return self._refuse(function, ILLEGAL_FUNCTION)
        if len(frame) != 8:
            return None
        address, registers = struct.unpack(">HH", frame[2:6])
        if not 1 <= registers <= MOST_REGISTERS or registers % 2:
            return self._refuse(function, ILLEGAL_VALUE)
        data = self._input(address, registers) if function == 4 else self._holding(address, registers)
        if data is None:
            return self._refuse(function, ILLEGAL_ADDRESS)
        return _framed(struct.pack(">BBB", self._unit, function, len(data)) + data)

    def _input(self, address: int, registers: int) -> bytes | None:
        if address % 2 or address + registers > MAP_END:
            return None
        parameters = input_parameters(self._shown())
        wanted = range(address, address + registers, 2)
        if self._refuse_holes and any(each not in parameters for each in wanted):
            return None
        return b"".join(struct.pack(">f", parameters.get(each, 0.0)) for each in wanted)

    def _holding(self, address: int, registers: int) -> bytes | None:
        if (address, registers) == (CLOCK_ADDRESS, 2) and self._clock_s is not None:
            return struct.pack(">I", self._clock_s())
        if (address, registers) != (SERIAL_ADDRESS, 2):
            return None
        return struct.pack(">I", self._serial)

    def _refuse(self, function: int, code: int) -> bytes:
        return _framed(bytes((self._unit, function | 0x80, code)))


def _framed(body: bytes) -> bytes:
    return body + crc16(body)


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM. `arguments` as on the command line (`python -m hil.meters.sdm630_rtu --help`)."""
    parser = argparse.ArgumentParser(prog="sdm630_rtu", description="A simulated Eastron SDM630 on a pty.")
    placement_options(parser)
    parser.add_argument("--link", type=Path, required=True, help="path under which the pty shall be found")
    parser.add_argument("--unit", type=int, default=1, help="Modbus unit id")
    parser.add_argument("--refuse-holes", action="store_true", help="exception 2 for addresses without a parameter")
    parser.add_argument("--clock-off", type=int, metavar="SECONDS", help="have a clock, and this much ahead of UTC")
    parser.add_argument("--clock-gains", type=int, default=0, metavar="PPM", help="by how much that clock runs fast")
    options = parser.parse_args(arguments)
    die_with_parent()
    end_on_signal()
    core = MeterCore(placement_from(options))
    clock_s = None if options.clock_off is None else lambda: core.clock_s(options.clock_off, options.clock_gains)
    meter = Sdm630(options.unit, core.serial, core.shown, options.refuse_holes, clock_s)
    line = RtuLine(options.link, BAUD_BD)
    try:
        core.write_truth()
        print(f"ready {options.link}", flush=True)
        while True:
            _serve_one(line, meter, core)
    finally:
        line.close()
        core.close()


def _serve_one(line: RtuLine, meter: Sdm630, core: MeterCore) -> None:
    core.write_truth()
    frame, heard_us = line.receive(TICK_US)
    if not frame:
        return
    sleep_until(heard_us + silence_us(BAUD_BD) + core.placement.turnaround_us)
    answer = meter.answer(frame)
    if answer is not None:
        line.send(answer)


if __name__ == "__main__":
    main()
