"""What other gateways' users reported, each as a history: our account, and the reported rule's wrong result as control.

The control is the rule as the report describes it, in a line or two, on the same registers. Numbers by hand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.ledger.schema import migrate
from gateway.reading.read import Reading

from .test_books import Desk
from .world import KWH, MIN, NOON_US, WH, H, S, accumulator, by_hand, moved, reading, register


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """12 kW at most; `low` until noon, then `high`."""
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def polled(registers: Sequence[int | None], *, from_us: int = NOON_US, every_us: int = 20 * S) -> list[Reading]:
    return [reading(from_us + number * every_us, one) for number, one in enumerate(registers)]


def booked(desk: Desk) -> dict[str, int]:
    """Import by bucket from the published state, those that are not 0."""
    record = desk.books.state_record()
    assert record is not None
    totals = {name: record[f"import_bucket_{name}_milliwh"] for name in ("low", "high")}
    totals["unassigned"] = record["import_unassigned_milliwh"]
    return {name: int(milliwh) for name, milliwh in totals.items() if milliwh}


def rebased_at_once(registers: Sequence[int]) -> int:
    """The last reading is the baseline, whatever it is; a negative growth is left out."""
    return sum(max(after - before, 0) for before, after in pairwise(registers))


def fall_is_a_reset(registers: Sequence[int]) -> int:
    """A counter that falls has begun again at zero: all that it shows is new."""
    return sum(after - before if after >= before else after for before, after in pairwise(registers))


def last_minus_first(registers: Sequence[int]) -> int:
    return registers[-1] - registers[0]


def test_evcc_29286_one_zero_does_not_book_the_lifetime_total(desk: Desk) -> None:
    registers = [53_700 * KWH, 53_700 * KWH + 2 * WH, 0, 53_700 * KWH + 5 * WH]
    desk.take(*polled(registers))
    assert booked(desk) == {"high": 5 * WH}
    assert rebased_at_once(registers) == 2 * WH + 53_700 * KWH + 5 * WH


def test_hacs_idm_heatpump_322_single_zero_samples_leave_the_week_as_it_is(desk: Desk) -> None:
    """The week's 38 kWh became 81,250."""
    first = 81_212 * KWH
    week = [first, *(first + n * KWH for n in range(1, 39))]
    registers = [*week[:20], 0, *week[20:]]
    desk.take(*polled(registers, every_us=600 * S))
    assert booked(desk) == {"high": 38 * KWH}
    assert rebased_at_once(registers) == 38 * KWH - 1 * KWH + 81_212 * KWH + 20 * KWH


def test_home_assistant_138077_another_registers_value_is_no_energy(desk: Desk) -> None:
    """9,113 kWh in a poll on a 40 A fuse."""
    first = 1_234 * KWH
    registers = [first, first + 3 * WH, first + 9_113 * KWH, first + 9_113 * KWH, first + 6 * WH]
    desk.take(*polled(registers))
    assert booked(desk) == {"high": 6 * WH}
    assert max(registers) - registers[0] == 9_113 * KWH  # whatever is larger is believed
    assert rebased_at_once(registers) == 9_113 * KWH


def test_grott_99_a_last_digit_down_and_up_is_no_reset(desk: Desk) -> None:
    """Steps of 0.1 kWh: 215.0, 214.9, 215.0 kWh. The consumer booked 215 kWh."""
    digit = 100 * WH
    registers = [215 * KWH, 215 * KWH, 215 * KWH - digit, 215 * KWH, 215 * KWH - digit, 215 * KWH, 215 * KWH + digit]
    readings = [
        moved(one, snapshot=reading(NOON_US, register(milliwh, digit)).snapshot)
        for one, milliwh in zip(polled(registers), registers, strict=True)
    ]
    assert desk.take(*readings) == ["Quarantined", "NewEpoch", *["Accepted"] * 5]
    assert booked(desk) == {"high": digit}
    assert [row.kind for row in desk.batch.events] == ["epoch", "stepped_back"]  # told once, not at each flicker
    assert fall_is_a_reset(registers) == 2 * (215 * KWH - digit) + 3 * digit


def test_dsmr_reader_507_a_replaced_meter_never_makes_a_total_negative(desk: Desk) -> None:
    old, new = 31_415 * KWH, 2 * KWH
    registers = [old, old + 5 * WH, *(new + n * WH for n in range(8))]
    desk.take(*polled(registers))
    assert booked(desk) == {"high": 5 * WH + 7 * WH}
    assert last_minus_first(registers) == -31_412 * KWH - 993 * WH


def late_hourly_register(at_min: int) -> int:
    """The meter's register of full hours: 1 kWh an hour until noon, 3 after; that of noon came 20 minutes late."""
    hours = (at_min - (20 if 0 <= at_min < 20 else 0)) // 60
    return 100 * KWH + (hours * 3 if hours > 0 else hours) * KWH


def test_amsreader_743_a_late_hourly_register_is_within_what_is_told(desk: Desk) -> None:
    """The hour's energy came after the hour's end: the hour got 0, the next one twice as much, and the peak was wrong.

    Its profile says that a register can be 80 minutes old. The bucket edge is noon.
    """
    lag_us = 80 * MIN
    account = accumulator(by_hand((NOON_US, 2), interval_min=60))
    for number, at_min in enumerate(range(-300, 301, 20)):
        at_us = NOON_US + at_min * MIN
        one = reading(at_us, register(late_hourly_register(at_min), KWH))
        one = moved(one, earliest_us=at_us - lag_us)
        if number == 0:
            account.start_epoch(1, one)
        else:
            account.add(one)
    state = account.state.directions[next(iter(account.state.directions))]
    # From the first reading's instant, 40 min before 7:00, to the last's: the true flow, by hand.
    true = {"low": 5 * KWH + 40 * KWH // 60, "high": 3 * KWH * 260 // 60}
    for bucket, milliwh in true.items():
        assert abs(state.totals_milliwh[bucket] - milliwh) <= state.uncertain_milliwh[bucket]
    assert sum(state.totals_milliwh.values()) == (5 + 15) * KWH

    read_at_the_hour = [late_hourly_register(60 * hour) for hour in range(-1, 3)]
    assert [after - before for before, after in pairwise(read_at_the_hour)] == [0, 4 * KWH, 3 * KWH]  # true: 1, 3, 3


def test_dsmr_reader_1770_the_hours_add_up_to_the_day(desk: Desk) -> None:
    """A reading each 7 minutes, 40 Wh each; the reported rule: an hour is its last reading less its first."""
    registers = [900 * KWH + number * 40 * WH for number in range(61)]
    readings = polled(registers, every_us=7 * MIN)
    desk.take(*readings)
    desk.take(reading(readings[-1].latest_us + 20 * MIN, registers[-1]))  # closes the last quarter
    desk.commit()
    intervals = desk.sent("interval")
    assert sum(one["import_milliwh"] for one in intervals) == 60 * 40 * WH
    by_hour: dict[int, list[int]] = {}
    for one, milliwh in zip(readings, registers, strict=True):
        by_hour.setdefault((one.latest_us - NOON_US) // H, []).append(milliwh)
    # 420 minutes hold 7 hour edges, and between the readings around each 40 Wh were in no hour
    assert sum(last_minus_first(hour) for hour in by_hour.values()) == 60 * 40 * WH - 7 * 40 * WH


def test_iobroker_sourceanalytix_594_a_counter_that_wraps_goes_on(desk: Desk) -> None:
    """2^23 counts of 0.1 Wh: it wraps behind 838,860.7 Wh."""
    width = 2**23 * 100
    values = [width - 300, width - 200, width - 100, *range(0, 700, 100)]
    readings = [
        reading(NOON_US + 20 * S * number, replace(register(milliwh), modulus_milliwh=width))
        for number, milliwh in enumerate(values)
    ]
    desk.take(*readings)
    assert booked(desk) == {"high": 900}
    record = desk.books.state_record()
    assert record is not None
    assert (record["import_register_milliwh"], record["import_rolled_over_milliwh"]) == (width + 600, width)
    assert record["register_epoch"] == 1
    assert last_minus_first(values) == 900 - width  # negative


def test_home_assistant_72943_energy_of_a_downtime_is_counted(desk: Desk) -> None:
    desk.take(*polled([900 * KWH, 900 * KWH + 4 * WH]))
    desk.commit()
    desk.reopen()
    after = [900 * KWH + 2_000 * WH, 900 * KWH + 2_003 * WH]
    desk.take(*polled(after, from_us=NOON_US + 3 * H))
    assert booked(desk) == {"high": 2_003 * WH}
    assert 4 * WH + last_minus_first(after) == 7 * WH  # the first reading after a restart as the baseline


def test_home_assistant_31269_a_counter_never_goes_down_by_a_restart(desk: Desk) -> None:
    """What was not committed is gone; what is shown next is not less than what was shown last."""
    desk.take(*polled([900 * KWH, 900 * KWH + 4 * WH]))
    desk.commit()
    shown = 0
    for number in range(1, 6):
        desk.take(reading(NOON_US + number * MIN, 900 * KWH + number * 10 * WH))
        shown = sum(booked(desk).values())
        desk.reopen()
        assert desk.books.state_record() is None  # nothing is shown until the meter is read again
        desk.take(reading(NOON_US + number * MIN + 20 * S, 900 * KWH + number * 10 * WH))
        assert sum(booked(desk).values()) >= shown
        desk.reopen()
    assert shown == 50 * WH
    checkpoint = desk.store.load_meter("grid").accumulator.directions
    assert sum(checkpoint[next(iter(checkpoint))].totals_milliwh.values()) == 4 * WH  # what a restored total would show
