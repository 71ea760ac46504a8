"""All TCP endpoints in one thread, over real sockets: living meters keep their rhythm, whatever the others do."""

import queue
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers import NoAnswerError, SystemTicker, TransportLostError, load_profile
from drivers.build import open_polled
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.tcp import TcpTransport
from gateway.clock import ClockState
from gateway.reading.endpoints import Endpoints
from gateway.reading.read import Reading
from gateway.reading.schedule import Schedule
from gateway.reading.turns import LineMeter
from tests.protocol.modbus_bytes import exception_pdu, float_words, tcp, tcp_answer
from tests.wire.slaves import Answer, TcpSlave

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0
TOLD = {
    "mute": "no answer within",
    "web": "not a Modbus TCP header",
    "busy": "exception 6, busy",
    "dead": "connection refused",
    "nameless": "unknown host name",
}
"""What is said of a meter that cannot be read: words for people, and no class of ours."""
SDM = load_profile("eastron-sdm630")
TICKER = SystemTicker()


class FarEdges:
    """No edge in sight."""

    def next_edge_us(self, utc_us: int) -> int:
        return utc_us + 10**12


@dataclass
class MovableClock:
    """Obeys `gateway.clock.Clock`; the wall clock can be set."""

    ahead_us: int = 1_782_907_200_000_000
    rate: int = 1
    boot_id: str = "boot"

    def wall_us(self) -> int:
        return TICKER.monotonic_us() + self.ahead_us

    def monotonic_us(self) -> int:
        return TICKER.monotonic_us()

    def real_us(self) -> int:
        return TICKER.monotonic_us()

    def state(self) -> ClockState:
        return ClockState.SYNCED

    def error_us(self) -> int:
        return 0


def table(kwh: float) -> dict[int, int]:
    words = dict.fromkeys(range(400), 0) | dict.fromkeys(range(0xFC00, 0xFC10), 7)
    for address, value in ((0x48, kwh), (0x4A, 2 * kwh)):
        words.update({address + n: word for n, word in enumerate(float_words(value))})
    return words


def holds(kwh: float) -> Answer:
    words = table(kwh)
    return lambda request: [(0, tcp_answer(request, words))]


class Bench:
    """Endpoints in their own thread, and what they deliver."""

    def __init__(
        self, places: list[tuple[str, int, list[tuple[str, int]]]], poll_us: int = 100_000, timeout_ms: int = 400
    ) -> None:
        self.clock = MovableClock()
        self.readings: queue.SimpleQueue[Reading] = queue.SimpleQueue()
        self.failures: list[tuple[str, str]] = []
        schedule = Schedule(poll_us, 0)
        made = []
        for host, port, units in places:
            transport = TcpTransport(host, port, TICKER)
            link = ModbusLink(transport, Framing.TCP, TICKER, timeout_us=timeout_ms * 1000)
            meters = [LineMeter(name, open_polled(SDM, link, unit), schedule, FarEdges()) for name, unit in units]
            made.append((host, port, meters))
        self.endpoints = Endpoints(
            made, self.clock, TICKER, self.readings.put, lambda name, why: self.failures.append((name, why))
        )

    def gather(self, count: int) -> list[Reading]:
        return [self.readings.get(timeout=PATIENCE_S) for _ in range(count)]

    def gather_until(self, enough: Callable[[dict[str, int]], bool]) -> dict[str, int]:
        """Readings by meter, taken until they are enough."""
        counts: dict[str, int] = {}
        while not enough(counts):
            name = self.readings.get(timeout=PATIENCE_S).meter
            counts[name] = counts.get(name, 0) + 1
        return counts

    def forget(self) -> None:
        while not self.readings.empty():
            self.readings.get()


@contextmanager
def running(bench: Bench) -> Iterator[Bench]:
    bench.endpoints.start()
    try:
        yield bench
    finally:
        bench.endpoints.stop()
        bench.endpoints.join(PATIENCE_S)
        assert not bench.endpoints.is_alive()


def one(slave: TcpSlave, name: str) -> tuple[str, int, list[tuple[str, int]]]:
    return slave.host, slave.port, [(name, 1)]


def test_living_meters_are_read_on_while_others_are_silent_refuse_or_talk_nonsense() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        dead_port = server.getsockname()[1]
    with ExitStack() as stack:
        living = [stack.enter_context(TcpSlave(holds(n + 1))) for n in range(8)]
        mute = stack.enter_context(TcpSlave(lambda _: []))
        web = stack.enter_context(TcpSlave(lambda _: [(0, b"HTTP/1.1 400 Bad Request\r\n\r\n")]))
        busy = stack.enter_context(
            TcpSlave(lambda r: [(0, tcp(struct.unpack(">H", r[:2])[0], r[6], exception_pdu(r[7], 6)))])
        )
        places = [one(slave, f"m{n}") for n, slave in enumerate(living)]
        places += [one(mute, "mute"), one(web, "web"), one(busy, "busy")]
        places += [("127.0.0.1", dead_port, [("dead", 1)]), ("no host", 502, [("nameless", 1)])]
        bench = stack.enter_context(running(Bench(places)))
        wanted = {f"m{n}" for n in range(8)}
        counts = bench.gather_until(lambda counts: all(counts.get(name, 0) >= 20 for name in wanted))
    assert set(counts) == wanted
    assert max(counts.values()) <= 2 * min(counts.values())  # each on its own grid, none at another's cost
    causes = dict(bench.failures)
    assert set(causes) == set(TOLD)
    assert {name: TOLD[name] in why for name, why in causes.items()} == dict.fromkeys(TOLD, True), causes


def test_a_reading_carries_the_meters_registers_and_a_window_that_holds_the_answer() -> None:
    with TcpSlave(holds(1234.5)) as slave:
        bench = Bench([one(slave, "grid")])
        before_us = bench.clock.wall_us()
        with running(bench):
            reading = bench.gather(1)[0]
        after_us = bench.clock.wall_us()
    assert reading.snapshot.energy_import is not None
    assert reading.snapshot.energy_export is not None
    assert reading.snapshot.energy_import.milliwh == 1_234_500_000
    assert reading.snapshot.energy_export.milliwh == 2_469_000_000
    assert before_us - SDM.update_lag_us <= reading.earliest_us <= reading.latest_us <= after_us
    assert reading.serial == str(7 * 65536 + 7)


def test_units_behind_one_endpoint_have_one_request_in_flight_and_a_silent_one_costs_its_timeout_only() -> None:
    early: list[bytes] = []
    free_at_s = [0.0]

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        if time.monotonic() < free_at_s[0]:
            early.append(request)
        if request[6] == 3:
            # what a converter's silent unit does: nothing, and the line is its own until the quiet is over
            free_at_s[0] = time.monotonic() + 0.39 + 0.39
            return []
        free_at_s[0] = time.monotonic() + 0.02
        return [(0.02, tcp_answer(request, table(request[6])))]

    with TcpSlave(answer) as slave:
        bench = Bench([(slave.host, slave.port, [("one", 1), ("two", 2), ("silent", 3)])])
        with running(bench):
            counts = bench.gather_until(lambda counts: min(counts.get("one", 0), counts.get("two", 0)) >= 10)
        assert slave.connections == 1
    assert early == []
    assert set(counts) == {"one", "two"}
    assert {name for name, _ in bench.failures} == {"silent"}


def test_a_question_from_another_thread_is_answered_though_nothing_is_due() -> None:
    with TcpSlave(holds(1)) as slave, running(Bench([one(slave, "grid")], poll_us=3600 * 10**6)) as bench:
        bench.gather(1)
        answer = bench.endpoints.read_now("grid").get(timeout=PATIENCE_S)
        assert isinstance(answer, tuple)
        assert answer[0] == bench.gather(1)[0]
        assert answer[1].serial == str(7 * 65536 + 7)
        bench.endpoints.ask_again("grid")
        bench.gather(1)


def test_a_question_to_a_dead_meter_is_answered_with_its_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with running(Bench([("127.0.0.1", port, [("dead", 1)])], poll_us=3600 * 10**6)) as bench:
        assert isinstance(bench.endpoints.read_now("dead").get(timeout=PATIENCE_S), TransportLostError)


def test_a_mute_meter_is_asked_again_after_its_quiet_time_and_comes_back() -> None:
    mute = [True]

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        return [] if mute[0] else [(0, tcp_answer(request, table(1)))]

    with TcpSlave(answer) as slave, running(Bench([one(slave, "grid")], timeout_ms=100)) as bench:
        assert isinstance(bench.endpoints.read_now("grid").get(timeout=PATIENCE_S), NoAnswerError)
        mute[0] = False
        assert len(bench.gather(3)) == 3


@pytest.mark.parametrize("step_h", [-5, 5])
def test_a_wall_clock_that_is_set_does_not_stop_the_readings(step_h: int) -> None:
    with TcpSlave(holds(1)) as slave, running(Bench([one(slave, "grid")], poll_us=1_000_000)) as bench:
        last_us = bench.gather(2)[1].instant_us
        bench.clock.ahead_us += step_h * 3600 * 10**6
        bench.endpoints.ask_again("grid")  # wakes the thread, as it would wake within seconds by itself
        readings = bench.gather(4)
    ages_s = [(reading.instant_us - last_us) / 1e6 - step_h * 3600 for reading in readings[1:]]
    assert all(0 <= age_s < 20 for age_s in ages_s), ages_s


def test_a_stopped_thread_leaves_no_descriptor_and_closes_its_connections() -> None:
    def descriptors() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    with TcpSlave(holds(1)) as slave, TcpSlave(lambda _: []) as mute:
        before = descriptors()
        bench = Bench([one(slave, "grid"), one(mute, "mute")])
        with running(bench):
            bench.gather(3)
        for _ in range(100):  # the slaves' own ends close when they notice
            if descriptors() <= before:
                break
            time.sleep(0.05)
        assert descriptors() <= before
        bench.endpoints.ask_again("grid")  # a question that comes too late harms nothing


def test_more_meters_than_descriptors_make_room_for_themselves_or_say_what_to_set() -> None:
    code = """
import resource, sys
from gateway.reading.endpoints import OTHER_DESCRIPTORS, _make_room_for
soft, hard = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
_make_room_for(300)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OTHER_DESCRIPTORS)
"""

    def run(soft: int, hard: int) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", code, str(soft), str(hard)], capture_output=True, text=True, check=True, cwd=ROOT
        )
        return done.stdout.strip(), done.stderr

    assert run(100, 1000) == ("300", "")
    room, said = run(100, 200)
    assert int(room) == 200 - 64
    assert "too_few_descriptors" in said
    assert "LimitNOFILE=364" in said
