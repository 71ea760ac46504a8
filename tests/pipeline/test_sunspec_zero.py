"""An acc32 that reads 0, from the wire to the account: "not implemented" and a true zero until it has once been more.

Two models: integers, where 0 is both, and floats, where "not implemented" is NaN. Counts by hand, 10 Wh each.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers import load_profile
from drivers.build import open_polled
from gateway.bookkeeping.books import Books
from gateway.bookkeeping.desk import open_books
from gateway.bookkeeping.journal import OutboxIds
from gateway.clock import SystemClock
from gateway.config.load import load_config
from gateway.config.types import ClockSource
from gateway.kernels import Build, load_kernel
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.reading.read import Reading
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff
from tests.protocol.sunspec_maps import common, meter_203, meter_213, sunspec_table
from tests.protocol.test_meters import Device

from .test_cli_check import HEAD, METER
from .world import S

SUNSPEC = load_profile("sunspec")
STEP_S = 20


class Site:
    """A device whose table a test changes, and the books of a store that is opened anew when asked."""

    def __init__(self, home: Path) -> None:
        self._home, self._age_s = home, 3000
        self.device = Device({})
        self._meter = open_polled(SUNSPEC, self.device.link(), 1)
        self._clock = SystemClock(ClockSource.OPERATOR)
        text = HEAD.replace('"ntp"', '"operator"') + METER.replace("PORT", "/dev/null")
        text = text.replace("eastron-sdm630", "sunspec")
        (home / "gateway.toml").write_text(f'{text}\n[store]\npath = "{home}/ledger.sqlite"\n')
        migrate(home / "ledger.sqlite")
        self._store, self._books = self._open()

    def _open(self) -> tuple[Store, Books]:
        config, store = load_config(self._home / "gateway.toml"), Store(self._home / "ledger.sqlite")
        calendar, kernel = Calendar(load_tariff("pge-e-tou-c")), load_kernel(Build.PYTHON)
        ids = OutboxIds(store.newest_outbox_id())
        return store, open_books(config, self._home, config.meter[0], store, calendar, kernel, ids)

    def restart(self) -> None:
        self._store.close()
        self._store, self._books = self._open()

    def read(self, *models: list[int]) -> tuple[str, Any]:
        """One reading, twenty seconds after the last: what was decided, and the account."""
        self.device.table = sunspec_table(common(), *models)
        snapshot = self._meter.read().snapshot
        self._age_s -= STEP_S
        clock = self._clock
        at_us, monotonic_us = clock.wall_us() - self._age_s * S, clock.monotonic_us() - self._age_s * S
        batch = Batch()
        self._books.take(Reading("grid", snapshot, at_us, at_us, monotonic_us, clock.boot_id, clock.state()), batch)
        self._store.commit(batch)
        return self._books.last_decision, self._books.state_record()

    def close(self) -> None:
        self._store.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.close()


def exported(record: Any) -> set[Any]:
    return {value for name, value in record.items() if name.startswith("export_")}


def test_a_zero_shows_nothing_until_the_register_has_counted_and_is_then_a_fall(site: Site) -> None:
    site.read(meter_203(1000, 0))
    for _ in range(3):
        decision, record = site.read(meter_203(1000, 0))
        assert exported(record) == {None}
    assert decision == "accepted"
    assert record["import_register_milliwh"] == 10_000_000
    decision, record = site.read(meter_203(1000, 1))
    assert decision == "accepted"
    assert record["export_register_milliwh"] == 10_000
    assert record["export_epoch_first_milliwh"] == 0  # the first 10 Wh are booked: the zero was a count
    decision, record = site.read(meter_203(1000, 0))
    assert (decision, record["export_register_milliwh"]) == ("accepted", 10_000)  # a step back within the last digit
    assert site.read(meter_203(1000, 9))[0] == "accepted"
    decision, record = site.read(meter_203(1000, 0))
    assert decision == "quarantined: went_backwards"
    assert record["export_register_milliwh"] == 90_000
    assert site.read(meter_203(1001, 9))[0] == "accepted"


def test_a_restart_does_not_forget_that_it_has_counted(site: Site) -> None:
    for count in (0, 0, 5):
        site.read(meter_203(1000, count))
    site.restart()
    decision, _ = site.read(meter_203(1000, 0))
    assert decision == "quarantined: went_backwards"
    decision, record = site.read(meter_203(1000, 6))
    assert (decision, record["export_register_milliwh"]) == ("accepted", 60_000)


def test_a_floats_zero_is_a_count_from_the_first(site: Site) -> None:
    site.read(meter_213(1000.0, 0.0))
    _, record = site.read(meter_213(1000.0, 0.0))
    assert record["export_register_milliwh"] == 0


def test_a_device_that_says_zero_while_it_starts_does_not_book_its_life(site: Site) -> None:
    for _ in range(3):
        site.read(meter_203(0, 0))
    decision, _ = site.read(meter_203(90_663, 20_000))
    assert decision == "quarantined: impossible_jump"
