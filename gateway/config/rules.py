"""What gateway.toml must fulfil beyond the types of its keys, the meters apart (those are in `meter_rules`).

Notes problems in the document and changes nothing. Whatever is in doubt at this moment but may be right when the
daemon runs (an adapter that is not plugged in) is a warning, except for whoever asks for a full check.
"""

import ipaddress
import os
import re
import ssl
import stat
from pathlib import Path

from ..tariff.tariff_file import TariffError, is_path, load_tariff
from .convert import Converter, Fields
from .document import Document
from .problem import TomlPath

NAME = re.compile(r"[a-z0-9_-]{1,32}")
NAME_MEND = "small letters, digits, - and _, at most 32: it becomes part of MQTT topics"
INTERVALS_MIN = (5, 15, 30, 60)
PLAIN_PORT = 1883
TLS_PORT = 8883


def check_sections(document: Document, converter: Converter) -> None:
    """[gateway], [mqtt], [accounting] and [store], as far as they were understood."""
    tables = converter.tables
    if ("gateway",) in tables:
        _check_gateway(document, tables[("gateway",)])
    if ("mqtt",) in tables:
        _check_mqtt(document, tables[("mqtt",)])
    if ("accounting",) in tables:
        _check_accounting(document, tables[("accounting",)])
    if ("store",) in tables:
        _check_store(document, tables[("store",)])


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
    if mend:
        shown = host.rpartition("@")[2]  # what stands before @ may hold a password
        document.add(path, f'"{shown}" is no host name', mend, value=shown)
    return not mend


def is_loopback(host: str) -> bool:
    """Whether traffic to `host` stays on this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _check_gateway(document: Document, fields: Fields) -> None:
    name = fields.text("id")
    if name is not None and not NAME.fullmatch(name):
        document.add(("gateway", "id"), f'id "{name}" cannot be used', NAME_MEND, value=name)


def _check_mqtt(document: Document, fields: Fields) -> None:
    host, tls, user = fields.text("host"), fields.flag("tls"), fields.text("username")
    if host == "":
        document.add(("mqtt", "host"), "host is empty", 'name the broker, such as "localhost"')
    elif host is not None and not check_host(document, ("mqtt", "host"), host):
        host = None
    for key in ("base_topic", "discovery_prefix"):
        topic = fields.text(key)
        if topic is not None and not re.fullmatch(r"[^\s+#/$\x00][^\s+#\x00]{0,127}(?<!/)", topic):
            mend = "no +, #, blanks, no / at either end, no $ in front"
            document.add(("mqtt", key), f'{key} "{topic}" cannot be used', mend, value=topic)
    if fields.text("password_file") and user == "":
        document.add(("mqtt", "password_file"), "there is a password_file but no username", "add username")
    if host and tls is False and not is_loopback(host):
        what = "password and data go" if fields.text("password_file") else "data goes"
        document.warn(("mqtt", "host"), f"{what} in clear over the network to {host}", "tls = true, port = 8883")
    if tls is True and fields.number("port") == PLAIN_PORT:
        document.warn(("mqtt", "tls"), f"port {PLAIN_PORT} is by custom the one without TLS", f"port = {TLS_PORT}")
    if tls is False and fields.text("ca_file"):
        document.warn(("mqtt", "ca_file"), "ca_file means nothing while tls = false", "tls = true")
    _check_password_file(document, fields.text("password_file"))
    _check_ca_file(document, fields.text("ca_file"))


def _check_ca_file(document: Document, name: str | None) -> None:
    if not name:
        return
    path, mend = resolved(document.folder, name), "give the CA's certificate (PEM)"
    if not stat.S_ISREG(mode_of(path) or 0):
        document.add(("mqtt", "ca_file"), f"there is no file {name}", mend, value=name)
        return
    try:
        ssl.create_default_context(cafile=str(path))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        document.add(("mqtt", "ca_file"), f"ca_file {name} holds no certificate ({error})", mend, value=name)


def _check_password_file(document: Document, name: str | None) -> None:
    if not name:
        return
    path, place = resolved(document.folder, name), ("mqtt", "password_file")
    try:
        status = path.stat()
    except OSError as error:
        message = f"password_file {name} cannot be read: {os.strerror(error.errno or 0)}"
        document.add(place, message, "write the password alone into it, then chmod 600", value=name)
        return
    if not stat.S_ISREG(status.st_mode):
        document.add(place, f"password_file {name} is not a file", "write the password alone into a file", value=name)
    elif not os.access(path, os.R_OK):
        document.add(place, f"password_file {name} may not be read by this user", f"ls -l {path}", value=name)
    elif status.st_mode & stat.S_IROTH:
        document.add(place, f"password_file {name} can be read by everybody", f"chmod 600 {path}", value=name)
    elif not _is_text(path):
        document.add(place, f"password_file {name} is no UTF-8 text", "write the password alone into it", value=name)
    elif status.st_mode & stat.S_IRGRP:
        # Not an error: systemd hands out credentials under an ACL, which shows as a readable group.
        document.warn(place, f"password_file {name} can be read by its group", f"chmod 600 {path}", value=name)


def _is_text(path: Path) -> bool:
    try:
        path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return True


def _check_accounting(document: Document, fields: Fields) -> None:
    interval_min = fields.number("interval_min")
    if interval_min is not None and interval_min not in INTERVALS_MIN:
        listed = ", ".join(str(one) for one in INTERVALS_MIN)
        message = f"interval_min = {interval_min} is not one of {listed}"
        document.add(("accounting", "interval_min"), message, value=interval_min)
    # A tariff that is wrong tells its own file and lines; one that is missing is told here.
    name = fields.text("tariff")
    if name is None:
        return
    try:
        load_tariff(str(resolved(document.folder, name)) if is_path(name) else name)
    except TariffError as error:
        for problem in error.problems:
            if problem.line:
                document.problems.append(problem)
            else:
                message = problem.message if not is_path(name) else f"tariff {problem.file} {problem.message}"
                document.add(("accounting", "tariff"), message, problem.mend, value=name)


def _check_store(document: Document, fields: Fields) -> None:
    name = fields.text("path")
    if not name:
        return
    path = resolved(document.folder, name)
    if stat.S_ISDIR(mode_of(path) or 0):
        mend = f'name the file in it: path = "{name.rstrip("/")}/ledger.sqlite"'
        document.add(("store", "path"), f"path {name} is a folder", mend, value=name)
