"""A private MQTT broker on a free loopback port: mosquitto as a process of ours, else amqtt; never the system's own.

Can be stopped and started again on the same port, and then comes back with what it kept (nothing, unless persistence
is asked for). Never uses port 1883, never touches a broker that it did not start.
"""

import getpass
import secrets
import shutil
import socket
import time
from enum import Enum
from pathlib import Path

from .process import Child, ChildError

HOST = "127.0.0.1"
SYSTEM_PORT = 1883
START_S = 15.0
PORTS, TRIES = range(20_000, 32_000), 100
# MQTT 3.1.1, clean session, no client id, keep-alive 10 s (3.1): answered by 20 02 00 00 (3.2).
_CONNECT = bytes((0x10, 12, 0, 4)) + b"MQTT" + bytes((4, 2, 0, 10, 0, 0))
_CONNACK = bytes((0x20, 2, 0, 0))
_DISCONNECT = bytes((0xE0, 0))


class BrokerKind(Enum):
    """Which program serves."""

    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"


def find_mosquitto() -> str | None:
    """The path of mosquitto, which Debian keeps in /usr/sbin, outside a user's PATH; None where there is none."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/sbin")


def free_port() -> int:
    """A loopback port that nobody holds just now, below those that a system gives to connections by itself (Linux from
    32768, others from 49152): so none of them takes it before it is served. Raises ChildError where none is free."""
    for _ in range(TRIES):
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return port
    raise ChildError(f"no free port from {PORTS.start} to {PORTS.stop - 1}")


class Broker:
    """One broker. `folder` takes its configuration, its log and, with `persistent`, its store."""

    def __init__(
        self,
        folder: Path,
        *,
        kind: BrokerKind | None = None,
        port: int | None = None,
        persistent: bool = False,
        more_lines: tuple[str, ...] = (),
    ) -> None:
        """Choose program and port; starts nothing. `more_lines` are mosquitto's. Raises ValueError for port 1883."""
        if port == SYSTEM_PORT:
            raise ValueError(f"port {SYSTEM_PORT} belongs to the system's own broker")
        found = find_mosquitto()
        self.kind = kind or (BrokerKind.MOSQUITTO if found else BrokerKind.AMQTT)
        self.host = HOST
        self.port = port or free_port()
        self.log = folder / "broker.log"
        self._folder = folder
        self._mosquitto = found
        self._persistent = persistent
        self._more_lines = more_lines
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The running process. Raises ChildError while the broker is stopped."""
        if self._child is None:
            raise ChildError("the broker is not running")
        return self._child

    def start(self) -> None:
        """Start and wait until a CONNECT is accepted. Raises ChildError."""
        if self._child is not None:
            raise ChildError("the broker is running already")
        if self.kind is BrokerKind.MOSQUITTO:
            child = self._start_mosquitto()
        else:
            child = Child.python("broker (amqtt)", "hil.amqtt_broker", [f"--port={self.port}"], self.log)
        try:
            self._wait(child)
        except BaseException:
            child.stop()
            raise
        self._child = child

    def stop(self) -> None:
        """End it and wait for that; harmless when it is stopped."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def restart(self) -> None:
        """Stop, and start again on the same port. Raises ChildError."""
        self.stop()
        self.start()

    def _wait(self, child: Child) -> None:
        deadline_s = time.monotonic() + START_S
        while not accepts_connect(self.port):
            child.check()
            if time.monotonic() > deadline_s:
                raise ChildError(f"no CONNECT accepted within {START_S:g} s; its log: {self.log}\n{child.tail()}")
            time.sleep(0.02)
        # Somebody else's broker could have answered on the port while ours failed to get it.
        child.check()

    def _start_mosquitto(self) -> Child:
        if self._mosquitto is None:
            raise ChildError("mosquitto is not installed (Debian: apt-get install mosquitto)")
        lines = [
            f"listener {self.port} {HOST}",
            "allow_anonymous true",
            # Only heeded when root starts it: it would otherwise become a user who cannot write here.
            f"user {getpass.getuser()}",
            f"persistence {'true' if self._persistent else 'false'}",
            "log_dest stdout",
            *self._more_lines,
        ]
        if self._persistent:
            lines.append(f"persistence_location {self._folder}/")
        config = self._folder / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [self._mosquitto, "-c", str(config)]
        return Child.python("broker (mosquitto)", "hil.with_parent", command, self.log)


def accepts_connect(port: int) -> bool:
    """True if an MQTT broker on this loopback port answers a CONNECT with "accepted"."""
    try:
        with socket.create_connection((HOST, port), timeout=1.0) as link:
            link.sendall(_CONNECT)
            answer = b""
            while len(answer) < len(_CONNACK):
                chunk = link.recv(len(_CONNACK) - len(answer))
                if not chunk:
                    return False
                answer += chunk
            link.sendall(_DISCONNECT)
    except OSError:
        return False
    return answer == _CONNACK
