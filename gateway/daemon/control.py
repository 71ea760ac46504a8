"""The daemon's ear: a Unix socket on which `netmeter status` and `netmeter read` ask. No network listener exists.

One JSON object a connection each way, closed by a line end; bounded in size and time. Nothing that can be asked here
changes a meter; of the account only an exchange of meters can be stated (`meter_replace`): judged, and journalled.
"""

import contextlib
import grp
import json
import os
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..log import event_line, logger
from ..pulse import Pulse

REQUEST_LIMIT_BYTES = 4096
ANSWER_LIMIT_BYTES = 4_000_000
PATIENCE_S = 5.0
TURN_EVERY_S = 1.0
CALLERS_MOST = 16
GROUP = "netmeter"

Handler = Callable[[Mapping[str, Any]], dict[str, Any]]


class NoDaemonError(Exception):
    """Nobody answers on the socket."""


class Control(threading.Thread):
    """Serves one socket; `handlers` maps a command word to what answers it."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler], clock: Clock) -> None:
        """Bind at once, so that a bad place is told before anything runs. Raises OSError."""
        super().__init__(name="control", daemon=True)
        self.pulse = Pulse(self.name, clock)
        self._path, self._handlers = path, handlers
        self._closing = threading.Event()
        self._room = threading.BoundedSemaphore(CALLERS_MOST)
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # the store's lock has proved that no other daemon is alive behind it
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            self._socket.bind(str(path))
        finally:
            os.umask(mask)
        with contextlib.suppress(KeyError, OSError):  # no such group, or not ours to give
            os.chown(path, -1, grp.getgrnam(GROUP).gr_gid)
            path.chmod(0o660)
        self._socket.listen(64)
        self._socket.settimeout(TURN_EVERY_S)

    def run(self) -> None:
        """Answer until closed."""
        while not self._closing.is_set():
            self.pulse.turn()
            self._take_caller()

    def _take_caller(self) -> None:
        """Wait a moment for a caller, and give it a thread: only the door itself has a pulse, no answer holds it up."""
        try:
            connection, _ = self._socket.accept()
        except TimeoutError:
            return
        except OSError as error:
            if not self._closing.is_set():  # no descriptor left: that passes, and the door must not be shut by it
                logger.error(event_line("caller_not_heard", socket=self._path, why=error))
                self._closing.wait(TURN_EVERY_S)
            return
        # A reading of a slow meter must not keep a question about the daemon's state waiting.
        if self._room.acquire(blocking=False):
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
        else:
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                connection.settimeout(PATIENCE_S)
                with contextlib.suppress(OSError):  # who asked and went away gets no answer
                    connection.sendall(json.dumps(self._answer(connection)).encode() + b"\n")
        finally:
            self._room.release()

    def close(self) -> None:
        """Stop listening and remove the socket."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _answer(self, connection: socket.socket) -> dict[str, Any]:
        # The socket's own timeout begins anew with each byte; who drips them is cut off all the same.
        patience = threading.Timer(PATIENCE_S, _stop_listening, (connection,))
        patience.daemon = True
        patience.start()
        try:
            request = json.loads(_receive_line(connection, REQUEST_LIMIT_BYTES))
        except (ValueError, OSError, RecursionError) as error:
            return {"error": f"unreadable request: {error}"}
        finally:
            patience.cancel()
        command = request.get("command") if isinstance(request, dict) else None
        handler = self._handlers.get(command) if isinstance(command, str) else None
        if handler is None:
            return {"error": "unknown command; known: " + ", ".join(sorted(self._handlers))}
        logger.debug(event_line("asked", command=command))
        return handler(request)


def ask(path: Path, request: Mapping[str, Any], patience_s: float = 40.0) -> dict[str, Any]:
    """Ask the daemon behind `path`. Raises NoDaemonError where nobody is there, OSError where it does not answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(patience_s)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NoDaemonError(f"no gateway answers on {path}") from error
        connection.sendall(json.dumps(dict(request)).encode() + b"\n")
        try:
            answer = json.loads(_receive_line(connection, ANSWER_LIMIT_BYTES))
        except ValueError as error:
            raise OSError(f"{path}: an answer that cannot be read: {error}") from error
    if not isinstance(answer, dict):
        raise OSError(f"{path}: an answer that is no object")
    return answer


def _stop_listening(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may be over already
        connection.shutdown(socket.SHUT_RD)


def _receive_line(connection: socket.socket, limit: int) -> bytes:
    data = bytearray()
    while not data.endswith(b"\n"):
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
        if len(data) > limit:
            raise ValueError(f"more than {limit} bytes")
    return bytes(data)
