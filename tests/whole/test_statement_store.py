"""`netmeter statement` out of a real store, while no gateway runs and while one does: the same bills as from the file.

The readings of tests/whole/test_statement.py go one by one through the daemon's books into SQLite.
"""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest

from gateway.bookkeeping.desk import open_books
from gateway.bookkeeping.journal import OutboxIds
from gateway.config.load import load_config
from gateway.kernels import Build, load_kernel
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff
from tests.pipeline.world import reading
from tests.whole.test_statement import ACCOUNT, BILLS, COMMAND, ROOT, readings

CONFIG = """\
[gateway]
id = "elm"
clock = "operator"
[mqtt]
host = "127.0.0.1"
port = {mqtt}
[accounting]
tariff = "pge-e-tou-c"
[store]
path = "ledger.sqlite"
[[meter]]
name = "grid"
profile = "sunspec"
role = "grid"
register = "own"
service_amps = 100
service_volts = 240
poll_s = 900
host = "127.0.0.1"
tcp_port = {meter}
"""
FROM_STORE = ACCOUNT.replace('from = "csv"\nfile = "intervals.csv"\n', 'from = "store"\n')


def closed_ports(count: int) -> list[int]:
    """Ports on which nobody listens."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def fill(folder: Path) -> None:
    """Every reading through validate and accumulate into the store, as the daemon does it."""
    migrate(folder / "ledger.sqlite")
    config, store = load_config(folder / "gateway.toml"), Store(folder / "ledger.sqlite")
    calendar, kernel, batch = Calendar(load_tariff("pge-e-tou-c")), load_kernel(Build.PYTHON), Batch()
    books = open_books(config, folder, config.meter[0], store, calendar, kernel, OutboxIds(0))
    rows = readings()
    for number, (at, taken_wh, given_wh) in enumerate(rows):
        at_us = round(at.timestamp()) * 1_000_000
        books.take(reading(at_us, taken_wh * 1000, given_wh * 1000), batch)
        if number % 1000 == 0:
            store.commit(batch)
            batch = Batch()
    store.commit(batch)
    store.close()


def wait_for(path: Path, process: "subprocess.Popen[bytes]") -> None:
    """Until a starting process has made a file; fails where it ends before."""
    for _ in range(600):
        if path.exists():
            return
        assert process.poll() is None, "the gateway ended"
        time.sleep(0.1)
    raise AssertionError(f"{path} is not made")


def environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(folder)}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        env=environment(folder),
        cwd=folder,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("e")
    mqtt, meter = closed_ports(2)
    (folder / "gateway.toml").write_text(CONFIG.format(mqtt=mqtt, meter=meter), encoding="utf-8")
    (folder / "home.toml").write_text(FROM_STORE, encoding="utf-8")
    fill(folder)
    return folder


@pytest.fixture(scope="module")
def from_store(home) -> dict:
    done = run(home, "statement", "--account", "home.toml", "--config", "gateway.toml", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_bills_of_the_store_are_those_of_the_registers(from_store) -> None:
    rows = readings()
    assert [
        (one["first_day"], one["last_day"], one["programme"] == "nem2") for one in from_store["statements"]
    ] == BILLS
    for place, name in ((1, "import_milliwh"), (2, "export_milliwh")):
        assert sum(one[name] for one in from_store["statements"]) == (rows[-1][place] - rows[0][place]) * 1000


def test_they_are_the_bills_of_a_replay(home, from_store) -> None:
    rows = [f"{at:%Y-%m-%dT%H:%M:%SZ},{taken}.000,{given}.000" for at, taken, given in readings()]
    (home / "registers.csv").write_text("time,import_wh,export_wh\n" + "\n".join(rows) + "\n", encoding="ascii")
    service = ["--tariff", "pge-e-tou-c", "--service-amps", "100", "--service-volts", "240", "--clock-error-s", "0"]
    assert run(home, "replay", "--readings", "registers.csv", *service, "--intervals", "i.csv").returncode == 0
    replayed = json.loads(run(home, "statement", "--account", "home.toml", "--energy", "i.csv", "--json").stdout)
    for one, other in zip(from_store["statements"], replayed["statements"], strict=True):
        assert [(line["key"], line["exact"]) for line in one["lines"]] == [
            (line["key"], line["exact"]) for line in other["lines"]
        ]


def test_a_running_gateway_answers_with_the_same(home, from_store) -> None:
    """The store is its own alone while it runs: the command asks it over its socket."""
    daemon = subprocess.Popen(
        [*COMMAND, "run", "--config", "gateway.toml"], env=environment(home), cwd=home, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(home / "netmeter-gateway" / "elm.sock", daemon)
        done = run(home, "statement", "--account", "home.toml", "--config", "gateway.toml", "--json")
        direct = FROM_STORE.replace('from = "store"\n', 'from = "store"\nfile = "ledger.sqlite"\n')
        (home / "direct.toml").write_text(direct, encoding="utf-8")
        locked = run(home, "statement", "--account", "direct.toml")
    finally:
        daemon.terminate()
        daemon.wait(60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == from_store
    assert locked.returncode == 1
    assert "is in use by process" in locked.stderr


def test_a_correction_in_the_store_is_the_newest_word(home, from_store, tmp_path) -> None:
    """A second record of one interval, as a correction writes it: the first stays, the second is billed."""
    copy = tmp_path / "ledger.sqlite"
    shutil.copy(home / "ledger.sqlite", copy)
    end_us = round(datetime.fromisoformat("2026-01-20T10:15:00+00:00").timestamp()) * 1_000_000
    with sqlite3.connect(copy) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(interval)")]
        row = dict(
            zip(
                columns,
                connection.execute("SELECT * FROM interval WHERE end_us = ?", (end_us,)).fetchone(),
                strict=True,
            )
        )
        (newest,) = connection.execute("SELECT max(seq) FROM interval").fetchone()
        row |= {"seq": newest + 1, "revision": 1, "supersedes": row["seq"], "quality": "corrected"}
        row["import_milliwh"] += 1_000_000
        marks = ", ".join("?" for _ in columns)
        connection.execute(f"INSERT INTO interval VALUES ({marks})", [row[name] for name in columns])
    connection.close()
    account = FROM_STORE.replace('from = "store"\n', f'from = "store"\nfile = "{copy}"\n')
    (tmp_path / "home.toml").write_text(account, encoding="utf-8")
    (tmp_path / "before.json").write_text(json.dumps(from_store), encoding="utf-8")
    done = run(tmp_path, "statement", "--account", "home.toml", "--against", "before.json", "--json")
    change, _ = json.loads(done.stdout)["changes"]
    assert (change["first_day"], change["import_milliwh"], change["export_milliwh"]) == ("2026-01-15", 1_000_000, 0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "grid"', 'name = "gird"', "has no meter gird; it knows grid"),
        ('from = "store"', 'from = "store"\nfile = "gone.sqlite"', "gone.sqlite: there is no store"),
        ('from = "store"', 'from = "store"\nfile = "home.toml"', "cannot be read as a store"),
    ],
)
def test_a_mistake_is_told(home, tmp_path, old: str, new: str, said: str) -> None:
    (tmp_path / "home.toml").write_text(FROM_STORE.replace(old, new), encoding="utf-8")
    done = run(tmp_path, "statement", "--account", "home.toml", "--config", str(home / "gateway.toml"))
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr
