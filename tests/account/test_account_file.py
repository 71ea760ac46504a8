"""An account's file with one mistake each: what is said has the line, the value and what to do."""

from pathlib import Path

import pytest

from gateway.account.account_file import AccountError, read_account
from gateway.account.programme_file import load_programme
from gateway.tariff.tariff_file import load_tariff, shipped_tariffs

from .accounts import account, text

ROOT = Path(__file__).parents[2]
READ = "read_dates = [2025-01-08, 2025-02-06, 2025-03-10]\nread_day = 'last_day'"


def test_a_right_one_is_read(tmp_path) -> None:
    made = account(tmp_path)
    assert (made.terms.id, made.tariff.id, sorted(made.programmes)) == ("home", "pge-e-tou-c", ["nem2", "plain"])
    assert made.warnings == ()


def test_the_example_that_ships_is_right() -> None:
    assert read_account(ROOT / "config/account.toml").warnings == ()


MISTAKES = [
    # what is changed, into what, the line that is named, what is said
    (('name = "nem2"', 'name = "nem4"'), 10, 'there is no programme "nem4"'),
    (
        ('name = "nem2"', 'name = "net-surplus"'),
        10,
        "is what programmes share, and none itself: one of buy_all_sell_all",
    ),
    (("from = 2025-01-01", 'from = "2025-01-01"'), 11, "is not a date: without quotes"),
    (('tariff = "pge-e-tou-c"', 'tariff = "pge-e-tou"'), 4, 'there is no tariff "pge-e-tou": did you mean'),
    (('tariff = "pge-e-tou-c"', 'tariff = "mine.toml"'), 4, "mine.toml does not exist"),
    (('tariff = "pge-e-tou-c"', 'tariff = "pge-e-1"'), 4, "nem2 requires time of use"),
    (('"basic_x"', '"x_basic"'), 7, 'has no baseline "x_basic": one of all_electric_p'),
    (('baseline = "basic_x"\n', ""), 5, "baseline is missing"),
    (('"tier_3"', '"tier_9"'), 8, 'has no base_services_tier "tier_9": one of tier_1, tier_2, tier_3'),
    (("months = true", f"months = true\n{READ}"), 16, "says both months and read_dates"),
    (("months = true", ""), 16, "says neither read_dates nor months"),
    (("months = true", "read_dates = [2025-01-08, 2025-02-06]"), 16, "read_day is missing"),
    (("months = true", "read_dates = [2025-01-08]\nread_day = 'last_day'"), 17, "give at least two"),
    (
        ("months = true", "read_dates = [2025-02-06, 2025-01-08]\nread_day = 'last_day'"),
        17,
        "read dates must be in order: 2025-01-08 follows 2025-02-06",
    ),
    (('from = "csv"\nfile = "intervals.csv"\n', 'from = "collector"\n'), 14, "a collector has no usual place"),
    (('name = "grid"', 'name = "grid"\ngateway = "elm"'), 14, "gateway means nothing here"),
    (('name = "grid"', 'name = "grid"\nrole = "production"'), 12, "no meter has the role grid"),
    (("months = true", "months = 1"), 17, "is not true or false"),
    (('utility = "pge"', ""), 5, '"utility" is missing'),
    (('utility = "pge"', 'utility = "pge"\nsupplier = "mce"'), 5, "pcia_vintage is missing"),
    (
        ('utility = "pge"', 'utility = "pge"\nmoved_in = 2025-05-01\nmoved_out = 2025-04-01'),
        8,
        "moved_out 2025-04-01 is before moved_in 2025-05-01",
    ),
    (('id = "home"', 'id = "My home"'), 2, 'id "My home" cannot be used: small letters'),
    (("format = 1", "format = 2"), 1, "format = 2 is outside 1 to 1"),
    (('name = "Home"', 'name = "Home"\nprograms = 1'), 4, "unknown key"),
]


@pytest.mark.parametrize(("change", "line", "said"), MISTAKES, ids=[one[2][:40] for one in MISTAKES])
def test_a_mistake_is_told(tmp_path, change: tuple[str, str], line: int, said: str) -> None:
    with pytest.raises(AccountError) as caught:
        account(tmp_path, change)
    assert f"home.toml:{line}: " in str(caught.value)
    assert said in str(caught.value)


CHARGE = '[[charge]]\nname = "tax"\nsource = "city"\nfrom = 2025-01-01\n'
ADDED = [
    ('[[programme]]\nname = "plain"\nfrom = 2024-01-01\n', 20, "2024-01-01 follows 2025-01-01"),
    ('[[meter]]\nname = "grid"\nfrom = "store"\n', 19, "there are two meters grid"),
    (CHARGE, 18, "says neither percent nor per_kwh nor amount"),
    (CHARGE + 'percent = "7"\namount = "1"\n', 18, "says percent and amount"),
    (CHARGE + 'per_kwh = "0.1"\n', 18, "per_kwh and of go together"),
    (CHARGE.replace('"tax"', '""') + 'amount = "1"\n', 19, "names no line"),
    (CHARGE + "amount = 1.5\n", 22, "is not a number in quotes"),
    (CHARGE + 'amount = "1"\nlast_day = 2024-12-31\n', 23, "last_day 2024-12-31 is before 2025-01-01"),
    ('[choices]\nenergy_dew = "annual"\n', 19, "programme nem2 has no option energy_dew: did you mean"),
    (
        '[choices]\nexport_price = "series"\n',
        19,
        "no option export_price: it is one of buy_all_sell_all, ",
    ),
    ('[generator]\ntechnology = "solar"\nsize_kw = "-5"\n', 20, "is no size: the plant's kilowatts, above zero"),
    ('[choices]\nenergy_due = "weekly"\n', 19, "energy_due cannot be weekly: one of annual, monthly"),
    (
        '[generator]\ntechnology = "solar"\nsize_kw = "5"\napplication = 2025-02-01\npto = 2025-01-01\n',
        22,
        "pto 2025-01-01 is before the application",
    ),
    ("[opening]\nas_of = 2025-02-01\nlast_true_up = 2025-03-01\n", 20, "last_true_up 2025-03-01 is after as_of"),
    ("[opening]\nas_of = 2025-02-01\nlast_true_up = 2024-03-01\n", 18, "0 cycles lie between"),
    ('[[supplier]]\nname = "mce"\nfrom = 2025-06-01\npcia_vintage = "1999"\n', 21, 'no PCIA of vintage "1999"'),
]


@pytest.mark.parametrize(("more", "line", "said"), ADDED, ids=[one[2][:40] for one in ADDED])
def test_a_mistake_in_what_is_added_is_told(tmp_path, more: str, line: int, said: str) -> None:
    with pytest.raises(AccountError) as caught:
        account(tmp_path, more=more)
    assert f"home.toml:{line}: " in str(caught.value)
    assert said in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path) -> None:
    with pytest.raises(AccountError) as caught:
        account(tmp_path, ('"basic_x"', '"x"'), ('"tier_3"', '"y"'), ("months = true", ""))
    assert len(caught.value.problems) == 3


def test_tariff_versions_that_overlap_are_refused(tmp_path) -> None:
    """The version of 2025-01-01 is made to hold to the end of March; the next one begins on the first of March."""
    tariff = (ROOT / "config/tariffs/pge-e-tou-c.toml").read_text(encoding="utf-8")
    changed = tariff.replace("effective = 2025-01-01", "effective = 2025-01-01\nlast_day = 2025-03-31")
    (tmp_path / "mine.toml").write_text(changed.replace('id = "pge-e-tou-c"', 'id = "mine"'), encoding="utf-8")
    with pytest.raises(AccountError, match="version 2025-01-01 holds to 2025-03-31, and 2025-03-01 before that"):
        account(tmp_path, ('tariff = "pge-e-tou-c"', 'tariff = "mine.toml"'))


def test_mistakes_of_the_tariff_keep_their_own_file_and_line(tmp_path) -> None:
    (tmp_path / "mine.toml").write_text("format = 1\nid = 7\n", encoding="utf-8")
    with pytest.raises(AccountError, match=r"mine\.toml:2: id = 7 is not text"):
        account(tmp_path, ('tariff = "pge-e-tou-c"', 'tariff = "mine.toml"'))


@pytest.mark.parametrize(
    ("programme", "mend"),
    [("net_billing", 'add export_price = "series" to'), ("nem2", "leave it out: nem2 pays no exports by time")],
)
def test_a_file_of_export_prices_that_no_choice_takes_is_refused(programme: str, mend: str, tmp_path) -> None:
    """The tariff's own price of exports would be paid instead, and nobody would see it."""
    changes = ("format = 1", 'format = 1\nexport_prices = "prices.csv"'), ('"nem2"', f'"{programme}"')
    with pytest.raises(AccountError) as caught:
        account(tmp_path, *changes)
    assert f"home.toml:2: export_prices is named and would not be used: {mend}" in str(caught.value)


def test_a_file_of_export_prices_that_is_chosen_is_taken(tmp_path) -> None:
    changes = ("format = 1", 'format = 1\nexport_prices = "prices.csv"'), ('"nem2"', '"net_billing"')
    made = account(tmp_path, *changes, more='[choices]\nexport_price = "series"\n')
    assert (made.terms.export_prices, made.warnings) == ("prices.csv", ())


def test_what_is_for_net_billing_alone_is_worth_a_word_elsewhere(tmp_path) -> None:
    adder = "[[export_adder]]\nname = 'storage'\nper_kwh = '0.01'\nbank = 'bonus'\nsource = 's'\nfrom = 2025-01-01\n"
    made = account(tmp_path, ("format = 1", 'format = 1\nexport_prices = "pge-nbt24"'), more=adder)
    table, added = map(str, made.warnings)
    assert "home.toml:2: warning: export_prices decides nothing here: it is for the programme nbt" in table
    assert "storage decides nothing here" in added


@pytest.mark.parametrize(("cycles", "doubtful"), [(1, True), (2, False), (3, False), (4, True), (11, True)])
def test_bills_that_the_time_since_the_true_up_does_not_hold_are_worth_a_word(
    cycles: int, doubtful: bool, tmp_path
) -> None:
    """From 1 January to 1 April are 90 days: three bills, or two after a cut one; four of 28 days each are 112."""
    opening = f"[opening]\nas_of = 2025-04-01\nlast_true_up = 2025-01-01\ncycles = {cycles}\n"
    warnings = account(tmp_path, more=opening).warnings
    assert any(f"{cycles} cycles in the 90 days from 2025" in str(one) for one in warnings) == doubtful


def test_an_unusual_cycle_is_worth_a_word(tmp_path) -> None:
    made = account(tmp_path, ("months = true", "read_dates = [2025-01-08, 2025-03-10]\nread_day = 'last_day'"))
    (warning,) = made.warnings
    assert "the cycle 2025-01-09 to 2025-03-10 has 61 days" in str(warning)


def test_a_utility_that_the_programme_does_not_know_is_worth_a_word(tmp_path) -> None:
    """Its fee, its days and its rate of net surplus compensation would be missing unseen."""
    (warning,) = account(tmp_path, ('utility = "pge"', 'utility = "pg&e"')).warnings
    assert 'nem2 knows no defaults and no published rates of utility "pg&e"' in str(warning)
    assert "if it is one of pge, sce, sdge, write it so" in str(warning)
    assert account(tmp_path, ('utility = "pge"', 'utility = "pg&e"'), ('"nem2"', '"plain"')).warnings == ()


def test_a_utility_that_is_not_the_tariffs_is_worth_a_word(tmp_path) -> None:
    (warning,) = account(tmp_path, ('utility = "pge"', 'utility = "sce"')).warnings
    assert "pge-e-tou-c is of Pacific Gas and Electric Company" in str(warning)
    assert "the customer's utility is Southern California Edison Company" in str(warning)
    assert 'write utility = "pge", or the tariff that your bill names' in str(warning)
    assert account(tmp_path).warnings == ()


def test_every_shipped_tariff_is_of_a_utility_that_accounts_can_name_or_of_a_supplier() -> None:
    """A tariff whose utility is written another way would never be held against the account's."""
    names = set(load_programme("nem2").utility_names.values())
    written = {load_tariff(name).utility for name in shipped_tariffs()}
    assert written - names == {"Marin Clean Energy"}  # a supplier's prices stand beside the utility's


def test_no_file_and_no_toml_are_told(tmp_path) -> None:
    with pytest.raises(AccountError, match="does not exist"):
        read_account(tmp_path / "gone.toml")
    (tmp_path / "bad.toml").write_text(text(("[billing]", "[billing")), encoding="utf-8")
    with pytest.raises(AccountError, match=r"bad\.toml:16: not TOML"):
        read_account(tmp_path / "bad.toml")
