"""The daemon's lines without wires: readings of the year, in the year's own time, as fast as the ledger takes them.

Stands where `gateway.reading.lines.Lines` does; everything behind it is the daemon's own. House time stands still at
the leash.
"""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from drivers import EnergyRegister, MeterIdentity, RegisterSnapshot
from gateway.clock import ClockState
from gateway.daemon.bookkeeper import Bookkeeper
from gateway.pulse import Pulse
from gateway.reading.read import Reading

from ..house_time import US_PER_S, monotonic_us
from .leash import Leash
from .year import DIGIT_MILLIWH, METERS, Plan, Year

HALF_WINDOW_US = 50_000
WAITING_MOST = 1_000
LOOK_S = 0.02
COMMIT_WITHIN_S = 60.0


class YearClock:
    """House time as the feed sets it; real time is the machine's. Implements `gateway.clock.Clock`."""

    rate = 1

    def __init__(self, boot_id: str, now_us: int) -> None:
        self.boot_id, self.now_us = boot_id, now_us
        self._began_us = now_us

    def wall_us(self) -> int:
        return self.now_us

    def monotonic_us(self) -> int:
        return self.now_us - self._began_us + US_PER_S

    def real_us(self) -> int:
        return monotonic_us()

    def state(self) -> ClockState:
        return ClockState.SYNCED

    def error_us(self) -> int:
        return 0


class Feed(threading.Thread):
    """The one line: both meters, step by step, up to the leash."""

    def __init__(self, plan: Plan, leash: Leash, clock: YearClock, bookkeeper: Bookkeeper) -> None:
        super().__init__(name="feed", daemon=True)
        self.pulse = Pulse(self.name, clock)
        self._plan, self._leash, self._clock, self._bookkeeper = plan, leash, clock, bookkeeper
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        """Deliver until the year is over, then live on without a reading."""
        year, until_us = Year(self._plan), 0
        for at_us in self._plan.steps(self._clock.now_us):
            while not self._stopping.is_set() and (at_us > until_us or self._bookkeeper._inbox.qsize() > WAITING_MOST):
                self._tell_and_wait()
                until_us = self._leash.until_us()
            if self._stopping.is_set():
                return
            self._clock.now_us = at_us + HALF_WINDOW_US
            for meter in METERS:
                self._bookkeeper.deliver(self._reading(meter, at_us, year))
        while not self._stopping.is_set():
            self._tell_and_wait()

    def _tell_and_wait(self) -> None:
        self.pulse.turn()
        if self._leash.told_us != self._clock.now_us and self._bookkeeper._inbox.empty():
            self._bookkeeper.call(self._bookkeeper._commit, COMMIT_WITHIN_S)  # where it stands, all is on the card
            self._leash.tell(self._clock.now_us)
        time.sleep(LOOK_S)

    def _reading(self, meter: str, at_us: int, year: Year) -> Reading:
        taken, given = (EnergyRegister(one, DIGIT_MILLIWH) for one in year.at(meter, at_us))
        return Reading(
            meter=meter,
            snapshot=RegisterSnapshot(taken, given, None, True, {}),
            earliest_us=at_us - HALF_WINDOW_US,
            latest_us=at_us + HALF_WINDOW_US,
            monotonic_us=self._clock.monotonic_us(),
            boot_id=self._clock.boot_id,
            clock_state=ClockState.SYNCED,
            serial=f"{meter}-1",
        )


class FedLines:
    """Takes the place of `gateway.app.Lines`; `of(plan, leash)` makes the class."""

    plan: Plan
    leash: Leash

    def __init__(
        self,
        _config: object,
        _folder: Path,
        _calendar: object,
        clock: YearClock,
        listener: Bookkeeper,
        _clock_meter: str | None,
        _last_accepted: Callable[[str], Reading | None],
    ) -> None:
        self.witnesses: dict[str, Any] = {}
        self.paces: dict[str, Any] = {}
        self.threads = [Feed(self.plan, self.leash, clock, listener)]

    def ask_again(self, _meter: str) -> None:
        """The next step comes soon enough."""

    def identity_of(self, _meter: str) -> MeterIdentity | None:
        return None

    def wire_view(self, _meter: str) -> dict[str, int]:
        return {}

    def read_now(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        return {"error": "there is no wire in this house"}

    probe = read_now

    @classmethod
    def of(cls, plan: Plan, leash: Leash) -> type["FedLines"]:
        """The class for one house."""
        return type("FedLinesOfAHouse", (cls,), {"plan": plan, "leash": leash})
