"""What the two meters of `netmeter-hil card` have counted at any step of their year: the truth, in whole watt-hours.

A house between grid and array: takes by night, gives by day, a little of both in most steps. Integers of a seed and the
step; knows the local hour and no tariff.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..chance import between, name_key
from ..house_time import US_PER_S
from ..household import ZONE

GRID, ARRAY = "grid", "array"
METERS = (GRID, ARRAY)
FIRST_DAY = datetime(2025, 1, 1, tzinfo=ZONE)
DAY_US = 86_400 * US_PER_S
WH = 1000
DIGIT_MILLIWH = WH
_SUN_TENTHS = (0, 0, 0, 0, 0, 0, 0, 1, 3, 5, 7, 9, 10, 10, 9, 7, 4, 2, 0, 0, 0, 0, 0, 0)
"""Of the array's most, by the local hour."""
_SUN_MOST_WH, _LOAD_MOST_WH = 6_400, 2_400
"""In an hour."""
_SUN, _LOAD, _STANDBY = name_key("card sun"), name_key("card load"), name_key("card standby")

Counts = tuple[int, int]
"""Import and export, milliwatt-hours."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When what happens. Days of local time count from FIRST_DAY; microseconds are UTC."""

    days: int
    dies_on_day: int
    interval_min: int
    seed: int

    def __post_init__(self) -> None:
        if not 2 <= self.dies_on_day <= self.days - 8:
            raise ValueError(f"of {self.days} days the card dies on day 2 to {self.days - 8}, not {self.dies_on_day}")
        if self.interval_min not in (15, 30, 60):
            raise ValueError(f"intervals of {self.interval_min} min: 15, 30 or 60")

    @property
    def step_us(self) -> int:
        """From reading to reading: two in an interval."""
        return self.interval_min * 30 * US_PER_S

    @property
    def start_us(self) -> int:
        return _midnight_us(0)

    @property
    def end_us(self) -> int:
        """One interval after the last midnight, so that the last day's intervals are closed."""
        return _midnight_us(self.days) + 2 * self.step_us

    @property
    def delivered_us(self) -> int:
        """The last reading that anybody hears of: at noon and a step, between two edges."""
        return _midnight_us(self.dies_on_day) + DAY_US // 2 + self.step_us

    @property
    def destroyed_us(self) -> int:
        """Two days and a half later the card is gone."""
        return self.delivered_us + 5 * DAY_US // 2

    @property
    def again_us(self) -> int:
        """The first reading of the new hardware, a day and a step later."""
        return self.destroyed_us + DAY_US

    def steps(self, from_us: int) -> range:
        """All readings from an instant on, with the one at the end."""
        return range(from_us, self.end_us + 1, self.step_us)


class Year:
    """The registers of both meters at each step of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._counts: dict[str, list[Counts]] = {
            GRID: [(5_000_000 * WH, 900_000 * WH)],
            ARRAY: [(70 * WH, 12_345 * WH)],
        }

    def at(self, meter: str, at_us: int) -> Counts:
        """What it shows at a step. Raises ValueError between two."""
        number, rest_us = divmod(at_us - self._plan.start_us, self._plan.step_us)
        if rest_us or number < 0:
            raise ValueError(f"{at_us} is no step of this year")
        counts = self._counts[meter]
        while len(counts) <= number:
            grown = self._grown(meter, len(counts) - 1)
            counts.append((counts[-1][0] + grown[0], counts[-1][1] + grown[1]))
        return counts[number]

    def between(self, meter: str, from_us: int, to_us: int) -> Counts:
        """What flowed between two steps."""
        before, after = self.at(meter, from_us), self.at(meter, to_us)
        return after[0] - before[0], after[1] - before[1]

    def _grown(self, meter: str, number: int) -> Counts:
        plan = self._plan
        hour = datetime.fromtimestamp((plan.start_us + number * plan.step_us) // US_PER_S, ZONE).hour
        share = plan.step_us * 1000 // (3_600 * US_PER_S)  # thousandths of an hour
        given = _SUN_TENTHS[hour] * between(_SUN_MOST_WH // 4, _SUN_MOST_WH, plan.seed, _SUN, number) * share // 10_000
        taken = between(100, _LOAD_MOST_WH, plan.seed, _LOAD, number) * share // 1000
        if meter == ARRAY:
            standby = 0 if given else between(0, 2, plan.seed, _STANDBY, number)
            return standby * WH, given * WH
        both = between(0, 30, plan.seed, _STANDBY, number)  # clouds: within one step it takes and gives
        return (max(taken - given, 0) + both) * WH, (max(given - taken, 0) + both) * WH


def _midnight_us(day: int) -> int:
    return round((FIRST_DAY + timedelta(days=day)).timestamp()) * US_PER_S
