"""A store made anew from what a collector has of one gateway: its history, byte for byte, and its counters.

For a dead card: the new store begins a new store epoch whose counters go on from the collector's newest word, and what
has flowed since is `unassigned`. For who holds the store's lock. Never invents a record: history with a hole in it is
refused, and left out only where that is asked for.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from . import witness
from .checkpoint_file import CheckpointFile
from .collected.reading import CollectedView
from .collected.witness import NextEdge, witnessed
from .connection import connect
from .copies import Report, Verified, verify_copy
from .epochs import Beginning, Owner, begin, load_epochs
from .opening import MakeStore, carry_outbox, in_transaction, make_empty
from .restore import Restored
from .rows import enter_meter, insert, insert_numbered, summed
from .store_error import StoreError
from .swap import Swap, aside_name, finish, new_place, swap

COLLECTOR = "collector"
_HEAD = ("schema", "gateway", "meter", "store_epoch", "seq", "time_utc_us", "event")
_INTERVAL = (
    *("seq", "revision", "supersedes", "register_epoch", "start_utc_us", "end_utc_us", "bucket", "tariff"),
    *("tariff_version", "quality"),
    *(
        f"{direction}_{column}"
        for direction in ("import", "export")
        for column in ("milliwh", "unassigned_milliwh", "uncertain_milliwh", "register_milliwh")
    ),
    *("previous_hash", "hash"),
)
_PUT_INTERVAL = (
    "INSERT INTO interval (meter_id, seq, revision, supersedes, register_epoch, start_us, end_us, bucket, tariff,"
    " tariff_version, quality, import_milliwh, import_unassigned_milliwh, import_uncertain_milliwh,"
    " import_register_milliwh, export_milliwh, export_unassigned_milliwh, export_uncertain_milliwh,"
    f" export_register_milliwh, previous_hash, hash) VALUES ({', '.join('?' * (len(_INTERVAL) + 1))})"
)


@dataclass(slots=True)
class Line:
    """One meter's records that can stand in one file: by epoch, oldest first."""

    intervals: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def restore_collected(
    store: Path,
    view: CollectedView,
    owner: Owner,
    names: Sequence[str],
    make: MakeStore,
    report: Report,
    next_edge_us: NextEdge,
    *,
    history: bool = True,
) -> Restored:
    """Put what the collector has of `owner.gateway` in the store's place. Raises StoreError, OSError; nothing is
    changed then. `history`: the records too, not the counters alone.
    """
    meters = _meters(view, owner.gateway)
    states = {meter: witnessed(view, owner.gateway, meter, next_edge_us) for meter in meters}
    lines = {meter: _line(view, owner.gateway, meter) for meter in meters} if history else {}
    finish(store)
    new = new_place(store)
    make_empty(new, make)
    replaced = witness.salvage_states(store) if store.exists() else witness.Salvaged()
    words = [
        (COLLECTOR, {name: one for name, one in states.items() if one is not None}),
        (witness.SALVAGE, replaced.meters),
        (witness.CHECKPOINT, witness.checkpoint_states(CheckpointFile(store).load())),
    ]
    carried = witness.carried(witness.best(words), names, were_known=True)

    def fill(connection: sqlite3.Connection) -> None:
        _put_history(connection, owner, lines, report)
        begin(connection, Beginning.RESTORED, owner, carried, witness.named(carried))
        carry_outbox(connection, replaced)

    store_epoch, verified = _make_whole(new, fill, report)
    aside, was_there = aside_name(store, "replaced", owner.wall_us), store.exists()
    swap(store, Swap(Beginning.RESTORED.value, aside))
    undelivered = len(replaced.outbox)
    return Restored(store_epoch, witness.named(carried), aside if was_there else "", undelivered, verified)


def _meters(view: CollectedView, gateway: str) -> list[str]:
    """What the collector has of this gateway, and nothing is wrong with. Raises StoreError."""
    found = [meter for whose, meter in view.meters() if whose == gateway]
    if not found:
        known = ", ".join(sorted({whose for whose, _ in view.meters()})) or "none"
        raise StoreError(f"the collector has no record of gateway {gateway}; it knows {known}")
    _refuse_troubles(view, gateway)
    return found


def _make_whole(new: Path, fill: Callable[[sqlite3.Connection], None], report: Report) -> tuple[str, Verified]:
    """Fill the new file and read all of it again; nothing of it stays where that fails. Returns its epoch's name."""
    try:
        connection = connect(new)
        try:
            in_transaction(connection, lambda: fill(connection))
            store_epoch = load_epochs(connection)[-1].store_epoch
        finally:
            connection.close()
        verified = verify_copy(new, report)
    except BaseException:
        make_empty(new, lambda _place: None)
        raise
    for end in ("-wal", "-shm", ".lock"):
        new.with_name(f"{new.name}{end}").unlink(missing_ok=True)
    return store_epoch, verified


def _refuse_troubles(view: CollectedView, gateway: str) -> None:
    found = [one for one in view.troubles() if one.gateway == gateway and not one.dismissed]
    if found:
        told = "; ".join(f"{one.trouble_id}: {one.detail}" for one in found[:3])
        raise StoreError(
            f"the collector has trouble with gateway {gateway} that nobody has settled ({told});"
            " see `netmeter collect --show`, then `netmeter collect --dismiss N`"
        )


def _line(view: CollectedView, gateway: str, meter: str) -> Line:
    """The epochs of one file that end with the newest: numbers go on from one to the next. Raises StoreError."""
    line = Line()
    next_seq: int | None = None
    for epoch in reversed(view.epochs(gateway, meter)):
        intervals, events = (_records(view, gateway, meter, epoch, kind) for kind in ("interval", "event"))
        if not intervals and not events:
            continue
        if next_seq is not None and (not intervals or intervals[-1]["seq"] + 1 != next_seq):
            break  # another file: it stays with the collector
        line.intervals[epoch], line.events[epoch] = intervals, events
        if intervals:
            next_seq = intervals[0]["seq"]
    line.intervals = dict(reversed(line.intervals.items()))
    line.events = dict(reversed(line.events.items()))
    numbers = [one["seq"] for epoch in line.events.values() for one in epoch]
    if numbers != list(range(1, len(numbers) + 1)):
        line.events = {}  # a store numbers its events from 1; those that are not whole stay with the collector
    return line


def _records(view: CollectedView, gateway: str, meter: str, epoch: str, kind: str) -> list[dict[str, Any]]:
    rows = view.connection.execute(
        f"SELECT seq, payload FROM {kind} JOIN series USING (series_id)"
        " WHERE gateway = ? AND meter = ? AND store_epoch = ? AND kind = ? ORDER BY seq",
        (gateway, meter, epoch, kind),
    ).fetchall()
    for (before, _), (seq, _) in pairwise(rows):
        if kind == "interval" and seq != before + 1:
            raise StoreError(
                f"records {before + 1} to {seq - 1} of meter {meter}, store {epoch}, are not in the collector: a store"
                " with a hole cannot be made. Let the old gateway deliver them, or restore without history"
            )
    return [json.loads(payload) for _, payload in rows]


def _put_history(connection: sqlite3.Connection, owner: Owner, lines: Mapping[str, Line], report: Report) -> None:
    """Epochs in the order of the meters' own; each with where its numbers begin."""
    put = 0
    for epoch in _order(lines):
        began = (epoch, owner.gateway, 0, _reason(epoch, lines), COLLECTOR, "", "")
        epoch_no = insert_numbered(connection, "store_epoch", *began)
        for meter, line in lines.items():
            intervals, events = line.intervals.get(epoch, []), line.events.get(epoch, [])
            if not intervals and not events:
                continue
            meter_id = enter_meter(connection, meter)
            start = (epoch_no, meter_id, *_starts(connection, meter_id, intervals))
            connection.execute(insert("store_epoch_start"), summed(start))
            connection.executemany(
                _PUT_INTERVAL, [(meter_id, *(one[column] for column in _INTERVAL)) for one in intervals]
            )
            connection.executemany(insert("event"), [summed(_event(meter_id, one)) for one in events])
            put += len(intervals) + len(events)
            report("writing", put, 0)


def _order(lines: Mapping[str, Line]) -> list[str]:
    """All epochs, oldest first: each stands before what follows it in any meter's line."""
    order: list[str] = []
    for line in lines.values():
        place = len(order)
        for epoch in reversed(line.intervals):
            if epoch in order:
                place = order.index(epoch)
            else:
                order.insert(place, epoch)
    return order


def _reason(epoch: str, lines: Mapping[str, Line]) -> str:
    """Why it began, by the event that told it; the first of a store tells none."""
    for line in lines.values():
        for one in line.events.get(epoch, []):
            if one["event"] == "store_epoch":
                return str(one["reason"])
    return Beginning.FIRST.value


def _starts(connection: sqlite3.Connection, meter_id: int, intervals: list[dict[str, Any]]) -> tuple[int, int]:
    (newest,) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM interval WHERE meter_id = ?", (meter_id,)
    ).fetchone()
    (newest_event,) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM event WHERE meter_id = ?", (meter_id,)
    ).fetchone()
    return intervals[0]["seq"] if intervals else newest + 1, newest_event + 1


def _event(meter_id: int, content: dict[str, Any]) -> tuple[object, ...]:
    detail = {key: one for key, one in content.items() if key not in _HEAD}
    return meter_id, content["seq"], content["time_utc_us"], content["event"], json.dumps(detail, separators=(",", ":"))
