"""The real daemon meets a newer program's store under our schema number: it does not start, and changes nothing.

The store is a house's own, with records of it at the broker; it is altered as a newer program would write it.
"""

import json
import os
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from hil.house import House

from .rig import Reader, netmeter, start_all_but_broker

pytestmark = pytest.mark.whole


def write_as_a_newer_one(store: Path) -> None:
    """A field that we do not have, with the checksum that docs/store.md names: CRC-32 over the row's JSON."""
    with closing(sqlite3.connect(store)) as hand, hand:
        for meter_id, validator, accumulator in hand.execute(
            "SELECT meter_id, validator, accumulator FROM meter_state"
        ).fetchall():
            state = json.dumps({**json.loads(accumulator), "shifted_milliwh": 5}, separators=(",", ":"))
            row = json.dumps([meter_id, validator, state], separators=(",", ":"), ensure_ascii=False)
            hand.execute(
                "UPDATE meter_state SET accumulator = ?, crc = ? WHERE meter_id = ?",
                (state, zlib.crc32(row.encode()), meter_id),
            )


def files_of(house: House) -> dict[str, bytes]:
    beside = house.store.parent.glob(f"{house.store.name}*")
    return {one.name: one.read_bytes() for one in beside if not one.name.endswith(".lock")}


def run_daemon(house: House) -> "subprocess.CompletedProcess[str]":
    """`netmeter run` as its user starts it, until it ends."""
    environment = {
        **os.environ,
        "XDG_RUNTIME_DIR": str(house.folder / "run"),
        "XDG_STATE_HOME": str(house.folder / "state"),
    }
    command = [sys.executable, "-m", "gateway.cli", "run", "--config", str(house.config)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


def test_a_newer_programs_state_stops_the_start_until_the_newer_one_is_back(house: House, reader: Reader) -> None:
    start_all_but_broker(house)
    reader.until(lambda r: all(r.intervals(meter) for meter in ("grid", "array")), "an interval of both meters")
    house.stop_child("gateway")
    reader.rest()
    epoch = reader.of("state", "grid")[-1].content["store_epoch"]
    ours = house.store.read_bytes()
    write_as_a_newer_one(house.store)
    before = files_of(house)
    refused = run_daemon(house)
    assert refused.returncode == 1
    assert "written by a newer netmeter" in refused.stderr
    assert "shifted_milliwh" in refused.stderr
    assert "install the newer version again; the file was left untouched" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert files_of(house) == before
    by_hand = netmeter(house, "migrate", str(house.store))
    assert (by_hand.returncode, "written by a newer netmeter" in by_hand.stderr) == (1, True)
    assert files_of(house) == before
    house.store.write_bytes(ours)  # the control: as its own program finds it
    seen = len(reader.records)
    house.start_daemon()
    reader.until(lambda r: any(one.kind == "state" for one in r.records[seen:]), "a state after the start")
    states = [one.content for one in reader.records[seen:] if one.kind == "state"]
    assert {state["store_epoch"] for state in states} == {epoch}
