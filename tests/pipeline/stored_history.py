"""A history by lot, read every few seconds, kept in a real store: what the tests of thinning and recompute look at.

The store is written as the daemon writes it, a transaction for many readings; nothing is reckoned here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from gateway.bookkeeping.recompute import Again, MeterAgain, begin
from gateway.buckets.accumulate import Rules
from gateway.config.types import GapPolicy
from gateway.energy import AccumulatorState
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.timeline import Timeline
from hil.histories.plan import LIMIT_MILLIW, Ask, History
from hil.histories.play import KERNEL, METER, LentCalendar, Player, _Store
from hil.histories.tariff import Tariff

READINGS_A_COMMIT = 40


@dataclass(slots=True)
class _KeptStore(_Store):
    """Keeps what each commit wrote."""

    batches: list[Batch] = field(default_factory=list)

    def commit(self, batch: Batch) -> None:
        # What is committed is what it is now: the account itself goes on.
        now = {
            meter: (validator, msgspec.json.decode(msgspec.json.encode(account), type=AccumulatorState))
            for meter, (validator, account) in batch.states.items()
        }
        self.batches.append(replace(batch, states=now))
        _Store.commit(self, batch)


class _Kept(Player):
    def __init__(self, history: History) -> None:
        super().__init__(history)
        self.kept = self._store = _KeptStore()
        self._books = self.open_books(self._store.load())

    @property
    def account(self) -> AccumulatorState:
        return self.kept.accumulator


def dense(history: History, every_us: int) -> History:
    """The same history, asked at least so often where it was asked at all within 16 minutes."""
    asks: list[Ask] = []
    for ask in history.asks:
        last = asks[-1] if asks else ask
        if ask.sent_us - last.received_us < 960_000_000:
            took_us = ask.received_us - ask.sent_us
            for at_us in range(last.received_us + every_us, ask.sent_us - every_us, every_us):
                asks.append(Ask(at_us, at_us + took_us // 2, at_us + took_us))
        asks.append(ask)
    return replace(history, asks=tuple(asks))


def keep(history: History, path: Path, lost: Collection[int] = ()) -> tuple[Store, AccumulatorState]:
    """Play a history into a new store. Returns it, open, and the account that the books ended with.

    `lost`: the commits whose readings are let go.
    """
    player = _Kept(history)
    player.play()
    migrate(path)
    store = Store(path)
    meter_id = store.load_meter(METER).meter_id
    for place in range(0, len(player.kept.batches), READINGS_A_COMMIT):
        batch = _joined(player.kept.batches[place : place + READINGS_A_COMMIT], meter_id)
        if place // READINGS_A_COMMIT in lost:
            batch.readings.clear()
            batch.rebase = True
        store.commit(batch)
    return store, player.account


def _joined(batches: Sequence[Batch], meter_id: int) -> Batch:
    whole = Batch()
    for one in batches:
        whole.readings += [replace(row, meter_id=meter_id) for row in one.readings]
        whole.intervals += [replace(row, meter_id=meter_id) for row in one.intervals]
        whole.events += [replace(row, meter_id=meter_id) for row in one.events]
        for states in one.states.values():
            whole.states[meter_id] = states
    return whole


def again(store: Store, history: History, tariff: Tariff | None = None) -> MeterAgain:
    """Book what the store has again, by the history's tariff or another one."""
    tariff = tariff or history.tariff
    gap = GapPolicy.UNASSIGNED if history.unassigned else GapPolicy.PRO_RATA
    meter_id = store.load_meter(METER).meter_id
    timeline = Timeline(LentCalendar(tariff, ZoneInfo(tariff.zone)), tariff.interval_min)
    meter = begin(meter_id, METER, timeline, KERNEL, Rules(LIMIT_MILLIW, gap, history.max_gap_us), store.past)
    Again({meter_id: meter}, store.past).catch_up()
    meter.find_gone(store.past)
    return meter
