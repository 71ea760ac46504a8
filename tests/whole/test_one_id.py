"""Two real daemons of one id on a real broker, as when a card is copied: both say so, early, and neither loses records.

Judged by an independent reader, by `netmeter status` of each, and by what the broker itself logs.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.house import GATEWAY_ID, GRID, House
from hil.process import Child

from .rig import Reader, make_house, start_all_but_broker

pytestmark = pytest.mark.whole
PATIENCE_S = 120.0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = make_house(tmp_path, speed=60)
    try:
        yield made
    finally:
        made.stop()


class Copy:
    """The house's card in a second computer: its config, a store of its own, the same grid meter."""

    def __init__(self, house: House) -> None:
        # A folder of few letters: the name of the daemon's socket may have 107 bytes, and a test's own folder has many.
        self.folder = Path(tempfile.mkdtemp(prefix="copy-"))
        self.config = self.folder / "gateway.toml"
        text = house.config.read_text(encoding="utf-8").replace(str(house.store), str(self.folder / "ledger.sqlite"))
        head, grid, *_others = text.split("[[meter]]")
        self.config.write_text(f"{head}[[meter]]{grid}", encoding="utf-8")
        options = [f"--config={self.config}", *house.anchor.options()]
        log = self.folder / "gateway.log"
        self.child = Child.python("copy", "hil.gateway_process", options, log, places(self.folder))

    def stop(self) -> None:
        self.child.stop()
        shutil.rmtree(self.folder)


def places(folder: Path) -> dict[str, str]:
    for name in ("run", "state"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    own = {"XDG_RUNTIME_DIR": str(folder / "run"), "XDG_STATE_HOME": str(folder / "state")}
    return {**own, "RUNTIME_DIRECTORY": "", "STATE_DIRECTORY": "", "NOTIFY_SOCKET": "", "WATCHDOG_USEC": ""}


def status(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway.cli", "status", "--config", str(folder / "gateway.toml"), *options]
    environment = {**os.environ, **places(folder)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def status_when_told(folder: Path, *children: Child) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        asked = status(folder, "--json")
        answer = json.loads(asked.stdout) if asked.stdout else {}
        if answer.get("delivery", {}).get("thrown_out") and "store_epoch" in answer:
            assert asked.returncode == 1
            assert isinstance(answer, dict)
            return answer
        for child in children:
            child.check()
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:g} s for the word of another gateway; {asked}"
        time.sleep(0.2)


def told_by(reader: Reader) -> set[str]:
    return {one.content["store_epoch"] for one in reader.of("event", GRID) if one.content["event"] == "id_in_use"}


def test_both_tell_that_their_id_is_in_use(house: House, reader: Reader) -> None:
    start_all_but_broker(house)
    reader.until(lambda r: bool(r.of("state", GRID)), "the first gateway's state")
    copy = Copy(house)
    try:
        answers = [status_when_told(folder, copy.child) for folder in (house.folder, copy.folder)]
        told = f"another gateway runs as {GATEWAY_ID}: it has taken this one's place at the broker"
        assert all(any(one.startswith(told) for one in answer["troubles"]) for answer in answers)
        assert told in status(copy.folder).stderr
        epochs = {answer["store_epoch"] for answer in answers}
        assert len(epochs) == 2
        reader.until(lambda r: told_by(r) == epochs, "the event of each")
        reader.until(
            lambda r: any(x.topic.endswith("/demo/health") and x.content["thrown_out"] for x in r.records),
            "the word in health",
        )
    finally:
        copy.stop()
    # Its records are neither lost nor told as the other's: each series is whole, from the broker's point of view too.
    for epoch in epochs:
        seqs = {one.content["seq"] for one in reader.of("event", GRID) if one.content["store_epoch"] == epoch}
        assert seqs == set(range(1, max(seqs) + 1))


def test_one_gateway_alone_tells_nothing_when_it_is_started_anew(house: House, reader: Reader) -> None:
    start_all_but_broker(house)
    reader.until(lambda r: bool(r.of("state", GRID)), "its state")
    house.child("gateway").kill()
    house.start_daemon()
    seen = len(reader.records)
    reader.until(lambda r: any(x.kind == "state" for x in r.records[seen:]), "its state after the kill")
    house.broker.restart()
    reader.until(lambda r: bool(r.intervals(GRID)), "a record after the broker's restart")
    answer = json.loads(status(house.folder, "--json").stdout)
    assert answer["delivery"]["thrown_out"] == 0
    assert told_by(reader) == set()
