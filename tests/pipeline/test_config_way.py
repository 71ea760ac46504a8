"""The way to a meter: which ports and hosts are one line, and what is told of a way that cannot be."""

import pytest

from gateway.config.load import examine
from gateway.config.types import Framing, MeterSection, RegisterOwner, Role
from gateway.config.way import WayKind, split_url, way_of

HEAD = """
[gateway]
id = "house"
clock = "ntp"
[mqtt]
host = "localhost"
[accounting]
tariff = "pge-e-tou-c"
"""
METER = """
[[meter]]
name = "{name}"
profile = "eastron-sdm630"
role = "grid"
register = "own"
service_amps = 100
service_volts = 240
unit = {unit}
"""


def section(**way: object) -> MeterSection:
    return MeterSection(
        name="grid",
        profile="sunspec",
        role=Role.GRID,
        register=RegisterOwner.OWN,
        service_amps=100,
        service_volts=240,
        **way,
    )


@pytest.mark.parametrize(
    ("way", "kind", "name"),
    [
        ({"host": "Meter.local"}, WayKind.TCP, "meter.local:502"),
        ({"host": "10.0.0.5", "tcp_port": 1502}, WayKind.TCP, "10.0.0.5:1502"),
        ({"host": "10.0.0.5", "framing": Framing.RTU}, WayKind.RTU_OVER_TCP, "10.0.0.5:502"),
        ({"port": "socket://10.0.0.5:502"}, WayKind.RTU_OVER_TCP, "10.0.0.5:502"),
        ({"port": "rfc2217://10.0.0.5:4001"}, WayKind.RFC2217, "rfc2217://10.0.0.5:4001"),
        ({"port": "rfc2217://[fe80::1]:4001/"}, WayKind.RFC2217, "rfc2217://fe80::1:4001"),
        ({"port": "/dev/null"}, WayKind.SERIAL, "/dev/null"),
    ],
)
def test_each_way_has_its_kind_and_one_name(way: dict[str, object], kind: WayKind, name: str) -> None:
    found = way_of(section(**way))
    assert (found.kind, found.name) == (kind, name)
    assert found.is_endpoint == (kind in (WayKind.TCP, WayKind.RTU_OVER_TCP))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("telnet://10.0.0.5:23", "telnet:// is not known"),
        ("rfc2217://10.0.0.5", "host and port are wanted"),
        ("rfc2217://:4001", "host and port are wanted"),
        ("socket://10.0.0.5:0", "host and port are wanted"),
        ("socket://10.0.0.5:99999", "host and port are wanted"),
        ("socket://10.0.0.5:x", "host and port are wanted"),
        ("rfc2217://10.0.0.5:4001?logging=debug", "write host and port alone"),
        ("rfc2217://me@10.0.0.5:4001", "write host and port alone"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_with_its_line(tmp_path, url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        split_url(url)
    path = tmp_path / "gateway.toml"
    path.write_text(HEAD + METER.format(name="grid", unit=1) + f'port = "{url}"\n')
    (problem,) = examine(path).problems
    assert problem.line == 18
    assert words in problem.mend


def problems(tmp_path, *meters: str) -> list[str]:
    path = tmp_path / "gateway.toml"
    texts = [METER.format(name=f"m{n}", unit=n + 1) + text for n, text in enumerate(meters)]
    path.write_text(HEAD + "".join(texts))
    return [f"{problem.line}: {problem.message}" for problem in examine(path, ports=True).problems]


def test_a_good_way_is_told_nothing_about_and_needs_no_port_here(tmp_path) -> None:
    ways = ['host = "a"\nframing = "rtu"\nbaud_bd = 19200\n', 'port = "rfc2217://b:4001"\nparity = "E"\n']
    assert problems(tmp_path, *ways, 'port = "socket://c:4001"\nbaud_bd = 9600\n', 'host = "d"\n') == []


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ('host = "a"\nbaud_bd = 9600\n', "19: baud_bd means nothing over TCP"),
        ('host = "a"\nframing = "rtu"\nparity = "E"\n', "20: parity means nothing through a converter"),
        ('port = "socket://a:1"\nparity = "E"\n', "19: parity means nothing here"),
        ('port = "rfc2217://a:1"\ntcp_port = 5\n', "19: tcp_port means nothing here"),
        ('port = "rfc2217://a:1"\nframing = "tcp"\n', "19: framing means nothing here"),
        ('host = "a"\nframing = "ascii"\n', '19: framing = "ascii" is not one of'),
    ],
)
def test_a_key_without_a_meaning_is_told(tmp_path, way: str, told: str) -> None:
    (one,) = problems(tmp_path, way)
    assert one.startswith(told)


def test_two_framings_at_one_place_are_told(tmp_path) -> None:
    (one,) = problems(tmp_path, 'host = "a"\n', 'host = "a"\nframing = "rtu"\n')
    assert one == '29: framing = rtu, but "m0" on the same host and port has tcp'


def test_rtu_frames_have_the_addresses_of_a_serial_line(tmp_path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(HEAD + METER.format(name="grid", unit=248) + 'host = "a"\nframing = "rtu"\n')
    (problem,) = examine(path).problems
    assert "unit = 248 is outside 1 to 247" in problem.message
