"""Home Assistant's side of the broker: what it finds there, what its birth message brings, and what its templates show.

An independent client stands in for Home Assistant; its rules come from a model of ours (release named there), its
templates are rendered by jinja2, and the numbers they must give are reckoned here with Decimal.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from paho.mqtt import publish

from hil.house import House
from hil.watcher import Message, Watcher
from tests.pipeline import homeassistant

from .rig import PATIENCE_S, Reader, start_all_but_broker

pytestmark = pytest.mark.whole

GATEWAY_TOPIC = "homeassistant/device/netmeter-demo/config"
METER_TOPICS = {meter: f"homeassistant/device/netmeter-demo/{meter}/config" for meter in ("grid", "array")}
ALL_TOPICS = {GATEWAY_TOPIC, *METER_TOPICS.values()}
BIRTH_TOPIC = "homeassistant/status"
MARKER = "homeassistant/marker"


def both_have_a_state(reader: Reader) -> bool:
    return all(reader.of("state", meter) for meter in ("grid", "array"))


def collect(watcher: Watcher, enough: Callable[[list[Message]], bool], why: str) -> list[Message]:
    """Messages until `enough`; fails after the patience is over."""
    found: list[Message] = []
    deadline = time.monotonic() + PATIENCE_S
    while not enough(found):
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:g} s for {why}; got {[one.topic for one in found]}"
        if (message := watcher.next(0.2)) is not None:
            found.append(message)
    return found


@contextmanager
def listening(house: House) -> Iterator[tuple[Watcher, dict[str, bytes]]]:
    """A client that has subscribed as Home Assistant does, and what the broker had kept for it, by topic."""
    say(house, MARKER, "kept", retain=True)
    watcher = Watcher(house.broker.host, house.broker.port, "homeassistant")
    try:
        found = collect(watcher, lambda found: any(one.topic == MARKER for one in found), "the subscription")
        found += up_to_now(house, watcher)
        yield watcher, {one.topic: one.payload for one in found if one.retained and one.topic != MARKER}
    finally:
        watcher.close()


def up_to_now(house: House, watcher: Watcher) -> list[Message]:
    """All that the broker had for the client before this call: a live message comes after what was kept."""
    say(house, MARKER, "now")
    return collect(watcher, lambda found: any(one.topic == MARKER and not one.retained for one in found), "the marker")


def kept(house: House, enough: Callable[[dict[str, bytes]], bool] = lambda _kept: True) -> dict[str, bytes]:
    """What the broker keeps for a Home Assistant that starts now; asked again until `enough`."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with listening(house) as (_watcher, found):
            if enough(found):
                return found
        assert time.monotonic() < deadline, f"the broker keeps only {sorted(found)}"


def say(house: House, topic: str, payload: str | None, retain: bool = False) -> None:
    publish.single(topic, payload, qos=1, retain=retain, hostname=house.broker.host, port=house.broker.port)


def components_of(payload: bytes) -> dict[str, dict[str, Any]]:
    components = homeassistant.written_out(json.loads(payload))["components"]
    assert isinstance(components, dict)
    return components


def expected_of(state: dict[str, Any]) -> dict[str, str]:
    """What an entity must show of a state, by its key, in decimal arithmetic."""
    shown = {
        "bucket": state["bucket"],
        "power": str(Decimal(state["power_milliw"]).scaleb(-3).quantize(Decimal("1e-3"))),
    }
    for direction in ("import", "export"):
        counters = {
            name: state[f"{direction}_{name}_milliwh"]
            for name in ("register", "uncertain", "unassigned")
            if state[f"{direction}_register_milliwh"] is not None
        }
        if not counters:
            continue
        counters |= {
            key.removeprefix(f"{direction}_").removesuffix("_milliwh"): value
            for key, value in state.items()
            if key.startswith(f"{direction}_bucket_")
        }
        buckets = sum(value for name, value in counters.items() if name.startswith("bucket_"))
        shown[direction] = kwh(buckets + counters["unassigned"])  # the law: both sides are the lifetime total
        shown |= {f"{direction}_{name}": kwh(value) for name, value in counters.items()}
    return shown


def kwh(milliwh: int) -> str:
    return str(Decimal(milliwh).scaleb(-6).quantize(Decimal("1e-6")))


def test_home_assistant_finds_every_device_and_its_templates_show_the_true_numbers(house: House, reader: Reader):
    start_all_but_broker(house)
    reader.until(both_have_a_state, "a state of both meters")
    found = kept(house, lambda kept_now: set(kept_now) >= ALL_TOPICS)
    assert set(found) == ALL_TOPICS
    for topic, payload in found.items():
        assert homeassistant.faults(topic, json.loads(payload)) == []
    gateway_ids = json.loads(found[GATEWAY_TOPIC])["dev"]["ids"]
    # Meters count on after their announcement: what was null at first may be known by now.
    reader.until(lambda r: len(r.of("state", "grid")) >= 3 and len(r.of("state", "array")) >= 3, "three states of both")
    found = kept(house)
    for meter, topic in METER_TOPICS.items():
        assert json.loads(found[topic])["dev"]["via_device"] in gateway_ids
        components = components_of(found[topic])
        for record in reader.of("state", meter):
            values = {
                name: homeassistant.render(one["value_template"], record.payload.decode(), record.content)
                for name, one in components.items()
            }
            expected = expected_of(record.content)
            assert expected.items() <= values.items()
            assert {values[name] for name in set(values) - set(expected)} <= {"None"}
    # The grid meter's identity block names it; the topics are those that the gateway really writes.
    grid = homeassistant.written_out(json.loads(found[METER_TOPICS["grid"]]))
    assert grid["device"]["serial_number"]
    written = {record.topic for record in reader.records}
    assert {grid["state_topic"], *(one["topic"] for one in grid["availability"])} <= written


def test_the_birth_message_brings_every_device_again(house: House, reader: Reader):
    start_all_but_broker(house)
    reader.until(both_have_a_state, "a state of both meters")
    before = kept(house, lambda kept_now: set(kept_now) >= ALL_TOPICS)
    for topic in ALL_TOPICS:
        say(house, topic, None, retain=True)
    assert kept(house) == {}  # the control: nobody has sent them again unasked
    with listening(house) as (watcher, _):
        say(house, BIRTH_TOPIC, "offline")
        say(house, BIRTH_TOPIC, "online")
        heard = collect(watcher, lambda found: {one.topic for one in found} >= ALL_TOPICS, "an answer to the birth")
        heard += up_to_now(house, watcher)
    configs = [one for one in heard if one.topic in ALL_TOPICS]
    assert len(configs) == len(ALL_TOPICS)  # once each
    assert {one.topic: one.payload for one in configs} == before
    assert kept(house) == before
    house.check()


def test_a_broker_that_forgot_everything_gets_every_device_on_the_next_connection(house: House, reader: Reader):
    start_all_but_broker(house)
    reader.until(both_have_a_state, "a state of both meters")
    before = kept(house, lambda kept_now: set(kept_now) >= ALL_TOPICS)
    house.broker.restart()
    assert kept(house, lambda kept_now: set(kept_now) >= ALL_TOPICS) == before


def test_a_meter_that_left_the_config_leaves_home_assistant_and_discovery_can_be_off(house: House, reader: Reader):
    start_all_but_broker(house)
    kept(house, lambda kept_now: set(kept_now) >= ALL_TOPICS)
    house.stop_child("gateway")
    head, _, _array = house.config.read_text(encoding="utf-8").rpartition("[[meter]]")
    house.config.write_text(head, encoding="utf-8")
    house.start_daemon()
    assert set(kept(house, lambda kept_now: METER_TOPICS["array"] not in kept_now)) == ALL_TOPICS - {
        METER_TOPICS["array"]
    }
    house.stop_child("gateway")

    for topic in ALL_TOPICS:
        say(house, topic, None, retain=True)
    house.config.write_text(head.replace("state_every_s", "discovery = false\nstate_every_s"), encoding="utf-8")
    reader.rest()
    states_before = len(reader.of("state", "grid"))
    house.start_daemon()
    reader.until(lambda r: len(r.of("state", "grid")) > states_before + 1, "states without discovery")
    say(house, BIRTH_TOPIC, "online")
    reader.until(lambda r: len(r.of("state", "grid")) > states_before + 8, "some seconds more")
    assert kept(house) == {}
