"""What somebody who may publish can say to a collector: kept as faulty, and everything else goes on.

One message that cannot be stored would come again and again, and nothing after it; hashes are made here by the rule in
docs/messages.md, because who lies about a record can hash it too.
"""

import hashlib
import json
import sqlite3
from contextlib import closing

import pytest

from gateway.collect.heard import Faulty, Head, Live, Record, hear
from gateway.ledger.collected.bounds import EPOCHS_MOST, METERS_MOST
from gateway.ledger.collected.collection import Collection
from gateway.ledger.collected.reading import reading

from .collected_site import BASE

EPOCH = "00000000000000ab"
PLACE = {"schema": 1, "gateway": "elm", "meter": "grid", "store_epoch": EPOCH}
ENERGIES = {
    f"{direction}_{name}milliwh": 0
    for direction in ("import", "export")
    for name in ("", "unassigned_", "uncertain_", "register_")
}
INTERVAL = PLACE | ENERGIES
INTERVAL |= {"seq": 1, "revision": 0, "supersedes": None, "register_epoch": 0, "bucket": "peak", "quality": "measured"}
INTERVAL |= {"start_utc_us": 0, "end_utc_us": 900_000_000, "tariff": "a", "tariff_version": "1"}
EVENT = PLACE | {"seq": 1, "time_utc_us": 1, "event": "gap"}
HEAD = PLACE | {"oldest_seq": 1, "newest_seq": 0, "oldest_event_seq": 1, "newest_event_seq": 0}
HEAD |= {"chain_head": "", "previous_store_epoch": None}
ANSWER = PLACE | {"kind": "interval", "id": "a", "answer": "unavailable", "why": "damaged", "from": 1, "to": 9}
ANSWER |= {"count": 0, "unavailable_from": 1, "unavailable_to": 9, "oldest_seq": 1, "newest_seq": 9}
STATE = PLACE | {"time_utc_us": 5, "window_us": 0, "register_epoch": 0, "export_register_milliwh": None}
STATE |= {"import_register_milliwh": 50, "import_epoch_first_milliwh": 20, "import_earlier_epochs_milliwh": 7}
STATE |= {"import_bucket_peak_milliwh": 30, "import_uncertain_peak_milliwh": 1, "import_uncertain_milliwh": 1}
STATE |= {"import_unassigned_milliwh": 7}  # 30 + 7 == 7 + 50 - 20
HALF_A_PAIR = "\ud800"
GOOD = {"interval": INTERVAL, "event": EVENT, "head": HEAD, "backfill": ANSWER, "state": STATE}


def hashed(record: dict[str, object]) -> dict[str, object]:
    def digest(domain: str, before: bytes, content: object) -> str:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(f"netmeter {domain} v1\0".encode() + before + text.encode()).hexdigest()

    first = digest("chain", b"", {"meter": "grid", "store_epoch": record["store_epoch"]})
    return record | {"previous_hash": first, "hash": digest("interval", bytes.fromhex(first), record)}


def payload_of(word: str, **changed: object) -> bytes:
    """`...` takes a key away."""
    content = {key: one for key, one in (GOOD[word] | changed).items() if one is not ...}
    return json.dumps(hashed(content) if word == "interval" else content).encode()


def heard_of(word: str, payload: bytes) -> object:
    return hear(BASE, f"{BASE}/elm/meter/grid/{word}", payload, retained=False)


@pytest.fixture
def collection(tmp_path):
    with closing(Collection(tmp_path / "c.sqlite")) as made:
        yield made


@pytest.mark.parametrize(
    ("word", "changed"),
    [
        ("interval", {"register_epoch": "x"}),
        ("interval", {"register_epoch": ...}),
        ("interval", {"register_epoch": 1.5}),
        ("interval", {"revision": None}),
        ("interval", {"import_milliwh": ...}),
        ("interval", {"quality": HALF_A_PAIR}),
        ("event", {"store_epoch": HALF_A_PAIR}),
        ("event", {"event": HALF_A_PAIR}),
        ("event", {"seq": HALF_A_PAIR}),
        ("event", {"schema": HALF_A_PAIR}),
        ("head", {"previous_store_epoch": HALF_A_PAIR}),
        ("backfill", {"why": HALF_A_PAIR}),
        ("backfill", {"kind": HALF_A_PAIR}),
        ("state", {"window_us": ...}),
        ("state", {"window_us": -1}),
        ("state", {"clock_error_us": "x"}),
        ("state", {"export_register_milliwh": ...}),
        ("state", {"import_uncertain_peak_milliwh": ...}),
        ("state", {"import_epoch_first_milliwh": ...}),
        ("state", {"import_bucket_peak_milliwh": 31}),  # 31 + 7 are booked, 37 were counted
    ],
    ids=str,
)
def test_a_message_that_cannot_be_kept_is_faulty_and_what_follows_is_stored(collection, word, changed) -> None:
    heard = heard_of(word, payload_of(word, **changed))
    assert isinstance(heard, Faulty)
    good = heard_of("interval", payload_of("interval"))
    applied = collection.apply([heard, good])
    assert [one.what for one in applied.troubles] == ["faulty"]
    assert applied.new == 1


def test_the_controls_are_what_they_say() -> None:
    found = {word: type(heard_of(word, payload_of(word))) for word in ("interval", "event", "head", "state")}
    assert found == {"interval": Record, "event": Record, "head": Head, "state": Live}


def test_text_in_another_encoding_is_no_message() -> None:
    payload = json.dumps(EVENT).encode("utf-16")
    assert json.loads(payload) == EVENT  # Python would take it; what is kept is text in UTF-8
    assert isinstance(heard_of("event", payload), Faulty)


def test_an_epoch_that_names_itself_as_the_one_before_it_is_shown(collection, tmp_path) -> None:
    collection.apply([heard_of("head", payload_of("head", previous_store_epoch=EPOCH))])
    with reading(tmp_path / "c.sqlite") as view:
        assert view.epochs("elm", "grid") == [EPOCH]


def test_what_never_was_cannot_be_lost(collection) -> None:
    """Nine records are told of; an answer says that all up to a number without end are lost. The tenth is missed."""
    lost = heard_of("backfill", payload_of("backfill", to=1 << 61, unavailable_to=1 << 61))
    collection.apply([lost])
    assert not collection.gaps()  # the control: nine are passed over
    collection.apply([heard_of("head", payload_of("head", newest_seq=11))])
    assert [(gap.from_seq, gap.to_seq) for gap in collection.gaps()] == [(10, 11)]


def place_count(path) -> tuple[int, int]:
    """Epochs and series in the database, by hand."""
    with closing(sqlite3.connect(path)) as hand:
        return tuple(hand.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("epoch", "series"))


def test_made_up_epochs_come_to_an_end_and_the_true_one_goes_on(collection, tmp_path) -> None:
    """The first is the gateway's own, before the others; each record of a made-up one is sound in itself."""
    own = heard_of("head", payload_of("head"))
    made_up = [heard_of("interval", payload_of("interval", store_epoch=f"{n:016x}")) for n in range(1, 3 * EPOCHS_MOST)]
    assert {type(one) for one in made_up} == {Record}  # the control
    applied = collection.apply([own, *made_up])
    # The gateway's own is one of the thousand; it is one of the made-up names too: 0xab is 171.
    assert applied.new == EPOCHS_MOST
    assert [(one.what, one.gateway) for one in applied.troubles] == [("too_many", "elm")]
    assert place_count(tmp_path / "c.sqlite") == (EPOCHS_MOST, EPOCHS_MOST + 1)  # its own has intervals and events
    assert collection.apply([heard_of("event", payload_of("event"))]).new == 1


def test_what_a_head_says_came_before_is_heard_once(collection, tmp_path) -> None:
    heads = [heard_of("head", payload_of("head", previous_store_epoch=f"{n:016x}")) for n in range(1, 50)]
    collection.apply(heads)
    assert place_count(tmp_path / "c.sqlite") == (1, 4)  # this epoch's two series, and those of the first named


def test_the_bounds_are_those_of_the_file_after_a_restart(tmp_path) -> None:
    def head_of(meter: str) -> object:
        payload = payload_of("head", meter=meter)
        return hear(BASE, f"{BASE}/elm/meter/{meter}/head", payload, retained=False)

    path = tmp_path / "c.sqlite"
    with closing(Collection(path)) as first:
        assert not first.apply(head_of(f"m{n}") for n in range(METERS_MOST)).troubles
    with closing(Collection(path)) as again:
        assert [one.what for one in again.apply([head_of("one-more")]).troubles] == ["too_many"]
        assert not again.apply([head_of("m7")]).troubles
