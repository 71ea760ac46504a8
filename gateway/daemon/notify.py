"""What the supervisor is told: sd_notify(3) by hand, one datagram a message to the socket that systemd named.

Never raises and never holds the daemon up for long: a message that cannot be sent is reported to the caller, who
sends it again or not. Where nobody listens every message counts as sent.
(systemd, sd_notify(3), sd_watchdog_enabled(3))
"""

import contextlib
import socket

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"
SEND_WITHIN_S = 1.0
STATUS_LIMIT_CHARACTERS = 400


class Notifier:
    """The way to the supervisor. `address`: NOTIFY_SOCKET's content, None where no supervisor listens."""

    def __init__(self, address: str | None) -> None:
        self._address = _socket_address(address) if address else None
        self._socket: socket.socket | None = None
        if self._address is not None:
            with contextlib.suppress(OSError):
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.settimeout(SEND_WITHIN_S)

    def send(self, *assignments: str) -> bool:
        """One message, such as READY and a status; whether it went out."""
        if self._socket is None or self._address is None:
            return True
        try:
            self._socket.sendto("\n".join(assignments).encode(errors="replace"), self._address)
        except OSError:  # the supervisor is being restarted, or its queue is full
            return False
        return True

    def close(self) -> None:
        """Let go of the socket. Harmless when repeated."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def status(text: str) -> str:
    """The assignment that shows `text` in `systemctl status`: one line, of bounded length."""
    line = " ".join(text.split())
    if len(line) > STATUS_LIMIT_CHARACTERS:
        line = line[: STATUS_LIMIT_CHARACTERS - 3] + "..."
    return f"STATUS={line}"


def _socket_address(address: str) -> str | None:
    """The address for sendto. A leading @ stands for the zero byte of an abstract name (unix(7)); others are paths."""
    if address.startswith("@") and len(address) > 1:
        return "\0" + address[1:]
    return address if address.startswith("/") else None
