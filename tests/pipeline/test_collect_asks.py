"""Who asks for what, and when: a table of moments in seconds. And what a person writes in collect.toml."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest

import gateway.publish
from gateway.collect.asker import Asker, Request
from gateway.collect.heard import Answer, Kind, Series
from gateway.collect.settings import read_settings
from gateway.config.problem import ConfigError
from gateway.ledger.collected.positions import Gap

from .test_ledger_moves import netmeter

S = 1_000_000
SCHEMAS = Path(gateway.publish.__file__).parent / "schemas"
SERIES = Series("elm", "grid", "a" * 16, Kind.INTERVAL)
GAP = Gap(SERIES, 4, 9)


def asked(asker: Asker, gaps: list[Gap], *at_s: float) -> list[Request]:
    return [request for one in at_s for request in asker.due(gaps, int(one * S))]


def answer(request: Request, word: str = "end") -> Answer:
    return Answer(SERIES, request.id, word, None, None, 1, 9, None, request.from_seq, request.to_seq)


def test_a_hole_is_asked_for_once_it_has_stood_two_seconds_and_once_only() -> None:
    asker = Asker("x")
    assert asked(asker, [GAP], 0, 1, 1.9) == []
    (request,) = asked(asker, [GAP], 2, 3, 30, 59)
    schema = json.loads((SCHEMAS / "backfill_request.json").read_text(encoding="utf-8"))
    jsonschema.validate(request.content(), schema)
    assert json.loads(json.dumps(request.content())) == {
        "schema": 1,
        "id": "x-1",
        "meter": "grid",
        "store_epoch": "a" * 16,
        "kind": "interval",
        "from": 4,
        "to": 9,
    }


def test_a_hole_that_is_being_filled_is_not_asked_for() -> None:
    asker = Asker("x")
    for second in range(20):
        assert asked(asker, [Gap(SERIES, 4 + second, 99)], second) == []


def test_without_an_answer_for_a_minute_it_is_asked_again() -> None:
    asker = Asker("x")
    assert len(asked(asker, [GAP], 0, 2, 61.9)) == 1
    assert len(asked(asker, [GAP], 62, 63)) == 1


def test_an_answer_that_ends_early_is_followed_at_once_and_one_that_brought_nothing_is_not() -> None:
    asker = Asker("x")
    (request,) = asked(asker, [GAP], 0, 2)
    asker.answered(answer(request), Gap(SERIES, 7, 9), 3 * S)
    (further,) = asked(asker, [Gap(SERIES, 7, 9)], 3.1)
    assert further.from_seq == 7
    asker.answered(answer(further), Gap(SERIES, 7, 9), 4 * S)
    assert asked(asker, [Gap(SERIES, 7, 9)], 5, 33.9) == []
    (again,) = asked(asker, [Gap(SERIES, 7, 9)], 34)
    asker.answered(answer(again), Gap(SERIES, 7, 9), 35 * S)
    assert asked(asker, [Gap(SERIES, 7, 9)], 94.9) == []  # twice as long
    assert len(asked(asker, [Gap(SERIES, 7, 9)], 95)) == 1


def test_an_answer_to_somebody_else_is_none() -> None:
    asker = Asker("x")
    (request,) = asked(asker, [GAP], 0, 2)
    asker.answered(dataclasses.replace(answer(request), id="y-1"), GAP, 3 * S)
    assert asked(asker, [GAP], 59) == []


def test_no_more_than_eight_requests_wait_at_a_gateway() -> None:
    asker = Asker("x")
    gaps = [Gap(dataclasses.replace(SERIES, meter=f"m{number}"), 1, 9) for number in range(20)]
    gaps += [Gap(dataclasses.replace(SERIES, gateway="oak"), 1, 9)]
    found = asked(asker, gaps, 0, 2, 3)
    assert [one.series.gateway for one in found].count("elm") == 8
    assert [one.series.gateway for one in found].count("oak") == 1


CONFIG = """\
[collect]
database = "c.sqlite"
consumer = "office"

[mqtt]
host = "127.0.0.1"
"""


def test_paths_are_those_beside_the_file(tmp_path) -> None:
    (tmp_path / "collect.toml").write_text(CONFIG, encoding="utf-8")
    assert read_settings(tmp_path / "collect.toml").database == tmp_path / "c.sqlite"


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (('consumer = "office"', 'consumer = "my office"'), 3, '"my office" cannot be a name'),
        (('consumer = "office"', 'consumer = "office"\ngateways = ["Elm!"]'), 4, "is no gateway's id"),
        (('database = "c.sqlite"', 'database = ""'), 2, "database is empty"),
        (('database = "c.sqlite"\n', ""), 1, '"database" is missing'),
        (('host = "127.0.0.1"', 'host = "127.0.0.1"\nmeter_topic = "x/{meter}/{kind}"'), 7, "meter_topic"),
        (('host = "127.0.0.1"', 'host = "mqtt://x"'), 6, "is no host name"),
        (("[collect]", "[collector]"), 1, "collect"),
    ],
    ids=lambda one: str(one)[:30],
)
def test_a_mistake_is_told(tmp_path, change, line, said) -> None:
    (tmp_path / "collect.toml").write_text(CONFIG.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_settings(tmp_path / "collect.toml")
    assert any(one.line == line and said in str(one) for one in caught.value.problems), caught.value


def test_what_is_not_there_is_told_and_no_traceback(tmp_path: Path) -> None:
    done = netmeter(tmp_path, "collect", "--config", str(tmp_path / "none.toml"))
    assert (done.returncode, "does not exist" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    (tmp_path / "collect.toml").write_text(CONFIG, encoding="utf-8")
    done = netmeter(tmp_path, "collect", "--config", str(tmp_path / "collect.toml"), "--show")
    assert (done.returncode, "there is no collector's database" in done.stderr) == (1, True)
