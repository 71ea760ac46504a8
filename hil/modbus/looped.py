"""The driver's link on the loop with which the daemon reads all its TCP endpoints: one thread for a trial's lines."""

import queue
import threading

from drivers import DriverError, SystemTicker, Ticker
from drivers.modbus import link as driver
from drivers.steps import Steps
from drivers.transport.endpoint import Endpoint
from drivers.transport.sockets import SocketLoop

from .faults import Setting, Step
from .trial import Defended

TURN_US = 1_000_000
HUNG_S = 60.0


class Pump(threading.Thread):
    """The loop's thread. `ask` belongs to the others."""

    def __init__(self) -> None:
        super().__init__(name="pump", daemon=True)
        self._ticker = SystemTicker()
        self._loop = SocketLoop(self._ticker)
        self._asked: queue.SimpleQueue[tuple[Endpoint, Steps[driver.Reply]]] = queue.SimpleQueue()
        self._replies: dict[Endpoint, queue.SimpleQueue[object]] = {}
        self._stopping = False
        self._broken: Exception | None = None

    def ask(self, endpoint: Endpoint, conversation: Steps[driver.Reply]) -> driver.Reply:
        """Run one conversation to its end. Raises what it raises; queue.Empty if the loop never comes back."""
        if self._broken is not None:
            raise RuntimeError(f"the loop has ended: {self._broken!r}")
        reply = self._replies.setdefault(endpoint, queue.SimpleQueue())
        self._asked.put((endpoint, conversation))
        self._loop.wake()
        outcome = reply.get(timeout=HUNG_S)
        if isinstance(outcome, DriverError):
            raise outcome
        if not isinstance(outcome, driver.Reply):
            raise TypeError(f"a conversation ended with {outcome!r}")
        return outcome

    def stop(self) -> None:
        """End, and close all connections."""
        self._stopping = True
        self._loop.wake()
        self.join()

    def run(self) -> None:
        try:
            while not self._stopping:
                while not self._asked.empty():
                    self._loop.start(*self._asked.get())
                for finished in self._loop.turn(self._ticker.monotonic_us() + TURN_US):
                    self._replies[finished.endpoint].put(finished.outcome)
        except Exception as error:  # noqa: BLE001 - whoever waits is told, and the judge by them
            self._broken = error
            for reply in list(self._replies.values()):
                reply.put(error)
        finally:
            self._loop.close()


class Looped(Defended):
    """One line of a trial on the pump."""

    def __init__(self, pump: Pump, address: str, line: Setting, ticker: Ticker) -> None:
        host, _, port = address.rpartition(":")
        self._endpoint, self._pump = Endpoint(host, int(port)), pump
        super().__init__(_Nowhere(address), line, ticker, spare_us=line.worst_us // 2)

    def read_words(self, step: Step) -> tuple[int, ...]:
        """The same question as steps, run by the pump."""
        asked = step.question
        conversation = self._link.ask(asked.unit, asked.function, asked.address, asked.count)
        return self._pump.ask(self._endpoint, conversation).words


class _Nowhere:
    """A transport that has a name and is never used: the loop has the connection."""

    is_open = False

    def __init__(self, name: str) -> None:
        self.name = name

    def open(self) -> None:
        raise TypeError("the loop opens")

    def close(self) -> None:
        """Nothing is open here."""

    def write(self, data: bytes) -> None:
        raise TypeError(f"the loop writes {data!r}")

    def read(self, max_bytes: int, deadline_us: int) -> bytes:
        raise TypeError(f"the loop reads {max_bytes} until {deadline_us}")

    def drain(self) -> bytes:
        raise TypeError("the loop reads")
