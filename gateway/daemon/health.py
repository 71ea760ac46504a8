"""The gateway's own state, as it is published and as `netmeter status` shows it. Reads what others keep, no more."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from ..clock import Clock
from ..ledger.records import Record
from ..ledger.store import Store
from ..publish.publisher import Publisher
from .deliveries import Deliveries
from .saver import Saver
from .upkeep import Upkeep


@dataclass(frozen=True, slots=True)
class HealthTeller:
    """Of one gateway. `about`: what else it tells."""

    gateway: str
    store: Store
    clock: Clock
    saver: Saver
    deliveries: Deliveries
    upkeep: Upkeep
    about: Mapping[str, str]

    def record(self, publisher: Publisher | None) -> Record:
        """As it is now."""
        from .. import __version__

        health = self.saver.health
        return {
            "schema": 1,
            "gateway": self.gateway,
            "version": __version__,
            "store_epoch": self.store.store_epoch,
            "clock": self.clock.state().value,
            "clock_error_us": self.clock.error_us(),
            "outbox_depth": health.outbox_depth,
            **self.deliveries.health(publisher),
            "commits": health.commits,
            "storage": health.error or ("larger than max_size_mb" if health.over_size else "ok"),
            **self.upkeep.told(),
            "readings_dropped": health.readings_dropped,
            **self.about,
            "sqlite": sqlite3.sqlite_version,
        }
