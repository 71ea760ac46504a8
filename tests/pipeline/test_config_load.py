"""gateway.toml in, types or every mistake out. What is expected is written in the example and docs/configuration.md."""

import os
import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config.load import ConfigError, examine, load_config
from gateway.config.problem import Severity
from gateway.config.types import (
    AccountSection,
    ClockSource,
    Config,
    GapPolicy,
    MeterSection,
    Parity,
    RegisterOwner,
    Role,
)

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config" / "gateway.toml"

GOOD = """\
[gateway]
id = "home"
clock = "ntp"

[mqtt]
host = "localhost"

[accounting]
tariff = "pge-e-tou-c"

[[meter]]
name = "grid"
profile = "sunspec"
role = "grid"
register = "own"
service_amps = 100
service_volts = 240
host = "127.0.0.1"
"""


MANY = {"meter": MeterSection, "account": AccountSection}
"""Tables in double brackets."""


def write(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return path


def told(path: Path, *, ports: bool = True) -> list[str]:
    """What is said about a config, without the path in front."""
    return [str(problem).removeprefix(f"{path}:") for problem in examine(path, ports=ports).problems]


def test_the_shipped_example_loads_and_means_what_it_says():
    config = load_config(EXAMPLE)
    grid, array = config.meter
    assert (config.gateway.id, config.gateway.clock, config.mqtt.host) == ("home", ClockSource.NTP, "localhost")
    assert (grid.name, grid.profile, grid.role, grid.register) == (
        "grid",
        "eastron-sdm630",
        Role.GRID,
        RegisterOwner.OWN,
    )
    assert (grid.unit, grid.baud_bd, grid.parity, grid.stop_bits) == (1, 9600, Parity.NONE, 1)
    assert (array.profile, array.role, array.host, array.tcp_port) == ("sunspec", Role.PRODUCTION, "192.168.1.40", 502)
    # 200 A x 240 V = 48 kW, and a quarter more
    assert grid.limit_milliw == 60_000_000


def test_the_only_thing_wrong_with_the_example_is_that_its_adapter_is_not_here():
    (problem,) = examine(EXAMPLE, ports=True).problems
    assert "/dev/serial/by-id/" in str(problem)


def test_the_example_shows_every_key():
    text = EXAMPLE.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^#\[\[meter\.counter\]\]\n(#.*\n)+", "", text)  # a table that is tried by itself
    text = re.sub(r"(?m)^#(?=\[\[account\]\])", "", text)
    shown = tomllib.loads(re.sub(r"(?m)^#(?=\w+ = )", "", text))  # a key that few need is shown in a comment
    sections = {"": Config, **MANY}
    sections |= {field.encode_name: field.type for field in msgspec.structs.fields(Config) if field.name not in MANY}
    for name, struct in sections.items():
        tables = shown[name] if name in MANY else [shown[name] if name else shown]
        keys = {key for table in tables for key in table}
        # The example's meters have no tariff counters of their own.
        assert keys | {"counter"} == {field.encode_name for field in msgspec.structs.fields(struct)} | {"counter"}, name


def test_what_the_example_calls_a_default_is_what_holds_when_the_line_is_left_out(tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8")
    short = re.sub(r"(?m)^(?!sunspec_base).*# default.*\n", "", text)
    assert short.count("\n") < text.count("\n") - 15
    assert load_config(write(tmp_path, short)) == load_config(EXAMPLE)


def test_the_documentation_names_every_key():
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    single = [field.type for field in msgspec.structs.fields(Config) if field.name not in MANY]
    structs = [*MANY.values(), *single]
    keys = [field.encode_name for struct in structs for field in msgspec.structs.fields(struct)]
    assert [key for key in keys if f"| `{key}` |" not in text] == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_the_file_makes_the_check_itself_fail(tmp_path, data):
    content = bytearray(EXAMPLE.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        cut = data.draw(st.integers(0, 40))
        content[at : at + cut] = data.draw(
            st.sampled_from([b"", b'"', b"[", b"]", b"=", b"{", b"\xff", b"\n", b"9" * 30, b"#"])
        )
    path = tmp_path / "gateway.toml"
    path.write_bytes(content)
    examined = examine(path, ports=True)
    lines = content.count(b"\n") + 1
    assert all(0 <= problem.line <= lines for problem in examined.problems)
    assert (examined.config is None) == any(problem.severity is Severity.ERROR for problem in examined.problems)


def test_paths_are_relative_to_the_file_and_come_out_absolute(tmp_path):
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    (tmp_path / "secret").chmod(0o600)
    tariff = (ROOT / "config/tariffs/pge-e-tou-c.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(tariff, encoding="utf-8")
    text = GOOD.replace('host = "localhost"', 'host = "localhost"\nusername = "me"\npassword_file = "secret"')
    text = text.replace('"pge-e-tou-c"', '"./mine.toml"') + '\n[store]\npath = "books/ledger.sqlite"\n'
    config = load_config(write(tmp_path, text))
    assert config.mqtt.password_file == str(tmp_path / "secret")
    assert config.accounting.tariff == str(tmp_path / "mine.toml")
    assert config.store.path == str(tmp_path / "books/ledger.sqlite")


def test_left_out_keys_have_the_documented_defaults(tmp_path):
    config = load_config(write(tmp_path, GOOD))
    assert (config.store.path, config.store.commit_every_s) == ("", 60)
    assert (config.accounting.interval_min, config.accounting.gap, config.accounting.max_gap_s) == (
        15,
        GapPolicy.PRO_RATA,
        3600,
    )
    assert (config.mqtt.port, config.mqtt.base_topic, config.mqtt.state_every_s) == (1883, "netmeter", 10)
    assert (config.mqtt.discovery, config.mqtt.discovery_prefix) == (True, "homeassistant")
    assert config.meter[0].sunspec_base is None


def test_a_port_that_is_not_there_stops_a_check_but_not_the_daemon(tmp_path):
    path = write(tmp_path, GOOD.replace('host = "127.0.0.1"', 'port = "/dev/not-plugged-in"'))
    assert load_config(path).meter[0].port == "/dev/not-plugged-in"
    (warning,) = examine(path).problems
    assert warning.severity is Severity.WARNING
    (error,) = examine(path, ports=True).problems
    assert (error.severity, error.line, error.key) == (Severity.ERROR, 18, "meter.0.port")
    assert "ls -l /dev/serial/by-id" in error.mend


ONE_LINE_CHANGES = [
    # (what stands there, what is written instead, line, words of the message)
    ('id = "home"', 'id = "Home"', 2, '[gateway]: id "Home" cannot be used: small letters'),
    ('id = "home"', 'id = "a/b"', 2, "small letters, digits, - and _"),
    ('id = "home"', f'id = "{"x" * 33}"', 2, "at most 32"),
    ('id = "home"', "id = 7", 2, 'id = 7 is not text: id = "7"'),
    ('clock = "ntp"', 'clock = "NPT"', 3, 'is not one of "ntp", "rtc", "meter", "operator": did you mean "ntp"?'),
    ('clock = "ntp"', "", 1, '[gateway]: "clock" is missing: add a line: clock = "ntp" | "rtc" | "meter" | "operator"'),
    ('host = "localhost"', 'host = ""', 6, "host is empty"),
    ('host = "localhost"', 'host = "mqtt://me:hush@broker"', 6, "is no host name: write the name or address alone"),
    ('host = "localhost"', 'ip = "localhost"', 6, '[mqtt]: unknown key "ip": did you mean "host"?'),
    ('host = "localhost"', 'host = "localhost"\nport = 0', 7, "port = 0 is outside 1 to 65535"),
    ('host = "localhost"', 'host = "localhost"\nport = true', 7, "port = true is not a whole number"),
    ('host = "localhost"', 'host = "localhost"\ntls = "yes"', 7, 'tls = "yes" is not true or false'),
    ('host = "localhost"', 'host = "localhost"\nbase_topic = "a/#"', 7, 'base_topic "a/#" cannot be used'),
    ('host = "localhost"', 'host = "localhost"\ndiscovery_prefix = "a/"', 7, 'discovery_prefix "a/" cannot be used'),
    ('host = "localhost"', 'host = "localhost"\ndiscovery_prefix = ""', 7, 'discovery_prefix "" cannot be used'),
    ('host = "localhost"', 'host = "localhost"\ndiscovery = "yes"', 7, 'discovery = "yes" is not true or false'),
    ('host = "localhost"', 'host = "localhost"\nhass = true', 7, 'unknown key "hass": did you mean "discovery"?'),
    ('host = "localhost"', 'host = "localhost"\nca_file = "no.pem"', 7, "there is no file no.pem"),
    (
        'host = "localhost"',
        'host = "localhost"\nusername = "u"\npassword_file = "no"',
        8,
        "cannot be read: No such file",
    ),
    ('tariff = "pge-e-tou-c"', 'tariff = "pge-etouc"', 9, 'no tariff "pge-etouc": did you mean "pge-e-tou-c"?'),
    ('tariff = "pge-e-tou-c"', 'tariff = "./no.toml"', 9, "no.toml does not exist"),
    ('tariff = "pge-e-tou-c"', 'tariff = "pge-e-tou-c"\ninterval_min = 7', 10, "is not one of 5, 15, 30, 60"),
    ('tariff = "pge-e-tou-c"', 'tariff = "pge-e-tou-c"\nmax_gap_s = 1e3', 10, "without a point: max_gap_s = 1000"),
    ("[[meter]]", "[meter]", 11, "single brackets, but there can be several: write [[meter]]"),
    ("[mqtt]", "[[mqtt]]", 5, "stands in double brackets, but there is only one: write [mqtt]"),
    ('name = "grid"', 'name = "Zähler"', 12, '[[meter]] Zähler: name "Zähler" cannot be used'),
    ('profile = "sunspec"', 'profile = "sunspek"', 13, "no meter profile `sunspek`: did you mean `sunspec`?"),
    ('profile = "sunspec"', 'profile = "mine.toml"', 13, "mine.toml"),
    ('role = "grid"', 'role = "solar"', 14, 'is not one of "grid", "production", "consumption", "tenant"'),
    ("service_amps = 100", "service_amps = -100", 16, "service_amps = -100 is outside 1 to 10000"),
    ("service_amps = 100", "amps = 100", 16, 'unknown key "amps": did you mean "service_amps"?'),
    ("service_volts = 240", 'service_volts = "240"', 17, "is not a whole number: without quotes: service_volts = 240"),
    ("service_volts = 240", f"service_volts = {'9' * 5000}", 17, "a number has too many digits to read"),
    ('host = "127.0.0.1"', "", 11, "[[meter]] grid: has neither port (a serial line) nor host (Modbus TCP)"),
    ('host = "127.0.0.1"', 'host = "127.0.0.1"\nport = "/dev/null"', 18, "has both port (a serial line) and host"),
    ('host = "127.0.0.1"', 'host = "127.0.0.1:502"', 18, "write the port under its own key"),
    ('host = "127.0.0.1"', 'host = "127.0.0.1"\nslave = 3', 19, 'unknown key "slave": did you mean "unit"?'),
    ('host = "127.0.0.1"', 'host = "127.0.0.1"\ndevice_id = 3', 19, 'did you mean "unit"?'),
    ('host = "127.0.0.1"', 'host = "127.0.0.1"\nbaudrate = 3', 19, 'did you mean "baud_bd"?'),
    ('host = "127.0.0.1"', 'host = "127.0.0.1"\nunit = 256', 19, "unit = 256 is outside 0 to 255"),
    ('host = "127.0.0.1"', 'host = "127.0.0.1"\npoll_s = 1200', 19, "longer than the accounting interval of 15 min"),
    ('host = "127.0.0.1"', 'port = "/dev/tty"\nunit = 0', 19, "unit = 0 is outside 1 to 247"),
    ('host = "127.0.0.1"', 'port = "/dev/tty"\nbaud_bd = 9601', 19, "baud_bd = 9601 is not one of 300, 600"),
    ('host = "127.0.0.1"', 'port = "/etc/passwd"', 18, "is not a serial port"),
    ('host = "127.0.0.1"', 'port = "/dev/\\u0000"', 18, "take the zero byte out"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), ONE_LINE_CHANGES, ids=lambda value: str(value)[:40])
def test_one_mistake_is_told_with_its_line_and_its_mend(tmp_path, old, new, line, words):
    path = write(tmp_path, GOOD.replace(old, new, 1))
    found = [one for one in told(path) if words in one]
    assert len(found) == 1, told(path)
    assert found[0].startswith(f"{line}:"), found[0]
    with pytest.raises(ConfigError):
        load_config(write(tmp_path, GOOD.replace(old, new, 1).replace("/dev/tty", "/dev/null")))


def test_a_password_never_appears_in_what_is_told(tmp_path):
    text = GOOD.replace(
        'host = "localhost"', 'host = "mqtt://me:hunter2@x"\npassword = "hunter2"\npasswort = "hunter2"'
    )
    path = write(tmp_path, text)
    problems = examine(path).problems
    assert any('name that file as "password_file"' in problem.mend for problem in problems)
    assert not any("hunter2" in str(problem.as_json()) for problem in problems)
    path = write(tmp_path, GOOD.replace('host = "localhost"', 'host = "localhost"\npassword = "hunter2'))
    assert not any("hunter2" in str(problem.as_json()) for problem in examine(path).problems)


@pytest.mark.parametrize(
    ("mode", "severity", "words"),
    [
        (0o644, Severity.ERROR, "can be read by everybody"),
        (0o640, Severity.WARNING, "can be read by its group"),
    ],
)
def test_a_password_file_that_others_can_read_is_told(tmp_path, mode, severity, words):
    secret = tmp_path / "secret"
    secret.write_text("x", encoding="utf-8")
    secret.chmod(mode)
    text = GOOD.replace('host = "localhost"', 'host = "localhost"\nusername = "me"\npassword_file = "secret"')
    (problem,) = examine(write(tmp_path, text)).problems
    assert (problem.severity, problem.line) == (severity, 8)
    assert words in problem.message
    assert problem.mend == f"chmod 600 {secret}"


def test_data_in_clear_over_a_network_has_to_be_wanted(tmp_path):
    path = write(tmp_path, GOOD.replace('host = "localhost"', 'host = "broker.example"'))
    (problem,) = examine(path).problems
    assert (problem.severity, problem.line) == (Severity.ERROR, 6)
    assert "insecure = true" in problem.mend
    path = write(tmp_path, GOOD.replace('host = "localhost"', 'host = "broker.example"\ninsecure = true'))
    (problem,) = examine(path).problems
    assert (problem.severity, problem.line) == (Severity.WARNING, 6)
    assert "in clear" in problem.message
    assert load_config(path).mqtt.host == "broker.example"
    for host in ("127.0.0.1", "::1", "localhost"):
        assert not examine(write(tmp_path, GOOD.replace('"localhost"', f'"{host}"'))).problems, host


METER = GOOD[GOOD.index("[[meter]]") :]


def serial(name: str, port: str, *lines: str) -> str:
    text = METER.replace('"grid"', f'"{name}"', 1).replace('host = "127.0.0.1"', f'port = "{port}"')
    return text + "".join(f"{line}\n" for line in lines)


def test_meters_on_one_line_must_agree_whatever_the_line_is_called(tmp_path):
    leader, follower = os.openpty()
    try:
        device = os.ttyname(follower)
        (tmp_path / "link").symlink_to(device)
        head = GOOD[: GOOD.index("[[meter]]")]
        two = serial("a", device, "unit = 1") + serial("b", str(tmp_path / "link"), "unit = 2", "baud_bd = 19200")
        (problem,) = examine(write(tmp_path, head + two), ports=True).problems
        assert problem.message == 'baud_bd = 19200, but "a" on the same port has 9600'
        same = serial("a", device, "unit = 5") + serial("b", str(tmp_path / "link"), "unit = 5")
        (problem,) = examine(write(tmp_path, head + same), ports=True).problems
        assert problem.message == 'same place and unit = 5 as "a"'
        good = serial("a", device, "unit = 1") + serial("b", str(tmp_path / "link"), "unit = 2")
        assert not examine(write(tmp_path, head + good), ports=True).problems
    finally:
        os.close(leader)
        os.close(follower)


def test_two_meters_of_one_name_or_one_address_are_told(tmp_path):
    (named,) = told(write(tmp_path, GOOD + METER.replace("127.0.0.1", "127.0.0.2")))
    assert 'two meters are named "grid"' in named
    (placed,) = told(write(tmp_path, GOOD + METER.replace('"grid"', '"other"', 1)))
    assert 'same place and unit = 1 as "grid"' in placed
    assert not told(write(tmp_path, GOOD + METER.replace('"grid"', '"other"', 1) + "tcp_port = 503\n"))


def test_no_meter_at_all_is_a_mistake(tmp_path):
    head = GOOD[: GOOD.index("[[meter]]")]
    (missing,) = told(write(tmp_path, head))
    assert "there is no [[meter]]" in missing
    (empty,) = told(write(tmp_path, "meter = []\n" + head))
    assert "there is no [[meter]]" in empty


def test_a_mistake_inside_the_tariff_file_is_told_with_that_files_line(tmp_path):
    tariff = (ROOT / "config/tariffs/pge-e-tou-c.toml").read_text(encoding="utf-8")
    wrong = tariff.replace('zone = "America/Los_Angeles"', 'zone = "America/Los_Angles"')
    (tmp_path / "mine.toml").write_text(wrong, encoding="utf-8")
    line = tariff[: tariff.index("zone = ")].count("\n") + 1
    path = write(tmp_path, GOOD.replace('"pge-e-tou-c"', '"mine.toml"'))
    (problem,) = examine(path).problems
    assert str(problem) == (
        f'{tmp_path}/mine.toml:{line}: there is no time zone "America/Los_Angles": did you mean "America/Los_Angeles"?'
    )
