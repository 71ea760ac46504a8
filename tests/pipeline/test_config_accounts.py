"""[[account]] in gateway.toml: what is refused, with the mend, and that the account's own file is not read here."""

from pathlib import Path

import pytest

from gateway.config.load import load_config
from gateway.config.types import ProjectionMethod

from .test_config_load import GOOD, told, write

ACCOUNT = """
[[account]]
name = "home"
file = "home.toml"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "home.toml").write_text("read_dates are added every month, and may be wrong for once", encoding="utf-8")
    (tmp_path / "year.csv").write_text("start,end\n", encoding="utf-8")
    return tmp_path


def test_an_account_assumes_nothing_unless_it_is_told_to(folder: Path) -> None:
    path = write(folder, GOOD + ACCOUNT)
    assert told(path) == []
    (one,) = load_config(path).account
    assert (one.name, one.file, one.project, one.every_min) == (
        "home",
        str(folder / "home.toml"),
        ProjectionMethod.TO_DATE,
        60,
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"home.toml"', '"away.toml"', "file away.toml is not there"),
        ('"home.toml"', '""', "names no account"),
        ('name = "home"', 'name = "Home/1"', 'name "Home/1" cannot be used'),
        ("[[account]]", "[[account]]\nevery_min = 1", "every_min"),
        ("[[account]]", '[[account]]\nproject = "linear"', "linear"),
        ("[[account]]", '[[account]]\nproject = "profile"', "go together"),
        ("[[account]]", '[[account]]\nprofile = "year.csv"', "go together"),
        ("[[account]]", '[[account]]\nproject = "profile"\nprofile = "none.csv"', "profile none.csv is not there"),
        ("[[account]]", '[[account]]\nmeters = "grid"', 'unknown key "meters"'),
    ],
)
def test_what_is_refused(folder: Path, old: str, new: str, message: str) -> None:
    assert old in ACCOUNT
    (problem,) = told(write(folder, GOOD + ACCOUNT.replace(old, new)))
    assert message in problem


def test_two_of_one_name_and_a_gateway_that_sees_no_grid(folder: Path) -> None:
    (twice,) = told(write(folder, GOOD + ACCOUNT + ACCOUNT))
    assert "there are two accounts home" in twice
    (blind,) = told(write(folder, GOOD.replace('role = "grid"', 'role = "consumption"') + ACCOUNT))
    assert "no meter of this gateway faces the grid" in blind


def test_a_profile_goes_with_its_method(folder: Path) -> None:
    text = ACCOUNT + 'project = "profile"\nprofile = "year.csv"\n'
    (one,) = load_config(write(folder, GOOD + text)).account
    assert (one.project, one.profile) == (ProjectionMethod.PROFILE, str(folder / "year.csv"))
