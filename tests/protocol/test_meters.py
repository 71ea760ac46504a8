"""Meters over a scripted line: the profile's registers arrive as a snapshot with the times of its energy."""

from collections.abc import Callable
from pathlib import Path

import pytest

from drivers import (
    BadValueError,
    ConfigurationError,
    EnergyRegister,
    FrameError,
    MeterIdentity,
    NoAnswerError,
    load_profile,
)
from drivers.build import open_polled
from drivers.modbus.link import Framing, ModbusLink
from drivers.modbus.meter import ModbusMeter
from drivers.modbus.sunspec import SunSpecMeter
from drivers.transport.scripted import ScriptedTransport, VirtualTicker
from drivers.want import Want
from tests.protocol.modbus_bytes import exception_pdu, float_words, rtu_answer, tcp, tcp_answer
from tests.protocol.sunspec_maps import common, meter_203, model_701, place, sunspec_table

RECORDINGS = Path(__file__).parents[1] / "wire" / "recordings"
SDM = load_profile("eastron-sdm630", [RECORDINGS])  # without values per phase: two requests
SUNSPEC = load_profile("sunspec")

ACC32_OF_10_WH = 2**32 * 10_000
"""Where an acc32 that counts tens of watt-hours begins again, milliwatt-hours."""


class Device:
    """A slave with a register table, which counts what it was asked."""

    def __init__(self, table: dict[int, int], framing: Framing = Framing.TCP) -> None:
        self.table = table
        self.asked: list[tuple[int, int, int]] = []
        self.mute: Callable[[int], bool] = lambda _address: False
        self.exceptions: list[int] = []
        """Over TCP: the next answers, in turn from the last, are these."""
        self._framing = framing
        self.ticker = VirtualTicker()
        self.transport = ScriptedTransport(self.ticker, self._answer)

    def link(self) -> ModbusLink:
        return ModbusLink(self.transport, self._framing, self.ticker, timeout_us=300_000)

    def _answer(self, request: bytes) -> list[tuple[int, bytes]]:
        pdu = request[1:-2] if self._framing is Framing.RTU else request[7:]
        address = int.from_bytes(pdu[1:3], "big")
        self.asked.append((pdu[0], address, int.from_bytes(pdu[3:5], "big")))
        if self.mute(address):
            return []
        if self.exceptions:
            number = int.from_bytes(request[:2], "big")
            return [(20_000, tcp(number, 1, exception_pdu(pdu[0], self.exceptions.pop())))]
        answer = rtu_answer if self._framing is Framing.RTU else tcp_answer
        return [(20_000, answer(request, self.table))]


def sdm_table() -> dict[int, int]:
    table = dict.fromkeys(range(80), 0)
    for address, value in ((0, 230.5), (2, 231.0), (4, 229.5), (0x34, -1500.5), (0x46, 50.0), (0x48, 1234.5)):
        place(table, address, float_words(value))
    place(table, 0x4A, float_words(5678.25))
    place(table, 0xFC00, [0x0012, 0xD687])
    return table


def test_an_sdm630_is_read_with_both_energies_of_one_moment() -> None:
    device = Device(sdm_table(), Framing.RTU)
    meter = open_polled(SDM, device.link(), 1)
    snapshot = meter.read().snapshot
    assert snapshot.energy_import == EnergyRegister(1_234_500_000, 10_123, 62)
    assert snapshot.energy_export == EnergyRegister(5_678_250_000, 10_489, 245)
    assert snapshot.power_milliw == -1_500_500
    assert snapshot.one_moment
    assert {name: str(value) for name, value in snapshot.others.items()} == {
        "frequency": "50",
        "voltage_l1": "230.5",
        "voltage_l2": "231",
        "voltage_l3": "229.5",
    }
    assert [asked[0] for asked in device.asked] == [4, 4]


def test_the_serial_number_comes_from_a_holding_register() -> None:
    device = Device(sdm_table(), Framing.RTU)
    assert open_polled(SDM, device.link(), 1).identify() == MeterIdentity(serial="1234567")
    assert device.asked == [(3, 0xFC00, 2)]


def test_a_copy_without_a_serial_number_is_still_a_meter() -> None:
    table = sdm_table()
    del table[0xFC00]
    assert open_polled(SDM, Device(table, Framing.RTU).link(), 1).identify() == MeterIdentity()


def test_a_swapped_meter_swaps_energy_and_turns_power() -> None:
    meter = open_polled(SDM, Device(sdm_table(), Framing.RTU).link(), 1, swap_direction=True)
    snapshot = meter.read().snapshot
    assert snapshot.energy_import is not None
    assert snapshot.energy_import.milliwh == 5_678_250_000
    assert snapshot.power_milliw == 1_500_500


def test_the_times_are_those_of_the_energy_request() -> None:
    device = Device(sdm_table(), Framing.RTU)
    sample = open_polled(SDM, device.link(), 1).read()
    energy_us, voltages_us = (at_us for at_us, _ in device.transport.written)
    assert sample.sent_us == energy_us
    assert energy_us + 20_000 <= sample.received_us < voltages_us
    assert sample.update_lag_us == 1_000_000


def test_a_device_that_answers_less_than_its_profile_says_is_asked_for_less() -> None:
    device = Device(sdm_table(), Framing.RTU)
    sample = open_polled(SDM, device.link(), 1, max_registers=10).read(want=Want.ALL)
    assert sample.snapshot.one_moment
    assert sample.snapshot.power_milliw == -1_500_500
    assert sample.snapshot.others["voltage_l3"] == 229.5
    assert max(count for _, _, count in device.asked) <= 10


def test_what_a_device_refused_is_tried_again_when_its_map_is_learnt_anew() -> None:
    table = sdm_table()
    del table[3]
    device = Device(table, Framing.RTU)
    meter = ModbusMeter(SDM, device.link(), 1)
    assert "voltage_l2" not in meter.read().snapshot.others
    table[3] = 0
    assert "voltage_l2" not in meter.read(want=Want.ALL).snapshot.others
    meter.relearn()
    assert meter.read().snapshot.others["voltage_l2"] == 231


def test_silence_after_the_energy_costs_the_voltages_only() -> None:
    device = Device(sdm_table(), Framing.RTU)
    device.mute = lambda address: address == 0
    snapshot = open_polled(SDM, device.link(), 1).read().snapshot
    assert snapshot.energy_import is not None
    assert "voltage_l1" not in snapshot.others


def test_silence_instead_of_energy_is_told() -> None:
    device = Device(sdm_table(), Framing.RTU)
    device.mute = lambda address: address != 0
    with pytest.raises(NoAnswerError):
        open_polled(SDM, device.link(), 1).read()


def test_a_value_that_the_device_does_not_have_is_told_once_and_dropped() -> None:
    table = sdm_table()
    del table[3]  # half of voltage_l2
    device = Device(table, Framing.RTU)
    meter = ModbusMeter(SDM, device.link(), 1)
    sample = meter.read()
    assert sample.snapshot.energy_export is not None
    assert [name for name in sample.snapshot.others if name.startswith("voltage")] == ["voltage_l1", "voltage_l3"]
    (note,) = sample.notes
    assert "voltage_l2 at 0x0002" in note
    assert "exception 2" in note
    device.asked.clear()
    assert meter.read(want=Want.ALL).notes == ()
    assert [address for _, address, _ in device.asked] == [52, 0, 4]


@pytest.mark.parametrize("words", [[0x7F80, 0x0000], [0xC49A, 0x5000], [0x7F7F, 0xFFFF]])
def test_energy_that_makes_no_sense_is_told_with_its_register(words: list[int]) -> None:
    table = sdm_table()
    place(table, 0x48, words)
    with pytest.raises(BadValueError, match="energy_import at 72"):
        open_polled(SDM, Device(table, Framing.RTU).link(), 1).read()


def test_a_wild_voltage_is_left_out_and_costs_no_energy() -> None:
    table = sdm_table()
    place(table, 0, [0x7F80, 0x0000])
    snapshot = open_polled(SDM, Device(table, Framing.RTU).link(), 1).read().snapshot
    assert snapshot.energy_import is not None
    assert "voltage_l1" not in snapshot.others


@pytest.mark.parametrize("base", [40000, 50000, 0])
def test_a_sunspec_map_is_found_at_the_usual_places(base: int) -> None:
    meter = SunSpecMeter(SUNSPEC, Device(sunspec_table(common(), meter_203(), base=base)).link(), 1)
    snapshot = meter.read().snapshot
    assert snapshot.energy_import == EnergyRegister(906_630_000, 10_000, modulus_milliwh=ACC32_OF_10_WH)
    assert snapshot.energy_export == EnergyRegister(0, 10_000, unproven=True, modulus_milliwh=ACC32_OF_10_WH)
    assert snapshot.power_milliw == 6_540_000
    assert [(place.model, place.address) for place in meter.models] == [(1, base + 2), (203, base + 70)]


def test_a_sunspec_map_elsewhere_is_found_where_the_user_says() -> None:
    device = Device(sunspec_table(common(), meter_203(), base=4096))
    assert open_polled(SUNSPEC, device.link(), 1, sunspec_base=4096).read().snapshot.one_moment
    assert device.asked[0] == (3, 4096, 2)


def test_no_sunspec_map_is_told_with_the_places_tried() -> None:
    device = Device(dict.fromkeys(range(100), 0))
    with pytest.raises(ConfigurationError, match="40000, 50000, 0"):
        SunSpecMeter(SUNSPEC, device.link(), 1).read()


def test_a_dead_device_costs_one_question_and_not_one_a_base() -> None:
    device = Device({})
    device.mute = lambda _: True
    with pytest.raises(NoAnswerError):
        SunSpecMeter(SUNSPEC, device.link(), 1).read()
    assert len(device.asked) == 1


@pytest.mark.parametrize("length", [65, 66])
def test_the_identity_is_model_1_of_either_length(length: int) -> None:
    device = Device(sunspec_table(common(length), meter_203()))
    meter = SunSpecMeter(SUNSPEC, device.link(), 1)
    assert meter.identify() == MeterIdentity("Maker", "Model X", "SN 007", "1.2")
    assert meter.read().snapshot.energy_import is not None


def test_a_chain_that_just_ends_is_accepted() -> None:
    meter = SunSpecMeter(SUNSPEC, Device(sunspec_table(common(), meter_203(), end=False)).link(), 1)
    assert meter.read().snapshot.energy_import is not None


def test_a_meter_is_one_request_a_reading_once_it_is_found() -> None:
    device = Device(sunspec_table(common(), meter_203()))
    meter = SunSpecMeter(SUNSPEC, device.link(), 1)
    meter.read()
    device.asked.clear()
    meter.read()
    assert device.asked == [(3, 40070, 55)]


def test_the_user_can_name_the_model() -> None:
    device = Device(sunspec_table(common(), meter_203(), model_701(7, 0)))
    meter = open_polled(SUNSPEC, device.link(), 1, sunspec_model=701)
    assert meter.read().snapshot.energy_export == EnergyRegister(7000, 1000)


def test_a_model_shorter_than_the_standard_is_read_as_far_as_it_goes() -> None:
    device = Device(sunspec_table(common(), meter_203(length=81)))
    assert SunSpecMeter(SUNSPEC, device.link(), 1).read().snapshot.energy_import is not None


def test_a_map_that_moved_is_noticed_and_found_again() -> None:
    device = Device(sunspec_table(common(66), meter_203()))
    meter = SunSpecMeter(SUNSPEC, device.link(), 1)
    meter.read()
    device.table = sunspec_table(common(65), meter_203(imported=90664))
    with pytest.raises(FrameError, match="no longer at 40070"):
        meter.read()
    assert meter.read().snapshot.energy_import == EnergyRegister(906_640_000, 10_000, modulus_milliwh=ACC32_OF_10_WH)


def test_a_changed_scale_factor_is_taken_with_its_values() -> None:
    device = Device(sunspec_table(common(), meter_203(imported=90663)))
    meter = SunSpecMeter(SUNSPEC, device.link(), 1)
    meter.read()
    device.table = sunspec_table(common(), meter_203(imported=906630))
    device.table[40070 + 54] = 0
    assert meter.read().snapshot.energy_import == EnergyRegister(
        906_630_000, 1_000, modulus_milliwh=ACC32_OF_10_WH // 10
    )


def test_a_count_whose_scale_factor_is_not_implemented_is_told() -> None:
    device = Device(sunspec_table(common(), meter_203()))
    device.table[40070 + 54] = 0x8000
    with pytest.raises(BadValueError, match="scale factor"):
        SunSpecMeter(SUNSPEC, device.link(), 1).read()


def test_closing_forgets_the_map() -> None:
    device = Device(sunspec_table(common(), meter_203()))
    meter = SunSpecMeter(SUNSPEC, device.link(), 1)
    meter.read()
    meter.close()
    assert meter.models == ()
    assert not device.transport.is_open
    assert meter.read().snapshot.energy_import is not None
