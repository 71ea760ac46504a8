"""One gateway of `netmeter-hil card` in a folder: its card. Started, led by the leash, killed, destroyed.

Reads its ledger by hand, with SQL of its own, while no daemon has it: nobody else can then.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from ..process import Child
from .leash import Leash
from .year import METERS, Plan

GATEWAY_ID = "elm"
BASE_TOPIC = "card"
TARIFF = "pge-e-tou-c"
CONFIG = """\
[gateway]
id = "{gateway}"
clock = "ntp"

[store]
path = "{store}"

[mqtt]
host = "127.0.0.1"
port = {port}
base_topic = "{base}"
state_every_s = 1
discovery = false

[accounting]
tariff = "{tariff}"
interval_min = {interval_min}
"""
METER = """
[[meter]]
name = "{name}"
profile = "sunspec"
role = "{role}"
register = "own"
service_amps = 200
service_volts = 240
host = "127.0.0.1"
unit = {unit}
poll_s = {poll_s}
"""
Row = tuple[object, ...]


class Card:
    """A folder with the config and the ledger of one gateway, and its daemon while it runs."""

    def __init__(self, folder: Path, plan: Plan, broker_port: int, leash: Leash) -> None:
        """Make the folder and write the config; starts nothing."""
        folder.mkdir()
        self.folder, self.store, self.config = folder, folder / "ledger.sqlite", folder / "gateway.toml"
        self._plan, self._leash, self._child = plan, leash, None
        text = CONFIG.format(
            gateway=GATEWAY_ID,
            store=self.store,
            port=broker_port,
            base=BASE_TOPIC,
            tariff=TARIFF,
            interval_min=plan.interval_min,
        )
        for unit, (name, role) in enumerate(zip(METERS, ("grid", "production"), strict=True), 1):
            text += METER.format(name=name, role=role, unit=unit, poll_s=plan.step_us // 1_000_000)
        self.config.write_text(text, encoding="utf-8")

    _child: Child | None

    def start(self, from_us: int) -> None:
        """Start the daemon; its first reading is at `from_us`. Raises ChildError where it cannot be started."""
        plan = self._plan
        numbers = {
            "from-us": from_us,
            "days": plan.days,
            "dies-on-day": plan.dies_on_day,
            "interval-min": plan.interval_min,
            "seed": plan.seed,
        }
        options = [f"--config={self.config}", f"--leash={self._leash.path}", f"--boot-id={self.folder.name}"]
        options += [f"--{name}={number}" for name, number in numbers.items()]
        log = self.folder.with_name(f"{self.folder.name}.log")
        self._child = Child.python("gateway", "hil.card.gateway_process", options, log, self.environment())

    def environment(self) -> dict[str, str]:
        """Its socket and state belong into this folder."""
        return {
            "XDG_RUNTIME_DIR": str(self.folder),
            "XDG_STATE_HOME": str(self.folder),
            "RUNTIME_DIRECTORY": "",
            "STATE_DIRECTORY": "",
            "NOTIFY_SOCKET": "",
            "WATCHDOG_USEC": "",
        }

    def check(self) -> None:
        """Raise ChildError if the daemon has ended on its own."""
        if self._child is not None:
            self._child.check()

    def stop(self) -> None:
        """End the daemon in good order; harmless when there is none."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """End the daemon without warning."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def destroy(self) -> None:
        """Wipe everything that was on the card."""
        shutil.rmtree(self.folder)

    def intervals(self, meter: str) -> list[Row]:
        """(seq, end_us, hash) of each record. Raises sqlite3.Error."""
        columns = "SELECT seq, end_us, hash FROM interval JOIN meter USING (meter_id) WHERE name = ? ORDER BY seq"
        return self._rows(columns, meter)

    def totals(self, meter: str) -> dict[tuple[str, str], int]:
        """What each bucket holds, by direction and name; empty ones left out."""
        rows = self._rows(
            "SELECT direction, bucket, milliwh FROM bucket_total JOIN meter USING (meter_id) WHERE name = ?", meter
        )
        return {(str(way), str(bucket)): int(str(milliwh)) for way, bucket, milliwh in rows if milliwh}

    def _rows(self, sql: str, meter: str) -> list[Row]:
        with closing(sqlite3.connect(f"{self.store.as_uri()}?mode=rw", uri=True, timeout=20)) as hand:
            return hand.execute(sql, (meter,)).fetchall()
