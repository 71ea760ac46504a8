"""Bills under one plant by hand: use since the period began (nem_a, with nem2), and export prices (vnem, with nbt).

Peak 0.40, off-peak 0.30, of either 0.03 non-bypassable (`simple_tariff`); peak is 16 to 21 h.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.arrangement.arrange import Arranged
from gateway.account.statement import Statement

from .arrangement_site import PACIFIC, reckoned, write_account, write_arrangement, write_meter
from .reckon import amount_of
from .simple_tariff import simple_tariff

Flows = Mapping[tuple[int, int], tuple[int, int]]
"""(day of the year, hour) -> (import, export) watt-hours."""


def hours(first: datetime, count: int, flows: Flows) -> list[tuple[datetime, datetime, int, int]]:
    """Every hour of so many days; none of them has a change of the clock."""
    starts = [first + timedelta(hours=at) for at in range(24 * count)]
    return [
        (one, one + timedelta(hours=1), *flows.get((at // 24 + 1, one.hour), (0, 0))) for at, one in enumerate(starts)
    ]


@pytest.fixture
def farm(tmp_path) -> Arranged:
    """January: the barn takes 4 kWh and gives 10, the pumps take 6. February: the pumps take 10, nothing is made."""
    first = datetime(2026, 1, 1, tzinfo=PACIFIC)
    flows = {"barn": {(1, 12): (0, 10_000), (1, 18): (4_000, 0)}, "pumps": {(1, 12): (6_000, 0), (41, 18): (10_000, 0)}}
    members = {
        name: f'meter = "{name}"\nfile = "{write_meter(tmp_path, name, hours(first, 59, flow))}"'
        for name, flow in flows.items()
    }
    text = '[choices]\nnetting_interval = "60min"\n'
    write_account(tmp_path, Path(simple_tariff(tmp_path)).name, "nem2", more=text)
    plant = 'host = "barn"\n[plant]\ntechnology = "solar"\nsize_kw = "9"\napplication = 2022-01-01\npto = 2026-01-01\n'
    return reckoned(write_arrangement(tmp_path, "nem_a", members, plant))


def lines(bill: Statement, month: str) -> list[Decimal]:
    """Peak, off-peak and non-bypassable."""
    keys = ["energy.{}.winter_peak", "energy.{}.winter_off_peak", "non_bypassable.{}"]
    found = {one.key for one in bill.lines}
    return [amount_of(bill, key.format(month)) for key in keys if key.format(month) in found]


def test_each_meter_is_billed_for_its_use_less_its_share_at_the_hours_of_the_exports(farm) -> None:
    """10 kWh as 4 to 6, all at noon. Barn: 4 x 0.37, -4 x 0.27, 4 x 0.03. The pumps' 6 kWh of that hour are set off."""
    barn, pumps = (one.statements[0] for one in farm.statements.values())
    assert lines(barn, "2026-01-01") == [Decimal("1.48"), Decimal("-1.08"), Decimal("0.12")]
    assert pumps.carried == 0


def test_a_share_that_falls_is_taken_back_in_the_month_in_which_it_falls(farm) -> None:
    """By use of 4 and 16 the barn's 4 kWh of 10 become 2: two go over to the pumps, in all hours alike as none exports.

    5 of 24 hours are peak: 0.41667 kWh, and 1.58333 off peak. Pumps: 9.58333 x 0.37 = 3.5458,
    -1.58333 x 0.27 = -0.4275.
    """
    barn, pumps = (one.statements[1] for one in farm.statements.values())
    assert (barn.energy.net_milliwh, pumps.energy.net_milliwh) == (2_000_000, 8_000_000)
    assert lines(barn, "2026-02-01") == [Decimal("0.15"), Decimal("0.43"), Decimal("0.06")]
    assert lines(pumps, "2026-02-01") == [Decimal("3.55"), Decimal("-0.43"), Decimal("0.30")]


def test_a_share_under_net_billing_earns_the_export_price_of_its_hour(tmp_path) -> None:
    """PG&E's published prices of NBT25 for weekdays of 2025-09: generation 0.05840 at noon, 0.36563 at 18 h.

    40 and 60 percent of 5 kWh at noon and of 1 kWh at 18 h of Tuesday 2 September.
    """
    first = datetime(2025, 9, 1, tzinfo=PACIFIC)
    members = {
        name: f'meter = "{name}"\nfile = "{write_meter(tmp_path, name, hours(first, 30, {}))}"' for name in ("a", "b")
    }
    write_meter(tmp_path, "array", hours(first, 30, {(2, 12): (0, 5_000), (2, 18): (0, 1_000)}))
    write_account(tmp_path, "pge-e-elec", "nbt", first=first.date(), more="")
    path = tmp_path / "account.toml"
    customer = 'utility = "pge"\nbase_services_tier = "tier_3"'
    path.write_text(path.read_text(encoding="utf-8").replace('utility = "generic"', customer), encoding="utf-8")
    more = (
        '[plant]\ntechnology = "solar"\nsize_kw = "9"\napplication = 2025-03-01\npto = 2025-09-01\n'
        '[[meter]]\nname = "array"\nfrom = "csv"\nfile = "array.csv"\n'
        '[[shares]]\nfrom = 2025-09-01\nby = "percent"\nof = { a = "40", b = "60" }\n'
    )
    made = reckoned(write_arrangement(tmp_path, "vnem", members, more))
    for share, one in zip((Decimal("0.4"), Decimal("0.6")), made.statements.values(), strict=True):
        exact = {line.key: line.exact for line in one.statements[0].lines}
        for bucket, kwh, generation, delivery in (
            ("summer_off_peak", 5, "0.05840", "0.00077"),
            ("summer_peak", 1, "0.36563", "0.00203"),
        ):
            assert exact[f"credit.generation.2025-09-01.{bucket}"] == -share * kwh * Decimal(generation)
            assert exact[f"credit.delivery.2025-09-01.{bucket}"] == -share * kwh * Decimal(delivery)
