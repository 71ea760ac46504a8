"""`netmeter-hil soak modbus` as a person starts it, short; its control, its checkpoint, and a driver that is broken."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drivers.modbus.frames import Question
from hil.modbus.judge import MISATTRIBUTED
from hil.modbus.soak import ModbusSoak

NEVER = ("misattributed", "booked_wrong", "early_request", "over_deadline", "traceback", "uncounted")
ROOT = Path(__file__).resolve().parents[2]


def soak(*options: str) -> tuple[int, dict[str, Any], str]:
    command = [sys.executable, "-P", "-m", "hil.cli", "soak", "modbus", "--seed", "4", "--n", "300", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)
    return done.returncode, json.loads(done.stdout), done.stderr


def test_a_short_soak_passes_with_its_control_and_tells_it_again(tmp_path: Path) -> None:
    code, line, told = soak("--resume", str(tmp_path / "c.json"))
    assert code == 0, told
    assert line["pass"] is True
    assert (line["injected"], line["control"]) == (300, "failed")
    assert line["felt_ratio"] >= 0.9
    assert [line[name] for name in ("misattributed", "booked_wrong", "early_request", "traceback", "uncounted")] == [
        0
    ] * 5
    assert line["real_transactions"] >= 6
    assert 0 < line["worst_transaction_permille"] <= 1000
    assert soak("--resume", str(tmp_path / "c.json"))[:2] == (0, line)


def test_a_driver_that_does_not_look_at_what_came_fails_the_soak(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same soak, the driver's check of unit and length broken: the judge must refuse it."""
    from drivers.modbus import transaction

    def whatever(buffer: bytes, question: Question, _crc_ok: object) -> tuple[int, int] | None:
        return (0, question.answer_bytes) if len(buffer) >= question.answer_bytes else None

    monkeypatch.setattr(transaction, "find_rtu_answer", whatever)
    result = ModbusSoak().run_round(4, 1, 340, tmp_path, lambda _line: None)
    assert MISATTRIBUTED in {finding.what for finding in result.verdict.findings}


def test_a_driver_that_keeps_no_quiet_fails_the_soak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from drivers.modbus.transaction import Transactor
    from drivers.modbus.unanswered import Unanswered

    monkeypatch.setattr(Transactor, "_suspect", lambda _transactor: None)
    monkeypatch.setattr(Unanswered, "leave", lambda *_: None)
    result = ModbusSoak().run_round(4, 1, 340, tmp_path, lambda _line: None)
    assert MISATTRIBUTED in {finding.what for finding in result.verdict.findings}
