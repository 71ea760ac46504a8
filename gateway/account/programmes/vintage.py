"""Which Californian programme an application has by right, until when, and what ends it sooner.

A vintage is a dated history with a reason, never one word: decided by the application, lost by late completion, by
enlargement, after twenty years, or by the owner's own choice. This module states and warns; which programme is
reckoned with is what the account says. (net-metering A15; corrections A-15)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from ..programme_file import ProgrammeFile, load_programme
from ..terms import Generator, ProgrammeStint

NEM1, NEM2, NBT = "nem1", "nem2", "nbt"
_ONE_DAY = timedelta(days=1)


class Reason(StrEnum):
    """Why a vintage begins."""

    APPLICATION = "application"
    COMPLETED_LATE = "completed_late"
    ENLARGED = "enlarged"
    PROTECTION_ENDED = "protection_ended"
    OWN_CHOICE = "own_choice"


@dataclass(frozen=True, slots=True)
class Vintage:
    """A programme from a local day on, until the next of the history begins."""

    programme: str
    first_day: date
    reason: Reason
    why: str


def years_after(day: date, years: int) -> date:
    """The same day so many years later; 29 February becomes 28 February where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def programme_by_application(day: date, utility: str) -> str | None:
    """What an application of that day has by right; None for a utility whose dates are not known."""
    last_nem1 = load_programme(NEM1).day("last_application", utility)
    last_nem2 = load_programme(NEM2).day("last_application", utility)
    if last_nem1 is None or last_nem2 is None:
        return None
    if day <= last_nem1.day:
        return NEM1
    return NEM2 if day <= last_nem2.day else NBT


def protected_until(programme: str, pto: date) -> date | None:
    """The day on which the protection ends, its anniversary; None for a programme that states none."""
    if programme not in (NEM1, NEM2):
        return None
    file = load_programme(programme)
    return years_after(pto, int(file.figure_on("protected_years", "", pto).value))


def vintages(generator: Generator, utility: str, own_choice: date | None = None) -> tuple[Vintage, ...]:
    """The history by right; empty where a date or the utility does not tell. `own_choice`: when the owner left."""
    decided_by = generator.application or generator.pto
    programme = None if decided_by is None else programme_by_application(decided_by, utility)
    if decided_by is None or programme is None:
        return ()
    begins = generator.pto or decided_by
    if programme == NEM2 and _is_late(generator):
        why = f"permission to operate {generator.pto} is more than three years after the application {decided_by}"
        return (Vintage(NBT, begins, Reason.COMPLETED_LATE, why),)
    history = [Vintage(programme, begins, Reason.APPLICATION, f"application of {decided_by}")]
    for number in range(len(generator.enlargement) + 1):
        held = history[-1]
        since = generator.pto if number == 0 else held.first_day
        ends = sorted(_endings(generator, held, since, utility, own_choice), key=lambda one: one.first_day)
        history += ends[:1]
        if not ends or ends[0].programme == NBT:
            break
    return tuple(history)


def vintage_notes(generator: Generator, utility: str, stints: Sequence[ProgrammeStint], until: date) -> Iterator[str]:
    """What an owner should know of the dates that the account states, up to the local day `until`."""
    if not {one.name for one in stints} & {NEM1, NEM2, NBT}:
        return
    own = next((one.first for one in stints if one.name == NBT), None)
    history = vintages(generator, utility, own)
    yield from size_warnings(generator)
    yield from _date_warnings(generator, utility)
    yield from _stint_warnings(history, stints, until)
    if len(history) > 1 and history[-1].reason is Reason.PROTECTION_ENDED:
        yield f"{history[-2].programme} is protected until {history[-1].first_day}: {history[-1].why}"


def size_warnings(generator: Generator) -> Iterator[str]:
    """Above 1,000 kW NEM needs more than the standard way (net-metering, row 19; corrections B.4)."""
    limit = load_programme(NEM2).figure_on("standard_size", "", generator.pto or date.max).value
    size = generator.size_kw + sum((one.added_kw for one in generator.enlargement), Decimal(0))
    if size > limit:
        yield f"the plant has {size:f} kW; standard net metering ends at {limit:f} kW"


def _is_late(generator: Generator) -> bool:
    if generator.application is None or generator.pto is None:
        return False
    years = int(load_programme(NEM2).figure_on("years_to_complete", "", generator.application).value)
    return generator.pto > years_after(generator.application, years)


def _endings(
    generator: Generator, held: Vintage, since: date | None, utility: str, own_choice: date | None
) -> Iterator[Vintage]:
    """What may end a vintage whose protection counts from `since`, in no order."""
    if held.programme == NBT:
        return
    if own_choice is not None and own_choice > held.first_day:
        yield Vintage(NBT, own_choice, Reason.OWN_CHOICE, "the account leaves its vintage")
    until = None if since is None else protected_until(held.programme, since)
    if until is not None:
        yield Vintage(NBT, until, Reason.PROTECTION_ENDED, f"20 years from {since}")
    file = load_programme(NEM2)
    added = Decimal(0)
    for one in sorted(generator.enlargement, key=lambda one: one.day):
        added += one.added_kw
        most = _most_added(file, generator.size_kw, one.day)
        new = programme_by_application(one.day, utility)
        if added > most and new not in (None, held.programme) and one.day > held.first_day:
            why = f"{added:f} kW added to {generator.size_kw:f} kW: more than {most:f} kW"
            yield Vintage(new or NBT, one.day, Reason.ENLARGED, why)
            return


def _most_added(file: ProgrammeFile, size_kw: Decimal, day: date) -> Decimal:
    """The greater of a share and a size (A-15)."""
    share = file.figure_on("enlargement_percent", "", day).value * size_kw / 100
    return max(share, file.figure_on("enlargement_kw", "", day).value)


def _date_warnings(generator: Generator, utility: str) -> Iterator[str]:
    application, pto = generator.application, generator.pto
    if application is None or pto is None:
        missing = "application" if application is None else "pto"
        yield f"generator.{missing} is not stated: the vintage cannot be checked, or only by the other date"
        return
    by_application, by_pto = (programme_by_application(day, utility) for day in (application, pto))
    if by_application is None:
        yield f"utility {utility}: the dates of its net metering programmes are not known; verify the programme's name"
    elif by_application != by_pto:
        yield (
            f"by its application ({application}) the plant is {by_application}, by its interconnection ({pto}) it "
            f"would be {by_pto}: sources disagree on which counts; the application does here"
        )
    if by_application == NEM2 and _is_late(generator):
        yield f"permission to operate {pto} is more than three years after the application {application}: nbt"


def _stint_warnings(history: Sequence[Vintage], stints: Sequence[ProgrammeStint], until: date) -> Iterator[str]:
    """Where the account's programmes are not what the dates give."""
    for number, stint in enumerate(stints):
        if stint.name not in (NEM1, NEM2, NBT):
            continue
        last = stints[number + 1].first - _ONE_DAY if number + 1 < len(stints) else until
        for place, one in enumerate(history):
            end = history[place + 1].first_day - _ONE_DAY if place + 1 < len(history) else until
            first = max(stint.first, one.first_day)
            if first <= min(last, end, until) and stint.name != one.programme:
                yield (
                    f"from {first} the account has {stint.name}, its dates give {one.programme} "
                    f"({one.reason.replace('_', ' ')}: {one.why})"
                )
