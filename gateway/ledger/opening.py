"""Opening a store that may be damaged, gone, older than it was, another's, or on another machine: it opens anyway.

Whatever cannot be trusted is set aside, never deleted; a new store epoch begins, with the meters' states of the best
witness. What is only away (a full disk, no rights) is not touched. A newer program's file is refused untouched, and so
is a file of which nothing says that it ever was a store. Everything that was done is returned, to be told.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import witness
from .ballast import Ballast
from .checkpoint_file import Checkpoint, CheckpointFile
from .connection import connect, schema_version
from .epochs import Beginning, Owner, Witnessed, begin
from .links import BrokenChainError, Chained
from .lock import StoreLock, place_of
from .newer import refusal
from .records import Record
from .rows import enter_meter, insert, summed
from .store import Store
from .store_error import CONTRADICTIONS, DamagedError, SchemaOutdatedError, unreadable
from .swap import Swap, aside_name, finish, new_place, suspect_place, swap
from .version import SCHEMA_VERSION

LAST_LINKS = 64

MakeStore = Callable[[Path], None]
"""Makes or migrates the store at a place, in a process of its own (`netmeter migrate`)."""


@dataclass(slots=True)
class Opened:
    """An open store, and what had to be done for it: (event, detail) pairs for the log."""

    store: Store
    told: list[tuple[str, Record]] = field(default_factory=list)


class Opener:
    """Opens one store once."""

    def __init__(self, path: Path, owner: Owner, names: Sequence[str], make: MakeStore) -> None:
        """`names`: the meters of the config. Raises OSError where `path` can be no file."""
        self._path, self._owner, self._names, self._make = place_of(path), owner, tuple(names), make
        self._checkpoints = CheckpointFile(self._path)
        self._told: list[tuple[str, Record]] = []

    def open(self) -> Opened:
        """Raises StoreLockedError, StoreError, OSError, and what `make` raises."""
        lock = StoreLock(self._path)
        Ballast(self._path).release_if_full()
        try:
            lock = self._make_ready(lock)
            store = self._open(lock)
        except BaseException:
            lock.release()
            raise
        return Opened(store, self._told)

    def _make_ready(self, lock: StoreLock) -> StoreLock:
        """Bring a file of this schema to the place. Returns the lock, which `make` has to have for itself."""
        done = finish(self._path)
        if done is not None:
            self._told.append(("store_swap_finished", {"reason": done.reason, "aside": done.aside}))
        suspect = suspect_place(self._path)
        is_suspect, version, fault = suspect.exists(), 0, ""
        try:
            version = self._version()
        except DamagedError as error:
            if not is_suspect:
                self._require_ours(error)
            fault = str(error)
        if version > SCHEMA_VERSION:
            return lock  # refused by whoever opens it, whatever else was said of it
        if is_suspect:
            fault = suspect.read_text(encoding="utf-8", errors="replace").strip()
        if is_suspect or fault:
            self._set_aside(Beginning.DAMAGED, fault)
            return lock
        if version == 0 and self._checkpoints.numbers() is not None:
            self._set_aside(Beginning.LOST, self._why_lost())
            return lock
        return self._migrate(lock) if version < SCHEMA_VERSION else lock

    def _why_lost(self) -> str:
        if not self._path.exists():
            return "the file is gone"
        return "the file, with the journal beside it, is no store" if self._path.stat().st_size else "the file is empty"

    def _migrate(self, lock: StoreLock) -> StoreLock:
        """By a process of its own, which takes the lock. What it finds damaged is set aside, as what we find so."""
        lock.release()
        damage: DamagedError | None = None
        try:
            self._make(self._path)
        except DamagedError as error:
            damage = error
        lock = StoreLock(self._path)
        if damage is not None:
            try:
                self._require_ours(damage)
                self._set_aside(Beginning.DAMAGED, str(damage))
            except BaseException:
                lock.release()
                raise
        return lock

    def _version(self) -> int:
        journal = self._path.with_name(f"{self._path.name}-wal")
        if journal.exists() and journal.stat().st_size:
            self._told.append(("unclean_stop", {"store": str(self._path)}))
        return schema_version(self._path)

    def _open(self, lock: StoreLock) -> Store:
        """Open what is at the place and hold it against all that is known of it."""
        store: Store | None = None
        try:
            store = Store(self._path, lock)
            reason, why = self._judge(store)
            if reason is not None:
                if store.epoch.gateway == "":  # else nobody knows any more whose chain it is
                    self._note_owner(store)
                store.close_file()
                self._renew(reason, why)
                store = Store(self._path, lock)
            self._note_owner(store)
        except SchemaOutdatedError:
            raise
        except DamagedError as error:
            if store is not None:
                store.close_file()
            self._require_ours(error)
            self._set_aside(Beginning.DAMAGED, str(error))
            store = Store(self._path, lock)
            self._note_owner(store)
            return store
        except BaseException:
            if store is not None:
                store.close_file()
            raise
        return store

    def _judge(self, store: Store) -> tuple[Beginning | None, str]:
        """Why a new epoch has to begin in this file, if it has to. Raises DamagedError."""
        epoch, owner = store.epoch, self._owner
        try:
            meters = {name: store.load_meter(name) for name in store.meter_names()}
            for name, meter in meters.items():
                whose = Chained(epoch.gateway or owner.gateway, name, epoch.store_epoch)
                store.check_last_links(whose, meter.meter_id, LAST_LINKS)
        except BrokenChainError as error:
            raise DamagedError(f"{self._path}: {error}") from error
        except CONTRADICTIONS as error:
            raise store.judged(error) from error
        checkpoint = self._checkpoints.numbers()
        if checkpoint is not None and checkpoint.store_epoch == epoch.store_epoch:
            for name, known in checkpoint.meters.items():
                held = meters.get(name)
                if held is None or (held.interval_seq, held.event_seq) < (known.interval_seq, known.event_seq):
                    return Beginning.OLDER, f"meter {name}: records that the checkpoint file knows are not there"
                if store.hash_of(held.meter_id, known.interval_seq) not in (known.chain_head, None):
                    return Beginning.OLDER, f"meter {name}: record {known.interval_seq} is not the one that was written"
        elif checkpoint is not None and checkpoint.store_epoch not in store.epoch_names():
            return Beginning.EXCHANGED, "the checkpoint file beside it belongs to another store"
        if owner.machine.is_other_than(epoch.machine):
            return Beginning.MOVED, "it was written on another machine"
        if epoch.gateway not in ("", owner.gateway):
            return Beginning.RENAMED, f"it was written as gateway {epoch.gateway}"
        return None, ""

    def _note_owner(self, store: Store) -> None:
        """Raises DamagedError, StoreError."""
        if store.epoch.gateway == "" or self._owner.machine.or_else(store.epoch.machine) != store.epoch.machine:
            try:
                store.adopt(self._owner)
            except CONTRADICTIONS as error:
                raise store.judged(error) from error

    def _renew(self, reason: Beginning, why: str) -> None:
        """Begin a new epoch in the file that is there: its history stays, its states go on from the best witness."""
        known = witness.salvage_states(self._path).meters
        behind = reason in (Beginning.OLDER, Beginning.EXCHANGED)
        words = [(witness.CHECKPOINT, witness.checkpoint_states(self._checkpoints.load()))] if behind else []
        found = witness.best([("store", known), *words])
        states = witness.carried(found, (), were_known=True)
        connection = connect(self._path)
        try:
            in_transaction(connection, lambda: begin(connection, reason, self._owner, states, witness.named(states)))
        except CONTRADICTIONS as error:
            raise unreadable(self._path, error) from error
        finally:
            connection.close()
        self._told.append(("store_epoch", {"reason": reason.value, "why": why, "witness": witness.named(states)}))

    def _set_aside(self, reason: Beginning, why: str) -> None:
        """Put a new file in the place of one that cannot be trusted. Raises StoreError where a newer program's
        checkpoint is what the new one would have to go on from.
        """
        if word := self._checkpoints.newer_word():
            raise refusal(self._path, word)
        checkpoint, salvaged = self._checkpoints.load(), witness.Salvaged()
        if self._path.exists():
            salvaged = witness.salvage_states(self._path)
        words = [(witness.SALVAGE, salvaged.meters), (witness.CHECKPOINT, witness.checkpoint_states(checkpoint))]
        states = witness.carried(witness.best(words), self._names, were_known=True)
        new = new_place(self._path)
        make_empty(new, self._make)
        connection = connect(new)
        try:
            in_transaction(connection, lambda: self._fill(connection, reason, states, salvaged, checkpoint))
        finally:
            connection.close()
        aside = aside_name(self._path, reason.value, self._owner.wall_us)
        swap(self._path, Swap(reason.value, aside))
        detail: Record = {"reason": reason.value, "why": why, "aside": aside, "witness": witness.named(states)}
        self._told.append(("store_set_aside", {**detail, "undelivered": len(salvaged.outbox)}))

    def _fill(
        self,
        connection: sqlite3.Connection,
        reason: Beginning,
        states: Mapping[str, Witnessed],
        salvaged: witness.Salvaged,
        checkpoint: Checkpoint | None,
    ) -> None:
        if checkpoint is not None:
            begin(connection, Beginning.ELSEWHERE, self._owner, {}, "", checkpoint.store_epoch)
        begin(connection, reason, self._owner, states, witness.named(states))
        carry_outbox(connection, salvaged)

    def _require_ours(self, error: DamagedError) -> None:
        """A file that nothing says was a store may be anybody's: a wrong path must not move it."""
        if self._checkpoints.numbers() is None and not witness.salvage_states(self._path).is_store:
            raise error


def carry_outbox(connection: sqlite3.Connection, salvaged: witness.Salvaged) -> None:
    """Take along what no broker has taken, byte for byte, unless it is there already."""
    waiting = {payload for (payload,) in connection.execute("SELECT payload FROM outbox")}
    for name, kind, seq, payload in salvaged.outbox:
        if payload not in waiting:
            meter_id = enter_meter(connection, name)
            connection.execute(insert("outbox"), summed((meter_id, kind, seq, payload)))


def make_empty(place: Path, make: MakeStore) -> None:
    """A new store with nothing in it; what a crash has left there of an earlier one is taken away."""
    for end in ("", "-wal", "-shm", ".lock"):
        place.with_name(f"{place.name}{end}").unlink(missing_ok=True)
    make(place)
    place.with_name(f"{place.name}.lock").unlink(missing_ok=True)


def in_transaction(connection: sqlite3.Connection, act: Callable[[], object]) -> None:
    """All that `act` does, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        act()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
