"""The whole house with the real daemon: what the broker hands out, held against the meters' truth files."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from hil.house import BASE_TOPIC, GRID, PRODUCTION, House
from hil.picture import Picture
from hil.process import ChildError
from hil.watcher import Watcher

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 90
EDGE_S = 1_752_620_400  # 2025-07-15 16:00:00 PDT = 23:00:00 UTC, when the peak hours begin
# One digit of the meter, and half a binary32 step at this size, milliwatt-hours.
DIGIT_MILLIWH = {GRID: 1_000, PRODUCTION: 10_000 + 1_000}

pytestmark = pytest.mark.whole


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder with a short name: pytest's own are too long for a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="nm-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def house(short_path: Path) -> Iterator[House]:
    house = House(short_path, speed=60)
    yield house
    house.stop()


def truth_of(house: House, meter: str) -> dict[int, dict[str, int]]:
    rows = (line.split(",") for line in house.truth(meter).read_text().splitlines()[1:])
    return {int(row[0]): {"import": int(row[1]), "export": int(row[2])} for row in rows if len(row) == 5}


def test_the_peak_edge_against_the_truth(house: House) -> None:
    """In every interval the register booked at its end is the truth there, give or take what is told as uncertain."""
    house.start()
    watcher, picture = Watcher(house.broker.host, house.broker.port, BASE_TOPIC), Picture()
    intervals: list[dict[str, Any]] = []
    deadline_s = time.monotonic() + PATIENCE_S
    while {(one["meter"], one["end_utc_us"] > EDGE_S * 1_000_000) for one in intervals} < {
        (meter, after) for meter in (GRID, PRODUCTION) for after in (False, True)
    }:
        assert time.monotonic() < deadline_s, f"only {len(intervals)} intervals"
        house.check()
        message = watcher.next(0.5)
        if message is not None:
            picture.take(message.topic, message.payload)
            if message.topic.endswith("/interval"):
                intervals.append(json.loads(message.payload))
    watcher.close()
    assert picture.faults == []
    assert picture.law_checks > 20
    truths = {meter: truth_of(house, meter) for meter in (GRID, PRODUCTION)}
    for interval in intervals:
        end_s, into_us = divmod(interval["end_utc_us"], 1_000_000)
        assert into_us == 0
        assert interval["bucket"] == ("summer_off_peak" if end_s <= EDGE_S else "summer_peak")
        for direction in ("import", "export"):
            off_milliwh = abs(interval[f"{direction}_register_milliwh"] - truths[interval["meter"]][end_s][direction])
            assert off_milliwh <= interval[f"{direction}_uncertain_milliwh"] + DIGIT_MILLIWH[interval["meter"]]
    assert any(interval["export_milliwh"] > 100_000 for interval in intervals), "hardly anything flowed"


def test_a_process_that_ends_on_its_own_is_told_with_its_log(house: House) -> None:
    house.broker.start()
    house.start_grid_meter()
    house.check()
    house.child(GRID).kill()
    with pytest.raises(ChildError, match=r"meter grid ended with code -9; its log: .*meter-grid\.log"):
        house.check()


@contextmanager
def demo(*options: str, **extra: str) -> Iterator["subprocess.Popen[str]"]:
    """The demo in a process of its own; killed if the test leaves it running."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **extra}
    command = [sys.executable, "-P", "-u", "-m", "hil.cli", "demo", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, cwd="/") as running:
        try:
            yield running
        finally:
            running.kill()


def test_the_demo_shows_the_main_job_and_leaves_nothing(short_path: Path) -> None:
    news_of_each = ("interval record 1", "the bucket switches from summer_off_peak to summer_peak")
    wanted = {f"{meter}: {news}" for meter in (GRID, PRODUCTION) for news in news_of_each}
    with demo("--speed", "60", TMPDIR=str(short_path)) as running:
        assert running.stdout is not None
        while wanted:
            line = running.stdout.readline()
            assert line, f"the demo ended before it told of {wanted}"
            wanted -= {news for news in wanted if news in line}
        running.terminate()
        shown, errors = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0, errors
    assert " checks, all exact." in shown
    assert list(short_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_ends_well_when_told_to(short_path: Path, number: signal.Signals) -> None:
    with demo("--speed", "60", "--keep", TMPDIR=str(short_path)) as running:
        assert running.stdout is not None
        while " kW " not in (line := running.stdout.readline()):
            assert line, "the demo ended before its first reading"
        running.send_signal(number)
        shown, errors = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0, errors
    assert "all exact" in shown
    folder = next(short_path.iterdir())
    assert f"Kept: {folder}" in shown
    assert "event=stopped" in (folder / "gateway.log").read_text()
    assert processes_naming(str(folder)) == []


def processes_naming(text: str) -> list[int]:
    """The processes with this text on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if text in path.read_bytes().decode(errors="replace"):
                found.append(int(path.parent.name))
    return found


def test_a_long_temporary_folder_is_no_hindrance(short_path: Path) -> None:
    far = short_path / ("deep" * 30)
    far.mkdir()
    # At the highest speed, too: its config must be one that the daemon takes.
    with demo("--speed", "600", "--duration", "20", TMPDIR=str(far)) as running:
        _shown, errors = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0, errors
    assert list(far.iterdir()) == []


def test_the_demo_fails_when_its_daemon_dies(short_path: Path) -> None:
    with demo("--speed", "60", TMPDIR=str(short_path)) as running:
        assert running.stdout is not None
        while " kW " not in (line := running.stdout.readline()):
            assert line, "the demo ended before its first reading"
        folder = next(short_path.iterdir())
        (daemon,) = processes_naming(f"--config={folder}")
        os.kill(daemon, signal.SIGKILL)
        _shown, errors = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 1
    assert f"gateway ended with code -9; its log: {folder}/gateway.log" in errors
