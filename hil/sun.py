"""A 9 kW array and its weather: AC power of every house second, integer milliwatts, from a seed.

Integers only, so that every machine makes the same day. The place is California's Central Valley (38.5 N); sunrise,
sunset and clear-sky peak are a table by month in Pacific Standard Time, the day's curve is a parabola, and clouds are
knots two minutes apart joined by straight lines. Good enough to move a meter; no claim about any real roof.
"""

from functools import lru_cache

from .chance import between, name_key, roll

PST_OFFSET_S = -8 * 3600
DAY_S = 86_400
KNOT_S = 120
STANDBY_MILLIW = -8_000  # the inverter at night draws this much

# Month: sunrise and sunset (minutes of the day, PST, middle of the month), clear-sky AC peak (W) of a 9 kW array.
_MONTHS = (
    (442, 1027, 5200),
    (417, 1062, 6000),
    (380, 1090, 6900),
    (335, 1118, 7500),
    (299, 1145, 7700),
    (283, 1172, 7700),
    (295, 1170, 7600),
    (322, 1142, 7500),
    (348, 1097, 7100),
    (375, 1051, 6400),
    (406, 1012, 5500),
    (433, 1005, 4900),
)
_CLOUDINESS = name_key("cloudiness")
_KNOT = name_key("cloud knot")
_DEPTH = name_key("cloud depth")


def clear_sky_milliw(utc_s: int) -> int:
    """AC power under a cloudless sky, milliwatts."""
    day, second = divmod(utc_s + PST_OFFSET_S, DAY_S)
    sunrise_min, sunset_min, peak_w = _MONTHS[_month(day)]
    half_s = (sunset_min - sunrise_min) * 30
    from_noon_s = second - (sunrise_min + sunset_min) * 30
    if abs(from_noon_s) >= half_s:
        return 0
    return peak_w * 1000 * (half_s * half_s - from_noon_s * from_noon_s) // (half_s * half_s)


def array_milliw(seed: int, utc_s: int) -> int:
    """AC power of the array in this second, milliwatts; below zero at night (standby)."""
    clear = clear_sky_milliw(utc_s)
    return clear * _sky_permille(seed, utc_s) // 1000 if clear else STANDBY_MILLIW


def _sky_permille(seed: int, utc_s: int) -> int:
    index, into_s = divmod(utc_s, KNOT_S)
    before, after = _knot_permille(seed, index), _knot_permille(seed, index + 1)
    return before + (after - before) * into_s // KNOT_S


@lru_cache(maxsize=16)
def _knot_permille(seed: int, index: int) -> int:
    """What the sky lets through at a knot: nearly all, or what a cloud leaves."""
    cloudiness = between(0, 350, seed, _CLOUDINESS, index * KNOT_S // 3600)
    if roll(seed, _KNOT, index) % 1000 < cloudiness:
        return between(250, 600, seed, _DEPTH, index)
    return between(965, 1000, seed, _DEPTH, index)


@lru_cache(maxsize=8)
def _month(day: int) -> int:
    """Month (0 .. 11) of a day counted from 1970-01-01. (H. Hinnant, chrono-compatible calendar, civil_from_days)"""
    of_era = (day + 719_468) % 146_097
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    from_march = (5 * of_year + 2) // 153
    return (from_march + 2) % 12
