"""An account in Home Assistant: payloads against a model of its rules, and templates against hand arithmetic."""

import json
from typing import Any

import pytest

from gateway.publish.account import account_record
from gateway.publish.discovery import gateway_topic, meter_topic
from gateway.publish.discovery_account import AccountAnnouncer, account_topic
from gateway.publish.message import Topics

from . import homeassistant
from .test_accounts import PEAK_US, World

Json = dict[str, Any]
TOPICS = Topics("netmeter", "home")
TOPIC = account_topic("homeassistant", "home", "elm")
FOUND: Json = {
    "currency": "USD",
    "period_first_day": "2026-07-08",
    "is_whole": 0,
    "import_milliwh": 160_000_001,
    "export_milliwh": 0,
    "due_cents": -1_205,
    "true_up_cents": 30_001,
    "uncertain_cents": 7,
    "carried_cents": 0,
    "bank_generation_cents": 4_210,
    "bank_kwh_milliwh": 1_500_000,
    "next_date": "2026-09-15",
    "next_date_what": "true_up",
}


def announced(*found: Json) -> list[Json]:
    """What goes out, payload by payload, when these have been reckoned."""
    told: list[tuple[str, str]] = []
    announcer = AccountAnnouncer(
        "homeassistant", "home", "0.1.0", TOPICS, lambda topic, text: told.append((topic, text))
    )
    for one in found:
        announcer.announce("elm", account_record("home", "elm", one))
    assert {topic for topic, _ in told} <= {TOPIC}
    return [json.loads(text) for _, text in told]


def shown(payload: Json, found: Json) -> dict[str, str]:
    """Every entity's value after a message."""
    text = json.dumps(account_record("home", "elm", found))
    components = homeassistant.written_out(payload)["components"]
    return {
        name: homeassistant.render(one["value_template"], text, json.loads(text)) for name, one in components.items()
    }


def test_home_assistant_takes_it_and_shows_what_was_reckoned() -> None:
    """By hand: -1,205 cents are -12.05; 160,000,001 mWh are 160.000001 kWh. Nothing is projected: no entity."""
    (payload,) = announced(FOUND)
    assert homeassistant.faults(TOPIC, payload) == []
    assert shown(payload, FOUND) == {
        "reckoning": "ok",
        "due": "-12.05",
        "true_up": "300.01",
        "uncertain": "0.07",
        "carried": "0.00",
        "import": "160.000001",
        "export": "0.000000",
        "bank_generation": "42.10",
        "bank_kwh_energy": "1.500000",
        "since": "2026-07-08",
        "next_date": "2026-09-15",
        "next_date_what": "true_up",
        "whole": "no",
    }
    root = homeassistant.written_out(payload)
    assert root["state_topic"] == "netmeter/home/account/elm"
    assert root["components"]["due"]["unit_of_measurement"] == "USD"
    assert [one["topic"] for one in root["availability"]] == ["netmeter/home/status"]
    assert root["device"]["via_device"] == "netmeter.home"


def test_what_cannot_be_reckoned_is_unknown_with_its_reason_and_never_nought() -> None:
    (payload,) = announced(FOUND)
    values = shown(payload, {"why_not": "no price for 2027-01-01" + "!" * 300})
    assert values.pop("reckoning") == ("no price for 2027-01-01" + "!" * 300)[:255]
    assert set(values.values()) == {"None"}


def test_it_is_announced_again_only_when_more_is_known() -> None:
    trouble = {"why_not": "no interval yet"}
    first, second, third = announced(trouble, FOUND, FOUND, trouble, {**FOUND, "projected_year_cents": 100}, FOUND)
    assert set(first["cmps"]) == {"reckoning"}
    assert homeassistant.faults(TOPIC, first) == []
    assert set(third["cmps"]) - set(second["cmps"]) == {"projected_year"}
    assert homeassistant.faults(TOPIC, third) == []


def test_no_meter_and_no_gateway_shares_its_topic_or_its_identity() -> None:
    """A name has small letters, digits, - and _, 1 to 32 of them; and an account may be called as a meter is."""
    for meter in ("elm", "account-elm", "account_elm"):
        assert meter_topic("homeassistant", "home", meter) != TOPIC
    assert gateway_topic("homeassistant", "home-ACCOUNT-elm") != TOPIC
    (payload,) = announced(FOUND)
    assert payload["dev"]["ids"] == ["netmeter.home.account.elm"]


@pytest.mark.parametrize(("unit", "fault"), [("$", "monetary in $"), (None, "monetary in None")])
def test_the_model_refuses_money_without_a_currency(unit: str | None, fault: str) -> None:
    (payload,) = announced(FOUND)
    payload["cmps"]["due"]["unit_of_meas"] = unit
    assert any(fault in found for found in homeassistant.faults(TOPIC, payload))


def test_the_thread_announces_before_it_publishes() -> None:
    world = World()
    world.thread._announce = lambda account, record: world.offered.append(f"announced {account} {record['currency']}")
    world.closed("grid", PEAK_US)
    world.turns(2)
    assert [one.split(" ")[0] for one in world.offered] == ["announced", "netmeter/demo/account/home"]
