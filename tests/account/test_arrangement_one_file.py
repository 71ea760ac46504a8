"""One file that two members of an arrangement name: each must stand in it by its name, or it is billed twice."""

from datetime import date, datetime
from pathlib import Path

import pytest

from gateway.account.energy import EnergyError

from .arrangement_site import PACIFIC, days, flat_tariff, reckoned, write_account, write_arrangement, write_meter
from .espi_feed import Made, write_feed

FIRST, DAYS = date(2026, 1, 1), 31
PLANT = '[[meter]]\nname = "array"\nfrom = "csv"\nfile = "array.csv"\n'
SHARES = f'[[shares]]\nfrom = {FIRST}\nby = "percent"\nof = {{ a = "60", b = "40" }}\n'


def hours_s() -> list[int]:
    begin = int(datetime.combine(FIRST, datetime.min.time(), PACIFIC).timestamp())
    return [begin + hour * 3600 for hour in range(24 * DAYS)]


def site(folder: Path, files: dict[str, str], named: str = "") -> Path:
    """Members `a` and `b`, whose meters are called so after `named`; 10 kWh a day from the array."""
    write_meter(folder, "array", days(FIRST, DAYS, [0], [10_000]))
    write_account(folder, flat_tariff(folder, "0.30"))
    members = {name: f'meter = "{named}{name}"\nfile = "{file}"\n' for name, file in files.items()}
    return write_arrangement(folder, "vnem", members, PLANT + SHARES)


def feed(folder: Path, name: str, watt_hours: dict[str, int]) -> str:
    """So many watt-hours in each hour, by usage point."""
    write_feed(folder / name, [Made(1, [(at, wh) for at in hours_s()], point=one) for one, wh in watt_hours.items()])
    return name


def used(path: Path) -> dict[str, int]:
    return {name: milliwh // 1_000_000 for name, milliwh in reckoned(path).used_milliwh.items()}


def test_a_green_button_file_of_one_meter_is_not_two_members(tmp_path: Path) -> None:
    one = feed(tmp_path, "one.xml", {"U1": 100})
    with pytest.raises(
        EnergyError, match=r"member a: .*one\.xml: has one usage point, meter U1, and another meter is read"
    ):
        reckoned(site(tmp_path, {"a": one, "b": one}))
    (tmp_path / "link.xml").symlink_to(tmp_path / "one.xml")
    with pytest.raises(EnergyError, match="another meter is read from it too"):
        reckoned(site(tmp_path, {"a": "one.xml", "b": "link.xml"}))


def test_one_that_names_both_members_is_each_ones_own(tmp_path: Path) -> None:
    both = feed(tmp_path, "both.xml", {"a": 100, "b": 200})
    assert used(site(tmp_path, {"a": both, "b": both}, "meter ")) == {"a": 74, "b": 148}  # 744 hours


def test_each_members_own_file_needs_no_name_in_it(tmp_path: Path) -> None:
    files = {"a": feed(tmp_path, "a.xml", {"U1": 100}), "b": feed(tmp_path, "b.xml", {"U1": 200})}
    assert used(site(tmp_path, files)) == {"a": 74, "b": 148}


def test_a_table_without_a_column_of_meters_is_not_two_members(tmp_path: Path) -> None:
    write_meter(tmp_path, "one", days(FIRST, DAYS, [8_000], [0]))
    path = tmp_path / "one.csv"
    lines = [line.partition(",")[2] for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(EnergyError, match="there is no meter a in it"):
        reckoned(site(tmp_path, {"a": "one.csv", "b": "one.csv"}))
