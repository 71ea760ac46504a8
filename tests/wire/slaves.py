"""Slaves on real wires: a pty with the line time of a baud rate, and a TCP socket. Frames by struct, own CRC.

A pty carries bytes at once, so the slave waits as long as the line would take: for the request to come in, and
before each byte that goes out. Each slave runs in a thread of the test and ends with it.
"""

import os
import select
import socket
import threading
import time
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Self

CHARACTER_BITS = 11
Answer = Callable[[bytes], list[tuple[float, bytes]]]
"""Given a request: (seconds after it was in, bytes) in the order in which they go out."""


class _Slave:
    """A thread that serves until `stop` is readable."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join(timeout=10)
        os.close(self._stop_read)
        os.close(self._stop_write)

    def _serve(self) -> None:
        raise NotImplementedError

    def _wait_readable(self, fd: int) -> bool:
        """True when `fd` has something; False when the slave must stop."""
        ready, _, _ = select.select([fd, self._stop_read], [], [])
        return self._stop_read not in ready


class PtySlave(_Slave):
    """An RTU slave on a pty; `port` is what the master opens. Requests are 8 bytes."""

    def __init__(self, answer: Answer, baud_bd: int = 9600) -> None:
        super().__init__(answer)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.character_s = CHARACTER_BITS / baud_bd

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.unplug()

    def unplug(self) -> None:
        """The adapter is pulled out."""
        for name in ("_master", "_slave"):
            fd: int = getattr(self, name)
            setattr(self, name, -1)
            if fd >= 0:
                os.close(fd)

    def _serve(self) -> None:
        heard = b""
        while self._wait_readable(self._master):
            heard += os.read(self._master, 256)
            while len(heard) >= 8:
                request, heard = heard[:8], heard[8:]
                self.requests.append(request)
                time.sleep(8 * self.character_s)
                for delay_s, data in self.answer(request):
                    time.sleep(delay_s)
                    self.send(data)

    def send(self, data: bytes) -> None:
        """Put bytes on the line at its pace."""
        start_s = time.monotonic()
        for n, byte in enumerate(data, 1):
            time.sleep(max(0.0, start_s + n * self.character_s - time.monotonic()))
            os.write(self._master, bytes([byte]))


class TcpSlave(_Slave):
    """A Modbus TCP slave on a free loopback port; one connection at a time, in turn."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listener.getsockname()
        self.connections = 0
        self.hang_up_after: int | None = None
        """Close the connection after so many requests."""
        self.request_bytes = 12
        """Length of a request: 12 of Modbus TCP, 8 of RTU frames."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._listener.close()

    def _serve(self) -> None:
        while self._wait_readable(self._listener.fileno()):
            connection, _ = self._listener.accept()
            self.connections += 1
            with connection:
                if not self._serve_connection(connection):
                    return

    def _serve_connection(self, connection: socket.socket) -> bool:
        """False when the slave must stop."""
        heard, served = b"", 0
        while self.hang_up_after is None or served < self.hang_up_after:
            if not self._wait_readable(connection.fileno()):
                return False
            try:
                data = connection.recv(256)
            except ConnectionError:
                return True
            if not data:
                return True
            heard += data
            while len(heard) >= self.request_bytes:
                request, heard = heard[: self.request_bytes], heard[self.request_bytes :]
                self.requests.append(request)
                served += 1
                for delay_s, answer in self.answer(request):
                    time.sleep(delay_s)
                    connection.sendall(answer)
        return True
