"""Plays a history through the books of one meter: validate, accumulate, and the rows of each commit, in virtual time.

What is committed after each reading is what the store would hold: a kill goes on from there. No disk, no thread, no
broker. This file alone knows the gateway.
"""

import json
from dataclasses import dataclass, field
from datetime import tzinfo
from zoneinfo import ZoneInfo

import msgspec

from drivers import EnergyRegister, RegisterSnapshot
from gateway.bookkeeping.books import Books
from gateway.bookkeeping.journal import Origin, OutboxIds
from gateway.buckets.accumulate import Rules
from gateway.clock import ClockState
from gateway.config.types import GapPolicy, MeterSection, RegisterOwner, Role
from gateway.decision import Basis
from gateway.energy import AccumulatorState
from gateway.kernels import Build, load_kernel
from gateway.ledger import chain
from gateway.ledger.records import Batch, ClosedInterval, IntervalRow, StoredMeter
from gateway.reading.read import Reading
from gateway.registers.validate import ValidatorState
from gateway.tariff.calendar import EdgeTable
from gateway.timeline import Timeline

from .plan import LIMIT_MILLIW, Ask, Happening, History, Kind
from .record import Fate, Played, Taken
from .tariff import NAMES, Tariff
from .truth import Meter

BORN_US = 1_700_000_000_000_000
"""What an unset clock shows: long before any release of this program."""
GAP_US = 1_900_000_000
KERNEL = load_kernel(Build.PYTHON)
METER, GATEWAY, STORE = "grid", "gw1", "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class LentCalendar:
    """A tariff of a history, as the pipeline asks for it."""

    tariff: Tariff
    zone: tzinfo
    bucket_names: tuple[str, ...] = NAMES
    tariff_id: str = "by-lot"

    def edges(self, start_us: int, end_us: int) -> EdgeTable:
        raise NotImplementedError("the pipeline asks the timeline")

    def bucket_at(self, utc_us: int) -> int:
        return self.tariff.bucket(utc_us)

    def next_edge_us(self, utc_us: int) -> int:
        return self.tariff.next_change_us(utc_us)

    def version_at(self, utc_us: int) -> str:
        return f"bucket {self.tariff.bucket(utc_us)}"


@dataclass(slots=True)
class _Machine:
    """The gateway's clocks."""

    off_us: int = 0
    known: bool = True
    boot: int = 0
    paused_us: int = 0
    booted_us: int = 0

    def monotonic_us(self, true_us: int) -> int:
        return true_us - self.booted_us - self.paused_us


@dataclass(slots=True)
class _Store:
    """What the last commit left."""

    validator: ValidatorState = field(default_factory=ValidatorState)
    accumulator: AccumulatorState = field(default_factory=AccumulatorState)
    rows: list[IntervalRow] = field(default_factory=list)
    newest: dict[int, ClosedInterval] = field(default_factory=dict)
    event_seq: int = 0
    outbox: int = 0
    held: tuple[Reading, ...] = ()

    def load(self) -> StoredMeter:
        return StoredMeter(
            meter_id=1,
            name=METER,
            # Each reading is committed: what the books hold now is what the last commit wrote.
            validator=msgspec.json.decode(msgspec.json.encode(self.validator), type=ValidatorState),
            accumulator=msgspec.json.decode(msgspec.json.encode(self.accumulator), type=AccumulatorState),
            interval_seq=len(self.rows),
            event_seq=self.event_seq,
            chain_head=self.rows[-1].hash if self.rows else chain.genesis(STORE, METER),
            find_closed=self.newest.get,
            held=self.held,
        )

    def commit(self, batch: Batch) -> None:
        for row in batch.intervals:
            self.rows.append(row)
            self.newest[row.interval.end_us] = ClosedInterval(row.seq, row.revision, row.interval)
        if batch.events:
            self.event_seq = batch.events[-1].seq
        if batch.outbox:
            self.outbox = batch.outbox[-1][1].outbox_id
        if batch.released:
            self.held = ()
        self.held += tuple(reading for _, reading in batch.held)
        for validator, accumulator in batch.states.values():
            self.validator, self.accumulator = validator, accumulator


class Player:
    """Plays one history. Subclasses break a law on purpose."""

    basis: Basis | None = None
    """By which the meter is read now."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._machine, self._store = _Machine(), _Store()
        self._to_come = list(history.happenings)
        self._glitch: Kind | None = None
        self.played = Played()
        self._books = self.open_books(self._store.load())

    def play(self) -> Played:
        """All of it."""
        for ask in self._history.asks:
            while self._to_come and self._to_come[0].at_us <= ask.received_us:
                self._happen(self._to_come.pop(0))
            self._take(ask)
        return self.played

    def open_books(self, stored: StoredMeter) -> Books:
        """The books as the last commit left them."""
        history, tariff = self._history, self._history.tariff
        gap = GapPolicy.UNASSIGNED if history.unassigned else GapPolicy.PRO_RATA
        return Books(
            stored,
            Origin(GATEWAY, STORE),
            MeterSection(
                name=METER,
                profile="sdm630",
                role=Role.GRID,
                register=RegisterOwner.OWN,
                service_amps=40,
                service_volts=240,
                port="/dev/null",
            ),
            Timeline(LentCalendar(tariff, ZoneInfo(tariff.zone)), tariff.interval_min),
            KERNEL,
            Rules(LIMIT_MILLIW, gap, history.max_gap_us),
            OutboxIds(self._store.outbox),
            GAP_US,
            self.basis,
        )

    def _happen(self, one: Happening) -> None:
        machine = self._machine
        match one.kind:
            case Kind.STEP:
                machine.off_us, machine.known = one.size_us, True
            case Kind.UNSET:
                machine.off_us, machine.known = BORN_US - one.at_us, False
            case Kind.REBOOT:
                machine.boot += 1
                machine.booted_us, machine.paused_us = one.at_us + one.size_us // 2, 0
                self._books = self.open_books(self._store.load())
            case Kind.PAUSE:
                machine.paused_us += one.size_us
            case Kind.KILL:
                self._books = self.open_books(self._store.load())
            case Kind.ZERO | Kind.SPIKE:
                self._glitch = one.kind

    def _take(self, ask: Ask) -> None:
        """Ask, stamp the answer as the read step does, and hand it to the books."""
        history, machine = self._history, self._machine
        index = sum(at_us <= ask.latched_us for at_us in history.swaps_us)
        meters = history.imports[index], history.exports[index]
        shown = [self._shown(meter, ask) for meter in meters]
        lag_us = meters[0].refresh_us
        off_us = machine.off_us + history.error_us
        reading = Reading(
            meter=METER,
            snapshot=RegisterSnapshot(
                EnergyRegister(shown[0], meters[0].step_milliwh),
                EnergyRegister(shown[1], meters[0].step_milliwh),
                power_milliw=None,
                one_moment=True,
                others={},
            ),
            earliest_us=ask.sent_us - lag_us + off_us,
            latest_us=ask.received_us + off_us,
            monotonic_us=machine.monotonic_us(ask.received_us),
            boot_id=f"boot {machine.boot}",
            clock_state=ClockState.SYNCED if machine.known else ClockState.UNSYNCED,
            serial=meters[0].serial,
            clock_error_us=history.error_us,
        )
        taken = Taken(
            meter=index,
            glitch=shown != [meter.shown(ask.latched_us) for meter in meters],
            shown={"import": shown[0], "export": shown[1]},
            wall_earliest_us=reading.earliest_us,
            wall_latest_us=reading.latest_us,
            monotonic_us=reading.monotonic_us,
            boot=reading.boot_id,
            true_earliest_us=ask.sent_us - lag_us,
            true_latest_us=ask.received_us,
            clock_off_us=machine.off_us,
        )
        self._glitch = None
        self.played.taken.append(taken)
        self._book(reading)

    def _shown(self, meter: Meter, ask: Ask) -> int:
        shown = meter.shown(ask.latched_us)
        if self._glitch is Kind.ZERO:
            return 0
        return shown + 10**12 if self._glitch is Kind.SPIKE else shown

    def _book(self, reading: Reading) -> None:
        batch = Batch()
        self._books.take(reading, batch)
        self._store.commit(batch)
        for row in batch.readings:
            self._note(
                row.reading, Fate.BOOKED if row.decision.startswith(("accepted", "rollover", "newepoch")) else None
            )
        for epoch in batch.epochs:
            self._note(epoch.first, Fate.OPENED)
        last = self.played.taken[-1]
        if last.fate is not Fate.NOT_BOOKED:
            last.state = self._books.state_record()
            last.quiet = not any(account.pending or account.again for _, account in batch.states.values())
        for _, message in batch.outbox:
            content = json.loads(message.payload)
            (self.played.intervals if message.kind == "interval" else self.played.events).append(content)
        last.told = len(self.played.events)

    def _note(self, reading: Reading, fate: Fate | None) -> None:
        """What became of a reading; one that waited for the time is placed now."""
        key = reading.boot_id, reading.monotonic_us
        taken = next((one for one in reversed(self.played.taken) if (one.boot, one.monotonic_us) == key), None)
        if taken is None:
            return
        taken.wall_earliest_us, taken.wall_latest_us = reading.earliest_us, reading.latest_us
        if fate is not None:
            taken.fate = fate
