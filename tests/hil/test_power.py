"""The disk that loses what was not synced, by hand; and the judge, on a store from which something is taken."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.ledger.records import Batch, EventRow
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from hil.disk_trace import Kind, Operation, operations
from hil.power.disk_image import DiskImage, Loss
from hil.power.judge import judge_image
from hil.power.recording import Told, told_in
from hil.power.soak import cut
from hil.soak.history import Verdict

FILE = Path("/disk/a")


def write(offset: int, content: bytes) -> Operation:
    return Operation(Kind.WRITE, FILE, offset, content)


SYNC = Operation(Kind.SYNC, FILE)


def disk(*done: Operation) -> DiskImage:
    made = DiskImage()
    for one in done:
        made.take(one)
    return made


def test_what_was_synced_stays_and_what_was_not_goes() -> None:
    made = disk(write(0, b"kept"), SYNC, write(4, b"lost"))
    assert made.is_unsynced
    assert made.cut(Loss.ALL, 1)[FILE] == b"kept"
    assert made.whole()[FILE] == b"keptlost"
    made.take(SYNC)
    assert not made.is_unsynced
    assert made.cut(Loss.ALL, 1)[FILE] == b"keptlost"


def test_a_write_is_torn_at_sectors_and_nowhere_else() -> None:
    made = disk(write(500, b"x" * 24 + b"y" * 512))  # three sectors: 12 bytes, 512, 12
    found = {bytes(made.cut(Loss.SECTORS, seed)[FILE]) for seed in range(200)}
    first, middle, last = b"x" * 12, b"x" * 12 + b"y" * 500, b"y" * 12
    possible = set()
    for kept in range(8):
        content = bytearray()
        for place, (offset, piece) in enumerate([(500, first), (512, middle), (1024, last)]):
            if kept >> place & 1:
                content.extend(bytes(max(0, offset - len(content))))
                content[offset : offset + len(piece)] = piece
        possible.add(bytes(content))
    assert found == possible


def test_the_first_or_the_last_writes_survive() -> None:
    made = disk(*(write(at * 512, bytes([at]) * 512) for at in range(1, 9)))
    for seed in range(50):
        tail, head = made.cut(Loss.TAIL, seed)[FILE], made.cut(Loss.HEAD, seed)[FILE]
        kept = [at for at in range(1, 9) if head[at * 512 : at * 512 + 1] == bytes([at])]
        assert kept == list(range(9 - len(kept), 9))
        kept = [at for at in range(1, 9) if tail[at * 512 : at * 512 + 1] == bytes([at])]
        assert kept == list(range(1, len(kept) + 1))


def test_truncation_removal_and_renaming() -> None:
    made = disk(write(0, b"12345"), SYNC, Operation(Kind.TRUNCATE, FILE, 2))
    assert made.cut(Loss.ALL, 1)[FILE] == b"12345"
    assert made.whole()[FILE] == b"12"
    other = Path("/disk/b")
    made.take(Operation(Kind.RENAME, FILE, target=other))
    assert made.whole() == {other: b"12"}
    made.take(Operation(Kind.REMOVE, other))
    assert made.whole() == {}


def test_a_trace_is_read_with_calls_that_others_came_between() -> None:
    name = "".join(f"\\x{byte:02x}" for byte in b"/disk/a")
    lines = [
        f'7 openat(AT_FDCWD, "{name}", O_RDWR|O_CREAT, 0600) = 3<{name}>',
        f'7 pwrite64(3<{name}>, "\\x41\\x42", 2, 5 <unfinished ...>',
        '8 sendto(4<TCP:[1->2]>, "\\x7b\\x7d", 2, 0, NULL, 0) = 2',
        "7 <... pwrite64 resumed>) = 2",
        f"7 fdatasync(3<{name}>) = -1 EIO (Input/output error)",
        f"7 fdatasync(3<{name}>) = 0",
        f'7 rename("{name}", "{name}\\x32") = 0',
    ]
    assert list(operations(lines, Path("/disk"))) == [
        Operation(Kind.TOUCH, FILE),
        Operation(Kind.SEND, None, content=b"{}"),
        Operation(Kind.WRITE, FILE, 5, b"AB"),
        Operation(Kind.SYNC, FILE),
        Operation(Kind.RENAME, FILE, target=Path("/disk/a2")),
    ]


def test_what_was_told_is_found_in_a_packet() -> None:
    packet = b'\x32\x50\x00\x24netmeter/demo/meter/grid/event\x00\x01\x00{"event":"epoch","seq":1}'
    assert told_in(packet) == [Told("grid", "event", {"event": "epoch", "seq": 1})]
    assert told_in(b'netmeter/demo/meter/grid/state{"seq":1}') == []


@pytest.mark.parametrize(("told", "finding"), [(1, None), (2, "lost_commit")])
def test_the_judge_misses_what_was_told_and_is_not_there(tmp_path: Path, told: int, finding: str | None) -> None:
    path = tmp_path / "ledger.sqlite"
    migrate(path)
    store = Store(path)
    meter_id = store.load_meter("grid").meter_id
    store.commit(Batch(events=[EventRow(meter_id, 1, 0, "gap", {})]))
    store.close()
    verdict = Verdict()
    acknowledged = [Told("grid", "event", {"seq": seq}) for seq in range(1, told + 1)]
    judge_image(path, acknowledged, {}, verdict)
    assert [one.what for one in verdict.findings] == ([finding] if finding else [])


def test_the_judge_refuses_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'interval'").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    verdict = Verdict()
    judge_image(path, [], {}, verdict)
    assert [one.what for one in verdict.findings] == ["corrupt"]


def test_the_plan_is_the_seeds_alone() -> None:
    assert [cut(1, n) for n in range(1, 50)] == [cut(1, n) for n in range(1, 50)]
    assert [cut(1, n) for n in range(1, 50)] != [cut(2, n) for n in range(1, 50)]
    assert {cut(1, n).loss for n in range(1, 50)} == set(Loss)
