"""The price tables of a tariff file: parts, flags, allowances. Mistakes are told with their line; sums are by hand."""

from decimal import Decimal
from pathlib import Path

import pytest

from gateway.tariff.flags import LEAVES_OUT, REASONS, Flag, Need, refusals
from gateway.tariff.prices import LeftOutError, part_per_kwh
from gateway.tariff.tariff_file import TariffError, load_tariff

GOOD = """\
format = 1
id = "mine"
name = "my tariff"
utility = "my utility"
zone = "Europe/Berlin"
currency = "EUR"
source = "https://example.org/prices"
flags = ["no_customer_charge"]

[parts]
supply = ["energy"]
transmission = ["lines"]
non_bypassable = ["levy"]

[[season]]
name = "year"
from = "01-01"
to = "12-31"

[[period]]
name = "all"
from = "00:00"
to = "24:00"

[[version]]
effective = 2026-01-01
source = "price sheet"
flags = ["estimate"]

[version.adders_per_kwh]
lines = "0.02"
levy = "0.003"

[version.energy_per_kwh]
year_all = { energy = "0.3", distribution = "0.1" }

[version.pcia_per_kwh]
2020 = "0.01"

[version.baseline]
credit_per_kwh = "0.05"
within_per_kwh = "-0.05"
over_per_kwh = "0.00"

[version.baseline.allowance_kwh_per_day]
basic = { year = "9.5" }
"""


def load(folder: Path, text: str = GOOD):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_tariff(str(path))


@pytest.mark.parametrize(
    ("need", "price"),
    [
        (Need.RETAIL, "0.423"),  # 0.3 + 0.1 + 0.02 + 0.003
        (Need.SUPPLY, "0.3"),
        (Need.DELIVERY, "0.123"),
        (Need.PRICE_TO_COMPARE, "0.32"),
        (Need.NON_BYPASSABLE, "0.003"),
    ],
)
def test_a_part_is_the_sum_of_the_components_that_the_file_names(tmp_path, need, price):
    tariff = load(tmp_path)
    assert part_per_kwh(tariff, tariff.version[0], "year_all", need) == Decimal(price)


def test_the_flags_of_the_file_and_of_the_version_hold_together(tmp_path):
    tariff = load(tmp_path)
    assert tariff.flags_of(tariff.version[0]) == (Flag.NO_CUSTOMER_CHARGE, Flag.ESTIMATE)


def test_a_component_that_a_version_lacks_is_not_taken_for_zero(tmp_path):
    later = (
        '\n[[version]]\neffective = 2027-01-01\nsource = "x"\n[version.energy_per_kwh]\nyear_all = { energy = "1" }\n'
    )
    tariff = load(tmp_path, GOOD + later)
    assert part_per_kwh(tariff, tariff.version[1], "year_all", Need.SUPPLY) == 1
    with pytest.raises(LeftOutError, match="version 2027-01-01: it has no levy"):
        part_per_kwh(tariff, tariff.version[1], "year_all", Need.NON_BYPASSABLE)


@pytest.mark.parametrize(("flag", "need"), [("delivery_only", Need.DELIVERY), ("generation_only", Need.SUPPLY)])
def test_figures_that_are_one_part_alone_are_all_of_it(tmp_path, flag, need):
    text = GOOD.replace("no_customer_charge", flag).replace('supply = ["energy"]\n', "")
    tariff = load(tmp_path, text)
    assert part_per_kwh(tariff, tariff.version[0], "year_all", need) == Decimal("0.423")  # 0.3 + 0.1 + 0.02 + 0.003


def test_a_version_without_prices_has_no_part(tmp_path):
    tariff = load(tmp_path, GOOD + '\n[[version]]\neffective = 2027-01-01\nsource = "x"\n')
    with pytest.raises(LeftOutError, match="there is no price for year_all"):
        part_per_kwh(tariff, tariff.version[1], "year_all", Need.RETAIL)


def test_a_fixed_charge_is_no_part_of_a_kilowatt_hours_price(tmp_path):
    tariff = load(tmp_path, GOOD.replace('"no_customer_charge"', ""))
    with pytest.raises(ValueError, match="no part of a price per kWh"):
        part_per_kwh(tariff, tariff.version[0], "year_all", Need.FIXED_CHARGES)


@pytest.mark.parametrize("flag", Flag)
def test_every_flag_has_a_reason_and_only_two_refuse_nothing(flag):
    words = flag.value.replace("_", " ")
    assert REASONS[flag].startswith(f"{words}: ")
    assert bool(LEAVES_OUT[flag]) == (flag not in (Flag.ESTIMATE, Flag.HOLIDAYS_UNSETTLED))


@pytest.mark.parametrize(("flag", "need"), [(flag, need) for flag in Flag for need in Need])
def test_a_flag_refuses_what_it_leaves_out_and_nothing_else(flag, need):
    assert refusals((flag,), need) == ((REASONS[flag],) if need in TABLE[flag] else ())


ALL, SPLIT = set(Need), {Need.SUPPLY, Need.DELIVERY, Need.PRICE_TO_COMPARE, Need.NON_BYPASSABLE}
BILL = {Need.WHOLE_BILL}
TABLE = {
    Flag.DELIVERY_ONLY: {Need.RETAIL, Need.SUPPLY, Need.PRICE_TO_COMPARE, Need.WHOLE_BILL},
    Flag.GENERATION_ONLY: ALL - {Need.SUPPLY},
    Flag.TOTAL_ONLY: SPLIT,
    Flag.NO_CUSTOMER_CHARGE: BILL | {Need.FIXED_CHARGES},
    Flag.NO_MINIMUM_CHARGE: BILL | {Need.FIXED_CHARGES},
    Flag.NO_BASELINE_CREDIT: BILL,
    Flag.ALLOWANCE_UNSETTLED: BILL,
    Flag.NO_DEMAND_CHARGES: BILL,
    Flag.NO_OTHER_CHARGES: BILL,
    Flag.ONE_TIER_ONLY: BILL | SPLIT | {Need.RETAIL},
    Flag.ESTIMATE: set(),
    Flag.HOLIDAYS_UNSETTLED: set(),
}

MISTAKES = [
    ('supply = ["energy"]', 'supply = ["energie"]', 11, 'no version has a component "energie": did you mean "energy"?'),
    ('transmission = ["lines"]', 'transmission = ["energy"]', 12, 'component "energy" is both supply and transmission'),
    ('flags = ["estimate"]', 'flags = ["estimated"]', 28, 'did you mean "estimate"?'),
    (
        'flags = ["estimate"]',
        'flags = ["delivery_only", "generation_only"]',
        25,
        "cannot be delivery only and generation",
    ),
    ('flags = ["estimate"]', 'flags = ["delivery_only"]', 11, "delivery only, and have a supply part"),
    ('2020 = "0.01"', 'before = "0.01"', 38, '"before" is no year'),
    ('2020 = "0.01"', '"٢٠٢٠" = "0.01"', 38, "is no year"),
    ('{ year = "9.5" }', '{ yaer = "9.5" }', 46, 'there is no season "yaer": did you mean "year"?'),
    ('{ year = "9.5" }', "{ }", 46, 'season "year" has no allowance'),
    ('levy = "0.003"', "levy = 0.003", 32, "is not a number in quotes"),
    (
        "[version.pcia_per_kwh]",
        '[version.parts]\nsupply = ["lins"]\n[version.pcia_per_kwh]',
        38,
        'did you mean "lines"?',
    ),
]


def test_a_version_can_have_parts_of_its_own(tmp_path):
    prices = 'energy_per_kwh = { year_all = { power = "1", tax = "2" } }\n[version.parts]\nsupply = ["power"]\n'
    tariff = load(tmp_path, GOOD + f'\n[[version]]\neffective = 2027-01-01\nsource = "x"\n{prices}')
    supply = [part_per_kwh(tariff, one, "year_all", Need.SUPPLY) for one in tariff.version]
    assert supply == [Decimal("0.3"), Decimal(1)]
    with pytest.raises(
        LeftOutError, match="version 2027-01-01: \\[parts\\] does not say which components are non_bypassable"
    ):
        part_per_kwh(tariff, tariff.version[1], "year_all", Need.NON_BYPASSABLE)


@pytest.mark.parametrize(("old", "new", "line", "words"), MISTAKES, ids=lambda value: str(value)[:30])
def test_a_mistake_is_told_with_its_line(tmp_path, old, new, line, words):
    with pytest.raises(TariffError) as error:
        load(tmp_path, GOOD.replace(old, new, 1))
    found = [one for one in error.value.problems if words in f"{one.message}: {one.mend}"]
    assert [one.line for one in found] == [line], error.value
