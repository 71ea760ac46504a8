"""What the demo makes of messages: made by hand from the public contract, sums worked out by hand."""

import json
from typing import Any

import pytest

from hil.panel import panel_lines, power_text
from hil.picture import Picture, clock_text, kwh

STATE = "netmeter/demo/meter/grid/state"
AT_US = 1_752_620_400_000_000  # 2025-07-15 23:00:00 UTC = 16:00:00 PDT


def state(**changes: Any) -> bytes:
    """Import: 5000 + 10 000 - 7000 = 8000 = 3000 + 4500 + 500. Export: 0 + 900 - 900 = 0."""
    content = {
        "schema": 1,
        "bucket": "off_peak",
        "time_utc_us": AT_US - 1_000_000,
        "power_milliw": -1_500_000,
        "import_register_milliwh": 10_000,
        "import_epoch_first_milliwh": 7_000,
        "import_earlier_epochs_milliwh": 5_000,
        "import_unassigned_milliwh": 500,
        "import_uncertain_milliwh": 77,
        "import_bucket_peak_milliwh": 3_000,
        "import_bucket_off_peak_milliwh": 4_500,
        "import_uncertain_peak_milliwh": 77,
        "export_register_milliwh": 900,
        "export_epoch_first_milliwh": 900,
        "export_earlier_epochs_milliwh": 0,
        "export_unassigned_milliwh": 0,
        "export_uncertain_milliwh": 0,
        "export_bucket_peak_milliwh": 0,
        "export_bucket_off_peak_milliwh": 0,
    }
    return json.dumps(content | changes).encode()


def test_a_state_that_keeps_the_law() -> None:
    picture = Picture()
    assert picture.take(STATE, state()) == []
    assert (picture.states, picture.law_checks, picture.faults) == (1, 2, [])
    account = picture.meters["grid"].accounts["import"]
    assert account.booked_milliwh == account.flowed_milliwh == 8_000
    assert account.buckets_milliwh == {"peak": 3_000, "off_peak": 4_500}


@pytest.mark.parametrize(
    "changes",
    [
        {"import_register_milliwh": 10_001},
        {"import_bucket_peak_milliwh": 2_999},
        {"import_unassigned_milliwh": 501},
        {"export_earlier_epochs_milliwh": 1},
        {"import_register_milliwh": 10_000.0},
        {"import_unassigned_milliwh": None},
        {"export_bucket_peak_milliwh": True},
        {"bucket": None},
    ],
)
def test_one_milliwatt_hour_off_or_no_integer_is_a_fault(changes: dict[str, Any]) -> None:
    picture = Picture()
    told = picture.take(STATE, state(**changes))
    assert len(picture.faults) == 1
    assert told == [f"FAULT {picture.faults[0]}"]
    assert STATE in told[0]


def test_a_missing_key_and_no_json_are_faults() -> None:
    picture = Picture()
    content = json.loads(state())
    del content["export_register_milliwh"]
    picture.take(STATE, json.dumps(content).encode())
    picture.take(STATE, b"[1]")
    picture.take(STATE, b"not json")
    picture.take("netmeter/demo/status", b"perhaps")
    assert len(picture.faults) == 4


def test_a_direction_that_the_meter_has_not_proven_is_no_fault() -> None:
    nothing = {key: None for key in json.loads(state()) if key.startswith("export_")}
    picture = Picture()
    picture.take(STATE, state(**nothing))
    assert picture.faults == []
    assert picture.law_checks == 1
    assert list(picture.meters["grid"].accounts) == ["import"]


def test_the_switch_of_the_bucket_is_told_once() -> None:
    picture = Picture()
    picture.take(STATE, state())
    told = picture.take(STATE, state(bucket="peak", time_utc_us=AT_US))
    assert told == ["16:00:00  grid: the bucket switches from off_peak to peak"]
    assert picture.take(STATE, state(bucket="peak", time_utc_us=AT_US)) == []


def test_status_interval_and_event_are_told() -> None:
    picture = Picture()
    assert picture.take("netmeter/demo/status", b"online") == ["gateway demo is online"]
    assert picture.take("netmeter/demo/meter/grid/status", b"online") == ["meter grid is online"]
    interval = {
        "start_utc_us": AT_US - 900_000_000,
        "end_utc_us": AT_US,
        "bucket": "off_peak",
        "seq": 7,
        "import_milliwh": 1_234_567,
        "import_uncertain_milliwh": 2_000,
        "export_milliwh": None,
    }
    told = picture.take("netmeter/demo/meter/grid/interval", json.dumps(interval).encode())
    assert told == ["grid: interval record 7, 15:45:00 to 16:00:00, off_peak: import 1.234 +-0.002 kWh"]
    event = {"event": "gap", "meter": "grid", "seq": 1, "reason": "no_answer"}
    told = picture.take("netmeter/demo/meter/grid/event", json.dumps(event).encode())
    assert told == ["grid: event gap reason=no_answer"]
    assert (picture.intervals, picture.events, picture.gateway_online) == (1, 1, True)


def test_other_topics_are_left_alone() -> None:
    picture = Picture()
    assert picture.take("netmeter/demo/health", b"{}") == []
    assert picture.take("netmeter/demo/meter/grid/head", b"{}") == []
    assert picture.faults == []


def test_figures_for_people() -> None:
    assert kwh(1_234_567_890) == "1,234.567"
    assert kwh(-1_999) == "-0.001"
    assert clock_text(AT_US) == "16:00:00"
    assert power_text(-1_500_000).split() == ["1.500", "kW", "export"]
    assert power_text(None) == "power not told"


def test_the_panel_shows_what_the_message_said() -> None:
    picture = Picture()
    picture.take("netmeter/demo/status", b"online")
    picture.take("netmeter/demo/meter/array/status", b"offline")
    picture.take(STATE, state(import_register_milliwh=1_000_010_000, import_epoch_first_milliwh=1_000_007_000))
    text = "\n".join(panel_lines(picture, AT_US, "30x"))
    assert "Tuesday 2025-07-15 16:00:00 PDT" in text
    assert "1,000.010 kWh" in text
    assert "1.500 kW export" in text
    assert "array    offline, no reading yet" in text
    assert "> off_peak" in text
    assert "gateway online" in text
    assert "law checked 2 times: holds" in text
