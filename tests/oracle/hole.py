"""A month's net-metering bill hour by hour, and what it can come to where of some hours only the sum is known.

NEM 2.0 from its words (net-metering 1.2, corrections A-1, A-6): each price's net, the baseline's credit on the month's
net, non-bypassable charges on what each hour took net. The hole's energy is laid into its hours in many ways, at
extremes and at random: what is found is possible, so a range must hold all of it. Slow and obvious. Imports nothing of
the program under test.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

MILLIWH_PER_KWH = 1_000_000
Hour = tuple[str, str, int, int]
"""(block of days, period of the day, taken, given); milliwatt-hours."""


@dataclass(frozen=True)
class Sheet:
    """USD per kWh; `charge` is the non-bypassable part of every price. `allowed_kwh`: of all days of each block."""

    price: Mapping[str, Fraction]
    charge: Fraction
    credit: Fraction
    allowed_kwh: Mapping[str, int]


def bill(hours: Sequence[Hour], sheet: Sheet) -> dict[str, Fraction]:
    """Lines by name, and `carried`, their sum."""
    net_milliwh: dict[tuple[str, str], int] = {}
    charged_milliwh: dict[str, int] = {}
    for block, period, taken, given in hours:
        net_milliwh[block, period] = net_milliwh.get((block, period), 0) + taken - given
        charged_milliwh[block] = charged_milliwh.get(block, 0) + max(taken - given, 0)
    lines = {
        f"energy {block} {period}": Fraction(milliwh, MILLIWH_PER_KWH) * (sheet.price[period] - sheet.charge)
        for (block, period), milliwh in net_milliwh.items()
    }
    for block, milliwh in charged_milliwh.items():
        lines[f"non_bypassable {block}"] = Fraction(milliwh, MILLIWH_PER_KWH) * sheet.charge
    nets = dict.fromkeys(sheet.allowed_kwh, Fraction(0))
    for (block, _), milliwh in net_milliwh.items():
        nets[block] += Fraction(milliwh, MILLIWH_PER_KWH)
    within = within_baseline(list(nets.values()), [sheet.allowed_kwh[one] for one in nets])
    for block, amount in zip(nets, within, strict=True):
        lines[f"baseline {block}"] = -amount * sheet.credit
    lines["carried"] = sum(lines.values(), Fraction(0))
    return lines


def within_baseline(nets_kwh: Sequence[Fraction | int], allowed_kwh: Sequence[int]) -> list[Fraction]:
    """Of each block of days what is within its allowance, on the side of the month's net; together never beyond it."""
    month = sum(nets_kwh, Fraction(0))
    sign, left, made = (1 if month > 0 else -1), abs(month), []
    for net, allowed in zip(nets_kwh, allowed_kwh, strict=True):
        within = min(max(Fraction(0), sign * Fraction(net)), Fraction(allowed), left)
        left -= within
        made.append(sign * within)
    return made


def placements(hole: Sequence[Hour], dice: random.Random, tries: int) -> Iterator[list[Hour]]:
    """The hole's hours, whose energies are what was booked, with the same sums laid otherwise."""
    taken, given = sum(one[2] for one in hole), sum(one[3] for one in hole)
    first_of = {one[:2]: at for at, one in reversed(list(enumerate(hole)))}
    last_of = {one[:2]: at for at, one in enumerate(hole)}
    for into in first_of.values():
        for out in (*first_of.values(), *last_of.values()):
            yield _laid(hole, {into: taken}, {out: given})
    for _ in range(tries):
        yield _laid(hole, _parts(taken, len(hole), dice), _parts(given, len(hole), dice))


def _parts(whole: int, hours: int, dice: random.Random) -> dict[int, int]:
    """Into one hour, some, or all of them."""
    made: dict[int, int] = {}
    places = dice.sample(range(hours), dice.choice((1, 2, 3, hours)) if hours > 3 else 1)
    for at in places[1:]:
        made[at] = dice.randrange(whole // len(places) + 1)
    made[places[0]] = whole - sum(made.values())
    return made


def _laid(hole: Sequence[Hour], taken: Mapping[int, int], given: Mapping[int, int]) -> list[Hour]:
    return [(one[0], one[1], taken.get(at, 0), given.get(at, 0)) for at, one in enumerate(hole)]


def widest(
    hours: Sequence[Hour], hole: slice, sheet: Sheet, dice: random.Random, tries: int = 100
) -> dict[str, tuple[Fraction, Fraction]]:
    """By line the least and the most that was found."""
    found: dict[str, tuple[Fraction, Fraction]] = {}
    for placed in placements(hours[hole], dice, tries):
        for key, amount in bill([*hours[: hole.start], *placed, *hours[hole.stop :]], sheet).items():
            low, high = found.get(key, (amount, amount))
            found[key] = min(low, amount), max(high, amount)
    return found
