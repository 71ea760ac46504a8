"""The notify socket while meter, disk or broker is away: fed all the time, told what is missing, and well afterwards.

A fault lasts ten watchdog periods. That it was felt is seen outside the daemon's own words too: in the store's
file, on the port. The last test is the control: a loop that hangs is not fed for.
"""

import contextlib
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hil.broker import accepts_connect
from hil.disk_faults import CallFault, Fault, SmallDisk
from hil.house import BASE_TOPIC, House
from hil.supervisor import Supervisor
from hil.watcher import Watcher

from .rig import PATIENCE_S, SESSION, Reader, Truth, assert_law, assert_true_within_told, make_house

pytestmark = pytest.mark.whole

WATCHDOG_S = 1.0
PERIODS = 10
SPEED = 240  # an interval closes, and the store commits, every 3.75 seconds
WELL = "all is well"
FULL, NO_ROOM = "store fails: database or disk is full", "no room for the ballast"


@dataclass
class Scene:
    """A house whose daemon is supervised; its store lies in a folder of its own."""

    house: House
    supervisor: Supervisor
    reader: Reader
    grid_port: int = 0

    @property
    def disk(self) -> Path:
        return self.house.folder / "disk"

    def start(self, prefix: list[str] | None = None) -> None:
        """Returns once all is well and each meter has delivered an interval."""
        self.disk.mkdir()
        self.grid_port = int(self.house.start_grid_meter().rpartition(":")[2])
        self.house.start_production_meter()
        text = self.house._config_text(self.grid_port)
        old = f'"{self.house.folder}/ledger.sqlite"'
        assert old in text
        self.house.config.write_text(text.replace(old, f'"{self.disk}/ledger.sqlite"'), encoding="utf-8")
        self.house.start_daemon(prefix=prefix or [], extra_env=self.supervisor.environment)
        self.until_status(lambda status: status == WELL, "a status without trouble")
        self.until_intervals(1)

    @property
    def pid(self) -> int:
        return self.house.child("gateway").pid

    def until_status(self, right: Callable[[str], bool], why: str) -> None:
        self.reader.until(
            lambda _r: right(self.supervisor.status), f"{why}; last: {self.supervisor.status}", PATIENCE_S
        )

    def until_intervals(self, count: int) -> None:
        """`count` more intervals of each meter than the reader has."""
        wanted = {meter: len(self.reader.intervals(meter)) + count for meter in ("grid", "array")}
        self.reader.until(
            lambda r: all(len(r.intervals(meter)) >= most for meter, most in wanted.items()),
            f"{count} more intervals; the status: {self.supervisor.status}",
        )

    def last(self, periods: int) -> None:
        """Let watchdog periods pass."""
        end_s = time.monotonic() + periods * WATCHDOG_S
        self.reader.until(lambda _r: time.monotonic() >= end_s, "the time to pass")

    def judge(self) -> None:
        """Records without a hole and within what they tell, the law in every message, nothing left to deliver."""
        self.house.stop_child("gateway")
        self.reader.rest()
        for meter in ("grid", "array"):
            intervals = self.reader.intervals(meter)
            assert [interval["seq"] for interval in intervals] == list(range(1, len(intervals) + 1))
            truth = Truth(self.house.truth(meter))
            for interval in intervals:
                assert_true_within_told(interval, truth)
            assert all(assert_law(record.content) >= 1 for record in self.reader.of("state", meter))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    house = make_house(tmp_path, speed=SPEED)
    with contextlib.ExitStack() as stack:
        stack.callback(house.stop)
        supervisor = Supervisor(tmp_path / "notify", WATCHDOG_S)
        stack.callback(supervisor.close)
        house.broker.start()
        watcher = Watcher(house.broker.host, house.broker.port, BASE_TOPIC, SESSION)
        stack.callback(watcher.close)
        yield Scene(house, supervisor, Reader(watcher))


def endure(scene: Scene, begin: Callable[[], None], told: str, while_away: Callable[[], None]) -> None:
    """A fault for ten periods from when it is told; fed all the time, from before it began."""
    from_s = time.monotonic()
    begin()
    scene.until_status(lambda status: told in status, f'a status with "{told}"')
    scene.last(PERIODS)
    while_away()
    scene.house.child("gateway").check()
    assert not scene.supervisor.would_kill(from_s, time.monotonic())
    assert told in scene.supervisor.status


def recover(scene: Scene) -> None:
    from_s = time.monotonic()
    scene.until_status(lambda status: status == WELL, "the end of trouble")
    scene.until_intervals(2)
    assert not scene.supervisor.would_kill(from_s, time.monotonic())
    scene.judge()


def test_a_meter_that_is_away_is_told_and_the_watchdog_fed(scene: Scene) -> None:
    scene.start()

    def only_the_array_is_read() -> None:
        scene.reader.rest()
        seen = len(scene.reader.records)
        scene.last(3)
        assert {record.meter for record in scene.reader.records[seen:] if record.kind == "state"} == {"array"}

    told = f"127.0.0.1:{scene.grid_port}: connection refused"
    endure(scene, lambda: scene.house.stop_child("grid"), told, only_the_array_is_read)
    scene.house.start_grid_meter(scene.grid_port)
    recover(scene)


def test_a_broker_that_is_away_is_told_and_the_watchdog_fed(scene: Scene) -> None:
    scene.start()
    port = scene.house.broker.port
    endure(scene, scene.house.broker.stop, f"broker 127.0.0.1:{port} is away: ", lambda: None)
    assert not accepts_connect(port)
    scene.house.broker.start()
    recover(scene)


def test_a_full_disk_is_told_and_the_watchdog_fed(scene: Scene) -> None:
    disk = SmallDisk(scene.disk, size_kib=2048)
    scene.disk.mkdir()
    if why := disk.why_not:
        pytest.skip(f"no file system of our own to fill: {why}")
    scene.disk.rmdir()
    scene.start(disk.prefix)
    disk.belongs_to(scene.pid)
    log = disk.inside("ledger.sqlite-wal")
    full_bytes: list[int] = []

    def fill() -> None:
        disk.fill()
        scene.until_status(lambda status: NO_ROOM in status, f'a status with "{NO_ROOM}"')
        assert not disk.inside("ledger.sqlite.ballast").exists()  # given back: the store could go on for a while
        disk.fill()
        scene.until_status(lambda status: FULL in status and NO_ROOM not in status, "the room to be used up")
        full_bytes.append(log.stat().st_size)

    def the_log_does_not_grow() -> None:
        # What is left of the page in which the log ended may still be written to.
        assert log.stat().st_size - full_bytes[0] < 4096

    endure(scene, fill, FULL, the_log_does_not_grow)
    disk.free()

    def storage() -> list[str]:
        events = [one.content for one in scene.reader.of("event", "grid")]
        return [one["state"] for one in events if one["event"] == "storage"]

    scene.reader.until(lambda _r: len(storage()) >= 2, "the word that the store works again")
    recover(scene)
    assert storage() == ["failing", "works_again"]
    assert not log.exists()  # the file system was the daemon's own and ended with it
    assert list(scene.disk.iterdir()) == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [(Fault.EIO, "store fails: disk I/O error"), (Fault.HANG, "the disk does not answer: ledger waits for it")],
    ids=["fails", "hangs"],
)
def test_a_disk_that_does_not_do_its_work_is_told_and_the_watchdog_fed(scene: Scene, fault: Fault, told: str) -> None:
    log = scene.disk / "ledger.sqlite-wal"
    injector = CallFault(fault, log, scene.house.folder / "strace.log")
    if why := injector.why_not:
        pytest.skip(f"system calls cannot be held here: {why}")
    scene.start()
    size = 0

    def begin() -> None:
        nonlocal size
        injector.begin(scene.pid)
        size = log.stat().st_size

    def nothing_is_written() -> None:
        assert log.stat().st_size == size

    try:
        endure(scene, begin, told, nothing_is_written)
    finally:
        injector.end()
    assert injector.hits() > 0
    recover(scene)
    with contextlib.closing(sqlite3.connect(scene.disk / "ledger.sqlite")) as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("loop", ["line", "ledger", "publisher", "control"])
def test_a_loop_that_hangs_is_not_fed_for(scene: Scene, loop: str) -> None:
    trigger = scene.house.folder / "hang-now"
    scene.start([sys.executable, str(Path(__file__).with_name("hung.py")), loop, str(trigger)])
    from_s = time.monotonic()
    scene.last(3)
    assert not scene.supervisor.would_kill(from_s, time.monotonic())
    trigger.touch()
    scene.until_status(lambda status: f"{loop} " in status and "hangs" in status, f"a status that names {loop}")
    from_s = time.monotonic()
    scene.last(3)
    assert scene.supervisor.would_kill(from_s, time.monotonic())
    assert scene.supervisor.feeds_s(from_s) == []
    # What systemd does then: the log says what each thread was doing.
    daemon = scene.house.child("gateway")
    os.kill(daemon.pid, signal.SIGABRT)
    deadline_s = time.monotonic() + PATIENCE_S
    while daemon.exit_code is None and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert daemon.exit_code == -signal.SIGABRT
    assert "in hanging" in scene.house.log("gateway").read_text(errors="replace")
