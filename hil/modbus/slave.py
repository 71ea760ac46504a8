"""Misbehaving devices on real ptys and sockets: a process of their own, one thread a line, by the same plan.

`python -m hil.modbus.slave --seed S --first N --last M --step K --lines L --folder F`. Says `ready PORT ..`, a word a
line, then `did NUMBER` as each fault has happened. Never answers later than it promised: what a busy machine would
delay beyond the device's worst is not sent at all. Shares no code with the driver.
"""

import argparse
import contextlib
import heapq
import os
import select
import socket
import struct
import threading
import time
import tty
from pathlib import Path

from ..house_time import monotonic_us
from ..lifetime import die_with_parent, end_on_signal
from .faults import MOST_STEPS, STEPS_A_FAULT, STRIDE, Fault, Framing, Setting, Step, real_setting, steps
from .faults import fault as fault_of
from .frames import RTU_REQUEST_BYTES, Request, take_request
from .inject import happen
from .scene import Stretch

PIECE_US = 3_000
"""A stretch is written in pieces no longer than this."""


def plan_of_line(seed: int, numbers: range, line: int, lines: int) -> tuple[Setting, list[Step]]:
    """Which of the faults `numbers` fall on this line, and how it is asked. The same for both ends."""
    setting = real_setting(seed, line)
    mine: list[Fault] = [fault_of(seed, n, setting.framing) for n in numbers[line::lines]]
    if len(mine) * STEPS_A_FAULT > MOST_STEPS:
        raise ValueError(f"{len(mine)} faults are too many for one line")
    return setting, steps(setting, mine)


class PtyWire:
    """A serial line whose near end stands at a path; pulled out and plugged in again at will."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self.address = str(link)
        self._ours = self._theirs = -1
        self.plug_in()

    def plug_in(self) -> None:
        """Make a fresh pty and put it at the path."""
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        fresh = self._link.with_suffix(".new")
        fresh.symlink_to(os.ttyname(self._theirs))
        fresh.replace(self._link)

    def hear(self, timeout_s: float) -> bytes | None:
        """What came in time; None once the other side is gone."""
        if not select.select([self._ours], [], [], timeout_s)[0]:
            return b""
        try:
            return os.read(self._ours, 4096)
        except OSError:
            return b""

    def say(self, data: bytes) -> None:
        """Write what fits: nobody may listen, and a line does not wait."""
        with contextlib.suppress(OSError):
            os.write(self._ours, data)

    def lose(self) -> None:
        """Pull it out, and plug it in again."""
        os.close(self._ours)
        os.close(self._theirs)
        self.plug_in()


class SocketWire:
    """A listening socket with one connection at a time."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:" + str(self._listener.getsockname()[1])
        self._connection: socket.socket | None = None

    def hear(self, timeout_s: float) -> bytes | None:
        waiting = [self._listener, *([self._connection] if self._connection else [])]
        ready = select.select(waiting, [], [], timeout_s)[0]
        if self._listener in ready:
            fresh, _ = self._listener.accept()
            fresh.setblocking(False)
            fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._hang_up(reset=False)
            self._connection = fresh
            return None
        if self._connection in ready and self._connection is not None:
            try:
                data = self._connection.recv(4096)
            except OSError:
                data = b""
            if not data:
                self._hang_up(reset=False)
                return None
            return data
        return b""

    def say(self, data: bytes) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.send(data)

    def lose(self) -> None:
        self._hang_up(reset=True)

    def _hang_up(self, reset: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if reset:  # RST, not FIN
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()


class Slave(threading.Thread):
    """One line's device. Its own clock; half of its life it waits."""

    def __init__(self, wire: PtyWire | SocketWire, setting: Setting, plan: list[Step]) -> None:
        super().__init__(daemon=True)
        self._wire, self._setting = wire, setting
        self._plan = {step.index: step for step in plan}
        self._due: list[tuple[int, int, bytes | None, int]] = []
        """(when, order, bytes or None for the loss of the line, no later than)."""
        self._order = 0
        self._deaf_until_us = 0
        self._kept: tuple[int, Request] | None = None

    def run(self) -> None:
        """Serve for ever: the process ends with its parent."""
        heard = bytearray()
        while True:
            now_us = monotonic_us()
            while self._due and self._due[0][0] <= now_us:
                self._do_one(now_us)
            wait_s = min(1.0, (self._due[0][0] - now_us) / 1e6) if self._due else 1.0
            data = self._wire.hear(max(0.0, wait_s))
            if data is None:  # a connection begins or ends: what was under way in it is gone
                heard.clear()
                self._due = []
                continue
            heard += data
            while (request := take_request(heard, self._setting.framing is Framing.TCP)) is not None:
                self._meet(request, monotonic_us())

    def _meet(self, request: Request, now_us: int) -> None:
        from_us = now_us + RTU_REQUEST_BYTES * self._setting.character_us
        if from_us < self._deaf_until_us:
            return
        step = self._plan.get(request.address // STRIDE)
        happening = happen(self._setting, request, step.fault if step else None)
        self._keep_back(request, from_us)
        number = step.fault.number if step is not None and step.fault is not None else 0
        for stretch in happening.stretches:
            self._plan_stretch(stretch, from_us, number)
            number = 0  # told with the first byte of it
        if happening.lost_at_us is not None:
            self._put(from_us + happening.lost_at_us, None, number)
        elif number:
            _tell(number)  # silence is all that happens
        self._deaf_until_us = max(self._deaf_until_us, from_us + happening.deaf_until_us)
        if happening.gateway_keeps_us is not None:
            self._kept = (from_us + happening.gateway_keeps_us, request)

    def _keep_back(self, request: Request, from_us: int) -> None:
        """A gateway that still waits for the answer before gives it to this question."""
        kept, self._kept = self._kept, None
        if kept is not None and from_us <= kept[0] and request.transaction is not None:
            late = happen(self._setting, kept[1], None).stretches[0].data
            self._put(kept[0], request.transaction.to_bytes(2, "big") + late[2:])

    def _plan_stretch(self, stretch: Stretch, from_us: int, number: int) -> None:
        apart_us = stretch.character_us
        size = max(1, PIECE_US // apart_us) if apart_us else max(1, len(stretch.data))
        for begin in range(0, len(stretch.data), size):
            piece = stretch.data[begin : begin + size]
            self._put(from_us + stretch.at_us + (begin + len(piece)) * apart_us, piece, 0 if begin else number)

    def _put(self, at_us: int, data: bytes | None, number: int = 0) -> None:
        # Half of the spare time that the near end adds to the worst: what would come later is not sent.
        heapq.heappush(self._due, (at_us, self._order, data, number))
        self._order += 1

    def _do_one(self, now_us: int) -> None:
        at_us, _, data, number = heapq.heappop(self._due)
        if data is None:
            self._wire.lose()
            self._due = []
        elif now_us > at_us + self._setting.worst_us // 4:
            return
        else:
            self._wire.say(data)
        if number:
            _tell(number)


def _tell(number: int) -> None:
    """A fault has happened. One write, so that the threads' lines do not mix."""
    os.write(1, f"did {number}\n".encode())


def main() -> None:
    """Serve until the parent ends."""
    parser = argparse.ArgumentParser(prog="slave", description="Misbehaving Modbus devices on ptys and sockets.")
    for name in ("seed", "first", "last", "step", "lines"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    die_with_parent()
    end_on_signal()
    addresses = []
    for line in range(options.lines):
        numbers = range(options.first, options.last + 1, options.step)
        setting, plan = plan_of_line(options.seed, numbers, line, options.lines)
        is_pty = setting.framing is Framing.RTU
        wire = PtyWire(options.folder / f"line-{line}") if is_pty else SocketWire()
        addresses.append(wire.address)
        Slave(wire, setting, plan).start()
    print("ready " + " ".join(addresses), flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
