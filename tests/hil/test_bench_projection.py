"""The back-test of projections: its houses are what they say, and an error is that of a year against itself."""

import json
from datetime import UTC, datetime

from click.testing import CliRunner

from hil.bench.projection import projection
from hil.bench.projection_house import energy_of
from hil.household import ZONE


def test_a_simulated_house_has_every_hour_once_and_no_sun_at_night() -> None:
    made = energy_of(seed=3, first=2026, last=2026)
    assert len(made) == 8760
    assert made.holes(int(made.start_us[0]), int(made.end_us[-1])) == ()
    hours = [datetime.fromtimestamp(int(one) // 1_000_000, UTC).astimezone(ZONE).hour for one in made.start_us]
    assert {hour for hour, given in zip(hours, made.flow_export.milliwh, strict=True) if given} <= set(range(5, 20))
    assert made.flow_export.milliwh.any()
    assert not (made.flow_import.milliwh * made.flow_export.milliwh).any()


def test_two_years_are_asked_month_by_month() -> None:
    """One earlier year gives no range; what is asked later knows more."""
    done = CliRunner().invoke(projection, ["--houses", "1", "--years", "2", "--programme", "nem2", "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["rows"]
    assert [(row["programme"], row["asked_at_the_end_of"]) for row in rows] == [
        ("nem2", month) for month in range(1, 12)
    ]
    assert {row["ranges"] for row in rows} == {0}
    assert 0 < float(rows[-1]["median_error"]) < float(rows[0]["median_error"])
