"""Several tariffs one after the other: what a customer had who changed schedule, as one tariff.

Each keeps its own seasons, hours, holidays, prices and parts for the days on which the customer had it. The hours
must go by one clock and the prices be in one currency. Pure; files are read by `tariff_file`.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from ..config.document import Document
from .types import Tariff, Version

_ONE_DAY = timedelta(days=1)


class Stint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from"}):
    """A tariff from one day on, until the next begins."""

    tariff: str
    """A name or a path, as in gateway.toml; a path is looked up beside this file."""
    first: datetime.date


class History(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `schedule` is in order of time."""

    format: Annotated[int, Meta(ge=1, le=1)]
    id: str
    name: str
    schedule: tuple[Stint, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a version of the joined tariff comes from."""

    stint: int
    version: Version


def check_history(document: Document, history: History, tariffs: Sequence[Tariff]) -> None:
    """Notes what keeps the tariffs from being joined; `tariffs` are those of the stints, in their order."""
    first = tariffs[0]
    for position, (stint, tariff) in enumerate(zip(history.schedule, tariffs, strict=True)):
        path = ("schedule", position)
        if position and stint.first <= history.schedule[position - 1].first:
            document.add((*path, "from"), "schedules must be in order of time, one a day", value=stint.first)
        for key, one, other in (
            ("zone", first.zone, tariff.zone),
            ("clock", first.clock.value, tariff.clock.value),
            ("currency", first.currency, tariff.currency),
        ):
            if one != other:
                message = f"{tariff.id} has {key} {other}, {first.id} has {one}"
                document.add((*path, "tariff"), message, "they cannot be one history", value=stint.tariff)


def joined(history: History, tariffs: Sequence[Tariff]) -> tuple[Tariff, tuple[Origin, ...]]:
    """The tariffs as one, and where each of its versions comes from. `check_history` has found nothing."""
    ends: list[date | None] = [one.first - _ONE_DAY for one in history.schedule[1:]]
    versions: list[Version] = []
    origins: list[Origin] = []
    for position, (stint, tariff, last) in enumerate(zip(history.schedule, tariffs, [*ends, None], strict=True)):
        for version, until in zip(tariff.version, [*tariff.version[1:], None], strict=True):
            cut = _cut(version, until, stint.first, last)
            if cut is None:
                continue
            versions.append(_own(tariff, version, *cut))
            origins.append(Origin(position, version))
    first = tariffs[0]
    whole = Tariff(
        format=history.format,
        id=history.id,
        name=history.name,
        utility=", ".join(dict.fromkeys(one.utility for one in tariffs)),
        zone=first.zone,
        clock=first.clock,
        currency=first.currency,
        source=", ".join(dict.fromkeys(one.source for one in tariffs)),
        version=tuple(versions),
    )
    return whole, tuple(origins)


def _cut(version: Version, until: Version | None, first: date, last: date | None) -> tuple[date, date | None] | None:
    """The first and last day of a version within a stint; None where they do not meet, a last day of None: open."""
    begins = max(version.effective, first)
    before_next = None if until is None else until.effective - _ONE_DAY
    ends = [one for one in (version.last_day, last, before_next) if one is not None]
    if ends and min(ends) < begins:
        return None
    if last is not None and last == min(ends):
        return begins, last
    return begins, version.last_day


def _own(tariff: Tariff, version: Version, first: date, last: date | None) -> Version:
    """A version that has everything itself that it had from its tariff."""
    return msgspec.structs.replace(
        version,
        effective=first,
        last_day=last,
        source=f"{tariff.id}, version {version.id}: {version.source}",
        season=tariff.seasons_of(version),
        period=tariff.periods_of(version),
        holidays="",
        holiday=tariff.holidays_of(version),
        parts=tariff.parts_of(version),
        flags=tariff.flags_of(version),
    )
