"""The outbox: the same bytes after any number of restarts, in order, gone only when acknowledged."""

from pathlib import Path

import pytest

from gateway.ledger.records import Batch, OutboxRow
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store

PAYLOADS = ['{"z":1}', '{"b":"\\u2600 Zähler"}', '{"c":"' + "x" * 5000 + '"}']


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite"
    migrate(path)
    store = Store(path)
    meter_id = store.load_meter("grid").meter_id
    rows = [(meter_id, OutboxRow(10 + n, "grid", "event", n, payload)) for n, payload in enumerate(PAYLOADS)]
    store.commit(Batch(outbox=rows))
    store.close()
    return path


def test_rows_come_back_with_the_same_bytes_in_order(path: Path) -> None:
    for _ in range(2):
        store = Store(path)
        rows = store.pending(0, 100)
        store.close()
        assert [row.payload for row in rows] == PAYLOADS
        assert [(row.outbox_id, row.meter, row.kind, row.seq) for row in rows] == [
            (10, "grid", "event", 0),
            (11, "grid", "event", 1),
            (12, "grid", "event", 2),
        ]


def test_pending_goes_on_behind_an_id_and_stops_at_the_limit(path: Path) -> None:
    store = Store(path)
    assert [row.outbox_id for row in store.pending(10, 1)] == [11]
    assert [row.outbox_id for row in store.pending(12, 5)] == []
    store.close()


def test_only_what_is_acknowledged_goes(path: Path) -> None:
    store = Store(path)
    store.commit(Batch(acknowledged=[11, 11, 99]))  # twice, and one that is not there
    assert (store.outbox_depth(), store.newest_outbox_id()) == (2, 12)
    store.close()
    store = Store(path)
    assert [row.outbox_id for row in store.pending(0, 100)] == [10, 12]
    store.commit(Batch(acknowledged=[10, 12]))
    assert (store.outbox_depth(), store.newest_outbox_id()) == (0, 0)
    store.close()
