"""A line that is asked from outside without a pause: its own readings stay where they are, at every edge.

The line's thread over a scripted meter, in pipeline time; a guest's question that nobody answers takes two seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from drivers import NoAnswerError
from drivers.modbus.link import Framing, ModbusLink, Reply
from drivers.transport.scripted import ScriptedTransport, VirtualTicker
from gateway.reading.guests import MARGIN_S, Guest, Guests
from gateway.reading.line import Line
from gateway.reading.read import Reading
from gateway.reading.schedule import Schedule
from gateway.reading.turns import LineMeter
from tests.protocol.modbus_bytes import rtu_answer

from .test_line import ScriptedMeter, TickingClock
from .world import S, by_hand

SILENCE_S = 2.0
TAKES_S = 2.25
READINGS = 400


@dataclass
class RealTickingClock(TickingClock):
    """Its real time goes on with the pipeline's, so that guests grow impatient; waits stay short by `rate`."""

    tick_us: int = S // 10

    def real_us(self) -> int:
        return self.now_us


@dataclass
class Besieged:
    """A line with one meter, and always somebody waiting at its door."""

    poll_us: int
    clock: RealTickingClock = field(default_factory=RealTickingClock)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    asked_us: list[int] = field(default_factory=list)
    row: list[Guest] = field(default_factory=list)
    is_besieged: bool = True
    answers: bool = False
    read: int = 0

    def run(self) -> list[int]:
        """When the meter was read."""
        ticker = VirtualTicker()
        link = ModbusLink(ScriptedTransport(ticker, self._peer), Framing.RTU, ticker, timeout_us=1000)
        # A gap is told in real seconds, and a second of the pipeline takes a millionth of one here.
        self.guests = Guests(link, self.clock, TAKES_S / self.clock.rate - MARGIN_S)
        meters = [
            LineMeter("grid", ScriptedMeter(self.clock, "grid", self.log), Schedule(self.poll_us, 0), by_hand()),
        ]
        self.line = Line("test", meters, self.clock, self._deliver, lambda *_: None, self.guests)
        self._knock()
        self.line.run()
        return [at for _, what, at in self.log if what == "read"]

    def _peer(self, request: bytes) -> Iterable[tuple[int, bytes]]:
        self.asked_us.append(self.clock.now_us)
        self._knock()
        if self.answers:
            self.clock.now_us += S // 10
            return [(0, rtu_answer(request, {0: 1, 1: 2}))]
        self.clock.now_us += int(SILENCE_S * S)
        return []

    def _deliver(self, _reading: Reading) -> None:
        self.read += 1
        if self.read >= READINGS:
            self.line.stop()
        self._knock()

    def _knock(self) -> None:
        """Another unit each time: the same would have to wait for its own late answer."""
        while self.is_besieged:
            guest = self.guests.put((len(self.row) % 247 + 1, 3, 0, 2))
            if guest is None:
                return
            self.row.append(guest)


def edges_of(reads: list[int]) -> list[int]:
    edges, found = by_hand(), []
    at = edges.next_edge_us(reads[0] + 60 * S)
    while at < reads[-1] - 60 * S:
        found.append(at)
        at = edges.next_edge_us(at)
    return found


@pytest.mark.parametrize("poll_s", [5, 3], ids=["with gaps", "without a gap"])
def test_every_edge_is_bracketed_as_without_guests(poll_s: int) -> None:
    line = Besieged(poll_s * S)
    reads = line.run()
    edges = edges_of(reads)
    assert edges
    assert len(line.asked_us) > 10  # the siege took place
    for edge in edges:
        assert min(abs(at - edge) for at in reads if at < edge) < S
        assert min(abs(at - edge) for at in reads if at >= edge) < S


def test_polls_keep_their_grid_where_there_are_gaps() -> None:
    besieged = Besieged(5 * S)
    reads = besieged.run()
    # On the grid, or half a second before an edge, which lies on it too; a guest would put it off by two.
    off_grid = [at % (5 * S) for at in reads[1:] if S <= at % (5 * S) <= 4 * S]
    assert off_grid == []
    assert len(besieged.asked_us) > READINGS  # nearly two in each gap


def test_a_guest_gets_what_the_device_said() -> None:
    line = Besieged(5 * S, answers=True)
    line.run()
    answer = line.row[0].answer.get(timeout=10)
    assert isinstance(answer, Reply)
    assert answer.words == (1, 2)


def test_a_guest_is_told_that_nobody_answered() -> None:
    line = Besieged(5 * S)
    line.run()
    assert isinstance(line.row[0].answer.get(timeout=10), NoAnswerError)
