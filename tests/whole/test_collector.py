"""The real collector behind a real daemon and broker, while packets are cut, the broker forgets, and it is killed.

Judged when all have ended, by two files read by hand: what the collector has is, from the first record on and without
a hole, what the daemon's ledger has, byte for byte as its hashes tell.
"""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from hil.broker import Broker, find_mosquitto
from hil.house import BASE_TOPIC, GRID, PRODUCTION, House
from hil.mqtt_proxy import Proxy
from hil.process import Child

PATIENCE_S = 180.0
ROOT = Path(__file__).parents[2]
METERS = (GRID, PRODUCTION)


class Line:
    """A house whose daemon and collector reach the broker through a proxy each."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.database = folder, folder / "collected.sqlite"
        self.house = House(folder, speed=60, interval_min=5, commit_every_s=1)
        self.house.broker = self.broker = Broker(folder)
        self.broker.start()
        self.proxies = [Proxy(self.broker.port), Proxy(self.broker.port)]
        self.house.start_meters()
        text = self.house.config.read_text(encoding="utf-8")
        text = text.replace(f"\nport = {self.broker.port}\n", f"\nport = {self.proxies[0].port}\n")
        self.house.config.write_text(text, encoding="utf-8")
        (folder / "collect.toml").write_text(
            f'[collect]\ndatabase = "collected.sqlite"\nconsumer = "test"\n[mqtt]\nhost = "{self.broker.host}"\n'
            f'port = {self.proxies[1].port}\nbase_topic = "{BASE_TOPIC}"\n',
            encoding="utf-8",
        )
        self.house.start_daemon()
        self.collector = self.collect()

    def collect(self) -> Child:
        return Child.python(
            "collector", "hil.collector_process", [f"--config={self.folder / 'collect.toml'}"], self.folder / "c.log"
        )

    def numbers(self, meter: str) -> list[int]:
        rows = self.rows(self.database, "s.meter", meter) if self.database.exists() else []
        return [seq for seq, _ in rows]

    @staticmethod
    def rows(database: Path, name: str, meter: str) -> list[tuple[int, str]]:
        """(seq, hash) of a meter's records in the collector's database (s.meter) or in the ledger (m.name)."""
        join = "series s USING (series_id)" if name == "s.meter" else "meter m USING (meter_id)"
        mode = "ro" if name == "s.meter" else "rw"  # a daemon that was killed leaves its log to whoever comes next
        with closing(sqlite3.connect(f"{database.as_uri()}?mode={mode}", uri=True, timeout=20)) as hand:
            try:
                return hand.execute(
                    f"SELECT seq, hash FROM interval JOIN {join} WHERE {name} = ? ORDER BY seq", (meter,)
                ).fetchall()
            except sqlite3.OperationalError:  # its tables are not made yet
                return []

    def until(self, enough: Callable[[], bool], what: str) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not enough():
            self.house.check()
            self.collector.check()
            assert time.monotonic() < deadline_s, f"waited for {what}\n{self.collector.tail(20)}"
            time.sleep(0.2)

    def end(self) -> None:
        self.house.stop_child("gateway")
        self.collector.stop()
        for proxy in self.proxies:
            proxy.close()
        self.house.stop()


def show(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gateway.cli", "collect", "--config", str(folder / "collect.toml")]
    return subprocess.run([*command, "--show", "--json"], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.whole
def test_whatever_fails_between_them_the_collector_has_what_the_ledger_has(tmp_path) -> None:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: `./tests/run --setup` as root installs it")
    line = Line(tmp_path)
    try:
        line.until(lambda: all(line.numbers(meter) for meter in METERS), "a first record of both meters")
        for proxy in line.proxies:
            proxy.halves = 2
        line.until(lambda: all(proxy.counts["halved"] == 2 for proxy in line.proxies), "packets to be cut")
        newest = max(line.numbers(GRID))
        line.collector.kill()
        assert line.collector.exit_code == -signal.SIGKILL
        line.broker.child.kill()  # with all that it had acknowledged: nothing of it is on its disk
        line.broker.stop()
        line.broker.start()
        line.collector = line.collect()
        line.until(
            lambda: all(
                (found := line.numbers(meter)) == list(range(1, len(found) + 1)) and len(found) >= newest + 3
                for meter in METERS
            ),
            "all records, and three more",
        )
    finally:
        line.end()
    for meter in METERS:
        have, had = line.rows(line.database, "s.meter", meter), line.rows(line.house.store, "m.name", meter)
        assert have == had[: len(have)] != []
        assert [seq for seq, _ in have] == list(range(1, len(have) + 1))
    told = show(tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout)["troubles"] == []


def history(database: Path, meter: str) -> list[dict[str, int]]:
    """The records of a meter in order of time; of two that end at one instant the newer store's, as bills take them.

    There are two where a record of the dead card was still on its way when its place was taken.
    """
    with closing(sqlite3.connect(database)) as hand:
        rows = hand.execute(
            "SELECT end_us, payload FROM interval JOIN series USING (series_id) WHERE meter = ?"
            " ORDER BY series_id, seq",
            (meter,),
        )
        found = dict(rows.fetchall())
    return [json.loads(found[end_us]) for end_us in sorted(found)]


@pytest.mark.whole
def test_a_card_is_destroyed_and_made_again_and_the_meters_go_on(tmp_path) -> None:
    """Every watt-hour between the first register and the last is in the collector's records, over both stores."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: `./tests/run --setup` as root installs it")
    line = Line(tmp_path)
    try:
        line.until(lambda: all(len(line.numbers(meter)) >= 2 for meter in METERS), "two records of both meters")
        line.house.child("gateway").kill()
        line.house.stop_child("gateway")
        for part in tmp_path.glob("ledger.sqlite*"):
            part.unlink()
        dead = {meter: line.rows(line.database, "s.meter", meter) for meter in METERS}
        command = [sys.executable, "-m", "gateway.cli", "restore", "--from", "collector", str(line.database)]
        command += ["--config", str(line.house.config)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for meter in METERS:
            assert line.rows(line.house.store, "m.name", meter)[: len(dead[meter])] == dead[meter]
        line.house.start_daemon()
        line.until(
            lambda: all(len(line.numbers(meter)) >= len(dead[meter]) + 2 for meter in METERS), "two records more"
        )
    finally:
        line.end()
    assert json.loads(show(tmp_path).stdout)["troubles"] == []
    for meter in METERS:
        records = history(line.database, meter)
        assert len({one["store_epoch"] for one in records}) == 2
        assert all(before["end_utc_us"] == after["start_utc_us"] for before, after in pairwise(records))
        for way in ("import", "export"):
            first = records[0][f"{way}_register_milliwh"] - records[0][f"{way}_milliwh"]
            assert sum(one[f"{way}_milliwh"] for one in records) == records[-1][f"{way}_register_milliwh"] - first
