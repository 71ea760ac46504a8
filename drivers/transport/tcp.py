"""A TCP connection to a meter or a converter: connect time bounded, keepalive on, no Nagle delay.

A peer that vanished without a word is found by keepalive (about half a minute) and by unacknowledged data.
"""

import contextlib
import errno
import select
import socket

from ..errors import TransportLostError
from ..timing import Ticker

DRAIN_LIMIT = 65536
CONNECT_TIMEOUT_US = 5_000_000
KEEPALIVE_IDLE_S = 15
KEEPALIVE_INTERVAL_S = 5
KEEPALIVE_PROBES = 3
UNACKNOWLEDGED_MS = 20_000


class TcpTransport:
    """One connection to host:port."""

    def __init__(self, host: str, port: int, ticker: Ticker, *, connect_timeout_us: int = CONNECT_TIMEOUT_US) -> None:
        self._host = host
        self._port = port
        self._ticker = ticker
        self._connect_timeout_us = connect_timeout_us
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    @property
    def name(self) -> str:
        return f"{self._host}:{self._port}"

    def open(self) -> None:
        """Connect. Raises TransportLostError."""
        if self._socket is not None:
            return
        try:
            connection = socket.create_connection((self._host, self._port), self._connect_timeout_us / 1_000_000)
        except (OSError, UnicodeError) as error:
            raise TransportLostError(f"{self.name}: {connect_mend(error)}") from error
        try:
            set_options(connection)
            # Requests are a dozen bytes; a send buffer that is full is a dead peer.
            connection.settimeout(self._connect_timeout_us / 1_000_000)
        except OSError as error:
            connection.close()
            raise TransportLostError(f"{self.name}: {error}") from error
        self._socket = connection

    def close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()

    def write(self, data: bytes) -> None:
        connection = self._opened()
        try:
            connection.sendall(data)
        except OSError as error:
            raise TransportLostError(f"{self.name}: connection lost during write: {error}") from error

    def read(self, max_bytes: int, deadline_us: int) -> bytes:
        connection = self._opened()
        try:
            left_us = max(0, deadline_us - self._ticker.monotonic_us())
            ready, _, _ = select.select([connection], [], [], left_us / 1_000_000)
            if not ready:
                return b""
            data = connection.recv(max_bytes)
        except (OSError, ValueError) as error:
            raise TransportLostError(f"{self.name}: connection lost during read: {error}") from error
        if not data:
            raise TransportLostError(f"{self.name}: the other side closed the connection")
        return data

    def drain(self) -> bytes:
        data = b""
        while len(data) < DRAIN_LIMIT and (more := self.read(4096, 0)):
            data += more
        return data

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise TransportLostError(f"{self.name}: not connected")
        return self._socket


def set_options(connection: socket.socket) -> None:
    """No Nagle delay; a peer that vanished is found. Raises OSError."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)


def connect_mend(error: Exception) -> str:
    """What to do about a host that cannot be reached."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return "unknown host name; check the spelling, or use the IP address"
    if isinstance(error, TimeoutError):
        return "no answer to the connection; is the device on, and the address right?"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused; is Modbus TCP switched on in the device, and the port right?"
    if isinstance(error, OSError) and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "no route to it; check address and network"
    return f"cannot connect: {error}"
