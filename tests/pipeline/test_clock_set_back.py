"""A wall clock that is set back and stays there, by hand: held, believed, booked on; closed intervals only revised.

The calendar is `low` until noon, then `high`; intervals of 15 minutes; 12 kW at most. One milliwatt-hour a second.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.ledger.records import NotReadableError
from gateway.ledger.schema import migrate
from gateway.reading.read import Reading

from .test_books import LIFE, Desk, assert_chain
from .test_validate import decide, spoken
from .world import MIN, NOON_US, H, S, moved, reading

BEHIND, OK = "quarantined time_not_advanced", "accepted"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def poll(second: int, off_us: int = 0, **changes: object) -> Reading:
    """True second after noon, one milliwatt-hour each; the wall clock this far off, the monotonic one never."""
    one = reading(NOON_US + second * S, LIFE + second + 1000)
    return moved(one, earliest_us=one.earliest_us + off_us, latest_us=one.latest_us + off_us, **changes)


def words(*readings: Reading) -> list[str]:
    return [spoken(one) for one in decide([poll(-10), poll(-5), *readings])][2:]


def intervals(desk: Desk) -> list[tuple[Any, ...]]:
    """seq, revision, supersedes, from and to in seconds from noon, quality, energy."""
    keys = ("seq", "revision", "supersedes", "start_utc_us", "end_utc_us", "quality", "import_milliwh")
    found = [[one[key] for key in keys] for one in desk.sent("interval")]
    return [(*one[:3], (one[3] - NOON_US) // S, (one[4] - NOON_US) // S, *one[5:]) for one in found]


@pytest.mark.parametrize("back_us", [61 * S, H, 365 * 24 * H])
def test_a_clock_that_stays_behind_is_believed_after_a_minute(back_us: int) -> None:
    assert words(*(poll(5 * n, -back_us) for n in range(15))) == [BEHIND] * 12 + [OK] * 3


def test_one_time_far_behind_is_dropped() -> None:
    assert words(poll(0, -H), poll(5), poll(10, -8 * H), poll(15)) == [BEHIND, OK, BEHIND, OK]


def test_a_small_step_back_is_booked_as_soon_as_time_has_passed_again() -> None:
    assert words(*(poll(5 * n, -12 * S) for n in range(4))) == [BEHIND, BEHIND, OK, OK]


def test_the_same_answer_once_more_is_no_step() -> None:
    again = poll(0)
    assert words(again, again) == [OK, "rejected time_not_advanced"]


def test_after_a_reboot_a_clock_behind_is_believed_too() -> None:
    booted = [poll(5 * n, -H, boot_id="next", monotonic_us=5 * n * S) for n in range(14)]
    assert words(*booted) == [BEHIND] * 12 + [OK, OK]


def set_back_over_noon(desk: Desk) -> None:
    """Half a minute past noon the clock, 10 minutes fast, is set right: noon comes again."""
    ahead = 10 * MIN
    desk.take(poll(-1200, ahead), poll(-1195, ahead), poll(-605, ahead), poll(-595, ahead), poll(-570, ahead))
    desk.take(*(poll(-570 + 5 * n) for n in range(1, 14)))  # -565 .. -505: the thirteenth a minute after the first


def test_energy_goes_on_and_closed_intervals_get_revisions(desk: Desk) -> None:
    set_back_over_noon(desk)
    # The account began at wall -600 s; the quarter before noon closed with 600 s of it.
    desk.take(poll(-1), poll(1), poll(899), poll(901))
    desk.commit()
    record = desk.books.state_record()
    assert record is not None
    # By the wall: 600 s before noon and 30 after (10 minutes early); then from -570 s again: 570 and 901.
    assert record["import_bucket_low_milliwh"] == 600 + 570
    assert record["import_bucket_high_milliwh"] == 30 + 901
    assert intervals(desk) == [
        (1, 0, None, -600, 0, "measured", 600),
        (2, 1, 1, -600, 0, "repeated", 600 + 570),
        (3, 0, None, 0, 900, "repeated", 30 + 900),
    ]
    assert_chain(desk.sent("interval"), desk.store.store_epoch)
    (step,) = [event for event in desk.sent("event") if event["event"] == "clock_step"]
    assert step["step_us"] == -10 * MIN
    assert (step["repeats_from_utc_us"], step["repeats_until_utc_us"]) == (NOON_US - 570 * S, NOON_US + 30 * S)
    # By true time 1200 mWh flowed before noon and 901 after it: 30 are in the wrong bucket.
    for bucket in ("low", "high"):
        told = record[f"import_uncertain_{bucket}_milliwh"]
        assert isinstance(told, int)
        assert told >= 2_000_000  # 12 kW times ten minutes


@pytest.mark.parametrize("kill_after", range(4))
def test_a_kill_while_time_repeats_changes_nothing(desk: Desk, kill_after: int) -> None:
    set_back_over_noon(desk)
    desk.commit()
    for number, one in enumerate((poll(-1), poll(1), poll(899), poll(901))):
        desk.take(one)
        desk.commit()
        if number == kill_after:
            desk.reopen()
    assert [row[-1] for row in intervals(desk)] == [600, 1170, 930]


def test_a_step_while_the_daemon_is_away_is_seen_by_the_stored_reading(desk: Desk) -> None:
    desk.take(poll(60), poll(65))
    desk.commit()
    desk.reopen()
    desk.take(*(poll(125 + 5 * n, -H) for n in range(13)))
    desk.commit()
    assert [event["step_us"] for event in desk.sent("event") if event["event"] == "clock_step"] == [-H]
    record = desk.books.state_record()
    assert record is not None
    # 5 after noon by the old clock; all that flowed since, 120, before noon by the one that holds now.
    assert (record["import_bucket_high_milliwh"], record["import_bucket_low_milliwh"]) == (5, 120)


def test_what_flowed_while_the_machine_was_off_and_its_clock_set_back_is_unassigned(desk: Desk) -> None:
    desk.take(poll(60), poll(65), poll(70))
    desk.take(*(poll(125 + 5 * n, -H, boot_id="next", monotonic_us=5 * n * S) for n in range(14)))
    desk.commit()
    record = desk.books.state_record()
    assert record is not None
    # 10 until the reboot; 115 until the clock is believed, nobody knows over how long; 5 since.
    assert (record["import_bucket_high_milliwh"], record["import_unassigned_milliwh"]) == (10, 115)
    assert record["import_bucket_low_milliwh"] == 5
    (step,) = [event for event in desk.sent("event") if event["event"] == "clock_step"]
    assert step["step_us"] is None
    assert step["at_least_us"] == -H + 115 * S - 1


def hot(second: int, off_us: int = 0, **changes: object) -> Reading:
    """As `poll`, with 3000 mWh a second: nine tenths of what the service carries."""
    one = reading(NOON_US + second * S, LIFE + (second + 1000) * 3000)
    return moved(one, earliest_us=one.earliest_us + off_us, latest_us=one.latest_us + off_us, **changes)


@pytest.mark.parametrize("killed", [False, True])
def test_a_step_seen_before_a_reboot_is_reckoned_with_after_it(desk: Desk, killed: bool) -> None:
    """Set back by 20 minutes and held for that; then the machine is started anew. Its clock shows 2405 s since the last
    booked reading, in which the service carries 8017 Wh; 10815 Wh came, in 3605 s. No other meter hangs there."""
    desk.take(hot(-10), hot(-5), hot(0, -20 * MIN), hot(5, -20 * MIN))
    if killed:
        desk.commit()
        desk.reopen()
    desk.take(hot(3600, -20 * MIN, boot_id="next", monotonic_us=60 * S))
    desk.commit()
    record = desk.books.state_record()
    assert record is not None
    assert [one["register_epoch"] for one in desk.sent("event") if one["event"] == "epoch"] == [1]
    # By the clock that holds now: 1205 s before noon and 2400 after it; and 5 s before the clock was set.
    assert record["import_bucket_low_milliwh"] == (1205 + 5) * 3000
    assert record["import_bucket_high_milliwh"] == 2400 * 3000
    assert record["import_unassigned_milliwh"] == 0
    (step,) = [event for event in desk.sent("event") if event["event"] == "clock_step"]
    assert step["step_us"] == -20 * MIN
    # At noon at least 10815 Wh less the 8000 that the service carries after it: 2815, and 3615 are booked.
    for bucket in ("low", "high"):
        told = record[f"import_uncertain_{bucket}_milliwh"]
        assert isinstance(told, int)
        assert told >= 800_000


def test_a_step_seen_before_a_reboot_may_be_gone_after_it(desk: Desk) -> None:
    """The machine boots with the right time again: what flowed before noon is 10 s of it, within what is told."""
    desk.take(hot(-10), hot(-5), hot(0, -20 * MIN), hot(5, -20 * MIN))
    desk.take(hot(3600, boot_id="next", monotonic_us=60 * S))
    desk.commit()
    record = desk.books.state_record()
    assert record is not None
    for bucket, true_milliwh in (("low", 10 * 3000), ("high", 3600 * 3000)):
        booked, told = (record[f"import_{what}_{bucket}_milliwh"] for what in ("bucket", "uncertain"))
        assert isinstance(booked, int)
        assert isinstance(told, int)
        assert abs(booked - true_milliwh) <= told


@pytest.mark.parametrize("boots", [False, True])
@pytest.mark.parametrize("back_us", [MIN, 20 * MIN, 2 * H])
def test_a_register_that_stands_while_the_clock_is_set_back_gives_all_at_once(
    desk: Desk, back_us: int, boots: bool
) -> None:
    """From 6600 s before noon on it stands; ten minutes before noon the clock, fast until then, is set right; a minute
    after noon it gives 19980 Wh, for which the service needs 5994 s. By the clock before, it stood from `back_us` later
    on."""
    for second in range(-7200, 601, 60):
        off_us = back_us if second < -600 else 0
        stands = -6600 <= second < 60
        shown = hot(-6600).snapshot if stands else hot(second).snapshot
        one = moved(hot(second, off_us), snapshot=shown)
        if boots and second >= -600:  # it is set right over a restart: nobody knows by how much
            one = moved(one, boot_id="next", monotonic_us=(second + 660) * S)
        desk.take(one)
    desk.commit()
    record = desk.books.state_record()
    assert record is not None
    assert [one["register_epoch"] for one in desk.sent("event") if one["event"] == "epoch"] == [1]
    assert record["import_unassigned_milliwh"] == 0
    total = 0
    for bucket, true_milliwh in (("low", 7200 * 3000), ("high", 600 * 3000)):
        booked, told = (record[f"import_{what}_{bucket}_milliwh"] for what in ("bucket", "uncertain"))
        assert isinstance(booked, int)
        assert isinstance(told, int)
        assert abs(booked - true_milliwh) <= told
        total += booked
    assert total == 7800 * 3000


def test_a_step_that_nobody_saw_before_a_reboot_is_not_guessed(desk: Desk) -> None:
    desk.take(poll(-10), poll(-5), poll(0))
    desk.take(poll(3600, -20 * MIN, boot_id="next", monotonic_us=60 * S))
    desk.commit()
    assert [event for event in desk.sent("event") if event["event"] == "clock_step"] == []


def test_a_store_that_cannot_be_read_delays_a_revision_and_loses_none(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_back_over_noon(desk)
    desk.commit()

    def fails(_end_us: int) -> None:
        raise NotReadableError("disk I/O error")

    with monkeypatch.context() as hung:
        hung.setattr(desk.books._journal, "_find_closed", fails)
        desk.take(poll(-1), poll(1))
        desk.commit()
        assert len(intervals(desk)) == 1
    desk.reopen()  # what waits is stored
    desk.take(poll(5))
    desk.commit()
    assert intervals(desk)[1] == (2, 1, 1, -600, 0, "repeated", 600 + 570)


def test_time_before_the_account_began_gets_intervals_of_its_own(desk: Desk) -> None:
    """The first time of all was an hour fast."""
    desk.take(poll(60, H), poll(65, H))
    desk.take(*(poll(70 + 5 * n) for n in range(14)))
    desk.take(poll(899), poll(901))
    desk.commit()
    assert intervals(desk) == [(1, 0, None, 65, 900, "measured", 900 - 65)]  # nobody has had that time before
    desk.take(poll(3599), poll(3601), poll(4499), poll(4501))
    desk.commit()
    # The first interval of all goes on where it was parked, from the beginning of its quarter on.
    assert intervals(desk)[-1] == (5, 0, None, 3600, 4500, "repeated", 5 + 900)
