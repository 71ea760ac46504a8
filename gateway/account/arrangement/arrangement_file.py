"""Reads an arrangement's TOML file into its members' accounts, ready to be reckoned.

A wrong file is an AccountError with every mistake: file, line, value and the mend. Many members may share one account
file, each with its own meter put in. Never looks at energy. (net-metering-corrections A-11 to A-13)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from ...config.convert import AMOUNT_DIGITS, Converter
from ...config.document import Document, read_document
from ...config.problem import Problem, ProblemsError, errors_of
from ...config.rules import resolved
from ...config.types import Role
from ..account_file import AccountError, AccountFile, read_account
from ..terms import AccountMeter
from .checks import check_arrangement, check_members
from .pa_members import check_pennsylvanians
from .terms import ArrangementTerms, Kind, Member

SURPLUS_PAYOUT, NO_PAYOUT = "surplus_payout", "none"


@dataclass(frozen=True, slots=True)
class ArrangementFile:
    """An arrangement that can be reckoned. `accounts`: by member, in the listed order."""

    terms: ArrangementTerms
    accounts: Mapping[str, AccountFile]
    folder: Path
    document: Document
    warnings: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Reader:
    """Account files, each read once whatever number of members it has."""

    document: Document
    terms: ArrangementTerms
    read: dict[Path, AccountFile | None] = field(default_factory=dict)

    def accounts(self) -> Iterator[tuple[str, AccountFile]]:
        """Of every member whose file can be used; of the others the document has the problem."""
        for position, member in enumerate(self.terms.member):
            name = member.account or self.terms.account
            path = ("member", position)
            if not name:
                mend = 'account = "tenant.toml" in the member, or once for all above the tables'
                self.document.add((*path, "account"), f"member {member.id} has no account file", mend)
                continue
            account = self._account(resolved(self.document.folder, name), (*path, "account"), name)
            if account is not None and self._fits(account, member, path):
                yield member.id, _as_member(self.terms, account, member, self.document.folder)

    def _account(self, path: Path, place: tuple[str | int, ...], name: str) -> AccountFile | None:
        if path not in self.read:
            self.read[path] = None
            try:
                self.read[path] = read_account(path)
            except ProblemsError as error:
                self.document.problems.extend(one for one in error.problems if one.line)
                for one in error.problems:
                    if not one.line:  # the file itself: a mistake of the line that names it
                        self.document.add(place, f"{one.file} {one.message}", one.mend, value=name)
        return self.read[path]

    def _fits(self, account: AccountFile, member: Member, path: tuple[str | int, ...]) -> bool:
        grid = [one for one in account.terms.meter if one.role is Role.GRID]
        if len(grid) > 1 and (member.meter or member.gateway or member.file):
            mend = "leave meter, gateway and file out of the member, or write one meter into the account's file"
            self.document.add((*path, "meter"), f"the account of {member.id} has {len(grid)} grid meters", mend)
            return False
        if self.terms.plant is not None and account.terms.generator is not None:
            mend = f"leave [generator] out of {account.document.file}: [plant] stands for it"
            self.document.add((*path, "account"), f"the account of {member.id} has a [generator] of its own", mend)
            return False
        self._warn_of_payout(account, member, path)
        return True

    def _warn_of_payout(self, account: AccountFile, member: Member, path: tuple[str | int, ...]) -> None:
        chosen = account.terms.choices.get(SURPLUS_PAYOUT, NO_PAYOUT)
        if self.terms.kind is Kind.NEM_A and chosen != NO_PAYOUT:
            message = f"{member.id}: surplus_payout = {chosen} means nothing under nem_a"
            self.document.warn(
                (*path, "account"), message, "the utility keeps the surplus of aggregated meters (SB 765)"
            )


def read_arrangement(path: Path) -> ArrangementFile:
    """The arrangement in `path`. Raises AccountError with every mistake."""
    document = read_document(path)
    terms = Converter(document, AMOUNT_DIGITS).struct(ArrangementTerms) if document.readable else None
    if terms is None:
        raise AccountError(errors_of(document.problems))
    check_arrangement(document, terms)
    accounts = dict(_Reader(document, terms).accounts())
    if len(accounts) == len(terms.member):
        check_members(document, terms, accounts)
        check_pennsylvanians(document, terms, accounts)
    problems = errors_of(dict.fromkeys(document.problems))
    if problems:
        raise AccountError(sorted(problems, key=lambda one: (one.file != document.file, one.line)))
    return ArrangementFile(terms, accounts, path.resolve().parent, document, tuple(document.problems))


def _as_member(terms: ArrangementTerms, account: AccountFile, member: Member, folder: Path) -> AccountFile:
    """The account with the member's own name and meter, and the arrangement's plant."""
    own = account.terms
    choices = dict(own.choices)
    if terms.kind is Kind.NEM_A:
        choices[SURPLUS_PAYOUT] = NO_PAYOUT  # whatever the account says: they are not eligible (corrections A-12)
    changed = msgspec.structs.replace(
        own,
        id=member.id,
        name=member.name or (own.name if member.account else member.id),
        meter=tuple(_with_place(one, member, folder) if one.role is Role.GRID else one for one in own.meter),
        generator=terms.plant or own.generator,
        choices=choices,
    )
    return replace(account, terms=changed)


def _with_place(meter: AccountMeter, member: Member, folder: Path) -> AccountMeter:
    """A file that the member names is beside the arrangement's; one of its account, beside that."""
    return msgspec.structs.replace(
        meter,
        name=member.meter or meter.name,
        gateway=member.gateway or meter.gateway,
        file=str(resolved(folder.resolve(), member.file)) if member.file else meter.file,
    )
