"""How narrow the excuses of the judge of jumping registers are: what a hidden time leaves off a total, by hand.

The service carries 12 kW: 1 kWh in 300 s.
"""

from dataclasses import replace

import pytest

from hil.histories import mix_judge
from hil.histories.hidden import Hidden
from hil.histories.jump_excuse import hidden_times
from hil.histories.mix_plan import mixed_history
from hil.histories.soak import MixedSoak
from hil.histories.tariff import Tariff

from .world import KWH, S

DIGIT = 1000
HOUR = Hidden(3600 * S, 7200 * S, {"import": 9 * KWH}, DIGIT)
"""An hour of which no register tells, in which 9 kWh flowed."""

STRETCHES = [
    ((0, 3600), 0),  # ends as it begins
    ((0, 3900), KWH + 1 + DIGIT),
    ((3900, 4500), 2 * KWH + 1 + DIGIT),
    ((0, 10_000), 9 * KWH),
    ((7200, 8100), 1 + DIGIT),
    ((7201, 8100), 0),
]


@pytest.mark.parametrize(("stretch_s", "milliwh"), STRETCHES)
def test_stretch_is_excused_by_what_its_part_of_a_hidden_time_carries(stretch_s: tuple[int, int], milliwh: int) -> None:
    assert HOUR.of("import", stretch_s[0] * S, stretch_s[1] * S) == milliwh
    again = replace(HOUR, again_us=600 * S).of("import", stretch_s[0] * S, stretch_s[1] * S)
    assert again == (min(milliwh + 2 * KWH, 9 * KWH) if milliwh else 0)
    assert HOUR.of("export", stretch_s[0] * S, stretch_s[1] * S) == 0


@pytest.mark.parametrize(
    ("bucket", "now_s", "milliwh"),
    [(1, 9000, 6 * KWH + 1 + DIGIT), (2, 9000, 6 * KWH + 1 + DIGIT), (1, 3900, KWH + 1 + DIGIT), (2, 3900, 0)],
)
def test_bucket_is_excused_by_what_its_part_of_a_hidden_time_carries(bucket: int, now_s: int, milliwh: int) -> None:
    """It changes in the middle of the hour: 6 kWh on either side, of the 9."""
    tariff = Tariff("UTC", ((0, 1), (5400 * S, 2)), 15, 0, 9000 * S)
    assert HOUR.of_bucket("import", bucket, tariff, now_s * S) == milliwh
    assert HOUR.of_bucket("import", 3, tariff, now_s * S) == 0


def test_interval_in_which_a_meter_died_is_not_excused_for_all_that_it_did_not_count() -> None:
    """Of the dead meter of history 1375, 6.35 kWh in 4642 s, the first interval has 115 s at the most, 0.385 kWh.

    3 kWh more in its newest word, which nobody reads anywhere, are found."""
    history = mixed_history(444, 1375)
    played = MixedSoak().player(history, "").play()
    assert mix_judge.judge(history, played).findings == []
    (dead,) = [one for one in hidden_times(history, played.taken) if one.from_us == history.faults[0].at_us]
    within = [one for one in played.intervals if one["start_utc_us"] <= dead.from_us < one["end_utc_us"]]
    assert 384_287 <= dead.of("import", within[-1]["start_utc_us"], within[-1]["end_utc_us"]) <= 400_000
    wrong = {**within[-1], "import_milliwh": within[-1]["import_milliwh"] + 3 * KWH}
    intervals = [wrong if one is within[-1] else one for one in played.intervals]
    found = mix_judge.judge(history, replace(played, intervals=intervals)).findings
    assert "interval_truth" in {one.what for one in found}
