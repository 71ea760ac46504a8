"""Opening the books of one meter over a store: what the daemon does at its start, and a command while none runs."""

from pathlib import Path

from ..buckets.accumulate import EDGE_TOLERANCE_US, Rules
from ..config.types import Config, MeterSection
from ..kernels import Kernel
from ..ledger.store import Store
from ..reading.meters import named_profile, profile_of
from ..reading.schedule import gap_us
from ..registers.basis import basis_of
from ..tariff.calendar import Calendar
from ..timeline import Timeline
from .books import Books
from .journal import Origin, OutboxIds
from .tariff_counters import counters_of


def open_books(
    config: Config,
    folder: Path,
    section: MeterSection,
    store: Store,
    calendar: Calendar,
    kernel: Kernel,
    outbox_ids: OutboxIds,
    rate: int = 1,
) -> Books:
    """The books of one meter as the store has them. `folder` is the config's own; `rate` the pipeline clock's.

    Raises StoreError, drivers.ProfileError.
    """
    accounting, profile = config.accounting, profile_of(section, folder)
    rules = Rules(
        limit_milliw=section.limit_milliw,
        gap=accounting.gap,
        max_gap_us=accounting.max_gap_s * 1_000_000,
        edge_tolerance_us=EDGE_TOLERANCE_US * rate,
    )
    return Books(
        store.load_meter(section.name),
        Origin(config.gateway.id, store.store_epoch),
        section,
        Timeline(calendar, accounting.interval_min),
        kernel,
        rules,
        outbox_ids,
        gap_us=gap_us(section.poll_s, rate),
        basis=basis_of(profile, section.swap_direction, section.sunspec_choice, named_profile(section.profile, folder)),
        counters=counters_of(section, profile),
    )
