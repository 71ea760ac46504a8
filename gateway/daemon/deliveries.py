"""What the ledger thread tells of delivery beside the records: each meter's head, and how far each consumer is.

In that thread alone. Says only what is committed; a store that cannot be read now is asked later.
"""

import sqlite3
from collections.abc import Callable
from itertools import islice

from ..ledger.records import Batch, Record
from ..ledger.store import Store
from ..log import event_line, logger
from ..publish.head import head_message
from ..publish.message import Topics
from ..publish.publisher import Publisher
from ..publish.requests import Acknowledgement
from ..pulse import Pulse
from . import consumers
from .consumers import Consumers, NotTakenError, Stored

HEADS_A_TURN = 100


class Deliveries:
    """Of one store. `consumer`: whose word makes a record delivered, empty where nobody's is waited for."""

    def __init__(
        self, store: Store, gateway: str, consumer: str, topics: Topics, note: Callable[[sqlite3.Error], None]
    ) -> None:
        """`note(error)`: the store has failed in a read."""
        self._store, self._gateway, self._consumer, self._topics, self._note = store, gateway, consumer, topics, note
        self._consumers = Consumers(store.words(consumers.KEY))
        self._heads_due = set(store.meter_names())

    def hear_batch(self, batch: Batch) -> None:
        """This is about to be committed."""
        self._heads_due.update(row.meter for _, row in batch.outbox)

    def take(self, word: Acknowledgement, batch: Batch) -> None:
        """A consumer has stored records; kept with the batch."""
        try:
            key, line = self._consumers.take(word, self._store.history(self._gateway))
        except NotTakenError as error:
            logger.warning(event_line("acknowledgement_refused", consumer=word.consumer, why=error))
        except sqlite3.Error as error:
            self._note(error)
        else:
            batch.words[key] = line

    def offer_heads(self, publisher: Publisher, pulse: Pulse) -> None:
        """The head of each meter of which more is committed than before; so many at once, the rest next time."""
        names = tuple(islice(self._heads_due, HEADS_A_TURN))
        if not names:
            return
        try:
            with pulse.waiting_for_disk():
                history = self._store.history(self._gateway)
                heads = {name: history.head(name) for name in names}
        except sqlite3.Error as error:
            self._note(error)
            return
        self._heads_due.difference_update(names)
        for name, head in heads.items():
            if head is not None:
                publisher.offer_retained(self._topics.meter(name, "head"), head_message(self._gateway, name, head))

    def told(self) -> list[Stored]:
        """Who has stored what; nobody where the store cannot be read."""
        try:
            return self._consumers.told(self._store.history(self._gateway))
        except sqlite3.Error:
            return []

    def health(self, publisher: Publisher | None) -> Record:
        """Of `health`: what an acknowledgement is worth, and what the named consumer has not stored yet."""
        record: Record = {
            "undelivered": self._undelivered(),
            "acknowledged_means": None,
            "broker_certificate_days": None,
            "client_certificate_days": None,
            "thrown_out": None,
        }
        if publisher is not None:
            delivery = publisher.delivery
            record["acknowledged_means"] = delivery.acknowledged_means
            record["broker_certificate_days"] = delivery.broker_certificate_days
            record["client_certificate_days"] = delivery.client_certificate_days
            record["thrown_out"] = delivery.thrown_out
        return record

    def _undelivered(self) -> int | None:
        """None where no consumer is named, or it has not said anything yet."""
        behind = [one.behind for one in self.told() if one.consumer == self._consumer] if self._consumer else []
        return sum(behind) if behind else None
