"""kill -9 of an opening that sets a store aside, at the n-th rename, sync, unlink and write: the next one finishes it.

However often it is killed: nothing is deleted, one new epoch is enough, and the counters are what they were.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .test_ledger_opening import BRIDGED, account, altered_total, book, opened, path, zero_header
from .world import MIN

__all__ = ["path"]

ROOT = Path(__file__).parents[2]
CALLS = ["rename", "fsync", "fdatasync", "unlink", "pwrite64", "write"]


def run(store: Path, *prefix: str) -> "subprocess.CompletedProcess[str]":
    command = [*prefix, sys.executable, "-m", "tests.pipeline.open_runner", str(store)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: `./tests/run --setup` as root")
@pytest.mark.parametrize("call", CALLS)
def test_setting_aside_killed_at_any_step_is_finished_by_the_next_opening(path: Path, call: str) -> None:
    altered_total(path)
    damaged = path.read_bytes()
    kills = 0
    for number in (1, 2, 3, 4, 5, 8, 20):
        # The checkpoint copies, renames and notes are all made by these calls; Python itself makes none of them late.
        inject = f"inject={call}:signal=SIGKILL:when={number}"
        done = run(path, "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject)
        if "ptrace" in done.stderr:
            pytest.skip(f"ptrace is forbidden here: {done.stderr.strip()}")
        if done.returncode == 0:
            break
        assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
        kills += 1
    assert kills >= 1
    after = opened(path)
    book(after.store, (40 * MIN, 1100))
    assert account(after.store) == BRIDGED
    assert after.store.epoch.reason == "damaged"
    after.store.close()
    asides = [one for one in path.parent.glob("ledger.sqlite.damaged-*") if not one.name.endswith(("-wal", "-shm"))]
    assert [one.read_bytes() for one in asides] == [damaged]
    left = {one.name for one in path.parent.iterdir()} - {one.name for one in asides}
    checkpoints = {"ledger.sqlite.checkpoint-a", "ledger.sqlite.checkpoint-b"}
    assert {one for one in left if not one.startswith("ledger.sqlite.damaged-")} == {
        "ledger.sqlite",
        "ledger.sqlite.lock",
        *checkpoints,
    }


def test_control_without_a_kill_it_is_done_at_once(path: Path) -> None:
    zero_header(path)
    done = run(path)
    assert (done.stdout, done.stderr) == ("damaged\n", "")
    assert run(path).stdout == "damaged\n"  # the epoch's reason; and not a second one
    assert (
        len([one for one in path.parent.glob("ledger.sqlite.damaged-*") if not one.name.endswith(("-wal", "-shm"))])
        == 1
    )
