"""Putting another file in the store's place, so that a power cut at any moment leaves the old one or the new one.

The old file goes aside under a telling name with its journal; nothing is ever deleted. The new one is whole and closed
before anything is moved, and a note beside them says what is under way: whoever opens the store next finishes it. All
of it is for who holds the store's lock.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from .checkpoint_file import sync_folder

JOURNALS = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Swap:
    """What is under way: why, and under which name the old file goes aside."""

    reason: str
    aside: str


def new_place(store: Path) -> Path:
    """Where the new file is made."""
    return store.with_name(f"{store.name}.new")


def suspect_place(store: Path) -> Path:
    """The note of whoever found the store damaged while it was in use."""
    return store.with_name(f"{store.name}.suspect")


def aside_name(store: Path, word: str, wall_us: int) -> str:
    """A name that is not taken: `ledger.sqlite.damaged-20261122T011500Z`."""
    from datetime import UTC, datetime, timedelta

    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=wall_us)
    stem = f"{store.name}.{word}-{moment:%Y%m%dT%H%M%SZ}"
    name, count = stem, 1
    while any(store.with_name(f"{name}{end}").exists() for end in ("", *JOURNALS)):
        count += 1
        name = f"{stem}-{count}"
    return name


def swap(store: Path, plan: Swap) -> None:
    """Move the old file aside and the one in `new_place` into its place. Raises OSError."""
    note = _note_place(store)
    write_note(note, json.dumps(asdict(plan)))
    _move(store, plan)


def finish(store: Path) -> Swap | None:
    """Finish what a crash has left half done; returns what it was, None where nothing was under way. Raises OSError."""
    note = _note_place(store)
    if not note.exists():
        return None
    try:
        plan = Swap(**json.loads(note.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        note.unlink()  # the note itself was cut off: nothing has been moved yet
        return None
    _move(store, plan)
    return plan


def write_note(path: Path, text: str) -> None:
    """A small file that is there whole after a power cut, or not at all. Raises OSError."""
    import os

    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as target:
        target.write(text)
        target.flush()
        os.fsync(target.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def _move(store: Path, plan: Swap) -> None:
    new = new_place(store)
    if new.exists():  # else all was moved before the crash
        for end in ("", *JOURNALS):
            old = store.with_name(f"{store.name}{end}")
            if old.exists():
                old.rename(store.with_name(f"{plan.aside}{end}"))
        new.rename(store)
        sync_folder(store.parent)
    suspect_place(store).unlink(missing_ok=True)
    _note_place(store).unlink(missing_ok=True)
    sync_folder(store.parent)


def _note_place(store: Path) -> Path:
    return store.with_name(f"{store.name}.swap")
