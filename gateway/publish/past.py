"""Answers to backfill requests: one request after another, a page at a time, below live traffic and no faster than so.

What waits is bounded: so many requests, one page of records. Who gets no end marker asks again, so a connection that
ends takes all of it along. Reads nothing itself: `ask` brings each page from the ledger.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .message import SCHEMA, Topics, render
from .requests import BackfillRequest
from .window import Lane, Outgoing

REQUESTS_WAIT_MOST = 64
RECORDS_A_REQUEST = 1000
IN_FLIGHT_MOST = 10
EVERY_US = 5_000  # 200 a second
PAGE = 100
IDLE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Range:
    """What the store has of a series. `previous_store_epoch`: the epoch before it, None where it is the first."""

    oldest_seq: int
    newest_seq: int
    previous_store_epoch: str | None


@dataclass(frozen=True, slots=True)
class PastPage:
    """The ledger's answer. `why` is empty for records; `gone_to`: the next ones up to this cannot be had."""

    held: Range | None = None
    payloads: tuple[str, ...] = ()
    gone_to: int | None = None
    why: str = ""


Ask = Callable[[BackfillRequest, int, int, Callable[[PastPage], None]], None]
"""`ask(request, from_seq, limit, answer)`."""


class Past:
    """Of one publisher, in its thread."""

    def __init__(self) -> None:
        self._requests: deque[BackfillRequest] = deque()
        self._waiting: deque[Outgoing] = deque()
        self._from_seq = self._sent = 0
        self._asked: BackfillRequest | None = None
        self._next_us = 0
        self._gateway = ""
        self._topics: Topics | None = None
        self._ask: Ask | None = None

    def serve(self, gateway: str, topics: Topics, ask: Ask) -> None:
        """Name who reads the store; before the publisher starts."""
        self._gateway, self._topics, self._ask = gateway, topics, ask

    def add(self, request: BackfillRequest) -> None:
        """Answer a request when its turn comes; `busy` at once where too many wait."""
        if len(self._requests) < REQUESTS_WAIT_MOST:
            self._requests.append(request)
            self._ask_on()
        elif len(self._waiting) < PAGE + REQUESTS_WAIT_MOST:
            self._end(request, "busy", request.from_seq - 1, 0, PastPage())

    def forget(self) -> None:
        """The connection is gone."""
        self._requests.clear()
        self._waiting.clear()
        self._asked = None
        self._from_seq = self._sent = 0

    def next(self, in_flight: int, now_us: int) -> Outgoing | None:
        """The next message, where it may go out now; `in_flight`: how many of these the broker has not answered."""
        if not self._waiting or in_flight >= IN_FLIGHT_MOST or now_us < self._next_us:
            return None
        self._next_us = now_us + EVERY_US
        message = self._waiting.popleft()
        self._ask_on()
        return message

    def pause_s(self, now_us: int) -> float:
        """How long until the next may go out."""
        return max(0.0, (self._next_us - now_us) / 1e6) if self._waiting else IDLE_S

    def _ask_on(self) -> None:
        """The next page of the request whose turn it is, once the last one is out."""
        if self._asked is not None or self._waiting or not self._requests or self._ask is None:
            return
        request = self._asked = self._requests[0]
        self._from_seq = self._from_seq or request.from_seq
        limit = min(PAGE, RECORDS_A_REQUEST - self._sent)
        self._ask(request, self._from_seq, limit, lambda page: self._take(request, page))

    def _take(self, request: BackfillRequest, page: PastPage) -> None:
        if self._asked is not request or self._topics is None:
            return  # of a connection that is gone
        self._asked = None
        topic = self._topics.meter(request.meter, "backfill")
        self._waiting.extend(Outgoing(Lane.PAST, topic, payload) for payload in page.payloads)
        self._from_seq += len(page.payloads)
        self._sent += len(page.payloads)
        last = self._from_seq - 1
        newest = page.held.newest_seq if page.held is not None else 0
        wanted = newest if request.to_seq is None else min(request.to_seq, newest)
        is_stopped = bool(page.why) or page.gone_to is not None or not page.payloads
        if is_stopped or last >= wanted or self._sent >= RECORDS_A_REQUEST:
            self._end_request(request, page, last)
        else:
            self._ask_on()

    def _end_request(self, request: BackfillRequest, page: PastPage, last: int) -> None:
        self._requests.popleft()
        count, self._from_seq, self._sent = self._sent, 0, 0
        answer = "end" if count else "unavailable"
        self._end(request, answer, last, count, page)
        self._ask_on()

    def _end(self, request: BackfillRequest, answer: str, last: int, count: int, page: PastPage) -> None:
        """The end marker; records up to `last` were sent, and what follows to `page.gone_to` cannot be had."""
        if self._topics is None:
            return
        held, gone_to = page.held, page.gone_to
        payload = render(
            {
                "schema": SCHEMA,
                "gateway": self._gateway,
                "meter": request.meter,
                "store_epoch": request.store_epoch,
                "kind": request.kind,
                "id": request.id,
                "answer": answer,
                "from": request.from_seq,
                "to": last if gone_to is None else gone_to,
                "count": count,
                "unavailable_from": None if gone_to is None else last + 1,
                "unavailable_to": gone_to,
                "why": page.why or None,
                "oldest_seq": None if held is None else held.oldest_seq,
                "newest_seq": None if held is None else held.newest_seq,
                "previous_store_epoch": None if held is None else held.previous_store_epoch,
            }
        )
        self._waiting.append(Outgoing(Lane.PAST, self._topics.meter(request.meter, "backfill"), payload))
