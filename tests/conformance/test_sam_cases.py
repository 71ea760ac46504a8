"""Bills of NREL's SAM (PySAM, Utilityrate5) beside those of the generic programmes: to a millionth of a dollar.

Every *.json of NETMETER_SAM_CASES (default ../shared/data/sam_cases beside the checkout) is a case: profile, rate,
metering option and the engine's own monthly outputs. It goes the way of every account: files, timeline, cells,
programme, statements, without rounding.
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from .sam_case import FOLDER, Profile, account_of, by_hour, energy_of, most_rounded_away, read_profile
from .sam_outputs import TOLERANCE, differences

CASES = sorted(FOLDER.glob("*.json")) if FOLDER.is_dir() else []


@pytest.mark.skipif(not CASES, reason=f"no cases of SAM in {FOLDER} (NETMETER_SAM_CASES names the folder)")
@pytest.mark.parametrize("path", CASES, ids=[one.stem for one in CASES])
def test_a_sam_case_has_the_engines_bills(path: Path, tmp_path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    profile = read_profile(path.parent / "profiles" / f"{case['profile']}.json.gz")
    inputs = case["inputs"]
    found = differences(account_of(tmp_path, inputs), energy_of(inputs, profile), case)
    if found and inputs.get("ts_sell_rate_month_hour") is not None and profile.steps_per_hour > 1:
        # Prices by month and hour: the case does not say whether the engine got a list by the hour or by the step,
        # and it reads them differently (sam_case).
        found = differences(account_of(tmp_path, inputs), energy_of(by_hour(inputs), profile), case)
    assert found == []


@pytest.mark.skipif(not CASES, reason=f"no cases of SAM in {FOLDER} (NETMETER_SAM_CASES names the folder)")
def test_nine_places_hide_nothing_of_a_sam_case() -> None:
    """A tariff file takes nine places. What a case has beyond them is worth less than the tolerance in all."""
    for path in CASES:
        case = json.loads(path.read_text("utf-8"))
        profile = read_profile(path.parent / "profiles" / f"{case['profile']}.json.gz")
        assert most_rounded_away(case["inputs"], profile) < TOLERANCE, path.stem


def test_places_that_nine_would_hide_are_found() -> None:
    """The positive control: half of 1e-9 on 4,000 kWh is 2e-6."""
    profile = Profile([500_000] * 8, [0] * 8, 1)
    assert most_rounded_away({"ur_ec_tou_mat": [[1, 1, "inf", 0, 0.1234567895, 0.1]]}, profile) == Decimal("0.000002")
