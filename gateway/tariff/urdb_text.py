"""A URDB record with a person's answers as the text of a tariff file. Writes no file; asks nobody; reckons no price.

The text is read back and checked by the same rules as a file that a person wrote.
"""

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from ..config.convert import Converter
from ..config.document import Document
from ..config.problem import errors_of
from .checks import check_tariff
from .flags import Flag
from .holiday_lists import with_lists
from .types import Tariff, clock_of
from .urdb_file import UrdbError, printable
from .urdb_left_out import flags_of, left_out
from .urdb_questions import NONE, Answers, fixed_of, non_bypassable_of, tier_of
from .urdb_record import UrdbRate
from .urdb_shape import Run, names_of, runs_of

_UNFIT = re.compile(r"[^a-z0-9]+")
_LONGEST_ID, _LONGEST_LINE = 32, 110


@dataclass(frozen=True, slots=True)
class Imported:
    """A tariff file's text, and what a person should know about it."""

    tariff_id: str
    text: str
    flags: tuple[Flag, ...]
    not_included: tuple[str, ...]
    notes: tuple[str, ...]


def import_rate(rate: UrdbRate, answers: Answers) -> Imported:
    """The tariff file of a record whose questions are all answered. Raises UrdbError where it would be unusable."""
    names = dict(names_of(rate))
    _hold_against_prices(rate, answers, names)
    flags = flags_of(rate, answers)
    missing = tuple(plain(line) for line in left_out(rate, answers, names))
    tariff_id = answers.id or _slug(answers.name or rate.text("name"))
    parts = [
        *_comment(rate),
        *_head(rate, answers, tariff_id, flags),
        *(line for run in runs_of(rate) for line in _period(run, names[run.period], answers)),
        *_version(rate, answers, names, missing),
    ]
    text = "\n".join(parts) + "\n"
    _read_back(rate, text, tariff_id)
    return Imported(tariff_id, text, flags, missing, rate.notes)


def _hold_against_prices(rate: UrdbRate, answers: Answers, names: dict[int, str]) -> None:
    """A part that is more than the whole is a slip of the pen, and would credit what nobody pays."""
    part = non_bypassable_of(answers)
    for position in rate.used if part is not None and part > 0 else ():
        price = tier_of(rate.periods[position], answers.tier).total
        if part is not None and part > price:
            message = f"the price of {names[position]} is {price:f}, less than its non-bypassable part {part:f}"
            raise rate.document.refuse("energyratestructure", message, "look at --non-bypassable")


def plain(text: str) -> str:
    """On one line, without what a terminal or TOML would take for something else."""
    made = printable(" ".join(text.split()))
    return made if len(made) <= _LONGEST_LINE else made[: _LONGEST_LINE - 4] + " ..."


def _comment(rate: UrdbRate) -> list[str]:
    """Where it comes from, and what the record itself says about its figures."""
    label = rate.text("label") or "(none)"
    lines = [
        f"{rate.text('utility')}: {rate.text('name')}",
        "",
        "Imported by `netmeter tariff import-urdb`; a bucket is a period of the record's energyratestructure.",
        f"Record {label} of the Utility Rate Database: compare it with the utility's own sheet.",
    ]
    for key in ("sourceparent", "energycomments", "basicinformationcomments", "dgrules"):
        if rate.text(key):
            lines.append(f"{key}: {rate.text(key)}")
    lines.extend(rate.notes)
    return [f"# {plain(line)}".rstrip() for line in lines]


def _head(rate: UrdbRate, answers: Answers, tariff_id: str, flags: tuple[Flag, ...]) -> list[str]:
    keys = rate.document.keys
    source = rate.text("source") or rate.text("sourcereference") or rate.text("uri") or "the URDB record alone"
    lines = [
        "",
        "format = 1",
        f"id = {_quoted(tariff_id)}",
        f"name = {_quoted(answers.name or rate.text('name'))}",
        f"utility = {_quoted(answers.utility or rate.text('utility'))}",
        f"zone = {_quoted(answers.zone or '')}",
        f'clock = "{"standard" if answers.standard_time else "local"}"',
        'currency = "USD"',
        f"source = {_quoted(source)}",
    ]
    if answers.holidays not in (None, NONE):
        lines.append(f"holidays = {_quoted(str(answers.holidays))}")
    if flags:
        lines.append("flags = [" + ", ".join(_quoted(flag) for flag in flags) + "]")
    if non_bypassable_of(answers) is not None:
        lines += ["", "[parts]", 'non_bypassable = ["non_bypassable"]']
    if keys.get("approved") is False:
        lines.insert(0, "# The record is not approved by URDB.")
    return lines


def _period(run: Run, name: str, answers: Answers) -> list[str]:
    minutes = dict(answers.edges)
    start, end = (minutes.get(hour, hour * 60) for hour in (run.start_hour, run.end_hour))
    days = [run.days, "holiday"] if run.days == "weekend" and answers.holidays not in (None, NONE) else [run.days]
    lines = ["", "[[period]]", f"name = {_quoted(name)}", f'from = "{clock_of(start)}"', f'to = "{clock_of(end)}"']
    lines.append("days = [" + ", ".join(_quoted(day) for day in days) + "]")
    if len(run.months) < 12:
        lines.append("months = [" + ", ".join(str(month) for month in run.months) + "]")
    return lines


def _version(rate: UrdbRate, answers: Answers, names: dict[int, str], missing: tuple[str, ...]) -> list[str]:
    start = answers.effective or rate.start
    label = rate.text("label")
    lines = ["", "[[version]]", f"effective = {start}"]
    if rate.last_day is not None:
        lines.append(f"last_day = {rate.last_day}")
    lines.append(f"source = {_quoted(f'URDB record {label}' if label else 'URDB record without label')}")
    if missing:
        lines += ["not_included = [", *(f"    {_quoted(line)}," for line in missing), "]"]
    part = non_bypassable_of(answers)
    if part is not None:
        lines += ["", "[version.adders_per_kwh]", f'non_bypassable = "{part:f}"']
    for position in rate.used:
        tier = tier_of(rate.periods[position], answers.tier)
        lines += ["", f"[version.energy_per_kwh.{names[position]}]"]
        lines.append(f'rate = "{tier.rate - (part or Decimal(0)):f}"')
        if tier.adj:
            lines.append(f'adjustment = "{tier.adj:f}"')
    fixed = fixed_of(rate, answers)
    if fixed is not None:
        lines += ["", f"[version.fixed_per_{fixed[1]}]", f'fixed_charge = "{fixed[0]:f}"']
    return lines


def _read_back(rate: UrdbRate, text: str, tariff_id: str) -> None:
    """Holds the text against the rules for tariff files."""
    document = Document(file=f"{tariff_id}.toml", folder=Path())
    document.table = tomllib.loads(text)
    document.text = text
    converter = Converter(document)
    tariff = converter.struct(Tariff)
    check_tariff(document, converter, tariff)
    if tariff is not None:
        with_lists(document, tariff)
    problems = errors_of(document.problems)
    if problems:
        told = (rate.document.problem("", one.message, one.mend, one.value) for one in problems)
        raise UrdbError(told)


def _slug(name: str) -> str:
    return _UNFIT.sub("-", name.lower()).strip("-")[:_LONGEST_ID].strip("-")


def _quoted(text: str) -> str:
    return '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
