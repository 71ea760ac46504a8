"""The masters that are compared: this program's link, pymodbus's own two clients. Each asks the same block.

`ask(n)` asks n times in a row, as fast as the master goes, and returns how many answers were right. A pty refuses a
parity, so characters of 11 bits are those with two stop bits.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from pymodbus.client import AsyncModbusSerialClient, ModbusSerialClient

from drivers import SystemTicker
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.serial import SerialTransport

UNIT, FUNCTION, ADDRESS, COUNT = 1, 3, 100, 60
RIGHT = tuple(range(ADDRESS, ADDRESS + COUNT))
TIMEOUT_S = 3.0


class Master(Protocol):
    """One program on one port."""

    def ask(self, cycles: int) -> int: ...

    def close(self) -> None: ...


class Ours:
    """The driver's link on its own serial transport."""

    def __init__(self, port: str, baud_bd: int, bits: int) -> None:
        ticker = SystemTicker()
        self._link = ModbusLink(
            SerialTransport(port, baud_bd, ticker, stop_bits=bits - 9),
            Framing.RTU,
            ticker,
            timeout_us=int(TIMEOUT_S * 1_000_000),
            quiet_us=20_000,
            baud_bd=baud_bd,
            character_bits=bits,
            is_paced=True,
        )

    def ask(self, cycles: int) -> int:
        """Blocking, in this thread."""
        asked = (self._link.read_registers(UNIT, FUNCTION, ADDRESS, COUNT).words for _ in range(cycles))
        return sum(words == RIGHT for words in asked)

    def close(self) -> None:
        """Close the port."""
        self._link.close()


class PymodbusSync:
    """pymodbus's blocking client, as its documentation shows it."""

    def __init__(self, port: str, baud_bd: int, bits: int) -> None:
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)
        self._client = ModbusSerialClient(port, baudrate=baud_bd, stopbits=bits - 9, timeout=TIMEOUT_S, retries=0)
        if not self._client.connect():
            raise OSError(f"pymodbus cannot open {port}")

    def ask(self, cycles: int) -> int:
        """Blocking, in this thread."""
        answers = (
            self._client.read_holding_registers(ADDRESS, count=COUNT, device_id=UNIT).registers for _ in range(cycles)
        )
        return sum(tuple(words) == RIGHT for words in answers)

    def close(self) -> None:
        """Close the port."""
        self._client.close()  # type: ignore[no-untyped-call]


class OneByOne(PymodbusSync):
    """The same client as many readers use it: a question for each value of two registers."""

    def ask(self, cycles: int) -> int:
        """The block in thirty questions, so many times."""
        right = 0
        for _ in range(cycles):
            words: list[int] = []
            for address in range(ADDRESS, ADDRESS + COUNT, 2):
                answer = self._client.read_holding_registers(address, count=2, device_id=UNIT)
                words += answer.registers
            right += tuple(words) == RIGHT
        return right


class PymodbusAsync:
    """pymodbus's asynchronous client in a loop of its own."""

    def __init__(self, port: str, baud_bd: int, bits: int) -> None:
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)
        self._loop = asyncio.new_event_loop()
        self._port, self._baud_bd, self._stop_bits = port, baud_bd, bits - 9
        self._client = self._loop.run_until_complete(self._open())

    async def _open(self) -> AsyncModbusSerialClient:
        client = AsyncModbusSerialClient(
            self._port, baudrate=self._baud_bd, stopbits=self._stop_bits, timeout=TIMEOUT_S, retries=0
        )
        if not await client.connect():
            raise OSError(f"pymodbus cannot open {self._port}")
        return client

    def ask(self, cycles: int) -> int:
        """In the loop, one question after the other."""
        return self._loop.run_until_complete(self._ask(cycles))

    async def _ask(self, cycles: int) -> int:
        right = 0
        for _ in range(cycles):
            answer = await self._client.read_holding_registers(ADDRESS, count=COUNT, device_id=UNIT)
            right += tuple(answer.registers) == RIGHT
        return right

    def close(self) -> None:
        """Close the port and the loop."""
        self._client.close()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()


MASTERS: dict[str, Callable[[str, int, int], Master]] = {
    "netmeter": Ours,
    "pymodbus async": PymodbusAsync,
    "pymodbus sync": PymodbusSync,
    "one by one": OneByOne,
}
SLOW = {"one by one": 10}
"""Masters that get so many times fewer cycles."""
