"""Virtual aggregation in Pennsylvania: the arrangement's plant under the rules of size, and members on time of use.

Full retail 0.15 and customer charge 10.00 in November 2024 (tests/account/pennsylvania); peak from 14 to 18 h.
(52 Pa. Code 75.13(a)(3) to (5); corrections A-11: PECO bills no satellite by time of use)
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.account.account_file import AccountError
from gateway.account.arrangement.arrangement_file import read_arrangement

from .arrangement_site import PACIFIC, reckoned, write_account, write_arrangement, write_meter
from .pennsylvania import tariff

FIRST = date(2024, 11, 1)
HOURS = 30 * 24
NOVEMBER = [datetime(2024, 11, 1, tzinfo=PACIFIC).astimezone(UTC) + timedelta(hours=one) for one in range(HOURS + 2)]
"""From the first local midnight on, in UTC; the night of the third has an hour more."""
THIRD_AT = {hour: 48 + hour + 1 for hour in range(2, 24)}
"""Which interval begins at that hour of the third, by the local clock, after it was set back."""


def meter(folder: Path, name: str, by_hour: Mapping[int, tuple[int, int]]) -> str:
    """November's hours as CSV; (import, export) in kWh at hours of the third."""
    flows = {THIRD_AT[hour]: one for hour, one in by_hour.items()}
    rows = [
        (begin, end, *(kwh * 1000 for kwh in flows.get(at, (0, 0))))
        for at, (begin, end) in enumerate(pairwise(NOVEMBER))
    ]
    return f'meter = "{name}"\nfile = "{write_meter(folder, name, rows)}"\n'  # type: ignore[arg-type]


def account(folder: Path, name: str, *, time_of_use: bool = False, kind: str = "residential", choices: str = "") -> str:
    """An account's file with a tariff of its own."""
    (folder / f"{name}-tariff").mkdir()
    prices = tariff(folder / f"{name}-tariff", time_of_use=time_of_use)
    more = f"[pennsylvania]\nindependent_load = true\n[choices]\n{choices}"
    path = folder / write_account(folder, prices, "pennsylvania", name, first=FIRST, more=more)
    text = path.read_text(encoding="utf-8").replace('utility = "generic"', f'utility = "peco"\nkind = "{kind}"')
    path.write_text(text.replace(f"anniversary = {FIRST}\n", ""), encoding="utf-8")
    return f'account = "{name}.toml"\n'


def site(folder: Path, host: str, barn: str, size_kw: str = "9", technology: str = "pv") -> Path:
    """A host and one satellite."""
    members = {
        "host": host + meter(folder, "host", {12: (0, 100)}),
        "barn": barn + meter(folder, "barn", {10: (20, 0), 15: (80, 0)}),
    }
    plant = f'host = "host"\n[plant]\ntechnology = "{technology}"\nsize_kw = "{size_kw}"\npto = {FIRST}\n'
    return write_arrangement(folder, "pa_virtual", members, plant)


SIZES = [
    # class of the host's service, of the satellite's, kilowatts, what is refused
    ("residential", "residential", "50", ""),
    ("residential", "commercial", "50.1", "residential net metering ends at 50 kW"),
    ("commercial", "residential", "3000", ""),
    ("commercial", "residential", "3000.1", "above 3000 kW a system must stand by"),
    ("commercial", "commercial", "5000.1", "net metering ends at 5000 kW"),
]


@pytest.mark.parametrize(("host", "barn", "size_kw", "refused"), SIZES)
def test_a_plant_of_an_arrangement_is_held_against_the_class_of_the_hosts_service(
    host: str, barn: str, size_kw: str, refused: str, tmp_path: Path
) -> None:
    path = site(tmp_path, account(tmp_path, "host", kind=host), account(tmp_path, "barn", kind=barn), size_kw)
    if not refused:
        assert read_arrangement(path)
        return
    with pytest.raises(AccountError, match=r"site.toml:\d+: \[plant\]") as caught:
        read_arrangement(path)
    assert refused in str(caught.value)


def test_a_plants_technology_and_the_commissions_approval_are_told(tmp_path: Path) -> None:
    accounts = account(tmp_path, "host", kind="commercial"), account(tmp_path, "barn")
    made = reckoned(site(tmp_path, *accounts, "500", "perpetual_motion"))
    assert any("none of the technologies" in one for one in made.notes)
    assert any("Commission approves" in one for one in made.notes)


def test_a_satellite_on_time_of_use_is_refused_and_the_host_may_be(tmp_path: Path) -> None:
    flat, hours = account(tmp_path, "flat"), account(tmp_path, "hours", time_of_use=True)
    path = site(tmp_path, flat, hours)
    with pytest.raises(AccountError, match=r"site.toml:\d+: .*barn is on time of use"):
        read_arrangement(path)
    assert read_arrangement(site(tmp_path, hours, flat))


def test_a_satellite_by_the_hosts_hours_is_billed_for_its_own_peak_and_that_is_told(tmp_path: Path) -> None:
    """100 kWh given at noon, off peak; the barn takes 20 off peak and 80 in the peak: 80 x 0.15 and 10.00 are due.

    Of its share of 100 kWh it uses 20; 80 are in its own bank of off-peak kilowatt-hours.
    """
    by_host = 'satellite_time_of_use = "by_host_hours"'
    hours = account(tmp_path, "hours", time_of_use=True, choices=by_host)
    made = reckoned(site(tmp_path, account(tmp_path, "flat"), hours))
    (bill,) = made.statements["barn"].statements
    assert bill.due_now == Decimal("22.00")
    assert {one.name: one.after for one in bill.banks} == {"kwh_bank.off_peak": 80}
    assert any("its share lies in the hours in which the host gave" in one for one in made.notes)
