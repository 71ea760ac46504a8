"""A meter whose clock runs fast, beside a gateway that knows the time: how far off it is, how fast, and who says so.

Ten seconds ahead when the house begins, 1,000 ppm fast: after 70 minutes of the house, as many real seconds, fourteen.
The house lives sixty times as fast as we do, and so a question that takes a tenth of a second leaves six open.
"""

import pytest

from hil.house import House

from .rig import MICRO, Reader, start_all_but_broker
from .test_meter_clock import with_clock

pytestmark = pytest.mark.whole

AHEAD_S, GAINS_PPM = 10, 1_000
ASKED_EVERY_US = 600 * MICRO
DIGIT_US = 1 * MICRO


def true_offset_us(house: House, at_us: int) -> int:
    return AHEAD_S * MICRO + (at_us - house.anchor.start_utc_us) * GAINS_PPM // MICRO


def test_the_drift_of_a_meters_clock_is_measured_and_published(house: House, reader: Reader) -> None:
    start_all_but_broker(house, daemon=False)
    house.stop_child("array")
    house.start_production_meter(f"--clock-off={AHEAD_S}", f"--clock-gains={GAINS_PPM}")
    with_clock(house)
    house.start_daemon()
    reader.until(
        lambda r: any(one.content["meter_clock_drift_ppb"] is not None for one in r.of("state", "array")),
        "an hour of the meter's clock",
        patience_s=150,
    )
    house.stop_child("gateway")
    reader.rest()
    house.stop()

    states = [record.content for record in reader.of("state", "array")]
    told = [one for one in states if one["meter_clock_offset_us"] is not None]
    assert len(told) > 40
    for one in told:  # the word is as old as the last question
        truth_us = true_offset_us(house, one["time_utc_us"])
        aged_us = ASKED_EVERY_US * GAINS_PPM // MICRO + DIGIT_US
        assert abs(one["meter_clock_offset_us"] - truth_us) <= one["meter_clock_within_us"] + aged_us
        assert 0 < one["meter_clock_within_us"] < 12 * MICRO
    first, last = told[0], told[-1]
    passed_us = last["time_utc_us"] - first["time_utc_us"]
    both_us = first["meter_clock_within_us"] + last["meter_clock_within_us"] + 2 * DIGIT_US
    assert abs(last["meter_clock_drift_ppb"] - GAINS_PPM * 1000) <= both_us * 1_000_000_000 // passed_us
    assert last["meter_clock_offset_us"] > first["meter_clock_offset_us"]
    events = [one.content for one in reader.of("event", "array") if one.content["event"] == "meter_clock"]
    surely_off = [one for one in told if one["meter_clock_offset_us"] - one["meter_clock_within_us"] > 9 * MICRO]
    assert [one["limit_us"] for one in events][:1] == ([9 * MICRO] if surely_off else [])
    # The grid's meter has no clock, and says so.
    assert {one.content["meter_clock_offset_us"] for one in reader.of("state", "grid")} == {None}
