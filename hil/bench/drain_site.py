"""An outage in house time and its end in real time: the real books, ledger thread, publisher, store and broker.

While the broker is away the readings of all days are booked as fast as they can be. Then it comes, and drains the
backlog while each meter is read on every 0.7 seconds. What arrived and when is noted by a process of its own.
"""

import getpass
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from gateway.bookkeeping.desk import open_books
from gateway.bookkeeping.journal import OutboxIds
from gateway.clock import SystemClock
from gateway.config.load import load_config
from gateway.daemon.bookkeeper import Bookkeeper
from gateway.kernels import service_kernel
from gateway.ledger.epochs import Machine, Owner
from gateway.ledger.opening import Opener
from gateway.ledger.schema import migrate
from gateway.publish.message import Topics
from gateway.publish.publisher import Publisher
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff

from ..broker import HOST, accepts_connect, find_mosquitto, free_port
from ..process import Child, ChildError
from .books import START_US, TARIFF
from .ledger_days import DAY_US, House

S = 1_000_000
LIVE_EVERY_S = 0.7
"""Most states have to wait until the one before is a second old."""
STATE_EVERY_S = 1
QUIET_S = 1.0
INBOX_MOST = 4000


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as the listener noted it; microseconds."""

    at_us: int
    kind: str
    meter: str
    seq: int
    its_us: int


class _Ear:
    """A listener to some kinds of messages, and its notes."""

    def __init__(self, folder: Path, port: int, kinds: tuple[str, ...]) -> None:
        self._notes = folder / f"heard-{kinds[0]}"
        options = [str(port), str(self._notes), *kinds]
        self.child = Child.python("listener", "hil.bench.drain_ear", options, folder / f"ear-{kinds[0]}.log")

    def catch_up(self) -> None:
        """Wait until it notes nothing more; to be called when nothing more is sent."""
        size_bytes = -1
        while self._notes.stat().st_size != size_bytes:
            size_bytes = self._notes.stat().st_size
            time.sleep(QUIET_S)

    def heard(self) -> list[Heard]:
        """All its notes."""
        return [_heard(line) for line in self._notes.read_text(encoding="ascii").splitlines()]


class Site:
    """One gateway of several meters in a folder."""

    def __init__(self, folder: Path, meters: int, poll_s: int) -> None:
        self._folder, self._poll_s = folder, poll_s
        self.names = [f"m{n}" for n in range(meters)]
        self._houses = {name: House() for name in self.names}
        path = folder / "gateway.toml"
        path.write_text(_config(folder, free_port(), self.names, poll_s), encoding="ascii")
        config, calendar, clock = load_config(path), Calendar(load_tariff(TARIFF)), SystemClock()
        owner = Owner(config.gateway.id, Machine(), clock.wall_us())
        self._store = Opener(folder / "ledger.sqlite", owner, self.names, _make).open().store
        ids, kernel = OutboxIds(0), service_kernel()
        books = {
            section.name: open_books(config, folder, section, self._store, calendar, kernel, ids)
            for section in config.meter
        }
        topics = Topics(config.mqtt.base_topic, config.gateway.id)
        self.keeper = Bookkeeper(config, self._store, books, topics, clock, lambda _meter: None)
        self._config, self._topics, self._clock = config, topics, clock
        self.publisher = self._new_publisher()
        self.keeper.start()
        self.publisher.start()
        self._at_us = START_US
        self._stop = threading.Event()
        self.after_kb = 0
        """Resident memory when the backlog was gone."""
        self.drain_cpu_s = 0.0
        """Of this process, while it drained."""
        self.delivered: dict[tuple[str, int], tuple[int, int]] = {}
        """By meter and the reading's time: when a live reading was handed to the ledger thread, and from when on its
        state may go out (`state_every_s` after the one before)."""

    def outage(self, days: int) -> Iterator[int]:
        """Book a day after another; yields the number of each."""
        for day in range(1, days + 1):
            while self._at_us < START_US + day * DAY_US:
                for name in self.names:
                    self.keeper.deliver(replace(self._houses[name].reading(self._at_us), meter=name))
                self._at_us += self._poll_s * S
                while self.keeper._inbox.qsize() > INBOX_MOST:
                    time.sleep(0.002)
            self.keeper.call(self.keeper._commit, 600)  # what is in no store waits in no outbox
            yield day

    def backlog(self) -> int:
        """Records that wait."""
        return self.keeper.health.outbox_depth

    def drain(self, patience_s: float) -> list[Heard]:
        """Let the broker come; all that was heard until nothing more waited."""
        port = free_port()
        broker = _broker(self._folder, port)
        # Two: what one of them is late with, because it cannot keep up with the records, is not the gateway's doing.
        ears = [_Ear(self._folder, port, kinds) for kinds in (("interval", "event"), ("state",))]
        live = threading.Thread(target=self._live, daemon=True)
        try:
            for ear in ears:
                ear.child.wait_ready()
            # One that knocks all the time would be in before the listener.
            self.publisher.stop()
            self.publisher.join(20)
            mqtt = msgspec.structs.replace(self._config.mqtt, port=port)
            self._config = msgspec.structs.replace(self._config, mqtt=mqtt)
            self.publisher = self._new_publisher()
            self.publisher.start()
            live.start()
            begun_s = time.process_time()
            deadline_s = time.monotonic() + patience_s
            while self.backlog() and time.monotonic() < deadline_s:
                time.sleep(0.05)
            self._stop.set()
            self.after_kb, self.drain_cpu_s = resident_kb(), time.process_time() - begun_s
            for ear in ears:
                ear.catch_up()
        finally:
            self._stop.set()
            for ear in ears:
                ear.child.stop()
            broker.stop()
        return sorted((one for ear in ears for one in ear.heard()), key=lambda one: one.at_us)

    def _new_publisher(self) -> Publisher:
        keeper, section = self.keeper, self._config.mqtt
        made = Publisher(section, self._topics, "bench", self._clock, keeper.want_rows, keeper.acknowledge)
        keeper.attach(made)
        return made

    def close(self) -> None:
        """End the threads."""
        self.publisher.stop()
        self.publisher.join(20)
        self.keeper.stop()
        self.keeper.join(60)
        self._store.close()

    def _live(self) -> None:
        """Each meter in its turn, so that some reading is due at any moment."""
        pause_s = LIVE_EVERY_S / len(self.names)
        while True:
            for name in self.names:
                if self._stop.wait(pause_s):
                    return
                self._at_us += S // 10  # house time hardly goes on: states, and no new interval
                reading = replace(self._houses[name].reading(self._at_us), meter=name)
                at_us, offered_us = time.monotonic_ns() // 1000, self.keeper.live[name].offered_us
                self.delivered[name, reading.latest_us] = at_us, max(at_us, offered_us + STATE_EVERY_S * S)
                self.keeper.deliver(reading)


def _heard(line: str) -> Heard:
    at_us, kind, meter, seq, its_us = line.split()
    return Heard(int(at_us), kind, meter, int(seq), int(its_us))


def resident_kb() -> int:
    """Of this process now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise OSError("/proc/self/status has no VmRSS")


def _config(folder: Path, port: int, names: list[str], poll_s: int) -> str:
    meters = "".join(
        f'\n[[meter]]\nname = "{name}"\nprofile = "sunspec"\nrole = "grid"\nregister = "own"\n'
        f'service_amps = 200\nservice_volts = 240\nhost = "{HOST}"\nunit = {unit}\npoll_s = {poll_s}\n'
        for unit, name in enumerate(names, 1)
    )
    return (
        f'[gateway]\nid = "bench"\nclock = "ntp"\n\n[store]\npath = "{folder / "ledger.sqlite"}"\n\n'
        f'[mqtt]\nhost = "{HOST}"\nport = {port}\nbase_topic = "bench"\nstate_every_s = {STATE_EVERY_S}\n'
        "discovery = false\n\n"
        f'[accounting]\ntariff = "{TARIFF}"\n{meters}'
    )


def _broker(folder: Path, port: int) -> Child:
    """mosquitto, which by default throws away what a listener that is slow leaves in its queue beyond 1000 messages.

    Raises ChildError.
    """
    mosquitto = find_mosquitto()
    if mosquitto is None:
        raise ChildError("mosquitto is not installed (Debian: apt-get install mosquitto)")
    config = folder / "mosquitto.conf"
    lines = (f"listener {port} {HOST}", "allow_anonymous true", f"user {getpass.getuser()}", "max_queued_messages 0")
    config.write_text("\n".join(lines) + "\n", encoding="ascii")
    child = Child("broker", [mosquitto, "-c", str(config)], folder / "broker.log")
    while not accepts_connect(port):
        child.check()
        time.sleep(0.02)
    return child


def _make(path: Path) -> None:
    migrate(path)
