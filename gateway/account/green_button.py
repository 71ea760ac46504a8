"""A utility's Green Button file as the intervals of a meter: what it delivered (flow 1) and what it received (flow 19).

Values are scaled by their ReadingType alone. Time is UTC as ESPI has it, intervals as long as they are. What is not
plain is refused with the mend, never guessed: net values, two usage points, one usage point for two meters, directions
in unlike intervals, one interval with two values.
(NAESB ESPI 3.3 and 4.0; a multiplier inside a reading is in no version and is not applied)
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from ..energy import Quality
from .energy import EnergyError, EnergyTable
from .espi import Reading, Stream, Told, read_streams
from .green_button_steps import finest
from .rows import Row

WATT_HOURS = "72"
DELIVERED, RECEIVED, NET, TOTAL = "1", "19", "4", "20"
DELTA, ENERGY, METERED = ("", "4"), ("", "12"), ("", "0", "1", "2")
REGISTER_AFTER = 96
"""So many values in a row of which none is below the one before, and not all are one, are a register's."""
ESTIMATED = frozenset({"8", "9", "10", "12", "13", "15"})
"""ReadingQuality: estimated by a reference day or by interpolation, questionable, projected, mixed, for weather."""
MILLIWH_PLACES = 3
MOST_W = 10_000_000
"""On average in an interval; what is more is a multiplier that is not meant."""
_SECOND_US = 1_000_000

Values = Mapping[int, tuple[int, int, int, bool]]
"""Start (seconds) -> duration (seconds), milliwatt-hours, how many are in doubt, whether it is estimated."""


def read_green_button(
    path: Path, meter: str, *, alone: bool = True, told: Told | None = None, notes: list[str] | None = None
) -> list[Row]:
    """The rows of the file's only usage point, or of that which is named like the meter. Raises EnergyError.

    `alone`: no other meter of the account is read from it; else its only usage point must have the meter's name, or its
    energy would be billed twice. `notes`: gets what a reader should know of the file.
    """
    streams = [one for one in read_streams(path, told) if _is_energy(one)]
    points = list(dict.fromkeys(one.point for one in streams))
    if not points:
        raise EnergyError(f"{path}: no stream of energy by the interval (ReadingType with uom 72, Wh) is in it")
    if len(points) > 1 and meter not in points:
        known = ", ".join(points)
        raise EnergyError(f"{path}: has {len(points)} usage points, {known}; name the [[meter]] as one of them")
    if not alone and meter not in points:
        raise EnergyError(
            f"{path}: has one usage point, {points[0] or 'without a name'}, and another meter is read from it too; "
            "give each [[meter]] its own file, or the name of its usage point"
        )
    own = [one for one in streams if one.point == (points[0] if len(points) == 1 else meter)]
    delivered, received = finest(_of_flow(own, DELIVERED), _of_flow(own, RECEIVED))
    if not delivered:
        flows = ", ".join(sorted({one.kind.get("flowDirection", "none") for one in own}))
        raise EnergyError(
            f"{path}: has nothing that the utility delivered (flowDirection 1), but {flows}; 4 and 20 are sums of both "
            "directions, of which no bill can be made: ask the utility for delivered and received apart"
        )
    if not received and any(each.value < 0 for one in _of_flow(own, NET) for each in one.readings):
        raise EnergyError(
            f"{path}: its net (flowDirection 4) is below zero at times, so you gave, but what was received from you "
            "(19) is not in it; download it with both directions"
        )
    untold = [one for one in (*delivered, *received) if not one.kind.get("accumulationBehaviour")]
    for one in untold:
        _refuse_register(path, one)
    if untold and notes is not None:
        notes.append(
            f"{meter}: its Green Button file does not say what its values are (no accumulationBehaviour; ESPI has no "
            "default): taken for the energy of each interval (4), since they are no rising register's"
        )
    return _rows(path, _values(path, delivered, "delivered"), _values(path, received, "received"))


def largest(table: EnergyTable) -> str:
    """What tells a reader that a file's unit is right, and what in it was not measured."""
    hours = (table.end_us - table.start_us) / (3600 * _SECOND_US)
    both = ((flow.milliwh / hours).max(initial=0) for flow in (table.flow_import, table.flow_export))
    taken, given = (f"{one / 1_000_000:.1f} kW" for one in both)
    told = f"{table.meter} is a Green Button file: at most {taken} taken and {given} given on average in an interval"
    estimated = int(table.estimated.sum())
    if estimated:
        told += f"; {estimated:,} of its {len(table):,} intervals are estimated or questionable, by its own word"
    if table.flow_export.milliwh.any():
        return told
    return f"{told}; if your plant gave some, what was received (flowDirection 19) is missing in the download"


def _is_energy(one: Stream) -> bool:
    kind = one.kind
    return (
        kind.get("uom") == WATT_HOURS
        and kind.get("accumulationBehaviour", "") in DELTA
        and kind.get("kind", "") in ENERGY
        and kind.get("commodity", "") in METERED
    )


def _of_flow(streams: Sequence[Stream], flow: str) -> list[Stream]:
    return [one for one in streams if one.kind.get("flowDirection") == flow]


def _values(path: Path, streams: Sequence[Stream], what: str) -> Values | None:
    """None where there is no such stream."""
    if not streams:
        return None
    found: dict[int, tuple[int, int, int, bool]] = {}
    for stream in streams:
        sign = _sign(path, stream.readings, what)
        for one in stream.readings:
            milliwh, doubt = _scaled(path, stream, sign * one.value)
            qualities = [code for code in one.qualities if code] or [stream.kind.get("defaultQuality", "")]
            made = (one.duration_s, milliwh, doubt, not ESTIMATED.isdisjoint(qualities))
            if found.setdefault(one.start_s, made) != made:
                raise EnergyError(
                    f"{path}: what was {what} in the interval that begins at {_utc(one.start_s)} is there twice, and "
                    "differs; download it again, or leave the older piece out"
                )
            _refuse_power(path, one, milliwh)
    return found


def _refuse_register(path: Path, stream: Stream) -> None:
    """Values that are not said to be energy by the interval and look like a register's. Raises EnergyError."""
    values = [one.value for one in sorted(stream.readings, key=lambda one: one.start_s)]
    if len(values) > REGISTER_AFTER and values[0] < values[-1] and all(a <= b for a, b in pairwise(values)):
        raise EnergyError(
            f"{path}: its values never fall in {len(values):,} intervals and its ReadingType has no "
            "accumulationBehaviour, so they are a register's; ask the utility for the energy of each interval (4)"
        )


def _sign(path: Path, readings: Iterable[Reading], what: str) -> int:
    """What was received may be written below zero, all of it; anything else below zero is a net."""
    values = [one.value for one in readings]
    if min(values, default=0) >= 0:
        return 1
    if what == "received" and max(values) <= 0:
        return -1
    raise EnergyError(
        f"{path}: what was {what} has values below zero, so it is a net of both directions; no bill can be made of it"
    )


def _scaled(path: Path, stream: Stream, value: int) -> tuple[int, int]:
    """Milliwatt-hours, floored, and how many are in doubt by that."""
    text = stream.kind.get("powerOfTenMultiplier") or "0"
    try:
        places = int(text) + MILLIWH_PLACES
    except ValueError as error:
        raise EnergyError(f'{path}: powerOfTenMultiplier "{text[:20]}" is no whole number') from error
    if not -12 <= places <= 12:
        raise EnergyError(f"{path}: powerOfTenMultiplier {text} is none of an energy meter")
    if places >= 0:
        return value * 10**places, 0
    whole, rest = divmod(value, 10**-places)
    return whole, 1 if rest else 0


def _refuse_power(path: Path, one: Reading, milliwh: int) -> None:
    if milliwh * 3600 > MOST_W * 1000 * one.duration_s:
        raise EnergyError(
            f"{path}: {milliwh // 1_000_000} kWh in the {one.duration_s} s from {_utc(one.start_s)} on are no meter's "
            "of an account: is its powerOfTenMultiplier right?"
        )


def _rows(path: Path, delivered: Values | None, received: Values | None) -> list[Row]:
    assert delivered is not None
    rows: list[Row] = []
    for start_s in sorted({*delivered, *(received or ())}):
        taken, given = delivered.get(start_s), (received or {}).get(start_s)
        if taken and given and taken[0] != given[0]:
            raise EnergyError(
                f"{path}: from {_utc(start_s)} on what was delivered is there by {taken[0]} s, what was received by "
                f"{given[0]} s; download both in the same intervals"
            )
        known = taken or given
        assert known is not None
        estimated = any(one[3] for one in (taken, given) if one)
        quality = Quality.ESTIMATED if estimated else Quality.MEASURED
        end_us = (start_s + known[0]) * _SECOND_US
        rows.append(Row(start_s * _SECOND_US, end_us, quality.value, *_part(taken), *_part(given)))
    return rows


def _part(one: tuple[int, int, int, bool] | None) -> tuple[int | None, int | None, int | None]:
    return (None, None, None) if one is None else (one[1], 0, one[2])


def _utc(seconds: int) -> str:
    from ..tariff.walltime import iso_utc

    return iso_utc(seconds * _SECOND_US)
