"""Which meter of a SunSpec chain is read, and what a chain may say that is not so.

Expected values: the model definitions, and arithmetic.
"""

import pytest

from drivers import BadValueError, ConfigurationError, DriverError, EnergyRegister, RefusedError, load_profile
from drivers.build import open_polled
from drivers.meter import Stepped
from drivers.modbus.chain import CHAIN_LIMIT, ModelPlace, meters_of
from tests.protocol.sunspec_maps import (
    common,
    inverter_103,
    inverter_113,
    meter_203,
    meter_213,
    model_701,
    place,
    sunspec_table,
)
from tests.protocol.test_meters import Device

SUNSPEC = load_profile("sunspec")
WH_10 = 10_000
WIDTH = 2**32


def meter_of(*models: list[int], **options: int | bool) -> Stepped:
    return open_polled(SUNSPEC, Device(sunspec_table(*models)).link(), 1, **options)  # type: ignore[arg-type]


def both_wh(meter: Stepped) -> tuple[int | None, int | None]:
    snapshot = meter.read().snapshot
    registers = (snapshot.energy_import, snapshot.energy_export)
    both = [None if one is None else one.milliwh // 1000 for one in registers]
    return both[0], both[1]


def house() -> list[list[int]]:
    """An inverter with two meters on its bus, each behind a common model of its own."""
    inverter = [common(serial="INV 1"), inverter_103(5000)]
    return [*inverter, common(65, "MTR 1"), meter_203(111, 1), common(65, "MTR 2"), meter_203(222, 2)]


# What each role is read from: (models, options) -> import and export in Wh. meter_203 counts tens of Wh.
CHOICES = {
    "a grid meter behind an inverter": ([common(), inverter_103(5000), meter_203(7, 3)], {}, (70, 30)),
    "the inverter of the same map": ([common(), inverter_103(5000), meter_203(7, 3)], {"produces": True}, (None, 5000)),
    "an inverter with floats": ([common(), inverter_113(5000.0)], {"produces": True}, (None, 5000)),
    "no inverter: the meter before the array": ([common(), meter_203(7, 3)], {"produces": True}, (70, 30)),
    "701 before the inverter's own 103": ([common(), inverter_103(4), model_701(9, 1)], {"produces": True}, (1, 9)),
    "integers before floats": ([common(), meter_213(77.0, 33.0), meter_203(7, 3)], {}, (70, 30)),
    "floats where the integers count nothing": ([common(), meter_203(0, 0), meter_213(77.0, 33.0)], {}, (77, 33)),
    "a meter before the DER's own count": ([common(), meter_203(7, 3), model_701(9, 1)], {}, (70, 30)),
    "a new meter's zero before the DER's count": ([common(), meter_203(0, 0), model_701(9, 1)], {}, (0, 0)),
    "701 alone": ([common(), model_701(9, 1)], {}, (1, 9)),
    "the first of two": (house(), {"sunspec_meter": 1}, (1110, 10)),
    "the second of two": (house(), {"sunspec_meter": 2}, (2220, 20)),
    "the inverter with two meters": (house(), {"produces": True}, (None, 5000)),
    "a model by its number": ([common(), meter_203(7, 3), model_701(9, 1)], {"sunspec_model": 701}, (1, 9)),
    "meters without common models": ([common(), meter_203(7, 3), meter_203(8, 4)], {"sunspec_meter": 2}, (80, 40)),
    "shorter than the standard": ([common(), meter_203(7, 3, length=81)], {}, (70, 30)),
}


@pytest.mark.parametrize("name", CHOICES)
def test_the_right_registers_are_read(name: str) -> None:
    models, options, expected = CHOICES[name]
    assert both_wh(meter_of(*models, **options)) == expected


def test_a_reading_tells_by_which_model_it_was_read() -> None:
    """A 203 whose counts are zero is not preferred to a float beside it; after a restart, when it counts, it is."""
    both = (common(), meter_203(70, 30), meter_213(80.0, 40.0))
    assert meter_of(*both).read().read_by == "model 201"
    assert meter_of(*both, sunspec_model=213).read().read_by == "model 211"


def silent_202() -> list[int]:
    words = meter_203(0, 0, model=202)
    words[54] = 0x8000  # the scale factor is not implemented: no register there
    return words


def test_a_meter_that_counts_nothing_is_told_and_not_replaced_by_what_counts_beside_it() -> None:
    """An inverter that sleeps, or whose meter is not heard yet, must not make the gateway read the other one."""
    meter = meter_of(common(), silent_202(), model_701(9, 1))
    sample = meter.read()
    assert (sample.snapshot.energy_import, sample.snapshot.energy_export) == (None, None)
    (note,) = sample.notes
    assert "model 202 at 40070 has no energy register that is implemented" in note
    assert "701 at 40177 (sunspec_meter, sunspec_model)" in note
    asleep = inverter_103(0)
    asleep[26] = 0x8000
    assert both_wh(meter_of(common(), asleep, meter_203(7, 3), produces=True)) == (None, None)


NOTHING = float("nan")


@pytest.mark.parametrize(
    ("models", "counts"),
    [
        ([silent_202(), meter_213(77.0, 33.0)], (77, 33)),
        ([meter_203(7, 3, model=202), meter_213(NOTHING, NOTHING)], (70, 30)),
    ],
)
def test_a_model_that_counts_after_all_is_found_with_the_next_reading(
    models: list[list[int]], counts: tuple[int, int]
) -> None:
    device = Device(sunspec_table(common(), silent_202(), meter_213(NOTHING, NOTHING)))
    meter = open_polled(SUNSPEC, device.link(), 1)
    sample = meter.read()
    assert sample.snapshot.energy_import is None
    assert "model 202 at 40070 has no energy register" in sample.notes[0]
    device.table = sunspec_table(common(), *models)
    assert both_wh(meter) == counts


REFUSED = {
    "two meters and no word which": (house(), {}, r"say which by sunspec_meter = N \(1: .*2: model 203"),
    "two inverters": ([common(), inverter_103(1), inverter_103(2)], {"produces": True}, "sunspec_meter = N"),
    "a third of two": (house(), {"sunspec_meter": 3}, "no meter 3"),
    "an inverter as a grid meter": ([common(), inverter_103(1)], {}, 'role = "production"'),
    "a model that is not there": ([common(), meter_203()], {"sunspec_model": 204}, "no model 204"),
    "no model with energy": ([common(), [64001, 2, 0, 0]], {}, r"no metering model in the chain \(1, 64001\)"),
    "a model cut off before its energy": ([common(), meter_203()[:2] + [0] * 30], {}, "no metering model|no model"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_known_is_asked_and_not_guessed(name: str) -> None:
    models, options, why = REFUSED[name]
    if name.startswith("a model cut"):
        models[1][1] = 30
    with pytest.raises(ConfigurationError, match=why):
        meter_of(*models, **options).read()


def test_each_meter_has_the_serial_number_before_it() -> None:
    serials = [meter_of(*house(), sunspec_meter=n).identify().serial for n in (1, 2)]
    assert serials == ["MTR 1", "MTR 2"]
    assert meter_of(*house(), produces=True).identify().serial == "INV 1"
    assert meter_of(*house()).identify().serial == "INV 1"  # which one is not known: who answers is


def test_what_else_is_in_the_chain_is_told_once() -> None:
    meter = meter_of(*house(), sunspec_meter=2)
    (note,) = meter.read().notes
    assert "model 203 at 40363 is read" in note  # 68 + 52 + 67 + 107 + 67 behind 40002
    assert "103 at 40070" in note
    assert "203 at 40189" in note
    assert meter.read().notes == ()
    meter.forget()
    assert meter.read().notes == ()
    assert meter_of(common(), meter_203()).read().notes == ()


def test_kinds_behind_one_common_model_are_one_device_twice_and_the_same_kind_are_two() -> None:
    chain = [ModelPlace(model, 100 * n, 50) for n, model in enumerate((1, 203, 213, 204, 214, 103, 1, 201))]
    found = [[place.model for place in meter.places] for meter in meters_of(chain, lambda model: model != 1)]
    assert found == [[203, 213], [204, 214], [103], [201]]


def endless(model: int, length: int) -> dict[int, int]:
    table = sunspec_table(common())
    for address in range(40070, 0x10000 - 2, length + 2):
        place(table, address, [model, length])
    return table


@pytest.mark.parametrize(("model", "length"), [(64001, 1), (203, 105)])
def test_a_chain_without_an_end_is_an_error_and_no_meter(model: int, length: int) -> None:
    device = Device(endless(model, length))
    with pytest.raises(ConfigurationError, match=f"no end: after {CHAIN_LIMIT}"):
        open_polled(SUNSPEC, device.link(), 1).read()
    assert len(device.asked) <= CHAIN_LIMIT + 1


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ([203, 0], "broken at 40070, where model 203 says that it has no length"),
        ([203, 0xFFFF], "broken at 40070, where model 203 would be 65535 registers long"),
        ([0, 0], "broken at 40070, where model 0"),
    ],
)
def test_a_broken_chain_says_where(header: list[int], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        meter_of(common(), header).read()


def test_what_stands_before_the_break_is_read() -> None:
    assert both_wh(meter_of(common(), meter_203(7, 3), [64001, 0])) == (70, 30)


def test_a_map_to_the_last_address_needs_no_end() -> None:
    models = [common(), meter_203(7, 3)]
    base = 0x10000 - 2 - sum(len(one) for one in models)
    device = Device(sunspec_table(*models, base=base, end=False))
    assert both_wh(open_polled(SUNSPEC, device.link(), 1, sunspec_base=base)) == (70, 30)


def test_a_busy_device_is_asked_again_and_not_taken_for_one_without_a_map() -> None:
    device = Device(sunspec_table(common(), meter_203(7, 3)))
    device.exceptions = [6, 6]
    assert both_wh(open_polled(SUNSPEC, device.link(), 1)) == (70, 30)
    device.exceptions = [10]
    with pytest.raises(RefusedError):
        open_polled(SUNSPEC, device.link(), 1).read()


# What a register may hold that is no value: (model, words of its own, at offset) -> error, or None for "not there".
NO_VALUES = {
    "a scale factor of 11": (meter_203(7, 3), {54: 11}, BadValueError),
    "a scale factor of -11": (meter_203(7, 3), {54: 0x10000 - 11}, BadValueError),
    "a scale factor of 32767": (meter_203(7, 3), {54: 0x7FFF}, BadValueError),
    "a zero in counts of 1 GWh": (meter_203(0, 0), {54: 9}, BadValueError),
    "counts beyond every meter": (meter_203(2**31, 3), {54: 10}, BadValueError),
    "counts without a scale factor": (meter_203(7, 3), {54: 0x8000}, BadValueError),
    "infinity": (meter_213(float("inf"), 0.0), {}, BadValueError),
    "minus infinity": (meter_213(float("-inf"), 0.0), {}, BadValueError),
    "a float below zero": (meter_213(-1.0, 0.0), {}, BadValueError),
    "a float beyond every meter": (meter_213(3.4e38, 0.0), {}, BadValueError),
    "NaN": (meter_213(float("nan"), float("nan")), {}, None),
    "all ones in an acc32": (meter_203(2**32 - 1, 2**32 - 1), {}, None),
    "all ones in a uint64": (model_701(2**64 - 1, 2**64 - 1), {}, None),
    "zeros without a scale factor": (meter_203(0, 0), {54: 0x8000}, None),
    "an inverter's zero without a scale factor": (inverter_103(0), {26: 0x8000}, None),
    "an inverter's NaN": (inverter_113(float("nan")), {}, None),
    "an inverter beyond every meter": (inverter_103(2**31, 10), {}, BadValueError),
}


@pytest.mark.parametrize("name", NO_VALUES)
def test_what_is_no_count_is_an_error_or_not_there_and_never_a_value(name: str) -> None:
    model, words, error = NO_VALUES[name]
    model = list(model)
    for offset, word in words.items():
        model[offset] = word
    meter = meter_of(common(), model, produces=name.startswith("an inverter"))
    if error is not None:
        with pytest.raises(error):
            meter.read()
    else:
        assert both_wh(meter) == (None, None)


def test_the_same_registers_with_a_good_factor_are_a_value() -> None:
    """The control of the table above."""
    assert both_wh(meter_of(common(), meter_203(7, 3))) == (70, 30)
    assert both_wh(meter_of(common(), [*meter_203(7, 0)[:54], 8, *meter_203(7, 0)[55:]])) == (700_000_000, 0)
    assert both_wh(meter_of(common(), meter_213(7.0, 3.0))) == (7, 3)
    assert both_wh(meter_of(common(), inverter_103(2**20), produces=True)) == (None, 2**20)


def test_an_inverters_zero_is_unproven_and_a_floats_is_true() -> None:
    export = meter_of(common(), inverter_103(0), produces=True).read().snapshot.energy_export
    assert export == EnergyRegister(0, 1000, unproven=True, modulus_milliwh=WIDTH * 1000)
    export = meter_of(common(), inverter_113(0.0), produces=True).read().snapshot.energy_export
    assert export is not None
    assert (export.milliwh, export.unproven) == (0, False)


def test_produced_power_is_export() -> None:
    for models in ([inverter_103(1)], [inverter_113(1.0)]):
        snapshot = meter_of(common(), *models, produces=True).read().snapshot
        assert snapshot.power_milliw is not None
        assert snapshot.power_milliw < 0
        assert snapshot.energy_import is None


@pytest.mark.parametrize("word", range(0, 0x10000, 0x111))
def test_any_scale_factor_gives_a_value_by_arithmetic_or_an_error(word: int) -> None:
    model = meter_203(7, 0)
    model[54] = word
    factor = word - 0x10000 if word >= 0x8000 else word
    meter = meter_of(common(), model)
    if -10 <= factor <= 10:
        snapshot = meter.read().snapshot
        assert snapshot.energy_import is not None
        assert snapshot.energy_import.milliwh == (7000 * 10**factor if factor >= 0 else 7000 // 10**-factor)
    else:
        with pytest.raises(DriverError):
            meter.read()
