"""The running gateway as a way to the line that it holds: each question goes through its control socket, into a gap.

To the link above it looks like Modbus TCP (Messaging on TCP/IP V1.0b, 3.1.3): the gateway is a gateway.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any

from drivers import TransportLostError

Ask = Callable[[Mapping[str, Any]], dict[str, Any] | None]
"""Asks the daemon; None where none is running."""

HEADER = ">HHHB"
HEADER_BYTES = 7
TARGET_SILENT = 11  # Modbus Application Protocol V1.1b3, 7: gateway target device failed to respond
NO_FUNCTION = b"\x00"
"""An answer by no function: bytes came on the line that are no answer."""


class DaemonTransport:
    """Obeys `drivers.transport.Transport`. `meter`: any meter of the config on the line that is meant."""

    def __init__(self, ask: Ask, meter: str, name: str) -> None:
        self._ask, self._meter, self._name = ask, meter, name
        self._answer = b""
        self._is_open = False

    @property
    def is_open(self) -> bool:
        return self._is_open

    @property
    def name(self) -> str:
        return self._name

    def open(self) -> None:
        self._is_open = True

    def close(self) -> None:
        self._is_open, self._answer = False, b""

    def write(self, data: bytes) -> None:
        """Ask the daemon and wait for what comes of it. Raises TransportLostError where it is gone or has no gap."""
        transaction, _protocol, _length, unit = struct.unpack_from(HEADER, data)
        function, address, count = struct.unpack_from(">BHH", data, HEADER_BYTES)
        question = {"unit": unit, "function": function, "address": address, "count": count}
        answer = self._ask({"command": "probe", "meter": self._meter, **question})
        if answer is None:
            raise TransportLostError(f"{self._name}: the gateway that held this line has ended; start the scan again")
        pdu = self._pdu(function, answer)
        self._answer += struct.pack(HEADER, transaction, 0, len(pdu) + 1, unit) + pdu

    def read(self, max_bytes: int, deadline_us: int) -> bytes:  # noqa: ARG002 (the answer is there, or none comes)
        taken, self._answer = self._answer[:max_bytes], self._answer[max_bytes:]
        return taken

    def drain(self) -> bytes:
        return self.read(len(self._answer), 0)

    def _pdu(self, function: int, answer: Mapping[str, Any]) -> bytes:
        if "words" in answer:
            words = answer["words"]
            return struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)
        if "exception" in answer:
            return bytes((function | 0x80, answer["exception"]))
        if "silent" in answer:
            return bytes((function | 0x80, TARGET_SILENT))
        if "unclear" in answer:
            return NO_FUNCTION
        raise TransportLostError(f"{self._name}: {answer.get('lost') or answer.get('error') or 'no answer'}")
