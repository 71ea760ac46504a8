"""Home Assistant's discovery: payloads against a model of its rules, and templates against hand arithmetic.

The model (`homeassistant`) names the release whose rules it holds, and has positive controls of its own.
"""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from drivers import MeterIdentity
from gateway.publish.discovery import (
    Device,
    birth_topic,
    gateway_payload,
    gateway_topic,
    holds,
    meter_payload,
    meter_topic,
)
from gateway.publish.message import Topics

from . import homeassistant

Json = dict[str, Any]
TOPICS = Topics("netmeter", "home")
IDENTITY = MeterIdentity(vendor="Eastron", model="SDM630", serial="12345", firmware=None)
PEAK, OFF_PEAK = "summer_peak", "summer_off_peak"
TOPIC = meter_topic("homeassistant", "home", "grid")

# By hand: 5 kWh of earlier meters, 123.456789 kWh now, 100 when this one came; 28.456789 kWh in all.
# Export reads 0 where 0 also means "not implemented".
STATE: Json = {
    "bucket": PEAK,
    "power_milliw": -1_234_567,
    "import_register_milliwh": 123_456_789,
    "import_epoch_first_milliwh": 100_000_000,
    "import_earlier_epochs_milliwh": 5_000_000,
    "import_unassigned_milliwh": 1,
    "import_uncertain_milliwh": 20_500,
    "import_bucket_summer_peak_milliwh": 8_456_788,
    "import_uncertain_summer_peak_milliwh": 20_500,
    "import_bucket_summer_off_peak_milliwh": 20_000_000,
    "import_uncertain_summer_off_peak_milliwh": 0,
    "export_register_milliwh": None,
    "export_epoch_first_milliwh": None,
    "export_earlier_epochs_milliwh": None,
    "export_unassigned_milliwh": None,
    "export_uncertain_milliwh": None,
    "export_bucket_summer_peak_milliwh": None,
    "export_uncertain_summer_peak_milliwh": None,
    "export_bucket_summer_off_peak_milliwh": None,
    "export_uncertain_summer_off_peak_milliwh": None,
}
EXPORTING: Json = {key: 7_000_000 if key.startswith("export_") else value for key, value in STATE.items()}


def payload_of(*states: Json, meter: str = "grid") -> Json:
    """What is announced after these states, as it goes over the wire."""
    held: dict[str, bool] = {}
    for state in states:
        held = holds(state, held)
    made = meter_payload(TOPICS, Device("home", meter, "0.1.0", publish_s=10, identity=IDENTITY), held)
    return json.loads(json.dumps(made))


def shown(payload: Json, state: Json) -> dict[str, str]:
    """Every entity's value after a state."""
    text = json.dumps(state)
    components = homeassistant.written_out(payload)["components"]
    return {
        name: homeassistant.render(one["value_template"], text, json.loads(text)) for name, one in components.items()
    }


def test_home_assistant_takes_what_is_announced():
    assert homeassistant.RELEASE == "2026.11.0"
    assert homeassistant.faults(TOPIC, payload_of(STATE)) == []
    assert homeassistant.faults(TOPIC, payload_of(EXPORTING)) == []
    own = json.loads(json.dumps(gateway_payload(TOPICS, "home", "0.1.0")))
    assert homeassistant.faults(gateway_topic("homeassistant", "home"), own) == []


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda p: p.update(schema=1), "unknown root key schema"),
        (lambda p: p.update(exp_aft=50), "unknown root key expire_after"),
        (lambda p: p.pop("dev"), "device without identifiers"),
        (lambda p: p["dev"].pop("ids"), "device without identifiers"),
        (lambda p: p["dev"].update(role="grid"), "unknown device keys"),
        (lambda p: p.pop("o"), "origin without a name"),
        (lambda p: p["o"].pop("name"), "origin without a name"),
        (lambda p: p.update(cmps={}), "no components"),
        (lambda p: p.update(avty_mode="both"), "availability_mode both"),
        (lambda p: p.update(avty_t="a/b"), "exclude each other"),
        (lambda p: p["avty"][0].pop("t"), "availability {}"),
        (lambda p: p.pop("stat_t"), "power: no state_topic"),
        (lambda p: p["cmps"]["import"].pop("uniq_id"), "import: no unique_id"),
        (lambda p: p["cmps"]["import"].pop("p"), "import: platform None"),
        (lambda p: p["cmps"]["import"].update(obj_id="x"), "import: unknown key obj_id"),
        (lambda p: p["cmps"]["import"].update(stat_cla="measurement"), "import: energy as measurement"),
        (lambda p: p["cmps"]["import"].update(unit_of_meas="W"), "import: energy in W"),
        (lambda p: p["cmps"]["import"].pop("unit_of_meas"), "import: energy in None"),
        (lambda p: p["cmps"]["power"].update(stat_cla="total"), "power: power as total"),
        (lambda p: p["cmps"]["power"].update(exp_aft=0), "power: expire_after 0"),
        (lambda p: p["cmps"]["power"].update(lrst_val_tpl="x"), "power: last_reset_value_template"),
        (lambda p: p["cmps"]["power"].update(ent_cat="config"), "power: entity_category config"),
        (lambda p: p["cmps"]["power"].update(def_ent_id="sensor.home__power"), "power: default_entity_id"),
        (lambda p: p["cmps"]["power"].update(uniq_id=p["cmps"]["import"]["uniq_id"]), "twice"),
        (lambda p: p["cmps"]["bucket"].update(stat_cla="measurement"), "bucket: enum with state_class"),
        (lambda p: p["cmps"]["bucket"].pop("ops"), "bucket: enum without options"),
    ],
)
def test_the_model_refuses_what_home_assistant_refuses(spoil: Callable[[Json], object], fault: str):
    payload = copy.deepcopy(payload_of(STATE))
    spoil(payload)
    assert any(fault in found for found in homeassistant.faults(TOPIC, payload))


@pytest.mark.parametrize("topic", ["homeassistant/device/a b/config", "homeassistant/device/a.b/config", "device/a"])
def test_the_model_refuses_a_topic_that_home_assistant_does_not_hear(topic: str):
    assert homeassistant.faults(topic, payload_of(STATE)) == [f"illegal discovery topic {topic}"]


def test_a_device_says_who_it_is_and_what_it_hangs_on():
    payload = homeassistant.written_out(payload_of(STATE))
    assert payload["device"] == {
        "identifiers": ["netmeter.home.grid"],
        "name": "home grid",
        "manufacturer": "Eastron",
        "model": "SDM630",
        "serial_number": "12345",
        "via_device": "netmeter.home",
    }
    own = homeassistant.written_out(gateway_payload(TOPICS, "home", "0.1.0"))
    assert own["device"]["identifiers"] == [payload["device"]["via_device"]]
    assert payload["origin"] == {"name": "netmeter-gateway", "sw_version": "0.1.0"}


def test_a_meter_is_available_when_gateway_and_meter_both_are():
    for one in homeassistant.written_out(payload_of(STATE))["components"].values():
        assert one["state_topic"] == "netmeter/home/meter/grid/state"
        assert one["availability"] == [{"topic": "netmeter/home/status"}, {"topic": "netmeter/home/meter/grid/status"}]
        assert one["availability_mode"] == "all"
        assert one["qos"] == 1


def test_counters_are_lifetime_totals_without_a_reset_and_power_is_there_once():
    components = homeassistant.written_out(payload_of(EXPORTING))["components"]
    totals = {name for name, one in components.items() if one.get("state_class") == "total"}
    assert totals == {
        f"{direction}{kind}"
        for direction in ("import", "export")
        for kind in ("", "_bucket_summer_peak", "_bucket_summer_off_peak", "_unassigned")
    }
    assert all(components[name]["unit_of_measurement"] == "kWh" for name in totals)
    assert not any("last_reset_value_template" in one for one in components.values())
    # A counter that becomes unavailable for a while breaks dashboards; a power value that stands still deceives.
    assert {name: one["expire_after"] for name, one in components.items() if "expire_after" in one} == {"power": 50}
    assert [name for name, one in components.items() if one.get("device_class") == "power"] == ["power"]
    diagnostic = {name for name, one in components.items() if one.get("entity_category") == "diagnostic"}
    assert diagnostic == {
        f"{way}_{kind}" for way in ("import", "export") for kind in ("unassigned", "uncertain", "register")
    }
    # What the meter shows starts anew with a new meter: no statistic may be made of it.
    assert not any(
        "state_class" in components[f"{way}_{kind}"]
        for way in ("import", "export")
        for kind in ("register", "uncertain")
    )


def test_values_are_those_reckoned_by_hand():
    assert shown(payload_of(STATE), STATE) == {
        "import": "28.456789",
        "import_bucket_summer_peak": "8.456788",
        "import_bucket_summer_off_peak": "20.000000",
        "import_unassigned": "0.000001",
        "import_uncertain": "0.020500",
        "import_register": "123.456789",
        "power": "-1234.567",
        "bucket": "summer_peak",
    }


def test_the_law_can_be_checked_in_home_assistant_too():
    values = shown(payload_of(STATE), STATE)
    digits = {name: int(value.replace(".", "")) for name, value in values.items() if name.startswith("import")}
    parts = digits["import_bucket_summer_peak"] + digits["import_bucket_summer_off_peak"] + digits["import_unassigned"]
    assert parts == digits["import"] == 28_456_789


@pytest.mark.parametrize(
    ("milliwh", "kwh"),
    [
        (0, "0.000000"),
        (1, "0.000001"),
        (999_999, "0.999999"),
        (4_503_599_627_370_497, "4503599627.370497"),
        (4_000_000_000_000_001, "4000000000.000001"),
        (999_999_999_999_999, "999999999.999999"),
        (-3, "-0.000003"),
    ],
)
def test_no_digit_is_lost_on_the_way_to_kilowatt_hours(milliwh: int, kwh: str):
    state = {**STATE, "import_unassigned_milliwh": milliwh}
    assert shown(payload_of(STATE), state)["import_unassigned"] == kwh


def test_a_direction_that_is_not_proven_is_no_entity():
    assert not [name for name in payload_of(STATE)["cmps"] if name.startswith("export")]
    assert len([name for name in payload_of(EXPORTING)["cmps"] if name.startswith("export")]) == 6


def test_null_is_unknown_and_never_zero():
    values = shown(payload_of(EXPORTING), {**STATE, "power_milliw": None})
    assert {value for name, value in values.items() if name.startswith("export") or name == "power"} == {"None"}


def test_a_key_that_a_later_state_lacks_is_unknown():
    values = shown(payload_of(STATE), {"bucket": PEAK})
    assert {value for name, value in values.items() if name != "bucket"} == {"None"}


def test_what_was_once_known_stays_announced():
    assert payload_of(EXPORTING, STATE) == payload_of(EXPORTING)
    assert "power" in payload_of(STATE, {**STATE, "power_milliw": None})["cmps"]
    assert "power" not in payload_of({**STATE, "power_milliw": None})["cmps"]


def test_every_bucket_that_can_run_is_an_option():
    expected = [PEAK, OFF_PEAK, "unassigned"]
    assert payload_of(STATE)["cmps"]["bucket"]["ops"] == expected
    # Also while both registers of a new meter still read 0.
    nothing = {key: None if key.endswith("_milliwh") else value for key, value in STATE.items()}
    assert payload_of(nothing)["cmps"]["bucket"]["ops"] == expected
    # A bucket of an earlier tariff stays in the sum of one direction only.
    older = {**STATE, "import_bucket_flat_milliwh": 5}
    assert payload_of(older)["cmps"]["bucket"]["ops"] == [PEAK, OFF_PEAK, "flat", "unassigned"]
    assert "import_bucket_flat" in payload_of(older)["cmps"]


def test_names_that_look_alike_when_joined_stay_apart():
    pairs = [("a", "b-c"), ("a-b", "c"), ("a_b", "c"), ("a", "b_c"), ("a", "config")]
    topics = {meter_topic("homeassistant", *pair) for pair in pairs} | {gateway_topic("homeassistant", "a")}
    assert len(topics) == len(pairs) + 1
    assert all(homeassistant.TOPIC.fullmatch(topic) for topic in topics)
    ids = {json.dumps(payload["dev"]["ids"]) for payload in (payload_of(STATE, meter=one) for one in ("b-c", "b_c"))}
    assert len(ids) == 2
    assert payload_of(STATE, meter="b-c_")["cmps"]["power"]["def_ent_id"] == "sensor.home_b_c_power"


def test_the_gateway_shows_its_health():
    payload = gateway_payload(TOPICS, "home", "0.1.0")
    health = {"outbox_depth": 3, "storage": "disk I/O error " * 40, "clock": "synced", "thrown_out": 2}
    values = shown(payload, health)
    assert (values["outbox_depth"], values["clock"], values["thrown_out"]) == ("3", "synced", "2")
    assert len(values["storage"]) <= 255  # longer states are refused
    assert homeassistant.written_out(payload)["components"]["storage"]["state_topic"] == "netmeter/home/health"


def test_home_assistant_is_heard_under_its_own_prefix():
    assert birth_topic("homeassistant") == "homeassistant/status"
    assert meter_topic("ha/x", "home", "grid") == "ha/x/device/netmeter-home/grid/config"


def test_a_meter_costs_no_more_on_the_wire_than_the_documentation_says():
    more = {
        f"{direction}_bucket_{name}_milliwh": 1
        for direction in ("import", "export")
        for name in ("winter_peak", "winter_off_peak")
    }
    size_bytes = len(json.dumps(payload_of({**EXPORTING, **more}), separators=(",", ":")))
    assert 7_000 < size_bytes < 8_000 - 300  # topic, MQTT and TCP/IP around it
