"""Modbus TCP over real sockets on loopback."""

import socket

import pytest

from drivers import NoAnswerError, SystemTicker, TransportLostError
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.tcp import TcpTransport
from tests.protocol.modbus_bytes import registers_pdu, tcp, tcp_answer
from tests.wire.slaves import Answer, TcpSlave


def link_to(slave: TcpSlave, timeout_ms: int = 2000, quiet_ms: int = 50) -> ModbusLink:
    ticker = SystemTicker()
    transport = TcpTransport(slave.host, slave.port, ticker)
    return ModbusLink(transport, Framing.TCP, ticker, timeout_us=timeout_ms * 1000, quiet_us=quiet_ms * 1000)


def holds(values: dict[int, int]) -> Answer:
    return lambda request: [(0, tcp_answer(request, values))]


def address_of(request: bytes) -> int:
    return int.from_bytes(request[8:10], "big")


def test_registers_come_over_a_socket() -> None:
    with TcpSlave(holds({n: n * 3 for n in range(200)})) as slave:
        link = link_to(slave)
        assert link.read_registers(1, 3, 0, 125).words == tuple(n * 3 for n in range(125))
        assert link.read_registers(1, 3, 125, 2).words == (375, 378)
        assert slave.connections == 1
        link.close()


def test_an_answer_in_single_bytes_is_put_together() -> None:
    def answer(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.001, bytes([byte])) for byte in tcp_answer(request, {0: 7, 1: 8})]

    with TcpSlave(answer) as slave:
        link = link_to(slave, timeout_ms=5000)
        assert link.read_registers(1, 3, 0, 2).words == (7, 8)
        link.close()


def test_a_late_answer_is_never_taken_even_behind_a_gateway_that_mixes_up_numbers() -> None:
    """A converter that gives a late serial answer the number of the newest question defeats the transaction id."""
    late: list[bytes] = []

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        number, first = int.from_bytes(request[:2], "big"), address_of(request)
        if not late:
            late.append(b"given")
            return [(0.5, tcp(number + 1, 1, registers_pdu(3, [first, first + 1])))]
        return [(0, tcp(number, 1, registers_pdu(3, [first, first + 1])))]

    with TcpSlave(answer) as slave:
        link = link_to(slave, timeout_ms=300, quiet_ms=800)
        with pytest.raises(NoAnswerError):
            link.read_registers(1, 3, 0x48, 2)
        assert link.read_registers(1, 3, 0x4A, 2).words == (0x4A, 0x4B)
        link.close()


def test_a_device_that_hangs_up_between_questions_is_called_again_unasked() -> None:
    with TcpSlave(holds({0: 5})) as slave:
        slave.hang_up_after = 1
        ticker = SystemTicker()
        transport = TcpTransport(slave.host, slave.port, ticker)
        link = ModbusLink(transport, Framing.TCP, ticker, timeout_us=2_000_000)
        assert link.read_registers(1, 3, 0, 1).words == (5,)
        with pytest.raises(TransportLostError):  # wait until the hang-up has arrived
            transport.read(1, ticker.monotonic_us() + 5_000_000)
        assert link.read_registers(1, 3, 0, 1).words == (5,)
        assert slave.connections == 2
        assert link.counters.lost == 1
        link.close()


def test_a_device_that_hangs_up_in_mid_answer_is_lost_and_found_again() -> None:
    def answer(request: bytes) -> list[tuple[float, bytes]]:
        return [(0, tcp_answer(request, {0: 5})[: 5 if len(slave.requests) == 1 else None])]

    slave = TcpSlave(answer)
    slave.hang_up_after = 1
    with slave:
        link = link_to(slave)
        with pytest.raises(TransportLostError, match="closed the connection"):
            link.read_registers(1, 3, 0, 1)
        assert link.read_registers(1, 3, 0, 1).words == (5,)
        link.close()


def test_a_port_where_nobody_listens_is_told_with_the_mend() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(TransportLostError, match=f"127.0.0.1:{port}: connection refused"):
        TcpTransport("127.0.0.1", port, SystemTicker()).open()


def test_a_name_that_is_none_is_told() -> None:
    with pytest.raises(TransportLostError, match="unknown host name"):
        TcpTransport("no host", 502, SystemTicker()).open()
