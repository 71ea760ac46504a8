"""`netmeter-hil soak kill` as a person runs it: interrupted by Ctrl-C, taken up again, and passed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hil.broker import find_mosquitto
from hil.folder import make_folder
from hil.process import Child
from hil.soak.kill_round import KillRound
from hil.soak.plan import round_from

pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is missing: `./tests/run --setup` installs it"),
]

COMMAND = [sys.executable, "-u", "-m", "hil.cli", "soak", "kill", "--seed", "4", "--n", "3"]
KILL = re.compile(r"kill (\d+ .+ us): injected; felt: pid (\d+) ended by SIGKILL; .*; pid (\d+) holds")


def run_until(options: list[str], line_starts: str) -> tuple[int, list[str]]:
    """Run a soak; Ctrl-C at the first such line. Its exit code and what it told."""
    told: list[str] = []
    with subprocess.Popen([*COMMAND, *options], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as soak:
        try:
            assert soak.stderr is not None
            for line in soak.stderr:
                told.append(line.rstrip())
                if line.startswith(line_starts):
                    soak.send_signal(signal.SIGINT)
            return soak.wait(60), told
        finally:
            soak.kill()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_soak_that_was_interrupted_goes_on_and_passes(tmp_path: Path) -> None:
    checkpoint = tmp_path / "soak.json"
    plan = subprocess.run([*COMMAND, "--plan"], capture_output=True, text=True, check=True, timeout=60)
    code, told = run_until(["--resume", str(checkpoint)], "kill 1 ")
    assert code == 1
    assert told[-1] == f"go on with --resume {checkpoint}"
    pids = {int(pid) for kill in map(KILL.search, told) if kill for pid in kill.groups()[1:]}
    assert len(pids) >= 6  # the control's four kills, this one, and the daemon that was running
    assert not any(map(is_alive, pids))
    assert json.loads(checkpoint.read_text())["injected"] == 0

    rest = subprocess.run(
        [*COMMAND, "--resume", str(checkpoint)], capture_output=True, text=True, check=False, timeout=300
    )
    assert rest.returncode == 0, rest.stderr
    (line,) = rest.stdout.splitlines()
    result = json.loads(line)
    assert result["pass"] is True
    assert (result["injected"], result["felt_ratio"], result["control"]) == (3, 1.0, "failed")
    assert result["lost_milliwh"] == result["doubled_milliwh"] == result["misplaced_milliwh"] == 0
    assert result["uncertain_told"] > 0
    assert result["intervals"] >= 2
    assert "control:" not in rest.stderr  # it is not run twice
    assert sorted(kill.group(1) for kill in map(KILL.match, rest.stderr.splitlines()) if kill) == sorted(
        plan.stdout.splitlines()
    )


def test_a_kill_that_is_none_is_injected_and_not_felt(monkeypatch: pytest.MonkeyPatch) -> None:
    """An injector that stops the daemon politely must not count as one that kills it."""
    told: list[str] = []
    folder = make_folder("soak-test")
    with monkeypatch.context() as patch:
        patch.setattr(Child, "kill", Child.stop)
        result = KillRound(round_from(4, 1, 1), folder, told.append).run()
    shutil.rmtree(folder)
    assert (result.injected, result.felt) == (1, 0)
    assert "NOT FELT, missing: pid" in told[0]
    assert result.verdict.findings == []
