"""A gateway without wires, for the tests of its consumer: real books, a real store, and what they would send.

Readings go one by one through the daemon's own books; each is committed. What is sent is the outbox, byte for byte,
and the live state; heads and answers are written by hand from docs/messages.md.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from gateway.bookkeeping.desk import open_books
from gateway.bookkeeping.journal import OutboxIds
from gateway.collect.heard import Heard, hear
from gateway.config.load import load_config
from gateway.kernels import Build, load_kernel
from gateway.ledger.epochs import Owner
from gateway.ledger.opening import Opener
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.machine import this_machine
from gateway.publish.message import render
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff

from .world import reading

BASE = "netmeter"
CONFIG = """\
[gateway]
id = "{gateway}"
clock = "operator"
[mqtt]
host = "127.0.0.1"
[accounting]
tariff = "pge-e-tou-c"
[store]
path = "ledger.sqlite"
"""
METER = """\
[[meter]]
name = "{meter}"
profile = "sunspec"
role = "grid"
register = "own"
service_amps = 100
service_volts = 240
poll_s = 60
host = "127.0.0.1"
"""
Sent = tuple[str, bytes]
"""Topic and payload."""


def sent_as(sent: Sent, *, retained: bool = False) -> Heard:
    """What a consumer makes of a message."""
    heard = hear(BASE, *sent, retained=retained)
    assert heard is not None
    return heard


class Site:
    """One gateway with one meter, in a folder of its own."""

    def __init__(self, folder: Path, gateway: str = "elm", meter: str = "grid", at_us: int = 0) -> None:
        self.folder, self.gateway, self.meter = folder, gateway, meter
        self.store_path = folder / "ledger.sqlite"
        self.config_path = folder / "gateway.toml"
        folder.mkdir(exist_ok=True)
        if not self.config_path.exists():
            text = CONFIG.format(gateway=gateway) + METER.format(meter=meter)
            self.config_path.write_text(text, encoding="utf-8")
        config = load_config(self.config_path)
        owner = Owner(gateway, this_machine(), at_us)
        self.store = Opener(self.store_path, owner, [meter], lambda path: void(migrate(path))).open().store
        calendar, kernel = Calendar(load_tariff("pge-e-tou-c")), load_kernel(Build.PYTHON)
        ids = OutboxIds(self.store.newest_outbox_id())
        self.books = open_books(config, folder, config.meter[0], self.store, calendar, kernel, ids)
        self._sent_upto = self.store.newest_outbox_id()

    def read(self, at_us: int, taken_milliwh: int, given_milliwh: int) -> list[Sent]:
        """One reading, committed; what goes out of it, the live state last."""
        batch = Batch()
        self.books.take(reading(at_us, taken_milliwh, given_milliwh, meter=self.meter, half_window_us=100_000), batch)
        self.store.commit(batch)
        sent = [*self._records()]
        state = self.books.state_record()
        if state is not None:
            sent.append((self.topic("state"), render(state).encode()))
        return sent

    def read_all(self, readings: Iterable[tuple[int, int, int]]) -> list[Sent]:
        """Many readings in one commit; the records alone that go out of them."""
        batch = Batch()
        for at_us, taken_milliwh, given_milliwh in readings:
            self.books.take(reading(at_us, taken_milliwh, given_milliwh, meter=self.meter), batch)
        self.store.commit(batch)
        return [*self._records()]

    def _records(self) -> Iterator[Sent]:
        for row in self.store.pending(self._sent_upto, 10_000):
            self._sent_upto = row.outbox_id
            yield self.topic(row.kind), row.payload.encode()

    def topic(self, word: str) -> str:
        return f"{BASE}/{self.gateway}/meter/{self.meter}/{word}"

    def head(self, **changed: object) -> Sent:
        """The head as the contract has it, of a store with one epoch."""
        newest = max((row[0] for row in self.store.closed_after(self.meter, 0, 100_000)), default=0)
        head = {
            "schema": 1,
            "gateway": self.gateway,
            "meter": self.meter,
            "store_epoch": self.store.store_epoch,
            "oldest_seq": 1,
            "newest_seq": newest,
            "chain_head": "",
            "oldest_event_seq": 1,
            "newest_event_seq": 0,
            "previous_store_epoch": None,
        }
        return self.topic("head"), json.dumps(head | changed).encode()

    def close(self) -> None:
        self.store.close()


def void(_: object) -> None: ...


def flow(minute: int) -> tuple[int, int]:
    """Registers of a house with an array at a minute of its life, milliwatt-hours, in steps of a watt-hour."""
    taken, given = 7_000_000 + minute * 21_000, 3_000_000
    for one in range(minute):
        given += 13_000 if one % 90 < 60 else 0
    return taken, given
