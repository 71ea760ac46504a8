"""What an installation changes of a meter, from gateway.toml to the reading, over a real socket to pymodbus's server.

Words and values by hand; each option has its control: the same registers without it.
"""

from itertools import pairwise
from pathlib import Path

import pytest

from drivers import ConfigurationError, DriverError, NoAnswerError, SystemTicker
from gateway.config.load import examine, load_config
from gateway.reading.meters import open_one
from tests.protocol.sunspec_maps import common, meter_203, place, sunspec_table
from tests.wire.field_site import PHASES, SINGLES, TABLE, config_file, energies, sample, write_profile
from tests.wire.pymodbus_server import PymodbusServer

WH = 1000
PHASES_SUMMED = "import and export are the sums of their phase registers: phases are not netted against each other"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_profile(tmp_path, SINGLES + PHASES)
    return tmp_path


# What the options make of the same registers: import, export (mWh), power (mW), resolution of import (mWh).
READINGS = {
    "": (1000 * WH, 500 * WH, -1_000_000, 10_000),
    "ratio = 40": (40_000 * WH, 20_000 * WH, -40_000_000, 400_000),
    'ct_ratio = "200/5"': (40_000 * WH, 20_000 * WH, -40_000_000, 400_000),
    'ct_ratio = "40"': (40_000 * WH, 20_000 * WH, -40_000_000, 400_000),
    'pt_ratio = "480/120"': (4000 * WH, 2000 * WH, -4_000_000, 40_000),
    'ct_ratio = "200/5"\npt_ratio = "480/120"': (160_000 * WH, 80_000 * WH, -160_000_000, 1_600_000),
    # 208/120 = 26/15: 1 000 000 mWh * 26 / 15 = 1 733 333.3, floored; 500 000 * 26 / 15 = 866 666.6; the power's
    # 1 000 000 mW rounded to 1 733 333. A digit of 10 Wh is 17 333.3 mWh, and the value was floored by 0.3: 17 334.
    'pt_ratio = "208/120"': (1_733_333, 866_666, -1_733_333, 17_334),
    "swap_direction = true": (500 * WH, 1000 * WH, 1_000_000, 10_000),
    'swap_direction = true\nct_ratio = "200/5"': (20_000 * WH, 40_000 * WH, 40_000_000, 400_000),
    "sum_phases = true": (1100 * WH, 600 * WH, -1_000_000, 30_000),
    'sum_phases = true\nct_ratio = "200/5"': (44_000 * WH, 24_000 * WH, -40_000_000, 1_200_000),
    "max_registers = 4": (1000 * WH, 500 * WH, -1_000_000, 10_000),
    "pause_ms = 50": (1000 * WH, 500 * WH, -1_000_000, 10_000),
}


@pytest.mark.parametrize("options", READINGS)
def test_a_reading_is_what_the_options_make_of_the_registers(folder: Path, options: str) -> None:
    with PymodbusServer(TABLE) as server:
        snapshot = sample(folder, server, options).snapshot
    assert snapshot.energy_import is not None
    found = (*energies(snapshot), snapshot.power_milliw, snapshot.energy_import.resolution_milliwh)
    assert found == READINGS[options]
    assert str(snapshot.others["voltage_l1"]) == "230.5"  # voltages stay as the meter shows them


def test_the_width_grows_with_the_ratio_where_it_stays_whole(folder: Path) -> None:
    with PymodbusServer(TABLE) as server:
        widths = [
            register.modulus_milliwh
            for options in ("", 'ct_ratio = "200/5"', 'pt_ratio = "208/120"')
            if (register := sample(folder, server, options).snapshot.energy_import) is not None
        ]
    # 10^9 Wh; times 26/15 it is no whole number of milliwatt-hours, and nothing could be unrolled
    assert widths == [10**12, 40 * 10**12, None]


def test_that_phases_are_summed_is_told_once(folder: Path) -> None:
    with PymodbusServer(TABLE) as server:
        loaded = load_config(config_file(folder, server.port, "sum_phases = true"))
        meter = open_one(loaded, "grid", folder, SystemTicker())
        notes = [meter.read().notes, meter.read().notes]
        meter.close()
        assert sample(folder, server).notes == ()
    assert notes[0][0].startswith(PHASES_SUMMED)
    assert notes[0][0].endswith("vectorial)")
    assert notes[1] == ()


def test_summed_phases_come_in_one_request(folder: Path) -> None:
    with PymodbusServer(TABLE) as server:
        assert sample(folder, server, "sum_phases = true").snapshot.one_moment
        first = server.asked[0]
    assert first.address <= 0x22
    assert first.address + first.count >= 0x30


def test_a_phase_that_the_device_does_not_have_adds_nothing(folder: Path) -> None:
    table = dict(TABLE)
    place(table, 0x26, [0xFFFF, 0xFFFF])  # a uint32's "not implemented"
    with PymodbusServer(table) as server:
        assert energies(sample(folder, server, "sum_phases = true").snapshot) == (1100 * WH, 600 * WH)


def test_a_map_without_phases_is_not_summed(tmp_path: Path) -> None:
    write_profile(tmp_path, SINGLES)
    (problem,) = examine(config_file(tmp_path, 1, "sum_phases = true")).problems
    assert "cannot be summed by phases" in str(problem)


@pytest.mark.parametrize("base", [1, -1, -16, 0x1000, 0xFF00])
def test_a_map_that_lies_elsewhere_is_moved_by_the_base_address(folder: Path, base: int) -> None:
    moved = {address + base: word for address, word in TABLE.items() if 0 <= address + base <= 0xFFFF}
    with PymodbusServer(moved) as server:
        assert energies(sample(folder, server, f"base_address = {base}").snapshot) == (1000 * WH, 500 * WH)
        try:
            found = energies(sample(folder, server).snapshot)
        except DriverError:
            found = (None, None)
    assert found != (1000 * WH, 500 * WH)


@pytest.mark.parametrize("base", [-17, 0xFFFF])
def test_a_base_address_beyond_the_map_is_refused(folder: Path, base: int) -> None:
    (problem,) = examine(config_file(folder, 1, f"base_address = {base}")).problems
    assert "outside 0 to 65535" in str(problem)


def test_another_word_order_is_read_by_the_override(folder: Path) -> None:
    table = dict(TABLE)
    place(table, 0x10, [100, 0, 50, 0, 0xFC18, 0xFFFF])
    with PymodbusServer(table) as server:
        assert energies(sample(folder, server, 'word_order = "little"').snapshot) == (1000 * WH, 500 * WH)
        # the control: 100 * 65536 * 10 Wh
        assert energies(sample(folder, server).snapshot) == (65_536_000 * WH, 32_768_000 * WH)


def test_the_unit_that_is_configured_is_asked(folder: Path) -> None:
    with PymodbusServer(TABLE, unit=7) as server:
        assert energies(sample(folder, server, "unit = 7").snapshot) == (1000 * WH, 500 * WH)
        with pytest.raises((ConfigurationError, NoAnswerError)):
            sample(folder, server, "unit = 8")


def test_no_request_is_longer_than_the_largest_block(folder: Path) -> None:
    with PymodbusServer(TABLE, longest=6) as server:
        sample(folder, server, "max_registers = 6")
        lengths = [one.count for one in server.asked]
    assert max(lengths) <= 6
    assert len(lengths) > 2
    with PymodbusServer(TABLE) as server:
        sample(folder, server)
        assert max(one.count for one in server.asked) > 6


def test_requests_are_apart_by_the_pause(folder: Path) -> None:
    """A lower bound: that a pause is at least so long holds on any machine."""
    with PymodbusServer(TABLE) as server:
        sample(folder, server, "pause_ms = 150\nmax_registers = 4")
        at_s = [one.at_s for one in server.asked]
    assert len(at_s) > 3
    assert min(later - earlier for earlier, later in pairwise(at_s)) >= 0.14


def test_nothing_is_asked_before_the_pause_after_the_connection_is_over(folder: Path) -> None:
    with PymodbusServer(TABLE) as server:
        loaded = load_config(config_file(folder, server.port, "connect_pause_ms = 300"))
        meter = open_one(loaded, "grid", folder, SystemTicker())
        for _ in range(2):
            meter.read()
            meter.read()
            meter.close()
        asked_s, connected_s = [one.at_s for one in server.asked], list(server.connected_s)
    assert len(connected_s) == 2
    first, second = (min(one for one in asked_s if one > at_s) - at_s for at_s in connected_s)
    assert first >= 0.29
    assert second >= 0.29


def test_a_second_reading_over_the_same_connection_waits_for_nothing(folder: Path) -> None:
    with PymodbusServer(TABLE) as server:
        loaded = load_config(config_file(folder, server.port, "connect_pause_ms = 3000"))
        meter = open_one(loaded, "grid", folder, SystemTicker())
        meter.read()
        before = len(server.asked)
        meter.read()
        meter.close()
        gap_s = server.asked[before].at_s - server.asked[before - 1].at_s
        assert server.asked[0].at_s - server.connected_s[0] >= 2.9  # the control: there was a pause to leave out
    assert gap_s < 2.9


def test_the_second_of_two_sunspec_meters_at_a_base_of_its_own(tmp_path: Path) -> None:
    models = [common(), meter_203(7, 3), common(serial="SN 008"), meter_203(8, 4)]
    with PymodbusServer(sunspec_table(*models, base=4096)) as server:
        options = "sunspec_base = 4096\nsunspec_meter = 2\n" + 'ct_ratio = "200/5"'
        found = sample(tmp_path, server, options, profile="sunspec")
        assert energies(found.snapshot) == (3200 * WH, 1600 * WH)
        with pytest.raises(ConfigurationError, match="sunspec_meter"):
            sample(tmp_path, server, "sunspec_base = 4096", profile="sunspec")


def test_sunspec_phases_are_summed_with_their_scale_factor(tmp_path: Path) -> None:
    model = meter_203(100, 50)
    for n, (imported, exported) in enumerate(((70, 0), (40, 0), (0, 60))):
        model[48 + 2 * n : 50 + 2 * n] = [0, imported]
        model[40 + 2 * n : 42 + 2 * n] = [0, exported]
    with PymodbusServer(sunspec_table(common(), model)) as server:
        assert energies(sample(tmp_path, server, profile="sunspec").snapshot) == (1000 * WH, 500 * WH)
        summed = sample(tmp_path, server, "sum_phases = true", profile="sunspec").snapshot
    assert energies(summed) == (1100 * WH, 600 * WH)
    assert summed.energy_export is not None
    assert not summed.energy_export.unproven
