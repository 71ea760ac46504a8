"""An arrangement's file: each mistake is told with its line and the mend; shares, vacancy, size and holes in a bill."""

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.account.account_file import AccountError
from gateway.account.arrangement.arrange import Arranged
from gateway.account.arrangement.arrangement_file import read_arrangement
from gateway.account.energy import EnergyError
from gateway.cli.arrangement import arrangement

from .arrangement_site import days, flat_tariff, reckoned, write_account, write_arrangement, write_meter

ROOT = Path(__file__).parents[2]
FIRST = date(2026, 1, 1)
ARRAY = '[[meter]]\nname = "array"\nfrom = "csv"\nfile = "array.csv"\n'
SHARES = f'[[shares]]\nfrom = {FIRST}\nby = "percent"\nof = {{ a = "60", b = "40" }}\n'
PLANT = f'[plant]\ntechnology = "solar"\nsize_kw = "75"\napplication = 2016-01-01\npto = {FIRST}\n'


def site(
    folder: Path, kind: str = "vnem", more: str = ARRAY + SHARES, *, count: int = 59, given: int = 10_000, b: str = ""
) -> Path:
    """Two members that take 8 kWh a day each, and an array."""
    members = {}
    for name in ("a", "b"):
        host = given if kind != "vnem" and name == "a" else 0
        file = write_meter(folder, name, days(FIRST, count, [8_000], [host]))
        members[name] = f'meter = "{name}"\nfile = "{file}"\n' + (b if name == "b" else "")
    write_meter(folder, "array", days(FIRST, count, [0], [given]))
    write_account(folder, flat_tariff(folder, "0.30"))
    return write_arrangement(folder, kind, members, more)


def shares_of(made: Arranged) -> list[int]:
    """kWh of each member."""
    return [int(made.allocation.of_member(at).sum()) // 1_000_000 for at in range(len(made.statements))]


def test_the_shipped_example_is_in_order() -> None:
    assert list(read_arrangement(ROOT / "config/arrangement.toml").accounts) == ["common", "unit-01", "unit-02"]


@pytest.mark.parametrize(
    ("kind", "more", "says"),
    [
        ("vnem", ARRAY, "vnem needs shares"),
        ("vnem", SHARES, "vnem needs a meter of the plant itself"),
        ("vnem", ARRAY + SHARES.replace('"40"', '"39"'), "add up to 99 percent"),
        ("vnem", ARRAY + SHARES.replace("b =", "c ="), "c is no member"),
        ("vnem", ARRAY + SHARES.replace('"60"', '"-60"'), "a share is not below zero"),
        ("vnem", ARRAY + SHARES + SHARES, "write them in order of time"),
        ("vnem", f'host = "a"\n{ARRAY}{SHARES}', "vnem has no host"),
        ("vnem", f'{ARRAY}{SHARES}[[vacant]]\nmember = "b"\nfrom = 2026-01-05\n', "nobody has said who has the share"),
        (
            "vnem",
            f'vacant_share = "owner"\nowner = "z"\n{ARRAY}{SHARES}[[vacant]]\nmember = "b"\nfrom = 2026-01-05\n',
            'owner "z" is no member',
        ),
        ("nem_a", 'host = "z"\n', 'host "z" is no member'),
        ("nem_a", f'host = "a"\n{SHARES}', "nem_a shares by use"),
        ("vnem", f'nem_a_use = "per_tou"\n{ARRAY}{SHARES}', "means nothing under vnem"),
        ("pa_virtual", f'host = "a"\n{ARRAY}', "is behind a member's meter"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, kind, more, says) -> None:
    with pytest.raises(AccountError, match=r"site.toml:\d+: ") as told:
        read_arrangement(site(tmp_path, kind, more))
    assert says in str(told.value)


def test_a_member_farther_than_two_miles_is_refused_and_two_are_not(tmp_path) -> None:
    read_arrangement(site(tmp_path, "pa_virtual", 'host = "a"\n', b='miles = "2.0"\n'))
    with pytest.raises(AccountError, match=r"b is 2\.1 miles away"):
        read_arrangement(site(tmp_path, "pa_virtual", 'host = "a"\n', b='miles = "2.1"\n'))


def test_members_of_two_vintages_are_refused(tmp_path) -> None:
    path = site(tmp_path, b='account = "other.toml"\n')
    write_account(tmp_path, "flat.toml", "nem1", "other", more="")
    with pytest.raises(AccountError, match="the programmes of its members differ"):
        read_arrangement(path)


def test_two_members_with_one_meter_are_refused(tmp_path) -> None:
    path = site(tmp_path)
    path.write_text(
        path.read_text(encoding="utf-8").replace('meter = "b"\nfile = "b.csv"', 'meter = "a"\nfile = "a.csv"')
    )
    with pytest.raises(AccountError, match="b has the meter of a"):
        read_arrangement(path)


def test_a_programme_that_prices_intervals_does_not_share_by_the_month(tmp_path) -> None:
    path = site(tmp_path, "nem_a", 'host = "a"\n')
    write_account(tmp_path, "flat.toml", "net_billing")
    with pytest.raises(AccountError, match="net_billing prices intervals"):
        read_arrangement(path)


@pytest.mark.parametrize(
    ("programme", "choices"),
    [("net_metering_usd", ""), ("net_metering_kwh", ""), ("pennsylvania", "[pennsylvania]\nindependent_load = true")],
)
def test_a_programme_that_pays_for_surplus_is_none_of_aggregated_meters(tmp_path, programme, choices) -> None:
    path = site(tmp_path, "nem_a", f'host = "a"\n{PLANT}')
    write_account(tmp_path, "flat.toml", programme, more=choices)
    with pytest.raises(AccountError, match=f"and {programme} would pay for it: one of nem1, nem2, plain"):
        read_arrangement(path)
    write_account(tmp_path, "flat.toml", "nem1", more="")
    assert list(read_arrangement(path).accounts) == ["a", "b"]


def test_shares_change_at_a_local_midnight_and_a_vacant_share_goes_where_the_file_says(tmp_path) -> None:
    """59 days of 10 kWh: 31 at 60/40; then 50/50, of which b stands empty for ten days, both ends included."""
    second = '[[shares]]\nfrom = 2026-02-01\nby = "square_feet"\nof = { a = "700", b = "700" }\n'
    empty = '[[vacant]]\nmember = "b"\nfrom = 2026-02-10\nlast_day = 2026-02-19\n'
    more = ARRAY + SHARES + second + empty
    owner = reckoned(site(tmp_path, more='vacant_share = "owner"\nowner = "a"\n' + more))
    assert shares_of(owner) == [186 + 90 + 100, 124 + 90]
    lost = reckoned(site(tmp_path, more='vacant_share = "lost"\n' + more))
    assert shares_of(lost) == [186 + 140, 124 + 90]
    assert int(lost.allocation.lost.sum()) == 50_000_000
    assert "50 kWh are nobody's share" in " ".join(lost.notes)


def test_what_was_made_before_the_first_shares_is_nobodys(tmp_path) -> None:
    made = reckoned(site(tmp_path, more=ARRAY + SHARES.replace(f"{FIRST}", "2026-01-11")))
    assert shares_of(made) == [294, 196]
    assert int(made.allocation.lost.sum()) == 100_000_000


@pytest.mark.parametrize(("given", "told"), [(16_000, False), (16_001, True)])
def test_a_plant_that_makes_more_than_all_use_is_told(tmp_path, given, told) -> None:
    """Two members take 8 kWh a day each: 16 kWh a day are not more than their load."""
    made = reckoned(site(tmp_path, count=365, given=given))
    assert ("it is larger than their load" in " ".join(made.notes)) is told


def test_kilowatts_may_be_held_against_the_highest_use_instead(tmp_path) -> None:
    """16 kWh are 666.6 W over 24 hours, and 695.6 W over the 23 of 8 March."""
    rule = 'size_rule = "coincident_peak"\n'
    made = reckoned(site(tmp_path, more=rule + PLANT + ARRAY + SHARES, count=365))
    assert "the plant has 75 kW, and the members' highest use in one stored interval was 695 W" in " ".join(made.notes)


def test_only_the_member_whose_energy_is_missing_has_an_incomplete_bill(tmp_path) -> None:
    path = site(tmp_path)
    rows = days(FIRST, 59, [8_000], [0])
    write_meter(tmp_path, "b", rows[:20] + rows[21:])
    done = CliRunner().invoke(arrangement, [str(path)])
    assert done.exit_code == 3, done.output
    (told,) = [line for line in done.output.splitlines() if "INCOMPLETE" in line]
    assert told.startswith("b ")
    assert CliRunner().invoke(arrangement, [str(path), "--member", "a"]).exit_code == 0


@pytest.mark.parametrize(
    ("kind", "programme", "until"), [("nem_a", "nem1", ", and until"), ("pa_virtual", "net_metering_kwh", "\n")]
)
def test_where_one_members_use_is_not_known_nobodys_share_by_use_is(tmp_path, kind, programme, until) -> None:
    path = site(tmp_path, kind, f'host = "a"\n{PLANT}')
    write_account(tmp_path, "flat.toml", programme, more="")
    whole = CliRunner().invoke(arrangement, [str(path)])
    assert (whole.exit_code, "INCOMPLETE" in whole.output) == (0, False)
    rows = days(FIRST, 59, [8_000], [0])
    write_meter(tmp_path, "b", rows[:20] + rows[21:])
    done = CliRunner().invoke(arrangement, [str(path)])
    assert done.exit_code == 3, done.output
    assert [line[0] for line in done.output.splitlines() if "INCOMPLETE" in line] == ["a", "b"]
    told = "b: not all energy of 2026-01-21T08:00:00Z to 2026-01-22T08:00:00Z is known"
    assert f"{told}, so the shares of all members are off then{until}" in done.output


def test_what_the_plant_itself_takes_is_told_and_in_no_bill(tmp_path) -> None:
    path = site(tmp_path)
    write_meter(tmp_path, "array", days(FIRST, 59, [100], [10_000]))
    made = reckoned(path)
    assert "array took 5.9 kWh itself, which are in no statement here" in " ".join(made.notes)
    assert [int(one.table.flow_import.milliwh.sum()) for one in made.energies.values()] == [59 * 8_000_000] * 2


def test_a_line_of_a_member_can_be_explained_to_its_days(tmp_path) -> None:
    """January, member b: 31 x 8 - 40 % of 310 kWh = 124 kWh."""
    path = str(site(tmp_path))
    key = "energy.2026-01-01.all_day"
    done = CliRunner().invoke(arrangement, [path, "--member", "b", "--explain", key])
    assert done.exit_code == 0, done.output
    assert "124.000000 kWh x 0.30" in done.output
    assert CliRunner().invoke(arrangement, [path, "--explain", key]).exit_code == 2
    assert CliRunner().invoke(arrangement, [path, "--member", "b", "--explain", "energy.none"]).exit_code == 1


def test_a_members_file_is_beside_the_arrangement_and_an_accounts_beside_the_account(tmp_path) -> None:
    path = site(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "a.csv").rename(home / "a.csv")
    flat = str(tmp_path / "flat.toml")
    account = (tmp_path / write_account(home, flat, name="own", meter="a")).name
    text = (home / account).read_text(encoding="utf-8").replace('from = "csv"', 'from = "csv"\nfile = "a.csv"')
    (home / account).write_text(text, encoding="utf-8")
    old = 'meter = "a"\nfile = "a.csv"'
    path.write_text(path.read_text(encoding="utf-8").replace(old, 'account = "home/own.toml"'), encoding="utf-8")
    assert shares_of(reckoned(path)) == [354, 236]


def test_what_holds_for_all_members_is_told_once(tmp_path) -> None:
    done = CliRunner().invoke(arrangement, [str(site(tmp_path, count=45))])
    assert done.exit_code == 0, done.output
    told = [line for line in done.output.splitlines() if "not billed yet" in line]
    assert told == ["! a, b: not billed yet: 2026-02-01 to 2026-02-14; --member tells each one's energy"]


def test_what_a_running_cycle_gave_is_told_to_wait_with_the_host(tmp_path) -> None:
    """45 days of 10 kWh, 14 of them in a February that has not ended."""
    path = site(tmp_path, "nem_a", f'host = "a"\n{PLANT}', count=45)
    write_account(tmp_path, "flat.toml", "nem1", more="")
    made = reckoned(path)
    assert "140 kWh since 2026-02-01 stand with a until their billing cycle has ended" in " ".join(made.notes)
    assert shares_of(made) == [155 + 140, 155]


def test_members_that_are_not_billed_together_cannot_share_by_use(tmp_path) -> None:
    path = site(tmp_path, "nem_a", f'host = "a"\n{PLANT}', b='account = "other.toml"\n')
    write_account(tmp_path, "flat.toml", "nem1", more="")
    other = write_account(tmp_path, "flat.toml", "nem1", "other", more="")
    text = (tmp_path / other).read_text(encoding="utf-8")
    cycles = 'read_dates = [2026-01-01, 2026-01-30, 2026-02-28]\nread_day = "first_day"'
    (tmp_path / other).write_text(text.replace("months = true", cycles), encoding="utf-8")
    with pytest.raises(EnergyError, match="members a and b are not billed together"):
        reckoned(path)


def test_a_wrong_member_or_day_is_a_mistake_of_the_command_line(tmp_path) -> None:
    path = str(site(tmp_path))
    assert CliRunner().invoke(arrangement, [path, "--member", "z"]).exit_code == 2
    assert CliRunner().invoke(arrangement, [path, "--as-of", "soon"]).exit_code == 2
