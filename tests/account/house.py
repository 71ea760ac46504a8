"""A house with an array, as the readings of its meter: cumulative registers every 15 minutes, from an integer profile.

No reckoning of buckets or money. Every quarter's energy is a whole number of milliwatt-hours that can be worked out by
hand from the tables below; some quarters take and give, as a cloud makes them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")
QUARTER_US = 900_000_000
LOAD_WH = [90] * 6 + [140] * 3 + [80] * 7 + [260] * 5 + [130] * 3
"""Watt-hours a quarter, by the hour of the local clock."""
SUN_WH = [0] * 7 + [40, 150, 290, 380, 430, 450, 440, 400, 310, 190, 70] + [0] * 6
SUN_PERCENT = [0, 45, 55, 80, 100, 112, 118, 118, 110, 95, 75, 50, 40]
"""By month; month 0 does not exist."""

Row = tuple[int, int, int]
"""(instant, import register, export register), microseconds and milliwatt-hours."""


@dataclass(frozen=True)
class House:
    """How large the array is, in percent of the table above."""

    array_percent: int = 100

    def quarter(self, number: int, local: datetime) -> tuple[int, int]:
        """(import, export) of one quarter, milliwatt-hours; `number` counts from the first, for the clouds."""
        load = LOAD_WH[local.hour] * 1000 + (number * 37) % 101
        sun = SUN_WH[local.hour] * SUN_PERCENT[local.month] * self.array_percent // 10
        cloud = (number * 7919) % 41 * 500 if sun else 0
        return max(0, load - sun) + cloud, max(0, sun - load) + cloud


@dataclass(frozen=True)
class Days:
    """Energy spread evenly over the quarters of some hours of some days, to the milliwatt-hour in sum."""

    first: date
    last: date
    import_kwh: int = 0
    export_kwh: int = 0
    import_hours: range = range(24)
    export_hours: range = range(10, 16)


def spread(parts: Sequence[Days], opening: tuple[int, int] = (5_000_000, 7_000_000)) -> list[Row]:
    """Registers at every quarter of the parts, one after the other, each with its own energy."""
    rows = [(midnight_us(parts[0].first), *opening)]
    for part in parts:
        assert midnight_us(part.first) == rows[-1][0], f"{part.first} does not follow"
        days = (part.last - part.first).days + 1
        starts = range(rows[-1][0], midnight_us(part.first + timedelta(days=days)), QUARTER_US)
        hours = [datetime.fromtimestamp(one // 1_000_000, UTC).astimezone(PACIFIC).hour for one in starts]
        taken = even(part.import_kwh * 1_000_000, [one in part.import_hours for one in hours])
        given = even(part.export_kwh * 1_000_000, [one in part.export_hours for one in hours])
        for start_us, more, less in zip(starts, taken, given, strict=True):
            rows.append((start_us + QUARTER_US, rows[-1][1] + more, rows[-1][2] + less))
    return rows


def even(total: int, flowing: Sequence[bool]) -> list[int]:
    """`total` over the quarters that flow, as evenly as whole numbers go."""
    count, done, found = sum(flowing), 0, []
    for one in flowing:
        found.append((done + 1) * total // count - done * total // count if one else 0)
        done += one
    assert sum(found) == total
    return found


def midnight_us(day: date) -> int:
    """Local midnight, UTC microseconds."""
    return round(datetime.combine(day, time(), PACIFIC).timestamp()) * 1_000_000


def readings(
    first: date,
    last: date,
    quarter: Callable[[int, datetime], tuple[int, int]],
    opening: tuple[int, int] = (5_000_000, 7_000_000),
) -> list[Row]:
    """Registers at every quarter from local midnight of `first` to the one after `last`."""
    at_us, end_us = midnight_us(first), midnight_us(last + timedelta(days=1))
    taken, given = opening
    rows = [(at_us, taken, given)]
    number = 0
    while at_us < end_us:
        more = quarter(number, datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(PACIFIC))
        at_us, taken, given, number = at_us + QUARTER_US, taken + more[0], given + more[1], number + 1
        rows.append((at_us, taken, given))
    return rows


def with_gap(rows: Sequence[Row], start: str, end: str) -> list[Row]:
    """Without the readings strictly between two local times."""
    first, last = (
        round(datetime.fromisoformat(one).replace(tzinfo=PACIFIC).timestamp()) * 1_000_000 for one in (start, end)
    )
    kept = [row for row in rows if not first < row[0] < last]
    assert len(kept) < len(rows), "the gap lies outside the readings"
    return kept


def write_readings(path: Path, rows: Iterable[Row]) -> Path:
    """The table that `netmeter replay` reads, in watt-hours of three places."""
    lines = ["time,import_wh,export_wh"]
    for at_us, taken, given in rows:
        moment = datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines.append(f"{moment},{taken // 1000}.{taken % 1000:03},{given // 1000}.{given % 1000:03}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
