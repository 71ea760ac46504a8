"""What the ledger thread does for the store between two turns: full check, backup, a checkpoint that failed.

Each in slices of some milliseconds, because only this thread may use the store's connection, and no commit must wait.
A store that is found damaged is marked so and reported; what is done about it is decided by whoever listens.
"""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..ledger.backup_slices import BackupSlices
from ..ledger.damaged import tells_damage
from ..ledger.records import Record
from ..ledger.store import Store
from ..ledger.swap import suspect_place, write_note
from ..log import event_line, logger
from ..pulse import Pulse

QUIET_PAUSE_S, BUSY_PAUSE_S = 0.5, 0.01
CHECK_AGAIN_TURNS = 120
"""Of the quiet kind, after the disk did not answer the full check: a minute."""
BACKUP_NAME = "backup.part"


class Upkeep:
    """Of one store, run by the thread that owns it. `on_damage` is called once, when it is found damaged."""

    def __init__(self, store: Store, pulse: Pulse) -> None:
        self.on_damage: Callable[[], None] | None = None
        self._store, self._pulse = store, pulse
        self._check = store.full_check()
        self._check_error = self._checkpoint_error = self._suspected = ""
        self._check_waits_turns = 0
        self._backup: BackupSlices | None = None

    @property
    def pause_s(self) -> float:
        """How long the thread may wait for something else to do."""
        is_checking = not self._check.done and not self._check_waits_turns
        is_busy = is_checking or (self._backup is not None and not self._backup.done)
        return BUSY_PAUSE_S if is_busy else QUIET_PAUSE_S

    def turn(self) -> None:
        """One slice of whatever is under way. Raises nothing of the disk's."""
        with self._pulse.waiting_for_disk():
            self._store.save_checkpoint()
            if self._backup is not None and not self._backup.done:
                self._backup.step()
            elif self._check_waits_turns:
                self._check_waits_turns -= 1
            elif not self._check.done:
                self._step_check()
        error = self._store.checkpoint_error
        if error != self._checkpoint_error:
            self._checkpoint_error = error
            logger.error(event_line("checkpoint_failed" if error else "checkpoint_works_again", why=error or "-"))

    def told(self) -> Record:
        """For `health` and `netmeter status`."""
        return {
            "storage_check": self._check_error or self._check.told,
            "storage_check_rows": self._check.checked_rows,
            "storage_check_links": self._check.checked_links,
            "checkpoint": self._checkpoint_error or "ok",
            "store_epoch_reason": self._store.epoch.reason,
            "store_epoch_witness": self._store.epoch.witness or None,
            "suspected": self._suspected or None,
        }

    def hear(self, error: sqlite3.Error) -> None:
        """The store failed somebody: where the file itself is at fault, it is damaged."""
        if tells_damage(error):
            self._suspect(str(error))

    def backup(self, do: str) -> dict[str, Any]:
        """Answer of `netmeter backup`: `start` one, tell its `state`, `drop` its file once it has been fetched.

        A disk that does not take it is an `error` in the answer, and nothing else: this is the thread that books.
        """
        place = self._store.path.with_name(f"{self._store.path.name}.{BACKUP_NAME}")
        try:
            return self._backup_answer(do, place)
        except (sqlite3.Error, OSError) as error:
            return {"error": f"{place}: {error}"}

    def _backup_answer(self, do: str, place: Path) -> dict[str, Any]:
        if do == "start":
            return self._start_backup(place)
        running = self._backup
        if running is None:
            return {"error": "no backup was started"}
        if do == "drop":
            self._backup = None
            running.cancel()
            place.unlink(missing_ok=True)
            return {"dropped": True}
        return {
            "path": str(place),
            "done": running.done,
            "copied_pages": running.copied_pages,
            "total_pages": running.total_pages,
            **({} if running.error is None else {"error": f"{place}: {running.error}"}),
        }

    def _start_backup(self, place: Path) -> dict[str, Any]:
        if self._backup is not None and not self._backup.done:
            return {"error": "another backup is under way; wait for its end"}
        needed, free = self._store.size_bytes(), shutil.disk_usage(place.parent).free
        if needed + needed // 10 > free:
            mend = f"free {(needed + needed // 10 - free) // 1_000_000 + 1} MB, or copy with the gateway stopped"
            return {"error": f"{place.parent}: a backup takes {needed // 1_000_000 + 1} MB there; {mend}"}
        place.unlink(missing_ok=True)  # of a backup that nobody fetched
        self._backup = self._store.slices(place)
        return {"path": str(place), "done": False, "copied_pages": 0, "total_pages": 0}

    def _step_check(self) -> None:
        try:
            self._check.step()
        except (sqlite3.Error, OSError) as error:
            self._check_error, self._check_waits_turns = f"not finished, tried again: {error}", CHECK_AGAIN_TURNS
            return
        self._check_error = ""
        if self._check.fault:
            self._suspect(self._check.fault)
        elif self._check.done:
            rows, links = self._check.checked_rows, self._check.checked_links
            logger.info(event_line("store_checked", store=self._store.path, rows=rows, links=links))

    def _suspect(self, fault: str) -> None:
        """Mark the store for the next opening, and say so; once."""
        if self._suspected:
            return
        self._suspected = fault
        logger.error(event_line("store_damaged", store=self._store.path, why=fault))
        try:
            write_note(suspect_place(self._store.path), fault)
        except OSError as error:
            logger.error(event_line("store_not_marked", store=self._store.path, why=error))
            return
        if self.on_damage is not None:
            self.on_damage()
