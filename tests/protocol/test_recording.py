"""Recordings: the file, what is taken down, and recorded wires that the driver reads once more to the same values."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import EnergyRegister, FrameError, MeterIdentity, NoAnswerError, load_profile
from drivers.build import open_polled
from drivers.modbus.link import Framing, ModbusLink
from drivers.modbus.replay import exchanges, open_recorded
from drivers.raw import raw_rows
from drivers.recording import HEARD, SENT, Event, Recording, RecordingError, Tape, parse_recording
from drivers.transport.scripted import ScriptedTransport, VirtualTicker
from drivers.want import Want
from tests.protocol.modbus_bytes import rtu_answer, tcp_answer
from tests.protocol.sunspec_maps import common, meter_203, sunspec_table
from tests.protocol.test_meters import sdm_table

WIDTH_MILLIWH = 2**32 * 1000  # acc32 counts to 32 bits (SunSpec), here in Wh
RECORDINGS = Path(__file__).parents[1] / "wire" / "recordings"


def recorded(name: str) -> Recording:
    path = RECORDINGS / name
    return parse_recording(path.read_text(encoding="utf-8"), str(path))


def test_the_sdm630_on_the_wire_reads_as_its_bytes_say() -> None:
    # In the file: 42 70 00 00, 45 F2 B4 7B, 46 12 F1 1F after 0x46, C4 FD 72 5E at 0x34; binary32 by struct.
    imported, exported, power = (
        struct.unpack(">f", bytes.fromhex(text))[0] for text in ("45F2B47B", "4612F11F", "C4FD725E")
    )
    meter = open_recorded(recorded("sdm630.wire"), [RECORDINGS])
    assert meter.identify() == MeterIdentity(serial=str(0x02B57F1B))
    snapshot = meter.read().snapshot
    assert snapshot.energy_import is not None
    assert snapshot.energy_export is not None
    assert snapshot.energy_import.milliwh == int(imported * 1_000_000)
    assert snapshot.energy_export.milliwh == int(exported * 1_000_000)
    assert snapshot.power_milliw == round(power * 1000)
    assert snapshot.one_moment
    assert {name: int(value) for name, value in snapshot.others.items()} == {
        "frequency": 60,
        "voltage_l1": 120,
        "voltage_l2": 120,
        "voltage_l3": 0,
    }


def test_the_sunspec_meter_on_the_wire_reads_as_its_bytes_say() -> None:
    # 00 8F 7F 7C exported and 00 76 82 23 imported, TotWh_SF 0000; F8 14 = -2028 with W_SF 0000
    meter = open_recorded(recorded("sunspec-203.wire"))
    assert meter.identify() == MeterIdentity("Netmeter Project", "House 203", "45448987", "1.0")
    snapshot = meter.read().snapshot
    assert snapshot.energy_export == EnergyRegister(0x8F7F7C * 1000, 1000, modulus_milliwh=WIDTH_MILLIWH)
    assert snapshot.energy_import == EnergyRegister(0x768223 * 1000, 1000, modulus_milliwh=WIDTH_MILLIWH)
    assert snapshot.power_milliw == -2_028_000


def test_requests_and_answers_of_a_recording_are_told_apart() -> None:
    asked = exchanges(recorded("sdm630.wire"))
    assert [(one.function, one.address, one.count) for one in asked] == [(3, 0xFC00, 2), (4, 52, 24), (4, 0, 6)]
    assert asked[0].words == (0x02B5, 0x7F1B)
    assert [one.address for one in exchanges(recorded("sunspec-203.wire"))] == [
        40000,
        40002,
        40070,
        40177,
        40004,
        40070,
    ]


def test_rows_show_words_and_values_side_by_side() -> None:
    recording = recorded("sdm630.wire")
    meter = open_recorded(recording, [RECORDINGS])
    image = {
        (one.function, one.address + n): word for one in exchanges(recording) for n, word in enumerate(one.words or ())
    }
    rows = {row.name: row for row in raw_rows(meter.registers, image, load_profile("eastron-sdm630").word_order)}
    assert (rows["power"].address, rows["power"].words, rows["power"].octets) == (
        0x34,
        (0xC4FD, 0x725E),
        bytes.fromhex("C4FD725E"),
    )
    assert (f"{rows['power'].value:.3f}", rows["power"].unit) == ("-2027.574", "W")
    assert rows["voltage_l3"].value == 0
    assert list(rows) == ["serial", "voltage_l1", "voltage_l2", "voltage_l3", "power", "frequency", *ENERGIES]


ENERGIES = ["energy_import", "energy_export"]


@pytest.mark.parametrize("framing", [Framing.RTU, Framing.TCP])
def test_what_is_taken_down_plays_to_the_same_sample(framing: Framing) -> None:
    ticker = VirtualTicker(start_us=5_000_000)
    answer, table, name = rtu_answer, sdm_table(), "eastron-sdm630"
    if framing is Framing.TCP:
        answer, table, name = tcp_answer, sunspec_table(common(), meter_203()), "sunspec"
    transport = ScriptedTransport(
        ticker, lambda request: [(20_000, answer(request, table)[:3]), (25_000, answer(request, table)[3:])]
    )
    link = ModbusLink(transport, framing, ticker, timeout_us=300_000, baud_bd=9600)
    meter = open_polled(load_profile(name), link, 1)
    meter.read()  # a link in use: transaction numbers do not begin at 1, a map is known already
    tape = Tape()
    meter.record(tape)
    identity, sample = meter.identify(), meter.read(want=Want.ALL)
    meter.record(None)
    meter.read()
    text = tape.recording().text()
    again = open_recorded(parse_recording(text, "test"))
    assert again.identify() == identity
    assert again.read(want=Want.ALL).snapshot == sample.snapshot
    assert parse_recording(text, "test").text() == text
    with pytest.raises(RecordingError, match="has ended"):
        again.read(want=Want.ALL)


def test_a_recording_is_read_by_the_profile_that_it_carries(tmp_path: Path) -> None:
    """The shipped profile of the name asks for more by now."""
    older = """\
vendor = "Eastron"
title = "SDM630, import only"
family = "modbus"
function = 4
word_order = "big"
update_lag_ms = 1000
update_lag_source = "test"

[[registers]]
name = "energy_import"
address = 0x48
type = "float32"
unit = "kWh"
digit = 0.01
source = "test"
confirmed = true

[[vectors]]
title = "1 kWh"
source = "synthetic"
[[vectors.blocks]]
address = 0x48
words = [0x3F80, 0x0000]
[vectors.expected]
energy_import_milliwh = 1_000_000
"""
    (tmp_path / "eastron-sdm630.toml").write_text(older, encoding="utf-8")
    ticker = VirtualTicker()
    transport = ScriptedTransport(ticker, lambda request: [(20_000, rtu_answer(request, sdm_table()))])
    link = ModbusLink(transport, Framing.RTU, ticker, timeout_us=300_000, baud_bd=9600)
    meter, tape = open_polled(load_profile("eastron-sdm630", [tmp_path]), link, 1), Tape()
    meter.record(tape)
    sample = meter.read(want=Want.ALL)
    without = tape.recording()
    kept = Recording(without.head, without.events, older)
    parsed = parse_recording(kept.text(), "test")
    assert parsed.text() == kept.text()
    assert parsed.head == without.head
    assert open_recorded(parsed).read(want=Want.ALL).snapshot == sample.snapshot
    with pytest.raises(RecordingError):
        open_recorded(without).read(want=Want.ALL)


def test_trouble_is_recorded_too() -> None:
    ticker = VirtualTicker()
    transport = ScriptedTransport(ticker, lambda request: [(20_000, rtu_answer(request, sdm_table())[:-1] + b"\0")])
    link = ModbusLink(transport, Framing.RTU, ticker, timeout_us=300_000, baud_bd=9600)
    meter = open_polled(load_profile("eastron-sdm630"), link, 1)
    tape = Tape()
    meter.record(tape)
    with pytest.raises(FrameError):
        meter.read()
    (asked,) = exchanges(tape.recording())
    assert asked.words is None
    assert asked.heard
    with pytest.raises(FrameError, match="CRC"):
        open_recorded(parse_recording(tape.recording().text(), "test")).read()


def test_silence_plays_as_silence() -> None:
    silent = Recording({"profile": "eastron-sdm630", "unit": "1", "framing": "rtu", "timeout_us": "300000"}, ())
    request = bytes.fromhex("01 04 00 34 00 18 B1 CE")
    with pytest.raises(NoAnswerError):
        open_recorded(Recording(silent.head, (Event(0, SENT, request),))).read()


def test_another_question_than_the_recorded_one_is_told() -> None:
    recording = recorded("sdm630.wire")
    with pytest.raises(RecordingError, match="asked 01 04 00 34 00 18 b1 ce, but at 0 us it was 01 03 fc 00"):
        open_recorded(recording).read()  # the recording begins with the identity


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["f:1", "netmeter wire recording 1"]),
        ("hello\n", ["f:1"]),
        ("# netmeter wire recording 1\n0 > 01\nx > 02\n", ["f:3", "x > 02"]),
        ("# netmeter wire recording 1\n0 > 0\n", ["f:2"]),
        ("# netmeter wire recording 1\n0 >\n", ["f:2"]),
        ("# netmeter wire recording 1\n0 ! 01\n", ["f:2", "belongs after the time"]),
        ("# netmeter wire recording 1\n-1 > 01\n", ["f:2"]),
        ("# netmeter wire recording 1\n5 > 01\n4 < 01\n", ["f:3", "back in time"]),
    ],
)
def test_a_file_that_is_no_recording_is_told_with_its_line(text: str, parts: list[str]) -> None:
    with pytest.raises(RecordingError) as caught:
        parse_recording(text, "f")
    assert all(part in str(caught.value) for part in parts)


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ({}, "framing"),
        ({"framing": "morse"}, "morse"),
        ({"framing": "rtu"}, "no profile"),
        ({"framing": "rtu", "profile": "sunspec", "unit": "one", "timeout_us": "1"}, "unit: one"),
        ({"framing": "rtu", "profile": "nonesuch", "unit": "1", "timeout_us": "1"}, "nonesuch"),
    ],
)
def test_a_head_that_does_not_do_is_told(head: dict[str, str], why: str) -> None:
    with pytest.raises(Exception, match=why) as caught:
        open_recorded(Recording(head, ()))
    assert type(caught.value).__name__ in ("RecordingError", "ProfileError")


events = st.lists(st.tuples(st.integers(0, 10**9), st.sampled_from([SENT, HEARD]), st.binary(min_size=1, max_size=300)))


@given(events)
def test_a_recording_is_written_and_read_without_loss(items: list[tuple[int, str, bytes]]) -> None:
    ordered = tuple(Event(*one) for one in sorted(items, key=lambda one: one[0]))
    recording = Recording({"profile": "sunspec", "date": "2026-07-14T23:00:00+00:00"}, ordered)
    assert parse_recording(recording.text(), "test") == recording


def test_a_flood_is_cut_off_and_what_comes_before_the_first_request_left_out() -> None:
    tape = Tape()
    tape.note(1, HEARD, b"late")
    tape.note(5, SENT, b"ask")
    for _ in range(20_000):
        tape.note(6, HEARD, b"x")
    recording = tape.recording([("remark", "flood")])
    assert recording.events[0] == Event(0, SENT, b"ask")
    assert len(recording.events) == 10_000
    tape = Tape()
    tape.note(5, SENT, b"ask")
    for _ in range(200):
        tape.note(6, HEARD, b"x" * 4096)
    assert 490_000 < sum(len(event.payload) for event in tape.recording().events) <= 500_000
    assert recording.head == {"remark": "flood"}
