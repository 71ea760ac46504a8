"""One thread for all TCP endpoints: each has its own turns and one request in flight, and none waits for another.

Does for every endpoint what `line` does for a serial port. Nothing in here blocks but the loop's own wait: names are
looked up elsewhere, connections come when they come. Decides nothing about energy.
"""

import gc
import heapq
import queue
import resource
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drivers import ConfigurationError, DriverError, MeterIdentity, Ticker
from drivers.recording import Tape
from drivers.steps import Steps
from drivers.transport.endpoint import Endpoint
from drivers.transport.sockets import Finished, SocketLoop

from ..clock import Clock
from ..log import event_line, logger
from ..pulse import Pulse
from .guests import Guest, Guests
from .read import Reading, stamp
from .turns import Answer, LineMeter, Turns

LOOK_AGAIN_US = 10_000_000
"""A clock that is disciplined runs up to 500 ppm fast or slow: 5 ms in ten seconds."""
OTHER_DESCRIPTORS = 64
STEP_US = 100_000
"""A wall clock that has moved by so much against the monotonic one was set: every plan is looked at again."""


@dataclass(slots=True, eq=False)
class _Place:
    """An endpoint and the meters behind it."""

    endpoint: Endpoint
    turns: Turns
    guests: Guests | None = None
    """Who may ask here besides, in the gaps."""
    reading: LineMeter | None = None
    """The meter whose turn it is."""
    guest: Guest | None = None
    """... or the guest."""
    timer: int = 0
    """The number of the only timer that counts."""


class Endpoints(threading.Thread):
    """The thread of all TCP endpoints. Other threads call `ask_again`, `read_now` and `stop`."""

    def __init__(
        self,
        places: Sequence[tuple[str, int, Sequence[LineMeter]]],
        clock: Clock,
        ticker: Ticker,
        deliver: Callable[[Reading], None],
        report_failure: Callable[[str, str], None],
        guests: Sequence[Guests] = (),
    ) -> None:
        """`places`: host, port and the meters there. `ticker` runs on the same scale as the clock's real time.

        `guests`: one for each place, or none at all.
        """
        super().__init__(name="endpoints", daemon=True)
        self.pulse = Pulse(self.name, clock)
        self._clock, self._deliver, self._report_failure = clock, deliver, report_failure
        self._places = [_Place(Endpoint(host, port), Turns(meters, clock)) for host, port, meters in places]
        for place, own in zip(self._places, guests, strict=False):
            place.guests = own
        self._place_of = {meter: place for place in self._places for meter in place.turns.meters}
        self._place_at = {place.endpoint: place for place in self._places}
        self.meters = {name: place.turns.meters[name] for name, place in self._place_of.items()}
        _make_room_for(len(self._places))
        self._loop = SocketLoop(ticker)
        self._timers: list[tuple[int, int, _Place]] = []
        self._timer_number = 0
        self._wall_ahead_us = 0
        self._unheard = set(self._places)
        self._changed = threading.Lock()
        self._poked: queue.SimpleQueue[_Place] = queue.SimpleQueue()
        self._stopping = False

    def ask_again(self, meter: str) -> None:
        """Read this meter as soon as its endpoint is free."""
        place = self._place_of[meter]
        with self._changed:
            place.turns.ask_again(meter)
        self._poke(place)

    def read_now(self, meter: str, tape: Tape | None = None) -> "queue.SimpleQueue[Answer]":
        """The same, and put the answer into the queue returned; it takes its normal way too. `tape`: see `Turns`."""
        place = self._place_of[meter]
        with self._changed:
            answer = place.turns.read_now(meter, tape)
        self._poke(place)
        return answer

    def ask_as_guest(self, guests: Guests, question: tuple[int, int, int, int]) -> Guest | None:
        """Put a question from outside, to be asked in a gap of its endpoint; None where too many wait."""
        with self._changed:
            guest = guests.put(question)
        for place in self._places:
            if place.guests is guests:
                self._poke(place)
        return guest

    def stop(self) -> None:
        """End now: what is under way is given up, its energy stands in the meter's register."""
        self._stopping = True
        self._loop.wake()

    def run(self) -> None:
        """Read meters until stopped, then let go of every connection."""
        try:
            while not self._stopping:
                self.pulse.turn()
                self._look_around()
                for finished in self._loop.turn(self._next_look_us()):
                    self._finish(finished)
        finally:
            self._loop.close()
            for meter in self.meters.values():
                meter.polled.close()

    def _poke(self, place: _Place) -> None:
        self._poked.put(place)
        self._loop.wake()

    def _look_around(self) -> None:
        """Begin every turn that is due."""
        now_us = self._clock.real_us()
        wall_ahead_us = self._clock.wall_us() - now_us * self._clock.rate
        if abs(wall_ahead_us - self._wall_ahead_us) > STEP_US * self._clock.rate:
            self._wall_ahead_us = wall_ahead_us
            for place in self._places:
                self._look_at(place)
        while not self._poked.empty():
            self._look_at(self._poked.get())
        while self._timers and self._timers[0][0] <= now_us:
            _, number, place = heapq.heappop(self._timers)
            if number == place.timer:
                self._look_at(place)

    def _next_look_us(self) -> int:
        soonest_us = self._timers[0][0] if self._timers else self._clock.real_us() + LOOK_AGAIN_US
        return soonest_us if self._poked.empty() else 0

    def _look_at(self, place: _Place) -> None:
        """Begin the turn of one of its meters, or of a guest, or note when to look again."""
        if place.reading is not None or place.guest is not None:
            return
        with self._changed:
            meter, pause_s = place.turns.choose()
            guest = self._guest_at(place, 0.0 if meter is not None else pause_s)
            if meter is not None and guest is None:
                place.turns.begin(meter)
        if guest is not None and place.guests is not None:
            place.guest = guest
            place.timer = 0
            self._loop.start(place.endpoint, place.guests.link.ask(*guest.question))
            return
        if meter is not None:
            place.reading = meter
            place.timer = 0
            self._loop.start(place.endpoint, self._conversation(meter))
            return
        self._timer_number += 1
        place.timer = self._timer_number
        pause_us = min(int(pause_s * 1e6), LOOK_AGAIN_US)
        heapq.heappush(self._timers, (self._clock.real_us() + pause_us, place.timer, place))

    @staticmethod
    def _guest_at(place: _Place, gap_s: float) -> Guest | None:
        """Who may ask there now."""
        if place.guests is None:
            return None
        return place.guests.take(gap_s, place.turns.is_far_from_edges)

    def _conversation(self, meter: LineMeter) -> Steps[Reading]:
        identity = meter.identity
        turns = self._place_of[meter.name].turns
        if identity is None or turns.wants_identity(meter):
            identity = yield from _identify(meter, turns)
        sample = yield from meter.polled.read_steps(want=meter.want)
        return stamp(meter.name, sample, self._clock, identity.serial)

    def _finish(self, finished: Finished) -> None:
        place = self._place_at[finished.endpoint]
        if place.guest is not None and place.guests is not None:
            place.guests.end(place.guest, finished.outcome)
            place.guest = None
            self._look_at(place)
            return
        meter, place.reading = place.reading, None
        if meter is None:
            raise RuntimeError(f"{finished.endpoint.name}: nobody's turn has ended")
        answer: Answer
        if isinstance(finished.outcome, DriverError):
            answer = finished.outcome
            self._report_failure(meter.name, str(answer))
        else:
            self._deliver(finished.outcome)
            answer = (finished.outcome, meter.identity or MeterIdentity())
        with self._changed:
            place.turns.end(meter, answer)
        self._look_at(place)
        if self._unheard:
            self._unheard.discard(place)
            if not self._unheard:
                # Connections, maps and identities live to the end: a collection over thousands of them took 23 ms.
                gc.collect()
                gc.freeze()


def _make_room_for(connections: int) -> None:
    """Let this process hold so many connections beside its other files; where that is forbidden, say so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        if most < wanted:
            mend = f"LimitNOFILE={wanted} in the unit, or `ulimit -Hn`"
            logger.warning(event_line("too_few_descriptors", wanted=wanted, allowed=most, mend=mend))


def _identify(meter: LineMeter, turns: Turns) -> Steps[MeterIdentity]:
    """Who answers; a meter without a readable identity block is read all the same."""
    try:
        return turns.meet(meter, (yield from meter.polled.identify_steps()))
    except ConfigurationError as error:
        return turns.meet(meter, error)
