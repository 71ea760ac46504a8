"""Where a command's question for a meter's closed intervals arrives in the daemon. `interval_rows` asks it.

A page at a time, so that the ledger thread is never held up for long. Changes nothing.
"""

import queue
import sqlite3
from collections.abc import Mapping
from typing import Any

from ..ledger.store import Store
from .bookkeeper import Bookkeeper
from .interval_rows import PAGE


def answer_of(bookkeeper: Bookkeeper, store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """The daemon's answer to `intervals`: {meter, after} -> rows after that sequence number, and the meters known."""
    meter, after = request.get("meter"), request.get("after")
    if not isinstance(meter, str) or not isinstance(after, int):
        return {"error": "intervals are asked with a meter and the sequence number after which they begin"}

    def question() -> dict[str, Any]:
        try:
            return {"meters": store.meter_names(), "rows": store.closed_after(meter, after, PAGE)}
        except sqlite3.Error as error:  # what cannot be read must not end the thread that writes
            return {"error": f"the store cannot be read now: {error}"}

    try:
        return bookkeeper.call(question)
    except queue.Empty:
        return {"error": "the ledger thread does not answer: is the disk hung?"}
