"""Children are told of when they fail, and never outlive the process that started them."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hil.house import DAY_START_US
from hil.house_time import Anchor
from hil.process import Child, ChildError

# Starts a meter, says its pid and address, and waits to be killed.
PARENT = """
import sys, time
from pathlib import Path
from hil.process import Child
child = Child.python("meter", sys.argv[1], sys.argv[3:], Path(sys.argv[2]))
print(child.pid, child.wait_ready(), flush=True)
time.sleep(600)
"""


def is_gone(pid: int) -> bool:
    """True if the process does not exist or is only waiting to be buried."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return text.rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("hil.meters.sunspec_tcp", []),
        ("hil.meters.sdm630_rtu", ["--link={folder}/link"]),
        ("hil.meters.dump_tcp", ["--dump={folder}/dump.txt"]),
    ],
)
def test_a_meter_ends_with_a_parent_that_was_killed(tmp_path: Path, module: str, options: list[str]) -> None:
    (tmp_path / "dump.txt").write_text("[1]: 0x0001\n")
    options = [option.format(folder=tmp_path) for option in options]
    if module != "hil.meters.dump_tcp":
        options += Anchor.now(DAY_START_US, 1).options()
    command = [sys.executable, "-c", PARENT, module, str(tmp_path / "log"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        try:
            pid = int(parent.stdout.readline().split()[0])
            assert not is_gone(pid)
        finally:
            parent.kill()
    deadline_s = time.monotonic() + 20
    while not is_gone(pid):
        assert time.monotonic() < deadline_s, f"process {pid} outlived its parent"
        time.sleep(0.05)


def test_a_child_that_fails_is_told_with_its_log_and_last_words(tmp_path: Path) -> None:
    child = Child.python("meter x", "hil.meters.dump_tcp", ["--dump=/nowhere/at/all"], tmp_path / "x.log")
    with pytest.raises(ChildError, match=r"(?s)meter x ended with code 1.*x\.log.*/nowhere/at/all"):
        child.wait_ready()


def test_a_ready_line_of_an_earlier_run_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("ready yesterday\n")
    child = Child.python("meter x", "hil.meters.dump_tcp", ["--dump=/nowhere/at/all"], tmp_path / "x.log")
    with pytest.raises(ChildError):
        child.wait_ready()


def test_a_deaf_child_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.process.STOP_S", 0.3)
    child = Child("deaf", ["/bin/sh", "-c", "trap '' TERM; echo ready x; read x; sleep 600"], tmp_path / "deaf.log")
    child.wait_ready()
    assert child.stop() == -signal.SIGKILL
    assert child.stop() == -signal.SIGKILL, "stopping twice is harmless"


def test_with_parent_keeps_the_process_id(tmp_path: Path) -> None:
    child = Child.python("shell", "hil.with_parent", ["/bin/sh", "-c", "echo ready $$; read x"], tmp_path / "log")
    # The shell says its own process id.
    assert child.wait_ready() == str(child.pid)
    child.stop()
