"""A daemon that cannot start says why in one message: no traceback, no guess, exit code 1."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.whole

GOOD = """\
[gateway]
id = "home"
clock = "ntp"

[store]
path = "ledger.sqlite"

[mqtt]
host = "127.0.0.1"

[accounting]
tariff = "pge-e-tou-c"

[[meter]]
name = "grid"
profile = "sunspec"
role = "grid"
register = "own"
service_amps = 200
service_volts = 240
host = "127.0.0.1"
"""

MUTATIONS = [
    ("wrong type", "service_amps = 200", 'service_amps = "200"', "gateway.toml:19", "service_amps"),
    ("unknown key", 'host = "127.0.0.1"\n\n', 'host = "127.0.0.1"\nslave = 1\n\n', "gateway.toml:10", '"slave"'),
    ("meter's unknown key", "service_volts", "slave = 1\nservice_volts", "gateway.toml:20", 'did you mean "unit"'),
    ("missing tariff", "pge-e-tou-c", "pge-e-tou-cc", "gateway.toml:12", "pge-e-tou-c"),
    ("missing choice", 'clock = "ntp"\n', "", "gateway.toml", "clock"),
    ("unknown profile", '"sunspec"', '"sunspeck"', "gateway.toml:16", "sunspec"),
    ("duplicate meter", "[mqtt]", GOOD[GOOD.index("[[meter]]") :] + "\n[mqtt]", "gateway.toml", "grid"),
    ("no TOML", "[gateway]", "[gateway", "gateway.toml:1", ""),
]


def run_daemon(folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "XDG_STATE_HOME": str(folder)}
    command = [sys.executable, "-m", "gateway.cli", "run", "--config", str(folder / "gateway.toml")]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


@pytest.mark.parametrize(("old", "new", "place", "word"), [m[1:] for m in MUTATIONS], ids=[m[0] for m in MUTATIONS])
def test_a_wrong_config_is_told_and_nothing_is_made(tmp_path: Path, old: str, new: str, place: str, word: str) -> None:
    assert old in GOOD
    (tmp_path / "gateway.toml").write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    outcome = run_daemon(tmp_path)
    assert outcome.returncode == 1
    assert place in outcome.stderr
    assert word in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["gateway.toml"]


def test_a_bad_time_zone_in_the_tariff_is_told_with_the_tariffs_own_line(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "config" / "tariffs" / "pge-e-tou-c.toml"
    text = shipped.read_text(encoding="utf-8")
    assert '"America/Los_Angeles"' in text
    (tmp_path / "mine.toml").write_text(text.replace("America/Los_Angeles", "America/Los_Angles"), encoding="utf-8")
    (tmp_path / "gateway.toml").write_text(GOOD.replace("pge-e-tou-c", "./mine.toml"), encoding="utf-8")
    outcome = run_daemon(tmp_path)
    assert outcome.returncode == 1
    assert "mine.toml:" in outcome.stderr
    assert "America/Los_Angles" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def a_folder(store: Path) -> None:
    store.mkdir()


def not_a_database(store: Path) -> None:
    store.write_bytes(b"SQLite format 3\x00" + b"\x7f" * 5000)


def from_the_future(store: Path) -> None:
    import sqlite3

    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize("damage", [a_folder, not_a_database, from_the_future], ids=lambda damage: damage.__name__)
def test_a_store_that_cannot_be_used_is_named_and_left_alone(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    (tmp_path / "gateway.toml").write_text(GOOD, encoding="utf-8")
    store = tmp_path / "ledger.sqlite"
    damage(store)
    before = store.read_bytes() if store.is_file() else b""
    outcome = run_daemon(tmp_path)
    assert outcome.returncode == 1
    assert "ledger.sqlite" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert (store.read_bytes() if store.is_file() else b"") == before
