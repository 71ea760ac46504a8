"""What may lie at a store's place, or in the way: a link, links in a circle, a folder, a pipe, a file that ends early.

Real files; what SQLite would do with each is SQLite's own doing.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.ledger.checkpoint_file import CheckpointFile
from gateway.ledger.connection import schema_version
from gateway.ledger.damaged import TableReader, open_for_reading
from gateway.ledger.full_check import FullCheck
from gateway.ledger.lock import StoreLock, StoreLockedError
from gateway.ledger.rows import replace, summed
from gateway.ledger.schema import migrate
from gateway.ledger.store_error import DamagedError, StoreError
from gateway.ledger.version import SCHEMA_VERSION
from hil.soak.pages import leaves, page

from .test_ledger_moves import old_store
from .test_ledger_opening import book, gone, opened, reason_of
from .test_ledger_page_owners import grow
from .test_ledger_tally import root_of
from .world import MIN, S

PAGE_BYTES = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "disk" / "ledger.sqlite"
    place.parent.mkdir()
    grow(place)
    return place


@pytest.fixture
def link(path: Path) -> Path:
    place = path.parent.parent / "link.sqlite"
    place.symlink_to(path)
    return place


def killed(path: Path) -> None:
    """As after a kill: the log stands, with a commit in it."""
    with closing(sqlite3.connect(path)) as hand:
        hand.execute("PRAGMA wal_autocheckpoint = 0")
        with hand:
            hand.execute("UPDATE bucket_total SET bucket = bucket")
        copy = {end: path.with_name(path.name + end).read_bytes() for end in ("", "-wal")}
    for end, content in copy.items():
        path.with_name(path.name + end).write_bytes(content)


def test_all_that_belongs_to_a_store_lies_beside_the_file_and_not_beside_a_link(path: Path, link: Path) -> None:
    killed(path)
    for checkpoint in path.parent.glob("*.checkpoint-*"):
        checkpoint.unlink()
    one = opened(link)
    assert [event for event, _ in one.told] == ["unclean_stop"]
    book(one.store, *((each * MIN, 1100) for each in (46, 61)))
    assert CheckpointFile(path).load() is not None
    with pytest.raises(StoreLockedError):
        StoreLock(path)
    one.store.close()
    assert sorted(each.name for each in link.parent.iterdir()) == ["disk", "link.sqlite"]


def test_what_a_link_leads_to_is_set_aside_where_it_lies(path: Path, link: Path) -> None:
    content = b"\0" * 100 + path.read_bytes()[100:]
    path.write_bytes(content)
    one = opened(link)
    (told,) = (detail for event, detail in one.told if event == "store_set_aside")
    assert path.with_name(str(told["aside"])).read_bytes() == content
    with pytest.raises(StoreLockedError):
        StoreLock(link)
    one.store.close()
    assert link.readlink() == path
    assert sorted(each.name for each in link.parent.iterdir()) == ["disk", "link.sqlite"]


def circle(path: Path) -> None:
    path.symlink_to(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/null")


NO_FILE = "a folder, a device or a pipe"


@pytest.mark.parametrize(
    ("put_there", "word"),
    [(circle, "symbolic links"), (Path.mkdir, NO_FILE), (os.mkfifo, NO_FILE), (device, NO_FILE)],
)
def test_what_can_be_no_file_is_refused_and_left(path: Path, put_there: Callable[[Path], None], word: str) -> None:
    gone(path)
    put_there(path)
    before = sorted(each.name for each in path.parent.iterdir())
    with pytest.raises(OSError, match=word):
        opened(path)
    assert sorted(each.name for each in path.parent.iterdir()) == before


def test_a_lock_that_is_a_link_does_not_write_into_another_file(path: Path) -> None:
    """Nor does it where that holds a number, or make one where it leads to nothing."""
    lock, number = path.with_name(f"{path.name}.lock"), path.with_name("number")
    number.write_text("12345")
    content = path.read_bytes()
    for target in (path, number, path.with_name("nothing")):
        lock.unlink()
        lock.symlink_to(target)
        with pytest.raises(OSError, match="but a link"):
            opened(path)
    assert (path.read_bytes(), number.read_text()) == (content, "12345")
    assert not path.with_name("nothing").exists()


def test_a_lock_that_is_a_pipe_is_refused_by_name(path: Path) -> None:
    lock = path.with_name(f"{path.name}.lock")
    lock.unlink()
    os.mkfifo(lock)
    with pytest.raises(OSError, match="a device or a pipe") as refused:
        opened(path)
    assert refused.value.filename == str(lock)


@pytest.mark.parametrize("content", [b"\xff" * 4096, b"\x9c\x01", b'[[package]]\nname = "x"\n'])
def test_a_lock_file_with_something_else_in_it_locks_and_is_not_written_to(path: Path, content: bytes) -> None:
    """A block of the card that is gone must not keep the gateway from starting, nor cost another program its file."""
    lock = path.with_name(f"{path.name}.lock")
    lock.write_bytes(content)
    one = opened(path)
    with pytest.raises(StoreLockedError, match="in use by process unknown"):
        StoreLock(path)
    one.store.close()
    assert lock.read_bytes() == content


def test_a_lock_file_of_zeros_is_written_anew(path: Path) -> None:
    """What a file system leaves of a file that was not synced when the power went."""
    lock = path.with_name(f"{path.name}.lock")
    lock.write_bytes(b"\0" * 6)
    one = opened(path)
    with pytest.raises(StoreLockedError, match=f"in use by process {os.getpid()} "):
        StoreLock(path)
    one.store.close()


def test_of_a_file_that_is_cut_every_row_before_its_end_is_read(path: Path) -> None:
    """SQLite opens no file that is shorter than its header says; its header and its trees are there all the same."""
    content = path.read_bytes()
    own = leaves(content, root_of(path, "reading"))
    kept = sorted(own)[len(own) // 2]
    path.write_bytes(content[: kept * PAGE_BYTES])
    with closing(sqlite3.connect(path)) as plain, pytest.raises(sqlite3.DatabaseError, match="malformed"):
        plain.execute("SELECT count(*) FROM meter").fetchone()
    expected = sum(int.from_bytes(page(content, one)[3:5], "big") for one in own if one <= kept)
    with closing(open_for_reading(path)) as connection:
        assert len(list(TableReader(connection, "reading", 5000).rows())) == expected > 50
    one = opened(path)
    assert (reason_of(one), one.store.epoch.witness) == ("damaged", "salvage")
    one.store.close()


def test_a_journal_of_another_database_is_set_aside_with_the_file_and_not_written_into_it(path: Path) -> None:
    content, other = path.read_bytes(), path.with_name("other.sqlite")
    with closing(sqlite3.connect(other)) as hand:
        hand.execute("PRAGMA journal_mode = WAL")
        with hand:
            hand.execute("CREATE TABLE other (x)")
        shutil.copyfile(f"{other}-wal", f"{path}-wal")
    one = opened(path)
    (told,) = (detail for event, detail in one.told if event == "store_set_aside")
    assert told["why"] == "the file, with the journal beside it, is no store"
    assert path.with_name(str(told["aside"])).read_bytes() == content
    one.store.close()


def test_a_file_that_cannot_be_read_keeps_its_journal_apart(path: Path) -> None:
    """Whoever reads what is left has both as they lay: the file is not written to by asking for its schema."""
    killed(path)
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    journal = path.with_name(f"{path.name}-wal").read_bytes()
    with pytest.raises(DamagedError, match="not a database"):
        schema_version(path)
    assert (path.read_bytes(), path.with_name(f"{path.name}-wal").read_bytes()) == (content, journal)


def test_an_older_store_that_never_had_an_owner_keeps_its_history(tmp_path: Path) -> None:
    """Its chain can be verified only under the name of the gateway that wrote it."""
    path = tmp_path / "ledger.sqlite"
    store = opened(path).store
    book(store, (1 * S, 1000), (2 * S, 1000), (16 * MIN, 1010))
    store.close()
    with closing(sqlite3.connect(path)) as hand, hand:
        row = (1, store.store_epoch, "", 0, "first", "", "", "")
        hand.execute(replace("store_epoch"), summed(row))
    older = path.read_bytes()
    store = opened(path).store
    book(store, (31 * MIN, 1030), (46 * MIN, 1040))
    store.close()
    path.write_bytes(older)
    one = opened(path)
    assert reason_of(one) == "older"
    check = one.store.full_check()
    assert isinstance(check, FullCheck)
    while not check.step():
        pass
    assert (check.fault, check.checked_links) == ("", 1)
    one.store.close()


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
@pytest.mark.parametrize("listed", [False, True])
def test_another_programs_database_is_left_untouched_whatever_number_it_has(
    tmp_path: Path, version: int, listed: bool
) -> None:
    """`user_version` is any program's to use (sqlite.org/fileformat2.html, 1.3.13), and so is sqlite-utils' list."""
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as hand, hand:
        hand.execute(f"PRAGMA journal_mode = {'WAL' if version % 2 else 'DELETE'}").fetchone()
        hand.execute("CREATE TABLE photos (name TEXT)")
        hand.execute(f"PRAGMA user_version = {version}")
        if listed:
            hand.execute("CREATE TABLE _sqlite_migrations (migration_set TEXT, name TEXT, applied_at TEXT)")
            hand.execute("INSERT INTO _sqlite_migrations VALUES ('photos', 'm0001', '')")
    before = other.read_bytes()
    with pytest.raises(StoreError, match=r"another program's database \(photos\)"):
        migrate(other, backup=True)
    assert other.read_bytes() == before
    assert [one.name for one in tmp_path.glob("other*")] == ["other.sqlite"]


def test_an_older_store_with_a_page_of_two_owners_is_not_written_to_without_a_copy_either(tmp_path: Path) -> None:
    """Its migration would be the first to take the page that is listed as free (1.5: header bytes 32 and 36)."""
    store = old_store(tmp_path)
    with closing(sqlite3.connect(store)) as hand:
        hand.execute("PRAGMA journal_mode = DELETE").fetchone()
        (root,) = hand.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'event'").fetchone()
        hand.execute("CREATE TABLE gone (x)")
        hand.execute("DROP TABLE gone")  # one page is free: the trunk, with no entry
    content = bytearray(store.read_bytes())
    trunk = int.from_bytes(content[32:36], "big")
    assert trunk
    assert content[36:40] == b"\0\0\0\1"
    at = (trunk - 1) * 4096
    content[at + 4 : at + 12] = (1).to_bytes(4, "big") + int(root).to_bytes(4, "big")
    content[36:40] = (2).to_bytes(4, "big")
    store.write_bytes(content)
    with pytest.raises(DamagedError, match=f"page {root}: belongs to event and to the list of free pages"):
        migrate(store)
    assert store.read_bytes() == content
