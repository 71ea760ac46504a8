"""Restoring a copy: its history comes back, under a new store epoch; the counters go on from whoever counted furthest.

The file that is replaced goes aside with its journal. A power cut at any moment leaves the old store or the new one.
For who holds the store's lock, that is, while no daemon runs.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import witness
from .checkpoint_file import Checkpoint, CheckpointFile
from .connection import connect
from .copies import Report, Verified, copy_closed, verify_copy
from .epochs import Beginning, Owner, Witnessed, begin, load_epochs
from .lock import place_of
from .opening import MakeStore, carry_outbox, in_transaction, make_empty
from .swap import Swap, aside_name, finish, new_place, swap
from .version import SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done."""

    store_epoch: str
    witness: str
    aside: str
    """The name of the file that was replaced; empty where there was none."""
    undelivered: int
    """Records that the replaced file had for the broker, taken along."""
    verified: Verified


def restore(store: Path, copy: Path, owner: Owner, names: Sequence[str], make: MakeStore, report: Report) -> Restored:
    """Put a copy in the store's place. Raises StoreError, OSError, and what `make` raises; nothing is changed then."""
    store = place_of(store)
    finish(store)
    new = new_place(store)
    make_empty(new, lambda _place: None)
    copy_closed(copy, new, report)
    try:
        verified = verify_copy(new, report)
        if verified.schema < SCHEMA_VERSION:
            make(new)
            verified = verify_copy(new, report)
    except BaseException:  # it is as large as a store
        make_empty(new, lambda _place: None)
        raise
    new.with_name(f"{new.name}.lock").unlink(missing_ok=True)
    replaced = witness.salvage_states(store) if store.exists() else witness.Salvaged()
    checkpoint = CheckpointFile(store).load()
    words = [
        ("backup", witness.salvage_states(new).meters),
        (witness.SALVAGE, replaced.meters),
        (witness.CHECKPOINT, witness.checkpoint_states(checkpoint)),
    ]
    states = witness.carried(witness.best(words), names, were_known=True)
    connection = connect(new)
    try:
        in_transaction(connection, lambda: _begin(connection, owner, states, replaced, checkpoint))
        store_epoch = load_epochs(connection)[-1].store_epoch
    finally:
        connection.close()
    aside = aside_name(store, "replaced", owner.wall_us) if store.exists() else ""
    swap(store, Swap(Beginning.RESTORED.value, aside or aside_name(store, "replaced", owner.wall_us)))
    return Restored(store_epoch, witness.named(states), aside, len(replaced.outbox), verified)


def _begin(
    connection: sqlite3.Connection,
    owner: Owner,
    states: dict[str, Witnessed],
    replaced: witness.Salvaged,
    checkpoint: Checkpoint | None,
) -> None:
    known = {epoch.store_epoch for epoch in load_epochs(connection)}
    if checkpoint is not None and checkpoint.store_epoch not in known:
        begin(connection, Beginning.ELSEWHERE, owner, {}, "", checkpoint.store_epoch)
    begin(connection, Beginning.RESTORED, owner, states, witness.named(states))
    carry_outbox(connection, replaced)
