"""A broker that refuses records, and one that speaks only MQTT 3.1.1: delivered is what was taken, nothing else."""

import json
import sqlite3
import time
from pathlib import Path

import pytest

from hil.broker import Broker, BrokerKind, find_mosquitto
from hil.house import BASE_TOPIC, House
from hil.process import Child
from hil.watcher import Watcher

from .rig import Reader, assert_law, netmeter, start_all_but_broker

pytestmark = pytest.mark.whole


def test_a_record_that_the_broker_refuses_stays_in_the_outbox(house: House) -> None:
    if house.broker.kind is not BrokerKind.MOSQUITTO:
        pytest.skip("needs mosquitto's access rules")
    rules = house.folder / "acl"
    # Everything may be read; all may be written but the interval records.
    rules.write_text(
        "topic read #\ntopic write netmeter/demo/status\ntopic write netmeter/demo/health\n"
        "topic write netmeter/demo/meter/+/state\ntopic write netmeter/demo/meter/+/status\n"
        "topic write netmeter/demo/meter/+/event\n",
        encoding="ascii",
    )
    rules.chmod(0o600)
    settings = house.folder / "refusing.conf"
    settings.write_text(
        f"listener {house.broker.port} 127.0.0.1\nallow_anonymous true\nacl_file {rules}\nuser root\n", encoding="ascii"
    )
    mosquitto = find_mosquitto()
    assert mosquitto is not None
    broker = Child("refusing broker", [mosquitto, "-c", str(settings)], house.folder / "refusing.log")
    try:
        start_all_but_broker(house)
        watcher = _watch(house)
        try:
            reader = Reader(watcher)
            reader.until(
                lambda r: any(x.content["bucket"] == "summer_peak" for x in r.of("state", "grid")), "the 16:00 edge"
            )
            answer = netmeter(house, "status", "--json", "--config", str(house.config))
            while json.loads(answer.stdout)["delivery"]["refused"] == 0:
                seen = len(reader.records)
                reader.until(lambda r, seen=seen: len(r.records) > seen, "another message")
                answer = netmeter(house, "status", "--json", "--config", str(house.config))
            reader.rest()
        finally:
            watcher.close()
        house.stop_child("gateway")
    finally:
        broker.stop()
    assert reader.of("interval") == []
    assert answer.returncode == 1
    assert any("refused" in trouble for trouble in json.loads(answer.stdout)["troubles"])
    store = sqlite3.connect(house.folder / "ledger.sqlite")
    waiting = [kind for (kind,) in store.execute("SELECT kind FROM outbox")]
    store.close()
    assert waiting.count("interval") >= 1
    assert "event" not in waiting


def _watch(house: House) -> Watcher:
    """The broker of this test has no `start` that waits, so the reader tries until it is there."""
    for _ in range(100):
        try:
            return Watcher(house.broker.host, house.broker.port, BASE_TOPIC)
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the refusing broker did not come up")


def test_a_broker_that_only_speaks_3_1_1_gets_the_account_too(tmp_path: Path) -> None:
    house = House(tmp_path, speed=60, broker_kind=BrokerKind.AMQTT)
    assert isinstance(house.broker, Broker)
    house.broker.start()
    watcher = Watcher(house.broker.host, house.broker.port, BASE_TOPIC)
    try:
        reader = Reader(watcher)
        start_all_but_broker(house)
        reader.until(lambda r: bool(r.intervals("grid")) and bool(r.intervals("array")), "the 16:00 interval")
        answer = netmeter(house, "status", "--json", "--config", str(house.config))
    finally:
        watcher.close()
        house.stop()
    assert all(assert_law(record.content) >= 1 for record in reader.of("state"))
    delivery = json.loads(answer.stdout)["delivery"]
    assert delivery["protocol"] == "3.1.1"
    # There a PUBACK says that the broker has the record, not that anybody may read it.
    assert delivery["acknowledged_means"] == "sent"
