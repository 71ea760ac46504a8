"""The operator's word on an exchange: what is booked by it, when it may be said, and what it is refused for.

`low` until noon, then `high`; 12 kW at most, 66,666 mWh in 20 s. The old meter is near 900 kWh, the new one near 7 Wh.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import ClockState
from gateway.decision import Basis, Limits, ValidatorState
from gateway.energy import Direction
from gateway.ledger.schema import migrate
from gateway.reading.read import Reading
from gateway.registers.exchange import Exchanged, Known, Outcome, Refused, Restated, Statement, judge
from gateway.registers.stated import Moment
from gateway.registers.validate import validate

from .test_books import Desk
from .world import KWH, MIN, NOON_US, SERVICE_MILLIW, H, S, moved, reading, register

LIFE = 900 * KWH
NEW = 7000
IMPORT, EXPORT = Direction.IMPORT, Direction.EXPORT


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def moment(at_us: int, clock_state: ClockState = ClockState.SYNCED) -> Moment:
    return Moment(at_us, at_us - NOON_US + 1000 * H, "boot", clock_state, 0)


def said(closing: int, opening: int, at_us: int | None = None) -> Statement:
    return Statement("grid", {IMPORT: closing}, {IMPORT: opening}, at_us)


def say(desk: Desk, statement: Statement, at_us: int) -> Outcome:
    return desk.books.exchange(statement, moment(at_us), desk.batch)


def old_meter(desk: Desk, from_us: int = NOON_US) -> None:
    """Two readings, 20 s apart, that book 10."""
    assert desk.take(reading(from_us, LIFE), reading(from_us + 20 * S, LIFE + 10)) == ["Quarantined", "NewEpoch"]


def new_meter(from_us: int, count: int, first: int = NEW + 3) -> list[Reading]:
    return [reading(from_us + n * 20 * S, first + n) for n in range(count)]


def account(desk: Desk) -> dict[str, int]:
    """Import, from the published state; what is 0 is left out. The law is checked on the way."""
    record = desk.books.state_record()
    assert record is not None
    words = {"low": "bucket_low", "high": "bucket_high", "unassigned": "unassigned", "earlier": "earlier_epochs"}
    words |= {"first": "epoch_first", "last": "register"}
    found = {name: int(record[f"import_{word}_milliwh"] or 0) for name, word in words.items()}
    buckets = found["low"] + found["high"] + found["unassigned"]
    assert buckets == found["earlier"] + found["last"] - found["first"]
    return {name: milliwh for name, milliwh in found.items() if milliwh} | {"epoch": desk.books.register_epoch}


def test_said_before_the_new_meter_is_read_nothing_is_held(desk: Desk) -> None:
    old_meter(desk)
    assert isinstance(say(desk, said(LIFE + 50, NEW), NOON_US + 100 * S), Exchanged)
    assert desk.take(reading(NOON_US + 120 * S, NEW + 5)) == ["Accepted"]
    assert account(desk) == {"high": 10 + 40 + 5, "earlier": 50, "first": NEW, "last": NEW + 5, "epoch": 2}


def test_said_while_the_new_meter_is_held_ends_the_quarantine(desk: Desk) -> None:
    old_meter(desk)
    assert desk.take(*new_meter(NOON_US + 40 * S, 3)) == ["Quarantined"] * 3
    assert isinstance(say(desk, said(LIFE + 50, NEW), NOON_US + 90 * S), Exchanged)
    assert desk.take(*new_meter(NOON_US + 100 * S, 2, NEW + 6)) == ["Accepted"] * 2
    assert account(desk) == {"high": 10 + 40 + 7, "earlier": 50, "first": NEW, "last": NEW + 7, "epoch": 2}


def noticed(desk: Desk, from_us: int = NOON_US) -> None:
    """The exchange is noticed by itself: 40 of the old meter and 3 of the new are in no bucket; 5 of the new are."""
    old_meter(desk, from_us)
    assert desk.take(*new_meter(from_us + 40 * S, 6))[-2:] == ["NewEpoch", "Accepted"]
    lost = account(desk)
    assert (lost["earlier"], lost["first"], lost["last"], lost["epoch"]) == (10, NEW + 3, NEW + 8, 2)


def test_said_after_the_exchange_was_noticed_books_what_was_lost(desk: Desk) -> None:
    noticed(desk)
    outcome = say(desk, said(LIFE + 50, NEW), NOON_US + 200 * S)
    assert isinstance(outcome, Restated)
    assert outcome.booked_milliwh == {IMPORT: 43}
    assert account(desk) == {"high": 15 + 43, "earlier": 50, "first": NEW, "last": NEW + 8, "epoch": 2}
    event = desk.batch.events[-1]
    assert event.kind == "exchange"
    assert {key: event.detail[key] for key in ("bucket", "closing_import_milliwh", "opening_import_milliwh")} == {
        "bucket": "high",
        "closing_import_milliwh": LIFE + 50,
        "opening_import_milliwh": NEW,
    }


def test_said_afterwards_over_an_edge_it_is_unassigned_and_in_the_intervals(desk: Desk) -> None:
    """Old meter until 11:59:40, new one from noon on."""
    noticed(desk, NOON_US - 40 * S)
    say(desk, said(LIFE + 50, NEW), NOON_US + 200 * S)
    assert account(desk) == {
        "low": 10,
        "high": 5,
        "unassigned": 43,
        "earlier": 50,
        "first": NEW,
        "last": NEW + 8,
        "epoch": 2,
    }
    desk.take(reading(NOON_US + 15 * MIN, NEW + 8), reading(NOON_US + 16 * MIN, NEW + 8))
    desk.commit()
    intervals = desk.sent("interval")
    assert sum(one["import_milliwh"] for one in intervals) == 10 + 5 + 43
    assert [one["import_unassigned_milliwh"] for one in intervals] == [0, 43]
    assert intervals[1]["import_uncertain_milliwh"] >= 43


def test_said_afterwards_in_another_bucket_it_is_unassigned(desk: Desk) -> None:
    """It flowed before noon; said after noon, when the interval of `low` is closed."""
    noticed(desk, NOON_US - 30 * MIN)
    desk.take(reading(NOON_US + 1 * MIN, NEW + 8))
    say(desk, said(LIFE + 50, NEW), NOON_US + 2 * MIN)
    assert account(desk)["unassigned"] == 43


def test_opening_within_a_last_digit_above_the_first_reading_is_that_reading(desk: Desk) -> None:
    noticed(desk)
    outcome = say(desk, said(LIFE + 50, NEW + 4), NOON_US + 200 * S)
    assert isinstance(outcome, Restated)
    assert outcome.booked_milliwh == {IMPORT: 40}
    assert account(desk)["first"] == NEW + 3


def test_what_was_booked_afterwards_is_in_the_store(desk: Desk) -> None:
    noticed(desk)
    say(desk, said(LIFE + 50, NEW), NOON_US + 200 * S)
    desk.commit()
    desk.reopen()
    assert desk.take(reading(NOON_US + 220 * S, NEW + 9)) == ["Accepted"]
    assert account(desk) == {"high": 16 + 43, "earlier": 50, "first": NEW, "last": NEW + 9, "epoch": 2}


def test_said_twice_it_is_booked_once_and_over_a_restart_too(desk: Desk) -> None:
    old_meter(desk)
    say(desk, said(LIFE + 50, NEW), NOON_US + 100 * S)
    desk.commit()
    desk.reopen()
    assert say(desk, said(LIFE + 50, NEW), NOON_US + 110 * S) == Known(2)
    assert desk.batch.is_empty
    desk.take(reading(NOON_US + 120 * S, NEW + 5))
    assert account(desk)["high"] == 10 + 40 + 5


def test_said_afterwards_twice_it_is_booked_once(desk: Desk) -> None:
    noticed(desk)
    say(desk, said(LIFE + 50, NEW), NOON_US + 200 * S)
    desk.commit()
    assert say(desk, said(LIFE + 50, NEW), NOON_US + 210 * S) == Known(2)
    assert desk.batch.is_empty


def test_another_word_on_the_same_exchange_is_refused(desk: Desk) -> None:
    noticed(desk)
    say(desk, said(LIFE + 50, NEW), NOON_US + 200 * S)
    desk.commit()
    assert isinstance(say(desk, said(LIFE + 60, NEW), NOON_US + 210 * S), Refused)
    assert desk.batch.is_empty


def test_exchange_of_both_directions_with_its_place_in_the_store(desk: Desk) -> None:
    desk.take(reading(NOON_US, LIFE, 500), reading(NOON_US + 20 * S, LIFE + 10, 520))
    statement = Statement("grid", {IMPORT: LIFE + 50, EXPORT: 530}, {IMPORT: NEW, EXPORT: 0})
    assert isinstance(say(desk, statement, NOON_US + 100 * S), Exchanged)
    desk.take(reading(NOON_US + 120 * S, NEW + 5, 2))
    record = desk.books.state_record()
    assert record is not None
    assert (record["import_bucket_high_milliwh"], record["export_bucket_high_milliwh"]) == (55, 20 + 10 + 2)
    assert [(row.register_epoch, row.reason) for row in desk.batch.epochs] == [(1, "first_reading"), (2, "stated")]
    assert [row.decision for row in desk.batch.readings][2:] == ["stated: closing", "stated: opening", "accepted"]
    (event,) = [row.detail for row in desk.batch.events if row.detail.get("reason") == "stated"]
    assert (event["classified"], event["rule"]) == ("meter_replaced", "operator_says_so")
    assert (event["previous_export_milliwh"], event["reading_export_milliwh"]) == (530, 0)


def test_closing_behind_a_rollover_is_counted_through(desk: Desk) -> None:
    width = 1000 * KWH
    near = [replace(register(one), modulus_milliwh=width) for one in (width - 20, width - 10)]
    desk.take(*(reading(NOON_US + n * 20 * S, one) for n, one in enumerate(near)))
    assert isinstance(say(desk, said(5, NEW), NOON_US + 100 * S), Exchanged)
    assert account(desk) == {"high": 25, "earlier": 25, "first": NEW, "last": NEW, "epoch": 2}


def test_stated_time_decides_which_bucket_it_was(desk: Desk) -> None:
    """The meters were exchanged at 11:30 +- 1 min, an hour before anybody looked."""
    old_meter(desk, NOON_US - 1 * H)
    at_us = NOON_US - 30 * MIN
    assert isinstance(say(desk, said(LIFE + 50, NEW, at_us), NOON_US + 30 * MIN), Exchanged)
    assert account(desk)["low"] == 10 + 40
    desk.take(reading(NOON_US + 30 * MIN + 20 * S, NEW + 6000))
    # 6000 in the 3620 s from 11:30: floor(6000 * 1800 / 3620) = 2983 until noon
    assert (account(desk)["low"], account(desk)["high"]) == (50 + 2983, 3017)


def test_what_the_new_meter_counted_before_it_was_said_is_no_jump(desk: Desk) -> None:
    """Said an hour later: 8 kWh since then are more than 12 kW can carry in 20 s."""
    old_meter(desk)
    say(desk, said(LIFE + 50, NEW), NOON_US + 1 * H)
    assert desk.take(reading(NOON_US + 1 * H + 20 * S, NEW + 8 * KWH)) == ["Accepted"]


REFUSED: dict[str, tuple[Statement, str]] = {
    "a closing below what was read": (said(LIFE + 8, NEW), "less than was read already"),
    # from 20 s to 100 s after noon: 12 kW carry 266,666.7 mWh
    "a closing that cannot have flowed": (said(LIFE + 10 + 266_669, NEW), "more than can have flowed"),
    "no export is there": (
        Statement("grid", {IMPORT: LIFE + 50, EXPORT: 5}, {IMPORT: NEW, EXPORT: 5}),
        "each direction that the meter has: import",
    ),
    "no opening": (Statement("grid", {IMPORT: LIFE + 50}, {}), "give the opening register"),
    "before the last reading": (said(LIFE + 50, NEW, NOON_US - 1 * H), "is not between"),
    "in the future": (said(LIFE + 50, NEW, NOON_US + 1 * H), "is not between"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_word_that_contradicts_is_refused_and_books_nothing(desk: Desk, case: str) -> None:
    old_meter(desk)
    desk.commit()
    statement, why = REFUSED[case]
    outcome = say(desk, statement, NOON_US + 100 * S)
    assert isinstance(outcome, Refused)
    assert why in outcome.why
    assert desk.batch.is_empty
    assert desk.take(reading(NOON_US + 120 * S, LIFE + 20)) == ["Accepted"]  # the old meter goes on
    assert account(desk)["epoch"] == 1


def test_the_most_that_can_have_flowed_is_believed(desk: Desk) -> None:
    old_meter(desk)
    assert isinstance(say(desk, said(LIFE + 10 + 266_667, NEW), NOON_US + 100 * S), Exchanged)


def test_closing_within_the_last_digit_below_is_the_last_reading(desk: Desk) -> None:
    old_meter(desk)
    assert isinstance(say(desk, said(LIFE + 9, NEW), NOON_US + 100 * S), Exchanged)
    assert account(desk)["high"] == 10


@pytest.mark.parametrize(("opening", "fits"), [(100_002, False), (100_001, True), (33_334, True), (33_332, False)])
def test_opening_that_the_new_meter_contradicts_is_refused(desk: Desk, opening: int, fits: bool) -> None:
    """It showed 100,000, with a digit of 1, and in the 20 s since the old one 12 kW can have carried 66,667."""
    old_meter(desk)
    desk.take(*new_meter(NOON_US + 40 * S, 3, 100_000))
    outcome = say(desk, said(LIFE + 50, opening), NOON_US + 90 * S)
    assert isinstance(outcome, Exchanged if fits else Refused)
    assert fits or "not counted on from the opening" in outcome.why


def test_meter_that_still_answers_with_its_old_number_was_not_exchanged(desk: Desk) -> None:
    old = [reading(NOON_US, LIFE), reading(NOON_US + 20 * S, LIFE + 10)]
    desk.take(*(moved(one, serial="A1") for one in old))
    desk.take(*(moved(one, serial="A1") for one in new_meter(NOON_US + 40 * S, 3)))
    outcome = say(desk, said(LIFE + 50, NEW), NOON_US + 90 * S)
    assert isinstance(outcome, Refused)
    assert "still the number A1" in outcome.why


def test_word_before_anything_was_booked_or_the_clock_is_set_is_refused(desk: Desk) -> None:
    outcome = say(desk, said(5, NEW), NOON_US)
    assert isinstance(outcome, Refused)
    assert "ever booked" in outcome.why
    old_meter(desk)
    unset = moment(NOON_US + 100 * S, ClockState.UNSYNCED)
    outcome = desk.books.exchange(said(LIFE + 50, NEW), unset, desk.batch)
    assert isinstance(outcome, Refused)
    assert "time of day" in outcome.why


def test_word_that_fits_two_exchanges_asks_for_the_time(desk: Desk) -> None:
    """The new meter began 500 below the old: closing and opening fit the exchange noticed, and one since then."""
    old_meter(desk)
    desk.take(*new_meter(NOON_US + 40 * S, 6, LIFE - 500))
    outcome = say(desk, said(LIFE + 20, LIFE - 500), NOON_US + 200 * S)
    assert isinstance(outcome, Refused)
    assert "--at" in outcome.why
    assert isinstance(say(desk, said(LIFE + 20, LIFE - 500, NOON_US + 30 * S), NOON_US + 200 * S), Restated)


def test_word_by_a_clock_that_has_leapt_ahead_is_refused(desk: Desk) -> None:
    """Believed, it would close the intervals of a year, and every reading after it would be too early."""
    old_meter(desk)
    year = 365 * 24 * H
    leapt = replace(moment(NOON_US + 100 * S), wall_us=NOON_US + 100 * S + year)
    outcome = desk.books.exchange(said(LIFE + 50, NEW), leapt, desk.batch)
    assert isinstance(outcome, Refused)
    assert "leapt ahead" in outcome.why
    # the clock is right again, but a reading by the wrong one is held: the exchange was not up to then
    held = moved(reading(NOON_US + 40 * S + year, NEW), monotonic_us=1000 * H + 40 * S)
    assert desk.take(held) == ["Quarantined"]
    outcome = say(desk, said(LIFE + 50, NEW), NOON_US + 100 * S)
    assert isinstance(outcome, Refused)
    assert "leapt ahead" in outcome.why
    assert desk.take(reading(NOON_US + 120 * S, LIFE + 20)) == ["Accepted"]


@pytest.mark.parametrize("noticed_first", [False, True])
def test_word_by_another_ratio_than_the_old_meter_was_read_with_is_refused(noticed_first: bool) -> None:
    """100 Wh at ratio 1; at ratio 40 the same display is 4 kWh, which 12 kW can carry in twenty minutes."""
    one, forty = (Limits(limit_milliw=SERVICE_MILLIW, basis=Basis("sdm", ratio)) for ratio in ("1", "40"))
    state = ValidatorState()
    for at_us, milliwh in ((NOON_US, 100_000), (NOON_US + 20 * S, 100_000)):
        state, _ = validate(state, reading(at_us, milliwh), one)
    later_us = NOON_US + 20 * MIN
    for n in range(6 if noticed_first else 0):
        state, _ = validate(state, reading(later_us + n * 20 * S, n), forty)
    assert state.register_epoch == (2 if noticed_first else 1)
    outcome = judge(state, said(40 * 100_000, 0), moment(later_us + 200 * S), forty)
    assert isinstance(outcome, Refused)
    assert "ratio_changed" in outcome.why


def test_direction_that_the_old_meter_had_lost_is_told_when_the_new_one_has_it(desk: Desk) -> None:
    """Export is there until 12:02:20, the exchange is stated without it, and the new meter's is read from 12:34:00."""
    both = [reading(NOON_US + n * 20 * S, LIFE + 10 * n, 500 + n) for n in range(8)]
    alone = [reading(NOON_US + n * 20 * S, LIFE + 10 * n) for n in range(8, 100)]
    desk.take(*both, *alone)
    assert isinstance(say(desk, said(LIFE + 1000, NEW), NOON_US + 2020 * S), Exchanged)
    assert desk.take(reading(NOON_US + 2040 * S, NEW + 10, 7001)) == ["Accepted"]
    record = desk.books.state_record()
    assert record is not None
    assert int(record["export_uncertain_high_milliwh"] or 0) >= 6_333_334  # 1900 s of 12 kW


def test_what_a_frozen_register_may_have_kept_back_is_told_by_a_word_said_afterwards_too(desk: Desk) -> None:
    """It stands from 11:40 on; from 11:58 on 6 kW flow by its power, and it is called frozen. At 12:10 another meter
    hangs there. Said is that it closed 2 kWh further: they can have flowed since 11:40, in which 12 kW carry 4 kWh
    until noon; all of them may be of `low`, though they are booked in `high`, where the exchange was."""
    at_us = [NOON_US - (20 - n) * MIN for n in range(19)]
    still = [moved_power(reading(one, LIFE + 10), 0) for one in at_us]
    frozen = [moved_power(reading(NOON_US - 2 * MIN + n * 20 * S, LIFE + 10), 6_000_000) for n in range(1, 37)]
    desk.take(reading(NOON_US - 22 * MIN, LIFE), reading(NOON_US - 21 * MIN, LIFE + 10), *still, *frozen)
    desk.take(*new_meter(NOON_US + 11 * MIN, 8))
    before = uncertain_low(desk)
    assert isinstance(say(desk, said(LIFE + 10 + 2 * KWH, NEW), NOON_US + 14 * MIN), Restated)
    assert account(desk)["high"] >= 2 * KWH
    assert uncertain_low(desk) >= before + 2 * KWH
    desk.commit()
    (word,) = [one for one in desk.sent("interval") if one["end_utc_us"] == NOON_US and one["revision"] == 1]
    assert word["import_uncertain_milliwh"] >= 2 * KWH


def moved_power(one: Reading, power_milliw: int) -> Reading:
    return moved(one, snapshot=replace(one.snapshot, power_milliw=power_milliw))


def uncertain_low(desk: Desk) -> int:
    record = desk.books.state_record()
    assert record is not None
    return int(record["import_uncertain_low_milliwh"] or 0)
