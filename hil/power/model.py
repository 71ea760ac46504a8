"""`soak power-model`: power cuts of a small writer on a disk in memory, a thousand a second. A model, and no daemon.

apsw gives SQLite a file system of our own (a VFS); it brings its own SQLite, newer than Python's, so what this shows is
SQLite's protocol with the daemon's pragmas (WAL, FULL, one exclusive connection), not the daemon's library. The images
are opened by Python's sqlite3. apsw is not among what the set-up installs: `pip install apsw`.
"""

import importlib
import importlib.util
import itertools
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from ..chance import between, name_key, roll
from ..disk_trace import Kind, Operation
from ..process import ChildError
from ..soak.history import RoundResult, Say, Verdict
from .disk_image import DiskImage, Loss

CUTS_A_ROUND = 2000
COMMITS = 60
_MODEL = name_key("soak power-model")
_FOLDER = Path("/model")
_NUMBERS = itertools.count()


def why_not() -> str:
    """Why this machine cannot; empty where it can."""
    return "" if importlib.util.find_spec("apsw") else "apsw is not installed: pip install apsw"


class PowerModelSoak:
    """Power cuts of a model, many and quick."""

    name = "power-model"
    summary = "power cuts of a small writer on a disk in memory (needs apsw, which brings its own SQLite)"
    control_finding = "lost_commit"
    judges_energy = False
    always_told: tuple[str, ...] = ("lost_commits", "corrupt")

    def describe(self, seed: int, number: int) -> str:
        return f"{number} history {(number - 1) // CUTS_A_ROUND} loses {_loss(seed, number)}"

    def run_round(self, seed: int, number: int, last: int, _folder: Path, _say: Say) -> RoundResult:
        until = min(last, ((number - 1) // CUTS_A_ROUND + 1) * CUTS_A_ROUND)
        return _round(seed, range(number, until + 1), "FULL")

    def run_control(self, seed: int, _folder: Path, _say: Say) -> RoundResult:
        return _round(seed, range(1, 201), "NORMAL")


def _loss(seed: int, number: int) -> Loss:
    losses = list(Loss)
    return losses[between(0, len(losses) - 1, seed, _MODEL, number, 1)]


def _round(seed: int, numbers: range, synchronous: str) -> RoundResult:
    """One history, cut at many places."""
    if why := why_not():
        raise ChildError(why)
    done = history(seed, (numbers[0] - 1) // CUTS_A_ROUND, synchronous)
    disk, places, acknowledged = DiskImage(), list[int](), 0
    for at, one in enumerate(done):
        disk.take(one)
        if disk.is_unsynced:
            places.append(at)
    wanted: dict[int, list[int]] = {}
    for number in numbers:
        wanted.setdefault(places[roll(seed, _MODEL, number, 2) % len(places)], []).append(number)
    result, disk = RoundResult(), DiskImage()
    folder = Path(tempfile.mkdtemp(prefix="netmeter-model-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        for at, one in enumerate(done):
            disk.take(one)
            acknowledged = int(one.content) if one.kind is Kind.SEND else acknowledged
            for number in wanted.get(at, ()):
                image = disk.cut(_loss(seed, number), seed, number)
                result.injected += 1
                result.felt += image != disk.whole()
                _judge(image, folder, acknowledged, f"cut {number}", result.verdict)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for what, key in (("lost_commit", "lost_commits"), ("corrupt", "corrupt")):
        result.verdict.counts[key] += sum(found.what == what for found in result.verdict.findings)
    return result


def history(seed: int, index: int, synchronous: str) -> list[Operation]:
    """What a writer does to its disk; each commit that returned is a SEND with its number."""
    apsw: Any = importlib.import_module("apsw")
    done: list[Operation] = []
    name = f"netmeter-{next(_NUMBERS)}"
    vfs = _make_vfs(apsw, name, done)
    connection = apsw.Connection(str(_FOLDER / "model"), vfs=name)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA wal_autocheckpoint = 40")
        connection.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY, content BLOB) STRICT")
        for seq in range(1, COMMITS + 1):
            connection.execute("BEGIN IMMEDIATE")
            size = between(1, 9000, seed, _MODEL, index, seq)
            connection.execute("INSERT INTO record VALUES (?, ?)", (seq, bytes([seq]) * size))
            connection.execute("COMMIT")
            done.append(Operation(Kind.SEND, None, content=str(seq).encode()))
    finally:
        connection.close()
        vfs.unregister()
    return done


def _judge(image: dict[Path, bytes], folder: Path, acknowledged: int, name: str, verdict: Verdict) -> None:
    for old in folder.iterdir():
        old.unlink()
    for path, content in image.items():
        (folder / path.name).write_bytes(content)
    try:
        with closing(sqlite3.connect(folder / "model")) as connection:
            (word,) = connection.execute("PRAGMA quick_check").fetchone()
            known = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'record'").fetchone()
            rows = connection.execute("SELECT seq, content FROM record ORDER BY seq").fetchall() if known else []
    except sqlite3.Error as error:
        verdict.find("corrupt", f"{name}: {error}")
        return
    wrong = [seq for seq, content in rows if set(content) != {seq}]
    if word != "ok" or wrong or [seq for seq, _ in rows] != list(range(1, len(rows) + 1)):
        verdict.find("corrupt", f"{name}: {word}, {len(rows)} rows, wrong {wrong}")
    elif len(rows) < acknowledged:
        verdict.find("lost_commit", f"{name}: {acknowledged} commits were acknowledged, {len(rows)} are there")


class _ModelFile:
    """One file in memory; apsw calls its methods by SQLite's names (sqlite.org/c3ref/io_methods.html)."""

    def __init__(self, path: Path, content: bytearray, done: list[Operation]) -> None:
        self._path, self._content, self._done = path, content, done

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        return bytes(self._content[offset : offset + amount])

    def xWrite(self, content: bytes, offset: int) -> None:  # noqa: N802
        one = Operation(Kind.WRITE, self._path, offset, bytes(content))
        self._done.append(one)
        self._content.extend(bytes(max(0, offset - len(self._content))))
        self._content[offset : offset + len(one.content)] = one.content

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._done.append(Operation(Kind.TRUNCATE, self._path, size))
        del self._content[size:]

    def xSync(self, _flags: int) -> None:  # noqa: N802
        self._done.append(Operation(Kind.SYNC, self._path))

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._content)

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return 0x1000  # SQLITE_IOCAP_POWERSAFE_OVERWRITE, as Linux's own VFS says

    def xFileControl(self, _operation: int, _pointer: int) -> bool:  # noqa: N802
        return False

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xLock(self, _level: int) -> None:  # noqa: N802
        pass

    def xUnlock(self, _level: int) -> None:  # noqa: N802
        pass

    def xClose(self) -> None:  # noqa: N802
        pass


def _make_vfs(apsw: Any, name: str, done: list[Operation]) -> Any:
    """A file system in memory, registered with SQLite under `name`."""
    files: dict[Path, bytearray] = {}

    class ModelVfs(apsw.VFS):  # type: ignore[misc]  # apsw may not be here when types are checked
        def __init__(self) -> None:
            super().__init__(name, base="")

        def xOpen(self, path: Any, flags: list[int]) -> _ModelFile:  # noqa: N802
            place = Path(path.filename() if hasattr(path, "filename") else str(path))
            flags[1] = flags[0]
            if place not in files:
                done.append(Operation(Kind.TOUCH, place))
            return _ModelFile(place, files.setdefault(place, bytearray()), done)

        def xDelete(self, path: str, _sync: bool) -> None:  # noqa: N802
            files.pop(Path(path), None)
            done.append(Operation(Kind.REMOVE, Path(path)))

        def xAccess(self, path: str, _flags: int) -> bool:  # noqa: N802
            return Path(path) in files

        def xFullPathname(self, path: str) -> str:  # noqa: N802
            return path

    return ModelVfs()
