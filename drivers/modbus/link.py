"""One serial line or TCP endpoint with all the units behind it: the defended transaction, and a wire to run it on.

`ask` is the transaction as steps, for whoever runs many endpoints in one thread; `run` and `read_registers` run on this
link's own blocking transport. It must never send anything but a read.
"""

import threading
from typing import TypeVar

from ..blocking import run_blocking
from ..errors import RefusedError
from ..recording import Tape, taped
from ..steps import Steps, WaitUntil
from ..timing import Ticker
from ..transport import Transport
from .codec import Framing
from .cost import WireCost
from .counters import LinkCounters
from .line_times import STANDARD_BITS, LineTimes
from .transaction import Reply, Transactor

T = TypeVar("T")

BUSY_PAUSES_US = (50_000, 150_000, 450_000)
"""How long a device that says it is busy (exceptions 5 and 6) is left alone before it is asked again."""
SLOW_BD = 9600  # what is behind a converter is not known; most are set to this

__all__ = ["Framing", "ModbusLink", "Reply"]


class ModbusLink:
    """Made for one thread: the lock keeps a second one from interleaving a transaction, and no more.

    The transport is opened on first use and closed when lost. The times are those of `LineTimes`.
    """

    def __init__(
        self,
        transport: Transport,
        framing: Framing,
        ticker: Ticker,
        *,
        timeout_us: int,
        quiet_us: int | None = None,
        baud_bd: int | None = None,
        pause_us: int = 0,
        character_bits: int = STANDARD_BITS,
        is_paced: bool = False,
        connect_pause_us: int = 0,
        last_transaction: int = 0,
    ) -> None:
        self._transport = transport
        self._ticker = ticker
        self._timeout_us = timeout_us
        is_rtu = framing is Framing.RTU
        self.cost = WireCost.rtu(baud_bd or SLOW_BD, pause_us, character_bits) if is_rtu else WireCost.tcp()
        """What the planner reckons with."""
        self.framing = framing
        self.times = LineTimes(timeout_us, quiet_us, baud_bd, pause_us, character_bits, is_paced, connect_pause_us)
        self.tape: Tape | None = None
        """Takes down what goes by, while there is one."""
        self._transactor = Transactor(transport.name, framing, self.times, ticker, last_transaction)
        self._lock = threading.Lock()

    @property
    def counters(self) -> LinkCounters:
        return self._transactor.counters

    @property
    def name(self) -> str:
        return self._transport.name

    def record(self, tape: Tape | None) -> None:
        """Take down what goes by on `tape` from now on; None: no more."""
        if tape is not None:
            times = self.times
            numbers = {"timeout_us": times.timeout_us, "baud_bd": times.baud_bd, "pause_us": times.pause_us}
            numbers["connect_us"] = times.connect_us
            tape.head["framing"] = self.framing.value
            if times.character_bits != STANDARD_BITS:
                numbers["character_bits"] = times.character_bits
            if times.is_paced:
                tape.head["is_paced"] = "true"
            tape.head.update({name: str(number) for name, number in numbers.items() if number})
        self.tape = tape

    def close(self) -> None:
        """Close the transport; the next request opens it again. Never raises."""
        self._transactor.was_closed()
        self._transport.close()

    def ask(self, unit: int, function: int, address: int, count: int) -> Steps[Reply]:
        """One transaction, as steps; see `Transactor.ask` for what it raises."""
        steps = self._transactor.ask(unit, function, address, count)
        return steps if self.tape is None else taped(steps, self._ticker, self.tape)

    def ask_patiently(self, unit: int, function: int, address: int, count: int) -> Steps[Reply]:
        """`ask`, and again while the device says that it is busy: spaced, for one timeout from its first word."""
        give_up_us: int | None = None
        for pause_us in BUSY_PAUSES_US:
            try:
                return (yield from self.ask(unit, function, address, count))
            except RefusedError as error:
                now_us = self._ticker.monotonic_us()
                give_up_us = now_us + self._timeout_us if give_up_us is None else give_up_us
                if not error.is_brief or now_us + pause_us > give_up_us:
                    raise
            yield WaitUntil(now_us + pause_us)
        return (yield from self.ask(unit, function, address, count))

    def run(self, steps: Steps[T]) -> T:
        """Run a conversation made of `ask` on this link's transport."""
        with self._lock:
            return run_blocking(steps, self._transport, self._ticker)

    def read_registers(self, unit: int, function: int, address: int, count: int) -> Reply:
        """`ask`, run at once."""
        return self.run(self.ask(unit, function, address, count))
