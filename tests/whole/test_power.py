"""Power cuts of the real daemon, from a recording; and of one that does not sync, which must be found out."""

from pathlib import Path

import pytest

from hil.broker import find_mosquitto
from hil.folder import make_folder
from hil.power.loop_disk import LoopDisk
from hil.power.recording import why_not
from hil.power.soak import REAL_A_ROUND, PowerSoak

pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is missing: `./tests/run --setup` installs it"),
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "strace is here"),
]


@pytest.fixture
def folder() -> Path:
    return make_folder("power")


def test_no_power_cut_takes_what_was_told(folder: Path) -> None:
    result = PowerSoak().run_round(3, REAL_A_ROUND + 1, REAL_A_ROUND + 60, folder, lambda _line: None)
    assert result.injected == 60
    assert result.felt >= 54
    assert result.verdict.findings == []
    assert result.verdict.counts["acknowledged_records"] > 0


def test_control_a_daemon_that_does_not_sync_loses(folder: Path) -> None:
    """In a recording; and on a real file system, where this machine allows one and the control then says so."""
    said: list[str] = []
    result = PowerSoak().run_control(3, folder, said.append)
    lost = [one.detail for one in result.verdict.findings if one.what == "lost_commit"]
    assert any("recording 0" in one for one in lost)
    is_skipped = any(one.startswith("ext4: skipped") for one in said)
    assert is_skipped or any("sent is not in the store" in one for one in lost)


def test_nor_one_of_a_real_file_system(folder: Path) -> None:
    if why := LoopDisk(folder).why_not:
        pytest.skip(why)
    result = PowerSoak().run_round(3, 1, 2, folder, lambda _line: None)
    assert (result.injected, result.felt, result.verdict.counts["ext4_cuts"]) == (2, 2, 2)
    assert result.verdict.findings == []
    assert result.verdict.counts["ext4_records_told"] > 0
    assert (result.verdict.lost_milliwh, result.verdict.doubled_milliwh, result.verdict.misplaced_milliwh) == (0, 0, 0)
