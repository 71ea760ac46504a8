"""How a meter's line is reached: a serial port here, one at the far end of a network, or Modbus TCP.

What shares a way shares a line, and is asked one question at a time.
"""

import os
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from .types import Framing, MeterSection

SCHEMES = ("rfc2217", "socket")
EXAMPLE = "rfc2217://192.168.1.30:4001"


class WayKind(Enum):
    """What carries the bytes, and in which frames."""

    SERIAL = "serial"
    """RTU frames on a port of this machine."""
    RFC2217 = "rfc2217"
    """RTU frames on a port elsewhere, whose line settings are made through the network (RFC 2217)."""
    RTU_OVER_TCP = "rtu_over_tcp"
    """RTU frames through a converter that changes nothing; its line settings are its own."""
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class Way:
    """`name` is the same for all that share it. `host` and `tcp_port` mean nothing for a serial port."""

    kind: WayKind
    name: str
    host: str = ""
    tcp_port: int = 0

    @property
    def is_endpoint(self) -> bool:
        """Whether the thread of all TCP endpoints serves it."""
        return self.kind in (WayKind.TCP, WayKind.RTU_OVER_TCP)


def is_url(port: str) -> bool:
    """Whether `port` is no path."""
    return "://" in port


def split_url(port: str) -> tuple[str, str, int]:
    """Scheme, host and port number. Raises ValueError with what to write instead."""
    parts = urlsplit(port)
    try:
        number = parts.port
    except ValueError:
        number = None
    if parts.scheme not in SCHEMES:
        raise ValueError(f"{parts.scheme}:// is not known; write {EXAMPLE}, or socket:// and the same")
    if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"write host and port alone: {EXAMPLE}")
    if not parts.hostname or not number:
        raise ValueError(f"host and port are wanted: {EXAMPLE}")
    return parts.scheme, parts.hostname, number


def way_of(section: MeterSection) -> Way:
    """The way to a meter whose section was checked."""
    if not section.port:
        kind = WayKind.RTU_OVER_TCP if section.framing is Framing.RTU else WayKind.TCP
        return _endpoint(kind, section.host.lower(), section.tcp_port)
    if not is_url(section.port):
        # Two names of one port are one line: the second opening of it would be refused.
        return Way(WayKind.SERIAL, os.path.realpath(section.port))
    scheme, host, number = split_url(section.port)
    if scheme == "socket":
        return _endpoint(WayKind.RTU_OVER_TCP, host, number)
    return Way(WayKind.RFC2217, f"rfc2217://{host}:{number}", host, number)


def _endpoint(kind: WayKind, host: str, number: int) -> Way:
    return Way(kind, f"{host}:{number}", host, number)
