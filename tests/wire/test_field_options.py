"""What an installation changes of a meter, from gateway.toml to the reading, over a real socket to pymodbus's server.

Words and values by hand; each option has its control: the same registers without it.
"""

from itertools import pairwise
from pathlib import Path

import pytest

from drivers import (
    ConfigurationError,
    DriverError,
    NoAnswerError,
    ProfileError,
    RegisterSnapshot,
    Sample,
    SystemTicker,
    load_profile,
)
from drivers.modbus.replay import open_recorded
from drivers.phases import with_phase_sums
from drivers.recording import Recording, RecordingError, Tape, parse_recording
from gateway.config.load import examine, load_config
from gateway.meters import open_one
from tests.protocol.sunspec_maps import common, inverter_103, meter_203, place, sunspec_table
from tests.wire.pymodbus_server import PymodbusServer

PROFILE = """
vendor = "Test"
title = "counts phases"
family = "modbus"
function = 3
word_order = "big"
accumulation = "vectorial"
update_lag_ms = 500
update_lag_source = "test"
"""
REGISTER = """
[[registers]]
name = "{name}"
address = {address}
type = "{type}"
unit = "{unit}"
{more}
source = "test"
confirmed = true
"""
VECTOR = """
[[vectors]]
title = "one"
source = "synthetic"
[[vectors.blocks]]
address = 0x10
words = [0, 1]
[vectors.expected]
energy_import_milliwh = 10_000
"""
SINGLES = [
    ("energy_import", 0x10, "uint32", "Wh", "scale = 10\nrollover = 1_000_000_000"),
    ("energy_export", 0x12, "uint32", "Wh", "scale = 10\nrollover = 1_000_000_000"),
    ("power", 0x14, "int32", "W", ""),
    ("voltage_l1", 0x16, "uint16", "V", "scale = 0.1"),
]
PHASES = [
    (f"energy_{direction}_l{n}", first + 2 * n, "uint32", "Wh", "scale = 10")
    for direction, first in (("import", 0x20), ("export", 0x28))
    for n in (1, 2, 3)
]
# Counts of 10 Wh: 100 and 50 net; on the phases 70 + 40 + 0 imported and 0 + 0 + 60 exported.
TABLE = dict.fromkeys(range(0x60), 0)
place(TABLE, 0x10, [0, 100, 0, 50, 0xFFFF, 0xFC18, 2305])  # power -1000 W, 230.5 V
for _n, (_imported, _exported) in enumerate(((70, 0), (40, 0), (0, 60)), 1):
    place(TABLE, 0x20 + 2 * _n, [0, _imported])
    place(TABLE, 0x28 + 2 * _n, [0, _exported])

CONFIG = """
[gateway]
id = "home"
clock = "operator"
[mqtt]
host = "localhost"
[accounting]
tariff = "pge-e-tou-c"
[[meter]]
name = "grid"
profile = "{profile}"
role = "{role}"
register = "own"
service_amps = 100
service_volts = 240
host = "127.0.0.1"
tcp_port = {port}
timeout_ms = 2000
{options}
"""


def write_profile(folder: Path, registers: list[tuple[str, int, str, str, str]]) -> None:
    told = [
        REGISTER.format(name=name, address=address, type=kind, unit=unit, more=more)
        for name, address, kind, unit, more in registers
    ]
    (folder / "mine.toml").write_text(PROFILE + "".join(told) + VECTOR)


def config_file(folder: Path, port: int, options: str = "", profile: str = "mine.toml", role: str = "grid") -> Path:
    path = folder / "gateway.toml"
    path.write_text(CONFIG.format(profile=profile, role=role, port=port, options=options))
    return path


def sample(folder: Path, server: PymodbusServer, options: str = "", **config: str) -> Sample:
    """One reading of the meter that the config means."""
    loaded = load_config(config_file(folder, server.port, options, **config))
    meter = open_one(loaded, "grid", folder, SystemTicker())
    try:
        return meter.read()
    finally:
        meter.close()


def energies(snapshot: RegisterSnapshot) -> tuple[int | None, int | None]:
    both = (snapshot.energy_import, snapshot.energy_export)
    found = [None if one is None else one.milliwh for one in both]
    return found[0], found[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_profile(tmp_path, SINGLES + PHASES)
    return tmp_path


# What the options make of the same registers: import, export (mWh), power (mW), resolution of import (mWh).
WH = 1000
PHASES_SUMMED = "import and export are the sums of their phase registers: phases are not netted against each other"
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


RECORDED = {
    "base_address = 16": (TABLE, "mine.toml", "grid"),
    'word_order = "little"': (TABLE, "mine.toml", "grid"),
    "sum_phases = true": (TABLE, "mine.toml", "grid"),
    "max_registers = 6\nconnect_pause_ms = 20\npause_ms = 20": (TABLE, "mine.toml", "grid"),
    "sunspec_meter = 2": (sunspec_table(common(), meter_203(7, 3), meter_203(8, 4)), "sunspec", "grid"),
    "unit = 1": (sunspec_table(common(), inverter_103(5000)), "sunspec", "production"),
}


@pytest.mark.parametrize("options", RECORDED)
def test_a_recording_is_read_again_as_the_meter_was(folder: Path, options: str) -> None:
    """What was asked and how it was meant stands in the head of the recording."""
    table, profile, role = RECORDED[options]
    tape = Tape()
    with PymodbusServer(table) as server:
        loaded = load_config(config_file(folder, server.port, options, profile, role))
        meter = open_one(loaded, "grid", folder, SystemTicker())
        meter.record(tape)
        live = meter.read().snapshot
        meter.close()
    recording = parse_recording(tape.recording().text(), "memory")
    again = open_recorded(recording, [folder]).read().snapshot
    assert energies(again) == energies(live)
    assert energies(live) != (None, None)


def test_a_recording_with_a_head_that_nobody_wrote_is_refused(folder: Path) -> None:
    head = {"profile": "mine", "unit": "1", "timeout_us": "1000", "framing": "tcp", "word_order": "middle"}
    with pytest.raises(RecordingError, match="middle"):
        open_recorded(Recording(head, ()), [folder])


MISTAKES = {
    'ct_ratio = "5A"': 'ct_ratio = "5A" is no ratio',
    'ct_ratio = "0/5"': "is no ratio",
    'ct_ratio = "200/0"': "is no ratio",
    'pt_ratio = "1.5"': "is no ratio",
    'ratio = 40\nct_ratio = "200/5"': "has both ratio and ct_ratio",
    'ct_ratio = "999999"\npt_ratio = "2"': "at most 1000000",
    'word_order = "middle"': "is not one of",
    "pause_ms = 10001": "outside 0 to 10000",
    "connect_pause_ms = -1": "outside 0 to 30000",
    "byte_order = 1": 'did you mean "word_order"',
    "sunspec_meter = 0": "outside 1 to 100",
}


@pytest.mark.parametrize("options", MISTAKES)
def test_a_mistake_is_told_with_its_line(folder: Path, options: str) -> None:
    path = config_file(folder, 1, options)
    problems = examine(path).problems
    assert any(MISTAKES[options] in str(problem) for problem in problems), [str(one) for one in problems]
    lines = path.read_text().splitlines()
    assert {problem.line for problem in problems} <= {n for n, line in enumerate(lines, 1) if line in options}


SUNSPEC_MISTAKES = {
    "base_address = 4096": "sunspec_base says where it begins",
    "sunspec_model = 205": "has no model 205",
    "sunspec_model = 103": 'role = "production"',
}


@pytest.mark.parametrize("options", SUNSPEC_MISTAKES)
def test_a_mistake_about_a_sunspec_device_is_told(tmp_path: Path, options: str) -> None:
    path = config_file(tmp_path, 1, options, profile="sunspec")
    assert any(SUNSPEC_MISTAKES[options] in str(problem) for problem in examine(path).problems)


def test_what_means_nothing_here_is_a_warning(folder: Path) -> None:
    for options in ("sunspec_base = 40000", "sunspec_meter = 1", 'ct_ratio = "5/200"'):
        examined = examine(config_file(folder, 1, options))
        assert examined.config is not None
        assert len(examined.problems) == 1


def test_a_float_of_a_phase_without_a_digit_is_refused(tmp_path: Path) -> None:
    floats = [("energy_import_l1", 0x20, "float32", "Wh", "")]
    write_profile(tmp_path, [SINGLES[0], *floats])
    profile = load_profile(str(tmp_path / "mine.toml"))
    with pytest.raises(ProfileError, match="digit is unknown"):
        with_phase_sums(profile)
