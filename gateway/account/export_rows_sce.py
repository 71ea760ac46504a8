"""SCE's own table of Energy Export Credits as it is downloaded: a row an hour, four prices in it.

`Price Effective Date,Month,Hour,Delivery - Weekday EEC,Delivery - Weekend/Holiday EEC,SCE Gen - ...`: hours 1 to 24 end
with the hour (its generation prices of hour 1 are those of PG&E's hour from 00:00: one avoided cost calculator). Rows
without anything stand between the years. A column of another name is not this file.
"""

from collections.abc import Iterable, Iterator, Mapping

from .export_rows_error import RowError

SCE_COLUMNS = (
    "Price Effective Date",
    "Month",
    "Hour",
    "Delivery - Weekday EEC",
    "Delivery - Weekend/Holiday EEC",
    "SCE Gen - Weekday EEC",
    "SCE Gen - Weekend/Holiday EEC",
)
_PARTS = (
    ("weekday", "delivery"),
    ("weekend", "delivery"),
    ("weekday", "generation"),
    ("weekend", "generation"),
)
Row = Mapping[str, str]
"""By the columns of a table of this program."""


def rows_of_sce(path: str, rows: Iterable[tuple[int, Mapping[str, str]]]) -> Iterator[tuple[str, Row]]:
    """(place, row) of our kind for each month. `rows`: the number of the line with each. Raises RowError."""
    found: dict[tuple[str, str, str, str], tuple[str, dict[str, str]]] = {}
    for line, row in rows:
        year, month, hour, *prices = (str(row[name] or "").strip() for name in SCE_COLUMNS)
        if not any((year, month, hour, *prices)):
            continue
        place = f"{path}:{line}"
        if not (hour.isascii() and hour.isdigit() and 1 <= int(hour) <= 24):
            raise RowError(f'{place}: Hour "{hour}" is no hour', "1 to 24, as SCE writes them")
        for (day_type, component), price in zip(_PARTS, prices, strict=True):
            key = (year, month, day_type, component)
            head = dict(zip(("year", "month", "day_type", "component"), key, strict=True))
            _, made = found.setdefault(key, (place, head))
            if f"{int(hour) - 1:02}" in made:
                raise RowError(f"{place}: hour {hour} of {year},{month} comes twice", "leave one of the two out")
            made[f"{int(hour) - 1:02}"] = price
    yield from found.values()
