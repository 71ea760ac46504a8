"""Where an account's energy comes from: for each of its grid meters the store or a CSV file, and earlier months before.

The store is asked through whoever holds it (`interval_desk`), given in as `Fetch`; nothing here opens it. Meters of
the account that do not face the grid are left out: their energy is in the grid meter's already.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config.rules import resolved
from ..config.types import RegisterOwner, Role
from .energy import EnergyError, EnergyTable, Stretch
from .export_table import is_table
from .price_series import PriceSeries, long_step, read_price_series
from .rows import Fields, Row, added, coarse_step_milliwh, followed, table_of
from .sold_apart import production_alone, two_meters
from .terms import AccountMeter, EnergyFrom

Fetch = Callable[[AccountMeter], tuple[str, Sequence[Fields]]]
"""A meter's rows where they are kept, oldest first, and what to call that place. Raises EnergyError."""
GREEN_BUTTON_SUFFIX = ".xml"
"""What makes a file of intervals a utility's Green Button file (ESPI), wherever one may be named."""
Told = Callable[[str, int, int], None]
"""Progress: what is done, how much, of how much."""
ReadFile = Callable[[Path], Mapping[str, list[Row]]]
"""`interval_csv.read_intervals`, or what keeps a file in which the meters of a whole building stand."""


@dataclass(frozen=True, slots=True)
class Energy:
    """The account's energy, and what its reader should know of it."""

    table: EnergyTable
    notes: tuple[str, ...]
    export_prices: PriceSeries | None = None
    """What exports are paid at each time, where the account has a file of it."""
    import_prices: PriceSeries | None = None
    """What imports cost, likewise."""


def energy_of(
    meters: Sequence[AccountMeter],
    folder: Path,
    fetch: Fetch,
    override: Path | None = None,
    *,
    sold_apart: Sequence[Stretch] = (),
    export_prices: str = "",
    import_prices: str = "",
    read_file: ReadFile | None = None,
    elsewhere: Collection[Path] = (),
    told: Told | None = None,
) -> Energy:
    """The sum of the grid meters. `override`: a CSV file that stands for all their sources. Raises EnergyError.

    `elsewhere`: files that a meter of another name is read from too.
    `sold_apart`: when all that is made is sold (`sold_apart.spans_of`). `told`: of a long file's bytes.
    """
    billed = [one for one in meters if one.role is Role.GRID]
    its_own = [len(billed) == 1 and not _reads(one, folder, elsewhere) for one in billed]
    of_files: list[str] = []
    tables = [
        _placed(one, meters, folder, fetch, override, read_file, told, of_files, alone=alone, elsewhere=elsewhere)
        for one, alone in zip(billed, its_own, strict=True)
    ]
    notes = [_whose(one, table) for one, table in zip(billed, tables, strict=True)]
    notes = [*(one for one in notes if one), *of_files]
    for table in tables:
        step = coarse_step_milliwh(table)
        if step:
            counts = f"{table.meter} counts in steps of {step / 1_000_000:g} kWh"
            notes.append(f"{counts}: what is priced by the interval is no finer than that")
    if sold_apart:
        makers = [one for one in meters if one.role is Role.PRODUCTION]
        made = [_placed(one, meters, folder, fetch, override, read_file, told, alone=False) for one in makers]
        tables = two_meters(tables, made, sold_apart)
    is_series = bool(export_prices) and not is_table(export_prices)
    prices = read_price_series(resolved(folder, export_prices)) if is_series else None
    buying = read_price_series(resolved(folder, import_prices)) if import_prices else None
    notes += [told for told in (long_step(one) for one in (prices, buying) if one is not None) if told]
    return Energy(added(tables), tuple(notes), prices, buying)


def tables_of(
    meters: Sequence[AccountMeter],
    folder: Path,
    fetch: Fetch,
    read_file: ReadFile | None = None,
    elsewhere: Collection[Path] = (),
) -> list[EnergyTable]:
    """Each meter's own energy, whatever its role. Raises EnergyError."""
    its_own = [len(meters) == 1 and not _reads(one, folder, elsewhere) for one in meters]
    return [
        _placed(one, meters, folder, fetch, None, read_file, alone=alone, elsewhere=elsewhere)
        for one, alone in zip(meters, its_own, strict=True)
    ]


def production_of(
    meters: Sequence[AccountMeter], folder: Path, fetch: Fetch, override: Path | None = None
) -> EnergyTable | None:
    """What the production meters gave; None where there is none. Raises EnergyError."""
    makers = [one for one in meters if one.role is Role.PRODUCTION]
    if not makers:
        return None
    return added([production_alone(_placed(one, meters, folder, fetch, override, alone=False)) for one in makers])


def _placed(
    meter: AccountMeter,
    meters: Sequence[AccountMeter],
    folder: Path,
    fetch: Fetch,
    override: Path | None,
    read_file: ReadFile | None = None,
    told: Told | None = None,
    notes: list[str] | None = None,
    *,
    alone: bool,
    elsewhere: Collection[Path] = (),
) -> EnergyTable:
    """What a source lacks is told with the meter that has it, but of a file that the command line named."""
    try:
        return _table(meter, meters, folder, fetch, override, read_file, told, notes, alone=alone, elsewhere=elsewhere)
    except EnergyError as error:
        if override is None and error.at is None:
            error.at = ("meter", next(at for at, one in enumerate(meters) if one is meter))
        raise


def _table(
    meter: AccountMeter,
    meters: Sequence[AccountMeter],
    folder: Path,
    fetch: Fetch,
    override: Path | None,
    read_file: ReadFile | None,
    told: Told | None,
    notes: list[str] | None,
    *,
    alone: bool,
    elsewhere: Collection[Path],
) -> EnergyTable:
    rows: Sequence[Fields]
    others = {*elsewhere} | {file for one in meters if one is not meter for file in files_of(one, folder)}
    if override is not None:
        source, rows = str(override), _rows_in(override, meter, read_file, told, notes, alone=alone, shared=True)
    elif meter.source in (EnergyFrom.CSV, EnergyFrom.GREEN_BUTTON):
        if not meter.file:
            has = f'from = "{meter.source.value}" and no file'
            raise EnergyError(f"{has}; name it, or give --energy FILE")
        path = resolved(folder, meter.file)
        source, rows = (
            str(path),
            _rows_in(path, meter, read_file, told, notes, alone=alone, shared=path.resolve() in others),
        )
    else:
        source, rows = fetch(meter)
    if meter.earlier and override is None:
        path = resolved(folder, meter.earlier)
        before = _rows_in(path, meter, read_file, told, notes, alone=alone, shared=path.resolve() in others)
        source, rows = f"{path} and {source}", followed(before, rows)
        rows = [(*one[:-1], 0) for one in rows]
    table = table_of(meter.name, source, rows)
    table.first_and_last_us()
    return table


def files_of(meter: AccountMeter, folder: Path) -> tuple[Path, ...]:
    """The files that a meter is read from, by which they are compared."""
    return tuple(resolved(folder, file).resolve() for file in (meter.file, meter.earlier) if file)


def _reads(meter: AccountMeter, folder: Path, files: Collection[Path]) -> bool:
    return any(one in files for one in files_of(meter, folder))


def _rows_in(
    path: Path,
    meter: AccountMeter,
    read_file: ReadFile | None,
    told: Told | None,
    notes: list[str] | None,
    *,
    alone: bool,
    shared: bool,
) -> Sequence[Row]:
    """`notes`: gets what is to be told of the file.

    `alone`: no other meter of the role is reckoned; `shared`: other meters of the account have the same file.
    """
    if path.suffix.lower() == GREEN_BUTTON_SUFFIX:
        from .green_button import read_green_button  # brings a parser of XML along

        return read_green_button(path, meter.name, alone=alone or not shared, told=told, notes=notes)
    from .interval_csv import read_intervals  # brings replay along, which a store needs nothing of

    found = (read_file or read_intervals)(path)
    if meter.name in found:
        return found[meter.name]
    if "" in found and alone:
        return found[""]
    lacks = f"{path}: there is no meter {meter.name} in it"
    if not found:
        raise EnergyError(f"{lacks}: it has no row; name a file with intervals")
    if "" in found:
        mend = f"add one, with {meter.name} in each of its rows"
        raise EnergyError(f"{lacks}: it has no column meter, and the account has several; {mend}")
    raise EnergyError(f"{lacks}; its meters: {', '.join(found)}: write that name in the [[meter]], or another file")


def _whose(meter: AccountMeter, table: EnergyTable) -> str:
    """Whose register it is; of a utility's file what shows whether its unit is right."""
    if table.source.lower().endswith(GREEN_BUTTON_SUFFIX):
        from .green_button import largest

        return largest(table)
    if meter.register is not RegisterOwner.OWN:
        return ""
    return f"{meter.name} is your own meter: the utility bills by its own register, which governs where they differ"
