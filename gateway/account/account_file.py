"""Reads an account's TOML file into `AccountTerms`, with its tariff and the files of its programmes.

A wrong file is an AccountError with every mistake: file, line, value and the mend. Types are in `terms`, the rules
across keys in `account_checks`. Never fills in what the owner must choose; never looks at energy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..config.convert import AMOUNT_DIGITS, Converter
from ..config.document import Document, read_document
from ..config.problem import Problem, ProblemsError, errors_of
from ..config.rules import resolved
from ..tariff.tariff_file import TariffError, is_path, load_tariff
from ..tariff.types import Tariff
from .account_checks import check_prices, check_terms
from .billed_as import as_billed, check_billed_as
from .mce_checks import check_mce
from .pa_checks import check_pennsylvania
from .programme_file import ProgrammeError, ProgrammeFile, load_programme
from .registry import ALIASES, MAKERS, PLAIN
from .terms import AccountTerms


class AccountError(ProblemsError):
    """An account's file, or one that it names, cannot be used."""


@dataclass(frozen=True, slots=True)
class AccountFile:
    """An account that can be reckoned. `warnings`: what is allowed but hardly meant."""

    terms: AccountTerms
    tariff: Tariff
    programmes: Mapping[str, ProgrammeFile]
    """Those that it names, and `plain`."""
    folder: Path
    document: Document
    warnings: tuple[Problem, ...] = ()
    supplier_tariff: Tariff | None = None
    """What the other supplier charges, where the account names it."""


def read_account(path: Path) -> AccountFile:
    """The account in `path`. Raises AccountError with every mistake."""
    document = read_document(path)
    terms = Converter(document, AMOUNT_DIGITS).struct(AccountTerms) if document.readable else None
    if terms is None:
        raise _refused(document)
    check_billed_as(document, terms)
    terms = with_proper_names(terms)
    tariff, programmes = _tariff_of(document, "tariff", terms.tariff), _programmes_of(document, terms)
    supplied = _tariff_of(document, "supplier_tariff", terms.supplier_tariff) if terms.supplier_tariff else None
    check_terms(document, terms, programmes)
    check_pennsylvania(document, terms, supplied)
    check_mce(document, terms, tariff, supplied)
    if tariff is not None:
        check_prices(document, terms, tariff, programmes)
    if tariff is None or errors_of(document.problems):
        raise _refused(document)
    folder, warnings = path.resolve().parent, tuple(document.problems)
    return AccountFile(terms, tariff, programmes, folder, document, warnings, supplied)


def with_proper_names(terms: AccountTerms) -> AccountTerms:
    """The same, each programme by the name of its file."""
    named = tuple(msgspec.structs.replace(one, name=ALIASES.get(one.name, one.name)) for one in terms.programme)
    return msgspec.structs.replace(terms, programme=as_billed(named))


def _refused(document: Document) -> AccountError:
    problems = errors_of(dict.fromkeys(document.problems))
    return AccountError(sorted(problems, key=lambda one: (one.file != document.file, one.line)))


def _tariff_of(document: Document, key: str, name: str) -> Tariff | None:
    try:
        return load_tariff(str(resolved(document.folder, name)) if is_path(name) else name, (document.folder,))
    except TariffError as error:
        _take_over(document, (key,), error, name)
    return None


def _programmes_of(document: Document, terms: AccountTerms) -> Mapping[str, ProgrammeFile]:
    found = {PLAIN: load_programme(PLAIN)}
    for position, stint in enumerate(terms.programme):
        try:
            file = load_programme(stint.name)
            if stint.name in MAKERS:
                found[stint.name] = file
            else:
                mend = "one of " + ", ".join(sorted(MAKERS))
                path = ("programme", position, "name")
                document.add(path, f'"{stint.name}" is what programmes share, and none itself', mend, value=stint.name)
        except ProgrammeError as error:
            _take_over(document, ("programme", position, "name"), error, stint.name)
    return found


def _take_over(document: Document, path: tuple[str | int, ...], error: ProblemsError, value: str) -> None:
    """Mistakes of another file stay where they are; that it is not there is a mistake of this one's line."""
    for one in error.problems:
        if one.line:
            document.problems.append(one)
        else:
            document.add(path, f"{one.file} {one.message}".strip(), one.mend, value=value)
