"""`netmeter statement` of an account whose meters hang on two gateways, out of a collector's database.

Readings of July 2026, one an hour, go through the books of each gateway; what they send goes into the collector. The
bill is reckoned by hand from the hours of PG&E's E-TOU-C: peak is 16 to 21 h every day, 5 x 31 = 155 of 744 hours.
"""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from gateway.ledger.collected.collection import Collection
from tests.pipeline.collected_site import Sent, Site, sent_as
from tests.pipeline.world import KWH, utc_us
from tests.whole.test_statement_store import run

FIRST_US, HOURS = utc_us("2026-07-01T00:00:00-07:00"), 744
ACCOUNT = """\
format = 1
id = "farm"
name = "Two barns"
tariff = "pge-e-tou-c"

[customer]
utility = "pge"
baseline = "basic_x"
base_services_tier = "tier_3"

[[programme]]
name = "nem2"
from = 2026-07-01

[generator]
technology = "solar"
size_kw = "9"
application = 2023-04-01
pto = 2023-06-01

[[meter]]
name = "grid"
from = "collector"
file = "c.sqlite"
gateway = "elm"

[[meter]]
name = "grid"
from = "collector"
file = "c.sqlite"
gateway = "oak"

[billing]
months = true
"""


def registers(gateway: str) -> list[tuple[int, int, int]]:
    """Elm takes 1 kWh each hour; oak gives 2 kWh in each hour from 10 to 16 h, and takes 0.5 kWh in each other."""
    rows, taken, given = [], 5_000 * KWH, 900 * KWH
    for hour in range(HOURS + 1):
        rows.append((FIRST_US + hour * 3_600_000_000, taken, given))
        if gateway == "elm":
            taken += KWH
        elif 10 <= hour % 24 < 16:
            given += 2 * KWH
        else:
            taken += KWH // 2
    after = (datetime.fromtimestamp(rows[-1][0] // 1_000_000, UTC) + timedelta(minutes=5)).timestamp()
    return [*rows, (round(after) * 1_000_000, taken, given)]


Gateways = list[tuple[list[Sent], Sent]]
"""Of each gateway its interval records and its head."""


@pytest.fixture(scope="module")
def gateways(tmp_path_factory) -> Gateways:
    found = []
    for gateway in ("elm", "oak"):
        site = Site(tmp_path_factory.mktemp(gateway), gateway, at_us=FIRST_US)
        sent = site.read_all(registers(gateway))
        found.append(([one for one in sent if one[0].endswith("/interval")], site.head()))
        site.close()
    return found


def fill(folder: Path, gateways: Gateways, leave_out: int = 0) -> None:
    """Backwards, because a collector does not care."""
    collection = Collection(folder / "c.sqlite")
    for records, head in gateways:
        kept = [one for number, one in enumerate(records, 1) if number != leave_out]
        collection.apply([*(sent_as(one) for one in reversed(kept)), sent_as(head, retained=True)])
    collection.close()


def statement(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    (folder / "farm.toml").write_text(ACCOUNT, encoding="utf-8")
    return run(folder, "statement", "--account", "farm.toml", "--period", "2026-07", *options)


@pytest.fixture(scope="module")
def farm(tmp_path_factory, gateways) -> Path:
    folder = tmp_path_factory.mktemp("farm")
    fill(folder, gateways)
    return folder


@pytest.fixture(scope="module")
def bill(farm) -> dict:
    done = statement(farm, "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["statements"]
    return found


def test_energy_of_both_gateways_adds_up(bill) -> None:
    assert bill["import_milliwh"] == (744 * 2 + (744 - 6 * 31)) * KWH // 2
    assert bill["export_milliwh"] == 2 * 6 * 31 * KWH


def test_a_line_is_the_net_of_both_in_its_hours_at_the_tariffs_price(bill) -> None:
    """Peak: 155 hours of 1 + 0.5 kWh. Off-peak: 589 hours, of which 186 give 2 and take 1.

    The prices of 2026-03-01 without what NEM 2.0 bills on a line of its own, non-bypassable: 0.01230.
    """
    peak, off_peak = Fraction(155 * 3, 2), Fraction((589 - 186) * 3, 2) - 186
    lines = {line["key"]: line for line in bill["lines"]}
    expected = {"summer_peak": (peak, "0.52240"), "summer_off_peak": (off_peak, "0.39940")}
    for bucket, (kwh, price) in expected.items():
        line = lines[f"energy.2026-07-01.{bucket}"]
        assert Fraction(line["quantity"]) == kwh
        assert Fraction(line["exact"]) == kwh * (Fraction(price) - Fraction("0.01230"))


def test_a_hole_is_no_bill(tmp_path, gateways) -> None:
    fill(tmp_path, gateways, leave_out=1000)
    done = statement(tmp_path)
    assert done.returncode == 1
    assert "records of elm/grid are missing, from number 1000 " in done.stderr


def test_which_gateway_must_be_said_where_two_have_the_name(farm) -> None:
    first, second, rest = ACCOUNT.partition(
        '[[meter]]\nname = "grid"\nfrom = "collector"\nfile = "c.sqlite"\ngateway = "elm"\n'
    )
    account = first + second.replace('gateway = "elm"\n', "") + "[billing]" + rest.partition("[billing]")[2]
    (farm / "one.toml").write_text(account, encoding="utf-8")
    done = run(farm, "statement", "--account", "one.toml")
    assert done.returncode == 1
    assert "several gateways have a meter grid (elm/grid, oak/grid)" in done.stderr
