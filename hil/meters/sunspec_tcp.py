"""A SunSpec meter over Modbus TCP: common model 1 and meter model 203 at base 40000.

Energies are acc32 in watt-hours (TotWh_SF 0), so the register moves in whole Wh. The house is split-phase: phase C and
everything this meter does not measure carry the "not implemented" value of their type. (SunSpec model definitions 1 and
203; SunSpec Device Information Model Specification, "not implemented" values)
"""

import argparse
import asyncio
import struct
from functools import partial

from ..counters import Count
from ..lifetime import die_with_parent
from .core import MeterCore, placement_from, placement_options
from .tcp_server import serve

BASE = 40_000
MODEL_1_LENGTH = 66
MODEL_203_LENGTH = 105
END = b"\xff\xff\x00\x00"

ABSENT_INT16 = -0x8000
ABSENT_SUNSSF = -0x8000
ABSENT_ACC32 = 0
A_SF, V_SF, HZ_SF, W_SF, TOTWH_SF = -2, -1, -2, 0, 0
LINE_DECIV = 2400


def model_1(serial: int) -> bytes:
    """The common block: who made it and which one it is."""
    text = [("Netmeter Project", 32), ("House 203", 32), ("", 16), ("1.0", 16), (str(serial), 32)]
    body = b"".join(value.encode("ascii").ljust(length, b"\0") for value, length in text)
    return struct.pack(">HH", 1, MODEL_1_LENGTH) + body + struct.pack(">HH", 1, 0x8000)


def model_203(count: Count) -> bytes:
    """The meter block, phases A and B of a split-phase service."""
    watts = _clamp(_nearest(count.power_milliw, 1000))
    centiamps = _clamp(_nearest(abs(count.power_milliw) * 100, 1000 * LINE_DECIV // 10))
    none = ABSENT_INT16
    current = struct.pack(">4h h", centiamps * 2, centiamps, centiamps, none, A_SF)
    phase, line = LINE_DECIV // 2, LINE_DECIV
    voltage = struct.pack(">8h h", phase, phase, phase, none, line, line, none, none, V_SF)
    frequency = struct.pack(">2h", 6000, HZ_SF)
    power = struct.pack(">4h h", watts, watts - watts // 2, watts // 2, none, W_SF)
    apparent_reactive_factor = struct.pack(">5h", *[none] * 4, ABSENT_SUNSSF) * 3
    exported = struct.pack(">4I", count.export_milliwh // 1000, *[ABSENT_ACC32] * 3)
    imported = struct.pack(">4I", count.import_milliwh // 1000, *[ABSENT_ACC32] * 3)
    apparent_energy = struct.pack(">8I h", *[ABSENT_ACC32] * 8, ABSENT_SUNSSF)
    reactive_energy = struct.pack(">16I h", *[ABSENT_ACC32] * 16, ABSENT_SUNSSF)
    return b"".join(
        (
            struct.pack(">HH", 203, MODEL_203_LENGTH),
            current,
            voltage,
            frequency,
            power,
            apparent_reactive_factor,
            exported,
            imported,
            struct.pack(">h", TOTWH_SF),
            apparent_energy,
            reactive_energy,
            struct.pack(">I", 0),
        )
    )


def image(serial: int, count: Count) -> list[int]:
    """All registers from `BASE` on, as words."""
    text = b"SunS" + model_1(serial) + model_203(count) + END
    return list(struct.unpack(f">{len(text) // 2}H", text))


def _nearest(number: int, divisor: int) -> int:
    return (2 * number + divisor) // (2 * divisor)


def _clamp(number: int) -> int:
    return max(-0x7FFF, min(0x7FFF, number))


async def _refresh(core: MeterCore) -> list[int]:
    await asyncio.sleep(core.placement.turnaround_us / 1_000_000)
    return image(core.serial, core.shown())


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM. `arguments` as on the command line (`python -m hil.meters.sunspec_tcp --help`)."""
    parser = argparse.ArgumentParser(prog="sunspec_tcp", description="A simulated SunSpec 203 meter on Modbus TCP.")
    placement_options(parser)
    parser.add_argument("--tcp-port", type=int, default=0, help="port on loopback; 0 = any free one")
    options = parser.parse_args(arguments)
    die_with_parent()
    core = MeterCore(placement_from(options))
    try:
        serve({BASE: image(core.serial, core.shown())}, options.tcp_port, partial(_refresh, core), core.write_truth)
    finally:
        core.close()


if __name__ == "__main__":
    main()
