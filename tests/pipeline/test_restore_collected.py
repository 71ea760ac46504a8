"""A dead card: `netmeter restore --from collector` makes the same intervals and totals again, to the milliwatt-hour.

Held against the dead card's own tables, which the restored store has never seen, and against the meter's registers.
"""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.collect.heard import Heard
from gateway.energy import Direction
from gateway.ledger.collected.collection import Collection
from gateway.ledger.collected.reading import reading
from gateway.ledger.collected.witness import witnessed
from gateway.ledger.epochs import Owner
from gateway.ledger.restore import Restored
from gateway.ledger.restore_collected import restore_collected
from gateway.ledger.schema import migrate
from gateway.machine import this_machine
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff
from gateway.timeline import Timeline

from .collected_site import Site, flow, sent_as, void
from .test_ledger_moves import netmeter
from .world import MIN, utc_us

START_US = utc_us("2026-07-14T14:40:00-07:00")
ALL_MINUTES = 200
"""To 18:00, over the beginning of the peak at 16:00."""
SAME = ("seq", "revision", "supersedes", "start_us", "end_us", "bucket", "tariff", "quality", "previous_hash", "hash")
PARTS = tuple(
    f"{direction}_{column}"
    for direction in ("import", "export")
    for column in ("milliwh", "unassigned_milliwh", "uncertain_milliwh", "register_milliwh")
)


def dump(path: Path, table: str, columns: str = "*") -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as hand:
        return hand.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3").fetchall()


def totals(path: Path) -> list[tuple[object, ...]]:
    """Of the meters: a table's own tallies stand there too, with meter 0."""
    return [row for row in dump(path, "bucket_total") if row[0] and any(row[3:])]


def events(path: Path) -> list[object]:
    rows = dump(path, "event", "seq, at_us, kind, detail")
    return [(seq, at_us, kind, json.loads(detail)) for seq, at_us, kind, detail in rows]


def live(site: Site, collection: Collection, minutes: range, hears_states: bool = True) -> None:
    """Readings every five minutes, at last every minute, and all that goes out of them to the collector."""
    sent = []
    for minute in minutes:
        if minute % 5 == 0 or minute > minutes.stop - 3:
            sent += site.read(START_US + minute * MIN, *flow(minute))
    collection.apply([sent_as(one) for one in sent if hears_states or not one[0].endswith("/state")])


def restored(folder: Path, collected: Path) -> Restored:
    """As the command does it, in this process: its own is started where its words are judged."""
    (folder / "new").mkdir()
    shutil.copy(folder / "elm" / "gateway.toml", folder / "new")
    timeline = Timeline(Calendar(load_tariff("pge-e-tou-c")), 15)
    with reading(collected) as view:
        return restore_collected(
            folder / "new" / "ledger.sqlite",
            view,
            Owner("elm", this_machine(), START_US),
            ["grid"],
            lambda path: void(migrate(path)),
            lambda _doing, _done, _total: None,
            timeline.next_edge_us,
        )


@pytest.mark.parametrize("died_at", [82, 95, 97, 137], ids=lambda minute: f"minute {minute}")
def test_a_dead_card_is_made_again_to_the_milliwatt_hour(tmp_path, died_at) -> None:
    """Just after the peak began, just before and after an edge, and in the middle of nothing."""
    site, collection = Site(tmp_path / "elm", at_us=START_US), Collection(tmp_path / "c.sqlite")
    live(site, collection, range(died_at))
    epoch = site.store.store_epoch
    site.close()
    collection.close()
    told = restored(tmp_path, tmp_path / "c.sqlite")
    assert told.store_epoch != epoch
    assert told.witness == "collector"
    dead, new = tmp_path / "elm" / "ledger.sqlite", tmp_path / "new" / "ledger.sqlite"
    columns = ", ".join((*SAME, *PARTS))
    assert dump(new, "interval", columns) == dump(dead, "interval", columns) != []
    assert totals(new) == totals(dead) != []
    assert events(new) == events(dead) != []
    assert_goes_on(tmp_path, died_at)


def assert_goes_on(folder: Path, died_at: int) -> None:
    """The meter counted on while nobody read: what flowed in the hole is in `unassigned`, all the rest as before."""
    new = folder / "new" / "ledger.sqlite"
    before = {row[1:3]: row[3] for row in totals(new)}
    site = Site(folder / "new", at_us=START_US + ALL_MINUTES * MIN)
    hole = range(died_at - 1, died_at + 40)
    for minute in range(hole.stop - 1, hole.stop + 2):
        site.read(START_US + minute * MIN, *flow(minute))
    first, last = flow(0), flow(hole.stop + 1)
    missed = [one - other for one, other in zip(flow(hole.stop - 1), flow(hole.start), strict=True)]
    site.close()
    after = {row[1:3]: row[3] for row in totals(new)}
    for place, direction in enumerate(("import", "export")):
        total = sum(milliwh for (way, _), milliwh in after.items() if way == direction)
        assert total == last[place] - first[place]
        grown = after.get((direction, "unassigned"), 0) - before.get((direction, "unassigned"), 0)
        assert grown == missed[place]


def test_a_state_ahead_of_a_record_still_to_come_is_not_used(tmp_path) -> None:
    """The reading of 16:00 itself is booked, its quarter not closed: counters are those of the reading before."""
    site, collection = Site(tmp_path / "elm", at_us=START_US), Collection(tmp_path / "c.sqlite")
    live(site, collection, range(80))
    site.close()
    expected = totals(site.store_path)
    site = Site(tmp_path / "elm", at_us=START_US)
    live(site, collection, range(80, 81))
    site.close()
    collection.close()
    restored(tmp_path, tmp_path / "c.sqlite")
    assert totals(tmp_path / "new" / "ledger.sqlite") == expected != []


def test_without_any_state_the_records_alone_make_the_totals_at_the_last_edge(tmp_path) -> None:
    site, collection = Site(tmp_path / "elm", at_us=START_US), Collection(tmp_path / "c.sqlite")
    live(site, collection, range(127), hears_states=False)
    site.close()
    collection.close()
    restored(tmp_path, tmp_path / "c.sqlite")
    found = {row[1:3]: row[3] for row in totals(tmp_path / "new" / "ledger.sqlite")}
    # 14:40 to 16:00 is off-peak, 16:00 to 16:45 peak: 80 and 45 minutes, whose registers `flow` has.
    assert {key: one for key, one in found.items() if one} == {
        ("import", "summer_off_peak"): flow(80)[0] - flow(0)[0],
        ("import", "summer_peak"): flow(125)[0] - flow(80)[0],
        ("export", "summer_off_peak"): flow(80)[1] - flow(0)[1],
        ("export", "summer_peak"): flow(125)[1] - flow(80)[1],
    }


def test_a_state_from_before_the_last_record_is_carried_forward(tmp_path) -> None:
    """The last state that came is of 16:20, three records came after it: the totals are those of the last edge."""
    site, collection = Site(tmp_path / "elm", at_us=START_US), Collection(tmp_path / "c.sqlite")
    live(site, collection, range(101))
    live(site, collection, range(101, 147), hears_states=False)
    site.close()
    collection.close()
    restored(tmp_path, tmp_path / "c.sqlite")
    found = {row[1:3]: row[3] for row in totals(tmp_path / "new" / "ledger.sqlite")}
    assert found["import", "summer_off_peak"] == flow(80)[0] - flow(0)[0]
    assert found["import", "summer_peak"] == flow(140)[0] - flow(80)[0]
    assert found["export", "summer_peak"] == flow(140)[1] - flow(80)[1]


@pytest.mark.parametrize(("hears_states", "digit_milliwh"), [(True, 1), (False, 5000)], ids=["state", "records alone"])
def test_the_last_digit_is_the_registers_own_where_a_state_tells_it(tmp_path, hears_states, digit_milliwh) -> None:
    """The site's registers count single milliwatt-hours, though at each quarter hour they
    showed multiples of five watt-hours: 3,000,000 and 13,000 a minute to 3,065,000 at 14:45, 3,260,000 at 15:00 ..."""
    site, collection = Site(tmp_path / "elm", at_us=START_US), Collection(tmp_path / "c.sqlite")
    live(site, collection, range(82), hears_states=hears_states)
    site.close()
    collection.close()
    timeline = Timeline(Calendar(load_tariff("pge-e-tou-c")), 15)
    with reading(tmp_path / "c.sqlite") as view:
        found = witnessed(view, "elm", "grid", timeline.next_edge_us)
    assert found is not None
    assert found.accumulator.directions[Direction.EXPORT].marks[-1].resolution_milliwh == digit_milliwh


def test_a_hole_is_refused_and_the_counters_alone_can_be_had(tmp_path) -> None:
    site, collection = Site(tmp_path / "elm", at_us=START_US), Collection(tmp_path / "c.sqlite")
    records = 0
    for minute in (*range(0, 100, 5), 97):
        for one in site.read(START_US + minute * MIN, *flow(minute)):
            records += one[0].endswith("/interval")
            if not (one[0].endswith("/interval") and records == 3):
                collection.apply([sent_as(one)])
    site.close()
    collection.close()
    (tmp_path / "new").mkdir()
    shutil.copy(tmp_path / "elm" / "gateway.toml", tmp_path / "new")
    command = ["restore", "--from", "collector", str(tmp_path / "c.sqlite")]
    command += ["--config", str(tmp_path / "new" / "gateway.toml")]
    refused = netmeter(tmp_path, *command)
    assert refused.returncode == 1
    assert "records 3 to 3 of meter grid" in refused.stderr
    assert not (tmp_path / "new" / "ledger.sqlite").exists()
    assert netmeter(tmp_path, *command, "--without-history").returncode == 0
    assert dump(tmp_path / "new" / "ledger.sqlite", "interval") == []
    assert totals(tmp_path / "new" / "ledger.sqlite") == totals(tmp_path / "elm" / "ledger.sqlite") != []


def test_another_gateways_records_are_not_taken(tmp_path) -> None:
    site, collection = Site(tmp_path / "elm", at_us=START_US), Collection(tmp_path / "c.sqlite")
    live(site, collection, range(20))
    site.close()
    collection.close()
    config = tmp_path / "elm" / "gateway.toml"
    config.write_text(config.read_text(encoding="utf-8").replace('"elm"', '"oak"'), encoding="utf-8")
    done = netmeter(tmp_path, "restore", "--from", "collector", str(tmp_path / "c.sqlite"), "--config", str(config))
    assert done.returncode == 1
    assert "no record of gateway oak; it knows elm" in done.stderr


def test_neither_under_a_running_gateway_nor_with_open_trouble(tmp_path) -> None:
    """An old card that was put back: its store speaks again. The second word of it is the two gateways' proof."""
    site, collection = Site(tmp_path / "elm", at_us=START_US), Collection(tmp_path / "c.sqlite")
    live(site, collection, range(95))
    config, store = str(tmp_path / "elm" / "gateway.toml"), tmp_path / "elm" / "ledger.sqlite"
    command = ["restore", "--from", "collector", str(tmp_path / "c.sqlite"), "--config", config]
    while_held = netmeter(tmp_path, *command)
    assert (while_held.returncode, "is in use by process" in while_held.stderr) == (1, True)
    site.close()
    own, before = site.store.store_epoch, store.read_bytes()
    words = [speaking("another", 100), speaking(own, 101)]
    assert [one.what for one in collection.apply(words).troubles] == ["two_gateways"]
    refused = netmeter(tmp_path, *command)
    assert refused.returncode == 1
    assert "two gateways have this id" in refused.stderr
    assert store.read_bytes() == before
    collection.dismiss(1)
    collection.close()
    assert netmeter(tmp_path, *command).returncode == 0


def speaking(store_epoch: str, minute: int) -> Heard:
    """A live state without registers."""
    state = {"schema": 1, "gateway": "elm", "meter": "grid", "store_epoch": store_epoch}
    state |= {"time_utc_us": START_US + minute * MIN, "window_us": 0, "register_epoch": 0}
    state |= {"import_register_milliwh": None, "export_register_milliwh": None}
    return sent_as(("netmeter/elm/meter/grid/state", json.dumps(state).encode()))
