"""The power cut: what was synced stays, what was only written goes. Tried on a real traced program that is killed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from hil.disk import find_strace, power_cut, traced

PROGRAM = """
import os, sys, time
folder = sys.argv[1]
def writer(name):
    return os.open(os.path.join(folder, name), os.O_RDWR | os.O_CREAT)
synced, unsynced, mixed, gone = (writer(name) for name in ("synced", "unsynced", "mixed", "gone"))
os.pwrite(synced, b"kept", 0); os.fsync(synced)
os.pwrite(unsynced, b"lost", 0)
os.pwrite(mixed, b"first", 0); os.fdatasync(mixed)
os.pwrite(mixed, b"second", 3); os.ftruncate(mixed, 100)
os.pwrite(gone, b"x", 0); os.fsync(gone); os.unlink(os.path.join(folder, "gone"))
print("ready", flush=True)
time.sleep(600)
"""

needs_strace = pytest.mark.skipif(find_strace() is None, reason="strace is not installed (apt-get install strace)")


@needs_strace
def test_only_synced_bytes_survive_a_power_cut(tmp_path: Path) -> None:
    strace = find_strace()
    assert strace is not None
    folder, trace = tmp_path / "disk", tmp_path / "trace"
    folder.mkdir()
    command = [*traced(strace, trace), sys.executable, "-c", PROGRAM, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        # The control: before the cut all of it is there for anybody to read.
        assert (folder / "unsynced").read_bytes() == b"lost"
        assert (folder / "mixed").read_bytes()[:9] == b"firsecond"
        program.kill()
    lost = power_cut(trace, folder)
    assert (folder / "synced").read_bytes() == b"kept"
    assert not (folder / "unsynced").exists()
    assert (folder / "mixed").read_bytes() == b"first"
    assert not (folder / "gone").exists()
    assert (lost[folder / "unsynced"], lost[folder / "mixed"], lost[folder / "synced"]) == (4, 95, 0)


@needs_strace
def test_a_program_that_still_runs_is_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = tmp_path / "trace"
    trace.write_text("1 fsync(3) = 0\n", encoding="ascii")
    monkeypatch.setattr("hil.disk.SETTLE_S", 0.0)
    time.sleep(0.01)
    with pytest.raises(TimeoutError):
        power_cut(trace, tmp_path)
