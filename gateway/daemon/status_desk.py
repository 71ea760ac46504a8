"""The answer of `netmeter status`: what the ledger thread sees between two turns, and what each other thread tells.

Changes nothing; a ledger thread that does not answer is told, never waited for.
"""

import queue
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..bookkeeping.books import Books
from ..clock import Clock
from ..config.types import Config
from ..kernels import Kernel
from ..publish.publisher import Publisher
from ..reading.lines import Lines
from .bookkeeper import Bookkeeper
from .view import delivery_view, meter_view


class StatusDesk:
    """Serves `status` of the control socket."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        kernel: Kernel,
        bookkeeper: Bookkeeper,
        books: Mapping[str, Books],
        lines: Lines,
        publisher: Publisher,
        started_us: int,
    ) -> None:
        """`started_us`: real time at which the daemon began."""
        self._config, self._clock, self._kernel, self._started_us = config, clock, kernel, started_us
        self._bookkeeper, self._books, self._lines, self._publisher = bookkeeper, books, lines, publisher

    def answer(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        """All of it; `error` alone of the ledger's part where the ledger thread is stuck."""
        own = {
            "uptime_s": (self._clock.real_us() - self._started_us) // 1_000_000,
            **self._kernel.told(),
            "delivery": delivery_view(self._publisher.delivery, self._config),
        }
        try:
            return {**self._bookkeeper.call(self._ledger_view), **own}
        except queue.Empty:
            return {"error": "the ledger thread does not answer: is the disk hung?", **own}

    def _ledger_view(self) -> dict[str, Any]:
        now_us, live = self._clock.real_us(), self._bookkeeper.live
        meters = [
            {**meter_view(books, live[name], now_us), "wire": self._lines.wire_view(name)}
            for name, books in self._books.items()
        ]
        return {
            **self._bookkeeper.health_record(),
            "meters": meters,
            "consumers": [asdict(one) for one in self._bookkeeper.deliveries.told()],
        }
