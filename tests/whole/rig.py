"""A whole house for a test: real broker, simulated meters as processes, the real daemon, and a reader of its own.

What the tests judge by comes from the broker (an independent client) and from the meters' truth files, never from
the daemon's own counters. Nothing of `gateway` or `drivers` is imported here.
"""

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hil.broker import BrokerKind, find_mosquitto
from hil.house import BASE_TOPIC, GATEWAY_ID, House
from hil.watcher import Watcher

MICRO = 1_000_000
SESSION = "reader"
ROOT = f"{BASE_TOPIC}/{GATEWAY_ID}"
PATIENCE_S = 90.0


@dataclass
class Record:
    """One message as the reader got it."""

    topic: str
    payload: bytes

    @property
    def meter(self) -> str:
        return self.topic.removeprefix(f"{ROOT}/meter/").split("/")[0]

    @property
    def kind(self) -> str:
        return self.topic.rsplit("/", 1)[1]

    @property
    def content(self) -> dict[str, Any]:
        content = json.loads(self.payload)
        assert isinstance(content, dict)
        return content


@dataclass
class Reader:
    """Collects what an independent client receives."""

    watcher: Watcher
    records: list[Record] = field(default_factory=list)

    def until(self, enough: "Callable[[Reader], bool]", why: str, patience_s: float = PATIENCE_S) -> None:
        """Collect until `enough`; fail after the patience is over."""
        deadline = time.monotonic() + patience_s
        while not enough(self):
            message = self.watcher.next(0.2)
            if message is not None:
                self.records.append(Record(message.topic, message.payload))
            assert time.monotonic() < deadline, f"waited {patience_s:g} s for {why}; got {len(self.records)} messages"

    def rest(self) -> None:
        """Take what still lies in the queue."""
        while (message := self.watcher.next(0.5)) is not None:
            self.records.append(Record(message.topic, message.payload))

    def of(self, kind: str, meter: str | None = None) -> list[Record]:
        """Messages of a kind under `meter/`, in the order of arrival."""
        return [r for r in self.records if "/meter/" in r.topic and r.kind == kind and meter in (None, r.meter)]

    def intervals(self, meter: str) -> list[dict[str, Any]]:
        """Interval records of a meter by seq, each identity once; the same identity must be the same bytes."""
        found: dict[tuple[str, int], bytes] = {}
        for record in self.of("interval", meter):
            identity = (record.content["store_epoch"], record.content["seq"])
            assert found.setdefault(identity, record.payload) == record.payload, f"{identity} came with other content"
        return [json.loads(found[identity]) for identity in sorted(found)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house at 60 times life speed, not started; its processes are ended afterwards."""
    made = make_house(tmp_path, speed=60)
    try:
        yield made
    finally:
        made.stop()


def make_house(folder: Path, speed: int) -> House:
    """A house whose broker keeps what a named reader is owed, across its own restart: who is back first cannot lose."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: `./tests/run --setup` as root installs it")
    return House(folder, speed=speed, broker_kind=BrokerKind.MOSQUITTO, broker_persistent=True)


@pytest.fixture
def reader(house: House) -> Iterator[Reader]:
    """A reader on the house's broker, which it starts; the house itself is started by the test."""
    house.broker.start()
    watcher = Watcher(house.broker.host, house.broker.port, BASE_TOPIC)
    try:
        yield Reader(watcher)
    finally:
        watcher.close()


def start_all_but_broker(house: House, daemon: bool = True) -> None:
    """Meters, config and (if wanted) the daemon; the broker is the test's own affair."""
    port = int(house.start_grid_meter().rpartition(":")[2])
    house.start_production_meter()
    house.config.write_text(house._config_text(port), encoding="utf-8")
    if daemon:
        house.start_daemon()


def netmeter(house: House, *arguments: str, patience_s: float = 60) -> "subprocess.CompletedProcess[str]":
    """Run the `netmeter` command beside the house's daemon."""
    environment = {
        **os.environ,
        "XDG_RUNTIME_DIR": str(house.folder / "run"),
        "XDG_STATE_HOME": str(house.folder / "state"),
    }
    command = [sys.executable, "-m", "gateway.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=patience_s, check=False)


SERVICE_MILLIWH_A_SECOND = 13_334
"""200 A at 240 V, 48 kW, for a second."""


class Truth:
    """A meter's truth file: what it had really counted at each house second."""

    def __init__(self, path: Path) -> None:
        self._rows: dict[int, tuple[int, int]] = {}
        with path.open(encoding="ascii") as source:
            for row in csv.DictReader(source):
                if row["export_milliwh"] is not None:
                    self._rows[int(row["utc_s"])] = (int(row["import_milliwh"]), int(row["export_milliwh"]))

    def bounds(self, direction: str, utc_us: int) -> tuple[int, int]:
        """The least and the most that the register can truly have been at an instant: the second before and after."""
        column = 0 if direction == "import" else 1
        # The house's life begins with the file's first second: before it the register stood still.
        first_s = next(iter(self._rows))
        before = self._rows[max(utc_us // MICRO, first_s)][column]
        after_s = max(-(-utc_us // MICRO), first_s)
        if after_s == next(reversed(self._rows)) + 1:  # the meter was ended within that second
            return before, before + SERVICE_MILLIWH_A_SECOND
        return before, self._rows[after_s][column] + 1  # rows are floored


def assert_law(state: dict[str, Any]) -> int:
    """The public promise of every state message, to the milliwatt-hour. Returns how many directions were checked."""
    checked = 0
    for direction in ("import", "export"):
        if state[f"{direction}_register_milliwh"] is None:
            continue
        prefix = f"{direction}_bucket_"
        buckets = sum(value for key, value in state.items() if key.startswith(prefix))
        expected = (
            state[f"{direction}_earlier_epochs_milliwh"]
            + state[f"{direction}_register_milliwh"]
            - state[f"{direction}_epoch_first_milliwh"]
        )
        assert buckets + state[f"{direction}_unassigned_milliwh"] == expected, state
        checked += 1
    return checked


def assert_true_within_told(interval: dict[str, Any], truth: Truth) -> None:
    """An interval's booked energy differs from the true one by no more than it tells."""
    for direction in ("import", "export"):
        booked = interval[f"{direction}_milliwh"]
        if booked is None:
            continue
        start_low, start_high = truth.bounds(direction, interval["start_utc_us"])
        end_low, end_high = truth.bounds(direction, interval["end_utc_us"])
        told = interval[f"{direction}_uncertain_milliwh"]
        assert end_low - start_high - told <= booked <= end_high - start_low + told, (direction, interval)
