"""What a [[meter]] on an optical port must fulfil, and which keys mean nothing there. Notes problems only."""

import os
import stat

from drivers.errors import ProfileError
from drivers.profile import Family, Profile

from .convert import Fields
from .document import Document
from .problem import TomlPath
from .profiles import profile_named
from .rules import resolved
from .types import CREDENTIAL, Parity
from .way import is_url

OPTICAL_KEYS = ("mode", "password_file", "meter_address", "switch_delay_ms")
IDLE_KEYS = (
    "unit baud_bd stop_bits timeout_ms pause_ms connect_pause_ms base_address word_order max_registers framing"
    " tcp_port sunspec_base sunspec_model sunspec_meter"
)
SLOW_POLL_S = 15


def check_optical(document: Document, path: TomlPath, fields: Fields) -> None:
    """The optical keys of one [[meter]]; nothing where its profile is wrong, which is told elsewhere."""
    name = fields.text("profile")
    if name is None:
        return
    try:
        profile = profile_named(document.folder, name)
    except ProfileError:
        return
    if profile.optical is None:
        for key in (key for key in OPTICAL_KEYS if key in fields.given):
            mend = "take the line out, or choose a profile of family iec62056"
            document.warn((*path, key), f"{key} means nothing for {profile.name}, which is read over Modbus", mend)
        return
    assert profile.family is Family.IEC62056
    for key in (key for key in IDLE_KEYS.split() if key in fields.given):
        document.warn((*path, key), f"{key} means nothing for {profile.name}, on an optical port", "take the line out")
    _check_port(document, path, fields)
    _check_mode(document, path, fields, profile)
    _check_password(document, path, fields, profile)


def _check_port(document: Document, path: TomlPath, fields: Fields) -> None:
    if fields.text("host"):
        message = "an optical head is on a serial port, not on a host"
        document.add((*path, "host"), message, 'port = "/dev/serial/by-id/..." of the head')
    if is_url(fields.text("port") or ""):
        message = "an optical head must be on a serial port of this machine: its rate changes within a session"
        document.add((*path, "port"), message, 'port = "/dev/serial/by-id/..." of the head')
    if fields.values.get("parity") is Parity.ODD:
        mend = 'parity = "N" (default: even parity in software) or "E" (7E1 by the port)'
        document.add((*path, "parity"), "an optical port has even parity", mend)
    if fields.flag("sum_phases"):
        message = "phases are not summed on an optical port: 1.8.0 and 2.8.0 are read"
        document.add((*path, "sum_phases"), message, "take the line out")


def _check_mode(document: Document, path: TomlPath, fields: Fields, profile: Profile) -> None:
    assert profile.optical is not None
    mode, own = fields.text("mode"), profile.optical.mode.value
    if mode and (mode == "D") is not (own == "D"):
        message = f'mode = "{mode}", but {profile.name} is of mode {own}: one of them sends by itself'
        document.add((*path, "mode"), message, "choose another profile: optical-a, -b, -c or -d", value=mode)
    elif mode and mode != "C" and (profile.optical.password_level or profile.optical.load_profile is not None):
        message = f'mode = "{mode}" has no programming mode, which {profile.name} needs'
        document.add((*path, "mode"), message, 'mode = "C", or profile = "optical-a" or "optical-b"', value=mode)
    poll_s = fields.number("poll_s")
    if (mode or own) in ("A", "B") and poll_s is not None and poll_s < SLOW_POLL_S:
        message = f"poll_s = {poll_s}: at 300 Bd a reading lasts longer"
        document.warn((*path, "poll_s"), message, "poll_s = 30; `netmeter status` tells how long a reading lasts")


def _check_password(document: Document, path: TomlPath, fields: Fields, profile: Profile) -> None:
    assert profile.optical is not None
    name, place = fields.text("password_file"), (*path, "password_file")
    if profile.optical.password_level and not name:
        message = f"{profile.name} wants a password"
        document.add(path, message, 'password_file = "..." with the password alone, chmod 600')
    if not name or name.startswith(CREDENTIAL):  # that of a service is read when it runs
        return
    if not profile.optical.password_level:
        document.warn(
            place, f"{profile.name} gives no password", "take the line out, or set password_level in a profile"
        )
    file = resolved(document.folder, name)
    try:
        mode = file.stat().st_mode
    except OSError as error:
        message = f"password_file {name} cannot be read: {os.strerror(error.errno or 0)}"
        document.add(place, message, "write the password alone into it, chmod 600", value=name)
        return
    if not stat.S_ISREG(mode) or not os.access(file, os.R_OK):
        document.add(place, f"password_file {name} is no file that this user may read", f"ls -l {file}", value=name)
    elif mode & stat.S_IROTH:
        document.add(place, f"password_file {name} can be read by everybody", f"chmod 600 {file}", value=name)
