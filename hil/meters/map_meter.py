"""A meter of any known model in a simulated house, over Modbus TCP on loopback or Modbus RTU on a pty.

What it shows is the house's count, in the digits and words of the model (`models`). Which profile it will be read by
it does not know. Says `ready ADDRESS` once it serves.
"""

import argparse
import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

from ..house_time import monotonic_us
from ..lifetime import die_with_parent, end_on_signal
from .core import MeterCore, placement_from, placement_options
from .models import MODELS
from .rtu_line import RtuLine, silence_us, sleep_until
from .slave import Slave

HOST = "127.0.0.1"
TICK_US = 200_000
HEADER = 7  # transaction, protocol, length, unit


@contextlib.contextmanager
def tcp_served(slave: Slave, port: int = 0, turnaround_us: int = 0) -> Iterator[int]:
    """Serve `slave` on loopback in a thread; yields the port. Raises OSError where it cannot be had."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                while (frame := _frame(self.request)) is not None:
                    sleep_until(monotonic_us() + turnaround_us)
                    answer = slave.answer_tcp(frame)
                    if answer is not None:
                        self.request.sendall(answer)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server((HOST, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def _frame(connection: socket.socket) -> bytes | None:
    """One request with its header; None at the end."""
    head = _exactly(connection, HEADER)
    if head is None:
        return None
    rest = _exactly(connection, int.from_bytes(head[4:6], "big") - 1)
    return None if rest is None else head + rest


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    found = b""
    while len(found) < size:
        chunk = connection.recv(size - len(found))
        if not chunk:
            return None
        found += chunk
    return found


def answer_line(line: RtuLine, slave: Slave, baud_bd: int, turnaround_us: int, timeout_us: int = TICK_US) -> None:
    """Wait for one request on the line, and answer it at the pace of the wire."""
    frame, heard_us = line.receive(timeout_us)
    answer = slave.answer_rtu(frame) if frame else None
    if answer is not None:
        sleep_until(heard_us + silence_us(baud_bd) + turnaround_us)
        line.send(answer)


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM. `arguments` as on the command line (`python -m hil.meters.map_meter --help`)."""
    parser = argparse.ArgumentParser(prog="map_meter", description="A simulated meter of a known model.")
    placement_options(parser)
    parser.add_argument("--model", choices=sorted(MODELS), required=True, help="which meter")
    parser.add_argument("--tcp-port", type=int, default=0, help="port on loopback; 0 = any free one")
    parser.add_argument("--link", type=Path, default=None, help="serial: path under which the pty shall be found")
    parser.add_argument("--baud", type=int, default=None, help="serial: baud rate; default: the model's own")
    parser.add_argument("--unit", type=int, default=1, help="Modbus unit id")
    parser.add_argument("--refuse-holes", action="store_true", help="exception 2 for addresses between its registers")
    options = parser.parse_args(arguments)
    die_with_parent()
    end_on_signal()
    core, model = MeterCore(placement_from(options)), MODELS[options.model]
    slave = Slave(
        options.unit,
        lambda: model.registers(core.shown(), core.serial).words,
        model.most_registers,
        holes_read_zero=not options.refuse_holes,
    )
    try:
        core.write_truth()
        if options.link is None:
            _serve_tcp(slave, core, options.tcp_port)
        else:
            _serve_line(slave, core, options.link, options.baud or model.baud_bd)
    finally:
        core.close()


def _serve_tcp(slave: Slave, core: MeterCore, port: int) -> None:
    with tcp_served(slave, port, core.placement.turnaround_us) as served:
        print(f"ready {HOST}:{served}", flush=True)
        while True:
            core.write_truth()
            sleep_until(monotonic_us() + TICK_US)


def _serve_line(slave: Slave, core: MeterCore, link: Path, baud_bd: int) -> None:
    line = RtuLine(link, baud_bd)
    try:
        print(f"ready {link}", flush=True)
        while True:
            core.write_truth()
            answer_line(line, slave, baud_bd, core.placement.turnaround_us)
    finally:
        line.close()


if __name__ == "__main__":
    main()
