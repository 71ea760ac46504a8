"""Who stands at a unit number, by profiles' marks: over scripted devices whose registers are written down by hand."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from drivers import Profile, load_profile, shipped_profiles
from drivers.marks import Likeness
from drivers.modbus.link import Framing, ModbusLink
from drivers.modbus.presence import QUESTIONS, SILENCES_MOST, THOROUGH_QUESTIONS, Inquiry, Presence, is_there
from drivers.modbus.recognise import Recognition, recognise
from drivers.transport.scripted import ScriptedTransport, VirtualTicker
from tests.protocol.modbus_bytes import answer_pdu, crc, exception_pdu, rtu
from tests.protocol.sunspec_maps import common, inverter_103, meter_203, sunspec_table
from tests.wire import scan_devices

MS = 1000
Registers = dict[tuple[int, int], int]

HEAD = """\
vendor = "Example"
title = "{name}"
family = "modbus"
function = 3
word_order = "big"
update_lag_ms = 1000
update_lag_source = "by hand"
"""
MARK = """
[[identity]]
name = "mark_{address}"
address = {address}
type = "uint16"
values = [{value}]
proof = {proof}
source = "by hand"
confirmed = false
"""
REST = """
[[registers]]
name = "energy_import"
address = {energy}
type = "uint32"
unit = "Wh"
source = "by hand"
confirmed = false

[[vectors]]
title = "one"
source = "synthetic"
[[vectors.blocks]]
address = {energy}
words = [0, 1]
[vectors.expected]
energy_import_milliwh = 1000
"""


def profile(folder: Path, name: str, marks: dict[int, int], *, proof: bool = True, energy: int = 100) -> Profile:
    text = HEAD.format(name=name)
    for address, value in marks.items():
        text += MARK.format(address=address, value=value, proof=str(proof).lower())
    path = folder / f"{name}.toml"
    path.write_text(text + REST.format(energy=energy), encoding="utf-8")
    return load_profile(str(path))


class Device:
    """One unit on a scripted line. What it does not have it refuses, or leaves without answer where it is `mute`."""

    def __init__(self, registers: Registers, *, mute: bool = False, unit: int = 7) -> None:
        self.registers, self.mute, self.unit = registers, mute, unit
        self.asked: list[tuple[int, int, int]] = []
        ticker = VirtualTicker()
        transport = ScriptedTransport(ticker, self._peer)
        self.link = ModbusLink(transport, Framing.RTU, ticker, timeout_us=300 * MS, baud_bd=9600)

    def _peer(self, request: bytes) -> Iterable[tuple[int, bytes]]:
        assert crc(request[:-2]) == request[-2:]
        if request[0] != self.unit:
            return []
        function, address, count = request[1], int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
        self.asked.append((function, address, count))
        own = {place: word for (by, place), word in self.registers.items() if by == function}
        pdu = answer_pdu(request[1:-2], own)
        return [] if self.mute and pdu == exception_pdu(function, 2) else [(30 * MS, rtu(self.unit, pdu))]

    def recognised(self, *profiles: Profile) -> Recognition:
        return self.link.run(recognise(Inquiry(self.link, self.unit), profiles))


def test_the_profile_whose_marks_hold_is_chosen_and_reads(tmp_path: Path) -> None:
    right, wrong = profile(tmp_path, "right", {11: 1648}), profile(tmp_path, "wrong", {11: 70})
    who = Device({(3, 11): 1648, (3, 100): 0, (3, 101): 42}).recognised(wrong, right)
    assert who.chosen is not None
    assert (who.chosen.profile.name, who.chosen.likeness) == ("right", Likeness.PROVEN)
    assert who.sample is not None
    assert who.sample.snapshot.energy_import is not None
    assert who.sample.snapshot.energy_import.milliwh == 42_000


def test_a_code_is_above_a_plausible_number(tmp_path: Path) -> None:
    likely = profile(tmp_path, "likely", {11: 1, 12: 2, 13: 3}, proof=False)
    proven = profile(tmp_path, "proven", {20: 9})
    registers = {(3, 11): 1, (3, 12): 2, (3, 13): 3, (3, 20): 9, (3, 100): 0, (3, 101): 1}
    who = Device(registers).recognised(likely, proven)
    assert who.chosen is not None
    assert who.chosen.profile.name == "proven"


def test_two_that_fit_equally_and_read_other_energy_are_told_and_none_is_chosen(tmp_path: Path) -> None:
    one, other = profile(tmp_path, "one", {11: 5}), profile(tmp_path, "other", {12: 5}, energy=200)
    registers = {(3, 11): 5, (3, 12): 5, (3, 100): 0, (3, 101): 1, (3, 200): 0, (3, 201): 2}
    who = Device(registers).recognised(one, other)
    assert who.chosen is None
    assert {match.profile.name for match in who.matches} == {"one", "other"}
    assert who.sample is None


def test_two_that_read_the_same_energy_do_not_hinder(tmp_path: Path) -> None:
    one, other = profile(tmp_path, "one", {11: 5}), profile(tmp_path, "other", {12: 5})
    who = Device({(3, 11): 5, (3, 12): 5, (3, 100): 0, (3, 101): 1}).recognised(one, other)
    assert who.chosen is not None
    assert any("same energy registers" in note for note in who.notes)


def test_a_profile_whose_energy_the_device_refuses_is_not_it(tmp_path: Path) -> None:
    who = Device({(3, 11): 5}).recognised(profile(tmp_path, "one", {11: 5}))
    assert who.chosen is None
    assert who.matches == ()
    assert any(note.startswith("not one:") for note in who.notes)


def test_a_stranger_is_shown_raw() -> None:
    who = Device(scan_devices.stranger()).recognised(load_profile("abb-b2x"), load_profile("sunspec"))
    assert who.chosen is None
    assert (3, 0, (0x4845, 0x4154, 0x5055, 0x4D50)) in who.raw  # "HEATPUMP"


@pytest.mark.parametrize(
    ("device", "name"),
    [
        (scan_devices.sdm630, "eastron-sdm630"),
        (scan_devices.abb_b23, "abb-b2x"),
        (scan_devices.iem3155, "schneider-iem3155"),
        (scan_devices.em24_e1, "carlo-gavazzi-em24-e1"),
        (scan_devices.sunspec_203, "sunspec"),
    ],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_five_makes_are_told_apart_by_all_shipped_profiles(device: "object", name: str) -> None:
    assert callable(device)
    who = Device(device()).recognised(*(load_profile(one) for one in shipped_profiles()))
    assert who.chosen is not None, who.matches
    assert who.chosen.profile.name == name


SUNSPEC = load_profile("sunspec")


def sunspec_device(*models: list[int]) -> Device:
    return Device({(3, address): word for address, word in sunspec_table(*models).items()})


def test_an_inverter_is_recognised_and_told_to_be_one() -> None:
    who = sunspec_device(common(), inverter_103(5000)).recognised(SUNSPEC)
    assert who.chosen is not None
    assert who.sample is not None
    assert who.sample.snapshot.energy_export is not None
    assert who.sample.snapshot.energy_export.milliwh == 5_000_000
    assert [note for note in who.notes if 'role = "production"' in note]


def test_of_a_map_with_several_meters_the_profile_is_known_and_the_question_told() -> None:
    who = sunspec_device(common(), inverter_103(5000), meter_203(7, 3), meter_203(8, 4)).recognised(SUNSPEC)
    assert who.chosen is not None
    assert who.sample is None
    (note,) = who.notes
    assert "sunspec_meter = N (1: model 203" in note


def test_the_meter_beside_an_inverter_is_read_and_no_inverter() -> None:
    who = sunspec_device(common(), inverter_103(5000), meter_203(7, 3)).recognised(SUNSPEC)
    assert who.sample is not None
    assert who.sample.snapshot.energy_import is not None
    assert who.sample.snapshot.energy_import.milliwh == 70_000
    assert not [note for note in who.notes if "an inverter" in note]


def test_a_device_that_leaves_questions_unanswered_is_not_asked_without_end(tmp_path: Path) -> None:
    profiles = [profile(tmp_path, f"p{n}", {1000 + 2 * n: 1}) for n in range(30)]
    device = Device({(3, 0): 1, (3, 1): 1}, mute=True)
    assert device.recognised(*profiles).chosen is None
    assert len(device.asked) <= SILENCES_MOST + 1


def test_what_it_has_refused_it_is_not_asked_again(tmp_path: Path) -> None:
    profiles = [profile(tmp_path, f"p{n}", {11: n}) for n in range(9)]
    device = Device({(3, 100): 0, (3, 101): 1})
    device.recognised(*profiles)
    assert device.asked.count((3, 11, 1)) == 1


@pytest.mark.parametrize("mute", [False, True])
def test_thorough_questions_find_a_device_that_stays_silent(mute: bool) -> None:
    device = Device({(4, 0): 1, (4, 1): 1}, mute=mute)
    plain = device.link.run(is_there(device.link, 7, QUESTIONS))
    assert plain is (Presence.ABSENT if mute else Presence.THERE)
    thorough = device.link.run(is_there(device.link, 7, THOROUGH_QUESTIONS))
    assert thorough is Presence.THERE


def test_nobody_at_that_number_is_nobody() -> None:
    device = Device({(3, 0): 1, (3, 1): 1})
    assert device.link.run(is_there(device.link, 8)) is Presence.ABSENT
