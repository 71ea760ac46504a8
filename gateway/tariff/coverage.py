"""What `netmeter tariff check` warns of: hours that no rule covers or two claim, and versions that leave a hole.

The tariff can be used as it is; what stands here is hardly meant. Every kind of day that occurs in a version is laid
out once (`days`), so that a hole on one holiday in six years is found. Changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from ..config.problem import Problem, Severity, TomlPath
from .days import DayKind, DayRules, Piece, in_season
from .flags import LEAVES_OUT, REASONS, Flag
from .tariff_file import HISTORY_KEY, TariffFile
from .types import MINUTES_A_DAY, Period, Tariff, Version, clock_of

_ONE_DAY = timedelta(days=1)
_YEARS_LOOKED_AT = 28  # in which every day of the year has come on every weekday
_FULL_WEEK = 7
_WEEKDAY_NAMES = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to tell, and where."""

    path: TomlPath
    message: str
    mend: str
    severity: Severity = Severity.WARNING


@dataclass(slots=True)
class _VersionDays:
    """The kinds of day that occur while one version holds, each with the first date of it."""

    position: int
    version: Version
    kinds: dict[DayKind, date] = field(default_factory=dict)


def coverage(file: TariffFile) -> tuple[Problem, ...]:
    """All findings in the order of the file's lines, warnings and notes."""
    if not file.origins:
        return _noted(file, [*_versions(file.tariff), *_findings(file)])
    # Of a history: what its own dates leave out, then what is to be said of each file it names.
    own = [replace(one, path=(HISTORY_KEY,)) for one in (*_late(file), *_versions(file.tariff))]
    named = {one.document.file: one for one, _ in file.origins}
    return (*_noted(file, own), *(problem for one in named.values() for problem in _noted(one, _findings(one))))


def _findings(file: TariffFile) -> list[Finding]:
    tariff = file.tariff
    rules = DayRules(tariff)
    findings: list[Finding] = []
    for days in _days_of_versions(tariff, rules):
        findings += _season_holes(tariff, days)
        findings += _hours_without_rule(tariff, rules, days)
        findings += _claims(tariff, rules, days)
        findings += _holidays(tariff, days)
    findings += _flags(tariff)
    return [*findings, *_open_questions(file)]


def _noted(file: TariffFile, findings: list[Finding]) -> tuple[Problem, ...]:
    before = len(file.document.problems)
    # Rules that several versions share are looked at for each of them, but told once, with the first date.
    told: dict[tuple[TomlPath, str], Finding] = {}
    for one in findings:
        told.setdefault((one.path, one.message), one)
    for one in told.values():
        file.document.add(one.path, one.message, one.mend, severity=one.severity)
    problems = file.document.problems[before:]
    del file.document.problems[before:]
    return tuple(sorted(problems, key=lambda problem: (problem.severity is Severity.NOTE, problem.line)))


def _days_of_versions(tariff: Tariff, rules: DayRules) -> Iterator[_VersionDays]:
    following = [one.effective - _ONE_DAY for one in tariff.version[1:]]
    for position, (version, before_next) in enumerate(zip(tariff.version, [*following, None], strict=True)):
        days = _VersionDays(position, version)
        day, last = version.effective, version.effective + timedelta(days=366 * _YEARS_LOOKED_AT)
        last = min(one for one in (last, before_next, version.last_day) if one is not None)
        while day <= last:
            days.kinds.setdefault(rules.kind_of(day), day)
            day += _ONE_DAY
        yield days


def _late(file: TariffFile) -> Iterator[Finding]:
    """A history that begins before the figures of its first tariff do."""
    schedule = file.document.table[HISTORY_KEY]
    first = schedule[0].get("from") if isinstance(schedule, list) else None
    begins = file.tariff.version[0].effective
    if isinstance(first, date) and first < begins:
        message = f"no version holds from {first} to {begins - _ONE_DAY}"
        yield Finding((), message, "the tariff's file begins later than the schedule")


def _versions(tariff: Tariff) -> Iterator[Finding]:
    for position, version in enumerate(tariff.version):
        if version.last_day is None:
            continue
        path = ("version", position, "last_day")
        after = version.last_day + _ONE_DAY
        if position + 1 == len(tariff.version):
            message = f"version {version.id} ends on {version.last_day} and none follows"
            yield Finding(
                path,
                f"{message}: from {after} on no hour has a bucket",
                "add the next [[version]], or leave last_day out",
            )
            continue
        following = tariff.version[position + 1].effective
        if after < following:
            message = f"no version holds from {after} to {following - _ONE_DAY}"
            yield Finding(path, message, "add the [[version]] between, or correct the dates")
        elif after > following:
            message = f"versions {version.id} and {following} both hold from {following} to {version.last_day}"
            yield Finding(path, f"{message}: the later one decides", "correct the dates")


def _season_holes(tariff: Tariff, days: _VersionDays) -> Iterator[Finding]:
    seasons = tariff.seasons_of(days.version)
    year = [date(2000, 1, 1) + timedelta(days=number) for number in range(366)]  # a leap year
    bare = {day for day in year if not any(in_season(one, day) for one in seasons)} if seasons else set()
    path = ("version", days.position) if days.version.season else ("season",)
    for first in sorted(bare):
        if year[year.index(first) - 1] in bare:  # the day before 1 January is 31 December
            continue
        last = year.index(first)
        while year[(last + 1) % 366] in bare and year[(last + 1) % 366] != first:
            last = (last + 1) % 366
        yield Finding(path, f"no season holds from {first:%m-%d} to {year[last]:%m-%d}", "let each day have one season")


def _hours_without_rule(tariff: Tariff, rules: DayRules, days: _VersionDays) -> Iterator[Finding]:
    """Grouped by hours, so that one hole is one finding and not seven."""
    holes: dict[tuple[int, int, int], dict[DayKind, date]] = {}
    seasons = tariff.seasons_of(days.version)
    for kind, day in days.kinds.items():
        if kind.season < 0 and seasons:
            continue
        for start, end in _unclaimed(rules.pieces(day)):
            holes.setdefault((kind.season, start, end), {})[kind] = day
    path = ("version", days.position) if days.version.period else ("period",)
    for (season, start, end), kinds in holes.items():
        where = f" in {seasons[season].name}" if season >= 0 else ""
        message = f"no period covers {clock_of(start)} to {clock_of(end)} on {_day_words(kinds)}{where}"
        first = min(kinds.values())
        yield Finding(path, message, f"such as {first}; a last period for the whole day takes what is left")


def _unclaimed(pieces: tuple[Piece, ...]) -> Iterator[tuple[int, int]]:
    start: int | None = None
    for piece in pieces:
        if piece.claims and start is not None:
            yield start, piece.minute
            start = None
        elif not piece.claims and start is None:
            start = piece.minute
    if start is not None:
        yield start, MINUTES_A_DAY


def _claims(tariff: Tariff, rules: DayRules, days: _VersionDays) -> Iterator[Finding]:
    """Periods that never decide, and pairs that claim the same hours."""
    periods = tariff.periods_of(days.version)
    claimed: list[set[tuple[DayKind, int]]] = [set() for _ in periods]
    decided: set[int] = set()
    for kind, day in days.kinds.items():
        for piece in rules.pieces(day):
            for one in piece.claims:
                claimed[_position(periods, one)].add((kind, piece.minute))
            if piece.claims:
                decided.add(_position(periods, piece.claims[0]))
    for later, period in enumerate(periods):
        path = ("version", days.position, "period", later) if days.version.period else ("period", later)
        if later not in decided:
            why = "the ones before it take all its hours" if claimed[later] else "no day of this tariff fits it"
            yield Finding(path, f"period {period.name} never decides: {why}", "of those that fit, the first decides")
            continue
        for earlier in range(later):
            both = claimed[earlier] & claimed[later]
            if both and earlier in decided and periods[earlier].name != period.name:
                yield _pair(path, periods[earlier], period, claimed[earlier] <= claimed[later], both)


def _pair(path: TomlPath, earlier: Period, later: Period, inside: bool, both: set[tuple[DayKind, int]]) -> Finding:
    if inside:
        message = f"period {earlier.name} lies inside {later.name}: {earlier.name} decides there, as it stands first"
        return Finding(path, message, "", Severity.NOTE)
    minute = min(minute for _, minute in both)
    kinds = {kind: date.min for kind, one in both if one == minute}
    message = f"periods {earlier.name} and {later.name} both claim hours from {clock_of(minute)} on {_day_words(kinds)}"
    return Finding(path, f"{message}: {earlier.name} decides, as it stands first", "let each hour have one period")


def _holidays(tariff: Tariff, days: _VersionDays) -> Iterator[Finding]:
    version, rules = days.version, tariff.holidays_of(days.version)
    own = version.holiday is not None
    path = ("version", days.position, "holiday") if own else ("holiday",)
    dated = [one.date for one in rules if one.date is not None]
    is_last = days.position + 1 == len(tariff.version)
    if dated and len(dated) == len(rules) and is_last and version.last_day is None:
        message = f"the holidays end with {max(dated)}: later ones are days like any other"
        yield Finding(path, message, 'write them as rules: on = "07-04"')
    periods = tariff.periods_of(version)
    if rules and all(tuple(one.days) == ("every",) for one in periods):
        yield Finding(path, "the holidays change nothing: every period holds on every day", "", Severity.NOTE)


def _flags(tariff: Tariff) -> Iterator[Finding]:
    """What the figures leave out, as they say themselves."""
    mend = "what needs it is refused for that reason"
    places: list[tuple[TomlPath, tuple[Flag, ...]]] = [(("flags",), tariff.flags)]
    places += [(("version", position, "flags"), one.flags) for position, one in enumerate(tariff.version)]
    for path, flags in places:
        for flag in flags:
            # Prices that are missing are refused later; an hour in the wrong bucket nobody refuses.
            severity = Severity.WARNING if flag is Flag.HOLIDAYS_UNSETTLED else Severity.NOTE
            yield Finding(path, REASONS[flag], mend if LEAVES_OUT[flag] else "", severity)


def _open_questions(file: TariffFile) -> Iterator[Finding]:
    for one in file.lists:
        places: list[TomlPath] = [("holidays",)] if file.tariff.holidays == one.id else []
        places += [
            ("version", at, "holidays") for at, each in enumerate(file.tariff.version) if each.holidays == one.id
        ]
        for question in one.open:
            mend = "ask the utility; to decide otherwise copy the list's rules into the tariff and change them"
            yield Finding(places[0], f"holidays {one.id}: {question}", mend)


def _position(periods: tuple[Period, ...], period: Period) -> int:
    return next(at for at, one in enumerate(periods) if one is period)


def _day_words(kinds: dict[DayKind, date]) -> str:
    """`weekdays`, `weekends and holidays`, `Sundays and days after holidays`."""
    week = {kind.weekday for kind in kinds if not kind.holiday and not kind.after_holiday}
    words: list[str] = []
    if len(week) == _FULL_WEEK:
        words.append("all days")
    else:
        for name, days in (("weekdays", {0, 1, 2, 3, 4}), ("weekends", {5, 6})):
            words += [name] if days <= week else [_WEEKDAY_NAMES[one] for one in sorted(days & week)]
    if any(kind.holiday for kind in kinds):
        words.append("holidays")
    if any(kind.after_holiday and not kind.holiday and kind.weekday not in week for kind in kinds):
        words.append("days after holidays")
    return " and ".join(words) if len(words) < 3 else ", ".join(words[:-1]) + " and " + words[-1]
