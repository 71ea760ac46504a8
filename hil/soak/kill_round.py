"""One round of `soak kill`: a house, some kills of its daemon, and the judge's verdict.

Each kill is *injected* (SIGKILL sent to the daemon's pid) and *felt*, by nothing that the daemon says of itself: the
process ended by that signal; it held the store, and holds it no more; the broker gave out its last will if it had been
connected; a process with another pid then holds the store and comes online. A kill that lacks any of these is not felt.
"""

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..house import BASE_TOPIC, GRID, PRODUCTION, House
from ..house_time import US_PER_S, monotonic_us
from ..process import ChildError
from ..watcher import Watcher
from .call_kill import CallKill, Site
from .ear import Ear
from .history import SITE, Digits, RoundResult, Say
from .judge import judge_meter
from .plan import Fault, Kind, Round
from .true_count import TrueCount

SPEED = 60
INTERVAL_MIN = 5
INTERVAL_US = INTERVAL_MIN * 60 * US_PER_S
PATIENCE_S = 60.0
SIGKILLED = -9
FROM_THE_START = (Kind.MIGRATION_CALL, Kind.STARTUP_CALL)
# What lies between two readings that are kept, besides the daemon's absence: two polls, a commit, both windows.
UNREAD_S = 9
# The SunSpec meter shows whole Wh. The SDM630 shows 0.01 kWh in a float32, whose step below 65,536 kWh is 1/256 kWh.
DIGITS = {GRID: Digits(1_000, 0), PRODUCTION: Digits(10_000 + 2_000, 2_000)}


@dataclass(slots=True)
class _Strike:
    """A kill and what was seen of it. `words_before`: how many words of presence had come when it fell."""

    fault: Fault
    pid: int
    at_s: float
    signs: list[str]
    missing: list[str]
    was_online: bool
    words_before: int


class KillRound:
    """Runs one round in a folder of its own, which it fills. Ends every process that it started."""

    def __init__(self, plan: Round, folder: Path, say: Say, sabotage: str | None = None) -> None:
        self._plan, self._say = plan, say
        self._house = House(
            folder,
            speed=SPEED,
            seed=plan.house_seed,
            start_utc_us=plan.start_utc_us,
            interval_min=INTERVAL_MIN,
            commit_every_s=1,
        )
        self._daemon_options = [] if sabotage is None else [f"--sabotage={sabotage}"]
        self._result = RoundResult()
        self._unsettled: list[_Strike] = []
        self._online_since = 0
        self._longest_away_s = 0.0
        self._started_s = 0.0
        self._ahead = plan.faults[:1]
        """The fault that the daemon which is started next will meet."""

    def run(self) -> RoundResult:
        """The whole round. A daemon that ends or hangs on its own is a finding; a broken house raises ChildError."""
        house = self._house
        watcher: Watcher | None = None
        try:
            house.broker.start()
            watcher = Watcher(house.broker.host, house.broker.port, BASE_TOPIC)
            ear = Ear(watcher)
            self._check_heard(ear.listen_until(lambda: ear.missed_nothing, PATIENCE_S), "the reader is not connected")
            house.start_meters()
            self._start_daemon()
            self._live(ear)
            house.stop_child("gateway")
            while ear.listen(0.5):
                pass
            self._check_heard(ear.missed_nothing, "the reader was cut off and may have missed records")
        finally:
            if watcher is not None:
                watcher.close()
            house.stop()
        self._judge(ear)
        return self._result

    def _live(self, ear: Ear) -> None:
        """From the first reading to the records after the last kill."""
        try:
            if self._plan.faults[0].kind not in FROM_THE_START:
                self._wait(ear, lambda: self._is_online(ear) and self._has_read(ear, 0), "a first state of both meters")
            for fault in self._plan.faults:
                if fault.kind is not Kind.START and fault.kind not in FROM_THE_START:
                    self._wait_online(ear)
                self._ahead = self._plan.faults[fault.number - self._plan.faults[0].number + 1 :][:1]
                if fault.site is not None:
                    self._strike_at_call(fault, fault.site, ear)
                    continue
                self._wait_for_moment(fault, ear)
                self._strike(fault, ear)
            self._wait_online(ear)
            after_us, heard = self._house_us(), len(ear.received)
            self._wait(
                ear,
                lambda: self._has_read(ear, heard) and self._has_closed(ear, heard, after_us),
                "the first interval of both meters after the last kill",
            )
        except DaemonError as error:
            self._result.verdict.find("does_not_serve", str(error))

    def _wait_for_moment(self, fault: Fault, ear: Ear) -> None:
        delay_s = fault.delay_us / US_PER_S
        match fault.kind:
            case Kind.START:
                self._wait(ear, lambda: self._holder() == self._pid, "the new process to take the store")
                time.sleep(delay_s)
            case Kind.EDGE:
                self._wait_for_edge(delay_s, ear)
            case Kind.COMMIT:
                before = self._wal_stamp()
                deadline_s = time.monotonic() + PATIENCE_S
                while self._wal_stamp() == before and time.monotonic() < deadline_s:
                    time.sleep(0.0002)
                time.sleep(delay_s)
            case Kind.PUBLISH:
                known = ear.contents("interval")
                self._wait(ear, lambda: ear.contents("interval") > known, "the next interval")
                time.sleep(delay_s)
            case Kind.ANY:
                ear.listen_for(delay_s)

    def _wait_for_edge(self, delay_s: float, ear: Ear) -> None:
        """Until `delay_s` real seconds after (before, if negative) an interval edge of the house."""
        delay_us = int(delay_s * US_PER_S) * SPEED
        edge_us = -(-(self._house_us() - delay_us) // INTERVAL_US) * INTERVAL_US
        while (left_us := edge_us + delay_us - self._house_us()) > 0:
            left_s = left_us / US_PER_S / SPEED
            if left_s > 0.02:
                ear.listen(min(left_s - 0.02, 0.05))
            else:
                time.sleep(left_s)

    def _strike(self, fault: Fault, ear: Ear) -> None:
        """Kill, look at what is left, start anew."""
        child = self._house.child("gateway")
        if child.exit_code is not None:
            raise DaemonError(f"ended with code {child.exit_code} on its own\n{child.tail()}")
        while ear.listen(0):
            pass
        was_online, words, held = self._is_online(ear), len(ear.words), self._holder() == child.pid
        self._before_kill()
        child.kill()
        self._result.injected += 1
        self._result.verdict.counts[f"kills_{fault.kind}"] += 1
        strike = _Strike(fault, child.pid, time.monotonic(), [], [], was_online, words)
        _note(strike, child.exit_code == SIGKILLED, f"pid {child.pid} ended by SIGKILL")
        _note(strike, self._is_let_go() and held, "held the store, holds it no more")
        self._unsettled.append(strike)
        self._online_since = words
        self._start_daemon()

    def _before_kill(self) -> None:
        """For a round that does more than kill."""

    def _strike_at_call(self, fault: Fault, site: Site, ear: Ear) -> None:
        """Let it run into its own end: counted since it was started, or from now on."""
        child, call = self._house.child("gateway"), self._call_kill(site)
        while ear.listen(0):
            pass
        was_online, words, began_s = self._is_online(ear), len(ear.words), time.monotonic()
        if fault.kind not in FROM_THE_START:
            call.attach(child.pid)
        if fault.kind is Kind.SHUTDOWN_CALL:
            os.kill(child.pid, signal.SIGTERM)
        ended = ear.listen_until(lambda: child.exit_code is not None, PATIENCE_S)
        call.end()
        where = call.where() if ended else ""
        child.kill()
        self._result.injected += 1
        counts = self._result.verdict.counts
        counts[f"kills_{fault.kind}"] += 1
        at_s = began_s if fault.kind is Kind.SHUTDOWN_CALL else time.monotonic()
        strike = _Strike(fault, child.pid, at_s, [], [], was_online, words)
        _note(strike, bool(where), f"pid {child.pid} ended by SIGKILL before {where}")
        _note(strike, self._is_let_go(), "nobody holds the store")
        if where:
            counts[f"{SITE}{fault.kind} {where} {site.nth}"] += 1
        self._unsettled.append(strike)
        self._online_since = words
        self._start_daemon()

    def _call_kill(self, site: Site) -> CallKill:
        return CallKill(site, self._house.folder / "kill.strace")

    def _start_daemon(self) -> None:
        ahead = self._ahead[0] if self._ahead else None
        prefix: list[str] = []
        if ahead is not None and ahead.kind in FROM_THE_START and ahead.site is not None:
            prefix = self._call_kill(ahead.site).prefix
        self._started_s = time.monotonic()
        self._house.start_daemon(*self._daemon_options, prefix=prefix)

    def _wait_online(self, ear: Ear) -> None:
        """Until the daemon that runs now serves; then settle what was felt of the kills before it."""
        self._wait(ear, lambda: self._is_online(ear) and self._holder() == self._pid, "the new process to serve")
        for strike in self._unsettled:
            back = strike.pid != self._pid and "online" in ear.words[strike.words_before :]
            if strike.was_online:
                _note(strike, "offline" in ear.words[strike.words_before :], "last will")
            _note(strike, back, f"pid {self._pid} holds the store and is online")
            self._result.felt += not strike.missing
            self._longest_away_s = max(self._longest_away_s, time.monotonic() - strike.at_s)
            told = "felt: " + "; ".join(strike.signs)
            if strike.missing:
                told = "NOT FELT, missing: " + "; ".join(strike.missing)
            self._say(f"kill {strike.fault}: injected; {told}")
        if self._unsettled:
            took_ms = int((time.monotonic() - self._started_s) * 1000)
            counts, worst = self._result.verdict.counts, self._result.verdict.worst
            counts["restarts"] += 1
            counts["restart_ms_total"] += took_ms
            worst["longest_restart_ms"] = max(worst["longest_restart_ms"], took_ms)
        self._unsettled = []

    def _wait(self, ear: Ear, enough: Callable[[], bool], what: str) -> None:
        """Raises DaemonError when it does not come, or the daemon ends."""

        def ended() -> bool:
            return self._house.child("gateway").exit_code is not None

        if not ear.listen_until(lambda: ended() or enough(), PATIENCE_S) or ended():
            child = self._house.child("gateway")
            raise DaemonError(f"waited for {what}; exit code {child.exit_code}\n{child.tail()}")

    @property
    def _pid(self) -> int:
        return self._house.child("gateway").pid

    def _is_online(self, ear: Ear) -> bool:
        """Whether the daemon of now is online: the last word since the last kill."""
        return ear.words[self._online_since :][-1:] == ["online"]

    def _has_read(self, ear: Ear, since: int) -> bool:
        return {GRID, PRODUCTION} <= {one.meter for one in ear.received[since:] if one.kind == "state"}

    def _has_closed(self, ear: Ear, since: int, after_us: int) -> bool:
        """Whether both meters have sent an interval that ends after `after_us`."""
        closed = [one for one in ear.received[since:] if one.kind == "interval"]
        return {GRID, PRODUCTION} <= {one.meter for one in closed if json.loads(one.payload)["end_utc_us"] > after_us}

    def _house_us(self) -> int:
        return self._house.anchor.house_us(monotonic_us())

    def _holder(self) -> int | None:
        """The pid that the store's lock file names."""
        try:
            return int(self._lock_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def _is_let_go(self) -> bool:
        """Whether nobody holds the store's lock: the kernel's own word."""
        with self._lock_file.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
        return True

    @property
    def _lock_file(self) -> Path:
        return self._house.store.with_name(self._house.store.name + ".lock")

    def _wal_stamp(self) -> tuple[int, int]:
        try:
            found = self._house.store.with_name(self._house.store.name + "-wal").stat()
        except OSError:
            return 0, 0
        return found.st_size, found.st_mtime_ns

    def _check_heard(self, good: bool, why: str) -> None:
        if not good:
            raise ChildError(why)

    def _judge(self, ear: Ear) -> None:
        """Both meters, each against its own truth."""
        unread_us = int((self._longest_away_s + UNREAD_S) * SPEED * US_PER_S)
        for meter in (GRID, PRODUCTION):
            received = [one for one in ear.received if one.meter == meter]
            truth = TrueCount.read(self._house.truth(meter))
            self._result.verdict.add(
                judge_meter(received, truth, DIGITS[meter], interval_us=INTERVAL_US, unread_us=unread_us)
            )


class DaemonError(Exception):
    """The daemon ended or does not serve, without a kill of ours."""


def _note(strike: _Strike, seen: bool, sign: str) -> None:
    (strike.signs if seen else strike.missing).append(sign)
