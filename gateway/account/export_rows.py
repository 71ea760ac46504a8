"""The CSV of a table of export prices: a row a year, month, day type and component, with the prices of its 24 hours.

`year,month,day_type,component,00,...,23`: hours by their beginning on the local clock; `weekday` or `weekend`;
`generation` or `delivery`; prices in currency per kWh, below zero where exports cost. An empty or unreadable hour
refuses the file with its line.
"""

import csv
import os
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from .export_rows_error import RowError
from .export_rows_sce import SCE_COLUMNS, Row, rows_of_sce

PRICE_PLACES = 9
COMPONENTS = ("delivery", "generation")
DAY_TYPES = {"weekday": False, "weekend": True}
HOURS = tuple(f"{hour:02}" for hour in range(24))
COLUMNS = ("year", "month", "day_type", "component", *HOURS)
_PRICE = re.compile(r"-?\d{1,5}(\.\d{1,9})?", re.ASCII)

HourPrices = tuple[int, ...]
Key = tuple[int, int, bool, str]


def read_rows(path: Path) -> dict[Key, HourPrices]:
    """(year, month, whether weekend, component) -> 24 prices, 1e-9 of the currency per kWh. Raises RowError."""
    found: dict[Key, HourPrices] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for place, row in _rows(path, csv.DictReader(file)):
                key = _key(place, row)
                if key in found:
                    raise RowError(f"{place}: {_words(key)} comes twice", "leave one of the two out")
                found[key] = tuple(_nano(place, hour, row.get(hour)) for hour in HOURS)
    except OSError as error:
        raise RowError(f"{path}: cannot be read: {os.strerror(error.errno or 0)}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise RowError(f"{path}: cannot be read: {error}") from error
    if not found:
        raise RowError(f"{path}: there is no price in it")
    return found


def _rows(path: Path, reader: "csv.DictReader[str]") -> Iterator[tuple[str, Row]]:
    """(place, row) of a table of ours, or of a utility's own."""
    names = tuple(reader.fieldnames or ())
    if tuple(name.strip() for name in names) == SCE_COLUMNS:
        reader.fieldnames = list(SCE_COLUMNS)
        yield from rows_of_sce(str(path), ((reader.line_num, row) for row in reader))
        return
    if names != COLUMNS:
        raise RowError(f"{path}:1: the columns are not year,month,day_type,component,00,01 to 23, nor SCE's own")
    yield from ((f"{path}:{reader.line_num}", row) for row in reader)


def _key(place: str, row: Row) -> Key:
    year, month, day_type, component = (row[name] or "" for name in COLUMNS[:4])
    if not re.fullmatch(r"\d{4}", year, re.ASCII):
        raise RowError(f'{place}: year "{year}" is no year', "four digits")
    if not re.fullmatch(r"0?[1-9]|1[0-2]", month, re.ASCII):
        raise RowError(f'{place}: month "{month}" is no month', "1 to 12")
    if day_type not in DAY_TYPES:
        raise RowError(f'{place}: day_type "{day_type}"', "weekday or weekend; holidays have the weekend's prices")
    if component not in COMPONENTS:
        raise RowError(f'{place}: component "{component}"', "generation or delivery")
    return int(year), int(month), DAY_TYPES[day_type], component


def _nano(place: str, hour: str, text: str | None) -> int:
    if not text:
        raise RowError(f"{place}: hour {hour} has no price", "write it, 0 where exports are worth nothing")
    if not _PRICE.fullmatch(text):
        raise RowError(f'{place}: hour {hour}: "{text}" is no price', "such as 0.05324, in currency per kWh")
    return int(Decimal(text).scaleb(PRICE_PLACES))


def _words(key: Key) -> str:
    year, month, weekend, component = key
    return f"{year},{month},{'weekend' if weekend else 'weekday'},{component}"
