"""The header of a table of readings: which column is where. Names are held to, so that no column is taken for another.

A column that nobody knows is refused, not passed over: `import_kwh` beside a blank `import_wh` would be a wrong bill.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..config.hints import did_you_mean
from .fields import shown
from .source import refuse

TIME, STATUS = "time", "status"
REQUIRED = (TIME, "import_wh", "export_wh")
OPTIONAL = ("production_wh", STATUS)
DELIMITERS = (",", ";", "\t")
OTHER_UNITS = ("kwh", "mwh")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each column is, counted from 0."""

    delimiter: str
    width: int
    time: int
    registers: Mapping[str, int]
    """`import`, `export`, `production` -> position."""
    status: int | None


def read_header(file: str, line: str, ignored: Sequence[str] = ()) -> Layout:
    """The layout that the first line tells. Raises ReadingsError."""
    delimiter = max(DELIMITERS, key=line.count)
    try:
        names = [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter, strict=True), [])]
    except csv.Error as error:
        raise refuse(file, 1, f"the header cannot be parted into fields ({error})") from None
    wanted = (*REQUIRED, *OPTIONAL)
    left_out = {name.strip().lower() for name in ignored}
    if not set(names) & set(wanted):
        message = f"{shown(line)} is no header"
        raise refuse(file, 1, message, "the first line is: time,import_wh,export_wh[,production_wh][,status]")
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        if name in left_out:
            continue
        if name not in wanted:
            message = f"column {position + 1}, {shown(name)}, is none that is known"
            raise refuse(file, 1, message, f"{_what_to_do(name, wanted)} --ignore-column leaves it out")
        if name in positions:
            raise refuse(file, 1, f"there are two columns {name}", "keep one")
        positions[name] = position
    for name in REQUIRED:
        if name not in positions:
            mend = "add it; left blank in each row where the meter has no such register" if name != TIME else ""
            raise refuse(file, 1, f"there is no column {name}", mend)
    registers = {name.removesuffix("_wh"): at for name, at in positions.items() if name.endswith("_wh")}
    order = ("import", "export", "production")
    return Layout(
        delimiter,
        len(names),
        positions[TIME],
        {name: registers[name] for name in order if name in registers},
        positions.get(STATUS),
    )


def _what_to_do(name: str, wanted: Sequence[str]) -> str:
    """A sentence. A name with another unit is not misspelt: with another name alone, its values would be wrong."""
    if name.endswith(OTHER_UNITS):
        return "registers are wanted in watt-hours: its values have to be converted, not only its name."
    hint = did_you_mean(name, wanted)
    return hint if hint.endswith("?") else f"{hint}."
