"""`netmeter meter replace` as a person runs it while no gateway does: through the store, booked once, refused in words.

With a running gateway: tests/whole/test_meter_replace.py.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.bookkeeping.desk import open_books
from gateway.bookkeeping.journal import OutboxIds
from gateway.clock import SystemClock
from gateway.config.load import load_config
from gateway.config.types import ClockSource
from gateway.kernels import Build, load_kernel
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.reading.read import Reading
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff

from .test_cli_check import HEAD, METER, netmeter
from .world import KWH, S, snapshot

LIFE = 900 * KWH
OLD = ("--closing-import-wh", "900000.05", "--closing-export-wh", "500")
NEW = ("--opening-import-wh", "7", "--opening-export-wh", "0")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A config, and a store in which the meter was read a minute ago: 900000.01 Wh of import, 500 of export."""
    text = HEAD.replace('"ntp"', '"operator"') + METER.replace("PORT", "/dev/null")
    (tmp_path / "gateway.toml").write_text(f'{text}\n[store]\npath = "{tmp_path}/ledger.sqlite"\n')
    return tmp_path


def fill(home: Path) -> None:
    migrate(home / "ledger.sqlite")
    config, clock = load_config(home / "gateway.toml"), SystemClock(ClockSource.OPERATOR)
    store, batch = Store(home / "ledger.sqlite"), Batch()
    calendar, kernel = Calendar(load_tariff("pge-e-tou-c")), load_kernel(Build.PYTHON)
    books = open_books(config, home, config.meter[0], store, calendar, kernel, OutboxIds(0))
    for age_s, milliwh in ((60, LIFE), (40, LIFE + 10)):
        at_us = clock.wall_us() - age_s * S
        monotonic_us = clock.monotonic_us() - age_s * S
        both = snapshot(milliwh, 500_000)
        books.take(Reading("grid", both, at_us, at_us, monotonic_us, clock.boot_id, clock.state()), batch)
    store.commit(batch)
    store.close()


def replace(home: Path, *arguments: str, meter: str = "grid") -> tuple[int, str, str]:
    done = netmeter("meter", "replace", meter, *arguments, "--config", str(home / "gateway.toml"), home=home)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def events(home: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(home / "ledger.sqlite")) as connection:
        rows = connection.execute("SELECT kind, detail FROM event ORDER BY seq").fetchall()
    return [(kind, json.loads(detail).get("reason", "")) for kind, detail in rows]


def test_booked_in_the_store_and_said_twice_only_once(home: Path) -> None:
    fill(home)
    code, out, _ = replace(home, *OLD, *NEW)
    assert code == 0
    assert "register epoch 2" in out
    assert [line.split() for line in out.splitlines()[1:]] == [
        ["import", "0.000040", "kWh", "that", "no", "reading", "had", "shown"],
        ["export", "0.000000", "kWh", "that", "no", "reading", "had", "shown"],
    ]
    assert events(home) == [("epoch", "first_reading"), ("gap", ""), ("epoch", "stated")]
    code, out, _ = replace(home, *OLD, *NEW, "--json")
    assert code == 0
    answer = json.loads(out)
    assert (answer["outcome"], answer["register_epoch"], answer["through"]) == ("known", 2, "the store")
    assert events(home) == [("epoch", "first_reading"), ("gap", ""), ("epoch", "stated")]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((*NEW, "--closing-import-wh", "899999", "--closing-export-wh", "500"), 1, "less than was read already"),
        ((*NEW, "--closing-import-wh", "999999", "--closing-export-wh", "500"), 1, "more than can have flowed"),
        (("--closing-import-wh", "900001", "--opening-import-wh", "0"), 1, "each direction that the meter has"),
        ((*OLD, *NEW, "--at", "2020-01-01T00:00Z"), 1, "is not between"),
        ((*OLD,), 2, "--closing-import-wh needs --opening-import-wh"),
        ((), 2, "state --closing-import-wh"),
        ((*OLD, *NEW, "--at", "yesterday"), 2, "--at"),
        ((*NEW, "--closing-import-wh", "12,5"), 2, "no number of watt-hours"),
        ((*NEW, "--closing-import-wh", "-1"), 2, "from 0 to"),
        ((*NEW, "--closing-import-wh", "1.23456"), 2, "three decimals"),
        ((*NEW, "--closing-import-wh", "NaN"), 2, "three decimals"),
    ],
)
def test_a_mistake_is_told_and_books_nothing(home: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    fill(home)
    found, _, err = replace(home, *arguments)
    assert (found, words in " ".join(err.split())) == (code, True), err
    assert events(home) == [("epoch", "first_reading")]


def test_a_refusal_as_json_is_an_object_with_its_error(home: Path) -> None:
    fill(home)
    code, out, _ = replace(home, *NEW, "--closing-import-wh", "1", "--closing-export-wh", "500", "--json")
    assert code == 1
    assert "less than was read already" in json.loads(out)["error"]


def test_unknown_meter_names_the_known_ones(home: Path) -> None:
    fill(home)
    code, _, err = replace(home, *OLD, *NEW, meter="gird")
    assert (code, "known: grid" in err) == (2, True)


def test_no_store_and_a_store_in_use_are_said(home: Path) -> None:
    code, _, err = replace(home, *OLD, *NEW)
    assert (code, "there is no store yet" in err) == (1, True)
    fill(home)
    holder = Store(home / "ledger.sqlite")
    code, _, err = replace(home, *OLD, *NEW)
    holder.close()
    assert (code, "is in use by process" in err) == (1, True)


def test_changed_ratio_closes_the_epoch(home: Path) -> None:
    """The books of a store, opened by a config that has got a ratio since."""
    fill(home)
    text = (home / "gateway.toml").read_text()
    (home / "gateway.toml").write_text(text.replace("service_amps = 100", "service_amps = 100\nratio = 40"))
    config, clock = load_config(home / "gateway.toml"), SystemClock(ClockSource.OPERATOR)
    store = Store(home / "ledger.sqlite")
    calendar, kernel = Calendar(load_tariff("pge-e-tou-c")), load_kernel(Build.PYTHON)
    books = open_books(config, home, config.meter[0], store, calendar, kernel, OutboxIds(store.newest_outbox_id()))
    now_us, both = clock.wall_us(), snapshot(40 * LIFE, 20_000_000)
    books.take(Reading("grid", both, now_us, now_us, clock.monotonic_us(), clock.boot_id, clock.state()), Batch())
    store.close()
    assert books.last_decision == "quarantined: ratio_changed"


def test_ratio_multiplies_what_the_displays_show(home: Path) -> None:
    """The account counts forty times what the meter does, and so the store was filled."""
    text = (home / "gateway.toml").read_text()
    (home / "gateway.toml").write_text(text.replace("service_amps = 100", "service_amps = 100\nratio = 40"))
    fill(home)
    forty = ("--closing-import-wh", "22500.001", "--closing-export-wh", "12.5")
    code, out, err = replace(home, *forty, *NEW, "--json")
    assert code == 0, err
    assert json.loads(out)["booked_milliwh"] == {"import": 30, "export": 0}
