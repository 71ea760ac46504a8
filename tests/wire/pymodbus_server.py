"""pymodbus's own server on a loopback socket, in a thread: another program's registers, and what it was asked and when.

It answers the units that it is given and no other.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, and when the server had it."""

    at_s: float
    function: int
    address: int
    count: int


@dataclass(slots=True)
class PymodbusServer:
    """`words`: address -> word; what is not in it answers exception 2."""

    words: Mapping[int, int]
    unit: int = 1
    asked: list[Asked] = field(default_factory=list)
    connected_s: list[float] = field(default_factory=list)
    longest: int = 125
    """More registers in one request answer exception 3."""
    port: int = 0
    _thread: threading.Thread | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _stop: asyncio.Event | None = None
    _is_up: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._is_up.wait(10), "pymodbus's server did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        assert self._stop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)

    def _blocks(self) -> list[SimData]:
        runs: list[tuple[int, list[int]]] = []
        for address in sorted(self.words):
            if not runs or address != runs[-1][0] + len(runs[-1][1]):
                runs.append((address, []))
            runs[-1][1].append(self.words[address])
        return [SimData(first, values=words, datatype=DataType.REGISTERS) for first, words in runs]

    async def _before_answer(
        self, function: int, _start: int, address: int, count: int, _registers: object, _written: object
    ) -> ExcCodes | None:
        self.asked.append(Asked(time.monotonic(), function, address, count))
        return ExcCodes.ILLEGAL_VALUE if count > self.longest else None

    def _connected(self, is_connected: bool) -> None:
        if is_connected:
            self.connected_s.append(time.monotonic())

    async def _serve(self) -> None:
        device = SimDevice(self.unit, simdata=self._blocks(), action=self._before_answer)
        server = ModbusTcpServer(device, address=("127.0.0.1", 0), trace_connect=self._connected)
        await server.serve_forever(background=True)
        assert isinstance(server.transport, asyncio.Server)
        self.port = server.transport.sockets[0].getsockname()[1]
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._is_up.set()
        await self._stop.wait()
        await server.shutdown()
