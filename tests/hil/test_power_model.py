"""The quick model of power cuts: what FULL keeps, NORMAL loses. Needs apsw, which the set-up does not install."""

from pathlib import Path

import pytest

from hil.power.model import PowerModelSoak, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "apsw is here")


def test_no_cut_takes_an_acknowledged_commit(tmp_path: Path) -> None:
    result = PowerModelSoak().run_round(2, 1, 300, tmp_path, lambda _line: None)
    assert result.injected == 300
    assert result.felt > 270
    assert result.verdict.findings == []


def test_control_without_full_syncs_commits_are_lost(tmp_path: Path) -> None:
    result = PowerModelSoak().run_control(2, tmp_path, lambda _line: None)
    assert {one.what for one in result.verdict.findings} == {"lost_commit"}
