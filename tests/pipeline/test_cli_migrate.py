"""`netmeter migrate` and a wrong file: left as it was, nothing laid beside it, and the message says what to do."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.migrate import LOOKED_AT_BYTES, migrate
from gateway.ledger.store_error import EXIT_DAMAGED

CONFIG = Path(__file__).parents[2] / "config" / "gateway.toml"
CUT_LETTER = b"a" * (LOOKED_AT_BYTES - 1) + "\u00e9".encode()


def run(path: Path) -> Result:
    return CliRunner().invoke(migrate, [str(path)])


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (CONFIG.read_bytes(), 1, "is a text and no store"),
        (b"hello\n", 1, "is a text and no store"),
        ("Z\u00e4hler\n".encode(), 1, "is a text and no store"),
        (CUT_LETTER, 1, "is a text and no store"),
        (b"\x7fELF\x02\x01\x01" + bytes(64), EXIT_DAMAGED, "whose beginning is destroyed"),
        (bytes(8192), EXIT_DAMAGED, "whose beginning is destroyed"),
        (b"K\xfcche" * 20, EXIT_DAMAGED, "whose beginning is destroyed"),
    ],
    ids=["config", "text", "umlaut", "cut letter", "program", "zeros", "latin-1"],
)
def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path, content: bytes, code: int, words: str) -> None:
    path = tmp_path / "wrong"
    path.write_bytes(content)
    result = run(path)
    assert (result.exit_code, words in result.output) == (code, True), result.output
    assert "`netmeter check` tells where the store of a config lies" in result.output
    assert "move" not in result.output  # it may be a config
    assert [one.name for one in tmp_path.iterdir()] == ["wrong"]
    assert path.read_bytes() == content


@pytest.mark.parametrize("is_open", [False, True], ids=["closed", "open, with a log"])
def test_another_programs_database_is_left_alone(tmp_path: Path, is_open: bool) -> None:
    path = tmp_path / "photos.sqlite"
    with closing(sqlite3.connect(path)) as owner:
        if is_open:
            owner.execute("PRAGMA journal_mode = WAL").fetchone()
        with owner:
            owner.execute("CREATE TABLE photos (name TEXT)")
        before = {one.name: one.read_bytes() for one in tmp_path.iterdir() if not one.name.endswith("-shm")}
        result = run(path)
        after = {one.name: one.read_bytes() for one in tmp_path.iterdir() if not one.name.endswith("-shm")}
    assert (result.exit_code, "another program's database (photos)" in result.output) == (1, True), result.output
    assert after == before


@pytest.mark.parametrize("exists", [True, False], ids=["empty", "absent"])
def test_control_what_is_nothing_yet_becomes_a_store(tmp_path: Path, exists: bool) -> None:
    path = tmp_path / "ledger.sqlite"
    if exists:
        path.touch()
    result = run(path)
    assert result.exit_code == 0, result.output
    with closing(sqlite3.connect(path)) as hand:
        assert hand.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'interval'").fetchone() == (1,)


def test_a_folder_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    result = run(tmp_path / "no" / "ledger.sqlite")
    assert result.exit_code == 1
    assert f"there is no folder {tmp_path / 'no'}: make it first, or correct the path" in result.output
    assert not list(tmp_path.iterdir())
