"""A recorded Schneider PM3200, served word for word, read by the iEM3000 profile, whose layout it has.

The recording is found by NETMETER_CAPTURES. What it holds was reckoned by hand from its words: 0x0913 = 2323 Wh,
0x04BC = 1212 Wh, 0x3DF5C28F as binary32 = 0.12 kW.
"""

import os
from pathlib import Path

import pytest

from drivers import load_profile
from drivers.build import open_polled
from hil.meters.dump_tcp import parse_dump
from hil.meters.slave import Slave
from tests.wire.model_lines import over_tcp

CAPTURES = Path(os.environ.get("NETMETER_CAPTURES", Path(__file__).resolve().parents[2] / "../shared/data/captures"))
DUMP = CAPTURES / "modbus-solarnetwork" / "pm3200_test-data-01.txt"


@pytest.mark.skipif(not DUMP.is_file(), reason=f"no recording at {DUMP} (set NETMETER_CAPTURES)")
def test_a_recorded_pm3200_reads_as_its_words_say(tmp_path: Path) -> None:
    words = {(3, address): word for address, word in parse_dump(DUMP.read_text("utf-8")).items()}
    with over_tcp(Slave(1, lambda: words), tmp_path) as link:
        snapshot = open_polled(load_profile("schneider-iem3155"), link, 1).read().snapshot
    assert snapshot.energy_import is not None
    assert snapshot.energy_export is not None
    assert (snapshot.energy_import.milliwh, snapshot.energy_export.milliwh) == (2_323_000, 1_212_000)
    assert snapshot.power_milliw == 120_000
    assert snapshot.one_moment
