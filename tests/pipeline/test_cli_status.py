"""What `netmeter status` makes of the gateway's own words: each trouble with what to do about it."""

import sqlite3

import pytest

from gateway.cli.status import find_troubles


def answer(storage: str) -> dict[str, object]:
    """Of a gateway that has no trouble but its store's."""
    return {"storage": storage, "clock": "synced", "delivery": {"connected": True, "held": (), "thrown_out": 0}}


def test_a_full_disk_is_told_with_what_becomes_of_the_readings() -> None:
    with sqlite3.connect(":memory:") as full:
        full.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.OperationalError) as told:
            full.execute("CREATE TABLE t (a)")
    (trouble,) = find_troubles(answer(str(told.value)))
    assert trouble.startswith("store: database or disk is full")
    assert "make room on that disk: until then what is read waits in memory" in trouble


def test_another_trouble_of_the_disk_says_nothing_of_room() -> None:
    (trouble,) = find_troubles(answer("disk I/O error"))
    assert trouble == "store: disk I/O error"


def test_control_a_store_that_works_is_no_trouble() -> None:
    assert find_troubles(answer("ok")) == []
