"""Serve register blocks over Modbus TCP with pymodbus's server, on loopback.

Every unit id is answered; functions 3 and 4 read the same registers; what is in no block answers exception 2;
nothing can be written. Says `ready HOST:PORT` on stdout once it listens.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

HOST = "127.0.0.1"
TICK_S = 0.2

Refresh = Callable[[], Awaitable[list[int] | None]]
"""Called before every answer: the new words of the (only) block, or None where nothing changes."""


def serve(blocks: dict[int, list[int]], port: int, refresh: Refresh, tick: Callable[[], None]) -> None:
    """Serve `blocks` (first address -> words) until SIGTERM or SIGINT; `tick` runs several times a second.

    Raises OSError where the port cannot be had.
    """
    # An absent unit or a broken connection is the client's affair; pymodbus would write a trace for each.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    asyncio.run(_serve(blocks, port, refresh, tick))


async def unchanged() -> list[int] | None:
    """A `Refresh` for registers that stand still."""
    return None


async def _serve(blocks: dict[int, list[int]], port: int, refresh: Refresh, tick: Callable[[], None]) -> None:
    async def before_answer(
        _function: int,
        _start: int,
        _address: int,
        _count: int,
        registers: list[int],
        _written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        words = await refresh()
        if words is not None:
            registers[:] = words
        return None

    data = [SimData(first, values=words, datatype=DataType.REGISTERS, readonly=True) for first, words in blocks.items()]
    server = ModbusTcpServer(SimDevice(0, simdata=data, action=before_answer), address=(HOST, port))
    try:
        await server.serve_forever(background=True)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {HOST}:{port}: taken, or not allowed; name another port") from error
    listener = server.transport
    if not isinstance(listener, asyncio.Server):
        raise OSError(f"{HOST}:{port}: not listening")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tick()
    print(f"ready {HOST}:{listener.sockets[0].getsockname()[1]}", flush=True)
    while not stop.is_set():
        tick()
        try:
            await asyncio.wait_for(stop.wait(), TICK_S)
        except TimeoutError:
            continue
    server.close()
