"""Many conversations in one thread over real sockets on loopback."""

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers import DriverError, NoAnswerError, SystemTicker, TransportLostError
from drivers.modbus.codec import Framing
from drivers.modbus.line_times import LineTimes
from drivers.modbus.transaction import Reply, Transactor
from drivers.steps import Open, Read, Steps, WaitUntil, Write
from drivers.transport import resolver, sockets
from drivers.transport.endpoint import Endpoint
from drivers.transport.resolver import Address, Resolved, Resolver
from drivers.transport.sockets import Finished, SocketLoop
from tests.protocol.modbus_bytes import registers_pdu, rtu, rtu_answer, tcp_answer
from tests.protocol.test_link_tcp import TCP_TABLE
from tests.wire.slaves import TcpSlave

PATIENCE_US = 20_000_000
TICKER = SystemTicker()


@contextmanager
def looping() -> Iterator[SocketLoop]:
    loop = SocketLoop(TICKER)
    try:
        yield loop
    finally:
        loop.close()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def ends(loop: SocketLoop, count: int = 1) -> list[Finished]:
    """The next `count` conversations that end."""
    give_up_us = TICKER.monotonic_us() + PATIENCE_US
    finished: list[Finished] = []
    while len(finished) < count:
        assert TICKER.monotonic_us() < give_up_us, f"{len(finished)} of {count} ended"
        finished += loop.turn(give_up_us)
    return finished


def ask(loop: SocketLoop, endpoint: Endpoint, transactor: Transactor, count: int = 2) -> Any:
    loop.start(endpoint, transactor.ask(7, 4, 0x48, count))
    return ends(loop)[0].outcome


def transactor(
    framing: Framing = Framing.TCP, timeout_ms: int = 2000, quiet_ms: int = 20, baud_bd: int | None = None
) -> Transactor:
    return Transactor("here", framing, LineTimes(timeout_ms * 1000, quiet_ms * 1000, baud_bd), TICKER)


def holds(values: dict[int, int]) -> Callable[[bytes], list[tuple[float, bytes]]]:
    return lambda request: [(0, tcp_answer(request, values))]


@pytest.mark.parametrize("case", TCP_TABLE)
def test_the_tcp_table_over_the_loop(case: str) -> None:
    wrap, error = TCP_TABLE[case]
    with TcpSlave(lambda request: [(0, wrap(int.from_bytes(request[:2], "big")))]) as slave, looping() as loop:
        outcome = ask(loop, Endpoint(slave.host, slave.port), transactor(timeout_ms=150))
        assert type(outcome) is (Reply if error is None else error)
        if error is None:
            assert outcome.words == (0x1234, 0xABCD)


def test_rtu_frames_go_over_tcp_too() -> None:
    def answer(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.001, bytes([byte])) for byte in rtu_answer(request, {0x48: 5, 0x49: 6, 0x4A: 7, 0x4B: 8})]

    with TcpSlave(answer) as slave, looping() as loop:
        slave.request_bytes = 8
        endpoint, line = Endpoint(slave.host, slave.port), transactor(Framing.RTU, baud_bd=9600)
        assert ask(loop, endpoint, line).words == (5, 6)
        assert ask(loop, endpoint, line, 4).words == (5, 6, 7, 8)
        assert slave.connections == 1


def test_twenty_endpoints_are_asked_in_one_thread_and_none_waits_for_a_silent_one() -> None:
    slaves = [TcpSlave(holds({0x48: n, 0x49: n})) for n in range(20)]
    for slave in slaves:
        slave.__enter__()
    with TcpSlave(lambda _: []) as mute, looping() as loop:
        silent = Endpoint(mute.host, mute.port)
        loop.start(silent, transactor(timeout_ms=1500).ask(7, 4, 0x48, 2))
        places = [Endpoint(slave.host, slave.port) for slave in slaves]
        lines = {place: transactor() for place in places}
        for turn in range(5):
            for place in places:
                loop.start(place, lines[place].ask(7, 4, 0x48, 2))
            outcomes = {end.endpoint: end.outcome for end in ends(loop, 20)}
            assert [outcomes[place].words[0] for place in places] == list(range(20)), turn
        (last,) = ends(loop)
        assert last.endpoint is silent
        assert isinstance(last.outcome, NoAnswerError)
    for slave in slaves:
        slave.__exit__(None, None, None)
        assert slave.connections == 1


def test_a_late_answer_is_drained_before_the_next_question() -> None:
    delays = iter([0.3])

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        address = int.from_bytes(request[2:4], "big")
        return [(next(delays, 0.0), rtu(7, registers_pdu(4, [address, address])))]

    with TcpSlave(answer) as slave, looping() as loop:
        slave.request_bytes = 8
        endpoint, line = Endpoint(slave.host, slave.port), transactor(Framing.RTU, timeout_ms=150, quiet_ms=600)
        loop.start(endpoint, line.ask(7, 4, 0x10, 2))
        # The first use of a line listens for one quiet time; then the answer comes after the timeout.
        assert isinstance(ends(loop)[0].outcome, NoAnswerError)
        loop.start(endpoint, line.ask(7, 4, 0x20, 2))
        assert ends(loop)[0].outcome.words == (0x20, 0x20)
        assert line.counters.discarded_bytes == 9


def test_a_device_that_hangs_up_between_questions_is_called_again_unasked() -> None:
    with TcpSlave(holds({0x48: 1, 0x49: 2})) as slave, looping() as loop:
        slave.hang_up_after = 1
        endpoint, line = Endpoint(slave.host, slave.port), transactor()
        for _ in range(5):
            assert ask(loop, endpoint, line).words == (1, 2)
            loop.turn(TICKER.monotonic_us() + 50_000)  # until the hang-up has arrived
        assert slave.connections == 5


def test_refused_and_unknown_hosts_are_told_with_the_mend() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with looping() as loop:
        outcome = ask(loop, Endpoint("127.0.0.1", port), transactor())
        assert isinstance(outcome, TransportLostError)
        assert str(outcome).startswith(f"127.0.0.1:{port}: connection refused")
        outcome = ask(loop, Endpoint("no host", 502), transactor())
        assert isinstance(outcome, TransportLostError)
        assert "unknown host name" in str(outcome)


def test_a_name_is_looked_up_without_holding_up_the_others() -> None:
    with TcpSlave(holds({0x48: 1, 0x49: 2})) as slave, looping() as loop:
        named = Endpoint("localhost", slave.port)
        assert ask(loop, named, transactor()).words == (1, 2)


def test_the_second_address_of_a_name_is_tried_when_the_first_refuses() -> None:
    """What most names look like where a device listens on IPv4 only."""
    with TcpSlave(holds({0x48: 1, 0x49: 2})) as slave, looping() as loop:
        endpoint = Endpoint("two addresses", slave.port)
        with socket.create_server(("127.0.0.1", 0)) as server:
            dead = server.getsockname()[1]
        addresses: tuple[Address, ...] = (
            (socket.AF_INET, ("127.0.0.1", dead)),
            (socket.AF_INET, ("127.0.0.1", slave.port)),
        )
        loop._resolver = _Answered(loop, addresses)
        assert ask(loop, endpoint, transactor()).words == (1, 2)


class _Answered(Resolver):
    """In place of the resolver: nobody can make a real name server answer so."""

    def __init__(self, loop: SocketLoop, addresses: tuple[Address, ...]) -> None:
        super().__init__(loop._take_resolved)
        self._addresses = addresses

    def ask(self, number: int, host: str, port: int) -> None:
        self._done(Resolved(number, self._addresses))


def test_names_that_hang_hold_up_no_other_and_are_not_asked_again_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    over = threading.Event()

    def look_up(host: str, port: int, _flags: int = 0) -> tuple[Address, ...]:
        asked.append(host)
        if host.startswith("hangs"):
            over.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return ((socket.AF_INET, ("127.0.0.1", port)),)

    monkeypatch.setattr(resolver, "look_up", look_up)
    answers: queue.SimpleQueue[Resolved] = queue.SimpleQueue()
    names = resolver.Resolver(answers.put)
    for number in range(60):
        names.ask(number, f"hangs{number % 20}", 502)
    names.ask(100, "good", 502)
    assert answers.get(timeout=10) == Resolved(100, ((socket.AF_INET, ("127.0.0.1", 502)),))
    assert len(asked) == 21
    over.set()
    assert sorted(answers.get(timeout=10).number for _ in range(60)) == list(range(60))


def test_a_name_server_that_never_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "RESOLVE_WITHIN_US", 50_000)
    with looping() as loop:
        monkeypatch.setattr(loop._resolver, "ask", lambda *_: None)
        outcome = ask(loop, Endpoint("meter.example", 502), transactor())
    assert str(outcome).startswith("meter.example:502: no answer from the name server")


def test_a_flood_on_one_connection_leaves_the_others_their_turn() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    flood_at = listener.getsockname()
    with TcpSlave(holds({0x48: 1, 0x49: 2})) as slave, looping() as loop, listener:
        flooded, calm = Endpoint(*flood_at), Endpoint(slave.host, slave.port)
        chunk = b"\x00" * 65536

        def swallow() -> Steps[int]:
            yield Open()
            count, end_us = 0, TICKER.monotonic_us() + 400_000
            while TICKER.monotonic_us() < end_us:
                count += len((yield Read(16, end_us)))
            return count

        loop.start(flooded, swallow())
        loop.turn(TICKER.monotonic_us() + 10_000)
        connection, _ = listener.accept()
        connection.setblocking(False)
        with connection:
            connection.send(chunk * 16)
            line, answered = transactor(), 0
            loop.start(calm, line.ask(7, 4, 0x48, 2))
            swallowed = 0
            while not swallowed:
                for end in ends(loop):
                    if end.endpoint is flooded:
                        swallowed = end.outcome
                    else:
                        answered += 1
                        loop.start(calm, line.ask(7, 4, 0x48, 2))
        assert swallowed > 1000
        assert answered > 5


def test_a_conversation_given_up_closes_its_connection_and_tells_the_protocol() -> None:
    given_up: list[str] = []

    def forever() -> Steps[None]:
        try:
            yield Open()
            yield Write(b"question")
            yield WaitUntil(TICKER.monotonic_us() + PATIENCE_US)
        except GeneratorExit:
            given_up.append("yes")
            raise

    before = descriptors()
    with TcpSlave(lambda _: []) as slave:
        loop = SocketLoop(TICKER)
        endpoint = Endpoint(slave.host, slave.port)
        loop.start(endpoint, forever())
        loop.turn(TICKER.monotonic_us() + 100_000)
        loop.close()
        assert given_up == ["yes"]
        assert not endpoint.is_open
        loop.wake()  # another thread that has not heard of the end
    assert descriptors() == before


def test_no_descriptor_is_left_after_many_refusals_and_hang_ups() -> None:
    with TcpSlave(holds({0x48: 1, 0x49: 2})) as slave, looping() as loop:
        slave.hang_up_after = 1
        endpoint, line = Endpoint(slave.host, slave.port), transactor(timeout_ms=500, quiet_ms=1)
        ask(loop, endpoint, line)
        before = descriptors()
        outcomes = [ask(loop, endpoint, line) for _ in range(300)]
        assert any(isinstance(one, Reply) for one in outcomes)
        assert all(isinstance(one, Reply | DriverError) for one in outcomes)
        assert descriptors() <= before + 1


def test_wake_ends_a_wait_from_another_thread() -> None:
    with looping() as loop:
        threading.Timer(0.05, loop.wake).start()
        start_us = TICKER.monotonic_us()
        assert loop.turn(start_us + PATIENCE_US) == []
        assert TICKER.monotonic_us() < start_us + PATIENCE_US


def test_two_conversations_at_once_on_one_endpoint_are_a_mistake() -> None:
    with TcpSlave(lambda _: []) as slave, looping() as loop:
        endpoint = Endpoint(slave.host, slave.port)
        loop.start(endpoint, transactor().ask(7, 4, 0, 1))
        with pytest.raises(RuntimeError, match="second conversation"):
            loop.start(endpoint, transactor().ask(7, 4, 0, 1))
