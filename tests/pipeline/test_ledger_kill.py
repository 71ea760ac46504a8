"""kill -9 of a process that commits in a loop: what it has reported as committed is there, in one piece.

The control is a writer that reports before its COMMIT: the same test must find that it loses.
"""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.ledger.schema import migrate
from gateway.ledger.store import Store

ROOT = Path(__file__).parents[2]


def killed_after(store: Path, manner: str, reports: int) -> int:
    """Let a writer run until it has made so many reports, kill it at once. Returns the last number it reported."""
    command = [sys.executable, "-m", "tests.pipeline.ledger_writer", str(store), manner]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(reports):
            last = writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split()  # it went on until the kill came: those count too
        writer.wait()
        assert writer.returncode == -signal.SIGKILL
    return int(rest[-1] if rest else last)


def found(path: Path) -> tuple[list[int], list[str]]:
    """Event numbers and outbox payloads, as a new daemon finds them."""
    store = Store(path)
    payloads = [row.payload for row in store.pending(0, 1_000_000)]
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        return [seq for (seq,) in connection.execute("SELECT seq FROM event ORDER BY seq")], payloads


@pytest.fixture
def path(tmp_path: Path) -> Path:
    migrate(tmp_path / "ledger.sqlite")
    return tmp_path / "ledger.sqlite"


def test_nothing_that_was_reported_is_lost_over_kills(path: Path) -> None:
    for reports in (1, 7, 40, 150):  # the last one passes SQLite's checkpoint
        last = killed_after(path, "honest", reports)
        seqs, payloads = found(path)
        assert seqs == list(range(1, len(seqs) + 1))  # no hole, none twice
        assert last <= len(seqs) <= last + 1  # one commit may have been under way, unreported
        assert payloads == [f'{{"seq":{seq}}}' for seq in seqs]  # event and message, or neither


def test_control_writer_that_reports_before_its_commit_is_found_out(path: Path) -> None:
    last = killed_after(path, "boastful", 3)
    seqs, _ = found(path)
    assert last > len(seqs)
