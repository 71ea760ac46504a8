"""Where a consumer's words arrive in the daemon: acknowledgements and requests for records that it lacks.

A page at a time in the ledger thread, so that no reading waits for history. Changes no record.
"""

import sqlite3
from collections.abc import Callable

from ..ledger.history import History
from ..ledger.store import Store
from ..log import event_line, logger
from ..publish.message import Topics
from ..publish.past import PastPage, Range
from ..publish.publisher import Publisher
from ..publish.requests import BackfillRequest, RequestError, read_acknowledgement, read_backfill
from .bookkeeper import Bookkeeper


def serve_consumers(gateway: str, topics: Topics, publisher: Publisher, bookkeeper: Bookkeeper, store: Store) -> None:
    """Listen to what consumers say; before the threads start."""

    def ask(request: BackfillRequest, from_seq: int, limit: int, answer: Callable[[PastPage], None]) -> None:
        def read() -> None:
            page = page_of(store.history(gateway), request, from_seq, limit)
            publisher.post(lambda: answer(page))

        bookkeeper.ask(read)

    publisher.past.serve(gateway, topics, ask)

    def hear_backfill(payload: bytes, retained: bool) -> None:
        # One that the broker has kept would be answered anew at every connection.
        if not retained:
            publisher.past.add(read_backfill(payload))

    def hear_acknowledgement(payload: bytes, retained: bool) -> None:
        if not retained:
            bookkeeper.hear_consumer(read_acknowledgement(payload))

    publisher.listening.add(topics.backfill, _guarded(topics.backfill, hear_backfill))
    publisher.listening.add(topics.acknowledge, _guarded(topics.acknowledge, hear_acknowledgement))


def page_of(history: History, request: BackfillRequest, from_seq: int, limit: int) -> PastPage:
    """Up to `limit` records of a request, from `from_seq`; or why there are none."""
    try:
        meter_id = history.meter_id(request.meter)
        if meter_id is None:
            return PastPage(why="no_such_meter")
        series = history.series(meter_id, request.store_epoch, request.kind)
        if series is None:
            return PastPage(why="no_such_epoch")
        held = Range(series.oldest_seq, series.newest_seq, series.previous_store_epoch)
        wanted = series.newest_seq if request.to_seq is None else request.to_seq
        if from_seq < held.oldest_seq:
            return PastPage(held, gone_to=min(wanted, held.oldest_seq - 1), why="not_written")
        if from_seq > held.newest_seq:
            return PastPage(held, why="not_written")
        to_seq = min(wanted, held.newest_seq, from_seq + limit - 1)
        page = history.page(request.meter, series, request.kind, from_seq, to_seq)
    except sqlite3.Error:  # what cannot be read must not end the thread that writes
        return PastPage(why="not_readable")
    return PastPage(held, page.payloads, page.gone_to, "" if page.gone_to is None else "damaged")


def _guarded(topic: str, heard: Callable[[bytes, bool], None]) -> Callable[[bytes, bool], None]:
    def hear(payload: bytes, retained: bool) -> None:
        try:
            heard(payload, retained)
        except RequestError as error:
            logger.warning(event_line("command_refused", topic=topic, why=error))

    return hear
