"""Paths and hosts as a person writes them in a config file."""

import ipaddress
import re
from pathlib import Path

from .document import Document
from .problem import TomlPath

_DOTTED = re.compile(r"[\d.]+", re.ASCII)


def resolved(folder: Path, text: str) -> Path:
    """A path as a person wrote it: relative to the config file's folder, `~` expanded where there is a home."""
    path = Path(text)
    if text.startswith("~"):
        try:
            path = path.expanduser()
        except RuntimeError:
            return path
    return path if path.is_absolute() else (folder / path).absolute()


def mode_of(path: Path) -> int | None:
    """The kind and rights of a file (stat.st_mode); None where it cannot be seen."""
    try:
        return path.stat().st_mode
    except OSError:
        return None


def check_host(document: Document, path: TomlPath, host: str) -> bool:
    """A host name or address alone: no scheme, no port, no blanks. False where a problem was noted."""
    mend = ""
    if "://" in host or "/" in host:
        mend = "write the name or address alone, without scheme and path"
    elif any(letter.isspace() for letter in host) or not host.isprintable():
        mend = "take the blanks out"
    elif "<" in host or ">" in host:
        mend = "put the name or address in"
    elif host.count(":") == 1:
        mend = "write the port under its own key"
    elif _DOTTED.fullmatch(host) and not _is_address(host):
        mend = "an address is four numbers from 0 to 255, such as 192.168.1.40"
    if mend:
        shown = host.rpartition("@")[2]  # what stands before @ may hold a password
        document.add(path, f'"{shown}" is no host name', mend, value=shown)
    return not mend


def _is_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 4
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether traffic to `host` stays on this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
