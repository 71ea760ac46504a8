"""What was found as text for gateway.toml: [[meter]] tables to paste, or a whole config.

What only a person knows is never made up: it is taken from what was chosen, else it reads <CHOOSE>, and `netmeter
check` names the line. What cannot be read as it stands (another setting on the same line, no profile) is a comment.
"""

import re
from collections.abc import Mapping, Sequence

from ..config.types import ClockSource, RegisterOwner, Role
from .found import FoundUnit

CHOOSE = "<CHOOSE>"
"""No name, no host and no number: wherever it stands, `check` refuses it."""
STEM_MOST = 24
"""A meter's name has 32 letters at most; unit and number come behind."""
NUMBERS = ("mqtt_port", "service_amps", "service_volts", "service_phases")
CHOICES: Mapping[str, str] = {
    "id": "names this gateway in MQTT topics",
    "clock": " | ".join(ClockSource),
    "mqtt_host": "the broker's name or address",
    "mqtt_port": "its port, where that is not 1883",
    "tariff": "a tariff that ships with the program, or the path of a tariff file",
    "role": " | ".join(Role),
    "register": " | ".join(RegisterOwner) + ": the one on the bill, or the owner's beside it",
    "service_amps": "rating of the service, amperes",
    "service_volts": "its voltage",
    "service_phases": "1 to 3",
}
"""Keys that only a person can fill in, and what may stand there."""
METER_CHOICES = ("role", "register", "service_amps", "service_volts", "service_phases")


def meter_tables(found: Sequence[FoundUnit], chosen: Mapping[str, str]) -> str:
    """A [[meter]] table for each, those that cannot be used together as comments that say why."""
    texts, names = [], set[str]()
    setting_of = _usable_settings(found)
    for unit in found:
        name = _name(unit, names)
        why = _why_not(unit, setting_of)
        lines = _table(unit, name, chosen, is_one_of_many=len(found) > 1)
        head = _remarks(unit)
        if why:
            lines = [f"# {line}".rstrip() for line in lines]
            head = [*head, f"# {why}"]
        texts.append("\n".join([*head, *lines]))
    return "\n\n".join(texts) + ("\n" if texts else "")


def whole_config(found: Sequence[FoundUnit], chosen: Mapping[str, str]) -> str:
    """A config with the meters found."""
    port = f"\nport = {chosen['mqtt_port']}" if "mqtt_port" in chosen else ""
    head = f"""\
# Written by `netmeter scan`. What reads {CHOOSE} only you know; `netmeter check` names every line that is missing.
# Every key: docs/configuration.md

[gateway]
id = {_value("id", chosen)}
clock = {_value("clock", chosen)}

[mqtt]
host = {_value("mqtt_host", chosen)}{port}

[accounting]
tariff = {_value("tariff", chosen)}
"""
    return f"{head}\n{meter_tables(found, chosen)}"


def _usable_settings(found: Sequence[FoundUnit]) -> dict[str, object]:
    """For each serial line the setting that most of its recognised meters have."""
    counts: dict[str, dict[object, int]] = {}
    for unit in found:
        if unit.port and unit.profile is not None:
            line = counts.setdefault(unit.port, {})
            line[unit.setting] = line.get(unit.setting, 0) + 1
    return {port: max(line, key=lambda one: line[one]) for port, line in counts.items()}


def _why_not(unit: FoundUnit, setting_of: Mapping[str, object]) -> str:
    if unit.profile is None:
        names = ", ".join(match.profile.name for match in unit.who.matches)
        if names:
            return f"Several profiles fit equally well: {names}. Put in the right one and take the # away."
        return "No profile knows it. Write one (docs/profiles.md), put its name in and take the # away."
    if unit.port and setting_of.get(unit.port, unit.setting) != unit.setting:
        return (
            f"A line has one setting, here {setting_of[unit.port]}: set this meter to that and change the lines below, "
            "then take the # away."
        )
    return ""


def _remarks(unit: FoundUnit) -> list[str]:
    who = unit.who.identity
    known = [text for text in (who.vendor, who.model, who.serial and f"serial {who.serial}") if text]
    remarks = [f"# {', '.join(known)}"] if known else []
    if unit.is_likely_only:
        remarks.append("# Likely, not certain: compare what `netmeter read` shows with the meter's display.")
    if unit.coarse_milliwh is not None:
        kwh = f"{unit.coarse_milliwh / 1_000_000:.3f}".rstrip("0").rstrip(".")
        remarks.append(f"# Coarse: its energy moves in steps of {kwh} kWh, and so exactly are edges told.")
    remarks += [f"# {note}" for note in unit.who.notes]
    return [_plain(remark) for remark in remarks]


def _table(unit: FoundUnit, name: str, chosen: Mapping[str, str], *, is_one_of_many: bool) -> list[str]:
    lines = ["[[meter]]", f'name = "{name}"', f'profile = "{unit.profile or CHOOSE}"']
    for key in METER_CHOICES:
        if key == "service_phases" and key not in chosen:
            continue
        remark = "" if key in chosen else f"   # {CHOICES[key]}"
        if key == "role" and key in chosen and is_one_of_many:
            remark = f"   # as chosen for all meters here: is each of them that? {CHOICES[key]}"
        lines.append(f"{key} = {_value(key, chosen)}{remark}")
    if unit.port:
        lines.append(f'port = "{_escaped(unit.port)}"')
        if unit.setting is not None:
            lines.append(f"baud_bd = {unit.setting.baud_bd}")
            lines.append(f'parity = "{unit.setting.parity.value}"')
            lines.append(f"stop_bits = {unit.setting.stop_bits}")
    else:
        lines.append(f'host = "{_escaped(unit.host)}"')
        lines.append(f"tcp_port = {unit.tcp_port}")
        if unit.is_rtu_over_tcp:
            lines.append('framing = "rtu"')
    lines.append(f"unit = {unit.unit}")
    return lines


def _name(unit: FoundUnit, taken: set[str]) -> str:
    """Small letters, digits and dashes: the profile's last words and the unit, and a number where that is taken."""
    stem = re.sub(r"[^a-z0-9]+", "-", (unit.profile or "meter").rsplit("/", 1)[-1].removesuffix(".toml").lower())
    words = stem.strip("-").split("-")
    while len(words) > 1 and len("-".join(words)) > STEM_MOST:
        words = words[1:]
    stem = f"{'-'.join(words)[:STEM_MOST] or 'meter'}-{unit.unit}"
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name)
    return name


def _value(key: str, chosen: Mapping[str, str]) -> str:
    text = chosen.get(key, CHOOSE)
    return text if key in NUMBERS and text.isdecimal() else f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """As a TOML basic string holds it."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04X}" for sign in plain)


def _plain(remark: str) -> str:
    """One line, whatever a device calls itself: nothing in it may end the comment."""
    return "".join(sign if sign.isprintable() else "?" for sign in remark)
