"""What a person probably meant: the nearest known word, or the name another program uses for the same thing."""

import difflib
from collections.abc import Iterable, Mapping

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    # known key: what other programs and habits call it
    "unit": ("slave", "slave_id", "device_id", "unit_id", "modbus_id", "address", "id"),
    "baud_bd": ("baud", "baudrate", "baud_rate", "speed"),
    "host": ("ip", "ip_address", "hostname", "broker", "server", "url", "address"),
    "port": ("device", "serial_port", "serial", "tty", "tcp_port"),
    "tcp_port": ("port_tcp", "modbus_port"),
    "profile": ("model", "type", "meter_type", "driver"),
    "parity": ("bits",),
    "stop_bits": ("stopbits", "stop"),
    "service_amps": ("amps", "service_a", "breaker", "breaker_amps", "ampere", "amperes"),
    "service_volts": ("volts", "voltage", "service_v", "service_voltage"),
    "service_phases": ("phases", "phase"),
    "poll_s": ("poll", "interval", "poll_interval", "poll_interval_s", "scan_interval", "update_interval"),
    "timeout_ms": ("timeout", "timeout_s", "response_timeout"),
    "swap_direction": ("swap", "invert", "reverse", "inverted"),
    "sunspec_base": ("base",),
    "sunspec_meter": ("meter_index", "sunspec_index", "index"),
    "base_address": ("address_offset", "offset", "register_offset", "start_address"),
    "word_order": ("wordorder", "byte_order", "endian", "endianness", "word_swap"),
    "ratio": ("multiplier", "factor", "transformer_ratio"),
    "ct_ratio": ("ct", "current_transformer", "ct_primary"),
    "pt_ratio": ("pt", "vt", "vt_ratio", "voltage_transformer"),
    "sum_phases": ("per_phase", "phase_sum"),
    "pause_ms": ("delay", "delay_ms", "pause", "request_delay_ms"),
    "connect_pause_ms": ("connect_delay", "connect_delay_ms", "connection_delay"),
    "max_registers": ("max_block", "largest_block", "block_size"),
    "username": ("user", "login"),
    "password_file": ("password", "passwd", "pass", "secret"),
    "base_topic": ("topic", "prefix", "topic_prefix", "base"),
    "tls": ("ssl", "use_tls"),
    "ca_file": ("ca", "cafile", "ca_certs", "cert", "certificate"),
    "state_every_s": ("state_interval", "publish_interval", "publish_every_s"),
    "discovery": ("homeassistant", "home_assistant", "hass", "ha", "ha_discovery"),
    "discovery_prefix": ("discovery_topic", "homeassistant_prefix", "ha_prefix"),
    "id": ("name", "gateway_id", "site"),
    "name": ("id", "label"),
    "clock": ("clock_source", "time", "time_source"),
    "tariff": ("rate", "rate_schedule", "schedule", "tarif"),
    "interval_min": ("interval", "interval_s", "interval_minutes", "integration_period"),
    "gap": ("gap_policy", "gaps"),
    "max_gap_s": ("max_gap", "gap_s"),
    "path": ("db", "database", "file", "dir", "directory"),
    "commit_every_s": ("commit", "commit_s", "commit_interval"),
    "meter": ("meters", "device", "devices"),
    "mqtt": ("broker",),
    "accounting": ("account", "billing"),
    "store": ("database", "db", "storage"),
    # tariff files
    "zone": ("timezone", "time_zone", "tz"),
    "effective": ("from", "date", "start", "valid_from"),
    "season": ("seasons",),
    "last_day": ("until", "end", "ends", "enddate", "end_date", "expires", "valid_to"),
    "on": ("rule", "day"),
    "observed": ("observance", "shift"),
    "period": ("periods", "tou"),
    "version": ("versions",),
    "from": ("start", "begin", "effective", "since"),
    "to": ("end", "until"),
    "days": ("weekdays", "day"),
    "source": ("url", "source_url"),
}

ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("timezone", "time_zone", "tz", "zone"), "leave it out: the tariff says its zone"),
    **dict.fromkeys(("price", "prices", "currency"), "leave it out: prices stand in the tariff"),
}
"""What other programs want to be told and this one knows from elsewhere, where no key of the table is meant."""

SECRETS = frozenset({"password", "passwd", "pass", "secret"})


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is most likely a slip of; None where nothing is near."""
    by_lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def meant_key(word: str, known: Iterable[str]) -> str | None:
    """The known key that an unknown key `word` stands for: by its common names first, then by spelling."""
    choices = tuple(known)
    plain = word.lower().replace("-", "_")
    if plain in choices:
        return plain
    for key in choices:
        if plain in SYNONYMS.get(key, ()):
            return key
    return closest(word, choices)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "x"?`, or the list of what there is."""
    choices = tuple(known)
    near = closest(word, choices)
    if near is not None:
        return f'did you mean "{near}"?'
    return "there is: " + ", ".join(choices) if choices else ""
