"""The real daemon over a store that breaks: at rest, and found in use. Law and truth as everywhere; real files.

The store is damaged by this test's own hands; what was delivered is judged by an independent reader.
"""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from hil.house import House

from .rig import Reader, Truth, assert_law, netmeter, start_all_but_broker

pytestmark = pytest.mark.whole


def states_of(reader: Reader, meter: str, epoch: str) -> list[dict[str, object]]:
    return [one.content for one in reader.of("state", meter) if one.content["store_epoch"] == epoch]


def first_epoch(house: House, reader: Reader) -> str:
    """Run until both meters have told a closed interval; the daemon is then stopped."""
    start_all_but_broker(house)
    reader.until(lambda r: all(r.intervals(m) for m in ("grid", "array")), "an interval of both meters")
    house.stop_child("gateway")
    reader.rest()
    return str(reader.of("state", "grid")[-1].content["store_epoch"])


def assert_carried(house: House, reader: Reader, before: str) -> None:
    """Counters never fall, the law holds, and the last register is the meter's own."""
    for meter in ("grid", "array"):
        states = [record.content for record in reader.of("state", meter)]
        assert all(assert_law(state) >= 1 for state in states)
        for key in ("export_register_milliwh", "export_unassigned_milliwh", "export_bucket_summer_off_peak_milliwh"):
            told = [state[key] for state in states if state.get(key) is not None]
            assert told == sorted(told), key
        assert {state["opening"] for state in states if state["store_epoch"] != before} == {"carried"}
        truth, last = Truth(house.truth(meter)), states[-1]
        low, _ = truth.bounds("export", last["time_utc_us"] - last["window_us"])
        _, high = truth.bounds("export", last["time_utc_us"])
        assert low - 20_000 <= last["export_register_milliwh"] <= high


def wait_for_new_epoch(reader: Reader, before: str) -> str:
    reader.until(
        lambda r: (
            any(x.content["store_epoch"] != before for x in r.of("state", "grid"))
            and any(x.content["store_epoch"] != before for x in r.of("state", "array"))
        ),
        "a state of both meters under a new store epoch",
    )
    return str(reader.of("state", "grid")[-1].content["store_epoch"])


def test_a_store_overwritten_at_rest_is_set_aside_and_the_day_goes_on(house: House, reader: Reader) -> None:
    before = first_epoch(house, reader)
    damaged = b"\xff" * 8192 + house.store.read_bytes()[8192:]
    house.store.write_bytes(damaged)
    house.start_daemon()
    after = wait_for_new_epoch(reader, before)
    assert_carried(house, reader, before)
    aside = list(house.store.parent.glob("ledger.sqlite.damaged-*"))
    assert [one.read_bytes() for one in aside] == [damaged]
    told = [one.content for one in reader.of("event") if one.content["event"] == "store_epoch"]
    assert {(one["store_epoch"], one["reason"], one["witness"]) for one in told} == {(after, "damaged", "checkpoint")}


def test_a_record_altered_at_rest_is_found_in_use_and_the_same_process_begins_anew(
    house: House, reader: Reader
) -> None:
    before = first_epoch(house, reader)
    with closing(sqlite3.connect(house.store)) as hand, hand:
        hand.execute("UPDATE reading SET import_milliwh = 5 WHERE reading_id = 3")
    pid = house.start_daemon().pid
    wait_for_new_epoch(reader, before)
    assert house.child("gateway").pid == pid
    house.check()  # the process is alive: it began anew, and was not started again
    assert_carried(house, reader, before)
    assert len(list(house.store.parent.glob("ledger.sqlite.damaged-????????T??????Z"))) == 1


def test_control_an_undamaged_store_goes_on_under_its_epoch(house: House, reader: Reader) -> None:
    before = first_epoch(house, reader)
    seen = len(reader.records)
    house.start_daemon()
    reader.until(lambda r: any(x.kind == "state" for x in r.records[seen:]), "a state after the start")
    deadline = time.monotonic() + 120
    while (told := status(house))["storage_check"] == "running":
        assert time.monotonic() < deadline
    assert told["storage_check"] == "ok"
    assert told["store_epoch"] == before
    assert told["storage_check_links"] >= 2


def status(house: House) -> dict[str, object]:
    answer = json.loads(netmeter(house, "status", "--json", "--config", str(house.config)).stdout)
    assert isinstance(answer, dict)
    return answer


def test_a_backup_of_the_running_gateway_is_whole_and_restores(house: House, reader: Reader, tmp_path: Path) -> None:
    start_all_but_broker(house)
    reader.until(lambda r: all(r.intervals(m) for m in ("grid", "array")), "an interval of both meters")
    copy = tmp_path / "copy.sqlite"
    done = netmeter(house, "backup", str(copy), "--config", str(house.config), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["how"] == "online"
    assert not list(house.store.parent.glob("*.part"))
    refused = netmeter(house, "restore", str(copy), "--config", str(house.config))
    assert refused.returncode == 1
    assert "in use by process" in refused.stderr
    with closing(sqlite3.connect(copy)) as hand:
        copied = hand.execute("SELECT hash FROM interval ORDER BY meter_id, seq").fetchall()
    house.stop_child("gateway")
    reader.rest()
    before = str(reader.of("state", "grid")[-1].content["store_epoch"])
    sent = {one.content["hash"] for one in reader.of("interval")}
    assert copied
    assert {one for (one,) in copied} <= sent
    for one in house.store.parent.glob("ledger.sqlite*"):  # the card is dead
        one.unlink()
    done = netmeter(house, "restore", str(copy), "--config", str(house.config))
    assert done.returncode == 0, done.stderr
    house.start_daemon()
    wait_for_new_epoch(reader, before)
    states = [record.content for record in reader.of("state", "grid")]
    assert all(assert_law(state) >= 1 for state in states)
    assert states[-1]["opening"] == "carried"
