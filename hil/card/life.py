"""A year in which a card is destroyed: broker, collector, a gateway that dies, its successor, and a twin that nothing
happens to. Real processes throughout; what becomes of them is for the judge. Ends every process that it started.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ..broker import Broker, BrokerKind
from ..process import Child, ChildError
from ..soak.collected import intervals
from .gateway_home import BASE_TOPIC, Card
from .leash import Leash
from .year import METERS, Plan

PATIENCE_S = 120.0
RECORDS_A_SECOND = 20
"""At the least: what a broker drops is given again at 200 a second."""
LOOK_S = 0.2
COLLECT = """\
[collect]
database = "collected.sqlite"
consumer = "office"
[mqtt]
host = "127.0.0.1"
port = {port}
base_topic = "{base}"
"""
Say = Callable[[str], None]
Totals = dict[str, dict[tuple[str, str], int]]


class CardYear:
    """One such year in a folder, which it fills."""

    def __init__(self, plan: Plan, folder: Path, say: Say) -> None:
        """Starts nothing. Raises ChildError without mosquitto."""
        self.plan, self.folder, self._say = plan, folder, say
        self.database = folder / "collected.sqlite"
        self.broker = Broker(folder, kind=BrokerKind.MOSQUITTO)
        self._leash, self._twins_leash = Leash(folder / "leash"), Leash(folder / "twins-leash")
        self.first = Card(folder / "card", plan, self.broker.port, self._leash)
        self.twin = Card(folder / "twin", plan, self.broker.port, self._twins_leash)
        self.second: Card | None = None
        self._collector: Child | None = None
        records = len(METERS) * plan.days * 1440 // plan.interval_min
        self._patience_s = PATIENCE_S + records / RECORDS_A_SECOND
        self.delivered: dict[str, list[object]] = {}
        """Of each meter the hashes that had come to the collector before the end of the card."""
        self.dead: dict[str, list[object]] = {}
        """Of each meter the hashes that were on the card at its end."""
        self.restored: dict[str, list[object]] = {}
        """Of each meter the hashes that the new card has before its daemon first runs."""
        self.restored_totals: Totals = {}
        self.at_the_end: dict[str, list[object]] = {}
        """Of each meter the hashes in the new card's ledger at the year's end."""

    def run(self) -> None:
        """All of it. Raises ChildError where a process breaks, or does not come to where it should."""
        try:
            self._first_half()
            self._restore()
            self._second_half()
            self._twins_year()
        finally:
            for card in (self.first, self.second, self.twin):
                if card is not None:
                    card.stop()
            if self._collector is not None:
                self._collector.stop()
            self.broker.stop()

    def _first_half(self) -> None:
        """Up to the last word that anybody hears, then on without a broker, then the end of the card."""
        plan = self.plan
        self.broker.start()
        (self.folder / "collect.toml").write_text(COLLECT.format(port=self.broker.port, base=BASE_TOPIC), "utf-8")
        options = [f"--config={self.folder / 'collect.toml'}"]
        self._collector = Child.python("collector", "hil.collector_process", options, self.folder / "collector.log")
        self._leash.lead(plan.delivered_us)
        self.first.start(plan.start_us)
        self._until(lambda: self._has_until(plan.delivered_us), "the first half in the collector")
        self._until(lambda: self._states() >= {(one, plan.delivered_us) for one in METERS}, "the last live states")
        self.delivered = {one: hashes_of(self.database, one) for one in METERS}
        self._say(f"{sum(map(len, self.delivered.values()))} records delivered; the broker goes, and then the card")
        self.broker.stop()
        self._leash.lead(plan.destroyed_us)
        self._until(lambda: self._leash.at_us() >= plan.destroyed_us, "records that nobody hears of")
        self.first.kill()
        self.dead = {one: [row[2] for row in self.first.intervals(one)] for one in METERS}
        self.first.destroy()
        self.broker.start()

    def _restore(self) -> None:
        """`netmeter restore --from collector` on a card that has nothing but the config."""
        second = self.second = Card(self.folder / "new-card", self.plan, self.broker.port, self._leash)
        command = ["restore", "--from", "collector", str(self.database), "--config", str(second.config)]
        told = netmeter(self.folder, *command)
        if told.returncode:
            raise ChildError(f"netmeter restore ended with code {told.returncode}: {told.stderr.strip()}")
        self.restored = {one: [row[2] for row in second.intervals(one)] for one in METERS}
        self.restored_totals = {one: second.totals(one) for one in METERS}
        self._say(told.stdout.strip().splitlines()[0].rpartition(": ")[2])

    def _second_half(self) -> None:
        second = self.second
        assert second is not None
        self._leash.lead(self.plan.end_us)
        second.start(self.plan.again_us)
        self._until(lambda: self._has_until(self.plan.end_us), "the second half in the collector")
        self._until(lambda: self._states() >= {(one, self.plan.end_us) for one in METERS}, "the year's last states")
        second.stop()
        self.at_the_end = {one: [row[2] for row in second.intervals(one)] for one in METERS}
        self._say("the year is whole in the collector; now the twin")

    def _twins_year(self) -> None:
        """The same meters, a ledger that lived: it talks to nobody, so that the two are not confused."""
        self.broker.stop()
        self._twins_leash.lead(self.plan.end_us)
        self.twin.start(self.plan.start_us)
        self._until(lambda: self._twins_leash.at_us() >= self.plan.end_us, "the twin's year")
        self.twin.stop()

    def _has_until(self, until_us: int) -> bool:
        """Whether the collector has all records up to the last edge before an instant, without a hole."""
        edge_us = until_us - until_us % (2 * self.plan.step_us)
        if edge_us == until_us:
            edge_us -= 2 * self.plan.step_us  # the reading at an edge closes what ended before it at the next one
        for meter in METERS:
            rows = intervals(self.database, meter)
            numbers = [seq for seq, _ in rows]
            if numbers != list(range(1, len(rows) + 1)) or not rows or rows[-1][1] < edge_us:
                return False
        return True

    def _states(self) -> set[tuple[str, int]]:
        """(meter, instant) of the live states that the collector keeps."""
        try:
            with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True, timeout=10)) as hand:
                payloads = [json.loads(row[0]) for row in hand.execute("SELECT payload FROM state")]
        except sqlite3.Error:
            return set()
        return {(one["meter"], one["time_utc_us"] - one["window_us"] // 2) for one in payloads}

    def _until(self, enough: Callable[[], bool], what: str) -> None:
        deadline_s = time.monotonic() + self._patience_s
        while not enough():
            for one in (self.first, self.second, self.twin):
                if one is not None:
                    one.check()
            if self._collector is not None:
                self._collector.check()
            if time.monotonic() > deadline_s:
                raise ChildError(f"waited {self._patience_s:g} s for {what}; logs are in {self.folder}")
            time.sleep(LOOK_S)


def hashes_of(database: Path, meter: str) -> list[object]:
    """Of a meter's records in a collector's database, in their order. Raises sqlite3.Error."""
    sql = "SELECT r.hash FROM interval r JOIN series s USING (series_id) WHERE s.meter = ? ORDER BY series_id, seq"
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as hand:
        return [row[0] for row in hand.execute(sql, (meter,))]


def netmeter(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command as a person types it, in a folder."""
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}
    command = [sys.executable, "-P", "-m", "gateway.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
