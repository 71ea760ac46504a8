"""Commands whose output goes nowhere: a full disk is told, exit code 1; a reader that has gone is no fault to tell of.

No traceback in either. /dev/full is the kernel's own, and so is the pipe without a reader.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = [
    ("gateway.cli", "--help"),
    ("gateway.cli", "--version"),
    ("gateway.cli", "run --help"),
    ("gateway.cli", "tariff show pge-e-tou-c"),
    ("gateway.cli", "tariff show pge-e-tou-c --json"),
    ("gateway.cli", "tariff check config/tariffs/pge-e-tou-c.toml"),
    ("gateway.cli", "kernel show"),
    ("hil.cli", "soak kill --seed 1 --n 3 --plan"),
]


def run(module: str, words: str, output: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module, *words.split()]
    with Path(output).open("w", encoding="utf-8") as sink:
        return subprocess.run(
            command, cwd=ROOT, stdout=sink, stderr=subprocess.PIPE, text=True, check=False, timeout=120
        )


@pytest.mark.parametrize(("module", "words"), COMMANDS, ids=[words for _, words in COMMANDS])
def test_a_full_disk_behind_the_output_is_told(module: str, words: str) -> None:
    outcome = run(module, words, "/dev/full")
    assert "could not be written whole: No space left on device" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert "Exception ignored" not in outcome.stderr
    assert outcome.returncode == 1


def test_the_same_command_with_room_works(tmp_path: Path) -> None:
    outcome = run("gateway.cli", "tariff show pge-e-tou-c", str(tmp_path / "out"))
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert (tmp_path / "out").stat().st_size > 0


@pytest.mark.parametrize(("module", "words"), COMMANDS, ids=[words for _, words in COMMANDS])
def test_a_reader_that_has_gone_ends_the_command_quietly(module: str, words: str) -> None:
    """As in `| head -1`; here the reader is gone before the first byte, so that nothing depends on who is faster."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", module, *words.split()]
        outcome = subprocess.run(
            command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=120
        )
    finally:
        os.close(writing)
    assert "Traceback" not in outcome.stderr
    assert "Exception ignored" not in outcome.stderr
    assert outcome.returncode == 1
