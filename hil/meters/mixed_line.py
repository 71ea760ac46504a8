"""Devices of different makes on one line, on a pty, each at its own speed: what an installer finds who scans.

Each device is a file of registers (`function address: word word ..`, hexadecimal words, `#` begins a comment); it
answers only when the master's speed is its own, for at another it hears no frame, and answers exception 2 for what its
file does not name. A pty has no parity, so neither have these. Notes each question: speed, unit, function, address,
count, whether it was answered. (Modbus over Serial Line V1.02, 2.5; Application Protocol V1.1b3, 6.3, 6.4, 7)
"""

import argparse
import struct
import termios
from dataclasses import dataclass
from pathlib import Path

from ..house_time import monotonic_us
from ..lifetime import die_with_parent, end_on_signal
from .rtu_line import _SPEEDS, RtuLine, silence_us, sleep_until
from .sdm630_rtu import crc16

TICK_US = 200_000
TURNAROUND_US = 30_000
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
_BAUDS_BD = {speed: baud_bd for baud_bd, speed in _SPEEDS.items()}

Registers = dict[tuple[int, int], int]
"""(function, address) -> word."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device: its number, its speed, what it holds, and how long it thinks."""

    unit: int
    baud_bd: int
    registers: Registers
    turnaround_us: int = TURNAROUND_US

    def answer(self, frame: bytes) -> bytes | None:
        """The answer to a sound frame that was heard at this device's speed; None where it stays silent."""
        if len(frame) != 8 or frame[0] != self.unit:
            return None
        function, address, count = struct.unpack(">BHH", frame[1:6])
        if function not in (3, 4):
            return self._refusal(function, ILLEGAL_FUNCTION)
        if not 1 <= count <= 125:
            return self._refusal(function, ILLEGAL_VALUE)
        words = [self.registers.get((function, address + n)) for n in range(count)]
        if None in words:
            return self._refusal(function, ILLEGAL_ADDRESS)
        return _framed(struct.pack(f">BBB{count}H", self.unit, function, 2 * count, *words))

    def _refusal(self, function: int, code: int) -> bytes:
        return _framed(bytes((self.unit, function | 0x80, code)))


class MixedLine(RtuLine):
    """A line whose speed is the master's: everybody else hears noise."""

    @property
    def master_bd(self) -> int:
        """The speed at which the other side spoke last."""
        return self._baud_bd

    def receive(self, timeout_us: int) -> tuple[bytes, int]:
        """As before, at whatever speed the other side has when its first character comes."""
        if not self._readable(timeout_us):
            return b"", monotonic_us()
        self._baud_bd = _BAUDS_BD.get(termios.tcgetattr(self._theirs)[5], self._baud_bd)
        return super().receive(0)


def parse_registers(text: str) -> Registers:
    """The registers of a device's file. Raises ValueError with the line's number."""
    found: Registers = {}
    for number, line in enumerate(text.splitlines(), 1):
        content = line.split("#", 1)[0].strip()
        if not content:
            continue
        place, colon, words = content.partition(":")
        try:
            function, address = (int(word, 0) for word in place.split())
            listed = [int(word, 16) for word in words.split()]
        except ValueError as error:
            raise ValueError(f"line {number}: expected `function address: word word ..`, got {content!r}") from error
        if not colon or not listed or function not in (3, 4) or max(listed) > 0xFFFF:
            raise ValueError(f"line {number}: expected `function address: word word ..`, got {content!r}")
        found.update({(function, address + n): word for n, word in enumerate(listed)})
    return found


def parse_device(text: str) -> Device:
    """`UNIT:BAUD:FILE` or `UNIT:BAUD:FILE:MILLISECONDS`, the last its time to think."""
    unit, baud_bd, path, *rest = text.split(":")
    turnaround_us = int(rest[0]) * 1000 if rest else TURNAROUND_US
    return Device(int(unit), int(baud_bd), parse_registers(Path(path).read_text(encoding="utf-8")), turnaround_us)


def _framed(body: bytes) -> bytes:
    return body + crc16(body)


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="mixed_line", description="Devices of different makes and speeds on a line.")
    parser.add_argument("--link", type=Path, required=True, help="path under which the pty shall be found")
    parser.add_argument("--device", type=parse_device, action="append", required=True, help="UNIT:BAUD:FILE[:MS]")
    parser.add_argument("--log", type=Path, help="a line for each question")
    options = parser.parse_args(arguments)
    die_with_parent()
    end_on_signal()
    devices: list[Device] = options.device
    line = MixedLine(options.link, devices[0].baud_bd)
    log = (options.log or Path("/dev/null")).open("a", encoding="ascii", buffering=1)
    try:
        print(f"ready {options.link}", flush=True)
        while True:
            frame, heard_us = line.receive(TICK_US)
            if len(frame) < 4 or crc16(frame[:-2]) != frame[-2:]:
                continue
            baud_bd = line.master_bd
            hearing = [device for device in devices if device.baud_bd == baud_bd]
            answers = [(device, device.answer(frame)) for device in hearing]
            said = [(device, answer) for device, answer in answers if answer is not None]
            function, address, count = struct.unpack(">BHH", frame[1:6]) if len(frame) == 8 else (frame[1], 0, 0)
            log.write(f"{baud_bd} {frame[0]} {function} {address} {count} {len(said)}\n")
            if not said:
                continue
            sleep_until(heard_us + silence_us(baud_bd) + said[0][0].turnaround_us)
            # Two of one number talk at the same time: what arrives is neither's.
            line.send(said[0][1] if len(said) == 1 else bytes(byte ^ 0x55 for byte in said[0][1]))
    finally:
        line.close()
        log.close()


if __name__ == "__main__":
    main()
