"""Members beside each other: who has no net metering yet, whose meter lags, and which meters are one. By hand."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.account_file import AccountError
from gateway.account.arrangement.arrangement_file import read_arrangement

from .arrangement_site import days, flat_tariff, reckoned, write_account, write_arrangement, write_meter

FIRST = date(2026, 1, 1)
ARRAY = '[[meter]]\nname = "array"\nfrom = "csv"\nfile = "{}"\n'
HALVES = f'[[shares]]\nfrom = {FIRST}\nby = "percent"\nof = {{ a = "50", b = "50" }}\n'


def farm(folder: Path, b_programmes: str, b_days: int = 59) -> Path:
    """January and February at 0.10: the host gives 10 kWh a day; a and b take 5 each."""
    tariff = flat_tariff(folder, "0.10")
    write_account(folder, tariff, "net_metering_kwh", more="")
    write_account(folder, tariff, "plain", name="b-account", more="")
    path = folder / "b-account.toml"
    own = path.read_text(encoding="utf-8").partition("[[programme]]")
    path.write_text(own[0] + b_programmes + "[[meter]]" + own[2].partition("[[meter]]")[2], encoding="utf-8")
    members = {}
    for name, taken, given, count in (("host", 0, 10_000, 59), ("a", 5_000, 0, 59), ("b", 5_000, 0, b_days)):
        file = write_meter(folder, name, days(FIRST, count, [taken], [given]))
        members[name] = f'meter = "{name}"\nfile = "{file}"\n'
    members["b"] += 'account = "b-account.toml"\n'
    return write_arrangement(folder, "pa_virtual", members, 'host = "host"\n')


def test_a_satellite_without_net_metering_is_given_nothing_and_the_host_keeps_it(tmp_path) -> None:
    """b's net metering begins on 1 February; the host gives 310 kWh in January and 280 in February.

    January: a takes 155 and is given 155; b pays 155 x 0.10 = 15.50; 310 - 155 = 155 are in the host's bank. Were half
    given to b, 155 kWh would be credited to nobody. February: 280 go equally, 140 each; nobody owes anything.
    """
    path = farm(
        tmp_path,
        f'[[programme]]\nname = "plain"\nfrom = {FIRST}\n[[programme]]\nname = "net_metering_kwh"\nfrom = 2026-02-01\n',
    )
    made = reckoned(path).statements
    shares = {name: [one.energy.export_milliwh for one in each.statements] for name, each in made.items()}
    assert shares == {"host": [155_000_000, 0], "a": [155_000_000, 140_000_000], "b": [0, 140_000_000]}
    assert [one.due_now for one in made["b"].statements] == [Decimal("15.50"), 0]
    assert {one.name: one.after for one in made["host"].statements[0].banks}["kwh.all_day"] == 155


def test_a_meter_whose_energy_ends_before_the_others_is_told_by_name(tmp_path) -> None:
    """b has 40 days: to the end of 9 February, 08:00 UTC of the 10th. January is billed, February waits."""
    programme = f'[[programme]]\nname = "net_metering_kwh"\nfrom = {FIRST}\n'
    made = reckoned(farm(tmp_path, programme, b_days=40))
    assert {len(one.statements) for one in made.statements.values()} == {1}
    told = "the energy of b ends at 2026-02-10T08:00:00Z, that of others later: the bills of all wait for it"
    assert told in made.notes
    assert not any("wait for it" in one for one in reckoned(farm(tmp_path, programme)).notes)


def test_a_plants_meter_that_is_written_twice_is_refused(tmp_path) -> None:
    """Both ways of writing the file are one; what it counts would be shared twice."""
    members = {}
    for name in ("a", "b"):
        file = write_meter(tmp_path, name, days(FIRST, 31, [5_000], [0]))
        members[name] = f'meter = "{name}"\nfile = "{file}"\n'
    write_meter(tmp_path, "array", days(FIRST, 31, [0], [8_000]))
    write_account(tmp_path, flat_tariff(tmp_path, "0.10"))
    once = ARRAY.format("array.csv")
    assert reckoned(write_arrangement(tmp_path, "vnem", members, once + HALVES)).statements
    path = write_arrangement(tmp_path, "vnem", members, once + ARRAY.format("./array.csv") + HALVES)
    with pytest.raises(AccountError, match="there are two meters array"):
        read_arrangement(path)


def test_files_of_one_name_in_the_members_own_folders_are_two_meters(tmp_path) -> None:
    """Each account names grid.csv beside itself."""
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        write_meter(folder, "grid", days(FIRST, 31, [5_000], [0]))
        account = folder / write_account(folder, flat_tariff(folder, "0.10"))
        text = account.read_text(encoding="utf-8").replace('from = "csv"', 'from = "csv"\nfile = "grid.csv"')
        account.write_text(text, encoding="utf-8")
    write_meter(tmp_path, "array", days(FIRST, 31, [0], [8_000]))
    members = {name: f'account = "{name}/account.toml"\n' for name in ("a", "b")}
    made = reckoned(write_arrangement(tmp_path, "vnem", members, ARRAY.format("array.csv") + HALVES))
    assert [int(made.allocation.of_member(at).sum()) for at in (0, 1)] == [124_000_000, 124_000_000]
    members["b"] = 'account = "a/account.toml"\n'
    with pytest.raises(AccountError, match="b has the meter of a, grid"):
        read_arrangement(write_arrangement(tmp_path, "vnem", members, ARRAY.format("array.csv") + HALVES))


def test_after_a_hole_no_bill_of_aggregated_meters_is_whole_until_the_period_ends(tmp_path) -> None:
    """The pumps lack 21 January 2026; shares go by use since 1 January, so all bills of 2026 are off, and none of 2027.

    Each bill says so itself, because it is what a member is handed. In 2027 each meter takes 2 kWh a day and the barn
    gives 2: half each, 31 kWh in January.
    """
    members = {}
    for name, given in (("barn", 2_000), ("pumps", 0)):
        rows = days(FIRST, 396, [2_000], [given])
        file = write_meter(tmp_path, name, rows[:20] + rows[21:] if name == "pumps" else rows)
        members[name] = f'meter = "{name}"\nfile = "{file}"\n'
    write_account(tmp_path, flat_tariff(tmp_path, "0.10"), "nem1", more="")
    plant = '[plant]\ntechnology = "solar"\nsize_kw = "9"\napplication = 2015-01-01\npto = 2015-06-01\n'
    made = reckoned(write_arrangement(tmp_path, "nem_a", members, f'host = "barn"\n{plant}'))
    for each in made.statements.values():
        assert [one.is_whole for one in each.statements] == [False] * 12 + [True]
        assert ["the share is off: not all energy of bill 1" in " ".join(one.notes) for one in each.statements] == [
            number in range(2, 13) for number in range(1, 14)
        ]
        assert "pumps: not all energy of 2026-01-21T08:00:00Z" in " ".join(each.notes)
        assert each.statements[12].energy.export_milliwh == 31_000_000


@pytest.mark.parametrize(("a_gateway", "b_gateway", "are_one"), [("", "cellar", True), ("cellar", "attic", False)])
def test_a_meter_whose_gateway_is_not_named_may_be_that_of_any_gateway(tmp_path, a_gateway, b_gateway, are_one) -> None:
    """Both members have a meter u1 in one collector; only two named gateways can have one each."""
    account = tmp_path / write_account(tmp_path, flat_tariff(tmp_path, "0.10"))
    collected = 'from = "collector"\nfile = "collected.sqlite"'
    account.write_text(account.read_text(encoding="utf-8").replace('from = "csv"', collected), encoding="utf-8")
    named = {"a": a_gateway, "b": b_gateway}
    members = {one: 'meter = "u1"\n' + (f'gateway = "{at}"\n' if at else "") for one, at in named.items()}
    path = write_arrangement(tmp_path, "vnem", members, ARRAY.format("array.csv") + HALVES)
    if are_one:
        with pytest.raises(AccountError, match="b has the meter of a, u1"):
            read_arrangement(path)
    else:
        assert [one.id for one in read_arrangement(path).terms.member] == ["a", "b"]
