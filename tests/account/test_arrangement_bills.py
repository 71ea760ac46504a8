"""Bills under one plant by hand: use since the period began (nem_a, with nem2), and export prices (vnem, with nbt).

Peak 0.40, off-peak 0.30, of either 0.03 non-bypassable (`simple_tariff`); peak is 16 to 21 h.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from gateway.account.statement import Statement

from .arrangement_site import PACIFIC, reckoned, write_account, write_arrangement, write_meter
from .reckon import amount_of
from .simple_tariff import simple_tariff

Flows = Mapping[tuple[int, int], tuple[int, int]]
"""(day of the year, hour) -> (import, export) watt-hours."""


def hours(first: datetime, count: int, flows: Flows) -> list[tuple[datetime, datetime, int, int]]:
    """Every hour of so many local days; of one that the clock changes, 23 or 25."""
    made, at, end = [], first.astimezone(UTC), (first + timedelta(days=count)).astimezone(UTC)
    while at < end:
        local = at.astimezone(PACIFIC)
        key = ((local.date() - first.date()).days + 1, local.hour)
        made.append((at, at + timedelta(hours=1), *flows.get(key, (0, 0))))
        at += timedelta(hours=1)
    return made


def farm(
    folder: Path, barn: Flows, pumps: Flows, more: str = "", count: int = 59
) -> tuple[list[Statement], list[Statement]]:
    """January, February and more of a barn with an array, and of pumps, under nem_a and nem2."""
    first = datetime(2026, 1, 1, tzinfo=PACIFIC)
    members = {
        name: f'meter = "{name}"\nfile = "{write_meter(folder, name, hours(first, count, flow))}"'
        for name, flow in {"barn": barn, "pumps": pumps}.items()
    }
    text = '[choices]\nnetting_interval = "60min"\n'
    write_account(folder, Path(simple_tariff(folder)).name, "nem2", more=text)
    plant = 'host = "barn"\n[plant]\ntechnology = "solar"\nsize_kw = "9"\napplication = 2022-01-01\npto = 2026-01-01\n'
    made = reckoned(write_arrangement(folder, "nem_a", members, more + plant)).statements
    return list(made["barn"].statements), list(made["pumps"].statements)


def lines(bill: Statement, month: str) -> dict[str, Decimal]:
    """Amounts of the energy lines and of non-bypassable charges, where there are such lines."""
    keys = {"peak": "energy.{}.winter_peak", "off_peak": "energy.{}.winter_off_peak", "nbc": "non_bypassable.{}"}
    found = {one.key for one in bill.lines}
    return {name: amount_of(bill, key.format(month)) for name, key in keys.items() if key.format(month) in found}


PUMPS_IN_FEBRUARY = {(1, 12): (6_000, 0), (41, 18): (10_000, 0)}


def test_each_meter_is_billed_for_its_use_less_its_share_at_the_hours_of_the_exports(tmp_path) -> None:
    """10 kWh as 4 to 6, all at noon. Barn: 4 x 0.37, -4 x 0.27, 4 x 0.03. The pumps' 6 kWh of that hour are set off."""
    barn, pumps = farm(tmp_path, {(1, 12): (0, 10_000), (1, 18): (4_000, 0)}, PUMPS_IN_FEBRUARY)
    assert lines(barn[0], "2026-01-01") == {
        "peak": Decimal("1.48"),
        "off_peak": Decimal("-1.08"),
        "nbc": Decimal("0.12"),
    }
    assert pumps[0].carried == 0


def test_what_a_share_that_falls_takes_back_is_credited_energy_and_bears_no_non_bypassable_charge(tmp_path) -> None:
    """Nothing is made in February. By use of 4 and 16 the barn's 4 kWh of 10 become 2: two go over to the pumps.

    All was made at noon, off peak: the barn gives back what it was credited there, 2 x (0.30 - 0.03) = 0.54, and took
    nothing in February, so it owes no non-bypassable charge. The pumps took 10 kWh at 18 h: 10 x 0.37 = 3.70, the
    charge on all of it, 10 x 0.03 = 0.30; and are credited 2 x 0.27 = 0.54.
    """
    barn, pumps = farm(tmp_path, {(1, 12): (0, 10_000), (1, 18): (4_000, 0)}, PUMPS_IN_FEBRUARY)
    assert (barn[1].energy.import_milliwh, barn[1].energy.export_milliwh) == (0, -2_000_000)
    assert lines(barn[1], "2026-02-01") == {"off_peak": Decimal("0.54")}
    assert lines(pumps[1], "2026-02-01") == {
        "peak": Decimal("3.70"),
        "off_peak": Decimal("-0.54"),
        "nbc": Decimal("0.30"),
    }
    assert "of earlier months' exports 2.000000 kWh are taken back here" in " ".join(barn[1].notes)
    assert "of earlier months' exports 2.000000 kWh are credited here" in " ".join(pumps[1].notes)


def test_it_is_taken_back_at_the_times_of_day_at_which_the_year_so_far_gave(tmp_path) -> None:
    """8 of the 10 kWh were made at noon and 2 at 19 h; two go over to the pumps in a February without exports.

    1.6 kWh off peak x 0.27 = 0.432, and 0.4 kWh at peak x 0.37 = 0.148.
    """
    made = {(1, 12): (0, 8_000), (1, 19): (0, 2_000), (1, 18): (4_000, 0)}
    barn, _ = farm(tmp_path, made, PUMPS_IN_FEBRUARY)
    assert lines(barn[1], "2026-02-01") == {"peak": Decimal("0.15"), "off_peak": Decimal("0.43")}


def test_times_of_day_are_those_of_the_clock_on_the_wall(tmp_path) -> None:
    """All was made at 20 h in January, at peak, which ends at 21 h; in March the clock is set forward.

    By the clock of January it would lie at 21 h, off peak. 2 kWh x 0.37 = 0.74; the day of 23 hours has 20 h too.
    """
    pumps = {(1, 12): (6_000, 0), (80, 18): (10_000, 0)}
    barn, _ = farm(tmp_path, {(1, 20): (0, 10_000), (1, 18): (4_000, 0)}, pumps, count=90)
    assert lines(barn[2], "2026-03-01") == {"peak": Decimal("0.74")}


def test_non_bypassable_charges_are_due_on_what_the_site_took_in_the_hour_whoever_is_credited(tmp_path) -> None:
    """January: the barn alone takes (4 kWh), so all 10 kWh are its. February at noon: 2 kWh made, the pumps take 12.

    By use of 4 and 12 the barn has 3 of 12: 3 - 10 = -7 in February, the pumps 9. Of those 2 flowed in that hour and 7
    are the barn's of January. Barn: 7 x 0.27 = 1.89 and no charge, it took nothing. Pumps: (12 - 9) x 0.27 = 0.81, and
    the charge on 12 - 2 = 10 kWh that the hour took: 0.30.
    """
    made = {(1, 12): (0, 10_000), (1, 18): (4_000, 0), (41, 12): (0, 2_000)}
    barn, pumps = farm(tmp_path, made, {(41, 12): (12_000, 0)})
    assert lines(barn[1], "2026-02-01") == {"off_peak": Decimal("1.89")}
    assert lines(pumps[1], "2026-02-01") == {"off_peak": Decimal("0.81"), "nbc": Decimal("0.30")}


def test_use_may_count_by_time_of_use_alone(tmp_path) -> None:
    """January: 10 kWh made off peak, where the pumps alone take (6 kWh); 2 at peak, where both take 4.

    By peak and off peak: the pumps have all 10, and each has 1 of the 2. Barn: (4 - 1) x 0.37 = 1.11; pumps the same,
    and (6 - 10) x 0.27 = -1.08. All peak use is at 18 h and the exports at 19 h: 4 x 0.03 = 0.12 of each.
    By the whole use, 4 and 10, the barn has 4/14 of 12 kWh, laid over the exports: 2.8571 of 10 and 0.5714 of 2. Then
    (4 - 0.5714) x 0.37 = 1.2686, and -2.8571 x 0.27 = -0.7714.
    """
    barn = {(1, 12): (0, 10_000), (1, 18): (4_000, 0), (1, 19): (0, 2_000)}
    pumps = {(1, 12): (6_000, 0), (1, 18): (4_000, 0)}
    made = [one[0] for one in farm(tmp_path, barn, pumps, 'nem_a_use = "per_tou"\n')]
    peak = {"peak": Decimal("1.11"), "nbc": Decimal("0.12")}
    assert [lines(one, "2026-01-01") for one in made] == [peak, {**peak, "off_peak": Decimal("-1.08")}]
    whole = farm(tmp_path, barn, pumps)[0][0]
    assert lines(whole, "2026-01-01") == {**peak, "peak": Decimal("1.27"), "off_peak": Decimal("-0.77")}


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
