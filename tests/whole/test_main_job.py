"""The main job end to end: a meter is read, its energy lands in buckets, and the broker has it."""

import json
import sqlite3
from datetime import UTC, datetime

import pytest

from hil.house import House

from .rig import MICRO, Reader, Truth, assert_law, assert_true_within_told, netmeter, start_all_but_broker

pytestmark = pytest.mark.whole

# 16:00 Pacific daylight time on Tuesday 15 July 2025, when PG&E E-TOU-C goes to its peak price.
PEAK_US = int(datetime(2025, 7, 15, 23, 0, tzinfo=UTC).timestamp()) * MICRO


def both_have_passed_the_edge(reader: Reader) -> bool:
    return all(
        reader.of("interval", meter) and any(r.content["bucket"] == "summer_peak" for r in reader.of("state", meter))
        for meter in ("grid", "array")
    )


def test_a_reader_of_its_own_sees_the_whole_account(house: House, reader: Reader) -> None:
    start_all_but_broker(house)
    reader.until(both_have_passed_the_edge, "the 16:00 edge of both meters")
    status = netmeter(house, "status", "--json", "--config", str(house.config))
    reading = netmeter(house, "read", "grid", "--json", "--config", str(house.config))
    house.stop_child("gateway")
    reader.rest()

    topics = {record.topic for record in reader.records}
    assert "netmeter/demo/status" in topics
    gateway_words = [r.payload for r in reader.records if r.topic == "netmeter/demo/status"]
    assert gateway_words[0] == b"online"
    assert gateway_words[-1] == b"offline"
    for meter in ("grid", "array"):
        assert f"netmeter/demo/meter/{meter}/status" in topics
        states = [record.content for record in reader.of("state", meter)]
        assert sum(assert_law(state) for state in states) >= len(states)
        assert {"summer_off_peak", "summer_peak"} <= {state["bucket"] for state in states}
        truth = Truth(house.truth(meter))
        first = reader.intervals(meter)[0]
        assert first["seq"] == 1
        assert first["bucket"] == "summer_off_peak"
        assert first["end_utc_us"] == PEAK_US
        for interval in reader.intervals(meter):
            assert_true_within_told(interval, truth)

    answer = json.loads(status.stdout)
    assert status.returncode == 0, status.stderr
    assert answer["delivery"]["connected"] is True
    assert [meter["name"] for meter in answer["meters"]] == ["grid", "array"]
    for meter in answer["meters"]:
        assert meter["wire"]["requests"] >= meter["wire"]["answers"] > 0
        assert meter["wire"]["late"] == meter["wire"]["other_master"] == 0
    assert reading.returncode == 0, reading.stderr
    (shown,) = json.loads(reading.stdout)
    assert shown["through"] == "the running gateway"
    assert shown["identity"]["serial"]


def test_what_the_store_holds_is_what_the_broker_got(house: House, reader: Reader) -> None:
    start_all_but_broker(house)
    reader.until(both_have_passed_the_edge, "the 16:00 edge of both meters")
    house.stop_child("gateway")
    reader.rest()

    store = sqlite3.connect(house.folder / "ledger.sqlite")
    store.row_factory = sqlite3.Row
    assert store.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    for meter in ("grid", "array"):
        rows = store.execute(
            "SELECT seq, start_us, end_us, bucket, import_milliwh, export_milliwh, hash"
            " FROM interval JOIN meter USING (meter_id) WHERE name = ? ORDER BY seq",
            (meter,),
        ).fetchall()
        got = {interval["seq"]: interval for interval in reader.intervals(meter)}
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        assert rows
        for row in rows:
            sent = got[row["seq"]]
            assert (row["start_us"], row["end_us"], row["bucket"], row["hash"]) == (
                sent["start_utc_us"],
                sent["end_utc_us"],
                sent["bucket"],
                sent["hash"],
            )
            assert (row["import_milliwh"], row["export_milliwh"]) == (sent["import_milliwh"], sent["export_milliwh"])
    # Nothing that the broker has taken is owed to it any more.
    assert store.execute("SELECT count(*) FROM outbox").fetchone()[0] == 0
    store.close()


def test_a_second_daemon_on_the_same_store_is_refused_by_pid(house: House, reader: Reader) -> None:
    start_all_but_broker(house)
    reader.until(lambda r: bool(r.of("state", "grid")), "a first state")
    second = netmeter(house, "run", "--config", str(house.config))
    assert second.returncode == 1
    assert f"process {house.child('gateway').pid}" in second.stderr
    assert "Traceback" not in second.stderr
    house.check()


def test_status_without_a_daemon_says_so_and_fails(house: House) -> None:
    start_all_but_broker(house, daemon=False)
    answer = netmeter(house, "status", "--config", str(house.config))
    assert answer.returncode == 3
    assert "no gateway demo is running" in answer.stderr


def test_read_without_a_daemon_goes_to_the_wire(house: House) -> None:
    start_all_but_broker(house, daemon=False)
    answer = netmeter(house, "read", "--json", "--config", str(house.config))
    assert answer.returncode == 0, answer.stderr
    views = {view["meter"]: view for view in json.loads(answer.stdout)}
    assert {view["through"] for view in views.values()} == {"the wire"}
    # The truth at that house second bounds what an honest meter shows (its digit below, its lag before).
    house.stop()
    for name, digit_milliwh in (("grid", 1_000), ("array", 20_000)):
        low, _ = Truth(house.truth(name)).bounds("export", house.anchor.start_utc_us)
        assert views[name]["export_milliwh"] >= low - digit_milliwh
