"""A slave on a real socket or a pty, and the link that asks it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers import SystemTicker
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.serial import SerialTransport
from drivers.transport.tcp import TcpTransport
from hil.meters.map_meter import answer_line, tcp_served
from hil.meters.rtu_line import RtuLine
from hil.meters.slave import Slave

FAST_BD = 115_200


@contextmanager
def over_tcp(slave: Slave, _folder: Path, timeout_us: int = 5_000_000) -> Iterator[ModbusLink]:
    ticker = SystemTicker()
    with tcp_served(slave) as port:
        link = ModbusLink(TcpTransport("127.0.0.1", port, ticker), Framing.TCP, ticker, timeout_us=timeout_us)
        try:
            yield link
        finally:
            link.close()


@contextmanager
def over_rtu(slave: Slave, folder: Path) -> Iterator[ModbusLink]:
    ticker, stop = SystemTicker(), threading.Event()
    line = RtuLine(folder / "port", FAST_BD)

    def serve() -> None:
        while not stop.is_set():
            answer_line(line, slave, FAST_BD, 0, timeout_us=20_000)

    thread = threading.Thread(target=serve)
    thread.start()
    transport = SerialTransport(line.device, FAST_BD, ticker)
    link = ModbusLink(transport, Framing.RTU, ticker, timeout_us=5_000_000, quiet_us=20_000, baud_bd=FAST_BD)
    try:
        yield link
    finally:
        link.close()
        stop.set()
        thread.join()
        line.close()


WAYS = {"tcp": over_tcp, "rtu": over_rtu}
