"""The public contract: topics, exact bytes, and the law that any reader of a `state` can check."""

import json

import pytest

from gateway.buckets.accumulate import Accumulator
from gateway.energy import Interval, Part, Quality
from gateway.ledger import chain
from gateway.ledger.records import interval_record
from gateway.publish.message import Topics, chained_message, event_message, interval_message, render, state_record

from .world import MIN, NOON_US, WH, S, accumulator, by_hand, moved, reading, register, snapshot

BUCKETS = ("unassigned", "low", "high")


def record_of(account: Accumulator, last: object = None) -> dict[str, int | str | None]:
    one = reading(NOON_US + 30 * MIN, 0, half_window_us=250_000)
    shown = moved(one, snapshot=snapshot(7)) if last is None else last
    return state_record("gw1", "grid", "00ff", shown, account.state, "high", BUCKETS)  # type: ignore[arg-type]


def counted() -> Accumulator:
    """Import: 3 in `low`, 7 in `high`, then another meter with 20 in `high`. No export."""
    account = accumulator(by_hand((NOON_US, 2)), limit_milliw=3_600_000)
    account.start_epoch(1, reading(NOON_US - 1 * S, 1000 * WH))
    account.add(reading(NOON_US + 2 * S, 1000 * WH + 10))
    account.start_epoch(2, reading(NOON_US + 3 * S, 5 * WH))
    account.add(reading(NOON_US + 4 * S, 5 * WH + 20))
    return account


def test_topics_of_a_gateway() -> None:
    topics = Topics("netmeter", "farm-7")
    assert topics.status == "netmeter/farm-7/status"
    assert topics.health == "netmeter/farm-7/health"
    assert [topics.meter("grid", kind) for kind in ("status", "state", "interval", "event")] == [
        "netmeter/farm-7/meter/grid/status",
        "netmeter/farm-7/meter/grid/state",
        "netmeter/farm-7/meter/grid/interval",
        "netmeter/farm-7/meter/grid/event",
    ]


def test_state_of_two_epochs_word_for_word() -> None:
    # Doubts: first digit 1; noon: low 1000000, high min(1000011, 1001001), booked 1000003: 8 to both buckets;
    # exchange: old digit 1, a second at 3.6 kW 1000, new digit 1.
    assert record_of(counted()) == {
        "schema": 1,
        "gateway": "gw1",
        "meter": "grid",
        "store_epoch": "00ff",
        "register_epoch": 2,
        "opening": "first",
        "time_utc_us": NOON_US + 30 * MIN + 250_000,
        "window_us": 500_000,
        "clock": "synced",
        "clock_error_us": 0,
        "bucket": "high",
        "power_milliw": None,
        "one_moment": 1,
        "import_register_milliwh": 5020,
        "import_rolled_over_milliwh": 0,
        "import_digit_milliwh": 1,
        "import_epoch_first_milliwh": 5000,
        "import_earlier_epochs_milliwh": 10,
        "import_unassigned_milliwh": 0,
        "import_uncertain_milliwh": 9 + 1010,
        "import_bucket_low_milliwh": 3,
        "import_uncertain_low_milliwh": 9,
        "import_bucket_high_milliwh": 27,
        "import_uncertain_high_milliwh": 8 + 1002,
        "export_register_milliwh": None,
        "export_rolled_over_milliwh": None,
        "export_digit_milliwh": None,
        "export_epoch_first_milliwh": None,
        "export_earlier_epochs_milliwh": None,
        "export_unassigned_milliwh": None,
        "export_uncertain_milliwh": None,
        "export_bucket_low_milliwh": None,
        "export_uncertain_low_milliwh": None,
        "export_bucket_high_milliwh": None,
        "export_uncertain_high_milliwh": None,
    }


def law_of(payload: dict[str, int], direction: str) -> tuple[int, int]:
    """Both sides of the law, by a reader who knows only the contract."""
    buckets = sum(v for k, v in payload.items() if k.startswith(f"{direction}_bucket_"))
    left = payload[f"{direction}_unassigned_milliwh"] + buckets
    names = ("earlier_epochs", "register", "epoch_first")
    earlier, now, first = (payload[f"{direction}_{name}_milliwh"] for name in names)
    return left, earlier + now - first


def test_reader_can_check_the_law() -> None:
    assert law_of(json.loads(render(record_of(counted()))), "import") == (30, 30)


def test_bucket_of_an_earlier_tariff_stays_in_the_sum() -> None:
    account = counted()
    record = state_record("gw1", "grid", "00ff", reading(NOON_US, 0), account.state, "flat", ("unassigned", "flat"))
    assert record["import_bucket_flat_milliwh"] == 0
    assert (record["import_bucket_low_milliwh"], record["import_bucket_high_milliwh"]) == (3, 27)
    assert law_of(json.loads(render(record)), "import") == (30, 30)


def test_export_that_is_not_proven_is_null_and_never_zero() -> None:
    account = accumulator(by_hand((NOON_US, 2)))
    account.start_epoch(1, reading(NOON_US, 5, register(0, unproven=True)))
    record = record_of(account)
    assert {value for name, value in record.items() if name.startswith("export_")} == {None}
    account.add(reading(NOON_US + 1 * S, 5, 9))
    record = record_of(account)
    assert (record["export_register_milliwh"], record["export_bucket_high_milliwh"]) == (9, 9)


def test_what_an_earlier_meter_exported_is_not_hidden_by_a_new_ones_unproven_zero() -> None:
    account = accumulator(by_hand((NOON_US, 2)))
    account.start_epoch(1, reading(NOON_US, 5, 100))
    account.add(reading(NOON_US + 1 * S, 5, 130))
    account.start_epoch(2, reading(NOON_US + 2 * S, 0, register(0, unproven=True)))
    record = record_of(account)
    assert (record["export_bucket_high_milliwh"], record["export_earlier_epochs_milliwh"]) == (30, 30)
    assert law_of(json.loads(render(record)), "export") == (30, 30)


@pytest.mark.parametrize(
    ("record", "wire"),
    [
        ({"b": 1, "a": None, "c": "x y"}, '{"a":null,"b":1,"c":"x y"}'),
        ({"meter": "Zähler"}, '{"meter":"Z\\u00e4hler"}'),
        ({"n": 2**63 - 1}, '{"n":9223372036854775807}'),
    ],
)
def test_payload_is_always_the_same_bytes(record: dict[str, int | str | None], wire: str) -> None:
    assert render(record) == wire


def test_event_on_the_wire() -> None:
    assert event_message("gw1", "grid", "00ff", 7, 12, "gap", {"over_edge": 1}) == (
        '{"event":"gap","gateway":"gw1","meter":"grid","over_edge":1,"schema":1,"seq":7,'
        '"store_epoch":"00ff","time_utc_us":12}'
    )


def test_detail_of_an_event_cannot_take_the_place_of_its_head() -> None:
    payload = json.loads(event_message("gw1", "grid", "00ff", 7, 12, "gap", {"seq": 99, "event": "other"}))
    assert (payload["seq"], payload["event"]) == (7, "gap")


def test_interval_on_the_wire_is_its_record_and_its_place_in_the_chain() -> None:
    assert interval_message({"seq": 3}, "aa", "bb") == '{"hash":"bb","previous_hash":"aa","seq":3}'


@pytest.mark.parametrize("name", ["high", 'a,"quality":,"import_milliwh":', "Zähler"])
def test_a_record_that_is_written_already_gets_its_hashes_where_the_keys_belong(name: str) -> None:
    part = Part(1, 2, 3, 4)
    for one in (part, None):
        interval = Interval(0, 900, name, name, 1, Quality.MEASURED, one, part)
        record = interval_record("gw1", "grid", "00ff", 7, interval, name, 1, 3)
        expected = json.dumps({**record, "hash": "bb", "previous_hash": "aa"}, sort_keys=True, separators=(",", ":"))
        assert chained_message(chain.canonical(record), "aa", "bb") == expected == interval_message(record, "aa", "bb")
