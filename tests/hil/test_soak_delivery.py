"""The plan of `soak delivery`, and how its judge reads a collector's database: by hand, against the collector's own."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from gateway.ledger.collected.collection import Collection
from hil.soak.collected import collected, intervals, troubles
from hil.soak.delivery_plan import ROUND_SIZE, Side, Trouble, delivery_fault, delivery_round
from hil.soak.history import Verdict
from hil.soak.judge_records import judge_chain, one_content_each
from hil.soak.soaks import SOAKS
from tests.pipeline.collected_site import Site, flow, sent_as
from tests.pipeline.world import MIN, utc_us

START_US = utc_us("2026-07-14T15:05:00-07:00")


def test_each_round_has_each_fault_once_in_an_order_of_its_own() -> None:
    rounds = [
        [delivery_fault(7, index * ROUND_SIZE + place) for place in range(1, ROUND_SIZE + 1)] for index in range(9)
    ]
    for faults in rounds:
        assert Counter(one.trouble for one in faults) == Counter(Trouble)
    assert len({tuple(one.trouble for one in faults) for faults in rounds}) == 9
    assert {one.side for faults in rounds for one in faults} == set(Side)


def test_a_round_ends_with_its_deck_or_where_it_is_told() -> None:
    _, faults = delivery_round(7, 13, 20)
    assert [one.number for one in faults] == list(range(13, 21))
    _, faults = delivery_round(7, 13, 99)
    assert [one.number for one in faults] == list(range(13, 25))
    assert SOAKS["delivery"].describe(7, 13) == str(faults[0])


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("elm")
    site, collection = Site(folder / "elm", at_us=START_US), Collection(folder / "c.sqlite")
    sent = []
    for minute in range(0, 61, 5):
        sent += site.read(START_US + minute * MIN, *flow(minute))
    collection.apply([sent_as(one) for one in reversed(sent)])
    site.close()
    collection.close()
    return folder / "c.sqlite"


def test_the_judge_reads_every_record_in_order(database) -> None:
    received = collected(database, "grid")
    verdict = Verdict()
    records = one_content_each(received, "interval", verdict)
    judge_chain(records, verdict)
    assert (verdict.findings, [one["seq"] for one in records]) == ([], [1, 2, 3, 4])  # 15:15 to 16:00
    assert [seq for seq, _ in intervals(database, "grid")] == [1, 2, 3, 4]
    assert len([one for one in received if one.kind == "state"]) == 12  # none before the second reading agreed
    assert troubles(database) == []


def test_a_record_that_is_gone_is_a_hole_and_breaks_the_chain(database, tmp_path) -> None:
    """The control."""
    (tmp_path / "c.sqlite").write_bytes(database.read_bytes())
    with closing(sqlite3.connect(tmp_path / "c.sqlite")) as hand, hand:
        hand.execute("DELETE FROM interval WHERE seq = 2")
    verdict = Verdict()
    judge_chain(one_content_each(collected(tmp_path / "c.sqlite", "grid"), "interval", verdict), verdict)
    assert {one.what for one in verdict.findings} == {"hole", "chain"}


def test_a_database_that_is_not_there_yet_has_nothing(tmp_path) -> None:
    assert intervals(tmp_path / "none.sqlite", "grid") == []
