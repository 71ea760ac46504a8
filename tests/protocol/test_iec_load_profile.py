"""P.01 load profiles: the three header layouts, their times, and the energy of their intervals, reckoned by hand."""

from datetime import datetime

import pytest

from drivers.errors import BadValueError
from drivers.iec62056.data_set import data_sets_of
from drivers.iec62056.load_profile import (
    ProfileBlock,
    StampAt,
    interval_energies,
    profile_blocks,
    range_text,
)
from drivers.iec62056.meter_stamp import MeterStamp, Season

SHORT = "P.01(1220823161500)(00000000)(15)(2)(1.5)(kW)(2.5)(kW)\r\n(0.18374)(0.00078)\r\n(0.16832)(0.00000)\r\n"
LONG = "P.01(1220823161500)(08)(15)(2)(1-0:1.5.0)(kW)(1-0:2.5.0)(kW)\r\n(0.18374)(0.00078)\r\n(0.16832)(0.00000)\r\n"
ENERGY = "P.01(1220823161500)(00)(15)(3)(1-1:1.29)(kWh)(1-1:2.29)(kWh)(1-2:1.29)(kWh)\r\n(0.04088)(0.00358)(9)\r\n"
BROKEN_OFF = (
    "P.01(0231113101500)(80)(15)(2)(1-0:1.5.0)(kW)(1-0:2.5.0)(kW)\r\n(0.00026)(0.00086)\r\n"
    "P.01(0231113103000)(00)(15)(2)(1-0:1.5.0)(kW)(1-0:2.5.0)(kW)\r\n(0.25873)(0.00158)\r\n(0.21487)(0.00000)\r\n"
)


def blocks_of(text: str) -> tuple[ProfileBlock, ...]:
    return profile_blocks(data_sets_of(text, 0)[0])


@pytest.mark.parametrize("text", [SHORT, LONG])
def test_mean_power_becomes_the_energy_of_its_interval(text: str) -> None:
    first, second = interval_energies(blocks_of(text), "1")
    # 0.18374 kW over a quarter of an hour: 45.935 Wh; the last digit, 0.00001 kW: 2.5 mWh
    assert (first.milliwh, first.resolution_milliwh) == (45_935, 3)
    assert (first.start.shown, first.end.shown) == (datetime(2022, 8, 23, 16, 0), datetime(2022, 8, 23, 16, 15))
    assert (second.start.shown, second.milliwh) == (datetime(2022, 8, 23, 16, 15), 42_080)
    assert [one.milliwh for one in interval_energies(blocks_of(text), "2")] == [195, 0]


def test_interval_energy_is_taken_as_it_is_from_the_first_channel() -> None:
    (one,) = interval_energies(blocks_of(ENERGY), "1")
    assert (one.milliwh, one.resolution_milliwh) == (40_880, 10)


def test_a_new_header_begins_anew_with_its_own_time_and_status() -> None:
    found = interval_energies(blocks_of(BROKEN_OFF), "1")
    assert [(f"{one.end.shown:%H%M}", one.status) for one in found] == [("1015", "80"), ("1030", "00"), ("1045", "00")]
    assert {one.end.season for one in found} == {Season.WINTER}


def test_a_first_line_on_the_headers_own_line_is_the_first() -> None:
    glued = SHORT.replace("(kW)\r\n(0.18374)", "(kW)(0.18374)")
    assert blocks_of(glued) == blocks_of(SHORT)


def test_a_meter_that_stamps_the_beginning_is_told_apart() -> None:
    first, _ = interval_energies(blocks_of(SHORT), "1", stamp_at=StampAt.START)
    assert first.start.shown == datetime(2022, 8, 23, 16, 15)


def test_a_value_that_the_meter_has_not_leaves_a_hole() -> None:
    (only,) = interval_energies(blocks_of(SHORT.replace("0.18374", "")), "1")
    assert only.end.shown == datetime(2022, 8, 23, 16, 30)


def test_an_empty_profile_has_no_block() -> None:
    assert blocks_of("P.01()\r\n") == ()


def test_other_data_sets_are_passed_over() -> None:
    assert blocks_of("F.F(00)\r\n" + SHORT + "P.98(1041007095703)(00002000)()(0)\r\n(1)(2)\r\n") == blocks_of(SHORT)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SHORT.replace("(2)(1.5)", "(3)(1.5)"), "byte 0: .*3 channels"),
        (SHORT.replace("(0.18374)(0.00078)", "(0.18374)"), "byte 56: .*2 values expected, 1 came"),
        (SHORT.replace("0.16832", "0.168x2"), "no number"),
        (SHORT.replace("1220823161500", "1221323161500"), "byte 0: .*expected"),
        (SHORT.replace("(15)", "(0)"), "0 minutes"),
        ("P.01(ER01)\r\n", "byte 0: .*expected"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(BadValueError, match=told):
        blocks_of(text)


@pytest.mark.parametrize(
    ("text", "c"), [(SHORT, "3"), (SHORT.replace("kW", "kvar"), "1"), (SHORT.replace("0.1", "-0.1"), "1")]
)
def test_energy_that_cannot_be_told_is_an_error(text: str, c: str) -> None:
    with pytest.raises(BadValueError):
        interval_energies(blocks_of(text), c)


def test_the_range_that_is_asked_for_is_in_the_meters_time() -> None:
    begin = MeterStamp(datetime(2022, 8, 23, 16, 15), Season.SUMMER)
    assert range_text(begin, None) == "P.01(12208231615;)"
    assert range_text(None, None) == "P.01(;)"
