"""The outbox rows on their way: asked of the ledger a page at a time, oldest first, held back where they are refused.

Keeps no more than two pages. A row is only dropped from here, never from the outbox. A topic whose record the broker
refuses is held: its records wait in their order, one of them is tried again ever more slowly, all others go on.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..ledger.records import OutboxRow

PAGE = 100
ASK_BELOW = 40
REFUSED_AGAIN_US = 60_000_000
REFUSED_AGAIN_MOST_US = 3_600_000_000


@dataclass(slots=True)
class _Hold:
    """A refused topic. `pause_us`: until the next trial; `tried`: the row on trial, 0 for none."""

    again_us: int
    pause_us: int
    tried: int = 0


class Rows:
    """What one connection sends of the outbox. `ask(after_id, limit)` is answered by `take`."""

    def __init__(self, ask: Callable[[int, int], None], topic_of: Callable[[OutboxRow], str]) -> None:
        self._ask, self._topic_of = ask, topic_of
        self._waiting: deque[OutboxRow] = deque()
        self._holds: dict[str, _Hold] = {}
        self._asked = self._drained = False
        self._begins_anew = False
        self._newest = 0
        self._done: set[int] = set()
        """Acknowledged since the question was put: its answer may be from before."""

    @property
    def held(self) -> tuple[str, ...]:
        """The topics that are refused."""
        return tuple(sorted(self._holds))

    def begin(self) -> None:
        """A new connection: all that is in the outbox, from its first row."""
        self._asked = False
        self._done.clear()
        self._holds.clear()
        self._begin_anew()

    def hear_growth(self) -> None:
        """New rows were committed."""
        self._drained = False

    def keep_asking(self, now_us: int) -> None:
        """Ask for the next page when this one runs out; begin anew when a refused topic is to be tried again."""
        due = [hold for hold in self._holds.values() if hold.again_us and now_us >= hold.again_us]
        for hold in due:
            hold.again_us = 0
        if due:
            self._begin_anew()
        if self._asked or self._drained or len(self._waiting) >= ASK_BELOW:
            return
        self._asked = True
        if self._begins_anew:
            self._begins_anew, self._newest = False, 0
        self._ask(self._newest, PAGE)

    def take(self, rows: Iterable[OutboxRow], in_flight: set[int]) -> None:
        """The ledger's answer: nothing when there is no row after the last."""
        done, self._done, self._asked = self._done, set(), False
        if self._begins_anew:
            return  # of a question from before
        rows = list(rows)
        self._drained = not rows
        for row in rows:
            self._newest = row.outbox_id
            if row.outbox_id not in in_flight and row.outbox_id not in done:
                self._waiting.append(row)

    def next(self) -> OutboxRow | None:
        """The oldest row that may go out now; None where there is none."""
        while self._waiting:
            row = self._waiting.popleft()
            hold = self._holds.get(self._topic_of(row))
            if hold is None:
                return row
            if not hold.again_us and not hold.tried:
                hold.tried = row.outbox_id
                return row
        return None

    def hear_taken(self, outbox_id: int, topic: str) -> None:
        """The broker has a row; where it was on trial, those behind it follow."""
        if self._asked:
            self._done.add(outbox_id)
        hold = self._holds.get(topic)
        if hold is not None and hold.tried == outbox_id:
            del self._holds[topic]
            self._begin_anew()

    def try_all(self) -> None:
        """What may have been the reason is gone: each refused topic is tried now."""
        for hold in self._holds.values():
            hold.again_us = 0
        if self._holds:
            self._begin_anew()

    def hear_refused(self, outbox_id: int, topic: str, now_us: int, opens_us: int | None = None) -> None:
        """The broker does not want a row. `opens_us`: we have not asked it, and will not before then."""
        hold = self._holds.get(topic)
        if hold is None:
            self._holds[topic] = _Hold(opens_us or now_us + REFUSED_AGAIN_US, REFUSED_AGAIN_US)
        elif hold.tried == outbox_id and opens_us is not None:
            self._holds[topic] = _Hold(opens_us, hold.pause_us)
        elif hold.tried == outbox_id:
            pause_us = min(2 * hold.pause_us, REFUSED_AGAIN_MOST_US)
            self._holds[topic] = _Hold(now_us + pause_us, pause_us)

    def _begin_anew(self) -> None:
        self._waiting.clear()
        self._begins_anew, self._drained = True, False
