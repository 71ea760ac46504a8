"""One round of `soak disk` that damages the store between two runs of the daemon.

Each time the daemon must serve again, whatever was done to its files. Damage that alters a record must be found: by
a file that is set aside, a note of suspicion, or a new store epoch. Damage that only takes back the last commits
leaves a store that is sound and older: it must be found where a record is missing that had been told.
"""

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from .damage import LOG, altered, damaged, rows_of
from .disk_plan import DiskFault, DiskKind
from .ear import Ear
from .history import Say
from .kill_round import PATIENCE_S, DaemonError, KillRound
from .pages import Laid, laid, with_older_page, with_pages_exchanged
from .plan import Round

FOUND_WITHIN_S = 20.0
STARTS_MOST = 4
GROWS_MOST = 6
OF_THE_LOG = (DiskKind.LOG_BITS, DiskKind.LOG_CUT, DiskKind.LOG_SWAPPED)
TOLD_TABLES = ("event", "interval")
"""What goes out: a commit that is taken back is missed where it held one of these."""
_USUAL = ("", LOG, "-shm", "-journal", ".lock", ".ballast")


class DamageRound(KillRound):
    """Runs one round in a folder of its own, which it fills. Ends every process that it started."""

    def __init__(self, plan: Round, faults: list[DiskFault], folder: Path, say: Say, *, recount: bool = False) -> None:
        """`recount`: the control. Of older pages only readings', and the store's tallies are made to fit what is left:
        so no daemon can find it, and the judge must say so.
        """
        super().__init__(replace(plan, faults=()), folder, say)
        self._faults, self._recount = faults, recount

    def _live(self, ear: Ear) -> None:
        try:
            self._until_booked(ear, interval=True)
            for fault in self._faults:
                self._strike_files(fault, ear)
        except DaemonError as error:
            self._result.verdict.find("does_not_serve", str(error))

    def _judge(self, ear: Ear) -> None:
        """The law in every live message: what else is whole is told by each new store epoch, and not asked here."""
        for one in ear.received:
            if one.kind == "state":
                self._judge_law(json.loads(one.payload))

    def _judge_law(self, state: dict[str, int | None]) -> None:
        self._result.verdict.counts["states"] += 1
        for direction in ("import", "export"):
            parts = [state.get(f"{direction}_{key}_milliwh") for key in ("earlier_epochs", "register", "epoch_first")]
            booked = [number for key, number in state.items() if key.startswith(f"{direction}_bucket_")]
            booked.append(state.get(f"{direction}_unassigned_milliwh"))
            known = [number for number in (*parts, *booked) if number is not None]
            if len(known) < len(parts) + len(booked):
                continue
            earlier, register, first = known[:3]
            if sum(known[3:]) != earlier + register - first:
                self._result.verdict.find("law", f"{state['meter']} {direction}: {state}")

    def _strike_files(self, fault: DiskFault, ear: Ear) -> None:
        store = self._house.store
        target = store.with_name(store.name + LOG) if fault.kind in OF_THE_LOG else store
        changed = self._ready_to_strike(fault, ear)
        before, content = rows_of(store), target.read_bytes()
        if changed is None:
            changed = damaged(fault, content)
        if fault.kind is DiskKind.GONE:
            target.unlink()
        else:
            target.write_bytes(changed)
        if self._recount:
            _count_anew(store)
        struck = altered(before or {}, rows_of(store))
        counts = self._result.verdict.counts
        self._result.injected += 1
        self._result.felt += changed != content and before is not None
        counts[f"faults_{fault.kind}"] += 1
        known, epoch = self._files(), self._epoch(ear)
        self._start_daemon()
        self._until_booked(ear)
        must_be_found = bool(set(struck) & set(TOLD_TABLES)) if fault.kind in OF_THE_LOG else bool(struck)
        signs = self._signs(known, epoch, ear)
        if must_be_found and not signs:
            ear.listen_until(lambda: bool(self._signs(known, epoch, ear)), FOUND_WITHIN_S)
            signs = self._signs(known, epoch, ear)
        counts["altered"] += must_be_found
        counts["altered_found"] += must_be_found and bool(signs)
        counts["found_else"] += not must_be_found and bool(signs)
        what = f"alters {', '.join(struck) or 'nothing'}; found by {', '.join(signs) or 'nothing'}"
        self._say(f"fault {fault}: {what}")
        if must_be_found and not signs:
            self._result.verdict.find("not_found", f"fault {fault}: {what}")

    def _ready_to_strike(self, fault: DiskFault, ear: Ear) -> bytes | None:
        """End the daemon as the fault needs it; returns what is to lie there, where older or other bytes make it."""
        match fault.kind:
            case DiskKind.LOG_SWAPPED:
                older = self._older_log(ear)
                self._end(ear, kill=True)
                return older
            case DiskKind.OLD_PAGE | DiskKind.PAGES_EXCHANGED:
                return self._other_pages(fault, ear)
            case _:
                self._end(ear, kill=fault.kind in OF_THE_LOG or bool(fault.lot & 1))
                return None

    def _other_pages(self, fault: DiskFault, ear: Ear) -> bytes:
        """The store with sound pages in the place of others; the daemon goes on until there are such."""
        then = Laid(b"", {})
        for _ in range(GROWS_MOST):
            self._end(ear, kill=False)  # its last act is to fold the log back
            now = laid(self._house.store)
            if self._recount:
                now = replace(now, leaves={"reading": now.leaves["reading"]})
            if fault.kind is DiskKind.PAGES_EXCHANGED:
                changed = with_pages_exchanged(now, fault.lot)
            else:
                changed = with_older_page(now, then, fault.lot)
            if changed is not None:
                return changed
            then = now
            self._start_daemon()
            self._until_booked(ear, interval=True)
        raise DaemonError(f"the store has not grown to a second page in {GROWS_MOST} intervals")

    def _wait(self, ear: Ear, enough: Callable[[], bool], what: str) -> None:
        """As its supervisor would: a daemon that ends on what it found is started again. Raises DaemonError."""
        for _ in range(STARTS_MOST):
            child = self._house.child("gateway")
            is_over = ear.listen_until(lambda: self._has_ended() or enough(), PATIENCE_S)
            if child.exit_code is None:
                if is_over:
                    return
                break
            self._result.verdict.counts["ended_to_begin_anew"] += 1
            self._online_since = len(ear.words)
            self._start_daemon()
        child = self._house.child("gateway")
        raise DaemonError(f"waited for {what}; exit code {child.exit_code}\n{child.tail()}")

    def _has_ended(self) -> bool:
        return self._house.child("gateway").exit_code is not None

    def _older_log(self, ear: Ear) -> bytes:
        """The log as it is now; the daemon goes on with it, and commits more."""
        self._end(ear, kill=True)
        content = self._house.store.with_name(self._house.store.name + LOG).read_bytes()
        self._start_daemon()
        self._until_booked(ear, interval=True)
        return content

    def _end(self, ear: Ear, kill: bool) -> None:
        while ear.listen(0):
            pass
        self._online_since = len(ear.words)
        child = self._house.child("gateway")
        if kill:
            child.kill()
        else:
            child.stop()

    def _until_booked(self, ear: Ear, interval: bool = False) -> None:
        """Until the daemon serves, has read both meters, and, if wanted, has closed an interval of both."""
        heard, after_us, began_s = len(ear.received), self._house_us(), time.monotonic()
        self._wait(ear, lambda: self._is_online(ear) and self._has_read(ear, heard), "a state of both meters")
        took_ms = int((time.monotonic() - began_s) * 1000)
        worst = self._result.verdict.worst
        worst["longest_start_ms"] = max(worst["longest_start_ms"], took_ms)
        if interval:
            self._wait(ear, lambda: self._has_closed(ear, heard, after_us), "an interval of both meters")
        if not ear.listen_until(lambda: self._house.store.exists(), PATIENCE_S):
            raise DaemonError("it serves without a store")

    def _files(self) -> set[str]:
        """Files beside the store that are not there every day."""
        name = self._house.store.name
        usual = {name + end for end in _USUAL}
        return {one.name for one in self._house.store.parent.glob(f"{name}*")} - usual

    def _epoch(self, ear: Ear) -> str:
        """The store epoch that the meters told last."""
        epochs = [json.loads(one.payload)["store_epoch"] for one in ear.received if one.kind == "state"]
        return str(epochs[-1]) if epochs else ""

    def _signs(self, known: set[str], epoch: str, ear: Ear) -> list[str]:
        now = self._epoch(ear)
        files = [one for one in sorted(self._files() - known) if not one.endswith(".new")]
        return [*files, *(["a new store epoch"] if now != epoch else [])]


def _count_anew(store: Path) -> None:
    """For the control alone: the gateway's own hand hides the damage. Imported here, for a judge knows none of it."""
    from gateway.ledger import tally
    from gateway.ledger.rows import COLUMNS

    with closing(sqlite3.connect(store)) as connection, connection:
        for table in ("interval", *COLUMNS):
            tally.arm(connection, table)
