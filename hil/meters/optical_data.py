"""What a simulated optical meter has to tell: data sets of its counters and clock, and its load profile P.01.

Digits are cut off, never rounded, as a register cuts them. The profile is cut by the meter's own clock, which may run
ahead of the house, and holds energy per period by the registers' own digits. (IEC 62056-21, 6.5; VDEW P.01 as recorded)
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from ..counters import Count
from ..house_time import US_PER_S

MOST_PERIODS = 4000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Face:
    """How this meter writes: decimals of its energies in kWh, its serial number, how many lines it tells."""

    serial: str
    decimals: int = 3
    is_short: bool = False
    profile_min: int = 15


@dataclass(frozen=True, slots=True)
class MeterTime:
    """The meter's own clock: local time of `zone`, `ahead_us` before the house's."""

    zone: tzinfo
    ahead_us: int = 0

    def shown(self, house_us: int) -> tuple[str, datetime]:
        """("1" in summer else "0", the local time without zone)."""
        local = (_EPOCH + timedelta(microseconds=house_us + self.ahead_us)).astimezone(self.zone)
        return ("1" if local.dst() else "0"), local.replace(tzinfo=None)

    def stamp(self, house_us: int) -> str:
        """As P.01 writes it: season and YYMMDDhhmmss."""
        season, local = self.shown(house_us)
        return f"{season}{local:%y%m%d%H%M%S}"


class Periods:
    """The load profile: what each period of the meter's clock has counted. `shown` takes house time, forward only."""

    def __init__(self, face: Face, time: MeterTime, start_us: int, count_at: Callable[[int], Count]) -> None:
        self._face, self._time, self._count_at = face, time, count_at
        self.period_us = face.profile_min * 60 * US_PER_S
        self._next_us = self._edge_after(start_us)
        self._before: Count | None = None
        self.kept: OrderedDict[int, tuple[int, int]] = OrderedDict()
        """House time of a period's end -> (import, export) in counts of the last digit."""

    def advance(self, house_us: int) -> None:
        """Close every period that has ended by `house_us`."""
        while self._next_us <= house_us:
            count, before = self._count_at(self._next_us), self._before
            if before is not None:
                imported = self._digits(count.import_milliwh) - self._digits(before.import_milliwh)
                exported = self._digits(count.export_milliwh) - self._digits(before.export_milliwh)
                self.kept[self._next_us] = imported, exported
            self._before = count
            self._next_us += self.period_us
            while len(self.kept) > MOST_PERIODS:
                self.kept.popitem(last=False)

    def text(self, first: str, last: str) -> str | None:
        """P.01 from `first` to `last` (stamps of ends of periods, either may be empty); None where nothing is there."""
        stamps = [(self._time.stamp(end_us), counts) for end_us, counts in self.kept.items()]
        low, high = _bare(first), _bare(last)
        wanted = [one for one in stamps if low <= one[0][1:] and (not last or one[0][1:] <= high)]
        if not wanted:
            return None
        lines: list[str] = []
        season = ""
        for stamp, (imported, exported) in wanted:
            if stamp[0] != season:
                season = stamp[0]
                status = "08" if season == "1" else "00"
                head = f"P.01({stamp})({status})({self._face.profile_min})(2)(1-0:1.29.0)(kWh)(1-0:2.29.0)(kWh)"
                lines.append(head)
            lines.append(f"({self._kwh(imported, 4)})({self._kwh(exported, 4)})")
        return "\r\n".join(lines) + "\r\n"

    def _edge_after(self, house_us: int) -> int:
        own_us = house_us + self._time.ahead_us
        return -(-own_us // self.period_us) * self.period_us - self._time.ahead_us

    def _digits(self, milliwh: int) -> int:
        return milliwh // milliwh_of_digit(self._face.decimals)

    def _kwh(self, counts: int, width: int) -> str:
        return kwh_text(counts, self._face.decimals, width)


def milliwh_of_digit(decimals: int) -> int:
    """The last digit of a register in kWh with so many decimals."""
    return int(10 ** (6 - decimals))


def kwh_text(counts: int, decimals: int, width: int) -> str:
    """A count of last digits as kWh, so many places before the point."""
    whole, rest = divmod(counts, 10**decimals)
    return f"{whole:0{width}d}" + (f".{rest:0{decimals}d}" if decimals else "")


def data_sets(face: Face, time: MeterTime, count: Count, house_us: int) -> dict[str, str]:
    """Identifier -> what stands in the brackets, in the order of a readout."""
    season, local = time.shown(house_us)

    def kwh(milliwh: int) -> str:
        return kwh_text(milliwh // milliwh_of_digit(face.decimals), face.decimals, 6) + "*kWh"

    energy = {"1-0:1.8.0*255": kwh(count.import_milliwh), "1-0:2.8.0*255": kwh(count.export_milliwh)}
    if face.is_short:
        return {"1-0:0.0.0*255": face.serial, **energy}
    watts = count.power_milliw // 1000
    day, night = count.import_milliwh * 3 // 5, count.import_milliwh - count.import_milliwh * 3 // 5
    return {
        "F.F": "00000000",
        "1-0:0.0.0*255": face.serial,
        "1-0:0.9.1*255": f"{season}{local:%H%M%S}",
        "1-0:0.9.2*255": f"{season}{local:%y%m%d}",
        **energy,
        "1-0:1.8.1*255": kwh(day),
        "1-0:1.8.2*255": kwh(night),
        "1-0:1.8.0*01": kwh(count.import_milliwh // 2),
        "1-0:16.7.0*255": f"{'-' if watts < 0 else ''}{abs(watts):06d}*W",
        "1-0:32.7.0*255": "230.1*V",
        "1-0:97.97.0*255": "00000000",
    }


def _bare(stamp: str) -> str:
    """A stamp of a question, to the second and without its season."""
    digits = stamp[1:] if len(stamp) % 2 else stamp  # with its season it is odd
    return digits.ljust(12, "0")
