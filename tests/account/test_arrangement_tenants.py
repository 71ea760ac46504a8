"""Tenants who come and go (vnem): whose share it is, what is in no bill, and one meter of two tenants in turn."""

import json
import re
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from gateway.account.account_file import AccountError
from gateway.account.arrangement.arrangement_file import read_arrangement
from gateway.cli.arrangement import arrangement

from .arrangement_site import reckoned, write_account
from .test_arrangement_file import ARRAY, FIRST, SHARES, shares_of, site

ACCOUNT = Path(__file__).parents[2] / "gateway/account"


def lives(folder: Path, name: str, key: str) -> None:
    """An account file `name`.toml with a day of moving in or out."""
    path = folder / write_account(folder, "flat.toml", name=name)
    text = path.read_text(encoding="utf-8").replace('utility = "generic"', f'utility = "generic"\n{key}')
    path.write_text(text, encoding="utf-8")


def test_a_share_that_goes_on_after_its_member_moved_out_is_told_with_the_mend(tmp_path) -> None:
    path = site(tmp_path, b='account = "gone.toml"\n')
    lives(tmp_path, "gone", "moved_out = 2026-01-31")
    asked = "b moved out on 2026-01-31 and has a share after that"
    assert asked in " ".join(reckoned(path).notes)
    vacant = '[[vacant]]\nmember = "b"\nfrom = 2026-02-01\n'
    path.write_text(f'vacant_share = "lost"\n{path.read_text(encoding="utf-8")}{vacant}', encoding="utf-8")
    assert asked not in " ".join(reckoned(path).notes)


def test_a_share_of_time_before_its_member_moved_in_is_told_with_the_mend(tmp_path) -> None:
    """b moves in on 8 February: 38 days of 10 kWh before that, 40 % of them are its: 152 kWh."""
    path = site(tmp_path, b='account = "new.toml"\n')
    lives(tmp_path, "new", "moved_in = 2026-02-08")
    made = reckoned(path)
    asked = "b moved in on 2026-02-08, and 152 kWh of before that are its share and in no statement"
    assert f'{asked}: write [[vacant]] member = "b", last_day = 2026-02-07' in " ".join(made.notes)
    billed = sum(one.energy.export_milliwh for one in made.statements["b"].statements)
    assert shares_of(made) == [354, 236]
    assert billed == (236 - 152) * 1_000_000
    vacant = '[[vacant]]\nmember = "b"\nfrom = 2026-01-01\nlast_day = 2026-02-07\n'
    head = 'vacant_share = "owner"\nowner = "a"\n'
    path.write_text(f"{head}{path.read_text(encoding='utf-8')}{vacant}", encoding="utf-8")
    mended = reckoned(path)
    assert "moved in" not in " ".join(mended.notes)
    assert shares_of(mended) == [354 + 152, 236 - 152]


def test_a_share_of_time_before_a_members_first_bill_is_told(tmp_path) -> None:
    """Bills of both from February on: 31 days of 10 kWh before it, 60 and 40 percent."""
    path = site(tmp_path)
    text = (tmp_path / "account.toml").read_text(encoding="utf-8")
    cycles = 'read_dates = [2026-02-01, 2026-03-01]\nread_day = "first_day"'
    text = text.replace("months = true", cycles).replace(f"anniversary = {FIRST}", "anniversary = 2026-02-01")
    (tmp_path / "account.toml").write_text(text, encoding="utf-8")
    notes = " ".join(reckoned(path).notes)
    assert "a: 186 kWh of its share are of before its first bill (2026-02-01): in no statement" in notes
    assert "b: 124 kWh of its share are of before its first bill (2026-02-01): in no statement" in notes


def test_two_tenants_one_after_the_other_have_one_meter_and_each_its_own_bills(tmp_path) -> None:
    """8 kWh a day used, 4 of the array: January, 31 days, is old's, February, 28 days, new's, at 0.30 a kWh."""
    shares = SHARES.replace("b =", "old =") + SHARES.replace("b =", "new =").replace(f"{FIRST}", "2026-02-01")
    path = site(tmp_path, more=ARRAY + shares)
    text = path.read_text(encoding="utf-8")
    one = '[[member]]\nid = "b"\nmeter = "b"\nfile = "b.csv"\n'
    two = "".join(one.replace('id = "b"', f'id = "{name}"\naccount = "{name}.toml"') for name in ("old", "new"))
    path.write_text(text.replace(one, two), encoding="utf-8")

    lives(tmp_path, "old", "moved_out = 2026-01-31")
    lives(tmp_path, "new", "moved_in = 2026-02-01")
    made = reckoned(path)
    assert [sum(bill.due_now for bill in made.statements[name].statements) for name in ("old", "new")] == [
        Decimal("37.20"),
        Decimal("33.60"),
    ]
    assert made.used_milliwh == {"a": 59 * 8_000_000, "old": 31 * 8_000_000, "new": 28 * 8_000_000}
    assert "no statement" not in " ".join(made.notes)
    lives(tmp_path, "new", "moved_in = 2026-01-31")
    with pytest.raises(AccountError, match="new has the meter of old"):
        read_arrangement(path)


def test_nobodys_bill_waits_for_one_who_has_just_moved_in(tmp_path) -> None:
    """45 days of 8 kWh less 60 % of 10: January of a is 31 x 2 x 0.30. b moved in on 20 January has a bill of 12 days.

    Moved in on 1 February it has none yet, and 31 days of 4 kWh before that are in no statement.
    """
    path = site(tmp_path, b='account = "new.toml"\n', count=45)
    lives(tmp_path, "new", "moved_in = 2026-01-20")
    assert [len(one.statements) for one in reckoned(path).statements.values()] == [1, 1]
    lives(tmp_path, "new", "moved_in = 2026-02-01")
    made = reckoned(path)
    assert [[bill.due_now for bill in one.statements] for one in made.statements.values()] == [[Decimal("18.60")], []]
    assert "b moved in on 2026-02-01, and 124 kWh of before that" in " ".join(made.notes)
    done = CliRunner().invoke(arrangement, [str(path), "--html", str(tmp_path / "bills")])
    assert done.exit_code == 0, done.output
    assert "b: no billing cycle of it ends by 2026-02-14 (moved in on 2026-02-01): it has no bill" in done.output
    assert [one.name for one in (tmp_path / "bills").iterdir()] == ["a.html"]
    assert f"wrote 1 page into {tmp_path / 'bills'}" in done.output
    assert CliRunner().invoke(arrangement, [str(path), "--json"]).exit_code == 0
    for more in ([], ["--explain", "energy.2026-01-01.all_day"]):
        alone = CliRunner().invoke(arrangement, [str(path), "--member", "b", *more])
        assert alone.exit_code == 1
        assert "it has no bill" in alone.output


def test_an_arrangement_in_which_nobody_has_a_bill_is_a_mistake(tmp_path) -> None:
    path = site(tmp_path, b='account = "new.toml"\n', count=20)
    lives(tmp_path, "new", "moved_in = 2026-01-05")
    done = CliRunner().invoke(arrangement, [str(path)])
    assert done.exit_code == 1
    assert "member a: no billing cycle ends within the energy there is" in done.output


LEASE = '[[lease]]\nname = "Solar, section 7"\nfrom = 2026-01-31\nper_kwh = "0.05"\nper_month = "3.00"\n'


def test_what_the_lease_asks_for_a_share_is_told_beside_the_bills_and_in_none(tmp_path) -> None:
    """b's share is 124 kWh in January and 112 in February: x 0.05 + 3.00 is 9.20 and 8.60. a is the owner."""
    before = reckoned(site(tmp_path))
    path = site(tmp_path, more=f'owner = "a"\n{ARRAY}{SHARES}{LEASE}')
    made = reckoned(path)
    assert [(one.member, one.share_milliwh, one.amount) for one in made.lease] == [
        ("b", 124_000_000, Decimal("9.20")),
        ("b", 112_000_000, Decimal("8.60")),
    ]
    for name, one in made.statements.items():
        bills = [bill.lines for bill in before.statements[name].statements]
        assert [bill.lines for bill in one.statements] == bills
    told = CliRunner().invoke(arrangement, [str(path)]).stdout
    assert re.search(r"^b +17\.80 in all, +8\.60 to 2026-02-28  Solar, section 7$", told, re.MULTILINE)
    alone = CliRunner().invoke(arrangement, [str(path), "--member", "b"]).stdout
    assert re.search(r"2026-01-01 2026-01-31 +124\.000 kWh +9\.20  Solar, section 7$", alone, re.MULTILINE)
    whole = json.loads(CliRunner().invoke(arrangement, [str(path), "--json"]).stdout)
    jsonschema.validate(
        whole, json.loads((ACCOUNT / "arrangement/arrangement.schema.json").read_text(encoding="utf-8"))
    )
    assert [one["amount"] for one in whole["lease"]] == ["9.20", "8.60"]


@pytest.mark.parametrize(
    ("lease", "days"),
    [
        (LEASE.replace("2026-01-31", "2026-02-01"), ["2026-02-28"]),
        (f"{LEASE}last_day = 2026-02-27\n", ["2026-01-31"]),
        (f'{LEASE}member = ["a"]\n', []),
    ],
)
def test_a_lease_goes_by_the_last_day_of_each_bill_and_never_asks_the_owner(tmp_path, lease, days) -> None:
    made = reckoned(site(tmp_path, more=f'owner = "a"\n{ARRAY}{SHARES}{lease}'))
    assert [str(one.last_day) for one in made.lease] == days


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (LEASE.partition("per_kwh")[0], "Solar, section 7 has no amount"),
        (f'{LEASE}member = ["c"]\n', "c is no member"),
        (f"{LEASE}last_day = 2026-01-30\n", "ends before it begins"),
    ],
)
def test_a_mistake_in_a_lease_is_told_with_its_line(tmp_path, more, says) -> None:
    with pytest.raises(AccountError, match=rf"site.toml:\d+: .*{says}"):
        read_arrangement(site(tmp_path, more=f"{ARRAY}{SHARES}{more}"))
