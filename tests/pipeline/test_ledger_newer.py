"""A store in which a newer program wrote under our schema number: refused untouched, by its checksums; damage is not.

Rows are altered by this test's own hand as a newer program would write them, with their checksum.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.ledger.copies import verify_copy
from gateway.ledger.opening import Opener
from gateway.ledger.restore import restore
from gateway.ledger.rows import crc_of
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.ledger.store_error import DamagedError, StoreError
from gateway.ledger.swap import suspect_place, write_note
from gateway.ledger.version import SCHEMA_VERSION

from .test_ledger_opening import account, book, make, opened, owner
from .world import MIN, S

Plain = dict[str, Any]
Change = Callable[[Plain], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """1000, 1030 mWh, and a register of 5 that waits in quarantine."""
    place = tmp_path / "ledger.sqlite"
    store = opened(place).store
    book(store, (1 * S, 1000), (2 * S, 1000), (16 * MIN, 1030), (17 * MIN, 5))
    store.close()
    return place


def rewrite(path: Path, table: str, column: str, change: Change, *, is_whole: bool = True) -> None:
    """Alter one stored value, and its checksum with it where a program would have done it."""
    with closing(sqlite3.connect(path)) as hand, hand:
        names = [row[1] for row in hand.execute(f"PRAGMA table_info({table})") if row[1] not in ("held_id", "crc")]
        row = dict(zip(names, hand.execute(f"SELECT {', '.join(names)} FROM {table}").fetchone(), strict=True))
        plain = json.loads(row[column])
        change(plain)
        row[column] = json.dumps(plain, separators=(",", ":"))
        hand.execute(f"UPDATE {table} SET {column} = ?", (row[column],))
        if is_whole:
            hand.execute(f"UPDATE {table} SET crc = ?", (crc_of(tuple(row.values())),))


def files_of(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def a_field(state: Plain) -> None:
    state["mood_tomorrow"] = {"import": 3}


def a_field_that_is_none(state: Plain) -> None:
    state["mood_tomorrow"] = None


def a_field_of_a_direction(state: Plain) -> None:
    state["directions"]["import"]["mood_tomorrow"] = 1


def a_field_of_a_register(state: Plain) -> None:
    state["held_first"]["snapshot"]["energy_import"]["mood_tomorrow"] = 1


def a_longer_mark(state: Plain) -> None:
    state["directions"]["import"]["marks"][0].append(77)


def a_word(state: Plain) -> None:
    state["held_reason"] = "mood_tomorrow"


def a_direction(state: Plain) -> None:
    state["directions"]["mood_tomorrow"] = state["directions"].pop("import")


def another_kind_of_value(state: Plain) -> None:
    state["register_epoch"] = "mood_tomorrow"


NEWER = [
    ("validator", a_field, "mood_tomorrow"),
    ("accumulator", a_field_that_is_none, "mood_tomorrow"),
    ("accumulator", a_field_of_a_direction, "directions.import.mood_tomorrow"),
    ("validator", a_field_of_a_register, "held_first.snapshot.energy_import.mood_tomorrow"),
    ("accumulator", a_longer_mark, "directions.import.marks.0.5"),
    ("validator", a_word, "'mood_tomorrow'"),
    ("accumulator", a_direction, "'mood_tomorrow'"),
    ("accumulator", another_kind_of_value, "register_epoch"),
]


@pytest.mark.parametrize(("column", "change", "told"), NEWER, ids=[one[1].__name__ for one in NEWER])
def test_a_newer_programs_state_is_refused_and_nothing_is_touched(
    path: Path, column: str, change: Change, told: str
) -> None:
    rewrite(path, "meter_state", column, change)
    write_note(suspect_place(path), "a record is not what its checksum says")
    before = files_of(path.parent)
    for use in (opened, Store, migrate):
        with pytest.raises(StoreError, match=r"ledger\.sqlite: written by a newer netmeter") as caught:
            use(path)
        assert not isinstance(caught.value, DamagedError)
        assert told in str(caught.value)
        assert "meter grid" in str(caught.value)
        assert str(caught.value).endswith("install the newer version again; the file was left untouched")
        assert files_of(path.parent) == before


@pytest.mark.parametrize(("column", "change"), [one[:2] for one in NEWER], ids=[one[1].__name__ for one in NEWER])
def test_the_same_under_a_checksum_that_does_not_hold_is_damage_and_set_aside(
    path: Path, column: str, change: Change
) -> None:
    rewrite(path, "meter_state", column, change, is_whole=False)
    one = opened(path)
    assert [(event, detail["reason"]) for event, detail in one.told] == [("store_set_aside", "damaged")]
    one.store.close()


def test_a_newer_programs_log_that_a_kill_left_is_not_folded_back(path: Path) -> None:
    """The state is in the log alone: neither it nor the file below it is changed."""
    writer = sqlite3.connect(path)
    (text,) = writer.execute("SELECT accumulator FROM meter_state").fetchone()
    validator = '{"mood_tomorrow":1}'
    writer.execute("UPDATE meter_state SET validator = ?, crc = ?", (validator, crc_of((1, validator, text))))
    writer.commit()
    left = {name: content for name, content in files_of(path.parent).items() if not name.endswith("-shm")}
    writer.close()
    for one in path.parent.iterdir():
        one.unlink()
    for name, content in left.items():
        (path.parent / name).write_bytes(content)
    assert "ledger.sqlite-wal" in left
    with pytest.raises(StoreError, match=r"newer netmeter .*mood_tomorrow"):
        opened(path)
    assert files_of(path.parent) == left


def test_control_a_state_written_again_without_a_change_goes_on(path: Path) -> None:
    for column in ("validator", "accumulator"):
        rewrite(path, "meter_state", column, lambda _state: None)
    assert_goes_on(path)


def test_an_older_programs_state_without_our_newest_fields_goes_on(path: Path) -> None:
    def older(state: Plain) -> None:
        for field in ("at_risk_before", "zone_rules", "began_us", "opening", "bridge"):
            del state[field]

    rewrite(path, "meter_state", "accumulator", older)
    assert_goes_on(path)


def still(state: Plain, **more: object) -> None:
    """A register that stood while power flowed, as the program of this number that wrote the most of it left it."""
    plain = {"since_us": 1, "expected_milliwh": 5, "other_milliwh": None, "frozen": False, **more}
    state["memories"] = {"import": {"still": plain, "stood_since_us": 1}}


def test_a_field_that_an_older_program_of_this_number_wrote_and_nobody_needs_goes_on(path: Path) -> None:
    """Of every meter that stood still under power when that was stopped: a coarse digit does so for hours."""
    rewrite(path, "meter_state", "validator", lambda state: still(state, found_us=0))
    assert_goes_on(path)


def test_control_another_field_beside_it_is_refused(path: Path) -> None:
    rewrite(path, "meter_state", "validator", lambda state: still(state, found_us=0, mood_tomorrow=0))
    with pytest.raises(StoreError, match=r"newer netmeter .*memories\.import\.still\.mood_tomorrow"):
        opened(path)


def assert_goes_on(path: Path) -> None:
    one = opened(path)
    assert not [event for event, _ in one.told if event == "store_set_aside"]
    book(one.store, (18 * MIN, 1100))
    assert account(one.store)["totals"] == {"high": 100}
    one.store.close()


def waiting(path: Path, change: Change) -> None:
    """A reading that waits for the time of day: that of the state."""
    with closing(sqlite3.connect(path)) as hand, hand:
        (state,) = hand.execute("SELECT validator FROM meter_state").fetchone()
        held = json.loads(state)["last"]
        change(held)
        text = json.dumps(held, separators=(",", ":"))
        crc = crc_of((1, text))
        hand.execute("INSERT INTO held_reading (meter_id, reading, crc) VALUES (1, ?, ?)", (text, crc))


def a_base(path: Path, change: Change) -> None:
    """What `recompute` reckons from."""
    with closing(sqlite3.connect(path)) as hand, hand:
        (text,) = hand.execute("SELECT accumulator FROM meter_state").fetchone()
        state = json.loads(text)
        change(state)
        row = (1, 1, json.dumps(state, separators=(",", ":")))
        hand.execute(
            "INSERT INTO recompute_base (meter_id, reading_id, accumulator, crc) VALUES (?, ?, ?, ?)",
            (*row, crc_of(row)),
        )


@pytest.mark.parametrize("place", [waiting, a_base])
def test_other_values_that_books_go_on_from_are_refused_alike(
    path: Path, place: Callable[[Path, Change], None]
) -> None:
    place(path, a_field)
    before = files_of(path.parent)
    with pytest.raises(StoreError, match=r"written by a newer netmeter .*meter grid.*mood_tomorrow"):
        opened(path)
    assert files_of(path.parent) == before


@pytest.mark.parametrize("place", [waiting, a_base])
def test_control_the_same_values_as_this_program_writes_them_go_on(
    path: Path, place: Callable[[Path, Change], None]
) -> None:
    place(path, lambda _state: None)
    with closing(opened(path).store) as store:
        assert store.epoch.reason == "first"


def test_a_newer_programs_copy_is_not_restored_and_no_good_backup(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    verify_copy(copy, lambda *_: None)  # the control
    rewrite(copy, "meter_state", "validator", a_field)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"written by a newer netmeter .*mood_tomorrow"):
        verify_copy(copy, lambda *_: None)
    with pytest.raises(StoreError, match=r"written by a newer netmeter .*mood_tomorrow"):
        restore(path, copy, owner(), ["grid"], make, lambda *_: None)
    assert path.read_bytes() == before
    assert Opener(path, owner(), ["grid"], make).open().store.epoch.reason == "first"


def checkpoint_of(folder: Path) -> Path:
    """The copy that was written last."""
    return max(folder.glob("ledger.sqlite.checkpoint-?"), key=lambda one: body_of(one)["generation"])


def body_of(copy: Path) -> Plain:
    body = json.loads(copy.read_bytes().partition(b"\n")[2])
    assert isinstance(body, dict)
    return body


def rewrite_checkpoint(folder: Path, change: Change) -> None:
    """As `checkpoint_file` describes it: a line with the length and the SHA-256, then the body."""
    copy = checkpoint_of(folder)
    plain = body_of(copy)
    change(plain)
    body = json.dumps(plain, separators=(",", ":")).encode()
    copy.write_bytes(b"netmeter checkpoint 1 %d %s\n" % (len(body), hashlib.sha256(body).hexdigest().encode()) + body)


def a_field_of_an_account(body: Plain) -> None:
    body["meters"]["grid"]["accumulator"]["mood_tomorrow"] = 1


def a_word_of_an_account(body: Plain) -> None:
    body["meters"]["grid"]["validator"]["held_reason"] = "mood_tomorrow"


def a_number(body: Plain) -> None:
    body["schema"] = SCHEMA_VERSION + 1
    body["meters"]["grid"]["accumulator"] = "in a way that nobody knows today"


CHECKPOINTS = [
    (a_field_of_an_account, "accumulator.mood_tomorrow"),
    (a_word_of_an_account, "'mood_tomorrow'"),
    (a_number, f"schema {SCHEMA_VERSION + 1}"),
]


def gone(path: Path) -> None:
    path.unlink()


def overwritten(path: Path) -> None:
    path.write_bytes(b"\xff" * path.stat().st_size)


@pytest.mark.parametrize("damage", [gone, overwritten])
@pytest.mark.parametrize(("change", "told"), CHECKPOINTS, ids=[change.__name__ for change, _ in CHECKPOINTS])
def test_where_a_newer_programs_checkpoint_is_all_that_is_left_nothing_begins_anew(
    path: Path, damage: Callable[[Path], None], change: Change, told: str
) -> None:
    """Counters that began at the present register would be told as if there had been none before."""
    rewrite_checkpoint(path.parent, change)
    damage(path)
    before = files_of(path.parent)
    with pytest.raises(StoreError, match=r"written by a newer netmeter \(its checkpoint file: ") as caught:
        opened(path)
    assert told in str(caught.value)
    assert files_of(path.parent) == before


@pytest.mark.parametrize("damage", [gone, overwritten])
def test_control_our_own_checkpoint_carries_the_counters_on(path: Path, damage: Callable[[Path], None]) -> None:
    rewrite_checkpoint(path.parent, lambda _body: None)
    damage(path)
    one = opened(path)
    assert [detail["witness"] for _, detail in one.told] == ["checkpoint"]
    one.store.close()


def test_an_older_programs_checkpoint_may_have_words_that_are_no_more(path: Path) -> None:
    def older(body: Plain) -> None:
        del body["schema"]
        a_field_of_an_account(body)

    rewrite_checkpoint(path.parent, older)
    gone(path)
    one = opened(path)
    assert [detail["witness"] for _, detail in one.told] == ["checkpoint"]
    one.store.close()


@pytest.mark.parametrize("change", [change for change, _ in CHECKPOINTS])
def test_a_store_behind_a_newer_programs_checkpoint_gives_out_no_number_twice(path: Path, change: Change) -> None:
    """An older copy put back by hand, to go back to this program."""
    copy = path.read_bytes()
    with closing(opened(path).store) as store:
        book(store, (18 * MIN, 1040), (31 * MIN, 1050))
    rewrite_checkpoint(path.parent, change)
    path.write_bytes(copy)
    with closing(opened(path).store) as store:
        assert store.epoch.reason == "older"
