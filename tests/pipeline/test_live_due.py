"""When a live state goes out: at its own time, a meter at a time, and with a reading that comes close to it.

The times are by a clock that the test turns; the ledger thread is held to its end state alone.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.clock import SystemClock
from gateway.config.load import load_config
from gateway.daemon import bookkeeper
from gateway.daemon.bookkeeper import Bookkeeper
from gateway.daemon.live import EARLY_US, LATE_US, Live
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.publish.message import Topics

from .test_bookkeeper import EXAMPLE, LIFE, Pipe, made_books, start, wait_for
from .world import KWH, NOON_US, S, reading

EVERY_S = 10


class TurnedClock(SystemClock):
    """Real time stands where the test puts it."""

    at_us = 1000 * S

    def real_us(self) -> int:
        return self.at_us


class Site:
    """Some meters of one `Live`; each state that goes out is noted with its time."""

    def __init__(self, store: Store, names: tuple[str, ...]) -> None:
        self.clock, self.pipe = TurnedClock(), Pipe()
        books = {name: made_books(store, name) for name in names}
        self.live, self._books = Live(books, Topics("netmeter", "home"), self.clock, EVERY_S), books
        self.sent: list[tuple[float, str]] = []
        self._begun_us = self.clock.at_us
        self._read_kwh = 0
        for name in names:
            self._take(name)

    def read(self, at_s: float, name: str) -> None:
        """A reading comes."""
        self.clock.at_us = self._begun_us + int(at_s * S)
        self._take(name)
        self._offer(name)

    def wake(self, at_s: float) -> None:
        """The ledger thread turns."""
        self.clock.at_us = self._begun_us + int(at_s * S)
        for name in self.live.due():
            self._offer(name)

    def _take(self, name: str) -> None:
        self._read_kwh += 1
        at_us = NOON_US - 3600 * S + self._read_kwh * S
        self._books[name].take(reading(at_us, LIFE + self._read_kwh * KWH // 1000, meter=name), Batch())
        self.live.meters[name].dirty = True

    def _offer(self, name: str) -> None:
        self.pipe.retained.clear()
        self.live.offer_state(name, self.pipe, None)  # type: ignore[arg-type]
        if self.pipe.retained:
            self.sent.append(((self.clock.at_us - self._begun_us) / S, name))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    migrate(tmp_path / "ledger.sqlite")
    made = Store(tmp_path / "ledger.sqlite")
    yield made
    made.close()


def test_a_state_that_has_to_wait_goes_out_at_its_time_and_the_thread_knows_when(store: Store) -> None:
    site = Site(store, ("grid",))
    assert site.live.pause_s(0.5) == 0.5  # nothing waits: nobody is woken
    site.read(0, "grid")
    assert site.live.pause_s(60) == 60
    site.read(4, "grid")
    site.read(9, "grid")
    assert site.live.pause_s(60) == pytest.approx(10 - 9 + LATE_US / S)
    assert site.live.pause_s(0.5) == 0.5
    site.wake(10)  # another meter's reading: this one's may still come
    assert site.sent == [(0, "grid")]
    site.wake(10 + LATE_US / S)
    assert site.sent == [(0, "grid"), (10.1, "grid")]
    assert site.live.pause_s(60) == 60


def test_one_wakeup_serves_the_meters_that_are_due_about_then(store: Store) -> None:
    site = Site(store, ("a", "b", "c"))
    for at_s, name in ((0, "a"), (0.05, "b"), (5, "c"), (6, "a"), (6, "b"), (6, "c")):
        site.read(at_s, name)
    site.wake(10.1)
    assert site.sent[3:] == [(10.1, "a"), (10.1, "b")]
    assert site.live.pause_s(60) == pytest.approx(15.1 - 10.1)


def test_a_reading_close_to_the_time_takes_its_state_along_and_states_get_no_more_frequent(store: Store) -> None:
    site = Site(store, ("grid",))
    site.read(0, "grid")
    early_s = EARLY_US / S
    for n in range(1, 50):
        site.read(n * 9.97 - 5, "grid")
        site.read(n * 9.97, "grid")
        site.wake(n * 9.97)
        if n * 0.03 < early_s:
            assert site.live.pause_s(60) == 60  # no wakeup is left over for what the reading has taken along
    least_apart_s = [after - before for (before, _), (after, _) in zip(site.sent, site.sent[1:], strict=False)]
    assert min(least_apart_s) > EVERY_S - early_s - 0.001
    # Over all of the time no more than one in ten seconds.
    assert len(site.sent) <= 1 + (49 * 9.97 + early_s) / EVERY_S


@pytest.fixture
def keeper(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bookkeeper, Pipe]]:
    monkeypatch.setattr(bookkeeper, "LOOK_AT_ALL_EVERY_US", 3600 * S)
    config = load_config(EXAMPLE)
    config = msgspec.structs.replace(config, mqtt=msgspec.structs.replace(config.mqtt, state_every_s=3))
    books = {"grid": made_books(store, "grid")}
    made, pipe = (
        Bookkeeper(config, store, books, Topics("netmeter", "home"), SystemClock(), lambda _meter: None),
        Pipe(),
    )
    made.attach(pipe)  # type: ignore[arg-type]
    made.start()
    yield made, pipe
    made.stop()
    made.join(30)
    assert not made.is_alive()


def test_the_ledger_thread_sends_it_without_looking_at_all_meters(keeper: tuple[Bookkeeper, Pipe]) -> None:
    made, pipe = keeper
    topic = "netmeter/home/meter/grid/state"
    start(made)
    wait_for(lambda: topic in pipe.retained, "the first state")
    made.deliver(reading(NOON_US - 4 * S, LIFE + 6))
    wait_for(lambda: json.loads(pipe.retained[topic])["import_register_milliwh"] == LIFE + 6, "the one that waited")
