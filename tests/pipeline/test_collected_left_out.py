"""Two gateways that ran under one id: with one store left out, bills and restore have the other's records alone.

Each store's own intervals, read by hand, are what is expected.
"""

import json
from pathlib import Path

from click.testing import CliRunner

from gateway.cli.collect import collect
from gateway.ledger.collected.collection import Collection
from gateway.ledger.collected.reading import reading

from .collected_site import Site
from .test_restore_collected import START_US, dump, live, restored


def two(folder: Path) -> tuple[str, str]:
    """Both read the same meter in the same hours. Returns their stores' names, that of the copy last."""
    collection = Collection(folder / "c.sqlite")
    sites = [Site(folder / name, at_us=START_US) for name in ("elm", "copy")]
    for site in sites:
        live(site, collection, range(95))
        site.close()
    collection.close()
    (folder / "collect.toml").write_text(
        '[collect]\ndatabase = "c.sqlite"\nconsumer = "x"\n[mqtt]\nhost = "127.0.0.1"\n', encoding="ascii"
    )
    return sites[0].store.store_epoch, sites[1].store.store_epoch


def billed(folder: Path) -> list[tuple[object, ...]]:
    with reading(folder / "c.sqlite") as view:
        return sorted(row[1:3] for row in view.intervals("grid").rows)


def own(folder: Path) -> list[tuple[object, ...]]:
    return sorted(row[:2] for row in dump(folder / "ledger.sqlite", "interval", "start_us, end_us, seq"))


def said(folder: Path, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(collect, ["--config", str(folder / "collect.toml"), *options])
    return done.exit_code, done.output


def test_a_store_that_is_left_out_is_in_no_bill_until_it_is_taken_in_again(tmp_path: Path) -> None:
    _, copy = two(tmp_path)
    mine = own(tmp_path / "elm")
    assert len(mine) > 3
    assert billed(tmp_path) == sorted(2 * mine)  # the control: each hour twice
    code, told = said(tmp_path, "--leave-out", copy)
    assert code == 0, told
    assert billed(tmp_path) == mine
    shown = json.loads(said(tmp_path, "--show", "--json")[1])
    assert shown["left_out"] == [copy]
    lines = [one for one in said(tmp_path, "--show")[1].splitlines() if "LEFT OUT of bills" in one]
    assert lines
    assert all(copy in one for one in lines)
    assert said(tmp_path, "--take-in", copy)[0] == 0
    assert billed(tmp_path) == sorted(2 * mine)


def test_a_card_is_made_again_of_the_other_store(tmp_path: Path) -> None:
    _, copy = two(tmp_path)
    assert said(tmp_path, "--leave-out", copy)[0] == 0
    restored(tmp_path, tmp_path / "c.sqlite")
    hashes = [
        dump(tmp_path / name / "ledger.sqlite", "interval", "seq, hash, quality") for name in ("new", "elm", "copy")
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_store_that_is_not_there_is_refused_and_one_word_is_said_at_a_time(tmp_path: Path) -> None:
    mine, copy = two(tmp_path)
    code, told = said(tmp_path, "--leave-out", "0123")
    assert (code, "there is no store 0123 in it" in told, mine in told, copy in told) == (1, True, True, True)
    assert said(tmp_path, "--leave-out", copy, "--show")[0] == 2
