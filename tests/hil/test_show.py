"""How the demo ends: it fails when the broker has handed out no reading, and says where to look."""

from pathlib import Path

import pytest

from hil.picture import Picture
from hil.show import _conclude


def test_a_demo_without_a_reading_fails_and_keeps_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _conclude(tmp_path, Picture(), "", keep=False) == 1
    assert f"no reading came through the broker; see {tmp_path}/gateway.log" in capsys.readouterr().err
    assert tmp_path.exists()


def test_a_demo_whose_process_ended_fails_with_its_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _conclude(tmp_path, Picture(), "gateway ended with code 70", keep=False) == 1
    assert "gateway ended with code 70" in capsys.readouterr().err
