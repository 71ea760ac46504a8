"""The checkpoint file follows every commit that gave out a number before anybody can hear of it, whatever its size."""

from pathlib import Path

import msgspec
import pytest

from gateway.energy import EdgeAtRisk
from gateway.ledger.checkpoint_file import COPIES, CheckpointFile
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.registers.validate import ValidatorState

from .test_ledger_store import account, full_batch
from .world import NOON_US, S

LARGE_EDGES = 12_000
"""Of some 50 bytes each: more than half a megabyte, as hundreds of meters have."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "ledger.sqlite"
    migrate(place)
    return place


@pytest.mark.parametrize("edges", [1, LARGE_EDGES])
def test_each_commit_with_a_record_is_in_the_file_when_it_returns(path: Path, edges: int) -> None:
    store = Store(path)
    meter_id = store.load_meter("grid").meter_id
    at_risk = [EdgeAtRisk(NOON_US + each * S, "high", "low") for each in range(edges)]
    state = ValidatorState(), msgspec.structs.replace(account(), at_risk=at_risk)
    for seq in (1, 2, 3):
        batch = full_batch(meter_id, seq)
        batch.states = {meter_id: state}
        store.commit(batch)
        known = CheckpointFile(path).load()
        assert known is not None
        assert (known.meters["grid"].interval_seq, known.meters["grid"].event_seq) == (seq, seq)
        assert known.meters["grid"].accumulator.at_risk == at_risk
    if edges == LARGE_EDGES:
        assert path.with_name(f"{path.name}.{COPIES[0]}").stat().st_size > 500_000
    store.close()


def test_a_commit_of_readings_alone_writes_none(path: Path) -> None:
    store = Store(path)
    meter_id = store.load_meter("grid").meter_id
    store.commit(full_batch(meter_id, 1))
    known = CheckpointFile(path).load()
    store.commit(Batch(readings=full_batch(meter_id, 2).readings))
    assert CheckpointFile(path).load() == known
    store.close()


def test_one_that_cannot_be_written_stays_due_and_is_told(path: Path) -> None:
    """Generation 1 goes into the second copy: a folder has its name."""
    store = Store(path)
    meter_id = store.load_meter("grid").meter_id
    in_the_way = path.with_name(f"{path.name}.{COPIES[1]}")
    in_the_way.mkdir()
    store.commit(full_batch(meter_id, 1))
    assert "directory" in store.checkpoint_error
    in_the_way.rmdir()
    store.save_checkpoint()
    known = CheckpointFile(path).load()
    assert known is not None
    assert (known.meters["grid"].interval_seq, store.checkpoint_error) == (1, "")
    store.close()
