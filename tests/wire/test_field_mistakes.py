"""Options of an installation that are recorded, and mistakes in them, from gateway.toml on."""

from pathlib import Path

import pytest

from drivers import ProfileError, SystemTicker, load_profile
from drivers.modbus.replay import open_recorded
from drivers.phases import with_phase_sums
from drivers.recording import Recording, RecordingError, Tape, parse_recording
from gateway.config.load import examine, load_config
from gateway.reading.meters import open_one
from tests.protocol.sunspec_maps import common, inverter_103, meter_203, sunspec_table
from tests.wire.field_site import PHASES, SINGLES, TABLE, config_file, energies, write_profile
from tests.wire.pymodbus_server import PymodbusServer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_profile(tmp_path, SINGLES + PHASES)
    return tmp_path


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
