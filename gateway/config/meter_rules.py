"""What [[meter]] must fulfil: alone, and against the other meters. Notes problems; changes nothing.

Two meters on one line share its settings, and no two answer to the same address.
"""

import os
import stat
from dataclasses import dataclass

from drivers.errors import ProfileError
from drivers.profile_find import SHIPPED
from drivers.profile_trial import untrue

from .convert import Converter, Fields
from .counter_rules import check_counters
from .direction_rules import MEND as UNLIKE_MEND
from .direction_rules import unlike_directions
from .document import Document
from .field_rules import check_options
from .optical_rules import check_optical
from .problem import Severity, TomlPath
from .profiles import profile_named
from .rules import NAME, NAME_MEND, check_host, resolved
from .types import Framing
from .way import is_url, split_url

BAUDS_BD = (300, 600, 1200, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600, 115200, 230400, 460800, 921600)
SERIAL_KEYS = ("baud_bd", "parity", "stop_bits")
HIGHEST_SERIAL_UNIT = 247


@dataclass(frozen=True, slots=True)
class _Meter:
    """A meter's values with what is said about it elsewhere."""

    path: TomlPath
    fields: Fields
    title: str

    def text(self, key: str) -> str:
        return self.fields.text(key) or ""

    @property
    def has_rtu_frames(self) -> bool:
        return bool(self.text("port")) or self.text("framing") == Framing.RTU


def check_meters(document: Document, converter: Converter, *, ports: bool) -> None:
    """All meters. With `ports` a serial port that does not exist is an error, else a warning."""
    meters = [
        _Meter(path, fields, fields.text("name") or f"number {position + 1}")
        for position, (path, fields) in enumerate(
            (path, fields) for path, fields in converter.tables.items() if path[:1] == ("meter",) and len(path) == 2
        )
    ]
    if document.table.get("meter") == []:
        document.add(("meter",), "there is no [[meter]]", "a gateway needs one meter at least")
    interval_min = (
        converter.tables[("accounting",)].number("interval_min") if ("accounting",) in converter.tables else None
    )
    for meter in meters:
        _check_name(document, meter)
        _check_way(document, meter)
        _check_profile(document, meter)
        check_counters(document, converter, meter.path, meter.text("profile"))
        check_options(document, meter.path, meter.fields)
        check_optical(document, meter.path, meter.fields)
        _check_numbers(document, meter, interval_min)
        if meter.text("port"):
            _check_port(document, meter, Severity.ERROR if ports else Severity.WARNING)
    _check_names(document, meters)
    _check_lines(document, meters)
    _check_addresses(document, meters)


def _check_name(document: Document, meter: _Meter) -> None:
    name = meter.fields.text("name")
    if name is not None and not NAME.fullmatch(name):
        document.add((*meter.path, "name"), f'name "{name}" cannot be used', NAME_MEND, value=name)


def _check_way(document: Document, meter: _Meter) -> None:
    """Either a serial line or TCP."""
    given, meant = meter.fields.given, meter.fields.meant
    port, host = meter.fields.text("port"), meter.fields.text("host")
    told_already = port is None or host is None or bool(meant & {"port", "host"})
    if port and host:
        message = "has both port (a serial line) and host (Modbus TCP)"
        document.add((*meter.path, "host"), message, "keep the one that is meant")
    elif not port and not host and not told_already:
        message = "has neither port (a serial line) nor host (Modbus TCP)"
        document.add(meter.path, message, 'add port = "/dev/serial/by-id/..." or host = "192.168.1.20"')
    if host:
        check_host(document, (*meter.path, "host"), host)
    if port or host:
        for key in given & _idle_keys(meter):
            document.warn((*meter.path, key), f"{key} means nothing {_where(meter)}", "take the line out")


def _idle_keys(meter: _Meter) -> frozenset[str]:
    """Keys that change nothing for the way this meter is reached."""
    if meter.text("port"):
        far = ("parity", "stop_bits") if meter.text("port").startswith("socket://") else ()
        return frozenset(("tcp_port", "framing", *far))
    return frozenset(("parity", "stop_bits") if meter.has_rtu_frames else SERIAL_KEYS)


def _where(meter: _Meter) -> str:
    if not meter.text("port"):
        return "through a converter, which has its own" if meter.has_rtu_frames else "over TCP"
    return "here: port says it all" if is_url(meter.text("port")) else "on a serial line"


def _check_profile(document: Document, meter: _Meter) -> None:
    name = meter.fields.text("profile")
    if name is None:
        return
    place = (*meter.path, "profile")
    try:
        profile = profile_named(document.folder, name)
    except ProfileError as error:
        document.add(place, str(error), value=name)
        return
    if profile.path.parent != SHIPPED:
        for sentence in untrue(profile):
            document.add(place, f"{profile.path}: {sentence}", "correct the profile, or its vector", value=name)
    unlike = unlike_directions(profile)
    if unlike:
        document.warn(place, f"{profile.name}: {unlike}", UNLIKE_MEND, value=name)
    if profile.must_be_answered:
        choices = "; ".join(f'"{name}@{one.name}": {one.title}' for one in profile.variants)
        document.add(place, f"{profile.question} Choose one", choices, value=name)


def _check_numbers(document: Document, meter: _Meter, interval_min: int | None) -> None:
    unit, baud_bd, poll_s = (meter.fields.number(key) for key in ("unit", "baud_bd", "poll_s"))
    if meter.has_rtu_frames and unit is not None and not 1 <= unit <= HIGHEST_SERIAL_UNIT:
        # Modbus over Serial Line V1.02, 2.2: 0 is broadcast, which no device answers; 248 to 255 are reserved.
        message = f"unit = {unit} is outside 1 to {HIGHEST_SERIAL_UNIT}, the addresses on a serial line"
        document.add((*meter.path, "unit"), message, "the meter's display or manual tells its address", value=unit)
    if baud_bd is not None and baud_bd not in BAUDS_BD:
        listed = ", ".join(str(one) for one in BAUDS_BD)
        document.add((*meter.path, "baud_bd"), f"baud_bd = {baud_bd} is not one of {listed}", value=baud_bd)
    if poll_s is not None and interval_min is not None and poll_s > interval_min * 60:
        message = f"poll_s = {poll_s} is longer than the accounting interval of {interval_min} min"
        document.add((*meter.path, "poll_s"), message, "poll_s = 5 is a good start", value=poll_s)


def _check_port(document: Document, meter: _Meter, missing: Severity) -> None:
    name, place = meter.text("port"), (*meter.path, "port")
    if is_url(name):
        try:
            split_url(name)
        except ValueError as error:
            document.add(place, f'port "{name}" cannot be used', str(error), value=name)
        return
    path = resolved(document.folder, name)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        message = f"port {name}: {os.strerror(error.errno or 0)}"
        mend = "plug the adapter in, then: ls -l /dev/serial/by-id"
        document.add(place, message, mend, value=name, severity=missing)
        return
    if not stat.S_ISCHR(mode):
        document.add(place, f"port {name} is not a serial port", "ls -l /dev/serial/by-id", value=name)
    elif not os.access(path, os.R_OK | os.W_OK):
        mend = f"ls -l {path} shows its group, often dialout: usermod -aG dialout USER"
        document.warn(place, f"port {name} may not be opened by this user", mend, value=name)
    elif path.name.startswith(("ttyUSB", "ttyACM")) and not path.is_symlink():
        mend = "take its name from: ls -l /dev/serial/by-id"
        document.warn(place, f"port {name} can become another adapter's name at the next start", mend, value=name)


def _check_names(document: Document, meters: list[_Meter]) -> None:
    first: dict[str, TomlPath] = {}
    for meter in meters:
        name = meter.text("name")
        if name and first.setdefault(name, meter.path) != meter.path:
            document.add((*meter.path, "name"), f'two meters are named "{name}"', "rename one", value=name)


def _check_lines(document: Document, meters: list[_Meter]) -> None:
    first: dict[str, _Meter] = {}
    for meter in meters:
        if not meter.text("port") and not meter.text("host"):
            continue
        other = first.setdefault(_line(document, meter), meter)
        place = "port" if meter.text("port") else "host and port"
        for key in ("framing", *(SERIAL_KEYS if meter.has_rtu_frames else ())):
            mine, theirs = meter.fields.values.get(key), other.fields.values.get(key)
            if mine is not None and theirs is not None and mine != theirs:
                message = f'{key} = {mine}, but "{other.title}" on the same {place} has {theirs}'
                document.add((*meter.path, key), message, "all meters on one line share its settings", value=mine)


def _check_addresses(document: Document, meters: list[_Meter]) -> None:
    first: dict[tuple[str, int], _Meter] = {}
    for meter in meters:
        unit = meter.fields.number("unit")
        if unit is None or not (meter.text("port") or meter.text("host")):
            continue
        other = first.setdefault((_line(document, meter), unit), meter)
        if other is not meter:
            message = f'same place and unit = {unit} as "{other.title}"'
            document.add((*meter.path, "unit"), message, "each meter has its own address", value=unit)


def _line(document: Document, meter: _Meter) -> str:
    """One name for one line, by whichever link it is reached."""
    port = meter.text("port")
    if not port:
        return f"{meter.text('host').lower()}:{meter.fields.number('tcp_port')}"
    if not is_url(port):
        return os.path.realpath(resolved(document.folder, port))
    try:
        scheme, host, number = split_url(port)
    except ValueError:
        return port
    return f"{host}:{number}" if scheme == "socket" else f"{scheme}://{host}:{number}"
