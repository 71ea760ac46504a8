"""What a person probably meant by a line that is no TOML, or by a value of the wrong kind: the mend, in one phrase.

Looks at the one line and at what the parser said; never decides whether something is wrong, never changes a value.
(TOML 1.0.0; the parser's own messages are tomllib's.)
"""

import re
from collections.abc import Callable, Container, Iterable

USUAL = 'a line is `key = value`; text stands in "quotes"'
SEVERAL = frozenset({"meter", "counter", "account", "programme", "charge", "version", "season", "period", "register"})
"""Tables of which a file may hold more than one."""
UNITS = {
    # ending of a key: what it is counted in, and how people write that behind a number
    "amps": ("amperes", ("a", "amp", "amps", "ampere", "amperes")),
    "volts": ("volts", ("v", "volt", "volts")),
    "bd": ("baud", ("bd", "baud", "bps")),
    "s": ("seconds", ("s", "sec", "secs", "second", "seconds")),
    "ms": ("milliseconds", ("ms", "msec", "millisecond", "milliseconds")),
    "min": ("minutes", ("m", "min", "mins", "minute", "minutes")),
    "days": ("days", ("d", "day", "days")),
    "mb": ("megabytes", ("mb", "megabyte", "megabytes")),
    "kw": ("kilowatts", ("kw",)),
    "kwh": ("kilowatt-hours", ("kwh",)),
    "percent": ("percent", ("%", "percent")),
}
MONEY = ("$", "usd", "")
_TABLE = re.compile(r"(\[\[?)\s*([^\[\]]+?)\s*\]\]?")
_KEY = re.compile(r"""["']?([\w.-]+)["']?\s*(=|:)\s*(.*?)\s*(?:#.*)?""", re.DOTALL)
_AMOUNT = re.compile(r"([-+]?)\s*(\$?)\s*([1-9]\d{0,2}(?:,\d{3})+(?=\.)|\d+)(\.\d+)?\s*([A-Za-z%]*)", re.ASCII)
"""Commas only where they cannot be a decimal comma: before a point."""


KINDS = {
    # a key that only files of one kind have: which kind, and who reads it
    "gateway": ("a gateway's config", "netmeter check"),
    "programme": ("an account", "netmeter statement --account"),
    "collect": ("a collector's config", "netmeter collect --config"),
    "plant": ("an arrangement", "netmeter arrangement"),
    "period": ("a tariff", "netmeter tariff check"),
    "family": ("a meter's profile", "netmeter profile check"),
}


def other_kind(keys: Iterable[str], wanted: Container[str]) -> tuple[str, str] | None:
    """Which other kind of file this is, by its keys, and the command that reads it; None where unsure."""
    marks = [key for key in keys if key in KINDS]
    return KINDS[marks[0]] if len(marks) == 1 and marks[0] not in wanted else None


def syntax_mend(said: str, row: str) -> str:
    """The mend for a line that is no TOML; `said` is the parser's message without its place."""
    row = row.strip()
    table = _TABLE.match(row)
    if table is not None:
        return _table_mend(said, table[1] == "[[", table[2])
    if any(quote in row for quote in "“”„‘’«»"):
        return 'straight quotes, as in id = "home"'
    line = _KEY.fullmatch(row)
    if line is None:
        return USUAL
    key, sign, written = line.groups()
    if said.startswith("Cannot overwrite"):
        return f"{key} stands in this table already: keep one of the two lines"
    if sign == ":":
        return f"an equals sign, no colon: {key} = ..."
    return next((mend for find in _SLIPS if (mend := find(key, written))), USUAL)


def number_mend(key: str, value: object) -> str:
    """The mend where a whole number is wanted; empty where none is plain."""
    if isinstance(value, float):
        if value != value or abs(value) >= 1e15:
            return ""
        if value.is_integer():
            return f"without a point: {key} = {int(value)}"
        low = int(value // 1)
        return f"without a fraction: {key} = {low} or {key} = {low + 1}"
    if not isinstance(value, str):
        return ""
    plain = value.strip()
    if re.fullmatch(r"-?\d+", plain, re.ASCII):
        return f"without quotes: {key} = {plain}"
    return _bare(key, plain)


def decimal_mend(key: str, text: str) -> str:
    """The mend where a number in quotes is wanted but more stands there; empty where none is plain."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        return ""
    sign, dollar, whole, part, unit = found.groups()
    if not (dollar or unit or "," in whole or text != text.strip()):
        return ""  # a plain number: too long, and that is told
    named, ways = _unit_of(key)
    if (dollar and named) or unit.lower() not in (*ways, *(() if named else MONEY), ""):
        return f"the number alone, in {named}" if named else ""
    return f'the number alone: {key} = "{sign}{whole.replace(",", "")}{part or ""}"'


def choice_mend(value: str, choices: list[str]) -> str:
    """What is meant by another program's word for one of the choices; empty where nobody knows."""
    meant = _WORDS.get(value.strip().lower())
    return f'did you mean "{meant}"?' if meant in choices else ""


_WORDS = {
    "even": "E",
    "odd": "O",
    "none": "N",
    "no": "N",
    "8n1": "N",
    "8e1": "E",
    "8o1": "O",
    "main": "grid",
    "mains": "grid",
    "net": "grid",
    "solar": "production",
    "pv": "production",
    "inverter": "production",
    "generation": "production",
    "load": "consumption",
    "mine": "own",
    "private": "own",
    "chrony": "ntp",
    "network": "ntp",
    "manual": "operator",
    "hand": "operator",
}


def _table_mend(said: str, is_double: bool, name: str) -> str:
    first = name.split(".")[-1].strip("\"' ")
    if said.startswith("Cannot overwrite") or (said.startswith("Cannot declare") and first in SEVERAL):
        return f"double brackets at each of them, also at the first: [[{name}]]"
    if said.startswith(("Cannot declare", "Cannot mutate", "Cannot redefine")):
        return f"[{name}] stands in this file already: put these lines there"
    brackets = f"[[{name}]]" if is_double else f"[{name}]"
    return f"the brackets and the name stand alone on their line: {brackets}"


def _unit_of(key: str) -> tuple[str, tuple[str, ...]]:
    """What a key is counted in, by the end of its name; empty where it does not say."""
    return UNITS.get(key.rpartition("_")[2], ("", ()))


def _bare(key: str, written: str) -> str:
    """`200 A`: the number alone, but only where the unit is the key's own; else its unit is told."""
    found = re.fullmatch(r"(-?\d+)\s*([A-Za-z%]+)", written, re.ASCII)
    if found is None:
        return ""
    named, ways = _unit_of(key)
    if found[2].lower() in ways:
        return f"the number alone, in {named}: {key} = {found[1]}"
    return f"the number alone, in {named}" if named else f"the number alone: {key} = {found[1]}"


def _true(key: str, written: str) -> str:
    meant = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
    word = meant.get(written.lower())
    return f"in small letters, without quotes: {key} = {word}" if word else ""


def _date(key: str, written: str) -> str:
    if re.fullmatch(r"\d+[/.]\d+[/.]\d+", written):
        return f"year, month, day: {key} = 2026-03-01"
    if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", written):
        return f"a day that there is, with two digits each: {key} = 2026-03-01"
    return ""


def _comma(_: str, written: str) -> str:
    return "a decimal point, no comma" if re.fullmatch(r"-?\d+,\d+", written) else ""


def _quotes(key: str, written: str) -> str:
    if written[:1] in ('"', "'"):
        quote = written[0]
        if written.count(quote) % 2:
            return f"a closing {quote} is missing"
        if "\\" in written:
            return "single quotes, in which a backslash is only itself"
        return "one value alone on a line; a note behind it begins with #"
    if re.fullmatch(r"[A-Za-z/~][^\"']*", written):
        return f'text stands in quotes: {key} = "{written[:60]}"'
    return ""


def _nothing(key: str, written: str) -> str:
    return f"a value is missing, or put # before {key}" if not written else ""


_SLIPS: tuple[Callable[[str, str], str], ...] = (_true, _date, _comma, _bare, _quotes, _nothing)
