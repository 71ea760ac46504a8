"""Who has stored which records for good, by their own word: what *delivered* means. In the ledger thread alone.

Kept in the store beside the records, a line for each consumer, meter and kind, and bounded: anybody who may publish
can make up a name. Never frees a record: intervals and events are kept for ever.
"""

from dataclasses import dataclass

from ..ledger.history import History
from ..publish.requests import Acknowledgement

CONSUMERS_MOST = 16
KEY = "acknowledged"


class NotTakenError(Exception):
    """An acknowledgement that cannot be right; the message says why."""


@dataclass(frozen=True, slots=True)
class Stored:
    """How far one consumer is with one series. `behind`: records written that it has not acknowledged."""

    consumer: str
    meter: str
    kind: str
    store_epoch: str
    upto: int
    behind: int


class Consumers:
    """Of one store. `lines`: what was kept, by key."""

    def __init__(self, lines: dict[str, str]) -> None:
        self._upto: dict[tuple[str, str, str], tuple[str, int]] = {}
        for key, line in lines.items():
            _, kind, consumer, meter = key.split(" ")
            store_epoch, upto = line.split(" ")
            self._upto[consumer, meter, kind] = store_epoch, int(upto)

    def take(self, word: Acknowledgement, history: History) -> tuple[str, str]:
        """Believe a consumer; returns the line to be kept. Raises NotTakenError, sqlite3.Error."""
        meter_id = history.meter_id(word.meter)
        series = None if meter_id is None else history.series(meter_id, word.store_epoch, word.kind)
        if series is None:
            raise NotTakenError(f"{word.meter}, {word.store_epoch}: no such meter or epoch in this store")
        if not series.oldest_seq - 1 <= word.upto <= series.newest_seq:
            raise NotTakenError(f"upto = {word.upto} is not within {series.oldest_seq - 1} .. {series.newest_seq}")
        known = {consumer for consumer, _, _ in self._upto}
        if word.consumer not in known and len(known) >= CONSUMERS_MOST:
            raise NotTakenError(f"{CONSUMERS_MOST} consumers are known, and {word.consumer} is another")
        self._upto[word.consumer, word.meter, word.kind] = word.store_epoch, word.upto
        return f"{KEY} {word.kind} {word.consumer} {word.meter}", f"{word.store_epoch} {word.upto}"

    def told(self, history: History) -> list[Stored]:
        """Every consumer's every series. Raises sqlite3.Error."""
        found = []
        for (consumer, meter, kind), (store_epoch, upto) in sorted(self._upto.items()):
            head = history.head(meter)
            if head is None:
                continue
            series = head.intervals if kind == "interval" else head.events
            reached = upto if store_epoch == head.store_epoch else series.oldest_seq - 1
            found.append(Stored(consumer, meter, kind, store_epoch, upto, max(0, series.newest_seq - reached)))
        return found
