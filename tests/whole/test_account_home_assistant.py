"""An account of a running gateway in Home Assistant: found on a real broker, and showing what the topic says.

An independent client stands in for Home Assistant; its rules are those of the model in tests/pipeline.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from hil.house import House
from tests.pipeline import homeassistant

from .rig import ROOT, Reader, make_house
from .test_account_topic import SECTION, with_account
from .test_home_assistant import GATEWAY_TOPIC, components_of, kept

pytestmark = pytest.mark.whole

TOPIC = "homeassistant/device/netmeter-demo/ACCOUNT-home/config"
SPEED = 1_800
MONEY = {
    "due": "due_cents",
    "carried": "carried_cents",
    "carried_in_year": "carried_in_year_cents",
    "uncertain": "uncertain_cents",
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """At a speed at which a price edge is seconds away; all but the broker is started by the test."""
    made = make_house(tmp_path, speed=SPEED)
    try:
        yield made
    finally:
        made.stop()


def test_home_assistant_finds_the_account_and_shows_its_running_bill(house: House, reader: Reader) -> None:
    with_account(house)
    house.start_daemon()

    def reckoned(of: Reader) -> list[dict[str, object]]:
        records = [one.content for one in of.records if one.topic == f"{ROOT}/account/home"]
        return [one for one in records if one["why_not"] is None]

    reader.until(lambda r: bool(reckoned(r)), "the first running bill")
    found = kept(house, lambda now: TOPIC in now and "due" in json.loads(now[TOPIC])["cmps"])
    payload = json.loads(found[TOPIC])
    assert homeassistant.faults(TOPIC, payload) == []
    assert payload["dev"]["via_device"] in json.loads(found[GATEWAY_TOPIC])["dev"]["ids"]
    assert homeassistant.written_out(payload)["state_topic"] == f"{ROOT}/account/home"
    components = components_of(found[TOPIC])
    record = reckoned(reader)[0]
    shown = {
        name: homeassistant.render(one["value_template"], json.dumps(record), record)
        for name, one in components.items()
    }
    assert shown["reckoning"] == "ok"
    for name, key in MONEY.items():
        assert isinstance(record[key], int)
        assert shown[name] == str(Decimal(str(record[key])).scaleb(-2).quantize(Decimal("0.01")))
        assert components[name]["unit_of_measurement"] == record["currency"] == "USD"
    house.check()

    # Taken out of the config it is gone from Home Assistant and from its own topic.
    house.stop_child("gateway")
    house.config.write_text(house.config.read_text(encoding="utf-8").replace(SECTION, ""), encoding="utf-8")
    house.start_daemon()
    kept(house, lambda now: GATEWAY_TOPIC in now and TOPIC not in now)
    emptied = f"{ROOT}/account/home"
    reader.until(lambda r: any((one.topic, one.payload) == (emptied, b"") for one in r.records), "the empty message")
