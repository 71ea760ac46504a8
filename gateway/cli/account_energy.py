"""How a command gets a meter's intervals: from the running gateway, or from the store while none runs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import places
from ..account.energy import EnergyError
from ..account.rows import Row
from ..account.terms import AccountMeter
from ..config.rules import resolved
from ..config.types import Config
from ..interval_rows import IntervalsError, newest, rows_in_store, rows_through
from ..ledger.closed import ClosedRow
from .daemon import ask_daemon
from .errors import chosen_config, config_of


def fetcher(config_path: Path | None, folder: Path) -> Callable[[AccountMeter], tuple[str, Sequence[Row]]]:
    """Asks only when a meter's source is a store. `folder`: the account's own, for the path of a store."""

    def fetch(meter: AccountMeter) -> tuple[str, Sequence[Row]]:
        try:
            if meter.file:
                path = resolved(folder, meter.file)
                return str(path), _rows(rows_in_store(path, meter.name))
            return _of_gateway(config_of(chosen_config(config_path)), meter.name)
        except (IntervalsError, places.PlaceError) as error:
            raise EnergyError(str(error)) from error

    return fetch


def _of_gateway(config: Config, meter: str) -> tuple[str, Sequence[Row]]:
    def ask(request: Mapping[str, Any]) -> dict[str, Any] | None:
        return ask_daemon(config, request)

    found = rows_through(ask, meter)
    if found is None:
        found = rows_in_store(places.store_path(config), meter)
    # The same name both ways: a statement does not change because the daemon was stopped.
    return f"the store of gateway {config.gateway.id}", _rows(found)


def _rows(records: list[ClosedRow]) -> list[Row]:
    return [Row._make((*record[1:], 0)) for record in newest(records)]
