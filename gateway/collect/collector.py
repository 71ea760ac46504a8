"""The consumer's loop: hear, store, only then acknowledge; say how far it has come, and ask for what is missing.

One thread, one database. A message is acknowledged to the broker, and a position told to its gateway, after the commit
that holds it, never before. What it finds wrong it stores and logs; it goes on collecting everything else.
"""

import sqlite3
from collections.abc import Callable

from ..clock import Clock
from ..ledger.collected.collection import Applied, Collection
from ..log import event_line, logger
from ..publish.message import render
from .asker import Asker
from .heard import Answer, Series, hear, topics_of
from .link import Link, Message
from .settings import CollectSettings

WAIT_S = 0.25
TELL_EVERY_US = 500_000
AGAIN_S = 5.0
"""After a commit that failed."""


class Collector:
    """Runs until told to stop."""

    def __init__(self, settings: CollectSettings, collection: Collection, clock: Clock) -> None:
        collect, mqtt = settings.collect, settings.mqtt
        self.records = 0
        """New ones, since it was started."""
        self.troubles = 0
        self._base, self._consumer, self._only = mqtt.base_topic, collect.consumer, frozenset(collect.gateways)
        self._collection, self._clock = collection, clock
        client_id = f"netmeter-collect-{collect.consumer}"
        self._link = Link(mqtt, client_id, topics_of(mqtt.base_topic, collect.gateways), clock)
        self._asker = Asker(f"{collect.consumer[:32]}-{clock.real_us() % 1_000_000_000}")
        self._connection = 0
        self._to_tell: dict[Series, int] = {}
        self._tell_at_us = 0

    @property
    def is_up(self) -> bool:
        """Whether the broker is connected, and has taken the subscriptions."""
        return self._link.is_up

    def run(self, pause: Callable[[float], bool]) -> None:
        """Collect until `pause` (which waits for so many seconds) says that it is enough."""
        try:
            while not pause(0):
                self.turn(pause)
        finally:
            self._link.close()

    def turn(self, pause: Callable[[float], bool]) -> None:
        """Once round: at most a batch."""
        messages = self._link.receive(WAIT_S, pause)
        if messages and not self._store(messages):
            pause(AGAIN_S)
            return
        if self._link.connection != self._connection:
            self._connection = self._link.connection
            self._asker.forget()
            self._to_tell = self._collection.positions()
        if self._link.is_up:
            self._tell()

    def _store(self, messages: list[Message]) -> bool:
        heard = [hear(self._base, one.topic, one.payload, retained=one.retained) for one in messages]
        try:
            applied = self._collection.apply(one for one in heard if one is not None)
        except sqlite3.Error as error:
            logger.error(event_line("not_stored", messages=len(messages), why=error))
            self._link.drop(f"the database cannot be written: {error}")
            return False
        self._link.acknowledge(messages)
        self._note(applied)
        answers = [one for one in heard if isinstance(one, Answer)]
        if answers:
            gaps = {gap.series: gap for gap in self._collection.gaps()}
            for answer in answers:
                self._asker.answered(answer, gaps.get(answer.series), self._clock.real_us())
        return True

    def _note(self, applied: Applied) -> None:
        self.records += applied.new
        self.troubles += len(applied.troubles)
        self._to_tell |= applied.positions
        for trouble in applied.troubles:
            where = {"gateway": trouble.gateway, "meter": trouble.meter or None}
            logger.error(event_line(trouble.what, **where, why=trouble.detail))

    def _tell(self) -> None:
        """Positions and requests, now and then: a drain moves a position a thousand times a second."""
        now_us = self._clock.real_us()
        if now_us < self._tell_at_us:
            return
        self._tell_at_us = now_us + TELL_EVERY_US
        for series, upto in list(self._to_tell.items()):
            told = {"schema": 1, "consumer": self._consumer, "meter": series.meter, "store_epoch": series.store_epoch}
            told |= {"kind": series.kind.value, "upto": upto}
            if not self._link.publish(f"{self._base}/{series.gateway}/cmd/ack", render(told)):
                return
            del self._to_tell[series]
        gaps = [gap for gap in self._collection.gaps() if not self._only or gap.series.gateway in self._only]
        for request in self._asker.due(gaps, now_us):
            topic = f"{self._base}/{request.series.gateway}/cmd/backfill"
            logger.info(event_line("asked", of=request.series, since=request.from_seq, to=request.to_seq))
            self._link.publish(topic, render(request.content()))
