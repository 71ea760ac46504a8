"""What a scan writes: a config that `check` takes once the user's words are in, and that no device's name can break."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from drivers import EnergyRegister, MeterIdentity, RegisterSnapshot, Sample, load_profile
from drivers.marks import Likeness
from drivers.modbus.recognise import Match, Recognition
from drivers.modbus.scan import LineParity, LineSetting
from gateway.config.load import examine
from gateway.config.problem import errors_of
from gateway.scan.found import FoundUnit
from gateway.scan.toml_text import meter_tables, whole_config

CHOSEN = {
    "id": "home",
    "clock": "ntp",
    "mqtt_host": "localhost",
    "tariff": "pge-e-tou-c",
    "role": "grid",
    "register": "own",
    "service_amps": "100",
    "service_volts": "240",
}
N96, E19 = LineSetting(9600), LineSetting(19200, LineParity.EVEN)


def snapshot(step_milliwh: int) -> RegisterSnapshot:
    return RegisterSnapshot(EnergyRegister(5_000_000, step_milliwh), None, None, True, {})


def found(unit: int = 1, profile: str = "eastron-sdm630", step_milliwh: int = 10_000, **more: object) -> FoundUnit:
    match = Match(load_profile(profile), Likeness.PROVEN, 3)
    sample = Sample(snapshot(step_milliwh), 0, 0, 0)
    who = Recognition(match, (match,), MeterIdentity("Maker", "Type", "1", None), sample, None, ())
    return replace(FoundUnit(unit, who, port="/dev/null", setting=N96), **more)  # type: ignore[arg-type]


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return [str(problem) for problem in errors_of(examine(path).problems)]


def test_with_all_choices_made_the_config_is_taken(tmp_path: Path) -> None:
    on_network = found(1, "sunspec", port="", host="192.168.1.40", setting=None)
    assert problems(tmp_path, whole_config([found(), found(2), on_network], CHOSEN)) == []


def test_a_role_that_was_chosen_for_several_meters_is_asked_about_again() -> None:
    asked = "is each of them that? grid | production"
    assert meter_tables([found(), found(2)], CHOSEN).count(asked) == 2
    assert asked not in meter_tables([found()], CHOSEN)


@pytest.mark.parametrize("key", CHOSEN)
def test_each_choice_that_is_not_made_is_a_mistake_that_check_names(tmp_path: Path, key: str) -> None:
    chosen = {name: value for name, value in CHOSEN.items() if name != key}
    text = whole_config([found()], chosen)
    line = next(number for number, row in enumerate(text.splitlines(), 1) if "CHOOSE" in row and row[0] != "#")
    told = problems(tmp_path, text)
    assert len(told) == 1
    assert f":{line}:" in told[0]


def test_meters_of_another_setting_on_the_same_line_stand_as_comments(tmp_path: Path) -> None:
    text = whole_config([found(1), found(2), found(3, setting=E19)], CHOSEN)
    assert [meter["unit"] for meter in tomllib.loads(text)["meter"]] == [1, 2]
    assert "# unit = 3" in text
    assert problems(tmp_path, text) == []
    # The control: the same as live tables is refused.
    assert problems(tmp_path, _uncommented(text))


def _uncommented(text: str) -> str:
    rows = text.splitlines()
    return "\n".join(row.removeprefix("# ") if " = " in row or "[[" in row else row for row in rows)


def test_on_three_lines_all_three_settings_are_read(tmp_path: Path) -> None:
    ports = ("/dev/null", "/dev/zero", "/dev/full")
    settings = (N96, E19, LineSetting(2400))
    meters = [found(1, port=port, setting=setting) for port, setting in zip(ports, settings, strict=True)]
    text = whole_config(meters, CHOSEN)
    assert [meter["baud_bd"] for meter in tomllib.loads(text)["meter"]] == [9600, 19200, 2400]
    assert problems(tmp_path, text) == []


def test_a_stranger_and_an_open_question_stand_as_comments() -> None:
    nobody = Recognition(None, (), MeterIdentity(), None, None, ())
    matches = tuple(Match(load_profile(name), Likeness.LIKELY, 2) for name in ("eastron-sdm630", "sunspec"))
    several = Recognition(None, matches, MeterIdentity(), None, None, ())
    text = meter_tables([FoundUnit(1, nobody, port="/dev/a"), FoundUnit(2, several, port="/dev/a")], CHOSEN)
    assert tomllib.loads(text) == {}
    assert "docs/profiles.md" in text
    assert "eastron-sdm630, sunspec" in text


@pytest.mark.parametrize(
    "text",
    ['x"\n[[meter]]\nname = "evil"', "x\n[mqtt]", "\x1b[2J", "x\x00", 'x"""', "x\\", "x\u2028y\u0085z"],
    ids=repr,
)
def test_what_a_device_calls_itself_breaks_nothing(text: str) -> None:
    named = replace(found(), who=replace(found().who, identity=MeterIdentity(text, text, text, text)))
    (meter,) = tomllib.loads(meter_tables([named], CHOSEN))["meter"]
    assert meter["name"] == "eastron-sdm630-1"
    assert "\x1b" not in meter_tables([named], CHOSEN)


def test_what_was_noted_of_a_meter_stands_beside_its_table() -> None:
    """It goes past on the screen, and is wanted when somebody opens the file."""
    one = found()
    noted = replace(one, who=replace(one.who, notes=("eastron-sdm72 would read the same energy registers",)))
    text = whole_config([noted], CHOSEN)
    assert "# eastron-sdm72 would read the same energy registers\n[[meter]]" in text


def test_names_are_short_enough_and_differ(tmp_path: Path) -> None:
    same = [found(1, port="/dev/null"), found(1, port="/dev/zero"), found(1, port="/dev/full")]
    names = [meter["name"] for meter in tomllib.loads(meter_tables(same, CHOSEN))["meter"]]
    assert len(set(names)) == 3
    assert problems(tmp_path, whole_config(same, CHOSEN)) == []


@pytest.mark.parametrize(("step_milliwh", "coarse"), [(99_999, False), (100_000, True), (1_000_000, True)])
def test_a_coarse_register_is_flagged(step_milliwh: int, coarse: bool) -> None:
    unit = found(step_milliwh=step_milliwh)
    assert (unit.coarse_milliwh is not None) is coarse
    assert ("Coarse" in meter_tables([unit], CHOSEN)) is coarse
