"""One thread for a serial line, with the meters behind it, read one after another.

Reads the meter whose turn it is, hands the reading on. Decides nothing about energy. A meter that fails is told and
tried again with back-off; the others on the line keep their turns.
"""

import queue
import threading
from collections.abc import Callable, Sequence

from drivers import ConfigurationError, DriverError, MeterIdentity
from drivers.modbus.link import Reply
from drivers.recording import Tape

from ..clock import Clock
from ..pulse import REACH_WITHIN_S, Pulse
from .guests import Guest, Guests
from .read import Reading, read_meter
from .turns import Answer, LineMeter, Turns

WAIT_AT_MOST_S = 1.0  # the wall clock may step while we wait: look at it again

# More requests than any reading makes. Finding a SunSpec map walks a chain of up to a hundred models.
REQUESTS_TO_IDENTIFY, REQUESTS_TO_READ = 120, 20


class Line(threading.Thread):
    """The thread of one line. Other threads call `ask_again`, `read_now` and `stop`."""

    def __init__(
        self,
        name: str,
        meters: Sequence[LineMeter],
        clock: Clock,
        deliver: Callable[[Reading], None],
        report_failure: Callable[[str, str], None],
        guests: Guests | None = None,
    ) -> None:
        """`guests`: who may ask on this line besides, in its gaps."""
        super().__init__(name=f"line {name}", daemon=True)
        self._guests = guests
        self.meters = {meter.name: meter for meter in meters}
        self.pulse = Pulse(self.name, clock)
        self._turns = Turns(meters, clock)
        self._clock, self._deliver, self._report_failure = clock, deliver, report_failure
        self._changed = threading.Condition()
        self._stopping = False

    def ask_again(self, meter: str) -> None:
        """Read this meter as soon as the line is free."""
        with self._changed:
            self._turns.ask_again(meter)
            self._changed.notify()

    def read_now(self, meter: str, tape: Tape | None = None) -> "queue.SimpleQueue[Answer]":
        """The same, and put the answer into the queue returned; it takes its normal way too. `tape`: see `Turns`."""
        with self._changed:
            answer = self._turns.read_now(meter, tape)
            self._changed.notify()
        return answer

    def stop(self) -> None:
        """End after the transaction under way."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def run(self) -> None:
        """Read meters until stopped, then let go of the port."""
        try:
            while (turn := self._wait_for_turn()) is not None:
                if isinstance(turn, Guest):
                    self._serve(turn)
                else:
                    self._read(turn)
        finally:
            for meter in self.meters.values():
                meter.polled.close()

    def ask_as_guest(self, guests: Guests, question: tuple[int, int, int, int]) -> Guest | None:
        """Put a question from outside, to be asked in a gap; None where too many wait."""
        with self._changed:
            guest = guests.put(question)
            self._changed.notify()
        return guest

    def _wait_for_turn(self) -> LineMeter | Guest | None:
        """The meter whose turn it is, waited for, or a guest who has time to ask; None once stopped."""
        with self._changed:
            while not self._stopping:
                self.pulse.turn()
                meter, pause_s = self._turns.choose()
                if self._guests is not None:
                    gap_s = 0.0 if meter is not None else pause_s
                    guest = self._guests.take(gap_s, self._turns.is_far_from_edges)
                    if guest is not None:
                        return guest
                if meter is not None:
                    self._turns.begin(meter)
                    return meter
                self._changed.wait(min(pause_s, WAIT_AT_MOST_S))
            return None

    def _serve(self, guest: Guest) -> None:
        """Ask a guest's question."""
        if self._guests is None:
            raise RuntimeError(f"{self.name}: a guest where there are none")
        link = self._guests.link
        self.pulse.turn(REACH_WITHIN_S + max(meter.request_within_s for meter in self.meters.values()))
        outcome: Reply | DriverError
        try:
            outcome = link.run(link.ask(*guest.question))
        except DriverError as error:
            outcome = error
        self._guests.end(guest, outcome)
        self.pulse.turn()

    def _read(self, meter: LineMeter) -> None:
        answer: Answer
        try:
            identity = meter.identity
            if identity is None or self._turns.wants_identity(meter):
                self.pulse.turn(REACH_WITHIN_S + REQUESTS_TO_IDENTIFY * meter.request_within_s)
                identity = self._identify(meter)
            self.pulse.turn(REACH_WITHIN_S + REQUESTS_TO_READ * meter.request_within_s)
            reading = read_meter(meter.name, meter.polled, self._clock, identity.serial, want=meter.want)
        except DriverError as error:
            self._report_failure(meter.name, str(error))
            answer = error
        else:
            self._deliver(reading)
            answer = (reading, identity)
        self.pulse.turn()
        with self._changed:
            self._turns.end(meter, answer)

    def _identify(self, meter: LineMeter) -> MeterIdentity:
        """Who answers; a meter without a readable identity block is read all the same."""
        try:
            return self._turns.meet(meter, meter.polled.identify())
        except ConfigurationError as error:
            return self._turns.meet(meter, error)
