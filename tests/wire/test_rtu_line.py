"""Modbus RTU on a pty at the pace of a 9600 baud line."""

import os
from pathlib import Path

import pytest
import serial

from drivers import NoAnswerError, SystemTicker, TransportLostError, load_profile
from drivers.build import open_polled
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.serial import SerialTransport
from tests.protocol.modbus_bytes import float_words, registers_pdu, rtu, rtu_answer
from tests.wire.slaves import Answer, PtySlave

SLOW_S = 0.5  # later than a timeout of 300 ms, earlier than the end of a quiet of 800 ms


def link_to(slave: PtySlave, timeout_ms: int = 1000, quiet_ms: int = 50) -> ModbusLink:
    ticker = SystemTicker()
    transport = SerialTransport(slave.port, 9600, ticker)
    return ModbusLink(
        transport, Framing.RTU, ticker, timeout_us=timeout_ms * 1000, quiet_us=quiet_ms * 1000, baud_bd=9600
    )


def address_of(request: bytes) -> int:
    return int.from_bytes(request[2:4], "big")


def holds(values: dict[int, int]) -> Answer:
    return lambda request: [(0.01, rtu_answer(request, values))]


def late_at_first() -> Answer:
    """Each register holds its own address; the first answer comes after the master has given up."""
    delays = iter([SLOW_S])

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        first = address_of(request)
        return [(next(delays, 0.01), rtu(request[0], registers_pdu(4, [first, first + 1])))]

    return answer


def naive_read(port: serial.Serial, address: int, timeout_s: float) -> list[int]:
    """What an unguarded master does: write, read as many bytes as asked for, believe them."""
    port.timeout = timeout_s
    port.write(rtu(1, b"\x04" + address.to_bytes(2, "big") + b"\x00\x02"))
    answer = port.read(9)
    return [int.from_bytes(answer[n : n + 2], "big") for n in (3, 5)] if len(answer) == 9 else []


def test_registers_come_over_a_line_that_takes_its_time() -> None:
    with PtySlave(holds({n: n * 3 for n in range(100)})) as slave:
        link = link_to(slave)
        reply = link.read_registers(1, 4, 40, 30)
        link.close()
    assert reply.words == tuple(n * 3 for n in range(40, 70))
    # 8 + 65 characters of 11 bits at 9600 baud cannot take less than 83 ms
    assert reply.received_us - reply.sent_us >= 73 * 11 * 1_000_000 // 9600


def test_without_a_guard_a_late_answer_is_taken_for_the_next_question() -> None:
    """The positive control: this is what the guard is there against."""
    with PtySlave(late_at_first()) as slave, serial.Serial(slave.port, 9600) as port:
        assert naive_read(port, 0x48, timeout_s=0.2) == []
        assert naive_read(port, 0x4A, timeout_s=5) == [0x48, 0x49]


def test_with_the_guard_a_late_answer_is_never_taken() -> None:
    with PtySlave(late_at_first()) as slave:
        link = link_to(slave, timeout_ms=300, quiet_ms=800)
        with pytest.raises(NoAnswerError):
            link.read_registers(1, 4, 0x48, 2)
        assert link.read_registers(1, 4, 0x4A, 2).words == (0x4A, 0x4B)
        assert link.counters.discarded_bytes == 9
        link.close()


def test_a_silent_unit_costs_the_others_on_the_line_nothing_but_time() -> None:
    def answer(request: bytes) -> list[tuple[float, bytes]]:
        return [] if request[0] == 2 else [(0.01, rtu(request[0], registers_pdu(4, [request[0], 0])))]

    with PtySlave(answer) as slave:
        link = link_to(slave, timeout_ms=500)
        assert link.read_registers(1, 4, 0, 2).words == (1, 0)
        with pytest.raises(NoAnswerError):
            link.read_registers(2, 4, 0, 2)
        assert link.read_registers(3, 4, 0, 2).words == (3, 0)
        link.close()


def test_an_sdm630_is_read_over_the_line() -> None:
    table = dict.fromkeys(range(80), 0)
    for address, value in ((0x48, 1234.5), (0x4A, 5678.25), (0x34, 750.0)):
        table.update({address + n: word for n, word in enumerate(float_words(value))})
    with PtySlave(holds(table)) as slave:
        meter = open_polled(load_profile("eastron-sdm630"), link_to(slave), 1)
        sample = meter.read()
        meter.close()
    assert sample.snapshot.energy_import is not None
    assert sample.snapshot.energy_export is not None
    assert sample.snapshot.energy_import.milliwh == 1_234_500_000
    assert sample.snapshot.energy_export.milliwh == 5_678_250_000
    assert sample.snapshot.power_milliw == 750_000


def test_a_port_that_does_not_exist_is_told_with_the_mend() -> None:
    with pytest.raises(TransportLostError, match="/dev/ttyNONE: does not exist"):
        SerialTransport("/dev/ttyNONE", 9600, SystemTicker()).open()


def test_a_file_that_is_no_port_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(TransportLostError, match="not a serial port"):
        SerialTransport(str(path), 9600, SystemTicker()).open()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every port")
def test_a_port_of_somebody_else_is_told_with_the_group() -> None:
    with PtySlave(holds({})) as slave:
        Path(slave.port).chmod(0)
        with pytest.raises(TransportLostError, match="dialout"):
            SerialTransport(slave.port, 9600, SystemTicker()).open()


def test_a_port_is_held_by_one_program_at_a_time() -> None:
    with PtySlave(holds({})) as slave:
        first = SerialTransport(slave.port, 9600, SystemTicker())
        second = SerialTransport(slave.port, 9600, SystemTicker())
        first.open()
        with pytest.raises(TransportLostError, match="busy"):
            second.open()
        first.close()
        second.open()
        second.close()


def test_an_adapter_pulled_out_is_lost_and_the_port_closed() -> None:
    slave = PtySlave(holds({0: 1}))
    with slave:
        link = link_to(slave)
        assert link.read_registers(1, 4, 0, 1).words == (1,)
    with pytest.raises(TransportLostError):  # leaving the block has pulled it out
        link.read_registers(1, 4, 0, 1)
    assert link.counters.lost >= 1


def test_draining_returns_what_has_come_and_does_not_wait() -> None:
    with PtySlave(holds({})) as slave:
        transport = SerialTransport(slave.port, 9600, SystemTicker())
        transport.open()
        slave.send(b"abc")  # as another master on the line
        assert transport.read(1, SystemTicker().monotonic_us() + 5_000_000) == b"a"
        assert transport.drain() == b"bc"
        assert transport.drain() == b""
        transport.close()


def test_a_line_that_is_known_to_take_its_time_is_read_as_any_other() -> None:
    with PtySlave(holds({n: n * 3 for n in range(100)})) as slave:
        ticker = SystemTicker()
        transport = SerialTransport(slave.port, 9600, ticker)
        link = ModbusLink(
            transport, Framing.RTU, ticker, timeout_us=1_000_000, quiet_us=50_000, baud_bd=9600, is_paced=True
        )
        rows = [link.read_registers(1, 4, 40, 30).words for _ in range(5)]
        link.close()
    assert rows == [tuple(n * 3 for n in range(40, 70))] * 5
    assert (link.counters.answers, link.counters.noise) == (5, 0)
