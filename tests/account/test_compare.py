"""One year under several programmes, on figures that can be worked out by hand.

The house takes 10 kWh and gives 4 of the 9 kWh that its plant makes. `simple_tariff` off peak: 0.30 USD, of which 0.03
are not bypassable; exports under net billing 0.05 and 0.01.
"""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.account.account_file import read_account
from gateway.account.compare import Column, CompareError, Comparison, Wanted, compare, ratio
from gateway.account.compare_html import compare_html
from gateway.account.compare_text import compare_json, compare_text
from gateway.account.energy import EnergyTable
from gateway.account.sources import Energy
from gateway.cli.statement import statement

from .energies import table
from .net_billing import account_text, flat, write_table
from .simple_tariff import simple_tariff

YEAR_HOURS = 365 * 24
GRID = {8: (10_000, 0), 12: (0, 4_000)}
PLANT = {12: (0, 9_000)}
COLUMNS = ("nem1", "nem2", "nbt", "plain")


def hours(flows: dict[int, tuple[int, int]], count: int = YEAR_HOURS) -> EnergyTable:
    return table("2026-01-01T00:00", 60, [flows.get(hour, (0, 0)) for hour in range(count)])


def compared(
    folder: Path,
    wanted: list[Wanted],
    *,
    production: EnergyTable | None = None,
    grid: EnergyTable | None = None,
    generation: str = "0.05",
    **more: object,
) -> Comparison:
    write_table(folder, flat(generation, "0.01"))
    path = folder / "account.toml"
    path.write_text(account_text(folder, **more), encoding="utf-8")  # type: ignore[arg-type]
    return compare(read_account(path), Energy(hours(GRID) if grid is None else grid, ()), wanted, production)


def of_all(folder: Path, *, production: EnergyTable | None = None, **more: object) -> dict[str, Column]:
    wanted = [Wanted(name, simple_tariff(folder)) for name in COLUMNS]
    made = compared(folder, wanted, production=production, **more)
    assert [one.why_not for one in made.columns] == [""] * len(COLUMNS)
    return {one.wanted.programme: one for one in made.columns}


@pytest.mark.parametrize(("programme", "due"), [("nem1", "1.80"), ("nem2", "1.92"), ("nbt", "2.76"), ("plain", "3.00")])
def test_what_each_would_have_billed(tmp_path: Path, programme: str, due: str) -> None:
    """6 x 0.30; 6 x 0.27 and 10 x 0.03; 1.50 - 0.20, 1.20 - 0.04 and 0.30; 10 x 0.30."""
    assert of_all(tmp_path)[programme].due == Decimal(due)


@pytest.mark.parametrize(
    ("programme", "exported", "charges", "savings"),
    [("nem1", "1.20", "0", "2.70"), ("nem2", "1.08", "0.30", "2.28"), ("nbt", "0.24", "0.30", "1.44")],
)
def test_the_documents_formula(tmp_path: Path, programme: str, exported: str, charges: str, savings: str) -> None:
    """5 kWh self-consumed at 0.30; 4 exported at 0.30, 0.27 and 0.06; less 10 x 0.03."""
    found = of_all(tmp_path, production=hours(PLANT))[programme].savings
    assert found is not None
    assert found.self_consumed == Decimal("1.50")
    assert (found.exported, found.non_bypassable) == (Decimal(exported), Decimal(charges))
    assert found.total == Decimal(savings)
    assert found.without_plant == Decimal("4.50")  # 15 kWh at 0.30


def test_self_consumption_needs_a_production_meter(tmp_path: Path) -> None:
    wanted = [Wanted("nem1", simple_tariff(tmp_path))]
    with_one = compare_json(compared(tmp_path, wanted, production=hours(PLANT)))
    assert with_one["self_consumption_ratio"] == "0.5556"  # 5 of 9
    without = compare_json(compared(tmp_path, wanted))
    assert without["self_consumption_ratio"] is None
    assert without["self_consumed_milliwh"] is None
    assert without["columns"][0]["annual_savings"] is None
    assert without["columns"][0]["due"] == "1.80"
    assert any("not known, and not zero" in note for note in without["notes"])


def test_a_plant_that_made_nothing_has_no_ratio_either() -> None:
    assert ratio(0, 0) is None
    assert ratio(0, 9) == 0


def test_a_production_meter_that_sees_too_little_gives_no_savings(tmp_path: Path) -> None:
    column = of_all(tmp_path, production=hours({12: (0, 3_000)}))["nem1"]
    assert column.savings is None
    assert "does not see all of the plant" in column.why_no_savings
    assert column.due == Decimal("1.80")


@pytest.mark.parametrize(("produced", "ratio_told"), [(3_000, None), (3_999, None), (4_000, "0.0000"), (0, None)])
def test_a_ratio_is_a_share_or_none(tmp_path: Path, produced: int, ratio_told: str | None) -> None:
    """4 kWh are given. Of 3 made that would be a share of -0.3333: the two meters contradict each other: told.

    Of 4 made nothing was used in the house: a share of none of them, and no contradiction.
    """
    production = hours({12: (0, produced)})
    made = compared(tmp_path, [Wanted("nem1", simple_tariff(tmp_path))], production=production)
    told = compare_json(made)
    assert told["self_consumption_ratio"] == ratio_told
    assert told["self_consumed_milliwh"] == (0 if produced == 4_000 else None)
    contradictions = [note for note in told["notes"] if "and 4 kWh were exported: one of the two meters" in note]
    assert bool(contradictions) == (produced < 4_000)
    text = "\n".join(compare_text(made))
    assert ("self-consumption ratio             none" in text) == (ratio_told is None)
    assert "self-consumption ratio" in compare_html(made)


@pytest.mark.parametrize("part", [-1, 10])
def test_what_is_no_share_is_refused(part: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        ratio(part, 9)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted("nem2", "pge-e-1"), "has no price for 2026-01-01"),
        (Wanted("nem2", "flat.toml"), "requires a time-of-use tariff"),
        (Wanted("nbt", "pge-e-elec"), "the account needs customer.base_services_tier"),
        (Wanted("nbt", "pge-e-elek"), 'did you mean "pge-e-elec"'),
        (Wanted("nem1", "gone.toml"), "gone.toml"),
        (Wanted("buy_all_sell_all", "pge-e-elec"), "meters of their own"),
    ],
)
def test_a_column_that_cannot_be_computed_says_why_and_stops_no_other(
    tmp_path: Path, wanted: Wanted, reason: str
) -> None:
    text = Path(simple_tariff(tmp_path)).read_text(encoding="utf-8")
    one_period = text.replace('[[period]]\nname = "peak"\nfrom = "16:00"\nto = "21:00"\n', "")
    lines = [line for line in one_period.splitlines() if "_peak = " not in line or "off_peak" in line]
    (tmp_path / "flat.toml").write_text("\n".join(lines).replace('"simple"', '"flat"'), encoding="utf-8")
    made = compared(tmp_path, [wanted, Wanted("nem1", simple_tariff(tmp_path))])
    assert reason in made.columns[0].why_not
    assert made.columns[1].due == Decimal("1.80")
    assert f"{wanted.programme} with {wanted.tariff}: not computed: " in "\n".join(compare_text(made))
    assert "not computed" in compare_html(made)
    assert compare_json(made)["columns"][0]["due"] is None


def test_it_says_that_a_vintage_cannot_be_chosen(tmp_path: Path) -> None:
    made = compared(tmp_path, [Wanted("nem1", simple_tariff(tmp_path))])
    sentence = "A vintage cannot be chosen"
    assert sentence in made.notes[0]
    assert sentence in " ".join("\n".join(compare_text(made)).split())
    assert sentence in compare_html(made)
    assert sentence in compare_json(made)["notes"][0]


def test_only_a_whole_year_is_compared(tmp_path: Path) -> None:
    wanted = [Wanted("nem1", simple_tariff(tmp_path))]
    with pytest.raises(CompareError, match="needs 12 whole billing cycles"):
        compared(tmp_path, wanted, grid=hours(GRID, YEAR_HOURS - 24))


def test_the_newest_whole_year_is(tmp_path: Path) -> None:
    """Fourteen months: January and February of the first year are left out, their energy with them."""
    flows = {8: (10_000, 0), 59 * 24 + 8: (1_000, 0)}
    made = compared(tmp_path, [Wanted("nem1", simple_tariff(tmp_path))], grid=hours(flows, (365 + 59) * 24))
    assert (made.first_day, made.last_day) == (date(2026, 3, 1), date(2027, 2, 28))
    assert made.import_milliwh == 1_000_000
    assert made.columns[0].due == Decimal("0.30")


def test_credits_left_at_the_years_end_are_told(tmp_path: Path) -> None:
    """4 kWh at 0.50 pay 1.50 of generation: 0.50 are left, and roll over."""
    made = compared(tmp_path, [Wanted("nbt", simple_tariff(tmp_path))], generation="0.50")
    assert made.columns[0].left == {"generation_credit": Decimal("0.50")}
    assert "generation_credit 0.50" in " ".join("\n".join(compare_text(made)).split())


def test_hours_net_by_the_hour_under_nem2(tmp_path: Path) -> None:
    """10 kWh and 4 kWh within one hour, in halves of it: 6 kWh are not bypassable; by the quarter it were refused."""
    halves = table("2026-01-01T00:00", 30, [(10_000, 0), (0, 4_000), *[(0, 0)] * (2 * YEAR_HOURS - 2)])
    made = compared(tmp_path, [Wanted("nem2", simple_tariff(tmp_path))], grid=halves)
    assert made.columns[0].due == Decimal("1.80")  # 6 x 0.27 and 6 x 0.03


def run(folder: Path, *more: str) -> Result:
    """The command, over the year of the grid meter alone."""
    write_table(folder, flat("0.05", "0.01"))
    (folder / "account.toml").write_text(account_text(folder), encoding="utf-8")
    rows = ["meter,start,end,import_milliwh,export_milliwh"]
    made = hours(GRID)
    for at in range(len(made)):
        start, end = (f"{int(one[at]) // 1_000_000}" for one in (made.start_us, made.end_us))
        rows.append(f"grid,{_iso(start)},{_iso(end)},{made.flow_import.milliwh[at]},{made.flow_export.milliwh[at]}")
    (folder / "year.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return CliRunner().invoke(
        statement, ["--account", str(folder / "account.toml"), "--energy", str(folder / "year.csv"), *more]
    )


def _iso(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_command(tmp_path: Path) -> None:
    tariff, page = simple_tariff(tmp_path), tmp_path / "year.html"
    done = run(tmp_path, "--compare", f"nem1:{tariff},nem3:{tariff}", "--json", "--html", str(page))
    assert done.exit_code == 0, done.output
    assert [(one["programme"], one["due"]) for one in json.loads(done.stdout)["columns"]] == [
        ("nem1", "1.80"),
        ("nem3", "2.76"),
    ]
    assert "2.76" in page.read_text(encoding="utf-8")
    assert run(tmp_path, "--compare", f"nem1:{tariff},nem2:pge-e-1").exit_code == 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--compare", "nem2"], "is no PROGRAMME:TARIFF"),
        (["--compare", "nem9:pge-e-elec"], 'there is no programme "nem9"; did you mean'),
        (["--compare", "net-surplus:pge-e-elec"], "there is no programme"),
        (["--compare", "nem2:pge-e-elec", "--period", "1"], "leave the other options out"),
    ],
)
def test_a_wrong_command_line_is_told(tmp_path: Path, options: list[str], told: str) -> None:
    done = run(tmp_path, *options)
    assert done.exit_code == 2
    assert told in done.output
