"""The ledger thread: takes readings, keeps every meter's books, owns the store, answers the publisher.

Commits at every interval, bucket edge, event and epoch, and at least every `commit_every_s`, so that a power cut
costs at most that much resolution. A record is offered to the broker only after its COMMIT. A store that fails
(full, read-only, hung) costs nothing either: the batch is kept and tried again, and the failure is told.
"""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from ..bookkeeping.books import Books
from ..clock import Clock
from ..config.types import Config
from ..decision import Booked, Quarantined, Reason, Waiting
from ..ledger.ballast import Ballast
from ..ledger.records import Batch, NotReadableError, Record
from ..ledger.store import Store
from ..log import event_line, logger
from ..publish.message import Topics, render
from ..publish.publisher import Publisher
from ..publish.requests import Acknowledgement
from ..pulse import Pulse
from ..reading.load_profile import Told
from ..reading.read import Reading
from ..registers.exchange import Exchanged, Outcome, Restated, Statement
from ..registers.stated import Moment
from .deliveries import Deliveries
from .health import HealthTeller
from .live import Live, MeterLive
from .rows_wanted import Question, RowsWanted
from .saver import Saver
from .thinner import Thinner
from .upkeep import Upkeep

__all__ = ["INBOX_LIMIT", "Bookkeeper", "MeterLive"]

INBOX_LIMIT = 10_000
"""Readings beyond it are dropped; what the publisher says is bounded by its window, and must never make it wait."""
INBOX_A_TURN = 500
TURN_WITHIN_S = 30.0  # hundreds of readings may have to be split over edges
EXCHANGE_WITHIN_S = 25.0  # a commit on a slow card, behind hundreds of readings
CHANGE_WITHIN_S = 600.0  # years of records may get a revision, on a small computer
COMMIT_AGAIN_US = 5_000_000
ACKNOWLEDGED_A_COMMIT = 5_000
HEALTH_EVERY_US = 60_000_000
LOOK_AT_ALL_EVERY_US = 500_000

Answer = TypeVar("Answer")


NOTHING_MORE: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True)
class _Turn:
    """What one round of the loop has gathered."""

    commit_now: bool = False
    touched: set[str] = field(default_factory=set)
    """Meters of which something was heard."""
    rows_wanted: list[Question] = field(default_factory=list)


class Bookkeeper(threading.Thread):
    """The ledger thread. Other threads call `deliver`, the `report_`s, `want_rows`, `acknowledge`, `stop`."""

    def __init__(
        self,
        config: Config,
        store: Store,
        books: Mapping[str, Books],
        topics: Topics,
        clock: Clock,
        ask_again: Callable[[str], None],
        about: Mapping[str, str] = NOTHING_MORE,
        ballast: Ballast | None = None,
    ) -> None:
        """`ask_again(meter)` asks the meter's line for another reading at once. `about`: what else health tells."""
        super().__init__(name="ledger", daemon=True)
        self.pulse = Pulse(self.name, clock, TURN_WITHIN_S)
        self.upkeep = Upkeep(store, self.pulse)
        self._saver = Saver(store, clock, self.pulse, self._tell_all, ballast, self.upkeep.hear)
        self.health = self._saver.health
        self._live = Live(books, topics, clock, config.mqtt.state_every_s)
        self.live = self._live.meters
        self._config, self._store, self._books, self._topics, self._clock = config, store, books, topics, clock
        self._ask_again = ask_again
        self._publisher: Publisher | None = None
        self._announce: Callable[[str, Record], None] | None = None
        self.on_stored: Callable[[Batch], None] | None = None
        """Who wants to know what is committed; named before `start`, and must not wait."""
        self._inbox: queue.Queue[Callable[[_Turn], None]] = queue.Queue()
        self._unsaved_since_us: int | None = None
        """Since when the batch holds a reading that no disk has, real microseconds."""
        self._rows_wanted = RowsWanted(store, self._saver, self.pulse)
        self.deliveries = Deliveries(store, config.gateway.id, config.mqtt.consumer, topics, self._saver.note)
        self._commit_due_us = 0
        self._look_at_all_us = 0
        self._health_due_us = 0
        self._thinner = Thinner(config, store, clock, self.pulse, self._saver)
        told_by = self._saver, self.deliveries, self.upkeep
        self._health_teller = HealthTeller(config.gateway.id, store, clock, *told_by, about)
        self._stopping = False

    def attach(self, publisher: Publisher, announce: Callable[[str, Record], None] | None = None) -> None:
        """Name the publisher, and who wants to see a meter's state before it goes out; before `start`."""
        self._publisher, self._announce = publisher, announce

    def deliver(self, reading: Reading) -> None:
        """A line read a meter. A full inbox drops it: the register is cumulative, the next one carries the energy."""
        self._post(lambda turn: self._take(reading, turn))

    def report_failure(self, meter: str, error: str) -> None:
        """A line could not read a meter."""
        self._post(lambda _turn: self._note_failure(meter, error))

    def report_event(self, meter: str, kind: str, detail: Record) -> None:
        """A line noticed something beside its readings."""
        self._post(lambda turn: self._note_event(meter, kind, detail, turn))

    def correct(self, meter: str, told: Sequence[Told]) -> None:
        """A line has read the load profile of an outage: tell its intervals anew."""
        self._post(lambda _turn: self._correct(meter, told))

    def want_rows(self, connection: int, after_id: int, limit: int) -> None:
        """The publisher has room; answered by `Publisher.offer_rows` after the next commit."""
        self._inbox.put(lambda turn: turn.rows_wanted.append((connection, after_id, limit)))

    def acknowledge(self, outbox_ids: Sequence[int]) -> None:
        """The broker has taken rows."""
        self._inbox.put(lambda _turn: self._take_acknowledgements(outbox_ids))

    def ask(self, question: Callable[[], None]) -> None:
        """Run `question` in this thread when it comes to it; nobody waits."""
        self._inbox.put(lambda _turn: question())

    def tell_everywhere(self, kind: str, detail: Record) -> None:
        """An event that concerns every meter."""
        self.ask(lambda: self._tell_all(kind, detail))

    def hear_consumer(self, word: Acknowledgement) -> None:
        """A consumer has stored records; kept with the next commit."""
        self.ask(lambda: self.deliveries.take(word, self._batch))

    def call(self, question: Callable[[], Answer], patience_s: float = 5.0) -> Answer:
        """Run `question` in this thread, where nothing changes meanwhile, and return its answer.

        Raises queue.Empty when the thread does not come to it in time (a hung disk).
        """
        answer: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._inbox.put(lambda _turn: answer.put(question()))
        return answer.get(timeout=patience_s)

    def exchange(self, statement: Statement) -> tuple[Outcome, str]:
        """Book the operator's word on an exchange; answered once it is stored. Second: the store's error, or nothing.

        Raises queue.Empty as `call` does; said again it is booked once.
        """
        return self.call(lambda: self._exchange(statement), EXCHANGE_WITHIN_S)

    def change(self, work: Callable[[Batch], None]) -> str:
        """In this thread alone (`call`): let `work` change books whose every reading is stored, in one transaction.

        Returns the store's error, or nothing.
        """
        self._commit()
        if not self.health.error:
            self.pulse.turn(CHANGE_WITHIN_S)
            work(self._batch)
            for live in self.live.values():
                live.dirty = True
            self._commit()
        return self.health.error

    def stop(self) -> None:
        """Commit what there is and end; a thread that hangs on its disk is not waited for."""
        self._stopping = True

    def run(self) -> None:
        """Serve the inbox until stopped; the last act is a commit."""
        self._commit()  # nothing yet, but the ballast is looked after
        while not self._stopping:
            self.pulse.turn()
            turn = _Turn()
            try:
                self._inbox.get(timeout=self._live.pause_s(self.upkeep.pause_s))(turn)
                for _ in range(INBOX_A_TURN):
                    self._inbox.get_nowait()(turn)
            except queue.Empty:
                pass
            self._settle(turn)
            if self._saver.can_read:
                self.upkeep.turn()
            if self._inbox.empty():
                self._thinner.turn(None if self._unsaved_since_us is None else self._commit_due_us)
        self._commit()

    @property
    def _commit_every_us(self) -> int:
        return self._config.store.commit_every_s * 1_000_000

    def _post(self, action: Callable[[_Turn], None]) -> None:
        if self._inbox.qsize() >= INBOX_LIMIT:
            self.health.readings_dropped += 1
        else:
            self._inbox.put(action)

    def _settle(self, turn: _Turn) -> None:
        """After the inbox: commit if due, offer what is new, keep the meters' presence."""
        if turn.commit_now or self._clock.real_us() >= self._commit_due_us:
            self._commit()
        self._rows_wanted.offer(turn.rows_wanted, self._publisher)
        if self._publisher is not None and self._saver.can_read and not self.health.error:
            self.deliveries.offer_heads(self._publisher, self.pulse)
        now_us = self._clock.real_us()
        if now_us >= self._look_at_all_us:  # two thousand meters cannot all be looked at after each reading
            self._look_at_all_us = now_us + LOOK_AT_ALL_EVERY_US
            turn.touched.update(self._books)
        turn.touched.update(self._live.due())
        for name in turn.touched:
            self._offer_live(name)
        self._offer_health()

    @property
    def _batch(self) -> Batch:
        return self._saver.batch

    def _tell_all(self, kind: str, detail: Record) -> None:
        """An event that concerns every meter; on its way to the disk with the next turn."""
        for books in self._books.values():
            books.tell(kind, self._clock.wall_us(), detail, self._batch)
        self._commit_due_us = self._clock.real_us()
        self._health_due_us = 0

    def _take(self, reading: Reading, turn: _Turn) -> None:
        if self._saver.is_overfull:
            self._saver.drop(reading.instant_us)
            self.live[reading.meter].error = "read and not booked: the store has been away for too long"
            return
        books, live = self._books[reading.meter], self.live[reading.meter]
        turn.touched.add(reading.meter)
        rows_before = len(self._batch.outbox) + len(self._batch.epochs)
        bucket_before = books.running_bucket()
        decision = books.take(reading, self._batch)
        if self._unsaved_since_us is None:
            self._unsaved_since_us = self._clock.real_us()
            self._commit_due_us = min(self._commit_due_us, self._unsaved_since_us + self._commit_every_us)
        if isinstance(decision, Booked):
            live.heard_us, live.error, live.dirty = self._clock.real_us(), "", True
        elif isinstance(decision, Waiting):
            live.heard_us, live.error = self._clock.real_us(), books.last_decision
        else:
            live.error = books.last_decision
        if isinstance(decision, Quarantined) and decision.reason is Reason.FIRST_READING:
            self._ask_again(reading.meter)
        changed_bucket = books.running_bucket() != bucket_before
        if changed_bucket or len(self._batch.outbox) + len(self._batch.epochs) > rows_before:
            turn.commit_now = True
        self._saver.bound()

    def _note_failure(self, meter: str, error: str) -> None:
        self._books[meter].counters.failed += 1
        live = self.live[meter]
        if error != live.error:
            logger.warning(event_line("read_failed", meter=meter, why=error))
        live.error = error

    def _note_event(self, meter: str, kind: str, detail: Record, turn: _Turn) -> None:
        logger.warning(event_line(kind, meter=meter, **detail))
        self._books[meter].tell(kind, self._clock.wall_us(), detail, self._batch)
        turn.commit_now = True

    def _correct(self, meter: str, told: Sequence[Told]) -> None:
        """Both directions in one transaction; what cannot be read back is left as it is, and told."""

        def work(batch: Batch) -> None:
            books = self._books[meter]
            for one in told:
                if one.direction in books.account.directions:
                    told_by = (one.entries, one.resolution_milliwh, batch, one.shift_milliwh)
                    books.correct(one.direction, one.from_us, one.to_us, *told_by)

        try:
            self.change(work)
        except NotReadableError as error:
            logger.warning(event_line("profile_not_used", meter=meter, why=error))

    def _exchange(self, statement: Statement) -> tuple[Outcome, str]:
        outcome = self._books[statement.meter].exchange(statement, Moment.now(self._clock), self._batch)
        if isinstance(outcome, Exchanged | Restated):
            self.live[statement.meter].dirty = True
            return outcome, "" if self._commit() else self.health.error
        return outcome, self.health.error

    def _take_acknowledgements(self, outbox_ids: Sequence[int]) -> None:
        self._batch.acknowledged += outbox_ids
        self.health.outbox_depth -= len(outbox_ids)
        if len(self._batch.acknowledged) >= ACKNOWLEDGED_A_COMMIT:
            self._commit_due_us = self._clock.real_us()

    def _commit(self) -> bool:
        """One transaction for all since the last; whether it was written. A failure keeps the batch and is told."""
        now_us = self._clock.real_us()
        self._commit_due_us = now_us + self._commit_every_us
        self.deliveries.hear_batch(self._batch)
        if not self._saver.save():
            if self.health.error:
                self._commit_due_us = now_us + COMMIT_AGAIN_US
            return False
        self._unsaved_since_us = None
        if self.on_stored is not None:
            self.on_stored(self._saver.written)
        if self._publisher is not None:
            self._publisher.offer_growth()
        return True

    def _offer_live(self, name: str) -> None:
        if self._publisher is None:
            return
        self._live.offer_presence(name, self._publisher)
        if not self._runs_ahead(self._clock.real_us()):
            self._live.offer_state(name, self._publisher, self._announce)

    def _runs_ahead(self, now_us: int) -> bool:
        """Whether live totals would promise what no disk has held for longer than `commit_every_s`."""
        return self._unsaved_since_us is not None and now_us - self._unsaved_since_us > self._commit_every_us

    def _offer_health(self) -> None:
        now_us = self._clock.real_us()
        if now_us < self._health_due_us or self._publisher is None:
            return
        self._health_due_us = now_us + HEALTH_EVERY_US
        self._publisher.offer_retained(self._topics.health, render(self.health_record()))

    def health_record(self) -> Record:
        """The gateway's own state, as published and as `netmeter status` shows it."""
        return self._health_teller.record(self._publisher)
