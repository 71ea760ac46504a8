"""Zeros that may have been no count: whose they were, and what is told for the time in which they stood. By hand.

Readings come every 20 s and the service carries 12 kW: 66,666.7 mWh in that time. `low` until noon, then `high`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers import EnergyRegister
from gateway.decision import Basis
from gateway.ledger.schema import migrate
from gateway.reading.read import Reading

from .jump_histories import BY_FORTY, BY_ONE, WIDTH, wide
from .test_books import Desk
from .test_exchange import account
from .test_undecided import LIFE, STEP_US, counting, polled, told, uncertain
from .test_validate import decide, spoken
from .world import KWH, MIN, NOON_US, H, S, moved, reading, register, snapshot


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def test_zero_of_a_young_meter_before_it_was_reset_is_not_when_it_was(desk: Desk) -> None:
    """The 0 may be a fault of the old count, and the meter reset only behind it, 40 s after the last booked reading."""
    desk.take(*polled([100, 110, 0, 60, 150]))
    assert account(desk) == {"high": 50, "first": 100, "last": 150, "epoch": 1}
    # Until it showed 60 up to 40 s of 12 kW, 133,334, that 60 among it; 90 since; booked are 40; two digits.
    assert uncertain(desk)["high"] == 1 + 133_334 + 90 - 40 + 2


def test_zeros_under_another_config_are_no_registers_yet(desk: Desk) -> None:
    """A new profile and five readings: two reasons to believe them. But who shows 0 shows it whatever flows."""
    desk.books = desk.by(Basis("a profile", "registers"))
    desk.take(*polled(counting(LIFE, 4)))
    desk.commit()
    desk.books = desk.by(Basis("other profile", "registers"))
    zeros = polled([0] * 30, NOON_US + 4 * STEP_US)
    assert set(desk.take(*zeros)) == {"Quarantined"}
    desk.take(*polled(counting(7 * LIFE, 5), NOON_US + 34 * STEP_US))
    assert account(desk) == {"high": 30 + 40, "earlier": 30, "first": 7 * LIFE, "last": 7 * LIFE + 40, "epoch": 2}
    # 12 kW from reading 3 to reading 34, 620 s: 2,066,667; the first digit of each epoch, the last of the old.
    assert uncertain(desk)["high"] == 1 + 2_066_667 + 1 + 1


def test_zero_with_which_a_register_came_and_which_it_never_counted_is_told(desk: Desk) -> None:
    """Another meter by its number: its export counts, its import shows 0 for ten minutes, and then 7 x 900 kWh."""
    old = [reading(NOON_US + n * STEP_US, LIFE + 10 * n, 500, serial="A1") for n in range(4)]
    new = [reading(NOON_US + n * STEP_US, 0, 900 + n, serial="B2") for n in range(4, 34)]
    own = [reading(NOON_US + n * STEP_US, 7 * LIFE + 10 * n, 900 + n, serial="B2") for n in range(34, 40)]
    desk.take(*old, *new, *own)
    assert [one["classified"] for one in told(desk, "epoch")][1:] == ["meter_replaced", "other_registers"]
    # From reading 4 to 34, 600 s, nobody counted import: 2 kWh at 12 kW.
    assert uncertain(desk)["high"] >= 2 * KWH


def test_the_same_where_it_stands_again_at_what_it_shows_then(desk: Desk) -> None:
    """Import is told as lost at 7 x 900 kWh, which it jumped to and does not move from; what it missed is told too."""
    old = [reading(NOON_US + n * STEP_US, LIFE + 10 * n, 500, serial="A1") for n in range(4)]
    new = [reading(NOON_US + n * STEP_US, 0, 900 + n, serial="B2") for n in range(4, 34)]
    own = [reading(NOON_US + n * STEP_US, 7 * LIFE, 900 + n, serial="B2") for n in range(34, 40)]
    desk.take(*old, *new, *own)
    assert [one["direction"] for one in told(desk, "direction_lost")] == ["import"]
    assert uncertain(desk)["high"] >= 2 * KWH


def test_register_that_gives_at_once_is_booked_beside_one_that_stands_where_it_fell(desk: Desk) -> None:
    """A reset: import shows 600 and stands; export, at 0 for two minutes, has 200 Wh at once and counts on."""
    old = [reading(NOON_US + n * STEP_US, LIFE + 10 * n, 0) for n in range(8)]
    new = [reading(NOON_US + n * STEP_US, 600, 200_000 + 10 * n) for n in range(8, 16)]
    assert desk.take(*old, *new)[8:] == ["Quarantined"] * 4 + ["Accepted"] * 4
    assert [one["direction"] for one in told(desk, "direction_lost")] == ["import"]
    record = desk.books.state_record()
    assert record is not None
    assert record["export_bucket_high_milliwh"] == 200_000 + 150
    assert int(record["export_uncertain_high_milliwh"] or 0) >= 200_080


def test_zero_of_a_register_that_was_never_read_is_no_count_beside_one_that_fell_to_zero(desk: Desk) -> None:
    """Import falls to 0, and export is there for the first time, at 0 too: a display that shows 0 of everything. Two
    minutes later each shows its count: the 869 Wh of export flowed whenever they did, and are nobody's growth."""
    imports = [None, *counting(LIFE + 40, 9)[1:]]
    before = [reading(NOON_US + n * STEP_US, LIFE + 10 * n) for n in range(4)]
    zeros = [reading(NOON_US + n * STEP_US, 0, 0) for n in range(4, 10)]
    own = [reading(NOON_US + (n + 10) * STEP_US, one, 869_000) for n, one in enumerate(imports)]
    desk.take(*before, *zeros, *own)
    assert told(desk, "direction_lost") == []
    assert account(desk) == {"high": 30 + 90, "first": LIFE, "last": LIFE + 120, "epoch": 1}
    assert [one["register_milliwh"] for one in told(desk, "direction_found")] == [869_000]


@pytest.mark.parametrize(("shown_milliwh", "open_milliwh"), [(1_421_000, 8_318_000), (LIFE, 1_000_000)])
def test_register_that_was_last_seen_at_zero_may_have_begun_there(
    desk: Desk, shown_milliwh: int, open_milliwh: int
) -> None:
    """Read each five minutes. Export falls to 0, is not shown for 35 minutes, and has 2 682 Wh more than at 12:15 then:
    what flowed is in no bucket. Where it can have counted all that it shows since, by 12 kW, it may have begun at the
    0: of the 10 kWh of those 50 minutes 2.682 are booked. A display of 902 kWh has not. And as it may be another meter,
    the one before may have died behind 12:10, where it was read before it moved last: 1 kWh until 12:15."""
    exports = [*[shown_milliwh] * 4, 0, 0, *[None] * 7, *[shown_milliwh + 2_682_000] * 3]
    desk.take(*(reading(NOON_US + n * 5 * MIN, LIFE + 10 * n, one) for n, one in enumerate(exports)))
    assert [one["direction"] for one in told(desk, "direction_lost")] == ["export"]
    assert [one["register_milliwh"] for one in told(desk, "direction_found")] == [shown_milliwh + 2_682_000]
    record = desk.books.state_record()
    assert record is not None
    assert int(record["export_uncertain_high_milliwh"] or 0) in range(open_milliwh, open_milliwh + 5)  # and digits


def test_zero_near_the_width_has_not_told_what_a_dead_meter_kept_back(desk: Desk) -> None:
    """Read each five minutes; 2.25 kWh below its width it stands from 12:10 until 12:50, and then shows 0. Then the
    config is changed, and other registers count. It may have been dead since 12:05, 45 minutes and 9 kWh, and not have
    come through its width by 2.25."""
    desk.books = desk.by(BY_ONE)
    shown = [WIDTH - 2_250_000 + 10 * min(n, 2) for n in range(11)]
    desk.take(*(reading(NOON_US + n * 5 * MIN, wide(one)) for n, one in enumerate([*shown, 0])))
    desk.commit()
    desk.books = desk.by(BY_FORTY)
    desk.take(*(reading(NOON_US + (n + 12) * 5 * MIN, wide(100_000 + 10 * n)) for n in range(6)))
    assert [one["classified"] for one in told(desk, "epoch")][-1:] == ["ratio_changed"]
    assert uncertain(desk)["high"] >= 9 * KWH


def test_another_meter_by_its_number_that_only_exports_from_zero_is_believed(desk: Desk) -> None:
    """Both registers at 0 for two minutes; then export counts, which was at 0 before as well. A display that counts is
    alive: import is 0 there too."""
    old = [reading(NOON_US + n * STEP_US, LIFE + 10 * n, 0, serial="A1") for n in range(4)]
    new = [reading(NOON_US + n * STEP_US, 0, max(10 * (n - 10), 0), serial="B2") for n in range(4, 16)]
    assert desk.take(*old, *new)[4:] == ["Quarantined"] * 7 + ["NewEpoch"] + ["Accepted"] * 4
    assert [one["classified"] for one in told(desk, "epoch")][1:] == ["meter_replaced"]
    assert account(desk) == {"high": 30, "earlier": 30, "epoch": 2}


@pytest.mark.parametrize(("behind_us", "named"), [(H, 4), (0, 5)])
def test_another_meter_by_its_number_is_believed_whatever_its_row_was_held_for_first(
    desk: Desk, behind_us: int, named: int
) -> None:
    """Import stands at 104, and export counts: first seen by a clock that is an hour behind, or when its number could
    not be read. With the fifth reading, 80 s on, it is believed; had export stood at 0 too, import at 0 would not."""
    old = [reading(NOON_US + n * STEP_US, LIFE + 10 * n, 0, serial="A1") for n in range(4)]
    shown = [(104, 10 * n) for n in range(8)]
    new = [reading(NOON_US + n * STEP_US, *one, serial="B2" if n >= named else None) for n, one in enumerate(shown, 4)]
    new = [moved(one, earliest_us=one.earliest_us - behind_us, latest_us=one.latest_us - behind_us) for one in new]
    zeros = [replace(one, snapshot=snapshot(0, 0)) for one in new]
    assert [spoken(one).split()[0] for one in decide([*old, *zeros])][4:] == ["quarantined"] * 8
    assert desk.take(*old, *new)[4:] == ["Quarantined"] * 4 + ["NewEpoch"] + ["Accepted"] * 3
    assert [one["classified"] for one in told(desk, "epoch")][1:] == ["meter_replaced"]
    assert (account(desk)["epoch"], account(desk)["last"]) == (2, 104)


def test_rollover_of_a_register_that_stood_at_zero_may_have_been_a_reset(desk: Desk) -> None:
    """Export is 100 Wh below its width, then at 0 for three minutes beside import, then it counts from there."""

    def wide(milliwh: int) -> EnergyRegister:
        return replace(register(milliwh), modulus_milliwh=1_000 * KWH)

    exports = [*[1_000 * KWH - 100_000 + n for n in range(8)], *[0] * 9, *[100 + 10 * n for n in range(8)]]
    desk.take(*(reading(NOON_US + n * STEP_US, LIFE + 10 * n, wide(one)) for n, one in enumerate(exports)))
    assert [one["classified"] for one in told(desk, "rollover")] == ["rollover"]
    record = desk.books.state_record()
    assert record is not None
    # Was it a reset, nothing of the 100 Wh up to the width has flowed.
    assert int(record["export_uncertain_high_milliwh"] or 0) >= 100_000 - 7


@pytest.mark.parametrize("shown", [0, 500])
def test_frozen_register_that_gives_at_once_from_a_zero_need_not_have_counted_that(desk: Desk, shown: int) -> None:
    """Import counts; export shows 0 while 6 kW flow, is called frozen, and has 400 Wh within 20 s. Was that 0 a wrong
    display, most of the 400 was counted before. Of one that stood at 0.5 Wh, which counts, only when it flowed is open:
    `high` is all of that time."""
    stands = [reading(NOON_US + MIN + n * STEP_US, LIFE + 10 * n, shown) for n in range(8)]
    gives = [reading(NOON_US + MIN + n * STEP_US, LIFE + 10 * n, shown + 400_000) for n in range(8, 10)]
    powers = [0, *[-6_000_000] * 9]
    both = zip([*stands, *gives], powers, strict=True)
    desk.take(*(replace(one, snapshot=replace(one.snapshot, power_milliw=milliw)) for one, milliw in both))
    assert [one["direction"] for one in told(desk, "frozen")] == ["export"]
    assert [one["grown_milliwh"] for one in told(desk, "moves_again")] == [400_000]
    record = desk.books.state_record()
    assert record is not None
    assert record["export_bucket_high_milliwh"] == 400_000
    # The first digit; and, of the 0, all that it gave, with a digit at either end.
    assert record["export_uncertain_high_milliwh"] == 1 + (400_000 + 1 + 1 if shown == 0 else 0)


def beside_wrong(begins: int) -> list[Reading]:
    """Import shows 0 from 12:40 to 12:45, no reading is had before and after; export, from `begins`, seems to count."""
    right = [reading(NOON_US + n * STEP_US, LIFE + 10 * n, begins) for n in range(5)]
    wrong = [reading(NOON_US + 40 * MIN + n * STEP_US, 0, begins + 10 + 10 * n) for n in range(16)]
    again = [reading(NOON_US + 75 * MIN + n * 10 * S, LIFE + 60, begins + 160 + 5_700_010) for n in range(2)]
    return [*right, *wrong, *again]


def newest_export(desk: Desk, from_minute: int) -> tuple[int, int]:
    """Of the interval from that minute after noon, by its newest revision: what is booked, and what is uncertain."""
    desk.commit()
    start_us = NOON_US + from_minute * MIN
    *_, newest = (one for one in desk.sent("interval") if one["start_utc_us"] == start_us)
    return newest["export_milliwh"], newest["export_uncertain_milliwh"]


def test_young_register_beside_a_wrong_zero_may_have_begun_at_zero_too(desk: Desk) -> None:
    """Both showed what flowed since 12:39:50, say: export's 5.7 kWh came before, and none of it in the gap that they
    are booked in, half of them from 13:00 to 13:15."""
    assert desk.take(*beside_wrong(0))[5:] == ["Quarantined"] * 4 + ["Accepted"] * 14
    booked_milliwh, uncertain_milliwh = newest_export(desk, 60)
    assert booked_milliwh == 2_850_005
    assert uncertain_milliwh >= 2_850_005


def test_old_register_beside_a_wrong_zero_has_not_begun_at_zero(desk: Desk) -> None:
    """The same from 900 kWh, which cannot have flowed in those minutes: it counted on. At 13:00 it can have
    had 2,700,010 (3 kWh before 13:15) to 3,000,001 (3 kWh after 12:45, and its digit) of it; 13:15 tells a digit."""
    desk.take(*beside_wrong(LIFE))
    assert newest_export(desk, 60) == (2_850_005, 3_000_001 - 2_850_005 + 1)


def test_what_it_left_out_may_have_flowed_in_any_interval_since_the_zero(desk: Desk) -> None:
    """Import shows 0 from 12:02 on. From 12:40 both show what flowed since then: the row goes on. At 12:50 both are
    right again, and export has 0.9 kWh more, which flowed from 12:15 to 12:30, say."""
    right = [reading(NOON_US + n * STEP_US, LIFE + 10 * n, 0) for n in range(5)]
    zeros = [reading(NOON_US + n * STEP_US, 0, 0) for n in range(6, 18)]
    begun = [reading(NOON_US + 40 * MIN + n * STEP_US, 0, 10 + 10 * n) for n in range(16)]
    again = [reading(NOON_US + 50 * MIN + n * STEP_US, LIFE + 60, 160 + 900_000) for n in range(2)]
    assert desk.take(*right, *zeros, *begun, *again)[9:] == ["Accepted"] * 26
    booked_milliwh, uncertain_milliwh = newest_export(desk, 15)
    assert booked_milliwh <= 10
    assert uncertain_milliwh >= 900_000


def test_zero_with_which_a_meter_came_may_never_have_been_its_count(desk: Desk) -> None:
    """At 12:05 hangs another meter by its number: its import counts, its export shows 0 until 12:35, and then 1.5 kWh,
    more than five minutes carry. Either it gives what it had kept back, or that 0 was wrong: it may have been near its
    width, and then anything flowed that 12 kW are from 12:05 to 12:36:20, 6.267 kWh; or from half a minute before."""
    old = [reading(NOON_US + n * MIN, wide(LIFE + 10 * n), wide(WIDTH - KWH), serial="A1") for n in range(5)]
    new = [reading(NOON_US + n * 5 * MIN, wide(7 * LIFE + n), wide(0), serial="B2") for n in range(1, 7)]
    desk.take(*old, *new)
    assert account(desk)["epoch"] == 2
    before = export_uncertain(desk)
    own = [
        reading(NOON_US + 35 * MIN + n * STEP_US, wide(7 * LIFE + 6), wide(1_500_000 + n), serial="B2")
        for n in range(5)
    ]
    desk.take(*own)
    assert told(desk, "resumed")[-1]["rule"] == "possible_since_it_stood"
    record = desk.books.state_record()
    assert record is not None
    assert record["export_bucket_high_milliwh"] == 1_500_004
    assert 6_266_666 - 1_500_004 <= export_uncertain(desk) - before <= 6_366_667 - 1_500_004 + 3


def test_zero_at_which_a_register_stood_for_days_is_a_count(desk: Desk) -> None:
    """The panels are new: export has shown 0 for two days, and then, two minutes after the last reading, 1 kWh."""
    nights = [reading(NOON_US + n * H, LIFE + 10 * n, 0) for n in range(49)]
    own = [reading(NOON_US + 48 * H + 2 * MIN + n * STEP_US, LIFE + 490, KWH + n) for n in range(5)]
    desk.take(*nights, *own)
    assert told(desk, "resumed")[-1]["rule"] == "possible_since_it_stood"
    assert export_uncertain(desk) in range(KWH, KWH + 20)


def export_uncertain(desk: Desk) -> int:
    record = desk.books.state_record()
    assert record is not None
    return int(record["export_uncertain_high_milliwh"] or 0)
