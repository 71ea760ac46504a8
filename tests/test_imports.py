"""Who may import whom, and who may ask the machine for the time or speak SQL. Read from the source, not by running it.

Rules: STYLE "imports run one way", hil -> gateway -> drivers. Each rule has a positive control: a made-up file that
breaks it, in the place where it would hurt.
"""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("drivers", "gateway", "hil")
MAY_IMPORT = {
    "drivers": {"drivers"},
    "gateway": {"gateway", "drivers"},
    "hil": {"hil", "gateway", "drivers"},
}
MAY_ASK_THE_TIME = {"gateway/clock.py", "drivers/timing.py"}
MAY_IMPORT_PYMODBUS = {"drivers/modbus/codec.py"}
# The pure rooms of the gateway: what each knows of the others. No thread, no store, no wire, no broker.
STEPS = {"gateway.clock", "gateway.clock_steps", "gateway.decision", "gateway.energy", "gateway.reading.read"}
MAY_KNOW = {
    "registers": STEPS | {"gateway.registers", "gateway.uncertainty"},
    "buckets": STEPS
    | {"gateway.buckets", "gateway.uncertainty", "gateway.timeline", "gateway.tariff", "gateway.kernels"}
    | {"gateway.config.types", "gateway.reading.load_profile"},
}
HEAVY = ("numba", "numpy", "llvmlite", "sqlite_utils", "cryptography", "rich")

TIME_CALLS = {
    *(f"time.{name}" for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")),
    *(f"time.{name}" for name in ("sleep", "localtime", "gmtime", "clock_gettime", "clock_gettime_ns")),
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
    "datetime.date.today",
}
SQL_STARTS = (
    *("select ", "insert ", "update ", "delete from", "replace into", "create table", "create index"),
    *("alter table", "drop table", "pragma ", "begin immediate", "vacuum"),
)
SQL_WORDS = (" from ", " into ", " set ", " table ", "pragma ", "begin ", "vacuum")
SQL_MODULES = {"sqlite_utils", "apsw"}
# A caller of the ledger may catch its errors and tell the library's version; it may not hold a connection.
SQLITE_NAMES = {"sqlite3.Error", "sqlite3.OperationalError", "sqlite3.DatabaseError", "sqlite3.sqlite_version"}


def imported_modules(path: PurePosixPath, tree: ast.AST) -> Iterator[str]:
    """Full dotted names of every import, inside functions too; relative ones resolved against `path`."""
    package = path.parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                start = node.module or ""
            else:
                above = package[: len(package) - (node.level - 1)]
                start = ".".join([*above, *((node.module or "").split(".") if node.module else [])])
            yield start
            yield from (f"{start}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and called_name(node, {}) in ("importlib.import_module", "__import__"):
            yield from (a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str))


def imported_from(path: PurePosixPath, node: ast.AST) -> Iterator[str]:
    """The modules of one import statement; `from x import a` is x, but `from . import a` is the package's a."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = path.parent.parts
        above = package[: len(package) - (node.level - 1)] if node.level else ()
        start = ".".join([*above, *((node.module or "").split(".") if node.module else [])])
        yield from ([start] if node.module else (f"{start}.{alias.name}" for alias in node.names))


def called_name(call: ast.Call, names: dict[str, str]) -> str:
    """The dotted name that is called, with what `names` knows of the file's imports put in; "" where it is no name."""
    parts: list[str] = []
    node: ast.expr = call.func
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([names.get(node.id, node.id), *parts])


def local_names(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for: `from time import monotonic as m` gives {"m": "time.monotonic"}."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({alias.asname: alias.name for alias in node.names if alias.asname})
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def room_faults(path: PurePosixPath, tree: ast.AST) -> Iterator[str]:
    room = path.parts[0]
    allowed = MAY_IMPORT[room]
    if path.parts[:2] == ("hil", "meters"):
        allowed = {"hil"}
    for module in imported_modules(path, tree):
        top = module.split(".")[0]
        if top in (*ROOMS, "tests") and top not in allowed:
            yield f"{path} imports {module}"


def pure_room_faults(path: PurePosixPath, tree: ast.AST) -> Iterator[str]:
    """What a pure room of the gateway imports beyond what it may know."""
    if path.parts[0] != "gateway" or path.parts[1] not in MAY_KNOW:
        return
    known = MAY_KNOW[path.parts[1]]
    for node in ast.walk(tree):
        for module in imported_from(path, node):
            if module.startswith("gateway") and not any(f"{module}.".startswith(f"{one}.") for one in known):
                yield f"{path} imports {module}"


def pymodbus_faults(path: PurePosixPath, tree: ast.AST) -> Iterator[str]:
    if path.parts[0] != "hil" and str(path) not in MAY_IMPORT_PYMODBUS:
        yield from (f"{path} imports {m}" for m in imported_modules(path, tree) if m.split(".")[0] == "pymodbus")


def time_faults(path: PurePosixPath, tree: ast.AST) -> Iterator[str]:
    if path.parts[0] == "hil" or str(path) in MAY_ASK_THE_TIME:
        return
    names = local_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called_name(node, names) in TIME_CALLS:
            yield f"{path}:{node.lineno} calls {called_name(node, names)}"


def docstrings(tree: ast.AST) -> set[int]:
    """Ids of string constants that stand alone: docstrings speak about SQL, they are none."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def sql_faults(path: PurePosixPath, tree: ast.AST) -> Iterator[str]:
    if path.parts[0] == "hil" or path.parts[:2] == ("gateway", "ledger"):
        return
    yield from (f"{path} imports {m}" for m in imported_modules(path, tree) if m.split(".")[0] in SQL_MODULES)
    names = local_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{names.get(node.value.id, node.value.id)}.{node.attr}"
            if name.startswith("sqlite3.") and name not in SQLITE_NAMES:
                yield f"{path}:{node.lineno} uses {name}"
    yield from (f"{path} imports {n}" for n in names.values() if n.startswith("sqlite3.") and n not in SQLITE_NAMES)
    spoken = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken:
            text = " ".join(node.value.split()).lower()
            # A statement goes on after its verb; a sentence that begins with "update" holds none of these words.
            if text.startswith(SQL_STARTS) and any(word in text for word in SQL_WORDS):
                yield f"{path}:{node.lineno} holds SQL: {text[:40]}"


Rule = Callable[[PurePosixPath, ast.AST], Iterator[str]]
RULES: dict[str, Rule] = {
    "imports run hil -> gateway -> drivers": room_faults,
    "registers and buckets are pure": pure_room_faults,
    "only drivers/modbus/codec.py imports pymodbus": pymodbus_faults,
    "only the clock files ask for the time": time_faults,
    "SQL only in gateway/ledger": sql_faults,
}


@pytest.fixture(scope="module")
def trees() -> dict[PurePosixPath, ast.Module]:
    """Every file of ours, read once for all rules."""
    files = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    relative = {path: PurePosixPath(path.relative_to(ROOT).as_posix()) for path in files}
    return {relative[path]: ast.parse(path.read_text(encoding="utf-8")) for path in files}


@pytest.mark.parametrize("rule", RULES)
def test_every_file_keeps_the_rule(rule: str, trees: dict[PurePosixPath, ast.Module]) -> None:
    assert len(trees) > 20  # else the walk went wrong
    assert [fault for path, tree in trees.items() for fault in RULES[rule](path, tree)] == []


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (room_faults, "drivers/made_up.py", "import gateway.clock"),
        (room_faults, "drivers/made_up.py", "from gateway import clock"),
        (room_faults, "drivers/modbus/made_up.py", "def f():\n    from hil.meters import sunspec"),
        (room_faults, "gateway/made_up.py", "from hil import demo"),
        (room_faults, "gateway/made_up.py", "import importlib\nimportlib.import_module('hil.demo')"),
        (room_faults, "gateway/cli/made_up.py", "from ...hil import demo"),
        (room_faults, "hil/made_up.py", "from tests import oracle"),
        (room_faults, "hil/meters/made_up.py", "from drivers.decode import word"),
        (room_faults, "hil/meters/made_up.py", "import gateway"),
        (pure_room_faults, "gateway/registers/made_up.py", "from ..ledger.store import Ledger"),
        (pure_room_faults, "gateway/registers/made_up.py", "from .. import places"),
        (pure_room_faults, "gateway/buckets/made_up.py", "from ..bookkeeping import acts"),
        (pure_room_faults, "gateway/buckets/made_up.py", "def f():\n    from ..daemon.view import meter_view"),
        (pymodbus_faults, "drivers/modbus/meter.py", "from pymodbus.pdu import ModbusPDU"),
        (pymodbus_faults, "gateway/made_up.py", "import pymodbus as p"),
        (time_faults, "gateway/made_up.py", "import time\nx = time.monotonic_ns()"),
        (time_faults, "gateway/made_up.py", "from time import monotonic as m\nx = m()"),
        (time_faults, "gateway/made_up.py", "import time as t\nx = t.time()"),
        (time_faults, "drivers/made_up.py", "import time\ntime.sleep(1)"),
        (time_faults, "gateway/made_up.py", "from datetime import datetime, UTC\nx = datetime.now(UTC)"),
        (time_faults, "gateway/made_up.py", "import datetime\nx = datetime.datetime.now()"),
        (time_faults, "gateway/made_up.py", "from datetime import date\nx = date.today()"),
        (sql_faults, "gateway/publish/made_up.py", "import sqlite3\nsqlite3.connect('x')"),
        (sql_faults, "gateway/publish/made_up.py", "import sqlite3 as s\ndef f(c: s.Connection): ..."),
        (sql_faults, "gateway/publish/made_up.py", "from sqlite3 import connect"),
        (sql_faults, "gateway/publish/made_up.py", "from sqlite_utils import Database"),
        (sql_faults, "gateway/app.py", 'c.execute("SELECT seq FROM interval")'),
        (sql_faults, "gateway/app.py", 'c.execute(f"update meter set x = {y}")'),
        (sql_faults, "drivers/made_up.py", 'c.execute("""\n  insert into meter values (1)""")'),
    ],
)
def test_offender_is_found(rule: Rule, path: str, source: str) -> None:
    assert list(rule(PurePosixPath(path), ast.parse(source)))


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (room_faults, "gateway/cli/made_up.py", "from ..clock import Clock\nfrom drivers import Polled"),
        (room_faults, "hil/made_up.py", "from gateway import app"),
        (room_faults, "hil/meters/made_up.py", "from ..household import House"),
        (pure_room_faults, "gateway/registers/made_up.py", "from .. import decision\nfrom .follow import follow"),
        (
            pure_room_faults,
            "gateway/buckets/made_up.py",
            "from ..reading.read import Reading\nfrom drivers import Polled",
        ),
        (pymodbus_faults, "drivers/modbus/codec.py", "import pymodbus"),
        (time_faults, "gateway/clock.py", "import time\ntime.time_ns()"),
        (time_faults, "gateway/made_up.py", "from datetime import datetime\nx = datetime.fromtimestamp(0)"),
        (sql_faults, "gateway/ledger/store.py", "import sqlite3"),
        (sql_faults, "gateway/made_up.py", "import sqlite3\ntry: ...\nexcept sqlite3.Error: ..."),
        (sql_faults, "gateway/made_up.py", '"""Select a meter from the table."""\nprint("select a meter")'),
    ],
)
def test_innocent_is_left_alone(rule: Rule, path: str, source: str) -> None:
    assert not list(rule(PurePosixPath(path), ast.parse(source)))


def loaded_after(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after `statement`."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["gateway.app", "gateway.cli"])
def test_daemon_imports_nothing_heavy(module: str) -> None:
    assert loaded_after(f"import {module}").isdisjoint(HEAVY)


@pytest.mark.parametrize("path", sorted((ROOT / "hil/meters").rglob("*.py")), ids=lambda path: path.stem)
def test_simulated_meter_stands_alone(path: Path) -> None:
    """Not by a detour either: a meter that shared code with its reader would agree with its reader's mistakes."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    assert loaded_after(f"import {module}").isdisjoint({"gateway", "drivers"})


def test_heavy_import_would_be_seen() -> None:
    assert "numpy" in loaded_after("import numpy")
