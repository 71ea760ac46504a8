"""The estimate of wire and disk: hand arithmetic, and its constants against real messages and a real store."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from drivers import EnergyRegister, RegisterSnapshot
from gateway.clock import ClockState
from gateway.config import budget
from gateway.config.budget import estimate
from gateway.config.load import load_config
from gateway.config.types import Config
from gateway.energy import AccumulatorState, Direction, DirectionState, Interval, Part, Quality
from gateway.ledger.epochs import Machine, StoreEpoch
from gateway.ledger.history import Head, Series
from gateway.ledger.records import interval_record
from gateway.ledger.schema import migrate
from gateway.publish.head import head_message
from gateway.publish.message import interval_message, render, state_record
from gateway.reading.read import Reading

EXAMPLE = Path(__file__).parents[2] / "config" / "gateway.toml"
BUCKETS = ("summer_peak", "summer_off_peak", "winter_peak", "winter_off_peak")
REGISTER_MILLIWH = 22_345_678_901  # 22 MWh, some years of a house
HASH = "0" * 64


def one_meter() -> Config:
    config = load_config(EXAMPLE)
    return msgspec.structs.replace(config, meter=config.meter[:1])


def test_the_arithmetic_by_hand():
    made = estimate(one_meter(), buckets=4)
    # a message: 40 topic + 15 MQTT + 6 PUBACK + 3 x 52 TCP/IP = 217 bytes besides its payload
    assert made.state_message_bytes == 600 + 4 * 200 + 217 == 1617
    assert made.interval_message_bytes == 740 + 217 + 300 + 217 == 1474  # the record, and the head behind it
    assert (made.states_a_day, made.intervals_a_day) == (8640, 96)  # every 10 s, every 15 min
    assert made.readings_a_day == 17_280 + 2 * 96  # every 5 s, and two around each edge
    assert made.wire_bytes_a_month == 30 * (8640 * 1617 + 96 * 1474) == 423_371_520
    # each quarter hour leaves a record and five readings for ever; all readings of forty days stand besides
    assert made.disk_bytes_each_later_year == 365 * 96 * (5 * 75 + 300) == 23_652_000
    assert made.disk_bytes_first_year == 23_652_000 + 40 * 17_472 * 75 + 4_200_000 == 80_268_000
    wire, disk = made.lines()
    assert wire.startswith("on the wire: at most 423 MB a month (1 meter x 30 days x (8640 states x 1617 bytes")
    assert disk.startswith("on disk: 0.08 GB after a year, then 0.02 GB more a year")


def test_a_second_meter_doubles_what_grows_and_tls_adds_to_each_message():
    one, two = estimate(one_meter(), buckets=4), estimate(load_config(EXAMPLE), buckets=4)
    assert two.wire_bytes_a_month == 2 * one.wire_bytes_a_month
    assert two.disk_bytes_each_later_year == 2 * one.disk_bytes_each_later_year
    config = one_meter()
    sealed = estimate(msgspec.structs.replace(config, mqtt=msgspec.structs.replace(config.mqtt, tls=True)), buckets=4)
    assert sealed.wire_bytes_a_month - one.wire_bytes_a_month == 30 * (8640 + 2 * 96) * 44


def test_a_slow_meter_sends_no_more_states_than_it_has_readings():
    config = one_meter()
    slow = msgspec.structs.replace(config, meter=(msgspec.structs.replace(config.meter[0], poll_s=60),))
    assert estimate(slow, buckets=4).states_a_day == 1440


def real_state() -> str:
    totals = dict.fromkeys(BUCKETS, REGISTER_MILLIWH // 4) | {"unassigned": 1_234_567}
    account = DirectionState(
        epoch_first_milliwh=12_345_678_901,
        last_milliwh=REGISTER_MILLIWH,
        earlier_epochs_milliwh=0,
        totals_milliwh=totals,
        uncertain_milliwh=dict.fromkeys(BUCKETS, 123_456),
        marks=[],
        proven=True,
        interval_first_milliwh=0,
    )
    both = AccumulatorState(register_epoch=1, directions={Direction.IMPORT: account, Direction.EXPORT: account})
    register = EnergyRegister(REGISTER_MILLIWH, 10)
    snapshot = RegisterSnapshot(register, register, -4_231_000, True, {})
    reading = Reading("grid", snapshot, 1_764_000_000_000_000, 1_764_000_000_120_000, 5, "b", ClockState.SYNCED)
    return render(state_record("home", "grid", "0123456789abcdef", reading, both, BUCKETS[3], BUCKETS))


def real_interval() -> str:
    part = Part(123_456_789, 0, 12_345, REGISTER_MILLIWH)
    interval = Interval(
        1_764_000_000_000_000, 1_764_000_900_000_000, BUCKETS[3], "2026-03-01", 1, Quality.MEASURED, part, part
    )
    record = interval_record("home", "grid", "0123456789abcdef", 12_345, interval, "pge-e-tou-c")
    return interval_message(record, HASH, HASH)


def real_head() -> str:
    epoch = StoreEpoch(1, "0123456789abcdef", "home", 0, "first", "", Machine())
    series = Series(epoch, 1, 12_345, None)
    return head_message("home", "grid", Head(epoch.store_epoch, series, series, HASH))


@pytest.mark.parametrize(
    ("payload", "estimated_bytes"),
    [
        (real_state(), budget.STATE_BYTES + 4 * budget.STATE_BUCKET_BYTES),
        (real_interval(), budget.INTERVAL_BYTES),
        (real_head(), budget.HEAD_BYTES),
    ],
    ids=["state", "interval", "head"],
)
def test_the_payload_constants_fit_real_messages(payload, estimated_bytes):
    assert len(payload) * 0.9 <= estimated_bytes <= len(payload) * 1.15, len(payload)


VALUES = {"bucket": BUCKETS[3], "tariff": "pge-e-tou-c", "tariff_version": "2026-03-01", "quality": "measured"}
VALUES |= {"decision": "accepted", "previous_hash": HASH, "hash": HASH}


@pytest.mark.parametrize(
    ("table", "estimated_bytes"),
    [("reading", budget.READING_ROW_BYTES), ("interval", budget.INTERVAL_ROW_BYTES)],
)
def test_the_row_constants_fit_a_real_store(tmp_path, table, estimated_bytes):
    path, rows = tmp_path / "ledger.sqlite", 5000
    migrate(path)
    connection = sqlite3.connect(path)
    columns = [(name, kind) for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")]

    def value(name: str, kind: str, row: int) -> int | str | None:
        if name in ("seq", "reading_id"):
            return row + 1
        if name in ("supersedes", "acts"):
            return None
        if kind == "TEXT":
            return VALUES[name]
        if name.endswith("_us"):
            return 1_764_000_000_000_000 + row
        return (
            REGISTER_MILLIWH if name.endswith("register_milliwh") or (table == "reading" and "_milliwh" in name) else 99
        )

    def size() -> int:
        connection.commit()
        return connection.execute("PRAGMA page_count").fetchone()[0] * 4096

    before = size()
    marks = ", ".join("?" * len(columns))
    connection.executemany(
        f"INSERT INTO {table} VALUES ({marks})",
        [[value(name, kind, row) for name, kind in columns] for row in range(rows)],
    )
    row_bytes = (size() - before) / rows
    connection.close()
    assert row_bytes * 0.85 <= estimated_bytes <= row_bytes * 1.3, row_bytes
