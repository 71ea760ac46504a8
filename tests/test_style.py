"""The whole checkout under ruff and mypy --strict, as the settings in pyproject.toml have them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("mypy", "--strict", "gateway", "drivers", "hil")],
    ids=["ruff", "mypy"],
)
def test_check_is_clean(command: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
