"""Prices that change with time and not with the tariff's hours: of imports or exports, step by step, as int64 columns.

A series says from which instant a price holds; energy outside it, or over one of its steps, is refused. Worth is
exact: integers until the last digit is placed. Never guesses a price for a missing step.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np

from ..tariff.walltime import iso_utc, to_us
from .energy import Column, EnergyError, EnergyTable, Flow
from .money import MILLIWH_PER_KWH_PLACES

PRICE_PLACES = 9
"""Prices are held as whole 1e-9 of the currency per kWh, as many places as a tariff file may have."""
COLUMNS = ("start", "price_per_kwh")
_MOST = 2**62


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """`price_nano[i]` holds from `start_us[i]` to `start_us[i + 1]`, the last one to `end_us`."""

    source: str
    start_us: Column
    price_nano: Column
    end_us: int

    def __post_init__(self) -> None:
        if not len(self.start_us) or len(self.start_us) != len(self.price_nano):
            raise EnergyError(f"{self.source}: there is no price in it")
        if (np.diff(self.start_us) <= 0).any():
            at = int(np.argmax(np.diff(self.start_us) <= 0)) + 1
            raise EnergyError(f"{self.source}: {iso_utc(int(self.start_us[at]))} does not follow the step before it")

    def prices_of(self, table: EnergyTable, rows: slice, flow: Flow | None = None) -> Column:
        """The price of each row, 1e-9 per kWh. Raises EnergyError for the first that has none, or two, and energy.

        `flow`: the direction that is priced; exports where it is left out.
        """
        milliwh = (flow or table.flow_export).milliwh[rows]
        start_us, end_us = table.start_us[rows], table.end_us[rows]
        steps = np.searchsorted(self.start_us, start_us, side="right") - 1
        until_us = np.append(self.start_us[1:], self.end_us)[steps]
        wrong = ((steps < 0) | (end_us > until_us)) & (milliwh > 0)
        if wrong.any():
            place = table.place(rows.start + int(np.argmax(wrong)))
            mend = "give prices that hold over all of it, or see the bills before it with --as-of"
            raise EnergyError(f"{place}: {self.source} has no one price for it; {mend}")
        return self.price_nano[np.maximum(steps, 0)]


def worth_of(milliwh: Column, price_nano: Column) -> Decimal:
    """The sum of energy times price, exact."""
    if not len(milliwh):
        return Decimal(0)
    most = int(np.abs(milliwh).max()) * int(np.abs(price_nano).max()) * len(milliwh)
    whole = int(np.dot(milliwh, price_nano)) if most < _MOST else int(np.dot(milliwh.astype(object), price_nano))
    return Decimal(whole).scaleb(-MILLIWH_PER_KWH_PLACES - PRICE_PLACES)


def series_of(source: str, start_us: list[int], prices: list[Decimal], end_us: int) -> PriceSeries:
    """A series from its steps. Raises EnergyError for a price of more places than are held."""
    nano = [one.scaleb(PRICE_PLACES) for one in prices]
    for one, price in zip(nano, prices, strict=True):
        if one != one.to_integral_value():
            raise EnergyError(f"{source}: {price} has more than {PRICE_PLACES} places")
    return PriceSeries(
        source, np.array(start_us, dtype=np.int64), np.array([int(one) for one in nano], dtype=np.int64), end_us
    )


def read_price_series(path: Path) -> PriceSeries:
    """A CSV file with the columns `start` (ISO 8601 with an offset) and `price_per_kwh`; the last row only ends it.

    Raises EnergyError with the line.
    """
    import csv  # most accounts have no such file

    starts: list[int] = []
    prices: list[Decimal | None] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise EnergyError(f"{path}:1: the columns are start and price_per_kwh, in a first line")
            for row in reader:
                if prices and prices[-1] is None:
                    raise EnergyError(f"{path}:{reader.line_num - 1}: there is no price; only the last row has none")
                start_us, price = _step(path, reader.line_num, row)
                starts.append(start_us)
                prices.append(price)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EnergyError(f"{path}: cannot be read: {error}") from error
    if len(starts) < 2:
        raise EnergyError(f"{path}: needs a row for each step, and a last one that says when the last step ends")
    return series_of(str(path), starts[:-1], [one for one in prices[:-1] if one is not None], starts[-1])


def long_step(series: PriceSeries) -> str:
    """The sentence for a step that is longer than nearly all others: more often a row is lacking; else empty."""
    lengths = np.diff(np.append(series.start_us, series.end_us))
    usual = int(np.median(lengths))
    longer = np.flatnonzero(lengths > usual)
    if not len(longer) or len(longer) * 20 > len(lengths):
        return ""
    at, count = int(longer[0]), len(longer)
    others = f", and {count - 1} others" if count > 1 else ""
    return (
        f"{series.source}: the price of {iso_utc(int(series.start_us[at]))} holds for {_minutes(int(lengths[at]))} "
        f"minutes{others}, and nearly all hold for {_minutes(usual)}: is a row missing?"
    )


def _minutes(length_us: int) -> str:
    return f"{length_us / 60_000_000:g}"


def _step(path: Path, line: int, row: dict[str, str]) -> tuple[int, Decimal | None]:
    text, price = row["start"] or "", row["price_per_kwh"] or ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise EnergyError(f"{path}:{line}: start {text!r} is no time with an offset, such as 2026-07-01T17:00-07:00")
    if not price.strip():
        return to_us(moment.astimezone(UTC)), None
    try:
        found = Decimal(price)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise EnergyError(f"{path}:{line}: price_per_kwh {price!r} is no number")
    return to_us(moment.astimezone(UTC)), found
