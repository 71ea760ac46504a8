"""A meter's closed intervals for a command: through the running daemon's socket, or out of its store while none runs.

Reads only. What the daemon answers with is in `interval_desk`.
"""

import sqlite3
from collections.abc import Callable, Mapping
from itertools import islice
from operator import lt
from pathlib import Path
from typing import Any

from ..ledger.closed import ClosedRow
from ..ledger.lock import StoreLockedError
from ..ledger.store import Store
from ..ledger.store_error import SchemaOutdatedError, StoreError

PAGE = 2000
ALL = -1
"""As a page: no limit. Nobody waits for a store that nobody holds, and each page looks for superseded records anew."""
COMMAND = "intervals"


class IntervalsError(Exception):
    """The intervals cannot be had; the message says why and what to do."""


def rows_through(ask: Callable[[Mapping[str, Any]], dict[str, Any] | None], meter: str) -> list[ClosedRow] | None:
    """All records of a meter from the running daemon; None where none runs. Raises IntervalsError."""
    rows: list[ClosedRow] = []
    while True:
        answer = ask({"command": COMMAND, "meter": meter, "after": rows[-1][0] if rows else 0})
        if answer is None and not rows:
            return None
        if answer is None or answer.get("error"):
            raise IntervalsError("the gateway went away meanwhile" if answer is None else str(answer["error"]))
        _known(meter, answer["meters"], "the running gateway")
        rows.extend(tuple(one) for one in answer["rows"])
        if len(answer["rows"]) < PAGE:
            return rows


def rows_in_store(path: Path, meter: str) -> list[ClosedRow]:
    """The same out of a store that nobody holds. Raises IntervalsError."""
    if not path.is_file():
        mend = "`netmeter run` makes it. Is it elsewhere: file in [[meter]], --config or --energy"
        raise IntervalsError(f"{path}: there is no store yet; {mend}")
    try:
        store = Store(path)
    except (StoreLockedError, StoreError, SchemaOutdatedError) as error:
        raise IntervalsError(str(error)) from error
    except OSError as error:
        mend = "run this as the user who runs the gateway, or with sudo"
        raise IntervalsError(f"{path}: cannot be opened: {error.strerror}; {mend}") from error
    try:
        _known(meter, store.meter_names(), str(path))
        return store.closed_after(meter, 0, ALL)
    except sqlite3.Error as error:
        raise IntervalsError(f"{path}: cannot be read: {error}") from error
    finally:
        store.close()


def newest(rows: list[ClosedRow]) -> list[ClosedRow]:
    """Of the records that end at one instant the last that was written, in order of time."""
    ends_us = [row[2] for row in rows]
    if all(map(lt, ends_us, islice(ends_us, 1, None))):
        return rows
    by_end = {row[2]: row for row in rows}
    return [by_end[end_us] for end_us in sorted(by_end)]


def _known(meter: str, names: tuple[str, ...], where: str) -> None:
    if meter not in names:
        known = ", ".join(names) or "none yet"
        raise IntervalsError(f"{where} has no meter {meter}; it knows {known}. See name in [[meter]] of the account")
