"""Prices of exports by time: what a file may say, and what energy is worth at them."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from gateway.account.energy import EnergyError
from gateway.account.price_series import long_step, read_price_series, series_of, worth_of

from .energies import table, us

FILE = """\
start,price_per_kwh
2026-07-01T10:00-07:00,0.05
2026-07-01T11:00-07:00,-0.0125
2026-07-01T12:00-07:00,3.11
2026-07-01T13:00-07:00,
"""


def test_each_interval_has_the_price_of_its_step(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(FILE, encoding="utf-8")
    energy = table("2026-07-01T10:30", 30, [(0, 1000), (0, 2000), (0, 0), (0, 3000)])
    prices = read_price_series(path).prices_of(energy, slice(0, 4))
    assert prices.tolist() == [50_000_000, -12_500_000, -12_500_000, 3_110_000_000]
    # 1 kWh x 0.05 - 2 kWh x 0.0125 + 3 kWh x 3.11
    assert worth_of(energy.flow_export.milliwh, prices) == Decimal("9.355")


def test_energy_without_a_price_of_its_own_is_refused() -> None:
    begins = [us("2026-07-01T10:00"), us("2026-07-01T11:00")]
    steps = series_of("made", begins, [Decimal(1), Decimal(2)], us("2026-07-01T12:00"))
    for start in ("2026-07-01T09:30", "2026-07-01T10:30", "2026-07-01T11:30"):
        with pytest.raises(EnergyError, match="made has no one price for it; give prices that hold"):
            steps.prices_of(table(start, 60, [(5, 5)]), slice(0, 1))
    nothing_given = table("2026-07-01T10:30", 60, [(5, 0)])
    steps.prices_of(nothing_given, slice(0, 1))


def test_worth_is_exact_beyond_64_bits() -> None:
    milliwh, price = np.full(4, 10**15, dtype=np.int64), np.full(4, 99_999_999_999_999, dtype=np.int64)
    assert worth_of(milliwh, price) == Decimal(4 * 10**15 * 99_999_999_999_999).scaleb(-15)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("start;price_per_kwh\n", ":1: the columns are start and price_per_kwh"),
        ("start,price_per_kwh\n2026-07-01T10:00,0.1\n", ":2: start '2026-07-01T10:00' is no time with an offset"),
        ("start,price_per_kwh\nnoon,0.1\n", ":2: start 'noon' is no time with an offset"),
        ("start,price_per_kwh\n2026-07-01T10:00Z,dear\n", ":2: price_per_kwh 'dear' is no number"),
        ("start,price_per_kwh\n2026-07-01T10:00Z,nan\n", ":2: price_per_kwh 'nan' is no number"),
        ("start,price_per_kwh\n2026-07-01T10:00Z,0.1\n", "a last one that says when the last step ends"),
        (FILE.replace("T11:00", "T10:00"), "2026-07-01T17:00:00Z does not follow the step before it"),
        (FILE.replace("-0.0125", ""), ":3: there is no price; only the last row has none"),
        (FILE.replace(",3.11", ""), ":4: there is no price; only the last row has none"),
        (FILE.replace("0.05", "0.0123456789"), "0.0123456789 has more than 9 places"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EnergyError) as error:
        read_price_series(path)
    assert said in str(error.value)


def test_a_file_as_a_spreadsheet_saves_it(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(FILE, encoding="utf-8-sig")
    assert len(read_price_series(path).start_us) == 3


def test_hours_that_lack_among_hours_are_told() -> None:
    """Of 48 hours those from 10:00 to 12:00 have no row: the price of 09:00 would hold for three."""
    begins = [us("2026-07-01T00:00") + 3_600_000_000 * hour for hour in range(48)]
    whole = series_of("made", begins, [Decimal(1)] * 48, begins[-1] + 3_600_000_000)
    lacking = series_of("made", begins[:10] + begins[12:], [Decimal(1)] * 46, begins[-1] + 3_600_000_000)
    assert long_step(whole) == ""
    assert "the price of 2026-07-01T16:00:00Z holds for 180 minutes, and nearly all hold for 60" in long_step(lacking)


def test_two_seasons_are_no_steps_that_lack() -> None:
    seasons = [us("2026-01-01T00:00"), us("2026-06-01T00:00"), us("2026-10-01T00:00")]
    assert long_step(series_of("made", seasons, [Decimal(1)] * 3, us("2027-01-01T00:00"))) == ""


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EnergyError, match=r"gone\.csv: cannot be read"):
        read_price_series(tmp_path / "gone.csv")
