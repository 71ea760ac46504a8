"""Where a statement of an exchange arrives: through the daemon's socket, or at its store while no daemon runs."""

import queue
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from .. import places
from ..bookkeeping.desk import open_books
from ..bookkeeping.journal import OutboxIds
from ..clock import SystemClock
from ..config.types import Config, MeterSection
from ..kernels import Build, load_kernel
from ..ledger.lock import StoreLockedError
from ..ledger.records import Batch
from ..ledger.store import Store
from ..ledger.store_error import SchemaOutdatedError, StoreError
from ..registers.exchange import Exchanged, Known, Outcome, Refused, Restated, Statement
from ..registers.stated import Moment
from ..tariff.calendar import Calendar
from .bookkeeper import Bookkeeper


class ExchangeError(Exception):
    """The statement cannot be booked here; the message says why and what to do."""


def answer_of(bookkeeper: Bookkeeper, meters: Mapping[str, object], request: Mapping[str, Any]) -> dict[str, Any]:
    """The daemon's answer to `meter_replace`, given once it is stored."""
    try:
        statement = parsed(request.get("statement"))
    except ExchangeError as error:
        return {"error": str(error)}
    if statement.meter not in meters:
        return {"error": f"no meter {statement.meter}; known: " + ", ".join(meters)}
    try:
        outcome, trouble = bookkeeper.exchange(statement)
    except queue.Empty:
        return {"error": "the ledger thread does not answer: is the disk hung? Say it again: it is booked once"}
    answer = view(outcome, statement.meter)
    if trouble and "error" not in answer:
        answer["warning"] = f"the store cannot be written now ({trouble}); it is tried again. Say it again to be sure"
    return answer


def book_in_store(
    config: Config, folder: Path, section: MeterSection, said: Mapping[str, Any], calendar: Calendar
) -> dict[str, Any]:
    """Book a statement while no daemon runs. Raises ExchangeError, drivers.ProfileError."""
    statement = parsed(said)
    try:
        path = places.store_path(config)
        if not path.exists():
            raise ExchangeError(f"{path}: there is no store yet: no reading of this meter was ever booked")
        store = Store(path)
    except StoreLockedError as error:
        raise ExchangeError(f"{error}; it did not answer on its socket") from error
    except (places.PlaceError, StoreError, SchemaOutdatedError) as error:
        raise ExchangeError(str(error)) from error
    try:
        ids = OutboxIds(store.newest_outbox_id())
        books = open_books(config, folder, section, store, calendar, load_kernel(Build.PYTHON), ids)
        batch, clock = Batch(), SystemClock(config.gateway.clock, config.gateway.clock_error_s * 1_000_000 or None)
        outcome = books.exchange(statement, Moment.now(clock), batch)
        if not batch.is_empty:
            store.commit(batch)
    except (StoreError, sqlite3.Error) as error:
        raise ExchangeError(f"{path}: not booked: {error}") from error
    finally:
        store.close()
    return view(outcome, statement.meter)


def parsed(said: object) -> Statement:
    """Raises ExchangeError."""
    try:
        return msgspec.convert(said, Statement)
    except msgspec.ValidationError as error:
        raise ExchangeError(f"not a statement of an exchange: {error}") from error


def view(outcome: Outcome, meter: str) -> dict[str, Any]:
    """An outcome as a plain object for whoever asked."""
    match outcome:
        case Refused(why):
            return {"meter": meter, "error": why}
        case Known(register_epoch):
            return {"meter": meter, "outcome": "known", "register_epoch": register_epoch}
        case Exchanged() as one:
            name, epoch, booked = "exchanged", one.state.register_epoch, one.booked_milliwh
        case Restated() as other:
            name, epoch, booked = "booked_afterwards", other.state.register_epoch, other.booked_milliwh
    return {
        "meter": meter,
        "outcome": name,
        "register_epoch": epoch,
        "booked_milliwh": {direction.value: milliwh for direction, milliwh in booked.items()},
    }
