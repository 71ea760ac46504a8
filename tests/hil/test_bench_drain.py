"""`netmeter-hil bench drain`, a short one, and its judge held against notes that are wrong. No speed is tested."""

import json

from click.testing import CliRunner

from hil.bench.drain import judge
from hil.bench.drain_site import Heard
from hil.cli import main


def test_a_backlog_arrives_once_and_in_order() -> None:
    done = CliRunner().invoke(main, ["bench", "drain", "--days", "1", "--meters", "2", "--poll", "900", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["backlog"] >= 2 * 90
    assert told["records"] >= told["backlog"]
    assert (told["missing"], told["out_of_order"]) == (0, 0)


def notes(*seqs: int) -> list[Heard]:
    return [Heard(1000 * n, "interval", "m0", seq, 0) for n, seq in enumerate(seqs)]


def test_the_judge_sees_what_is_wrong() -> None:
    assert judge(notes(1, 2, 3), 3, {})["missing"] == 0
    assert judge(notes(1, 3), 3, {})["missing"] == 2  # fewer than waited, and a hole
    assert judge(notes(1, 3, 2), 3, {})["out_of_order"] == 1
    assert judge(notes(1, 2, 2, 3), 3, {})["twice"] == 1
    late = [*notes(1, 2), Heard(900, "state", "m0", 0, 7)]
    told = judge(late, 2, {("m0", 7): (100, 400)})
    assert (told["live_latest_ms"], told["live_after_due_latest_ms"]) == (0.8, 0.5)
