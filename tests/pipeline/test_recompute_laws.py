"""Booking stored readings again gives the ledger's own integers, before and after thinning, whatever has happened.

Histories by lot: gaps, jumps, exchanges, restarts, clocks that are set on and back, read every 20 or 45 s. What is
expected is what the books had when the readings came, one by one; the store is a real one.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

import gateway.ledger.retention as retention_module
from gateway.bookkeeping.recompute import MeterAgain, is_same, totals_milliwh
from gateway.energy import AccumulatorState, Direction
from gateway.ledger.store import Store
from gateway.ledger.thinning import ThinRow
from hil.histories.plan import history

from .stored_history import again, dense, keep
from .world import S, tries

SLICE_ROWS = 60


def count(store: Store) -> int:
    found: int = store._connection.execute("SELECT count(*) FROM reading").fetchone()[0]
    return found


def thin_all(store: Store) -> int:
    """Thin every slice; keep nothing whole."""
    store.retention.slice_rows = SLICE_ROWS
    gone = 0
    newest = store.past.newest_id()
    while store.retention.thinned_to + SLICE_ROWS <= newest:
        gone += store.retention._thin_slice(SLICE_ROWS)
    return gone


def is_the_ledgers(meter: MeterAgain, account: AccumulatorState) -> bool:
    return is_same(meter.state, account) and not meter.differences


@seed(8)
@given(number=st.integers(1, 10**6), every_s=st.sampled_from([20, 45]))
@tries(5)
def test_recompute_before_and_after_thinning_is_the_ledger(
    tmp_path_factory: pytest.TempPathFactory, number: int, every_s: int
) -> None:
    one = dense(history(8, number), every_s * S)
    store, account = keep(one, tmp_path_factory.mktemp("store") / "ledger.sqlite")
    try:
        assert is_the_ledgers(again(store, one), account)
        whole, gone = count(store), thin_all(store)
        assert count(store) == whole - gone
        assert gone > whole // 3
        assert is_the_ledgers(again(store, one), account)
        assert thin_all(store) == 0
    finally:
        store.close()


@seed(8)
@given(number=st.integers(1, 10**6), every_s=st.sampled_from([20, 45]))
@tries(5)
def test_by_another_tariff_thinned_readings_tell_no_more_than_they_know(
    tmp_path_factory: pytest.TempPathFactory, number: int, every_s: int
) -> None:
    """Its edges are new inside old intervals, and the readings around them are gone: that is in `uncertain`."""
    one = dense(history(8, number), every_s * S)
    corrected = replace(history(9, number).tariff, zone=one.tariff.zone)
    store, _ = keep(one, tmp_path_factory.mktemp("store") / "ledger.sqlite")
    try:
        whole = totals_milliwh(again(store, one, corrected).state)
        assert thin_all(store) > 0
        thinned = totals_milliwh(again(store, one, corrected).state)
    finally:
        store.close()
    for direction in Direction:
        sums = [
            sum(milliwh for (way, _), (milliwh, _) in found.items() if way is direction) for found in (whole, thinned)
        ]
        assert sums[0] == sums[1]  # the law: no energy comes or goes
    for key in whole.keys() | thinned.keys():
        (milliwh, uncertain), (thin_milliwh, thin_uncertain) = (found.get(key, (0, 0)) for found in (whole, thinned))
        if key[1] != "unassigned":
            assert abs(milliwh - thin_milliwh) <= uncertain + thin_uncertain


@pytest.mark.parametrize("what", ["edges", "decisions", "windows"])
def test_a_thinning_that_forgets_one_of_its_rules_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The control: each rule is needed, and what happens without it shows in the account."""
    rule = retention_module.droppable

    def careless(rows: Sequence[ThinRow], edges_us: Sequence[int]) -> list[int]:
        if what == "edges":
            return rule(rows, [])
        if what == "decisions":
            return [row.reading_id for row in rows[1:-1] if row.has_acts]
        narrow = [
            ThinRow(r.reading_id, r.decision, r.has_acts, r.instant_us, r.instant_us, r.instant_us, r.directions)
            for r in rows
        ]
        return rule(
            narrow, [e for e in edges_us if not any(a.instant_us < e < b.instant_us for a, b in pairwise(rows))]
        )

    found = 0
    for number in range(1, 5):
        one = dense(history(8, number), 20 * S)
        store, account = keep(one, tmp_path / f"{number}.sqlite")
        monkeypatch.setattr(retention_module, "droppable", careless)
        thin_all(store)
        monkeypatch.undo()
        try:
            found += not is_the_ledgers(again(store, one), account)
        except Exception:  # noqa: BLE001  # what is missing may well not follow at all
            found += 1
        store.close()
    assert found > 1


def test_where_readings_were_let_go_it_begins_with_the_account_as_it_stood(tmp_path: Path) -> None:
    """A store that was away for long: raw readings are let go, and what they were booked to is the base."""
    one = dense(history(8, 3), 20 * S)
    store, account = keep(one, tmp_path / "ledger.sqlite", lost=range(5, 9))
    meter = again(store, one)
    store.close()
    assert not meter.is_whole
    assert is_the_ledgers(meter, account)
