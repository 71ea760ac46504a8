"""A serial line at the far end of a network, through pyserial's own RFC 2217 server over a pty with line time."""

import contextlib
import socket
import threading

import pytest
import serial
import serial.rfc2217

from drivers import NoAnswerError, SystemTicker, TransportLostError
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.rfc2217 import Rfc2217Transport
from tests.protocol.modbus_bytes import rtu_answer
from tests.wire.slaves import Answer, PtySlave

TICKER = SystemTicker()
VALUES = {n: 0xFFFF - n for n in range(100)}  # 0xFF is telnet's escape: every byte of it must be doubled and undone


class PtyPort(serial.Serial):
    """A pty has no modem lines; the server's code asks for them."""

    cts = dsr = ri = cd = property(lambda _self: True)
    dtr = rts = property(lambda _self: True, lambda _self, _value: None)


class TerminalServer:
    """One RFC 2217 port on loopback in front of a serial device; one connection at a time."""

    def __init__(self, device: str) -> None:
        self._device = PtyPort(device, 9600, timeout=0.02)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.settings: list[tuple[int, str]] = []
        self._ending = threading.Event()
        self._connection: socket.socket | None = None
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def sendall(self, data: bytes) -> None:
        """`PortManager` calls it `write`."""
        assert self._connection is not None
        self._connection.sendall(data)

    write = sendall

    def _serve(self) -> None:
        while not self._ending.is_set():
            try:
                self._connection, _ = self._listener.accept()
            except OSError:
                return
            manager = serial.rfc2217.PortManager(self._device, self)
            reader = threading.Thread(target=self._pass_answers, args=(manager, self._connection), daemon=True)
            reader.start()
            with contextlib.suppress(OSError):
                while data := self._connection.recv(1024):
                    self._device.write(b"".join(manager.filter(data)))
            self.settings.append((self._device.baudrate, self._device.parity))
            connection, self._connection = self._connection, None
            reader.join()
            connection.close()

    def _pass_answers(self, manager: serial.rfc2217.PortManager, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while self._connection is connection:
                if data := self._device.read(256):
                    connection.sendall(b"".join(manager.escape(data)))

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._ending.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._threads[0].join(10)
        self._device.close()


def link_to(server: TerminalServer) -> ModbusLink:
    transport = Rfc2217Transport("127.0.0.1", server.port, 9600, TICKER)
    return ModbusLink(transport, Framing.RTU, TICKER, timeout_us=600_000, quiet_us=50_000, baud_bd=9600)


def holds() -> Answer:
    return lambda request: [(0.01, rtu_answer(request, VALUES))] if request[0] == 1 else []


def test_registers_full_of_telnets_escape_come_whole() -> None:
    with PtySlave(holds()) as slave:
        server = TerminalServer(slave.port)
        link = link_to(server)
        for first in (0, 30, 60):
            expected = tuple(VALUES[n] for n in range(first, first + 30))
            assert link.read_registers(1, 4, first, 30).words == expected
        with pytest.raises(NoAnswerError):
            link.read_registers(2, 4, 0, 1)
        assert link.read_registers(1, 4, 5, 1).words == (VALUES[5],)
        link.close()
        server.close()
    assert server.settings == [(9600, "N")]


def test_a_connection_that_ends_is_lost_and_made_again() -> None:
    with PtySlave(holds()) as slave:
        server = TerminalServer(slave.port)
        link = link_to(server)
        assert link.read_registers(1, 4, 0, 1).words == (VALUES[0],)
        server.hang_up()
        seen = 0
        for _ in range(5):
            try:
                seen += link.read_registers(1, 4, 1, 1).words == (VALUES[1],)
            except TransportLostError:
                continue
        assert seen >= 3
        assert link.counters.lost >= 1
        link.close()
        server.close()


def test_a_port_where_nobody_listens_is_told_with_the_mend() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TransportLostError, match="is the terminal server on"):
        Rfc2217Transport("127.0.0.1", port, 9600, TICKER).open()


def test_a_server_that_speaks_no_telnet_is_told_and_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = Rfc2217Transport("127.0.0.1", silent.getsockname()[1], 9600, TICKER)
        with pytest.raises(TransportLostError, match="RFC 2217"):
            transport.open()
        assert not transport.is_open
