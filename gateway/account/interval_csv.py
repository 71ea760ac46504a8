"""Intervals from a CSV file: what `netmeter replay --intervals` writes, or anybody's model with the same columns.

Needed are `start`, `end` (ISO 8601 with offset or Z), `import_milliwh` and `export_milliwh`; `meter`, `quality` and
what is unassigned or uncertain may be left out. Integers only: a number with a point is refused, never rounded.
"""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from ..energy import Quality
from ..replay.fields import FieldError, time_us
from .energy import EnergyError
from .rows import Row

NEEDED = ("start", "end", "import_milliwh", "export_milliwh")
# A gigawatt-hour in one interval is none; a hundred years of them still fit into 64 bits.
_WHOLE = re.compile(r"-?[0-9]{1,12}", re.ASCII)
_QUALITIES = frozenset(one.value for one in Quality)


def read_intervals(path: Path) -> dict[str, list[Row]]:
    """The rows of each meter; of a file without the column `meter` those of the meter "". Raises EnergyError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(path, csv.DictReader(file, strict=True))
    except OSError as error:
        raise EnergyError(f"{path}: cannot be read: {error.strerror}; name a file with intervals") from error
    except UnicodeDecodeError as error:
        is_packed = error.object[:2] == b"PK"  # of a ZIP archive (APPNOTE.TXT 4.3.7)
        mend = "is a ZIP archive; unpack it, and name the .xml in it" if is_packed else "is not UTF-8 text; save it so"
        raise EnergyError(f"{path}: {mend}") from error
    except csv.Error as error:
        raise EnergyError(f"{path}: is no CSV table: {error}") from error


def _read(path: Path, table: "csv.DictReader[str]") -> dict[str, list[Row]]:
    columns = table.fieldnames or ()
    missing = [one for one in NEEDED if one not in columns]
    if missing:
        wants = ",".join(("meter", *NEEDED))
        raise EnergyError(
            f"{path}:1: the column {missing[0]} is missing; the table needs {wants}, as `netmeter replay --intervals` "
            "writes it (a table of registers goes through `netmeter replay` first; of what utilities offer, their"
            " Green Button XML is read)"
        )
    found: dict[str, list[Row]] = {}
    for cells in table:
        line = table.line_num
        if None in cells or any(one is None for one in cells.values()):
            raise EnergyError(f"{path}:{line}: does not have {len(columns)} fields, as the header does")
        try:
            row = _row(cells, line)
        except FieldError as error:
            mend = f"; {error.mend}" if error.mend else ""
            raise EnergyError(f"{path}:{line}: {error.message}{mend}") from error
        except ValueError as error:
            raise EnergyError(f"{path}:{line}: {error}") from error
        found.setdefault(cells.get("meter", ""), []).append(row)
    return found


def _row(cells: Mapping[str, str], line: int) -> Row:
    quality = cells.get("quality") or Quality.MEASURED.value
    if quality not in _QUALITIES:
        raise ValueError(f'quality "{quality[:40]}" is none of ' + ", ".join(sorted(_QUALITIES)))
    start_us, end_us = time_us(cells["start"]), time_us(cells["end"])
    return Row(start_us, end_us, quality, *_part(cells, "import"), *_part(cells, "export"), line)


def _part(cells: Mapping[str, str], direction: str) -> tuple[int | None, int | None, int | None]:
    """In all, unassigned and uncertain. None: the meter does not have this direction."""
    if not cells[f"{direction}_milliwh"]:
        return None, None, None
    whole = _whole(cells, f"{direction}_milliwh")
    return whole, _whole(cells, f"{direction}_unassigned_milliwh"), _whole(cells, f"{direction}_uncertain_milliwh")


def _whole(cells: Mapping[str, str], column: str) -> int:
    text = cells.get(column) or "0"
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{column} {text[:40]!r} is no whole number of milliwatt-hours, of at most twelve digits")
    return int(text)
