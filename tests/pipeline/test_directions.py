"""A direction that a meter had and has no more: held, believed, closed; and what is known when it comes back.

3.6 kW at most, so that one milliwatt-hour flows in a millisecond, and an hour carries 3,600,000.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.buckets.accumulate import Accumulator
from gateway.config.types import GapPolicy
from gateway.energy import AccumulatorState, Direction, DirectionState, Part, Quality
from gateway.ledger.schema import migrate
from gateway.reading.read import Reading

from .test_books import LIFE, Desk
from .test_validate import FIRST, GONE, NEW, OK, decide, spoken
from .world import MIN, NOON_US, H, S, accumulator, by_hand, moved, reading

LIMIT_MILLIW = 3_600_000
QUARTER = 15 * MIN
LACKS = -1
"""In a table: the register is not available."""


def poll(number: int, energy_import: int, energy_export: int) -> Reading:
    """A reading each five seconds; LACKS where the meter has no such register."""
    both = [LIFE + one if one != LACKS else None for one in (energy_import, energy_export)]
    return reading(NOON_US + 5 * number * S, *both)


def words(*registers: tuple[int, int]) -> list[str]:
    readings = [poll(number, *both) for number, both in enumerate(((0, 0), (0, 0), *registers))]
    return [spoken(one) for one in decide(readings)][2:]


GONE_FOR_GOOD = [(n, LACKS) for n in range(13)]
"""The thirteenth comes a minute after the first."""
BACK, JUMP = "quarantined went_backwards", "quarantined impossible_jump"


def test_a_direction_that_stays_away_is_believed_after_a_minute_and_not_held_again() -> None:
    assert words(*GONE_FOR_GOOD, (14, LACKS), (15, LACKS)) == [GONE] * 12 + [OK] * 3


def test_a_direction_that_is_away_for_less_is_held_and_comes_back() -> None:
    assert words(*GONE_FOR_GOOD[:12], (14, 3), (15, LACKS)) == [GONE] * 12 + [OK, GONE]


def test_the_rest_must_count_on_meanwhile() -> None:
    falling = [(100 - n, LACKS) for n in range(20)]
    assert words((200, 0), *falling) == [OK] + [BACK] * 20
    # one that falls once begins the minute anew: 12 were held, 12 more are, the thirteenth is a minute after the fall
    assert words(*GONE_FOR_GOOD[:12], *((5 + n, LACKS) for n in range(13))) == [GONE] * 24 + [OK]


@pytest.mark.parametrize(("export", "decision"), [(0, OK), (9, OK), (-2, BACK), (90_000_000, JUMP)])
def test_a_direction_that_is_back_is_held_against_its_last_register(export: int, decision: str) -> None:
    assert words(*GONE_FOR_GOOD, (14, export))[-1] == decision


def test_what_it_may_have_counted_is_bound_by_the_time_it_was_away() -> None:
    # 12 kW for the 14 polls of 5 s since its last reading are 233,334; since the last accepted one 16,667
    assert words(*GONE_FOR_GOOD, (14, 233_334))[-1] == OK
    assert words(*GONE_FOR_GOOD, (14, 233_335))[-1] == JUMP


def test_other_register_after_the_loss_opens_an_epoch() -> None:
    anew = [(20 + n, n - 1000) for n in range(13)]
    assert words(*GONE_FOR_GOOD, *anew)[13:] == [BACK] * 12 + ["newepoch went_backwards"]


def test_reset_meter_without_the_direction_opens_an_epoch() -> None:
    anew = [(n - 1000, LACKS) for n in range(13)]
    # whatever export comes later, it is no register of this epoch
    assert words(*anew, (0, 5)) == [BACK] * 12 + ["newepoch went_backwards", OK]


def test_loss_under_a_leapt_clock_is_believed_once_for_both() -> None:
    start = [poll(0, 0, 0), poll(1, 0, 0)]
    ahead = [poll(2 + n, n, LACKS) for n in range(14)]
    leapt = [moved(one, earliest_us=one.earliest_us + H, latest_us=one.latest_us + H) for one in ahead]
    assert [spoken(one) for one in decide([*start, *leapt])] == [
        FIRST,
        NEW,
        *["quarantined clock_jumped"] * 12,
        OK,
        OK,
    ]


def opened(at_us: int) -> Accumulator:
    """Both registers, sharp in time; `low` until noon, then `high`."""
    account = accumulator(by_hand((NOON_US, 2)), limit_milliw=LIMIT_MILLIW)
    account.start_epoch(1, reading(at_us, 0, 1000))
    return account


def stored(account: Accumulator) -> Accumulator:
    """The same after a restart: the state has been through JSON."""
    state = msgspec.json.decode(msgspec.json.encode(account.state), type=AccumulatorState)
    assert state == account.state
    return accumulator(by_hand((NOON_US, 2)), state=state, limit_milliw=LIMIT_MILLIW)


def export(account: Accumulator) -> DirectionState:
    return account.state.directions[Direction.EXPORT]


def test_lost_direction_has_a_last_part_and_then_none() -> None:
    account = opened(NOON_US + 1 * MIN)
    account.add(reading(NOON_US + 2 * MIN, 5, 1050))
    account.add(reading(NOON_US + 4 * MIN, 10))
    (last,) = stored(account).add(reading(NOON_US + QUARTER, 20))
    # The first digit; at the edge the last one and 13 minutes without a reading.
    assert (last.energy_export, last.quality) == (Part(50, 0, 1 + 1 + 13 * 60_000, 1050), Quality.INCOMPLETE)
    account.add(reading(NOON_US + QUARTER, 20))
    (later,) = account.add(reading(NOON_US + 2 * QUARTER, 30))
    assert later.energy_export is None
    assert later.energy_import == Part(10, 0, 2, 30)
    assert later.quality is Quality.MEASURED


def test_lost_direction_keeps_its_totals_and_gathers_no_doubt() -> None:
    account = opened(NOON_US - H)
    account.add(reading(NOON_US - H + 1 * MIN, 5, 1050))
    account.add(reading(NOON_US - H + 3 * MIN, 5))
    for hour in range(1, 48):
        account.add(reading(NOON_US + hour * H, 5))
        account.doubt_clock_step(5 * S)
    assert export(account).totals_milliwh == {"unassigned": 0, "low": 50}
    assert export(account).uncertain_milliwh == {"low": 1 + 1}  # the first digit and the last
    assert export(account).interval_uncertain_milliwh == 0


def test_found_again_it_counts_on_and_what_flowed_meanwhile_is_unassigned() -> None:
    account = opened(NOON_US - H)
    account.add(reading(NOON_US - H + 1 * MIN, 5, 1050))
    account.add(reading(NOON_US - H + 3 * MIN, 5))
    account.add(reading(NOON_US + 1 * H, 5))
    account = stored(account)
    account.add(reading(NOON_US + 1 * H + 1 * MIN, 5, 9050))
    account.add(reading(NOON_US + 1 * H + 2 * MIN, 5, 9060))
    state = export(account)
    assert state.totals_milliwh == {"unassigned": 8000, "low": 50, "high": 10}
    assert (state.earlier_epochs_milliwh, state.epoch_first_milliwh, state.last_milliwh) == (0, 1000, 9060)
    assert state.uncertain_milliwh == {"low": 2, "high": 1, "unassigned": 2}
    (back,) = account.add(reading(NOON_US + 1 * H + QUARTER, 5, 9100))
    # It may all have flowed before this interval: 8000 and the two digits; the edge's own digit.
    assert back.energy_export == Part(8050, 8000, 8000 + 2 + 1, 9100)
    assert back.quality is Quality.INCOMPLETE


def test_found_again_in_the_same_interval_nothing_is_out_of_place() -> None:
    account = opened(NOON_US + 1 * MIN)
    account.add(reading(NOON_US + 3 * MIN, 5))
    account.add(reading(NOON_US + 6 * MIN, 5, 1070))
    assert export(account).totals_milliwh == {"unassigned": 0, "high": 70}
    (closed,) = account.add(reading(NOON_US + QUARTER, 5, 1070))
    assert closed.energy_export == Part(70, 0, 1 + 1, 1070)


@pytest.mark.parametrize(
    ("max_gap_us", "totals"),
    [(13 * MIN, {"unassigned": 1400, "low": 50}), (14 * MIN, {"unassigned": 0, "low": 50 + 1300, "high": 100})],
)
def test_gap_of_a_direction_that_was_lost_is_as_long_as_nobody_read_it(max_gap_us: int, totals: dict[str, int]) -> None:
    """Export is read at 11:47 and at 12:01 again, import every two minutes: 14 minutes, and two."""
    rules = {"limit_milliw": LIMIT_MILLIW, "gap": GapPolicy.UNASSIGNED, "max_gap_us": max_gap_us}
    account = accumulator(by_hand((NOON_US, 2)), **rules)  # type: ignore[arg-type]
    account.start_epoch(1, reading(NOON_US - 14 * MIN, 0, 1000))
    account.add(reading(NOON_US - 13 * MIN, 10, 1050))
    for minute in range(-11, 0, 2):
        account.add(reading(NOON_US + minute * MIN, 20))
    (closed,) = account.add(reading(NOON_US + 1 * MIN, 40, 2450))
    assert export(account).totals_milliwh == totals
    assert account.state.directions[Direction.IMPORT].totals_milliwh == {"unassigned": 0, "low": 30, "high": 10}
    # Of the 1400 thirteen parts of fourteen are before noon; in its bucket or in none.
    part = closed.energy_export
    assert part is not None
    assert (part.milliwh, part.unassigned_milliwh) == (1350, 1300 if totals["unassigned"] else 0)


def test_next_meter_without_the_direction_closes_it() -> None:
    account = opened(NOON_US - 2 * MIN)
    account.add(reading(NOON_US - 1 * MIN, 5, 1050))
    (closed,) = account.start_epoch(2, reading(NOON_US + 1 * MIN, 700))
    assert closed.energy_export == Part(50, 0, 1 + 1 + 60_000, 1050)
    told = dict(export(account).uncertain_milliwh)
    (last,) = account.add(reading(NOON_US + QUARTER, 720))
    assert last.energy_export is not None  # the first minute of it was the old meter's
    assert last.energy_export.milliwh == 0
    for hour in range(1, 24):
        for one in account.add(reading(NOON_US + hour * H, 720)):
            assert one.energy_export is None
    assert export(account).uncertain_milliwh == told
    assert export(account).totals_milliwh == {"unassigned": 0, "low": 50}


def test_direction_of_a_later_meter_begins_anew_and_tells_the_time_without_it() -> None:
    account = opened(NOON_US + 1 * MIN)
    account.add(reading(NOON_US + 2 * MIN, 5, 1050))
    account.start_epoch(2, reading(NOON_US + 3 * MIN, 700))
    told = export(account).uncertain_milliwh["high"]
    for number in (1, 2):
        account.add(reading(NOON_US + number * QUARTER, 720))
    account.add(reading(NOON_US + 2 * QUARTER + 1 * MIN, 720, 5))
    state = export(account)
    assert (state.earlier_epochs_milliwh, state.epoch_first_milliwh, state.last_milliwh) == (50, 5, 5)
    # 28 minutes since the exchange, whose own minute is told already; and the new digit
    assert state.uncertain_milliwh == {"high": told + 28 * 60_000 + 1}
    (back,) = account.add(reading(NOON_US + 3 * QUARTER, 720, 25))
    assert back.energy_export == Part(20, 0, 60_000 + 1 + 1, 25)
    assert back.quality is Quality.INCOMPLETE


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def test_loss_and_return_are_told_and_the_other_direction_counts_on(desk: Desk) -> None:
    desk.take(poll(0, 0, 0), poll(1, 0, 0), poll(2, 0, 7))
    desk.take(*(poll(3 + n, n, LACKS) for n in range(13)))
    desk.commit()
    desk.reopen()
    desk.take(*(poll(16 + n, 13 + n, LACKS) for n in range(100)))
    desk.take(poll(116, 113, 40))
    desk.commit()
    told = [event for event in desk.sent("event") if event["event"] not in ("epoch", "gap")]
    assert [event["event"] for event in told] == ["quarantined", "direction_lost", "resumed", "direction_found"]
    lost, found = told[1], told[3]
    assert (lost["direction"], lost["register_milliwh"]) == ("export", LIFE + 7)
    assert lost["since_utc_us"] == NOON_US + 10 * S
    assert (found["direction"], found["register_milliwh"], found["epoch_first_milliwh"]) == (
        "export",
        LIFE + 40,
        LIFE,
    )
    record = desk.books.state_record()
    assert record is not None
    assert record["import_register_milliwh"] == LIFE + 113
    assert record["export_bucket_high_milliwh"] == 40


def test_exchange_for_a_meter_without_the_direction_tells_its_loss(desk: Desk) -> None:
    desk.take(*(moved(poll(n, 0, 0), serial="A") for n in range(2)))
    desk.take(*(moved(poll(2 + n, -500 + n, LACKS), serial="B") for n in range(14)))
    kinds = [row.kind for row in desk.batch.events]
    assert kinds == ["epoch", "quarantined", "epoch", "direction_lost", "resumed"]


def test_direction_that_a_later_meter_lacked_and_the_next_one_has_tells_the_time_without_it(desk: Desk) -> None:
    """At 11:30 a meter without export takes the place of the first, at 12:30 one comes that has it: 12 kW may have
    flowed all the time, 6 kWh before noon and 6 after it, in no register. So may it from 11:01 on, unread."""
    meters = (("A", -60 * MIN, 5000), ("B", -30 * MIN, LACKS), ("C", 30 * MIN, 0))
    for number, (serial, from_us, first) in enumerate(meters):
        for n in range(13):
            export = LACKS if first == LACKS else first + n
            one = poll(0, 1000 * number + n, export)
            at_us = NOON_US + from_us + 5 * n * S
            desk.take(reading(at_us, one.snapshot.energy_import, one.snapshot.energy_export, serial=serial))
    desk.commit()
    record = desk.books.state_record()
    assert record is not None
    assert int(record["export_uncertain_low_milliwh"] or 0) >= 2 * 5_800_000
    assert int(record["export_uncertain_high_milliwh"] or 0) >= 6_000_000
