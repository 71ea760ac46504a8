"""`netmeter recompute` asked of a running gateway whose disk fails: it is told, and nothing is compared."""

import sqlite3

import pytest

from gateway.daemon.bookkeeper import Bookkeeper
from gateway.daemon.recompute_desk import RecomputeDesk
from gateway.ledger.store import Store

from .test_bookkeeper import Pipe, config, desk, start, store, wait_for  # noqa: F401 (three are fixtures)
from .world import etouc


def result(asked: RecomputeDesk) -> dict[str, object]:
    """Of a job begun now, when it has ended."""
    told: dict[str, object] = asked.answer({})
    found: list[dict[str, object]] = []

    def has_ended() -> bool:
        answer = told if "result" in told else asked.answer({"job": told["job"]})
        found.append(answer)
        return "result" in answer

    wait_for(has_ended, "the recompute to end")
    ended = found[-1]["result"]
    assert isinstance(ended, dict)
    return ended


def test_a_disk_that_is_full_is_told_and_nothing_compared(
    desk: tuple[Bookkeeper, Pipe],  # noqa: F811
    store: Store,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keeper, _ = desk
    asked = RecomputeDesk(keeper, {}, store, etouc())

    def never(*_arguments: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as full:
        full.setattr(store, "commit", never)
        start(keeper)
        wait_for(lambda: bool(keeper.health.error), "the full disk to be felt")
        told = result(asked)
        assert set(told) == {"error"}
        assert str(told["error"]).startswith("the store cannot be written now (database or disk is full")
    # The control: with room again the same question is answered.
    wait_for(lambda: not keeper.call(lambda: keeper.health.error), "the store to work again")
    assert "meters" in result(asked)
