"""A daemon that begins on a full disk begins all the same: the ballast is given back, and what is missing is told."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.ledger.ballast import Ballast
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from hil.disk_faults import SmallDisk

from .test_cannot_start import GOOD

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
FILL = 'cp "$1"/* "$2" && (head -c 10m /dev/zero >"$2/filler" || true) 2>/dev/null; shift 2; exec "$@"'

LOCK = """
import sys
from pathlib import Path
from gateway.ledger.lock import StoreLock, StoreLockedError
held = StoreLock(Path(sys.argv[1]))
print(Path(sys.argv[1] + ".lock").stat().st_size, "bytes")
try:
    StoreLock(Path(sys.argv[1]))
except StoreLockedError as refused:
    print(str(refused).partition(" is ")[2].partition(":")[0])
"""


def wait_for(condition: Callable[[], bool], what: str, log: Path) -> None:
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s, f"waited 60 s for {what}:\n{log.read_text()}"
        time.sleep(0.05)


def test_a_daemon_begins_on_a_full_disk(tmp_path: Path) -> None:
    disk, ready, log = SmallDisk(tmp_path / "disk", 2048), tmp_path / "ready", tmp_path / "log"
    for folder in (tmp_path / "disk", ready):
        folder.mkdir()
    if why := disk.why_not:
        pytest.skip(f"no file system of our own to fill: {why}")
    migrate(ready / "ledger.sqlite")
    Store(ready / "ledger.sqlite").close()
    shutil.copy(
        ready / "ledger.sqlite", ready / "ledger.sqlite.ballast"
    )  # real blocks, of about a ballast's size there
    text = GOOD.replace('path = "ledger.sqlite"', f'path = "{tmp_path}/disk/ledger.sqlite"')
    (tmp_path / "gateway.toml").write_text(text.replace('host = "127.0.0.1"', 'host = "127.0.0.1"\nport = 1', 1))
    run = [sys.executable, "-m", "gateway.cli", "run", "--config", str(tmp_path / "gateway.toml")]
    command = [*disk.prefix, "sh", "-c", FILL, "sh", str(ready), str(tmp_path / "disk"), *run]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    with log.open("wb") as sink:
        daemon = subprocess.Popen(command, stdout=sink, stderr=sink, env=environment, cwd=ROOT)
    try:
        disk.belongs_to(daemon.pid)
        wait_for(lambda: "event=started" in log.read_text() or daemon.poll() is not None, "the start", log)
        assert daemon.poll() is None, log.read_text()
        assert disk.inside("filler").stat().st_size > 0
        assert not disk.inside("ledger.sqlite.ballast").exists()
        assert disk.inside("ledger.sqlite.lock").read_text() == f"{daemon.pid}\n"
        wait_for(lambda: "event=ballast_missing" in log.read_text(), "the word that the disk is nearly full", log)
        daemon.terminate()
        assert daemon.wait(30) == 0
        assert "Traceback" not in log.read_text()
    finally:
        daemon.kill()
        daemon.wait()


def test_a_lock_can_be_taken_on_a_full_disk(tmp_path: Path) -> None:
    """The pid in it is for people: there may be no room for it, and the lock holds all the same."""
    disk, ready = SmallDisk(tmp_path / "disk", 2048), tmp_path / "ready"
    for folder in (tmp_path / "disk", ready):
        folder.mkdir()
    if why := disk.why_not:
        pytest.skip(f"no file system of our own to fill: {why}")
    migrate(ready / "ledger.sqlite")
    command = [*disk.prefix, "sh", "-c", FILL, "sh", str(ready), str(tmp_path / "disk"), sys.executable, "-c", LOCK]
    store = str(tmp_path / "disk" / "ledger.sqlite")
    done = subprocess.run([*command, store], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("0 bytes\nin use by process unknown\n", "")


def test_control_the_ballast_of_a_disk_with_room_stays(tmp_path: Path) -> None:
    store = tmp_path / "ledger.sqlite"
    migrate(store)
    ballast = Ballast(store)
    assert ballast.keep()
    Store(store).close()
    assert ballast.is_there
