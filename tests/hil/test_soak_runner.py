"""What a soak's runner makes of its rounds: sums, checkpoint, and who passes. The rounds here are made up."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.process import ChildError
from hil.soak import runner
from hil.soak.checkpoint import CheckpointError, Progress, Task, load, save
from hil.soak.history import RoundResult, Say, Verdict
from hil.soak.soaks import SOAKS

ROUND = 4


class MadeUpSoak:
    """Rounds of four whose figures follow from their numbers; what happens in which round is the test's choice."""

    name = "made-up"
    summary = "no house at all"
    control_finding = "must_be_found"
    always_told: tuple[str, ...] = ()
    judges_energy = True

    def __init__(self) -> None:
        self.interrupt_at: int | None = None
        self.break_at: int | None = None
        self.unfelt = 0
        self.spoil: Verdict | None = None
        self.control_finds = "must_be_found"
        self.run: list[int] = []
        self.controls = 0

    def describe(self, seed: int, number: int) -> str:
        return f"{number} of {seed}"

    def run_round(self, seed: int, number: int, last: int, folder: Path, say: Say) -> RoundResult:
        if number == self.interrupt_at:
            self.interrupt_at = None
            signal.raise_signal(signal.SIGINT)
        if number == self.break_at:
            raise ChildError("the broker has ended")
        assert folder.is_dir()
        numbers = range(number, min(last, number + ROUND - 1) + 1)
        self.run += numbers
        result = RoundResult(len(numbers), len(numbers) - self.unfelt, Verdict(uncertain_told=sum(numbers)))
        result.verdict.counts["intervals"] = number
        if self.spoil is not None:
            result.verdict.add(self.spoil)
        return result

    def run_control(self, seed: int, folder: Path, say: Say) -> RoundResult:
        self.controls += 1
        result = RoundResult(1, 1)
        if self.control_finds:
            result.verdict.find(self.control_finds, "on purpose")
        return result


@pytest.fixture
def soak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MadeUpSoak]:
    made_up = MadeUpSoak()
    monkeypatch.setattr("hil.folder.LONGEST_PLACE_BYTES", 1000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(SOAKS, made_up.name, made_up)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield made_up
    for number, handler in handlers.items():
        signal.signal(number, handler)


def task(n: int | None = 10, hours: float | None = None, commit: str = "c1") -> Task:
    return Task("made-up", 5, n, hours, commit)


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The one JSON line of standard output."""
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def test_a_clean_soak_passes_with_its_sums(soak: MadeUpSoak, capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.run_soak(task(), None) == 0
    line = told(capsys)
    assert soak.run == list(range(1, 11))
    assert soak.controls == 1
    assert (line["pass"], line["injected"], line["felt"], line["felt_ratio"]) == (True, 10, 10, 1.0)
    assert (line["seed"], line["commit"], line["control"]) == (5, "c1", "failed")
    assert line["uncertain_told"] == 55
    assert line["intervals"] == 1 + 5 + 9


def test_an_interrupted_soak_goes_on_and_ends_with_the_same_sums(
    soak: MadeUpSoak, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runner.run_soak(task(), None) == 0
    whole = told(capsys)
    soak.run, soak.controls, soak.interrupt_at = [], 0, 5
    assert runner.run_soak(task(), tmp_path / "c.json") == 1
    assert capsys.readouterr().out == ""
    assert soak.run == [1, 2, 3, 4]
    assert runner.run_soak(task(), tmp_path / "c.json") == 0
    resumed = told(capsys)
    assert soak.run == list(range(1, 11))
    assert soak.controls == 1
    assert {**resumed, "wall_s": 0} == {**whole, "wall_s": 0}


def test_a_finished_soak_tells_its_result_again(
    soak: MadeUpSoak, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runner.run_soak(task(), tmp_path / "c.json") == 0
    first = told(capsys)
    assert runner.run_soak(task(), tmp_path / "c.json") == 0
    assert told(capsys) == first
    assert len(soak.run) == 10


@pytest.mark.parametrize(("unfelt", "passed"), [(0, True), (1, False)])
def test_a_fault_in_four_that_nobody_felt_fails(
    soak: MadeUpSoak, capsys: pytest.CaptureFixture[str], unfelt: int, passed: bool
) -> None:
    soak.unfelt = unfelt
    assert runner.run_soak(task(4), None) == (0 if passed else 1)
    assert told(capsys)["pass"] is passed


@pytest.mark.parametrize(("felt", "passed"), [(90, True), (89, False)])
def test_nine_of_ten_must_be_felt(felt: int, passed: bool) -> None:
    assert runner.passes(Progress(task(100), injected=100, felt=felt, control="failed")) is passed


@pytest.mark.parametrize("control", ["", "something_else"])
def test_a_control_that_is_not_refused_for_its_own_reason_fails(
    soak: MadeUpSoak, capsys: pytest.CaptureFixture[str], control: str
) -> None:
    soak.control_finds = control
    assert runner.run_soak(task(), None) == 1
    assert told(capsys)["control"] == "passed"


@pytest.mark.parametrize("figure", ["lost_milliwh", "doubled_milliwh", "misplaced_milliwh"])
def test_a_milliwatt_hour_is_enough_to_fail(soak: MadeUpSoak, capsys: pytest.CaptureFixture[str], figure: str) -> None:
    soak.spoil = Verdict(**{figure: 1})
    assert runner.run_soak(task(4), None) == 1
    assert told(capsys)[figure] == 1


@pytest.mark.parametrize(("judges", "told_as"), [(True, 10), (False, None)])
def test_what_a_soak_does_not_judge_is_null_and_not_zero(
    soak: MadeUpSoak, capsys: pytest.CaptureFixture[str], judges: bool, told_as: int | None
) -> None:
    soak.judges_energy = judges
    assert runner.run_soak(task(4), None) == 0
    line = told(capsys)
    assert line["uncertain_told"] == told_as  # faults 1 + 2 + 3 + 4 in these made-up rounds
    nothing_off = 0 if judges else None
    assert [line[f"{what}_milliwh"] for what in ("lost", "doubled", "misplaced")] == [nothing_off] * 3


def test_a_finding_fails_and_ends_the_soak(soak: MadeUpSoak, capsys: pytest.CaptureFixture[str]) -> None:
    soak.spoil = Verdict()
    soak.spoil.find("chain", "broken")
    assert runner.run_soak(task(), None) == 1
    assert told(capsys)["findings"] == ["chain: broken"]
    assert soak.run == [1, 2, 3, 4]


def test_a_soak_that_is_to_keep_going_runs_to_its_end_and_fails(
    soak: MadeUpSoak, capsys: pytest.CaptureFixture[str]
) -> None:
    soak.spoil = Verdict()
    soak.spoil.find("chain", "broken")
    assert runner.run_soak(task(), None, keep_going=True) == 1
    line = told(capsys)
    assert soak.run == list(range(1, 11))
    assert (line["injected"], line["finding_count"]) == (10, 3)  # one in each of three rounds


def test_a_house_that_breaks_ends_even_a_soak_that_is_to_keep_going(
    soak: MadeUpSoak, capsys: pytest.CaptureFixture[str]
) -> None:
    soak.break_at = 5
    assert runner.run_soak(task(), None, keep_going=True) == 1
    assert told(capsys)["injected"] == 4


def test_a_house_that_breaks_fails_the_soak(soak: MadeUpSoak, capsys: pytest.CaptureFixture[str]) -> None:
    soak.break_at = 5
    assert runner.run_soak(task(), None) == 1
    assert told(capsys)["findings"] == ["house: the broker has ended"]


def test_hours_end_with_a_whole_round(soak: MadeUpSoak, capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.run_soak(task(None, 1e-9), None) == 1  # the control alone took longer: nothing was injected
    assert told(capsys)["injected"] == 0
    soak.break_at = 41
    assert runner.run_soak(task(None, 1000.0), None) == 1
    assert told(capsys)["injected"] == 40


@pytest.mark.parametrize("other", [task(11), task(10, commit="c2"), Task("made-up", 6, 10, None, "c1")])
def test_a_checkpoint_of_another_soak_is_refused(tmp_path: Path, other: Task) -> None:
    save(tmp_path / "c.json", Progress(task(), injected=4))
    with pytest.raises(CheckpointError, match="another soak"):
        load(tmp_path / "c.json", other)
    assert load(tmp_path / "c.json", task()).injected == 4


def test_a_checkpoint_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text("{}")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load(tmp_path / "c.json", task())


def test_a_checkpoint_is_replaced_whole(tmp_path: Path) -> None:
    save(tmp_path / "c.json", Progress(task(), injected=4))
    (tmp_path / "c.json.new").write_text("half a chec")  # what an earlier interruption left
    assert load(tmp_path / "c.json", task()).injected == 4
    save(tmp_path / "c.json", Progress(task(), injected=8))
    assert load(tmp_path / "c.json", task()).injected == 8
    assert [path.name for path in tmp_path.iterdir()] == ["c.json"]


def test_a_checkpoint_without_a_place_is_told_before_anything_runs(soak: MadeUpSoak, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        runner.run_soak(task(), tmp_path / "nowhere" / "c.json")
    assert soak.controls == 0
