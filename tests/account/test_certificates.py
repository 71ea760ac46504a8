"""Energy credits: whole megawatt-hours of the production meter, by energy year; 15 kW before, on and after 2017-05-18.

(net-metering A12, rows 52, 53, 58; corrections A-16, B.10)
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.account.certificates import certificates_of, must_be_metered
from gateway.account.energy import EnergyTable
from gateway.account.pa_terms import CertificateTerms
from gateway.account.terms import Enlargement, Generator
from gateway.cli.statement import statement

from .energies import PACIFIC
from .house import Days, spread
from .mce import months_table
from .pennsylvania import account_text
from .reckon import books_of

GROWN = (Enlargement(day=date(2017, 5, 18), added_kw=Decimal(1)),)
DATES = [
    # size, day of installation, enlargement: whether metered data is needed
    ("15", date(2017, 5, 17), (), False),
    ("15", date(2017, 5, 18), (), True),
    ("15", date(2017, 5, 19), (), True),
    ("15.001", date(2017, 5, 17), (), True),
    ("5", date(2010, 1, 1), GROWN, True),
    ("5", date(2026, 1, 1), (), True),
]


@pytest.mark.parametrize(("size", "installed", "enlarged", "metered"), DATES)
def test_15_kw_before_on_and_after_2017_05_18(
    size: str, installed: date, enlarged: tuple[Enlargement, ...], *, metered: bool
) -> None:
    plant = Generator(technology="pv", size_kw=Decimal(size), enlargement=enlarged)
    assert must_be_metered(plant, CertificateTerms(owner="customer", installed=installed))[0] is metered


def test_only_photovoltaics_may_be_estimated() -> None:
    stated = CertificateTerms(owner="customer", installed=date(2010, 1, 1))
    assert must_be_metered(Generator(technology="wind", size_kw=Decimal(5)), stated)[0]


def produced(first: date, *kwh: int) -> EnergyTable:
    return months_table(first, [(0, one) for one in kwh])


def test_a_credit_is_of_the_year_in_whose_month_it_is_completed() -> None:
    """700 kWh in May, 700 in June, 600 in July: 1.4 MWh after June, so one credit of the new year, then one more."""
    found = certificates_of(produced(date(2025, 5, 1), 700, 700, 600), PACIFIC)
    assert [(one.first_day.year, one.credits) for one in found.years] == [(2024, 0), (2025, 2)]
    assert found.carried_milliwh == 0


@pytest.mark.parametrize(("kwh", "whole", "carried_kwh"), [(999, 0, 999), (1000, 1, 0), (1001, 1, 1), (2500, 2, 500)])
def test_a_credit_is_a_whole_megawatt_hour(kwh: int, whole: int, carried_kwh: int) -> None:
    found = certificates_of(produced(date(2025, 6, 1), kwh), PACIFIC)
    assert (found.years[0].credits, found.carried_milliwh) == (whole, carried_kwh * 1_000_000)


def test_what_was_carried_before_counts_on() -> None:
    found = certificates_of(produced(date(2025, 6, 1), 400), PACIFIC, 600_000_000)
    assert (found.years[0].credits, found.carried_milliwh) == (1, 0)


CERTIFICATES = '\n[pennsylvania.certificates]\nowner = "customer"\ninstalled = 2024-05-01'


def test_the_count_from_the_production_meters_registers(tmp_path: Path) -> None:
    """June 2024: 1,234 kWh from 15-minute registers; a net meter alone is refused."""
    rows = spread([Days(date(2024, 6, 1), date(2024, 6, 30), 0, 1234)])
    text = account_text(tmp_path, date(2024, 6, 1), pennsylvania="independent_load = true" + CERTIFICATES)
    path = tmp_path / "home.toml"
    path.write_text(text, encoding="utf-8")
    refused = CliRunner().invoke(statement, ["--account", str(path), "--certificates"])
    assert refused.exit_code == 1
    assert 'role = "production"' in refused.output
    books_of(tmp_path, rows, str(tmp_path / "pa.toml"))
    maker = '[[meter]]\nname = "roof"\nrole = "production"\nfrom = "csv"\nfile = "roof.csv"\n[generator]'
    path.write_text(text.replace("[generator]", maker), encoding="utf-8")
    lines = (tmp_path / "intervals.csv").read_text(encoding="utf-8")
    (tmp_path / "roof.csv").write_text(lines.replace("grid,", "roof,"), encoding="utf-8")
    done = CliRunner().invoke(statement, ["--account", str(path), "--certificates"])
    assert done.exit_code == 0, done.output
    assert "1234        1" in done.output
    assert "carried towards the next: 234 kWh" in done.output
    assert "owner: customer" in done.output
    path.write_text(path.read_text(encoding="utf-8").replace('"customer"', '"Sun Credits LLC"'), encoding="utf-8")
    assert "owner: Sun Credits LLC" in CliRunner().invoke(statement, ["--account", str(path), "--certificates"]).output
