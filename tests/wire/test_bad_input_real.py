"""All faults mixed on real ptys and sockets; and pymodbus's own client on the same lines, as the control."""

from pathlib import Path

import pytest

from hil.modbus.judge import MISATTRIBUTED
from hil.modbus.plain_pymodbus import PlainPymodbus
from hil.modbus.real import run_defended, run_real
from hil.process import ChildError

FAULTS = range(1, 73)


def test_on_real_wires_nothing_wrong_is_believed(tmp_path: Path) -> None:
    verdict = run_defended(21, FAULTS, tmp_path)
    assert [str(finding) for finding in verdict.findings] == []
    assert verdict.faults == len(FAULTS)
    assert verdict.felt >= 0.7 * len(FAULTS)
    assert verdict.counts["answered"] > len(FAULTS) // 2


def test_without_a_guard_wrong_words_are_believed(tmp_path: Path) -> None:
    """The control: the same devices, the same faults, and a client that trusts its line."""
    verdict = run_real(21, range(1, 181), tmp_path, PlainPymodbus)
    assert verdict.counts[MISATTRIBUTED] > 0


def test_devices_that_end_are_told(tmp_path: Path) -> None:
    (tmp_path / "line-0.new").touch()  # the first line's pty cannot be put at its place
    with pytest.raises(ChildError, match="slave"):
        run_defended(21, range(1, 4), tmp_path)
