"""A broker that is away when the daemon starts, and one that is away for an hour: nothing is lost."""

import itertools
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from hil.house import BASE_TOPIC, House
from hil.house_time import monotonic_us
from hil.watcher import Watcher

from .rig import PATIENCE_S, SESSION, Reader, assert_law, make_house, start_all_but_broker

pytestmark = pytest.mark.whole


def wait_until_house(house: House, house_us: int) -> None:
    """Sleep until the house's clock shows an instant, UTC microseconds."""
    while house.anchor.house_us(monotonic_us()) < house_us:
        time.sleep(0.1)


def whole_hour(reader: Reader, last_seq: int) -> bool:
    return all(
        len(reader.intervals(meter)) >= last_seq and reader.intervals(meter)[-1]["seq"] >= last_seq
        for meter in ("grid", "array")
    )


def test_a_broker_away_at_the_start_gets_every_record_later(house: House) -> None:
    start_all_but_broker(house)
    # The daemon meets a closed port for an edge and more: 16:00 passes after ten real seconds.
    deadline_us = house.anchor.start_utc_us + 16 * 60_000_000
    wait_until_house(house, deadline_us)
    house.child("gateway").check()
    house.broker.start()
    watcher = Watcher(house.broker.host, house.broker.port, BASE_TOPIC)
    try:
        reader = Reader(watcher)
        reader.until(lambda r: whole_hour(r, 1) and bool(r.of("state", "grid")), "the first interval of both meters")
    finally:
        watcher.close()
    for meter in ("grid", "array"):
        assert reader.intervals(meter)[0]["seq"] == 1
        assert all(assert_law(r.content) >= 1 for r in reader.of("state", meter))


def test_a_broker_away_for_an_hour_gets_every_record_once_it_is_back(tmp_path: Path) -> None:
    house = make_house(tmp_path, speed=120)
    house.broker.start()
    watcher = Watcher(house.broker.host, house.broker.port, BASE_TOPIC, SESSION)
    try:
        reader = Reader(watcher)
        start_all_but_broker(house)
        reader.until(lambda r: whole_hour(r, 1), "the 16:00 interval")
        house.broker.stop()
        wait_until_house(house, house.anchor.start_utc_us + 80 * 60_000_000)
        house.broker.start()
        # 16:00, :15, :30, :45 and 17:00 at least.
        reader.until(lambda r: whole_hour(r, 5), "all intervals of the hour", PATIENCE_S)
        house.stop_child("gateway")
        reader.rest()
    finally:
        watcher.close()
        house.stop()
    for meter in ("grid", "array"):
        intervals = reader.intervals(meter)
        assert [interval["seq"] for interval in intervals] == list(range(1, len(intervals) + 1))
        for earlier, later in itertools.pairwise(intervals):
            assert earlier["end_utc_us"] == later["start_utc_us"]
    # What is closed in its last moment may wait for the next start; nothing of the hour does.
    with closing(sqlite3.connect(house.folder / "ledger.sqlite")) as store:
        left = [seq for (seq,) in store.execute("SELECT seq FROM outbox WHERE kind = 'interval'")]
    assert all(seq > 5 for seq in left)
