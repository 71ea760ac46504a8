"""kill -9 in mid-run: the law holds against the meter's truth, and no record comes twice with other content."""

import itertools
import time

import pytest

from hil.house import House

from .rig import Reader, Truth, assert_law, assert_true_within_told, start_all_but_broker

pytestmark = pytest.mark.whole

# Real seconds after the start; at 60 times life speed the 16:00 edge passes after ten of them.
KILLS_S = (3.0, 9.0, 10.5, 14.0)


def test_a_killed_daemon_loses_and_doubles_nothing(house: House, reader: Reader) -> None:
    start_all_but_broker(house)
    started = time.monotonic()
    pids = [house.child("gateway").pid]
    for moment in KILLS_S:
        reader.until(lambda _r, until=moment: time.monotonic() - started >= until, f"second {moment}")
        house.child("gateway").kill()
        pids.append(house.start_daemon().pid)
    seen = len(reader.records)
    reader.until(
        lambda r: all(
            len(r.intervals(m)) >= 2 and any(x.kind == "state" and x.meter == m for x in r.records[seen:])
            for m in ("grid", "array")
        ),
        "the 16:15 interval of both meters after the last kill",
    )
    house.stop_child("gateway")
    reader.rest()

    assert len(set(pids)) == len(KILLS_S) + 1
    for meter in ("grid", "array"):
        states = [record.content for record in reader.of("state", meter)]
        assert all(assert_law(state) >= 1 for state in states)
        assert len({state["store_epoch"] for state in states}) == 1
        assert {state["register_epoch"] for state in states} == {1}
        # The epoch's first register was stored before anything was said: it never changes again.
        assert len({state["export_epoch_first_milliwh"] for state in states}) == 1
        intervals = reader.intervals(meter)
        assert [interval["seq"] for interval in intervals] == list(range(1, len(intervals) + 1))
        truth = Truth(house.truth(meter))
        for earlier, later in itertools.pairwise(intervals):
            assert earlier["end_utc_us"] == later["start_utc_us"]
            assert earlier["hash"] == later["previous_hash"]
        for interval in intervals:
            assert_true_within_told(interval, truth)
        # The last word: register and truth agree to the meter's digit and the window it was read in.
        last = states[-1]
        low, _ = truth.bounds("export", last["time_utc_us"] - last["window_us"])
        _, high = truth.bounds("export", last["time_utc_us"])
        assert low - 20_000 <= last["export_register_milliwh"] <= high
