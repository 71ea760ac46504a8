"""A collector's database: each record once with its position, whatever order, repetition, loss or fraud it comes with.

What is sent comes from the daemon's own books; what must be there is counted by hand or is those very bytes.
"""

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.collect.heard import Faulty, Heard, Kind, Series, hear
from gateway.ledger import chain
from gateway.ledger.collected.collection import Collection
from gateway.ledger.collected.reading import reading
from gateway.ledger.lock import StoreLockedError
from gateway.ledger.store_error import StoreError

from .collected_site import BASE, Sent, Site, flow, sent_as
from .world import MIN, utc_us

START_US = utc_us("2026-07-14T15:05:00-07:00")
EDGES = 12
"""Three hours from 15:05 to 18:04, over the beginning of the peak: the quarters that end at 15:15, 15:30 ... 18:00."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("elm"), at_us=START_US)
    yield made
    made.close()


@pytest.fixture(scope="module")
def sent(site: Site) -> list[Sent]:
    found = []
    for minute in range(0, 15 * EDGES, 5):
        found += site.read(START_US + minute * MIN, *flow(minute))
    found += site.read(START_US + 179 * MIN, *flow(179))
    return [one for one in found if one[0].endswith("/interval")]


@pytest.fixture
def collection(tmp_path: Path):
    made = Collection(tmp_path / "c.sqlite")
    yield made
    made.close()


def whole(site: Site) -> Series:
    return Series("elm", "grid", site.store.store_epoch, Kind.INTERVAL)


def stored(tmp_path: Path) -> list[bytes]:
    """Read by hand."""
    with closing(sqlite3.connect(tmp_path / "c.sqlite")) as hand:
        return [payload.encode() for (payload,) in hand.execute("SELECT payload FROM interval ORDER BY seq")]


def test_records_in_any_order_and_again_are_there_once(site, sent, collection, tmp_path) -> None:
    assert len(sent) == EDGES
    mixed = sent + sent
    random.Random(7).shuffle(mixed)
    new = 0
    for one in mixed:
        applied = collection.apply([sent_as(one)])
        new += applied.new
    assert new == len(sent)
    assert collection.positions() == {whole(site): len(sent)}
    assert stored(tmp_path) == [payload for _, payload in sent]
    assert collection.gaps() == []


def test_the_position_stands_before_the_first_hole(site, sent, collection) -> None:
    collection.apply([sent_as(one) for place, one in enumerate(sent) if place not in (3, 7)])
    assert collection.positions() == {whole(site): 3}
    assert [(gap.from_seq, gap.to_seq) for gap in collection.gaps()] == [(4, 4)]
    collection.apply([sent_as(sent[3])])
    assert collection.positions() == {whole(site): 7}
    assert [(gap.from_seq, gap.to_seq) for gap in collection.gaps()] == [(8, 8)]


def test_who_comes_late_asks_for_all_before(site, sent, collection) -> None:
    collection.apply([sent_as(sent[-1])])
    assert [(gap.from_seq, gap.to_seq) for gap in collection.gaps()] == [(1, len(sent) - 1)]
    assert collection.positions() == {}


def test_a_head_tells_what_is_missing_though_nothing_came(site, sent, collection) -> None:
    collection.apply([sent_as(site.head(), retained=True)])
    assert [(gap.from_seq, gap.to_seq) for gap in collection.gaps()] == [(1, len(sent))]


def test_all_of_a_batch_or_nothing(site, sent, collection, tmp_path) -> None:
    """A batch that fails leaves neither records nor positions, in the file and in memory."""
    collection.apply([sent_as(one) for one in sent[:2]])

    def broken():
        yield from (sent_as(one) for one in sent[2:5])
        raise sqlite3.OperationalError("disk full")

    with pytest.raises(sqlite3.OperationalError):
        collection.apply(broken())
    assert len(stored(tmp_path)) == 2
    assert collection.positions() == {whole(site): 2}
    collection.apply([sent_as(one) for one in sent])
    assert collection.positions() == {whole(site): len(sent)}


def forged(sent: Sent, **changed: object) -> Sent:
    """Another content with a hash of its own that is right."""
    content = json.loads(sent[1]) | changed
    body = {key: one for key, one in content.items() if key not in ("previous_hash", "hash")}
    content["hash"] = chain.link(content["previous_hash"], body)
    return sent[0], json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def test_another_content_under_one_identity_is_trouble_and_changes_nothing(site, sent, collection, tmp_path) -> None:
    collection.apply([sent_as(one) for one in sent])
    again = forged(sent[4], import_milliwh=1)
    applied = collection.apply([sent_as(again), sent_as(again)])
    assert [trouble.what for trouble in applied.troubles] == ["changed"]
    assert stored(tmp_path) == [payload for _, payload in sent]
    with reading(tmp_path / "c.sqlite") as view:
        (trouble,) = view.troubles()
        assert (trouble.times, trouble.dismissed) == (2, 0)
        with pytest.raises(StoreError, match="trouble 1 that nobody has settled"):
            view.intervals("grid")
    collection.dismiss(1)
    with reading(tmp_path / "c.sqlite") as view:
        assert len(view.intervals("grid").rows) == len(sent)


def test_a_record_that_does_not_stand_on_its_neighbour_is_not_taken(site, sent, collection, tmp_path) -> None:
    collection.apply([sent_as(one) for one in sent[:4]])
    slipped_in = forged(sent[4], previous_hash=json.loads(sent[2][1])["hash"])
    assert [one.what for one in collection.apply([sent_as(slipped_in)]).troubles] == ["chain"]
    assert len(stored(tmp_path)) == 4


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"import_milliwh": 5}, "is not what its hash says"),
        ({"seq": "4"}, "seq is no number"),
        ({"gateway": "oak"}, "another gateway"),
        ({"schema": 2}, "schema 2"),
        ({"end_utc_us": 0}, "an interval from"),
    ],
    ids=lambda one: str(one)[:30],
)
def test_what_is_not_what_it_says_is_faulty(sent, change, why) -> None:
    topic, payload = sent[0]
    assert not isinstance(hear(BASE, topic, payload, retained=False), Faulty)  # the control
    broken = json.dumps(json.loads(payload) | change).encode()
    heard = hear(BASE, topic, broken, retained=False)
    assert isinstance(heard, Faulty)
    assert why in heard.why


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"schema":1}', b"1e999"])
def test_nothing_that_comes_raises(payload) -> None:
    for word in ("interval", "event", "head", "state", "backfill"):
        heard = hear(BASE, f"{BASE}/elm/meter/grid/{word}", payload, retained=False)
        assert heard is None or isinstance(heard, Faulty)


def live(store_epoch: str, minute: int, *, retained: bool = False) -> Heard:
    state = {"schema": 1, "gateway": "elm", "meter": "grid", "store_epoch": store_epoch}
    state |= {"time_utc_us": START_US + minute * MIN, "window_us": 0, "register_epoch": 0}
    state |= {"import_register_milliwh": None, "export_register_milliwh": None}
    return sent_as((f"{BASE}/elm/meter/grid/state", json.dumps(state).encode()), retained=retained)


def test_two_gateways_of_one_id_are_noticed_and_a_new_store_is_none(collection) -> None:
    assert not collection.apply([live("a", 1), live("a", 2), live("b", 3)]).troubles
    assert not collection.apply([live("a", 4, retained=True)]).troubles  # what a broker had kept
    assert not collection.apply([live("a", 1), live("a", 2), live("b", 3)]).troubles  # all of it once more
    assert [one.what for one in collection.apply([live("a", 4)]).troubles] == ["two_gateways"]


def answer(site: Site, **changed: object) -> Sent:
    content = {
        "schema": 1,
        "gateway": "elm",
        "meter": "grid",
        "store_epoch": site.store.store_epoch,
        "kind": "interval",
        "id": "x-1",
        "answer": "end",
        "from": 4,
        "to": 4,
        "count": 0,
        "unavailable_from": None,
        "unavailable_to": None,
        "why": None,
        "oldest_seq": 1,
        "newest_seq": 12,
        "previous_store_epoch": None,
    }
    return site.topic("backfill"), json.dumps(content | changed).encode()


def test_what_is_lost_for_good_is_passed_over_and_told(site, sent, collection, tmp_path) -> None:
    collection.apply([sent_as(one) for place, one in enumerate(sent) if place != 3])
    with reading(tmp_path / "c.sqlite") as view, pytest.raises(StoreError, match="missing, from number 4 "):
        view.intervals("grid")
    lost = {"answer": "unavailable", "unavailable_from": 4, "unavailable_to": 4}
    collection.apply([sent_as(answer(site, **lost, why="not_readable"))])
    assert collection.positions() == {whole(site): 3}  # the disk fails now: it may yet come
    collection.apply([sent_as(answer(site, **lost, why="damaged"))])
    assert collection.positions() == {whole(site): len(sent)}
    with reading(tmp_path / "c.sqlite") as view:
        rows = view.intervals("grid").rows
        assert {row[0]: row[3] for row in rows if row[0] in (2, 3, 5, 6)} == {
            2: "measured",
            3: "incomplete",
            5: "incomplete",
            6: "measured",
        }
        assert [(one.lost, one.missing) for one in view.series() if one.kind == "interval"] == [(1, 0)]


def test_an_epoch_of_another_store_is_not_waited_for(site, collection) -> None:
    collection.apply([sent_as(site.head(newest_seq=0, previous_store_epoch="0011223344556677"))])
    asked = {gap.series.store_epoch for gap in collection.gaps()}
    assert asked == {"0011223344556677"}
    for kind in ("interval", "event"):
        gone = {"store_epoch": "0011223344556677", "kind": kind, "answer": "unavailable", "why": "no_such_epoch"}
        gone |= {"from": 1, "to": None, "oldest_seq": None, "newest_seq": None}
        collection.apply([sent_as(answer(site, **gone))])
    assert collection.gaps() == []


def test_one_collector_a_database_and_no_other_programs_file(collection, tmp_path) -> None:
    with pytest.raises(StoreLockedError, match="one collector a database"):
        Collection(tmp_path / "c.sqlite")
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as hand, hand:
        hand.execute("CREATE TABLE mine (x)")
    before = (tmp_path / "other.sqlite").read_bytes()
    with pytest.raises(StoreError, match="no collector's database"):
        Collection(tmp_path / "other.sqlite")
    assert (tmp_path / "other.sqlite").read_bytes() == before


def test_what_a_store_had_not_written_when_it_ended_is_not_waited_for(site, sent, collection, tmp_path) -> None:
    """A head had promised 13; the card died, and the store that follows knows 12."""
    collection.apply([sent_as(one) for one in sent] + [sent_as(site.head(newest_seq=13))])
    beyond = answer(site, answer="unavailable", why="not_written", **{"from": 13, "to": 13})
    collection.apply([sent_as(beyond)])
    assert [(gap.from_seq, gap.to_seq) for gap in collection.gaps()] == [(13, 13)]  # it may be on its way
    follower = json.loads(site.head(newest_seq=0)[1]) | {"previous_store_epoch": site.store.store_epoch}
    follower |= {"store_epoch": "0123456789abcdef", "oldest_seq": 13, "newest_seq": 12}
    collection.apply([sent_as((site.topic("head"), json.dumps(follower).encode())), sent_as(beyond)])
    assert [gap for gap in collection.gaps() if gap.series == whole(site)] == []
    with reading(tmp_path / "c.sqlite") as view:
        found = view.intervals("grid")
        assert ([row[3] for row in found.rows], found.awaited) == (["measured"] * EDGES, 0)


def test_an_altered_byte_is_no_energy(site, sent, collection, tmp_path) -> None:
    collection.apply([sent_as(one) for one in sent])
    collection.close()
    with closing(sqlite3.connect(tmp_path / "c.sqlite")) as hand, hand:
        hand.execute("UPDATE interval SET import_milliwh = import_milliwh + 1 WHERE seq = 5")
    with reading(tmp_path / "c.sqlite") as view, pytest.raises(StoreError, match="record 5 is not what its checksum"):
        view.intervals("grid")
