"""What a true-up may be off by: the doubt of the year's energy, by hand; nothing where there is none.

61 days of hours, each told to be off by 1 Wh in either direction. A run of hours in one bucket is off by its two ends
in two directions: 4 Wh. September has 31 runs off-peak and 30 of peak, October 32 and 31. At an edge between the two
what one has too much the other lacks: September has 60 such edges, October 62. Of a month's sum its first and its last
hour may be off: 4 Wh again.
"""

from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.account_file import read_account
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy
from gateway.account.statement import Statement

from .energies import table
from .simple_tariff import simple_tariff

HOURS = 61 * 24
ACCOUNT = """\
format = 1
id = "home"
name = "Home"
tariff = "{tariff}"
[customer]
utility = "pge"
moved_in = 2024-09-01
moved_out = 2024-10-31
[[programme]]
name = "{programme}"
from = 2024-09-01
[[meter]]
name = "grid"
[billing]
months = true
"""


def closing(folder: Path, programme: str, wh: tuple[int, int], uncertain_milliwh: int) -> Statement:
    """The second of two bills, which closes the year."""
    tariff = Path(simple_tariff(folder))
    old = "effective = 2024-01-01\n"
    text = tariff.read_text(encoding="utf-8").replace(old, f'{old}surplus_per_kwh = "0.05"\n')
    tariff.write_text(text, encoding="utf-8")
    path = folder / "home.toml"
    path.write_text(ACCOUNT.format(tariff=tariff, programme=programme), encoding="utf-8")
    rows = table("2024-09-01T00:00", 60, [wh] * HOURS, uncertain_milliwh)
    first, second = make_statements(read_account(path), Energy(rows, ())).statements
    assert (first.bill.true_up, second.slot.closes_year) == (None, True)
    return second


def test_an_adjustment_is_off_by_what_edges_of_prices_move(tmp_path: Path) -> None:
    """Lines: (31 x 0.30 + 30 x 0.40) x 4 Wh = 0.0852, and (32 x 0.30 + 31 x 0.40) x 4 Wh = 0.0880. Their sum is known
    better: at an edge 1 Wh in each direction costs 0.40 instead of 0.30, so 60 x 2 Wh x 0.10 = 0.0120 and 62 x 2 Wh x
    0.10 = 0.0124; and each month's first and last hour, off-peak: 4 Wh x 0.30 = 0.0012. The bills carry 0.0132 and
    0.0136 of it."""
    bill = closing(tmp_path, "nem1", (500, 100), 1000)
    (adjustment,) = [one for one in bill.true_up_lines if one.key == "true_up.adjustment"]
    assert adjustment.uncertain_amount == Decimal("0.0268")
    assert bill.uncertain_in_year == Decimal("0.0268")
    assert bill.uncertain_amount == Decimal("0.0136")  # the closing cycle's own


def test_a_surplus_is_off_by_the_years_kilowatt_hours(tmp_path: Path) -> None:
    """Two months, each of them off by 4 Wh in all: 0.008 kWh, at 0.05."""
    bill = closing(tmp_path, "net_metering_kwh", (100, 500), 1000)
    (surplus,) = [one for one in bill.true_up_lines if one.key == "true_up.surplus"]
    assert (surplus.uncertain_milliwh, surplus.uncertain_amount) == (8000, Decimal("0.0004"))


@pytest.mark.parametrize("programme", ["net_metering_kwh", "net_metering_usd"])
def test_a_net_is_off_by_both_directions(programme: str, tmp_path: Path) -> None:
    """October has 32 runs off-peak: of 4 Wh, 2 in each direction; it was 64 Wh, of what was taken alone."""
    bill = closing(tmp_path, programme, (500, 100), 1000)
    (net,) = [one for one in bill.lines if one.key == "energy.2024-10-01.summer_off_peak"]
    assert (net.uncertain_milliwh, net.uncertain_amount) == (128_000, Decimal("0.0384"))


@pytest.mark.parametrize("programme", ["nem1", "net_metering_kwh"])
def test_sure_energy_makes_a_sure_true_up(programme: str, tmp_path: Path) -> None:
    bill = closing(tmp_path, programme, (100, 500), 0)
    assert bill.true_up_lines
    assert all(not one.uncertain_amount for one in bill.true_up_lines)
