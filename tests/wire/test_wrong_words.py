"""Frames that are whole, sound and wrong, on their way through link, meter, validate and accumulate; virtual time."""

from pathlib import Path

import pytest

from hil.modbus.books_trial import ACCOUNT_WRONG, BOOKED_WRONG, BooksTrial, MeterWire
from hil.modbus.frames import Request, registers_pdu, rtu
from hil.modbus.virtual import START_US
from hil.modbus.wrong_words import US_PER_H, Meter, Wrong, reply, wrong_words

FRAMES = range(1, 201)
METER = Meter(import_wh=70_000_000, export_wh=3_000_000, import_w=2300, export_w=1100)


def test_of_two_hundred_wrong_frames_none_is_booked(tmp_path: Path) -> None:
    verdict = BooksTrial(31, FRAMES, tmp_path).run()
    assert [str(finding) for finding in verdict.findings] == []
    assert (verdict.faults, verdict.felt) == (200, 200)
    assert verdict.counts["register_epochs"] == 1
    # honest readings are booked all the same: all but those in the shadow of a wrong one
    assert verdict.counts["readings_accepted"] > 200


def test_without_the_validator_they_are_booked(tmp_path: Path) -> None:
    verdict = BooksTrial(31, FRAMES, tmp_path, guard=False).run()
    assert verdict.counts[BOOKED_WRONG] == 200


def test_the_meter_counts_as_it_says() -> None:
    # 2300 W for an hour is 2300 Wh; 70 000 000 is 0x042C1D80, 70 002 300 is 0x042C267C
    assert METER.registers_wh(US_PER_H) == (70_002_300, 3_001_100)
    assert METER.words(US_PER_H)[:2] == (0x042C, 0x267C)


@pytest.mark.parametrize("kind", Wrong)
def test_wrong_words_are_wrong_and_as_many(kind: Wrong) -> None:
    from random import Random

    for seed in range(50):
        words = wrong_words(METER, kind, 10 * US_PER_H, Random(seed))
        assert len(words) == len(METER.words(0))
        assert words[:4] != METER.words(10 * US_PER_H)[:4]


def test_what_the_map_does_not_hold_is_refused() -> None:
    from random import Random

    # function 3 with the high bit, exception 2: illegal data address
    assert reply(METER, Request(1, 3, 9, 2), 0, None, Random(1))[:3] == bytes((1, 0x83, 2))


class _Script:
    """A trial whose meter does something of its own at some polls."""

    def __init__(self, tmp_path: Path) -> None:
        self.trial = BooksTrial(33, FRAMES, tmp_path)
        self.wire: MeterWire = self.trial._wire

    def poll(self, times: int) -> None:
        self.trial._poll_honestly(times)

    def judged(self) -> list[str]:
        self.trial._judge_account()
        return [finding.what for finding in self.trial.verdict.findings]


def test_a_device_that_reboots_loses_no_energy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = _Script(tmp_path)
    script.poll(6)
    with monkeypatch.context() as away:
        away.setattr(MeterWire, "write", lambda _wire, _data: None)
        script.poll(24)
    assert script.trial.verdict.counts["readings_refused_NoAnswerError"] == 24
    script.poll(6)
    assert script.judged() == []
    assert script.trial.verdict.counts["register_epochs"] == 1


def test_a_device_that_shows_zero_for_a_while_after_a_reboot_books_nothing_wrong(tmp_path: Path) -> None:
    script = _Script(tmp_path)
    script.poll(6)
    script.wire.wrong = Wrong.ZEROS
    script.poll(4)
    script.wire.wrong = None
    script.poll(20)
    assert script.judged() == []
    assert script.trial.verdict.counts["readings_quarantined"] >= 4


def test_a_device_that_changes_its_map_for_a_while_books_nothing_wrong(tmp_path: Path) -> None:
    script = _Script(tmp_path)
    script.poll(6)
    script.wire.wrong = Wrong.SHIFTED
    script.poll(4)
    script.wire.wrong = None
    script.poll(20)
    assert script.judged() == []


def test_a_device_that_refuses_its_old_map_is_told_and_books_nothing(tmp_path: Path) -> None:
    script = _Script(tmp_path)
    script.poll(6)
    accepted = script.trial.verdict.counts["readings_accepted"]
    refused = rtu(1, bytes((0x83, 2)))
    script.wire.write = lambda _data: setattr(script.wire, "_coming", (script.trial._ticker.now_us + 1, refused))  # type: ignore[method-assign]
    script.poll(5)
    assert script.trial.verdict.counts["readings_refused_ConfigurationError"] == 5
    assert script.trial.verdict.counts["readings_accepted"] == accepted


def test_the_judge_of_the_account_finds_a_wrong_one(tmp_path: Path) -> None:
    script = _Script(tmp_path)
    script.poll(10)
    account = next(iter(script.trial._accumulator.state.directions.values()))
    account.totals_milliwh["unassigned"] = account.totals_milliwh.get("unassigned", 0) + 1
    assert script.judged() == [ACCOUNT_WRONG]


def test_the_meters_wire_takes_its_time(tmp_path: Path) -> None:
    script = _Script(tmp_path)
    script.wire.open()
    script.wire.write(rtu(1, bytes((3, 0, 10, 0, 6))))
    frame = rtu(1, registers_pdu(3, script.trial._wire._meter.words(8 * 1146 + 30_000)))
    assert script.wire.read(64, START_US + 8 * 1146 + 30_000 + 17 * 1146 - 1) == b""
    assert script.wire.read(64, START_US + 8 * 1146 + 30_000 + 17 * 1146) == frame
