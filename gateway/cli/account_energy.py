"""How a command gets a meter's intervals: from the running gateway, from the store while none runs, or a collector.

Each kind of source (`from` in [[meter]]) has a function here that gives its rows; files are read by `sources` itself.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from .. import places
from ..account.account_file import AccountFile
from ..account.energy import EnergyError
from ..account.rows import Fields
from ..account.sold_apart import spans_of
from ..account.sources import Energy, Fetch, energy_of
from ..account.terms import AccountMeter, EnergyFrom
from ..config.rules import resolved
from ..daemon.interval_rows import IntervalsError, newest, rows_in_store, rows_through
from ..ledger.closed import ClosedRow
from ..ledger.collected.reading import reading
from ..ledger.store_error import StoreError
from .progress import Progress

Found = tuple[str, Sequence[Fields]]
"""What the source is called in statements, and its rows, oldest first."""


def fetcher(config_path: Path | None, folder: Path) -> Fetch:
    """Asks only when a meter's source is no file. `folder`: the account's own, for the path of a store."""

    def fetch(meter: AccountMeter) -> Found:
        try:
            return _SOURCES[meter.source](meter, folder, config_path)
        except (IntervalsError, places.PlaceError) as error:
            raise EnergyError(str(error)) from error

    return fetch


def energy_for(account: AccountFile, config_path: Path | None, override: Path | None) -> Energy:
    """All that the account's bills are made of. `override`: a CSV file for all its meters. Raises EnergyError."""
    terms = account.terms
    progress = Progress("bytes")
    try:
        return energy_of(
            terms.meter,
            account.folder,
            fetcher(config_path, account.folder),
            override,
            sold_apart=spans_of(terms, account.tariff),
            export_prices=terms.export_prices,
            import_prices=terms.import_prices,
            told=progress,
        )
    finally:
        progress.end()


def _from_store(meter: AccountMeter, folder: Path, config_path: Path | None) -> Found:
    """This gateway's own store, through whoever holds it; with `file` another one."""
    if meter.file:
        path = resolved(folder, meter.file)
        return str(path), _rows(rows_in_store(path, meter.name))
    return _of_gateway(config_path, meter.name)


def _of_gateway(config_path: Path | None, meter: str) -> Found:
    from .daemon import ask_daemon  # with its config, which a store that was named needs nothing of
    from .errors import Failure, chosen_config, config_of

    try:
        path = chosen_config(config_path)
    except Failure as error:
        raise EnergyError(f'from = "store" wants a gateway\'s config: {error.message}') from error
    config = config_of(path)

    def ask(request: Mapping[str, Any]) -> dict[str, Any] | None:
        return ask_daemon(config, request)

    found = rows_through(ask, meter)
    if found is None:
        found = rows_in_store(places.store_path(config), meter)
    # The same name both ways: a statement does not change because the daemon was stopped.
    return f"the store of gateway {config.gateway.id}", _rows(found)


def _from_collector(meter: AccountMeter, folder: Path, _config_path: Path | None) -> Found:
    """What a collector has of one of its gateways' meters, while it runs or not."""
    path = resolved(folder, meter.file)
    try:
        with reading(path) as view:
            found = view.intervals(meter.name, meter.gateway)
    except StoreError as error:
        raise EnergyError(str(error)) from error
    if found.awaited:
        told = f"{found.awaited} newer records of {found.gateway}/{meter.name} are not here yet"
        click.echo(f"! {path}: {told}", err=True)
    return f"{path}, gateway {found.gateway}", _rows(found.rows)


def _rows(records: list[ClosedRow]) -> list[Fields]:
    return [(*record[1:], 0) for record in newest(records)]


_SOURCES: Mapping[EnergyFrom, Callable[[AccountMeter, Path, Path | None], Found]] = {
    EnergyFrom.STORE: _from_store,
    EnergyFrom.COLLECTOR: _from_collector,
}
