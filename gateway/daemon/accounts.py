"""The accounts while they run: reckoned at each bucket edge, and published. A thread of its own, that mostly waits.

It hears from the ledger thread which intervals are stored, lets a process of its own reckon (`account_process`), and
offers the record. Never holds up reading or booking: the ledger thread only puts a word into a queue. What it cannot
have reckoned is published with the reason. Dates that cost money become events, each once in a store's life.
"""

import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Any, Protocol

from .. import __version__
from ..clock import Clock
from ..config.types import AccountSection, Config, Role
from ..ledger.records import Batch, Record
from ..log import event_line, logger
from ..publish.account import account_record
from ..publish.discovery_account import AccountAnnouncer
from ..publish.message import Topics, render
from ..tariff.calendar import Calendar
from ..tariff.walltime import to_datetime

EVENT = "account_date"
DUE_MOST = 32
"""Edges that wait to be reckoned, as after an outage; the oldest are let go."""
FIRST_AFTER_US = 10_000_000
"""After the start, which has better things to do."""
PATIENCE_US = 60_000_000
"""How long an edge waits for the last of several meters to be read beyond it."""
LOOK_EVERY_S = 0.5
_MINUTE_US = 60_000_000

Reckon = Callable[[AccountSection, int | None], dict[str, Any]]
"""(account, energy up to when; None: all) -> the record, with `dates`; only `why_not` where there is none."""


class Ledger(Protocol):
    """What is asked of the ledger thread."""

    def tell_once(self, meter: str, kind: str, details: Mapping[str, Record]) -> None:
        """Events, each with the key by which it is known that it was told. Raises queue.Empty, sqlite3.Error."""
        ...


@dataclass(slots=True)
class _Account:
    """`heard_us`: the newest instant that was chosen. `waiting`: instants not all meters have passed, and since when
    (real microseconds)."""

    section: AccountSection
    heard_us: int = 0
    waiting: dict[int, int] = field(default_factory=dict)
    due: deque[int | None] = field(default_factory=lambda: deque(maxlen=DUE_MOST))
    why_not: str = ""


class Accounts(threading.Thread):
    """The accounts of one gateway. The ledger thread calls `hear_closed`."""

    def __init__(
        self,
        gateway: str,
        sections: Sequence[AccountSection],
        meters: Sequence[str],
        calendar: Calendar,
        clock: Clock,
        topics: Topics,
        reckon: Reckon,
        offer: Callable[[str, str], None],
        ledger: Ledger,
        first_after_us: int = FIRST_AFTER_US,
        announce: Callable[[str, Record], None] | None = None,
    ) -> None:
        """`meters`: whose energy accounts are of, first of all one that faces the grid: events are told of it.

        `calendar`: for this thread alone. `announce(account, record)`: tells Home Assistant of what goes out.
        """
        super().__init__(name="account", daemon=True)
        self._gateway, self._meters, self._calendar, self._clock = gateway, tuple(meters), calendar, clock
        self._topics, self._reckon, self._offer, self._ledger = topics, reckon, offer, ledger
        self._announce = announce
        self._accounts = [_Account(one) for one in sections]
        self._newest_us: dict[str, int] = {}
        self._inbox: queue.SimpleQueue[tuple[str, tuple[int, ...]]] = queue.SimpleQueue()
        self._first_us = clock.real_us() + first_after_us
        self._stopping = threading.Event()

    def hear_closed(self, batch: Batch) -> None:
        """These records are stored now. Never waits."""
        names = {meter_id: row.meter for meter_id, row in batch.outbox}
        ends: dict[str, list[int]] = {}
        for row in batch.intervals:
            ends.setdefault(names[row.meter_id], []).append(row.interval.end_us)
        for meter, ends_us in ends.items():
            self._inbox.put((meter, tuple(ends_us)))

    def stop(self) -> None:
        """End after what is being reckoned."""
        self._stopping.set()

    def run(self) -> None:
        """Choose, reckon and offer until stopped."""
        while not self._stopping.is_set():
            self.turn()

    def turn(self) -> None:
        """One round: hear what was stored, or nothing for half a second; reckon of each account what is due longest."""
        self._listen()
        now_us = self._clock.real_us()
        if self._first_us and now_us >= self._first_us:
            self._first_us = 0
            for one in self._accounts:
                if not (one.due or one.heard_us):
                    one.due.append(None)
        for one in self._accounts:
            self._ripen(one, now_us)
            self._serve(one)

    def _listen(self) -> None:
        try:
            is_busy = any(one.due for one in self._accounts)
            meter, ends_us = self._inbox.get(timeout=0 if is_busy else LOOK_EVERY_S)
        except queue.Empty:
            return
        if meter not in self._meters:
            return
        self._newest_us[meter] = max(self._newest_us.get(meter, 0), *ends_us)
        for one in self._accounts:
            self._choose(one, ends_us)

    def _choose(self, one: _Account, ends_us: Iterable[int]) -> None:
        """Which of the instants up to which there are records now are worth reckoning."""
        for end_us in sorted(ends_us):
            if end_us <= one.heard_us:
                # A correction, or another meter's word: the newest is reckoned again, and never an older one.
                at_us = one.heard_us
            elif self._is_edge(end_us) or end_us - one.heard_us >= one.section.every_min * _MINUTE_US:
                at_us = one.heard_us = end_us
            else:
                continue
            one.waiting.setdefault(at_us, self._clock.real_us())

    def _ripen(self, one: _Account, now_us: int) -> None:
        """What all meters have passed, or one of them does not for too long, is due."""
        for at_us, since_us in sorted(one.waiting.items()):
            passed = all(self._newest_us.get(meter, 0) >= at_us for meter in self._meters)
            if passed or now_us - since_us >= PATIENCE_US:
                del one.waiting[at_us]
                one.due.append(at_us)

    def _serve(self, one: _Account) -> None:
        """The oldest that is due; others of other accounts come in between."""
        if not one.due or self._stopping.is_set():
            return
        at_us = one.due.popleft()
        found = self._reckon(one.section, at_us)
        if self._stopping.is_set():
            return
        name, why_not = one.section.name, found.get("why_not") or ""
        if why_not and why_not != one.why_not:
            logger.warning(event_line("account_not_reckoned", account=name, why=why_not))
        one.why_not = why_not
        record = account_record(self._gateway, name, found)
        if self._announce is not None:
            self._announce(name, record)
        self._offer(self._topics.gateway(f"account/{name}"), render(record))
        self._tell(name, found.get("dates", ()))

    def _tell(self, name: str, dates: Iterable[Mapping[str, Any]]) -> None:
        details = {f"{EVENT} {name} {one['what']} {one['day']}": {"account": name, **one} for one in dates}
        if not details:
            return
        try:
            self._ledger.tell_once(self._meters[0], EVENT, details)
        except (queue.Empty, sqlite3.Error) as error:  # told with the next reckoning
            logger.warning(event_line("account_date_not_told", account=name, why=error or "the ledger does not answer"))

    def _is_edge(self, utc_us: int) -> bool:
        """Whether the bucket or the local day changes there."""
        changes = self._calendar.bucket_at(utc_us - 1) != self._calendar.bucket_at(utc_us)
        return changes or to_datetime(utc_us, self._calendar.zone).time() == time()


def accounts_of(
    config: Config,
    calendar: Calendar,
    clock: Clock,
    topics: Topics,
    reckon: Reckon,
    offer: Callable[[str, str], None],
    ledger: Ledger,
) -> Accounts:
    """The accounts of a config, which Home Assistant is told of where it is told of the meters."""
    roles = {one.name: one.role for one in config.meter if one.role in (Role.GRID, Role.PRODUCTION)}
    meters = sorted(roles, key=lambda name: roles[name] is not Role.GRID)
    gateway, mqtt = config.gateway.id, config.mqtt
    announcer = AccountAnnouncer(mqtt.discovery_prefix, gateway, __version__, topics, offer)
    announce = announcer.announce if mqtt.discovery else None
    return Accounts(gateway, config.account, meters, calendar, clock, topics, reckon, offer, ledger, announce=announce)
