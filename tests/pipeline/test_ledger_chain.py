"""The record chain against a second reckoning: SHA-256 over bytes written out here by hand."""

import hashlib
import json

import pytest

from gateway.energy import Interval, Part, Quality
from gateway.ledger import chain
from gateway.ledger.records import interval_record

STORE_EPOCH = "0123456789abcdef"
GENESIS_BYTES = b'netmeter chain v1\x00{"meter":"grid","store_epoch":"0123456789abcdef"}'
RECORD: dict[str, int | str | None] = {"seq": 1, "meter": "grid", "import_milliwh": 1500, "export_milliwh": None}
RECORD_BYTES = b'{"export_milliwh":null,"import_milliwh":1500,"meter":"grid","seq":1}'


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_genesis_is_the_hash_of_meter_and_store_epoch() -> None:
    assert chain.genesis(STORE_EPOCH, "grid") == sha256(GENESIS_BYTES).hex()


def test_link_is_the_hash_of_domain_old_hash_and_record() -> None:
    before = sha256(GENESIS_BYTES)
    expected = sha256(b"netmeter interval v1\x00" + before + RECORD_BYTES).hex()
    assert chain.link(before.hex(), RECORD) == expected


def test_canonical_bytes_do_not_depend_on_the_order_of_the_keys() -> None:
    assert chain.canonical(RECORD) == RECORD_BYTES
    assert chain.canonical(dict(reversed(RECORD.items()))) == RECORD_BYTES


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"a": "Zähler ☀"}, rb'{"a":"Z\u00e4hler \u2600"}'),
        ({"a": 'x"\\\n'}, rb'{"a":"x\"\\\n"}'),
        ({"a": -(2**63)}, b'{"a":-9223372036854775808}'),
    ],
)
def test_canonical_bytes_are_ascii(record: dict[str, int | str | None], expected: bytes) -> None:
    assert chain.canonical(record) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {**RECORD, "import_milliwh": 1501},
        {**RECORD, "seq": 2},
        {**RECORD, "export_milliwh": 0},
        {**RECORD, "import_milliwh": "1500"},
        {key: value for key, value in RECORD.items() if key != "export_milliwh"},
    ],
)
def test_any_change_of_a_record_changes_its_hash(changed: dict[str, int | str | None]) -> None:
    before = chain.genesis(STORE_EPOCH, "grid")
    assert chain.link(before, changed) != chain.link(before, RECORD)


def test_meters_and_stores_have_chains_of_their_own() -> None:
    heads = {chain.genesis(epoch, meter) for epoch in ("00", "01") for meter in ("a", "b")}
    assert len(heads) == 4


def test_record_of_an_interval_word_for_word() -> None:
    interval = Interval(10, 20, "high", "2026-03-01", 2, Quality.ESTIMATED, Part(5, 1, 2, 105), None)
    record = interval_record("gw1", "grid", STORE_EPOCH, 7, interval, "pge-e-tou-c")
    assert json.loads(chain.canonical(record)) == {
        "schema": 1,
        "gateway": "gw1",
        "meter": "grid",
        "store_epoch": STORE_EPOCH,
        "seq": 7,
        "revision": 0,
        "supersedes": None,
        "register_epoch": 2,
        "start_utc_us": 10,
        "end_utc_us": 20,
        "bucket": "high",
        "tariff": "pge-e-tou-c",
        "tariff_version": "2026-03-01",
        "quality": "estimated",
        "import_milliwh": 5,
        "import_unassigned_milliwh": 1,
        "import_uncertain_milliwh": 2,
        "import_register_milliwh": 105,
        "export_milliwh": None,
        "export_unassigned_milliwh": None,
        "export_uncertain_milliwh": None,
        "export_register_milliwh": None,
    }
