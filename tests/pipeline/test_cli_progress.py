"""Progress on standard error: silent for two seconds, then now and then; cleared on a terminal. Time is handed in."""

import pytest

from gateway.cli.progress import CLEAR_LINE, Progress

from .world import S


class Hand:
    """A clock that is set by hand."""

    now_us = 1000 * S

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def hand() -> Hand:
    return Hand()


def test_quick_work_says_nothing(hand: Hand, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("rows", hand)
    hand.now_us += 2 * S - 1
    progress("reading", 500, 0)
    progress.end()
    assert capsys.readouterr() == ("", "")


def test_slow_work_is_told_every_ten_seconds(hand: Hand, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("rows", hand)
    told = []
    for second in range(25):
        progress("booking", second * 1000, 25_000)
        told.append(capsys.readouterr().err)
        hand.now_us += 1 * S
    assert [(second, line) for second, line in enumerate(told) if line] == [
        (2, "booking: 2,000 of 25,000 (8 %) rows\n"),
        (12, "booking: 12,000 of 25,000 (48 %) rows\n"),
        (22, "booking: 22,000 of 25,000 (88 %) rows\n"),
    ]


def test_a_terminal_has_one_line_that_is_cleared(
    hand: Hand, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    progress = Progress("rows", hand)
    hand.now_us += 3 * S
    progress("reading", 7000, 0)
    progress.end()
    assert capsys.readouterr().err == f"{CLEAR_LINE}reading: 7,000 rows{CLEAR_LINE}"
