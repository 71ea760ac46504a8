"""Many SDM630 on one 9600 baud line, on a pty: some dead, some flapping.

Each unit is a house of its own with a truth file of its own. A dead unit never answers; a flapping one answers for some
seconds and is away for as long. Notes each question: who was asked, when it had left the wire (CLOCK_MONOTONIC, us),
whether it was answered, first register, count.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from ..house_time import monotonic_us
from ..lifetime import die_with_parent, end_on_signal
from .core import MeterCore, placement_from, placement_options
from .rtu_line import RtuLine, silence_us, sleep_until
from .sdm630_rtu import BAUD_BD, Sdm630, crc16

TICK_US = 200_000


class Bus:
    """The units of one line."""

    def __init__(self, cores: dict[int, MeterCore], dead: set[int], flapping: set[int], flap_us: int) -> None:
        self._cores, self._dead, self._flapping, self._flap_us = cores, dead, flapping, flap_us
        self._meters = {unit: Sdm630(unit, core.serial, core.shown) for unit, core in cores.items()}

    def answer(self, frame: bytes) -> bytes | None:
        """What the unit that is asked says; None where nobody does."""
        unit = frame[0]
        away = unit in self._flapping and monotonic_us() // self._flap_us % 2
        if unit not in self._meters or unit in self._dead or away:
            return None
        return self._meters[unit].answer(frame)

    def write_truth(self) -> None:
        """Bring all truth files up to the present."""
        for core in self._cores.values():
            core.write_truth()


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="sdm630_bus", description="Many SDM630 on one line.")
    placement_options(parser)
    parser.add_argument("--link", type=Path, required=True, help="path under which the pty shall be found")
    parser.add_argument("--units", type=int, required=True, help="units 1 to so many")
    parser.add_argument("--dead", type=int, action="append", default=[], help="a unit that never answers")
    parser.add_argument("--flapping", type=int, action="append", default=[], help="a unit that comes and goes")
    parser.add_argument("--flap-s", type=int, default=20, help="how long it is there, and away")
    parser.add_argument("--log", type=Path, required=True, help="a line for each question")
    options = parser.parse_args(arguments)
    die_with_parent()
    end_on_signal()
    placement = placement_from(options)
    cores = {}
    for unit in range(1, options.units + 1):
        truth = None if placement.truth is None else placement.truth.with_name(f"{placement.truth.name}-{unit}.csv")
        cores[unit] = MeterCore(replace(placement, seed=placement.seed + unit, truth=truth))
    bus = Bus(cores, set(options.dead), set(options.flapping), options.flap_s * 1_000_000)
    line = RtuLine(options.link, BAUD_BD)
    try:
        with options.log.open("w", encoding="ascii", buffering=1) as log:
            bus.write_truth()
            print(f"ready {options.link}", flush=True)
            while True:
                bus.write_truth()
                frame, heard_us = line.receive(TICK_US)
                if len(frame) < 4 or crc16(frame[:-2]) != frame[-2:]:
                    continue
                sleep_until(heard_us + silence_us(BAUD_BD) + placement.turnaround_us)
                answer = bus.answer(frame)
                address, count = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
                log.write(f"{frame[0]} {heard_us} {int(answer is not None)} {address} {count}\n")
                if answer is not None:
                    line.send(answer)
    finally:
        line.close()
        for core in cores.values():
            core.close()


if __name__ == "__main__":
    main()
