"""When Home Assistant is told: with the first state, when something changes, at its birth. And what is withdrawn."""

import json
from pathlib import Path
from typing import Any

import pytest

from drivers import MeterIdentity
from gateway.config.load import load_config
from gateway.publish.announcer import BIRTH_WITHIN_S, Announcer, withdraw
from gateway.publish.listening import Listening
from gateway.publish.message import Topics

EXAMPLE = Path(__file__).parents[2] / "config" / "gateway.toml"
NODE = "homeassistant/device/netmeter-home"
STATE = {"bucket": "peak", "power_milliw": 5, "import_register_milliwh": 7, "import_bucket_peak_milliwh": 7}


class Desk:
    """Stands where the publisher stands, and keeps what it is given."""

    def __init__(self) -> None:
        self.listening = Listening()
        self.offered: list[tuple[str, str]] = []
        self.repeats: list[float] = []

    def offer_retained(self, topic: str, payload: str, expires: bool = False) -> None:
        assert not expires
        self.offered.append((topic, payload))

    def repeat_retained(self, within_s: float) -> None:
        self.repeats.append(within_s)


class Message:
    """A message as paho hands it over."""

    def __init__(self, topic: str, payload: bytes, retain: bool) -> None:
        self.topic, self.payload, self.retain = topic, payload, retain


class Client:
    """What a subscription needs of paho's client."""

    on_message: Any = None
    on_subscribe: Any = None

    def subscribe(self, topic: str, qos: int) -> None:
        assert (topic, qos) == ("homeassistant/status", 1)


class World:
    """An announcer of the shipped example, the desk it writes to, and who answers on the line."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.identity: MeterIdentity | None = MeterIdentity(serial="1")
        topics = Topics("netmeter", "home")
        self.announcer = Announcer(load_config(EXAMPLE), topics, self.desk, lambda _meter: self.identity)

    def announced(self, meter: str = "grid", **changes: Any) -> list[dict[str, Any]]:
        """What goes out before this state does."""
        before = len(self.desk.offered)
        self.announcer.announce(meter, {**STATE, **changes})
        assert all(topic == f"{NODE}/{meter}/config" for topic, _ in self.desk.offered[before:])
        return [json.loads(payload) for _, payload in self.desk.offered[before:]]

    def hear(self, payload: bytes, retain: bool = False, topic: str = "homeassistant/status") -> None:
        client, inbox = Client(), []
        self.desk.listening.subscribe(client, inbox.append)
        client.on_message(client, None, Message(topic, payload, retain))
        for action in inbox:
            action()


def test_the_gateway_is_announced_at_the_start_and_a_meter_without_a_table_is_withdrawn():
    world = World()
    world.announcer.start(["grid", "old", "array"])
    (gateway_topic, gateway), withdrawn = world.desk.offered
    assert gateway_topic == f"{NODE}/config"
    assert json.loads(gateway)["dev"]["ids"] == ["netmeter.home"]
    assert withdrawn == (f"{NODE}/old/config", "")  # retained and empty removes a device


def test_a_meter_is_announced_with_its_first_state_and_then_left_alone():
    world = World()
    (first,) = world.announced()
    assert first["dev"]["sn"] == "1"
    assert world.announced(import_register_milliwh=8, power_milliw=-9, bucket="other") == []
    assert len(world.announced("array")) == 1


def test_another_meter_in_the_same_place_is_announced_by_its_own_number():
    world = World()
    world.announced()
    world.identity = None  # the line has failed and asks anew
    assert world.announced() == []
    world.identity = MeterIdentity(serial="2")
    assert [payload["dev"]["sn"] for payload in world.announced()] == ["2"]


def test_a_direction_is_announced_once_it_is_proven_and_stays():
    world = World()
    (first,) = world.announced(export_register_milliwh=None)
    (second,) = world.announced(export_register_milliwh=3)
    assert ("export" in first["cmps"], "export" in second["cmps"]) == (False, True)
    assert world.announced(export_register_milliwh=None) == []


@pytest.mark.parametrize(
    ("payload", "retain", "topic", "answers"),
    [
        (b"online", False, "homeassistant/status", 1),
        (b"offline", False, "homeassistant/status", 0),
        (b"", False, "homeassistant/status", 0),
        (b"\xff\x00", False, "homeassistant/status", 0),
        (b"online", True, "homeassistant/status", 0),  # kept from before: all has just been sent
        (b"online", False, "homeassistant/statu", 0),
    ],
)
def test_only_a_birth_is_answered(payload: bytes, retain: bool, topic: str, answers: int):
    world = World()
    world.announcer.start([])
    world.hear(payload, retain, topic)
    assert world.desk.repeats == [BIRTH_WITHIN_S] * answers


def test_power_expires_after_five_publish_periods():
    (grid,) = World().announced()
    assert grid["cmps"]["power"]["exp_aft"] == 50  # the example: a state every 10 s at most, a poll every 5 s


def test_what_was_live_of_a_meter_without_a_table_is_withdrawn_and_its_head_stays():
    world = World()
    world.desk.offered.clear()
    withdraw(world.desk, Topics("netmeter", "home"), ["old"])
    assert world.desk.offered == [("netmeter/home/meter/old/state", ""), ("netmeter/home/meter/old/status", "")]
