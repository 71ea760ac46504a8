"""The ledger thread thins by itself what is older than the config says, and goes on committing."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gateway.clock import SystemClock
from gateway.config.load import load_config
from gateway.daemon.bookkeeper import Bookkeeper
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.publish.message import Topics

from .test_bookkeeper import EXAMPLE
from .test_retention import closed, run, write
from .world import NOON_US, H

HOURS = 80


class FastClock(SystemClock):
    """A thousand times as fast, so that nobody waits a minute for the next look."""

    def real_us(self) -> int:
        return super().real_us() * 1000


def looks_of(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """How many readings each look at the old ones took away, None where there was nothing more; it goes on filling."""
    looks: list[int | None] = []
    thin = store.retention.thin

    def look(keep_hours: int, most_bytes: int) -> int | None:
        looks.append(gone := thin(keep_hours, most_bytes))
        return gone

    monkeypatch.setattr(store.retention, "thin", look)
    return looks


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize(("keep_days", "left"), [(1, 2000), (40, HOURS * 60)])
def test_old_readings_go_and_young_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep_days: int, left: int
) -> None:
    migrate(tmp_path / "ledger.sqlite")
    store = Store(tmp_path / "ledger.sqlite")
    store.load_meter("grid")
    write(store, run(HOURS))
    closed(store, NOON_US + 2 * HOURS * H)
    config = load_config(EXAMPLE)
    config = msgspec.structs.replace(config, store=msgspec.structs.replace(config.store, keep_days=keep_days))
    keeper = Bookkeeper(config, store, {}, Topics("netmeter", "home"), FastClock(), lambda _meter: None)
    looks = looks_of(store, monkeypatch)
    keeper.start()
    turned = keeper.call(lambda: store.past.newest_id())
    assert turned == HOURS * 60
    if keep_days == 1:  # 56 hours are older, which are three slices of a thousand
        assert wait_for(lambda: keeper.call(lambda: store.retention.thinned_to) == 3000)
    else:
        assert wait_for(lambda: len(looks) >= 3)
    keeper.stop()
    keeper.join(60)
    assert not keeper.is_alive()
    (count,) = store._connection.execute("SELECT count(*) FROM reading").fetchone()
    store.close()
    assert (count == left) if keep_days == 40 else (24 * 60 <= count < left)
