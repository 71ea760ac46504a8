"""What a jump left open, and what came back with a return, is the same when the stored readings are booked again."""

from pathlib import Path

import pytest

from gateway.recompute import is_same
from hil.histories.jump_plan import jump_history
from hil.histories.jump_play import JumpPlayer

from . import stored_history
from .stored_history import again, keep


class _KeptJumps(JumpPlayer):
    def __init__(self, history: object) -> None:
        super().__init__(history)  # type: ignore[arg-type]
        self.kept = self._store = stored_history._KeptStore()
        self._books = self.open_books(self._store.load())

    @property
    def account(self) -> object:
        return self.kept.accumulator


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
