"""Other people's Green Button files: published samples and a cooperative's download of a solar house.

Sums are worked out with regular expressions over the text, never by a reader of ESPI. NETMETER_GREENBUTTON names the
folder with the collected files; default ../shared/data/greenbutton beside the checkout.
"""

import os
import re
import zipfile
from pathlib import Path

import pytest

from gateway.account.energy import EnergyError
from gateway.account.green_button import read_green_button
from gateway.account.rows import table_of

STAGED = Path(os.environ.get("NETMETER_GREENBUTTON", Path(__file__).parents[3] / "shared/data/greenbutton"))
SAMPLES = STAGED / "samples"
pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"no collected Green Button files in {STAGED} (NETMETER_GREENBUTTON)"
)
ONE_STREAM = [
    # file, how many intervals (a day less an hour in March, an hour more in November)
    ("hourlyForMonthMar.xml", 31 * 24 - 1),
    ("hourlyForMonthNov.xml", 30 * 24 + 1),
    ("15minLP_15Days.xml", 1340),
    ("12MonthlyUpdates.xml", 366),
    ("gba_test_usage_data_01.xml", 96),
    ("apuc_intervals_electric.xml", 300),
]


@pytest.mark.parametrize(("name", "intervals"), ONE_STREAM)
def test_a_published_sample_adds_up_to_its_values(name: str, intervals: int) -> None:
    text = (SAMPLES / name).read_text(encoding="utf-8")
    values = [int(one) for one in re.findall(r"timePeriod>\s*<(?:\w+:)?value>\s*(\d+)", text)]
    table = table_of("grid", name, read_green_button(SAMPLES / name, "grid"))
    assert len(table) == intervals == len(values)
    assert int(table.flow_import.milliwh.sum()) == sum(values) * 1000
    assert not table.flow_export.milliwh.any()
    assert not table.holes(*table.first_and_last_us())


def test_a_solar_house_of_a_cooperative_has_what_its_own_net_says(tmp_path: Path) -> None:
    """49.60 and 23.03 kWh delivered; 11.00 and 29.52 received, written below zero; its net stream 38.60 and -6.49.

    Each value has a multiplier of 3 inside its reading, where no ESPI has one, and is in Wh all the same.
    """
    with zipfile.ZipFile(SAMPLES / "united_power_green_button.zip") as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".xml"))
        path = Path(archive.extract(name, tmp_path))
    first, second = read_green_button(path, "grid")
    assert (first.import_milliwh, second.import_milliwh) == (49_600_000, 23_030_000)
    assert (first.export_milliwh, second.export_milliwh) == (11_000_000, 29_520_000)
    nets = [one.import_milliwh - one.export_milliwh for one in (first, second)]  # type: ignore[operator]
    assert nets == [38_600_000, -6_490_000]


def test_three_usage_points_are_told_apart_by_name() -> None:
    path = SAMPLES / "BatchFeedThreeUsagePoints_M.xml"
    with pytest.raises(EnergyError, match="3 usage points, 4284792, 4284793, 4284794"):
        read_green_button(path, "grid")
    assert len(read_green_button(path, "4284792")) == 96


REFUSED = [
    ("1hrLP_32DaysM.xml", "is no XML"),
    ("bad_1hrLP_32DaysM_D000.xml", "there is no interval"),
    ("verdigris_PGEIntervalBlock.xml", "no MeterReading is there"),
    ("verdigris_PGEReadingType.xml", "there is no interval"),
    ("verdigris_BulkSCEUsageSummaryAndIntervalBlock.xml", "several ReadingTypes that differ"),
]


@pytest.mark.parametrize(("name", "message"), REFUSED)
def test_a_sample_that_says_too_little_is_refused(name: str, message: str) -> None:
    with pytest.raises(EnergyError, match=message):
        read_green_button(SAMPLES / name, "grid")
