"""Each kind of jump, and pairs of them, as twenty readings with kill -9 before and after the commit of every one.

The end in the store is compared with integers written by hand (`jump_histories`). The control is a process that is
always killed before its commit: then nothing may be there.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.energy import Direction
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store

from .jump_histories import KINDS, PAIRS, History

ROOT = Path(__file__).parents[2]


def run(store: Path, name: str, *more: str) -> None:
    command = [sys.executable, "-m", "tests.pipeline.jump_runner", str(store), name, *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def path(tmp_path: Path) -> Path:
    migrate(tmp_path / "ledger.sqlite")
    return tmp_path / "ledger.sqlite"


def ends(store: Store) -> tuple[dict[str, int], dict[str, int]]:
    """What the store has of the import register, in the words of `History.ends`; and what is uncertain."""
    meter = store.load_meter("grid")
    account = meter.accumulator.directions[Direction.IMPORT]
    memory = meter.validator.memories.get(Direction.IMPORT)
    found = {
        **account.totals_milliwh,
        "earlier": account.earlier_epochs_milliwh,
        "first": account.epoch_first_milliwh,
        "last": account.last_milliwh,
        "epoch": meter.accumulator.register_epoch,
        "rolled_over": 0 if memory is None else memory.rolled_over_milliwh,
    }
    return {name: number for name, number in found.items() if number}, account.uncertain_milliwh


def told(store: Store) -> list[tuple[str, str]]:
    events = [json.loads(row.payload) for row in store.pending(0, 1000) if row.kind == "event"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    return [(event["event"], event.get("classified", "")) for event in events if event["event"] != "gap"][1:]


def check(path: Path, history: History) -> None:
    store = Store(path)
    try:
        found, uncertain = ends(store)
        assert found == {name: number for name, number in history.ends.items() if number}
        assert told(store) == history.events
        if history.uncertain:
            assert uncertain == history.uncertain
    finally:
        store.close()


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_jump_with_kills_at_every_reading(path: Path, name: str) -> None:
    run(path, name)
    check(path, KINDS[name])


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_of_jumps_with_kills_at_every_reading(path: Path, name: str) -> None:
    run(path, name)
    check(path, PAIRS[name])


def test_control_killed_before_every_commit_nothing_is_booked(path: Path) -> None:
    run(path, "a momentary zero", "always-before")
    store = Store(path)
    assert store.load_meter("grid").accumulator.register_epoch == 0
    store.close()


def test_every_history_has_twenty_readings_and_obeys_the_law() -> None:
    for name, history in {**KINDS, **PAIRS}.items():
        assert len(history.registers) == 20, name
        buckets = sum(history.ends.get(bucket, 0) for bucket in ("low", "high", "unassigned"))
        end = history.ends
        assert buckets == end.get("earlier", 0) + end["last"] - end["first"], name
