"""Days of a house through the real books into the real store, in virtual time: what `bench ledger` measures.

Readings come as the daemon asks for them (the poll grid, and half a second before each edge), are committed when it
would commit, acknowledged a commit later and thinned between commits. Nobody sleeps; the disk is the real one.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers import EnergyRegister, RegisterSnapshot
from gateway.bookkeeping.books import Books
from gateway.bookkeeping.journal import Origin, OutboxIds
from gateway.bookkeeping.recompute import Again, MeterAgain, begin, is_same
from gateway.buckets.accumulate import Rules
from gateway.clock import ClockState
from gateway.config.types import GapPolicy, MeterSection, RegisterOwner, Role
from gateway.energy import AccumulatorState
from gateway.kernels import Kernel, service_kernel
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.reading.read import Reading
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff
from gateway.timeline import Timeline

from .books import START_US, TARIFF

S = 1_000_000
DAY_US = 86_400 * S
COMMIT_EVERY_US = 60 * S
BEFORE_EDGE_US = S // 2
METER = "grid"
DIGIT_MILLIWH = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how often read, how long kept."""

    days: int
    poll_s: int
    keep_days: int


@dataclass(frozen=True, slots=True)
class Day:
    """The store at the end of a day; what was written since its beginning. Bytes."""

    day: int
    file_bytes: int
    used_bytes: int
    written_bytes: int
    """Handed to the system to be written (wchar of the process)."""
    commits: int
    thinned: int


class House:
    """What the meter shows: import by night, export by day, with some unrest; ten watt-hours are its last digit."""

    def __init__(self) -> None:
        self._imported, self._exported, self._at_us = 14_000_000_000, 9_000_000_000, START_US

    def reading(self, at_us: int) -> Reading:
        """At a later instant than the last."""
        second = at_us // S
        sun = second // 3600 % 24 >= 15 or second // 3600 % 24 < 2
        power_milliw = -(second * 7919 % 5_000_000) if sun else 200_000 + second * 104_729 % 3_000_000
        grown = abs(power_milliw) * (at_us - self._at_us) // 3_600_000_000
        self._at_us = at_us
        if sun:
            self._exported += grown
        else:
            self._imported += grown
        imported, exported = (
            EnergyRegister(one // DIGIT_MILLIWH * DIGIT_MILLIWH, DIGIT_MILLIWH)
            for one in (self._imported, self._exported)
        )
        return Reading(
            meter=METER,
            snapshot=RegisterSnapshot(imported, exported, power_milliw, True, {}),
            earliest_us=at_us - 30_000 - second % 7 * 1000,
            latest_us=at_us,
            monotonic_us=at_us - START_US,
            boot_id="bench",
            clock_state=ClockState.SYNCED,
            serial="0042",
            clock_error_us=2000 + second % 1024 * 500,
        )


def instants_us(plan: Plan, timeline: Timeline) -> Iterator[int]:
    """When the meter is read."""
    at_us, end_us = START_US, START_US + plan.days * DAY_US
    edge_us = timeline.next_edge_us(at_us)
    while at_us < end_us:
        if edge_us - BEFORE_EDGE_US <= at_us:
            yield edge_us - BEFORE_EDGE_US
            edge_us = timeline.next_edge_us(edge_us)
        yield at_us + (at_us // S % 3) * 10_000
        at_us += plan.poll_s * S


class Ledger:
    """The store and the books of one run."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self.path, self.plan = path, plan
        self.calendar = Calendar(load_tariff(TARIFF))
        self.timeline = Timeline(self.calendar, 15)
        self.kernel: Kernel = service_kernel()
        self.section = MeterSection(
            name=METER,
            profile="sunspec",
            role=Role.GRID,
            register=RegisterOwner.OWN,
            service_amps=200,
            service_volts=240,
            poll_s=plan.poll_s,
        )
        self.rules = Rules(self.section.limit_milliw, GapPolicy.PRO_RATA, 3_600_000_000)
        migrate(path)
        self.store = Store(path)
        stored = self.store.load_meter(METER)
        self.meter_id = stored.meter_id
        gap_us = max(3 * plan.poll_s, 30) * S
        origin, ids = Origin("bench", self.store.store_epoch), OutboxIds(self.store.newest_outbox_id())
        self.books = Books(stored, origin, self.section, self.timeline, self.kernel, self.rules, ids, gap_us)
        self.account = AccumulatorState()
        """As last committed."""

    def run(self) -> Iterator[Day]:
        """Book all days; one `Day` at the end of each."""
        house, batch, due_us = House(), Batch(), START_US + COMMIT_EVERY_US
        day, commits, thinned, written = 1, 0, 0, written_bytes()
        for at_us in instants_us(self.plan, self.timeline):
            if at_us >= START_US + day * DAY_US:
                yield self._day(day, written_bytes() - written, commits, thinned)
                day, commits, thinned, written = day + 1, 0, 0, written_bytes()
            self.books.take(house.reading(at_us), batch)
            if batch.outbox or at_us >= due_us:
                batch = self._commit(batch)
                commits, due_us = commits + 1, at_us + COMMIT_EVERY_US
                thinned += self.store.retention.thin(24 * self.plan.keep_days) or 0
        self._commit(batch)
        yield self._day(day, written_bytes() - written, commits + 1, thinned)

    def _commit(self, batch: Batch) -> Batch:
        """Commit; what was offered to the broker is acknowledged by the next one."""
        self.store.commit(batch)
        for _, account in batch.states.values():
            self.account = account
        return Batch(acknowledged=[row.outbox_id for _, row in batch.outbox])

    def thin(self, keep_days: int) -> int:
        """Thin all that is older."""
        gone = 0
        while (one := self.store.retention.thin(24 * keep_days)) is not None:
            gone += one
        return gone

    def again(self) -> MeterAgain:
        """The stored readings, booked again."""
        past = self.store.past
        meter = begin(self.meter_id, METER, Timeline(self.calendar, 15), self.kernel, self.rules, past)
        Again({self.meter_id: meter}, past).catch_up()
        meter.find_gone(past)
        return meter

    def is_same(self, meter: MeterAgain) -> bool:
        """Whether that is this account and these records, to the last bit."""
        return is_same(meter.state, self.account) and not meter.differences

    def _day(self, day: int, written: int, commits: int, thinned: int) -> Day:
        sizes = self.store.retention.sizes()
        return Day(day, self.path.stat().st_size, sizes.used_bytes, written, commits, thinned)


def written_bytes() -> int:
    """What this process has handed to the system to be written so far, from the kernel's own count.

    Not `write_bytes`: where the page cache has large folios, that counts the whole folio for each page.
    """
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("wchar:"):
            return int(line.split()[1])
    raise OSError(f"/proc/{os.getpid()}/io has no wchar")
