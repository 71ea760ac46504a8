"""What members in Pennsylvania must fulfil together: the plant's size at the host's service, no satellite by hours.

Notes problems in the document and changes nothing. The class that a plant's size is held against is that of the place
where it is installed: the host's. (52 Pa. Code 75.12, 75.13(a); corrections A-11 on PECO; net-metering row 41)
"""

from collections.abc import Mapping
from datetime import date

from ...config.document import Document
from ...tariff.types import Tariff
from ..account_file import AccountFile
from ..pa_checks import check_plant
from ..registry import PENNSYLVANIA
from .terms import ArrangementTerms, Kind

TIME_OF_USE = "satellite_time_of_use"
REFUSED = "refused"


def check_pennsylvanians(document: Document, terms: ArrangementTerms, accounts: Mapping[str, AccountFile]) -> None:
    """The rules of `pennsylvania` between an arrangement's plant and its members."""
    own = {name: one for name, one in accounts.items() if PENNSYLVANIA in one.programmes}
    if terms.plant is not None and own:
        check_plant(document, "plant", own.get(terms.host, next(iter(own.values()))).terms)
    if terms.kind is not Kind.PA_VIRTUAL:
        return
    for position, member in enumerate(terms.member):
        if member.id in own and member.id != terms.host:
            _check_satellite(document, ("member", position), own[member.id])


def _check_satellite(document: Document, path: tuple[str | int, ...], account: AccountFile) -> None:
    """A share is kilowatt-hours of a month: of which hours they are, no source says."""
    terms, file = account.terms, account.programmes[PENNSYLVANIA]
    first = next(one.first for one in terms.programme if one.name == PENNSYLVANIA)
    if not _has_hours(account.tariff, first):
        return
    message = f"{terms.id} is on time of use ({account.tariff.id}), and it is not the host"
    if file.choice(TIME_OF_USE, terms.customer.utility, terms.choices, terms.customer.kind) == REFUSED:
        mend = (
            "PECO bills no satellite by time of use, and no other utility's rule is known; where yours does, write "
            f'{TIME_OF_USE} = "by_host_hours" in [choices] of {account.document.file}'
        )
        document.add(path, message, mend, value=account.tariff.id)
    else:
        mend = "its share lies in the hours in which the host gave, and what a period does not use is in its own bank"
        document.warn(path, message, mend, value=account.tariff.id)


def _has_hours(tariff: Tariff, first: date) -> bool:
    """Whether a version that holds on that day or later has more than one period."""
    following = [*(one.effective for one in tariff.version[1:]), date.max]
    used = [one for one, end in zip(tariff.version, following, strict=True) if end > first]
    return any(len(tariff.periods_of(one)) > 1 for one in used)
