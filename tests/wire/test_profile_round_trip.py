"""Household -> simulated meter (its own table) -> wire -> profile: what was counted is what is read, on RTU and TCP."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers import BadValueError, load_profile
from drivers.build import open_polled
from drivers.want import Want
from hil.counters import Count, Counters, Opening
from hil.household import Feed, Household
from hil.meters.models import MODELS
from hil.meters.slave import Slave
from tests.wire.model_lines import WAYS

NOON_S, EVENING_S = 1_752_607_800, 1_752_633_000  # 2025-07-15 12:30 and 19:30 in California
SERIAL = 12_345_678
PROFILES = {
    "carlo-gavazzi-em530-high-first": "carlo-gavazzi-em530",
    "chint-dtsu666-401e": "chint-dtsu666",
    "accuenergy-acuvim-ii": "accuenergy-acuvim-ii@primary",
    "sunspec-float": "sunspec",
    "sunspec-701": "sunspec",
}
# The last digit of each map, from the vendors' documents as quoted in the profiles' sources, milliwatt-hours.
DIGIT_MILLIWH = {"abb-b2x": 10_000} | dict.fromkeys(
    (
        "schneider-iem3155",
        "janitza-umg604",
        "sma-home-manager",
        "siemens-pac2200",
        "sunspec",
        "sunspec-float",
        "sunspec-701",
    ),
    1000,
)
DIGIT_MILLIWH |= dict.fromkeys((one for one in MODELS if one.startswith(("carlo", "accu"))), 100_000)


@dataclass(frozen=True)
class Moment:
    title: str
    count: Count


def moments() -> list[Moment]:
    """The counters of a house at noon, exporting, and in the evening, importing."""
    household = Household(11)
    counters = Counters(
        lambda second: household.flow_milliw(Feed.GRID, second), NOON_S, Opening.from_seed(11, Feed.GRID)
    )
    return [
        Moment("noon", counters.at(NOON_S * 1_000_000 + 500_000)),
        Moment("evening", counters.at(EVENING_S * 1_000_000)),
    ]


MOMENTS = moments()


def test_the_house_exports_at_noon_and_imports_in_the_evening() -> None:
    noon, evening = (moment.count for moment in MOMENTS)
    assert noon.power_milliw < 0 < evening.power_milliw
    assert evening.import_milliwh > noon.import_milliwh
    assert evening.export_milliwh > noon.export_milliwh


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("model", sorted(MODELS))
def test_what_the_house_counted_is_what_is_read(model: str, way: str, tmp_path: Path) -> None:
    profile = load_profile(PROFILES.get(model, model))
    shown = MOMENTS[0].count
    slave = Slave(
        7,
        lambda: MODELS[model].registers(shown, SERIAL).words,
        MODELS[model].most_registers,
        # A DTSU666 that shows 0 at one pair of addresses and counts at the other is asked about, see test_variants.
        holes_read_zero=way == "tcp" and model != "chint-dtsu666-401e",
    )
    digit = DIGIT_MILLIWH.get(model, 10_000)
    with WAYS[way](slave, tmp_path) as link:
        meter = open_polled(profile, link, 7)
        identity = meter.identify()
        for moment in MOMENTS:
            shown = moment.count
            snapshot = meter.read(want=Want.ALL).snapshot
            for counted, register in (
                (shown.import_milliwh, snapshot.energy_import),
                (shown.export_milliwh, snapshot.energy_export),
            ):
                assert register is not None
                # A sum of two registers may be off by both; a float by half its step.
                assert register.resolution_milliwh <= 2 * (digit + 2 * register.rounding_milliwh + 1)
                floored = counted // digit * digit
                assert abs(register.milliwh - floored) <= register.rounding_milliwh + 1, moment.title
                assert (
                    register.milliwh - register.rounding_milliwh
                    <= counted
                    < register.milliwh + register.resolution_milliwh
                )
            if model == "sma-home-manager":
                assert snapshot.power_milliw is None
                assert snapshot.others["power_import"] - snapshot.others["power_export"] == round(
                    shown.power_milliw / 1000
                )
            else:
                assert snapshot.power_milliw == pytest.approx(shown.power_milliw, abs=501)
    registers = {register.name for register in meter.registers}
    assert ("serial" in registers) == (identity.serial is not None)
    assert identity.serial is None or identity.serial.removeprefix("T") == str(SERIAL)


def test_a_meter_with_its_words_the_other_way_round_is_not_read_as_the_count(tmp_path: Path) -> None:
    """The positive control of the round trip."""
    words = dict(MODELS["wattnode"].registers(MOMENTS[0].count, SERIAL).words)
    words[3, 1006], words[3, 1007] = words[3, 1007], words[3, 1006]
    with WAYS["tcp"](Slave(1, lambda: words, holes_read_zero=True), tmp_path) as link:
        meter = open_polled(load_profile("wattnode"), link, 1)
        with pytest.raises(BadValueError, match="energy_import"):  # 0x45F2B47B becomes 0xB47B45F2: below zero
            meter.read()
