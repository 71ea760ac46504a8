"""One round of `soak disk` in which the disk fails under the daemon: calls on its files fail, once or for a while.

A fault is *felt* when strace has made a call fail. It must be *told*: by the events `storage` `failing` and
`works_again` of both meters, or, where it hits a daemon that begins, by a message and an end, after which the next
start must serve. What flowed is judged as in `soak kill`: nothing lost, doubled or misplaced.
"""

import json
import time
from dataclasses import replace
from pathlib import Path

from ..disk_faults import CallFault, Fault
from ..house import GRID, PRODUCTION
from ..process import ChildError
from .disk_plan import LASTS_S, DiskFault, DiskKind
from .ear import Ear
from .history import Say
from .kill_round import PATIENCE_S, DaemonError, KillRound
from .plan import Round

ALL = "pwrite64,write,ftruncate,fdatasync,fsync"
_FAULTS: dict[DiskKind, tuple[Fault, str]] = {
    DiskKind.WRITE: (Fault.EIO, "pwrite64"),
    DiskKind.SYNC: (Fault.EIO, "fdatasync"),
    DiskKind.ROOM: (Fault.ENOSPC, "pwrite64"),
    DiskKind.FAILING: (Fault.EIO, ALL),
    DiskKind.SYNCS: (Fault.EIO, "fdatasync,fsync"),
    DiskKind.FULL: (Fault.ENOSPC, "pwrite64,write,fallocate"),
    DiskKind.READ_ONLY: (Fault.EROFS, f"{ALL},openat,unlink,rename,fallocate"),
    DiskKind.START_WRITE: (Fault.EIO, "pwrite64"),
    DiskKind.START_SYNC: (Fault.EIO, "fdatasync"),
}
_LASTING = (DiskKind.FAILING, DiskKind.SYNCS, DiskKind.FULL, DiskKind.READ_ONLY)
_AT_START = (DiskKind.START_WRITE, DiskKind.START_SYNC)


class DiskRound(KillRound):
    """Runs one round in a folder of its own, which it fills. Ends every process that it started."""

    def __init__(
        self, plan: Round, faults: list[DiskFault], folder: Path, say: Say, sabotage: str | None = None
    ) -> None:
        super().__init__(replace(plan, faults=()), folder, say, sabotage)
        self._faults = faults

    def _live(self, ear: Ear) -> None:
        try:
            self._wait(ear, lambda: self._is_online(ear) and self._has_read(ear, 0), "a first state of both meters")
            for fault in self._faults:
                if fault.kind in _AT_START:
                    self._fail_a_start(fault, ear)
                else:
                    self._fail_under_way(fault, ear)
            after_us, heard = self._house_us(), len(ear.received)
            self._wait(
                ear,
                lambda: self._has_read(ear, heard) and self._has_closed(ear, heard, after_us),
                "the first interval of both meters after the last fault",
            )
        except DaemonError as error:
            self._result.verdict.find("does_not_serve", str(error))

    def _fail_under_way(self, fault: DiskFault, ear: Ear) -> None:
        before, began_s, call = _storage_events(ear), time.monotonic(), self._call_fault(fault)
        call.begin(self._house.child("gateway").pid)
        try:
            self._wait(ear, lambda: call.hits() > 0, f"a call that {fault} makes fail")
            if fault.kind in _LASTING:
                ear.listen_for(LASTS_S)
            else:
                ear.listen_for(0.2)
        finally:
            call.end()
        self._note(fault, call.hits())
        is_told = ear.listen_until(lambda: _are_told(before, _storage_events(ear)), PATIENCE_S)
        self._settle(fault, is_told, time.monotonic() - began_s)
        self._check_alive()

    def _fail_a_start(self, fault: DiskFault, ear: Ear) -> None:
        """The daemon that is there is killed; the next one meets the fault, and ends or goes on; then one without."""
        self._replace(ear)
        before, began_s, call = _storage_events(ear), time.monotonic(), self._call_fault(fault)
        child = self._house.start_daemon(*self._daemon_options, prefix=call.prefix)
        met = ear.listen_until(lambda: call.hits() > 0 or child.exit_code is not None, PATIENCE_S)
        is_told = ear.listen_until(
            lambda: _are_told(before, _storage_events(ear)) or child.exit_code is not None, PATIENCE_S
        )
        if child.exit_code is not None:
            said = child.tail()
            is_told = child.exit_code == 1 and "netmeter: " in said and "Traceback" not in said
            self._result.verdict.counts["starts_refused"] += 1
        self._note(fault, call.hits() if met else 0)
        self._settle(fault, is_told, time.monotonic() - began_s)
        self._replace(ear)
        self._start_daemon()
        self._wait(ear, lambda: self._is_online(ear) and self._holder() == self._pid, "a start on a sound disk")
        self._longest_away_s = max(self._longest_away_s, time.monotonic() - began_s)

    def _replace(self, ear: Ear) -> None:
        while ear.listen(0):
            pass
        self._online_since = len(ear.words)
        self._house.child("gateway").kill()

    def _call_fault(self, fault: DiskFault) -> CallFault:
        kind, calls = _FAULTS[fault.kind]
        store = self._house.store
        log = store.with_name(f"{store.name}-wal")
        others = [store.with_name(store.name + end) for end in ("-wal.new", ".ballast", ".ballast.new")]
        files = [log, store, *others] if fault.kind in (*_LASTING, *_AT_START) else [log]
        record = self._house.folder / "fault.strace"
        record.unlink(missing_ok=True)  # what the last fault hit says nothing of this one
        return CallFault(kind, files[0], record, *files[1:], calls=calls, nth=fault.nth)

    def _note(self, fault: DiskFault, hits: int) -> None:
        self._result.injected += 1
        self._result.felt += hits > 0
        self._result.verdict.counts[f"faults_{fault.kind}"] += 1
        self._result.verdict.counts["calls_failed"] += hits

    def _settle(self, fault: DiskFault, is_told: bool, took_s: float) -> None:
        verdict = self._result.verdict
        verdict.worst["longest_trouble_ms"] = max(verdict.worst["longest_trouble_ms"], int(took_s * 1000))
        verdict.counts["told"] += is_told
        if not is_told:
            tail = self._house.child("gateway").tail(4)
            verdict.find(
                "not_told", f"fault {fault}: no word of it, or none of its end, within {PATIENCE_S:g} s\n{tail}"
            )
        had_it = self._house.log("gateway").read_bytes().count(b"event=store_had_it")
        verdict.worst["commits_found_done"] = max(verdict.worst["commits_found_done"], had_it)
        self._say(f"fault {fault}: {'told' if is_told else 'NOT TOLD'}, over after {took_s:.1f} s")

    def _check_alive(self) -> None:
        try:
            self._house.child("gateway").check()
        except ChildError as error:
            raise DaemonError(str(error)) from error


Told = dict[tuple[str, str], int]


def _storage_events(ear: Ear) -> Told:
    """How many different words on the store each meter has: by meter and state."""
    found: dict[tuple[str, str], set[bytes]] = {}
    for one in ear.received:
        if one.kind == "event" and b'"storage"' in one.payload:
            content = json.loads(one.payload)
            found.setdefault((one.meter, content["state"]), set()).add(one.payload)
    return {key: len(payloads) for key, payloads in found.items()}


def _are_told(before: Told, now: Told) -> bool:
    """Whether both meters have told anew that the store fails, and that it works again."""
    keys = [(meter, state) for meter in (GRID, PRODUCTION) for state in ("failing", "works_again")]
    return all(now.get(key, 0) > before.get(key, 0) for key in keys)
