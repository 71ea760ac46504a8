"""What a jump left open, and what came back with a return, is the same when the stored readings are booked again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bookkeeping.recompute import is_same
from gateway.ledger.store import Store
from hil.histories.jump_plan import jump_history
from hil.histories.jump_play import JumpPlayer
from hil.histories.mix_plan import mixed_history

from . import stored_history
from .stored_history import again, dense, keep
from .test_recompute_laws import thin_all
from .world import S


class _KeptJumps(JumpPlayer):
    def __init__(self, history: object) -> None:
        super().__init__(history)  # type: ignore[arg-type]
        self.kept = self._store = stored_history._KeptStore()
        self._books = self.open_books(self._store.load())

    @property
    def account(self) -> object:
        return self.kept.accumulator


def events_of(store: Store) -> set[str]:
    rows = store._connection.execute("SELECT detail FROM event").fetchall()
    return {str(json.loads(row[0]).get("classified")) for row in rows}


@pytest.mark.parametrize("number", range(1, 13))
def test_recompute_of_jumps_is_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    jumps = jump_history(6, number)
    monkeypatch.setattr(stored_history, "_Kept", lambda _history: _KeptJumps(jumps))
    store, account = keep(jumps.base, tmp_path / "ledger.sqlite")
    try:
        found = again(store, jumps.base)
        assert is_same(found.state, account)
        assert found.differences == {}
    finally:
        store.close()


def test_recompute_of_an_incomplete_interval_whose_time_came_twice_is_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That its time came twice is in no record, and was known when it was told."""
    mixed = mixed_history(431, 1124)
    monkeypatch.setattr(stored_history, "_Kept", lambda _history: _KeptJumps(mixed))
    store, account = keep(mixed.base, tmp_path / "ledger.sqlite")
    try:
        found = again(store, mixed.base)
        assert is_same(found.state, account)
        assert found.intervals > 5
        assert found.differences == {}
    finally:
        store.close()


def test_recompute_of_thinned_jumps_is_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of the readings is enough for all that was told since a register stood, and for a return."""
    seen: set[str] = set()
    for number in range(1, 41):
        jumps = jump_history(6, number)
        jumps = replace(jumps, base=dense(jumps.base, 45 * S))
        monkeypatch.setattr(stored_history, "_Kept", lambda _history, jumps=jumps: _KeptJumps(jumps))
        store, account = keep(jumps.base, tmp_path / f"{number}.sqlite")
        try:
            seen |= events_of(store)
            assert thin_all(store) > 0, str(jumps)
            found = again(store, jumps.base)
            assert is_same(found.state, account), str(jumps)
            assert found.differences == {}, str(jumps)
        finally:
            store.close()
    assert {"returned", "stood_still", "rollover", "reset_to_zero", "other_registers", "glitch"} <= seen
