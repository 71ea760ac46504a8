"""A programme that is billed as another for a time: by right net billing, on the bills net metering until a true-up.

MCE's Solar Billing Plan began so: who applied after 2023-04-14 and was permitted before 2024-04-15 is billed under net
metering until the next true-up. Only stints are rewritten here; nothing is reckoned. (corrections A-10 f)
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import msgspec

from ..config.document import Document
from .programme_file import ProgrammeFile, load_programme
from .registry import MAKERS, MCE
from .terms import AccountTerms, Generator, ProgrammeStint

_ONE_DAY = timedelta(days=1)


def as_billed(stints: Sequence[ProgrammeStint]) -> tuple[ProgrammeStint, ...]:
    """Each stint by the programme of its bills: one that is billed as another becomes two."""
    return tuple(piece for one in stints for piece in _pieces(one))


def stints_by_right(terms: AccountTerms) -> tuple[ProgrammeStint, ...]:
    """The same by what the customer has by right; `mce` stands for the utility's programme behind it."""
    found: list[ProgrammeStint] = []
    for one, following in zip(terms.programme, (*terms.programme[1:], None), strict=True):
        name = one.name
        if one.billed_until is not None and following is not None:
            name = following.name
        elif name == MCE:
            name = utility_programme(terms) or name
        found.append(msgspec.structs.replace(one, name=name))
    return tuple(found)


def utility_programme(terms: AccountTerms) -> str | None:
    """The net-metering programme of the utility's part of an `mce` account; None where nothing tells it."""
    chosen = load_programme(MCE).choice("utility_programme", terms.customer.utility, terms.choices, terms.customer.kind)
    if chosen != "by_application":
        return chosen
    day = _decided_by(terms.generator)
    if day is None:
        return None
    last = load_programme("nem1").day("last_application", terms.customer.utility)
    return "nem1" if last is not None and day <= last.day else "nem2"


def check_billed_as(document: Document, terms: AccountTerms) -> None:
    """Notes what cannot be in `billed_as` and `billed_until`."""
    for position, one in enumerate(terms.programme):
        path = ("programme", position)
        if bool(one.billed_as) != (one.billed_until is not None):
            mend = 'both: billed_as = "mce", billed_until = the last day of the true-up after which it ends'
            document.add((*path, "billed_as"), "billed_as and billed_until go together", mend, value=one.name)
        elif one.billed_until is not None and one.billed_until < one.first:
            document.add((*path, "billed_until"), f"ends before {one.first}", value=one.billed_until)
        elif one.billed_as and (one.billed_as not in MAKERS or one.billed_as == one.name):
            mend = "another programme than its own, such as mce"
            document.add((*path, "billed_as"), f"{one.name} cannot be billed as {one.billed_as}", mend)
        elif one.billed_as == MCE:
            for message in _outside_interim(load_programme(MCE), terms.generator):
                document.warn((*path, "billed_as"), message, "see the date on the agreement", value=one.billed_as)


def _pieces(stint: ProgrammeStint) -> Iterator[ProgrammeStint]:
    if not stint.billed_as or stint.billed_until is None:
        yield stint
        return
    why = f"billed as {stint.billed_as} until {stint.billed_until}, by right {stint.name}"
    reason = f"{stint.reason}; {why}" if stint.reason else why
    yield msgspec.structs.replace(stint, name=stint.billed_as, reason=reason)
    first = stint.billed_until + _ONE_DAY
    yield ProgrammeStint(name=stint.name, first=first, reason=f"no longer billed as {stint.billed_as}")


def _outside_interim(file: ProgrammeFile, generator: Generator | None) -> Iterator[str]:
    first, last = file.day("interim_first_application", ""), file.day("interim_last_pto", "")
    assert first is not None
    assert last is not None
    if generator is None:
        return
    if generator.application is not None and generator.application < first.day:
        yield f"the application of {generator.application} is before {first.day}: it is net metering by right"
    if generator.pto is not None and generator.pto > last.day:
        yield f"permission to operate ({generator.pto}) is after {last.day}, when the interim ended"


def _decided_by(generator: Generator | None) -> date | None:
    return None if generator is None else generator.application or generator.pto
