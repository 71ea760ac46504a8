"""Dearer tiers and a baseline credit, mirrored below zero for exports, from 15-minute registers by hand. (A-6, F.9)"""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.lines import LineKind

from .house import Days, spread, with_gap
from .reckon import account_text, lines_of, reckoned
from .simple_tariff import simple_tariff

ONE_DAY = timedelta(days=1)
NOBODY = 'pcia_vintage = ""'


@pytest.mark.parametrize(("net_kwh", "credit"), [(750, "-50.00"), (250, "-25.00"), (-100, "10.00"), (-700, "50.00")])
def test_the_baseline_is_mirrored_below_zero(net_kwh: int, credit: str, tmp_path: Path) -> None:
    """A-6: 0.10 within 500 kWh (25 days of 20)."""
    more = """[version.baseline]
credit_per_kwh = "0.10"
within_per_kwh = "0"
over_per_kwh = "0.10"
allowance_kwh_per_day = { basic = { summer = "20", winter = "20" } }
"""
    first, following = date(2024, 10, 20), date(2024, 11, 14)
    rows = spread([Days(first, following - ONE_DAY, max(net_kwh, 0) + 200, max(-net_kwh, 0) + 200)])
    text = account_text(
        "nem1", [first, following], tariff=simple_tariff(tmp_path, more=more), customer='baseline = "basic"'
    )
    (bill,) = reckoned(tmp_path, with_gap(rows, "2024-11-03T00:30", "2024-11-03T03:30"), text)
    summer, winter = lines_of(bill, LineKind.BASELINE).values()
    assert summer.amount + winter.amount == Decimal(credit)


TIERS = """[[version.tier]]
above_kwh = "250"
[version.tier.energy_per_kwh]
summer_peak = { delivery = "0.32" }
summer_off_peak = { delivery = "0.22" }
winter_peak = { delivery = "0.32" }
winter_off_peak = { delivery = "0.22" }
[[version.tier]]
above_kwh = "400"
[version.tier.energy_per_kwh]
summer_peak = { delivery = "0.52" }
summer_off_peak = { delivery = "0.42" }
winter_peak = { delivery = "0.52" }
winter_off_peak = { delivery = "0.42" }
"""


@pytest.mark.parametrize(
    ("net_kwh", "amount"), [(200, "60.00"), (300, "95.00"), (500, "195.00"), (-200, "-60.00"), (-500, "-195.00")]
)
@pytest.mark.parametrize("is_credited", [True, False])
def test_dearer_tiers_are_mirrored_below_zero(net_kwh: int, amount: str, is_credited: bool, tmp_path: Path) -> None:
    """A-6: 0.30 to 250 kWh, 0.40 to 400 and 0.60 above; all off-peak. Without permission an export is no credit."""
    first, following = date(2024, 10, 20), date(2024, 11, 19)
    morning = range(10, 16)
    day = Days(first, following - ONE_DAY, max(net_kwh, 0) + 50, max(-net_kwh, 0) + 50, morning, morning)
    programme = "nem1" if is_credited else "plain"
    text = account_text(programme, [first, following], tariff=simple_tariff(tmp_path, more=TIERS), customer=NOBODY)
    (bill,) = reckoned(tmp_path, with_gap(spread([day]), "2024-11-03T00:30", "2024-11-03T03:30"), text)
    # 250 kWh are 75.00, 550 are 75.00 + 60.00 + 90.00, 350 are 75.00 + 40.00: what was taken, with the 50 besides.
    taken = {200: "75.00", 300: "115.00", 500: "225.00", -200: "15.00", -500: "15.00"}
    wanted = amount if is_credited else taken[net_kwh]
    assert sum(one.amount for one in lines_of(bill, LineKind.ENERGY).values()) == Decimal(wanted)


def test_tiers_of_two_periods_are_borne_by_their_share_of_the_net(tmp_path: Path) -> None:
    """Peak takes 200 and off-peak 100: 50 above 250, of which two thirds are peak's."""
    first, following = date(2024, 10, 20), date(2024, 11, 19)
    days = Days(first, following - ONE_DAY, 200, 0, range(16, 21))
    rows = spread([days])
    more = spread([Days(first, following - ONE_DAY, 100, 0, range(22, 24))], opening=(0, 0))
    both = [(at_us, one + other[1], given) for (at_us, one, given), other in zip(rows, more, strict=True)]
    tariff = simple_tariff(tmp_path, more=TIERS)
    text = account_text("nem1", [first, following], tariff=tariff, customer=NOBODY)
    (bill,) = reckoned(tmp_path, with_gap(both, "2024-11-03T00:30", "2024-11-03T03:30"), text)
    amounts = {key: one.amount for key, one in lines_of(bill, LineKind.ENERGY).items() if key.startswith("tier")}
    assert amounts == {
        "tier.2024-10-20.summer_peak.1": Decimal("1.33"),  # 12 of the 30 days
        "tier.2024-10-20.summer_off_peak.1": Decimal("0.67"),
        "tier.2024-11-01.winter_peak.1": Decimal("2.00"),
        "tier.2024-11-01.winter_off_peak.1": Decimal("1.00"),
    }
