"""The other control: pymodbus's own client, as most programs use it, with retries off. No guard around it.

Obeys `trial.Link`; it opens its own port or connection.
"""

import logging

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType

from drivers import NoAnswerError, RefusedError, Ticker, TransportLostError

from .faults import Framing, Setting, Step


class PlainPymodbus:
    """One client on one line."""

    def __init__(self, address: str, line: Setting, _ticker: Ticker) -> None:
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)
        timeout_s = line.timeout_us / 1e6
        self._failed = 0
        self._client: ModbusSerialClient | ModbusTcpClient
        if line.framing is Framing.RTU:
            self._client = ModbusSerialClient(address, baudrate=line.baud_bd, timeout=timeout_s, retries=0)
        else:
            framer = FramerType.SOCKET if line.framing is Framing.TCP else FramerType.RTU
            host, _, port = address.rpartition(":")
            self._client = ModbusTcpClient(host, port=int(port), framer=framer, timeout=timeout_s, retries=0)

    def read_words(self, step: Step) -> tuple[int, ...]:
        """Whatever the client returns. Raises DriverError in place of pymodbus's own errors."""
        asked = step.question
        read = self._client.read_holding_registers if asked.function == 3 else self._client.read_input_registers
        try:
            if not self._client.connected and not self._client.connect():
                raise TransportLostError("not connected")
            answer = read(asked.address, count=asked.count, device_id=asked.unit)
        except (ModbusException, OSError) as error:
            self._failed += 1
            raise NoAnswerError(str(error)) from error
        except TransportLostError:
            self._failed += 1
            raise
        if answer.isError():
            self._failed += 1
            raise RefusedError("an exception")
        return tuple(answer.registers)

    def counts(self) -> dict[str, int]:
        """One count, so that no failure goes uncounted."""
        return {"failed": self._failed}

    def close(self) -> None:
        """Close it."""
        self._client.close()  # type: ignore[no-untyped-call]
