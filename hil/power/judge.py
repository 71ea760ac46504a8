"""A store after a power cut, against what its daemon had told the world by then.

Opened by the real ledger, as the next daemon would, and then looked at by plain SQL. Nothing that was told may be
missing, nothing may be there with other content than was ever told, and the file must be whole.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from ..soak.history import Verdict
from .recording import Told

Identity = tuple[str, str, int]
"""Meter, kind, seq."""


def identity(told: Told) -> Identity:
    return told.meter, told.kind, int(told.content["seq"])


def judge_image(store: Path, acknowledged: Iterable[Told], all_told: Mapping[Identity, Told], verdict: Verdict) -> None:
    """`acknowledged`: told before the cut; `all_told`: in the whole recording, before and after it."""
    from .next_daemon import StoreError, open_store  # loaded here: what judges shares no code with the judged

    try:
        verdict.counts["migrated"] += open_store(store)
        with closing(sqlite3.connect(store)) as connection:
            answer = connection.execute("PRAGMA quick_check").fetchone()[0]
            if answer != "ok":
                verdict.find("corrupt", f"quick_check: {answer}")
                return
            _judge_rows(connection, acknowledged, all_told, verdict)
            _judge_law(connection, verdict)
    except (sqlite3.Error, StoreError) as error:
        verdict.find("corrupt", f"{type(error).__name__}: {error}")


def _judge_rows(
    connection: sqlite3.Connection,
    acknowledged: Iterable[Told],
    all_told: Mapping[Identity, Told],
    verdict: Verdict,
) -> None:
    rows: dict[Identity, str | None] = {}
    last: dict[str, tuple[int, str]] = {}
    question = "SELECT name, seq, previous_hash, hash FROM interval JOIN meter USING (meter_id) ORDER BY meter_id, seq"
    for meter, seq, previous, own in connection.execute(question):
        rows[meter, "interval", seq] = own
        before = last.get(meter)
        if seq != (1 if before is None else before[0] + 1) or (before is not None and before[1] != previous):
            verdict.find("chain", f"{meter} interval {seq} does not follow the one before it")
        last[meter] = seq, own
    for meter, seq in connection.execute("SELECT name, seq FROM event JOIN meter USING (meter_id)"):
        rows[meter, "event", seq] = None
    for told in acknowledged:
        verdict.counts["acknowledged_records"] += 1
        if identity(told) not in rows:
            verdict.find("lost_commit", "{} {} {} was told and is gone".format(*identity(told)))
    for one, own in rows.items():
        sent = all_told.get(one)
        if sent is not None and own is not None and sent.content["hash"] != own:
            verdict.find("other_content", "{} {} {} is not what was told".format(*one))


def _judge_law(connection: sqlite3.Connection, verdict: Verdict) -> None:
    """Sum over buckets and unassigned == what the registers have grown."""
    question = "SELECT name, meter_id, accumulator FROM meter_state JOIN meter USING (meter_id)"
    for meter, meter_id, text in connection.execute(question).fetchall():
        for direction, account in json.loads(text)["directions"].items():
            grown = account["earlier_epochs_milliwh"] + account["last_milliwh"] - account["epoch_first_milliwh"]
            total = "SELECT coalesce(sum(milliwh), 0) FROM bucket_total WHERE meter_id = ? AND direction = ?"
            (booked,) = connection.execute(total, (meter_id, direction)).fetchone()
            if booked != grown:
                verdict.find("law", f"{meter} {direction}: buckets {booked}, register {grown} mWh")
