"""Many Modbus TCP meters in one process: each on a port of its own, each answering at once.

`python -m hil.bench.tcp_farm --meters N --ports FILE --log FILE`. Writes the ports to FILE, a line each, says `ready
FILE`, and when it is ended writes (meter, CLOCK_MONOTONIC ns) of every request to the log, as int64 pairs. Shares no
code with the driver.
"""

import argparse
import contextlib
import select
import socket
import struct
import time
from array import array
from pathlib import Path

from ..lifetime import die_with_parent, end_on_signal
from ..modbus.frames import TCP_REQUEST_BYTES

HOST = "127.0.0.1"
REGISTERS = 60
PROFILE = """\
vendor = "netmeter-hil"
title = "one of many: 60 registers in one block"
family = "modbus"
function = 3
word_order = "big"
update_lag_ms = 0
update_lag_source = "simulated"

[[registers]]
name = "energy_import"
address = 0
type = "uint32"
unit = "Wh"
source = "simulated"
confirmed = true

[[registers]]
name = "energy_export"
address = 2
type = "uint32"
unit = "Wh"
source = "simulated"
confirmed = true

[[registers]]
name = "power"
address = 4
type = "int32"
unit = "W"
source = "simulated"
confirmed = true

"""
PROFILE += "".join(
    f"""\
[[registers]]
name = "value_{address}"
address = {address}
type = "uint32"
source = "simulated"
confirmed = true

"""
    for address in range(6, REGISTERS, 6)
)
PROFILE += """\
[[vectors]]
title = "one and two Wh"
source = "synthetic"
[[vectors.blocks]]
address = 0
words = [0, 1, 0, 2, 0, 3]
[vectors.expected]
energy_import_milliwh = 1_000
energy_export_milliwh = 2_000
power_milliw = 3_000
"""
_REST = bytes(range(2 * (REGISTERS - 6)))


class Farm:
    """All meters, in one thread."""

    def __init__(self, meters: int) -> None:
        self._poll = select.epoll()
        self._listeners: dict[int, tuple[socket.socket, int]] = {}
        self._connections: dict[int, tuple[socket.socket, int]] = {}
        self.asked: array[int] = array("q")
        self.ports: list[int] = []
        for number in range(meters):
            listener = socket.create_server((HOST, 0))
            listener.setblocking(False)
            self._listeners[listener.fileno()] = (listener, number)
            self._poll.register(listener, select.EPOLLIN)
            self.ports.append(listener.getsockname()[1])
        self._begun_s = time.monotonic()

    def serve(self) -> None:
        """Until a signal."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._listeners:
                    self._accept(descriptor)
                else:
                    self._answer(descriptor)

    def _accept(self, descriptor: int) -> None:
        listener, number = self._listeners[descriptor]
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections[connection.fileno()] = (connection, number)
            self._poll.register(connection, select.EPOLLIN)

    def _answer(self, descriptor: int) -> None:
        connection, number = self._connections[descriptor]
        now_ns = time.monotonic_ns()
        try:
            request = connection.recv(64)
        except OSError:
            request = b""
        if not request:
            self._poll.unregister(descriptor)
            del self._connections[descriptor]
            connection.close()
            return
        self.asked.extend((number, now_ns))
        if len(request) == TCP_REQUEST_BYTES:
            with contextlib.suppress(OSError):
                connection.send(self._frame(request, number))

    def _frame(self, request: bytes, number: int) -> bytes:
        transaction, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", request)
        if address + count > REGISTERS:
            return struct.pack(">HHHBBB", transaction, 0, 3, unit, function | 0x80, 2)
        passed_s = int(time.monotonic() - self._begun_s)
        body = struct.pack(">IIi", 1_000_000 + number + passed_s, 2_000_000 + passed_s // 2, 1800) + _REST
        data = body[2 * address : 2 * (address + count)]
        return struct.pack(">HHHBBB", transaction, 0, 3 + len(data), unit, function, len(data)) + data


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="tcp_farm", description="Many Modbus TCP meters.")
    parser.add_argument("--meters", type=int, required=True)
    parser.add_argument("--ports", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    options = parser.parse_args()
    die_with_parent()
    end_on_signal()
    farm = Farm(options.meters)
    options.ports.write_text("\n".join(map(str, farm.ports)) + "\n", encoding="ascii")
    try:
        print(f"ready {options.ports}", flush=True)
        farm.serve()
    finally:
        options.log.write_bytes(farm.asked.tobytes())


if __name__ == "__main__":
    main()
