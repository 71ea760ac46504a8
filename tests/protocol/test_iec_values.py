"""Data sets, codes, energy and times as meters write them. Forms from recordings, numbers reckoned by hand."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadValueError
from drivers.iec62056.data_set import DataSet, Value, data_sets_of
from drivers.iec62056.energy import energy_register, maybe_energy
from drivers.iec62056.meter_stamp import MeterStamp, Season, maybe_clock, maybe_stamp
from drivers.iec62056.obis import Obis, is_fault_register, maybe_obis

VALUES = [
    ("001234.567*kWh", "001234.567", "1234.567", "kWh"),
    (" 000.03*kW", "000.03", "0.03", "kW"),
    ("          120858", "120858", "120858", None),
    ("-000.82*kW", "-000.82", "-0.82", "kW"),
    ("+000.8*A", "+000.8", "0.8", "A"),
    ("024562 kWh", "024562", "24562", "kWh"),
    ("024562kWh", "024562", "24562", "kWh"),
    ("013925.5*", "013925.5", "13925.5", None),
    ("000001.2963", "000001.2963", "1.2963", None),
    ("006545766*Wh", "006545766", "6545766", "Wh"),
    ("002714.12830185*kWh", "002714.12830185", "2714.12830185", "kWh"),
    ("10.102 * kW", "10.102", "10.102", "kW"),
    ("V1.0", "V1.0", None, None),
    ("        ", "", None, None),
    ("", "", None, None),
    ("088*C&082*C", "088", "88", "C&082*C"),
    ("2013-11-28", "2013-11-28", None, None),
    ("FDF5", "FDF5", None, None),
    ("12E", "12E", None, None),  # hexadecimal, not 12 of a unit E
    ("1,5*kWh", "1,5", None, "kWh"),  # a comma is no decimal point of the standard
    ("１２*kWh", "１２", None, "kWh"),  # digits of another script are none
    ("1_000", "1_000", None, None),
    ("NaN", "NaN", None, None),
    ("1e5", "1e5", None, None),
]


@pytest.mark.parametrize(("text", "shown", "number", "unit"), VALUES, ids=[repr(one[0]) for one in VALUES])
def test_a_value_is_taken_apart_as_it_came(text: str, shown: str, number: str | None, unit: str | None) -> None:
    value = Value(text)
    assert value.number_text == shown
    assert value.number == (None if number is None else Decimal(number))
    assert value.unit == unit


def test_all_decimals_are_kept() -> None:
    assert str(Value("000000.10000000*kWh").number) == "0.10000000"


def test_several_sets_on_a_line_and_lines_of_values_alone() -> None:
    sets, junk = data_sets_of("6.8(0029.055*MWh)6.26(01589.28*m3)F(0)\r\n(0.1)(0.2)\r\n", 100)
    assert [(one.identifier, [value.text for value in one.values], one.offset) for one in sets] == [
        ("6.8", ["0029.055*MWh"], 100),
        ("6.26", ["01589.28*m3"], 117),
        ("F", ["0"], 134),
        ("", ["0.1", "0.2"], 140),
    ]
    assert junk == []


def test_what_is_no_data_set_is_told_at_its_byte() -> None:
    sets, junk = data_sets_of("1.8.0(1*kWh)Y\r\n2.8.0(2*kWh\r\n3.8.0(3)", 10)
    assert [one.identifier for one in sets] == ["1.8.0", "3.8.0"]
    assert [(one.offset, one.text) for one in junk] == [(22, "Y\r\n2.8.0(2*kWh")]


@given(st.text(max_size=60))
def test_any_text_is_taken_apart(text: str) -> None:
    sets, junk = data_sets_of(text, 0)
    assert all(0 <= one.offset < len(text) for one in [*sets, *junk])
    for one in sets:
        assert one.value.number is None or isinstance(one.value.number, Decimal)


CODES = [
    ("1-0:1.8.0*255", Obis(1, 0, "1", "8", 0, None)),
    ("1-1:1.6.0*01", Obis(1, 1, "1", "6", 0, 1)),
    ("1.8.0*12", Obis(None, None, "1", "8", 0, 12)),
    ("1.8.0&02", Obis(None, None, "1", "8", 0, 2)),
    ("16.7", Obis(None, None, "16", "7", 0, None)),
    ("C.1.0", Obis(None, None, "C", "1", 0, None)),
    ("F.F", Obis(None, None, "F", "F", 0, None)),
    ("P.01", Obis(None, None, "P", "1", 0, None)),
    ("0-0:96.1.255*255", Obis(0, 0, "96", "1", 255, None)),
    ("0:96.7.19", Obis(None, 0, "96", "7", 19, None)),
    ("FF", None),
    ("", None),
    ("1.8.0.0", None),
    ("1-0:1.8.0*", None),
]


@pytest.mark.parametrize(("identifier", "code"), CODES)
def test_a_code_is_what_its_groups_say(identifier: str, code: Obis | None) -> None:
    assert maybe_obis(identifier) == code


@pytest.mark.parametrize("identifier", ["F.F", "FF", "1-1:F.F", "1-0:97.97.0*255"])
def test_fault_registers_are_known_in_every_form(identifier: str) -> None:
    assert is_fault_register(identifier)
    assert not is_fault_register("C.1.0")


def sets_of(text: str) -> list[DataSet]:
    return data_sets_of(text, 0)[0]


# The register's text, milliwatt-hours floored, the last digit in milliwatt-hours.
ENERGIES = [
    ("1.8.0(001234.567*kWh)", 1_234_567_000, 1_000, ("1.8.0",)),
    ("1-0:1.8.0*255(002714.12830185*kWh)", 2_714_128_301, 1, ("1-0:1.8.0*255",)),  # 2714128301.85 mWh
    ("1.8.0(006545766*Wh)", 6_545_766_000, 1_000, ("1.8.0",)),
    ("1.8.0(0036886*kWh)", 36_886_000_000, 1_000_000, ("1.8.0",)),
    ("1.8.0(0.1*MWh)", 100_000_000, 100_000_000, ("1.8.0",)),
    ("1.8.1(1.5*kWh)1.8.2(2.25*kWh)", 3_750_000, 110_000, ("1.8.1", "1.8.2")),  # no total: the sum of the tariffs
    ("1.8.1(1.5*kWh)1.8.0(9.0*kWh)1.8.2(2.25*kWh)", 9_000_000, 100_000, ("1.8.0",)),
    ("1.8.0(9.0*kWh)1.8.0*01(5.0*kWh)1-0:1.8.0*96(1.0*kWh)", 9_000_000, 100_000, ("1.8.0",)),  # history is no register
    ("1.8.0(9.0*kWh)1-0:1.8.0*255(9.0*kWh)", 9_000_000, 100_000, ("1.8.0",)),
]


@pytest.mark.parametrize(("text", "milliwh", "resolution_milliwh", "identifiers"), ENERGIES)
def test_energy_is_floored_once(text: str, milliwh: int, resolution_milliwh: int, identifiers: tuple[str, ...]) -> None:
    energy = maybe_energy(sets_of(text), "1")
    assert energy is not None
    assert energy.register.milliwh == milliwh
    assert energy.register.resolution_milliwh >= resolution_milliwh
    assert energy.register.resolution_milliwh <= resolution_milliwh + 1
    assert energy.identifiers == identifiers


@pytest.mark.parametrize(
    "text",
    [
        "2.8.0(1.0*kWh)",
        "1.8.0(000001.2963)",  # no unit: not guessed
        "1.8.0(1.0*m3)",
        "1.8.0(ERROR)",
        "1.7.0(1.0*kW)",
        "7-0:1.8.0(1.0*kWh)",  # gas
        "1.8.1(1.0*kWh)1.8.2(1.0)",  # a sum without one of its parts would be too small
    ],
)
def test_what_cannot_be_told_is_none(text: str) -> None:
    assert maybe_energy(sets_of(text), "1") is None


def test_a_missing_unit_is_the_profiles_to_state() -> None:
    energy = maybe_energy(sets_of("1.8.0(000001.2963)"), "1", unit_if_none="kWh")
    assert energy is not None
    assert energy.register.milliwh == 1_296_300


@pytest.mark.parametrize(
    "text", ["1.8.0(-1.0*kWh)", "1.8.0(9999999999*kWh)", "1.8.0(1*kWh)1-0:1.8.0(2*kWh)", "1.8.0(1*kWh)1.8.0(1.0*kWh)"]
)
def test_nonsense_is_an_error(text: str) -> None:
    with pytest.raises(BadValueError):
        maybe_energy(sets_of(text), "1")


@given(st.decimals(min_value=0, max_value=999_999, places=8))
def test_the_true_count_lies_in_the_register_and_its_resolution(number: Decimal) -> None:
    register = energy_register(Value(f"{number:f}*kWh"))
    assert register is not None
    exact_milliwh = number * 10**6
    assert register.milliwh <= exact_milliwh
    assert exact_milliwh + Decimal("0.01") <= register.milliwh + register.resolution_milliwh


STAMPS = [
    ("1220823161500", datetime(2022, 8, 23, 16, 15), Season.SUMMER),
    ("0231113101500", datetime(2023, 11, 13, 10, 15), Season.WINTER),
    ("2104070015", datetime(2021, 4, 7, 0, 15), None),
    ("12104070015", datetime(2021, 4, 7, 0, 15), Season.SUMMER),
    ("210407", datetime(2021, 4, 7), None),
    ("1220826", datetime(2022, 8, 26), Season.SUMMER),
]


@pytest.mark.parametrize(("text", "shown", "season"), STAMPS)
def test_a_time_is_the_meters_own(text: str, shown: datetime, season: Season | None) -> None:
    assert maybe_stamp(text) == MeterStamp(shown, season)


@pytest.mark.parametrize(
    "text", ["0000000000", "", "21040", "2113070015", "9220823161500", "2104072460", "21-04-07", "²²0823"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert maybe_stamp(text) is None


CLOCKS = [
    ("105644", "0220127", datetime(2022, 1, 27, 10, 56, 44), Season.WINTER),
    ("202405", "221113", datetime(2022, 11, 13, 20, 24, 5), None),
    ("1235703", "1220826", datetime(2022, 8, 26, 23, 57, 3), Season.SUMMER),
    ("211156", "20260130", datetime(2026, 1, 30, 21, 11, 56), None),
]


@pytest.mark.parametrize(("time_text", "date_text", "shown", "season"), CLOCKS)
def test_the_clock_is_put_together(time_text: str, date_text: str, shown: datetime, season: Season | None) -> None:
    assert maybe_clock(time_text, date_text) == MeterStamp(shown, season)


@pytest.mark.parametrize(
    ("time_text", "date_text"), [("", ""), ("256199", "221113"), ("12", "221113"), ("101010", "x")]
)
def test_no_clock_is_none(time_text: str, date_text: str) -> None:
    assert maybe_clock(time_text, date_text) is None
