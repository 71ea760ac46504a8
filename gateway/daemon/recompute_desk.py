"""Where `netmeter recompute` is answered: by the running daemon, job by job, or over the store while none runs.

In the daemon the reckoning has a thread of its own and asks the ledger thread for a slice at a time, so that no commit
waits for it. What is applied is applied in the ledger thread, after a commit, in one transaction.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from .. import places
from ..bookkeeping.books import Books
from ..bookkeeping.desk import open_books
from ..bookkeeping.journal import OutboxIds
from ..bookkeeping.recompute import Again, RecomputeError, Tell, is_same
from ..bookkeeping.recompute_report import report
from ..buckets.accumulate import LawBrokenError
from ..config.problem import ProblemsError
from ..config.types import Config
from ..kernels import kernel_for_rows
from ..ledger.lock import StoreLockedError
from ..ledger.past import Past
from ..ledger.readings import Base, StoredReading
from ..ledger.records import Batch, ClosedInterval, NotReadableError
from ..ledger.store import Store
from ..ledger.store_error import StoreError
from ..tariff.calendar import Calendar
from ..tariff.tariff_file import load_tariff
from .bookkeeper import Bookkeeper

SLICE_WITHIN_S = 60.0
FINISH_WITHIN_S = 600.0
ANSWER_AFTER_S = 1.0

FAULTS = (RecomputeError, LawBrokenError, NotReadableError, ProblemsError, sqlite3.Error, msgspec.DecodeError)
"""What ends a recompute with a message."""

Answer = TypeVar("Answer")


class DeskError(Exception):
    """It cannot be reckoned here; the message says why and what to do."""


class _AskedPast:
    """The past of the daemon's store, a question to the ledger thread each. Obeys `ledger.past.Past`."""

    def __init__(self, store: Store, ask: Callable[[Callable[[], Any]], Any]) -> None:
        self._store, self._ask = store, ask

    def readings(self, after_id: int, limit: int) -> list[StoredReading]:
        found: list[StoredReading] = self._ask(lambda: self._store.past.readings(after_id, limit))
        return found

    def words(self, meter_id: int, ends_us: Iterable[int]) -> dict[int, ClosedInterval]:
        ends = list(ends_us)
        found: dict[int, ClosedInterval] = self._ask(lambda: self._store.past.words(meter_id, ends)) if ends else {}
        return found

    def ends_us(self, meter_id: int, after_us: int, limit: int) -> list[int]:
        found: list[int] = self._ask(lambda: self._store.past.ends_us(meter_id, after_us, limit))
        return found

    def base(self, meter_id: int) -> Base | None:
        found: Base | None = self._ask(lambda: self._store.past.base(meter_id))
        return found

    def newest_id(self) -> int:
        found: int = self._ask(lambda: self._store.past.newest_id())
        return found


class _Job(threading.Thread):
    """One recompute of a running daemon. Ends with `result`, whatever happens."""

    def __init__(self, number: int, work: Callable[[Tell], dict[str, Any]]) -> None:
        super().__init__(name=f"recompute {number}", daemon=True)
        self.number, self._work = number, work
        self.finished = threading.Event()
        self.progress = (0, 0)
        self.result: dict[str, Any] = {}

    def run(self) -> None:
        try:
            self.result = self._work(self._tell)
        except FAULTS as error:
            self.result = {"error": str(error)}
        except queue.Empty:
            self.result = {"error": "the ledger thread does not answer: is the disk hung?"}
        finally:
            self.finished.set()

    def _tell(self, done: int, total: int) -> None:
        self.progress = (done, total)


class RecomputeDesk:
    """The daemon's. One job at a time."""

    def __init__(self, bookkeeper: Bookkeeper, books: Mapping[str, Books], store: Store, calendar: Calendar) -> None:
        self._bookkeeper, self._books, self._calendar, self._store = bookkeeper, books, calendar, store
        self._past = _AskedPast(store, self._ask)
        self._numbers = count(1)
        self._job: _Job | None = None
        self._door = threading.Lock()

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a job ({"tariff", "apply"}), or tell how it is ({"job"}): its result, or how far it has come."""
        with self._door:
            job, number = self._job, request.get("job")
            if number is None:
                if job is not None and not job.finished.is_set():
                    return {"error": "a recompute is running; ask again when it has ended"}
                tariff, apply = request.get("tariff") or "", request.get("apply") is True
                if not isinstance(tariff, str) or (tariff and apply):
                    return {"error": "only by the tariff of the running gateway can it be applied"}
                job = self._job = _Job(next(self._numbers), lambda tell: self._work(tariff, apply, tell))
                job.start()
        if job is None or (number is not None and job.number != number):
            return {"error": "no such recompute: was the gateway started anew?"}
        if not job.finished.wait(ANSWER_AFTER_S):
            return {"job": job.number, "done": job.progress[0], "total": job.progress[1]}
        return {"job": job.number, "result": job.result}

    def _work(self, tariff: str, apply: bool, tell: Tell) -> dict[str, Any]:
        calendar = Calendar(load_tariff(tariff)) if tariff else self._calendar
        again = begun(self._books.values(), calendar, self._past)
        again.catch_up(tell)
        self._ask(lambda: None)  # readings that came meanwhile, but for a few
        again.catch_up(tell)
        for meter in again.meters.values():
            meter.find_gone(self._past)
        return self._ask(lambda: self._finish(again, calendar, apply), FINISH_WITHIN_S)

    def _finish(self, again: Again, calendar: Calendar, apply: bool) -> dict[str, Any]:
        """In the ledger thread: the last readings, and what came of it."""
        found: dict[str, Any] = {}

        def compare(batch: Batch) -> None:
            again.catch_up(past=self._store.past)
            found.update(report(again, {name: one.account for name, one in self._books.items()}, calendar.tariff_id))
            if apply:
                found["applied"] = adopt(again, self._books, batch)

        trouble = self._bookkeeper.change(compare)
        if not trouble:
            return found
        told = f"the store cannot be written now ({trouble})"
        if not found:
            return {"error": f"{told}, so nothing was compared; try again when it can"}
        return {**found, "warning": told}

    def _ask(self, question: Callable[[], Answer], patience_s: float = SLICE_WITHIN_S) -> Answer:
        """Ask in the ledger thread; what goes wrong there is raised here. Raises queue.Empty."""

        def guarded() -> tuple[Answer | None, Exception | None]:
            try:
                return question(), None
            except FAULTS as error:
                return None, error

        answer, error = self._bookkeeper.call(guarded, patience_s)
        if error is not None:
            raise error
        return answer  # type: ignore[return-value]


def begun(books: Iterable[Books], calendar: Calendar, past: Past) -> Again:
    """The accounts of these books, about to be booked again by a tariff."""
    meters = [one.begin_again(calendar, past) for one in books]
    return Again({meter.meter_id: meter for meter in meters}, past)


def adopt(again: Again, books: Mapping[str, Books], batch: Batch) -> int:
    """Make the accounts what they were found to be, with a revision of each record that differs. Returns how many."""
    revisions = 0
    for meter in again.meters.values():
        if meter.differences or not is_same(meter.state, books[meter.name].account):
            revisions += len(meter.differences)
            books[meter.name].adopt(meter, batch)
    return revisions


def recompute_in_store(config: Config, folder: Path, calendar: Calendar, *, apply: bool, tell: Tell) -> dict[str, Any]:
    """Over the store, while no daemon runs. Raises DeskError, drivers.ProfileError."""
    try:
        path = places.store_path(config)
        if not path.exists():
            raise DeskError(f"{path}: there is no store yet: nothing was ever booked")
        store = Store(path)
    except StoreLockedError as error:
        raise DeskError(f"{error}; it did not answer on its socket") from error
    except (places.PlaceError, StoreError) as error:
        raise DeskError(str(error)) from error
    try:
        ids, known = OutboxIds(store.newest_outbox_id()), store.meter_names()
        kernel = kernel_for_rows(store.past.newest_id())
        sections = [one for one in config.meter if one.name in known]
        books = {one.name: open_books(config, folder, one, store, calendar, kernel, ids) for one in sections}
        again = begun(books.values(), calendar, store.past)
        again.catch_up(tell)
        for meter in again.meters.values():
            meter.find_gone(store.past)
        found = report(again, {name: one.account for name, one in books.items()}, calendar.tariff_id)
        if apply:
            batch = Batch()
            found["applied"] = adopt(again, books, batch)
            store.commit(batch)
        return found
    except (StoreError, *FAULTS) as error:
        raise DeskError(f"{path}: {error}") from error
    finally:
        store.close()
