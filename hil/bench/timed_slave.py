"""A Modbus RTU device on a pty that takes exactly the time of its line, and notes when it was asked.

`python -m hil.bench.timed_slave --link PATH --baud N --bits 10|11`. Answers any read of any unit; its register at each
address is that address. It begins to answer when the standard's silence after the question is over, not later: what
is left of a cycle is the master's. Prints `ready PATH`, then for each question `asked NANOSECONDS`: how long after the
last byte of the answer before (or its own start) the question's first byte came. Shares no code with the driver.
"""

import argparse
import os
import select
import time
import tty
from pathlib import Path

from ..lifetime import die_with_parent, end_on_signal
from ..modbus.frames import Request, exception_pdu, framed, registers_pdu, take_request

NS_PER_S = 1_000_000_000
SPIN_NS = 150_000
"""A sleep wakes up late by about this much: the rest is waited for awake."""


def character_ns(baud_bd: int, bits: int) -> int:
    """Time of a character on the line."""
    return bits * NS_PER_S // baud_bd


def silence_ns(baud_bd: int, bits: int) -> int:
    """The standard's 3.5 characters; fixed above 19200 baud (2.5.1.1)."""
    return 1_750_000 if baud_bd > 19200 else 7 * character_ns(baud_bd, bits) // 2


def wait_until(instant_ns: int) -> None:
    """Sleep, then spin: on time within microseconds on a machine that is not busy."""
    while (left_ns := instant_ns - time.monotonic_ns()) > 0:
        if left_ns > SPIN_NS:
            time.sleep((left_ns - SPIN_NS) / NS_PER_S)


class TimedLine:
    """The device's end."""

    def __init__(self, baud_bd: int, bits: int) -> None:
        self._character_ns, self._silence_ns = character_ns(baud_bd, bits), silence_ns(baud_bd, bits)
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.device = os.ttyname(self._theirs)
        self._free_since_ns = time.monotonic_ns()

    def serve_one(self) -> int:
        """Hear one question and answer it; how long the line had been free before it, ns."""
        heard = bytearray()
        select.select([self._ours], [], [])
        begun_ns = time.monotonic_ns()
        while (request := take_request(heard, is_tcp=False)) is None:
            heard += os.read(self._ours, 256)
        gap_ns = begun_ns - self._free_since_ns
        self._answer(request, begun_ns + 8 * self._character_ns + self._silence_ns)
        return gap_ns

    def _answer(self, request: Request, begin_ns: int) -> None:
        if request.function in (3, 4):
            words = tuple(address & 0xFFFF for address in range(request.address, request.address + request.count))
            frame = framed(request, registers_pdu(request.function, words))
        else:
            frame = framed(request, exception_pdu(request.function, 1))
        # Each byte is there when it has left the line; what is due together is written together.
        sent = 0
        while sent < len(frame):
            wait_until(begin_ns + (sent + 1) * self._character_ns)
            # Noted before it is written: the master may have it before this process runs again.
            self._free_since_ns = time.monotonic_ns()
            due = max(sent + 1, min(len(frame), (self._free_since_ns - begin_ns) // self._character_ns))
            os.write(self._ours, frame[sent:due])
            sent = due


def main() -> None:
    """Serve until the parent ends."""
    parser = argparse.ArgumentParser(prog="timed_slave", description="A Modbus device that takes its line's time.")
    parser.add_argument("--link", type=Path, required=True)
    parser.add_argument("--baud", type=int, required=True)
    parser.add_argument("--bits", type=int, required=True)
    options = parser.parse_args()
    die_with_parent()
    end_on_signal()
    line = TimedLine(options.baud, options.bits)
    options.link.unlink(missing_ok=True)
    options.link.symlink_to(line.device)
    print(f"ready {options.link}", flush=True)
    while True:
        gap_ns = line.serve_one()
        os.write(1, f"asked {gap_ns}\n".encode())


if __name__ == "__main__":
    main()
