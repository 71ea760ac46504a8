"""One TCP endpoint of a `SocketLoop`: its socket, and where its conversation stands. Never blocks.

What it raises is TransportLostError, with the same words as the blocking `tcp`.
"""

import contextlib
import errno
import os
import socket

from ..errors import TransportLostError
from ..steps import Step, Steps
from .resolver import Address
from .tcp import set_options


class Endpoint:
    """host:port, open or not. `readable` says that there may be something to read, or the end of the connection."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.socket: socket.socket | None = None
        self.is_opening = False
        self.readable = False
        self.conversation: Steps[object] | None = None
        self.step: Step | None = None
        """The step that the conversation waits for."""
        self.timer = 0
        """The number of the only timer that counts."""
        self.addresses: list[Address] = []
        """Still to be tried, in the course of an Open."""

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def is_open(self) -> bool:
        return self.socket is not None and not self.is_opening

    def begin_connect(self) -> int:
        """Connect to the next address without waiting for it; the socket's descriptor. Raises OSError."""
        family, address = self.addresses.pop(0)
        self.socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        set_options(self.socket)
        with contextlib.suppress(BlockingIOError):
            self.socket.connect(address)
        return self.socket.fileno()

    def finish_connect(self) -> bool:
        """True: connected; False: not decided yet. Raises OSError if it was refused."""
        assert self.socket is not None
        number = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, os.strerror(number))
        try:
            self.socket.getpeername()
        except OSError as error:
            if error.errno == errno.ENOTCONN:  # an event of the descriptor's former life
                return False
            raise
        self.readable = True  # perhaps; the first look tells
        return True

    def write(self, payload: bytes) -> None:
        """All at once: a send buffer without room for a dozen bytes is a dead peer's."""
        connection = self._connected()
        try:
            sent = connection.send(payload)
        except OSError as error:
            raise TransportLostError(f"{self.name}: connection lost during write: {error}") from error
        if sent != len(payload):
            raise TransportLostError(f"{self.name}: the other side takes nothing any more")

    def read(self, max_bytes: int) -> bytes:
        """What is there now; no look is taken where nothing has been announced."""
        if not self.readable:
            return b""
        connection = self._connected()
        try:
            heard = connection.recv(max_bytes)
        except BlockingIOError:
            self.readable = False
            return b""
        except OSError as error:
            raise TransportLostError(f"{self.name}: connection lost during read: {error}") from error
        if not heard:
            raise TransportLostError(f"{self.name}: the other side closed the connection")
        return heard

    def close(self) -> None:
        """Never raises."""
        connection, self.socket = self.socket, None
        self.readable = False
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()

    def _connected(self) -> socket.socket:
        if self.socket is None:
            raise TransportLostError(f"{self.name}: not connected")
        return self.socket
