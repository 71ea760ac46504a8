"""While the gateway runs nobody else opens its store: each command asks it, and what it answers is the ledger's truth.

What a command opens is seen by strace, not by asking it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hil.house import House

from .rig import Reader, netmeter, start_all_but_broker

pytestmark = pytest.mark.whole

OPENED = re.compile(r'open(?:at)?\([^"]*"([^"]+)"[^)]*\)\s*=\s*\d')


def opened(house: House, *arguments: str) -> tuple[int, set[str], str]:
    """Exit code, the names of the files in the store's folder that a command opened, and its standard error."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: `./tests/run --setup` as root installs it")
    trace = house.folder / "trace.txt"
    environment = {
        **os.environ,
        "XDG_RUNTIME_DIR": str(house.folder / "run"),
        "XDG_STATE_HOME": str(house.folder / "state"),
    }
    command = [strace, "-f", "-s", "500", "-e", "trace=open,openat", "-o", str(trace), sys.executable]
    done = subprocess.run(
        [*command, "-m", "gateway.cli", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    if "ptrace" in done.stderr and not trace.exists():
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    names = {Path(name).name for name in OPENED.findall(trace.read_text(errors="replace"))}
    return done.returncode, {name for name in names if name.startswith(house.store.name)}, done.stderr


def test_no_command_opens_the_store_of_a_running_gateway(house: House, reader: Reader) -> None:
    start_all_but_broker(house)
    reader.until(lambda got: bool(got.of("state", "grid")), "the first state")
    config = ["--config", str(house.config)]
    stated = [f"--{end}-{way}-wh=1" for end in ("closing", "opening") for way in ("import", "export")]
    asked = {
        "status": ["status", *config],
        "read": ["read", "grid", *config],
        "recompute": ["recompute", *config],
        "meter replace": ["meter", "replace", "grid", *stated, *config],
        "check": ["check", *config],
    }
    seen = {name: opened(house, *arguments)[1] for name, arguments in asked.items()}
    assert seen == {name: set() for name in asked}
    code, files, error = opened(house, "migrate", str(house.store))
    assert (code, files) == (1, {f"{house.store.name}.lock"})
    assert f"process {house.child('gateway').pid}" in error
    # The control: where no gateway runs, the command opens the store itself, and strace sees it.
    house.stop_child("gateway")
    assert house.store.name in opened(house, "recompute", *config)[1]


def test_the_running_gateway_books_its_readings_again_and_finds_the_same(house: House, reader: Reader) -> None:
    start_all_but_broker(house)
    reader.until(lambda got: len(got.intervals("grid")) >= 2, "two closed intervals")
    done = netmeter(house, "recompute", "--json", "--config", str(house.config))
    assert "Traceback" not in done.stderr
    answer = json.loads(done.stdout)
    assert {meter["meter"]: meter["same"] for meter in answer["meters"]} == {"grid": True, "array": True}
    assert done.returncode == 0
    assert all(meter["readings"] > 10 and meter["intervals"] >= 1 for meter in answer["meters"])
    # By a tariff without a peak all is another bucket's: told, not written.
    other = netmeter(house, "recompute", "--tariff", "pge-e-1", "--json", "--config", str(house.config))
    assert other.returncode == 3
    assert not json.loads(other.stdout)["same"]
    applied = netmeter(house, "recompute", "--apply", "--json", "--config", str(house.config))
    assert (applied.returncode, json.loads(applied.stdout)["applied"]) == (0, 0)
    missing = netmeter(house, "recompute", "--tariff", str(house.folder / "none.toml"), "--config", str(house.config))
    assert missing.returncode == 1
    assert "does not exist" in missing.stderr
