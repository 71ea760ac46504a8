"""Where a scan looks: ports by their lasting names, hosts that the user named, and no others."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.scan.hosts import MOST_HOSTS, hosts_of, reachable
from gateway.scan.ports import lasting_name, serial_ports


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A root with an adapter, another without a by-id name, a console, a UART that is not there, and one that is."""
    dev = tmp_path / "dev"
    (dev / "serial" / "by-id").mkdir(parents=True)
    for name in ("ttyUSB0", "ttyUSB1", "ttyAMA0", "ttyS0", "ttyS1", "tty1"):
        (dev / name).touch()
    (dev / "serial" / "by-id" / "usb-FTDI_1-if00-port0").symlink_to(dev / "ttyUSB1")
    (dev / "serial" / "by-id" / "usb-gone-if00-port0").symlink_to(dev / "ttyUSB9")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "consoles").write_text("ttyAMA0              -W- (EC p a)  204:64\n", encoding="ascii")
    for name, kind in (("ttyS0", "0"), ("ttyS1", "4")):
        folder = tmp_path / "sys" / "class" / "tty" / name
        folder.mkdir(parents=True)
        (folder / "type").write_text(f"{kind}\n", encoding="ascii")
    return tmp_path


def test_ports_have_their_lasting_names_and_come_once(machine: Path) -> None:
    names = [port.name.removeprefix(f"{machine}/dev/") for port in serial_ports(machine)]
    assert names == ["serial/by-id/usb-FTDI_1-if00-port0", "ttyUSB0", "ttyS1"]


def test_a_port_named_otherwise_gets_its_lasting_name(machine: Path) -> None:
    dev = machine / "dev"
    assert lasting_name(str(dev / "ttyUSB1"), machine) == str(dev / "serial/by-id/usb-FTDI_1-if00-port0")
    assert lasting_name(str(dev / "ttyUSB0"), machine) == str(dev / "ttyUSB0")


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("192.168.1.40", ("192.168.1.40",)),
        ("meter.lan", ("meter.lan",)),
        ("my-meter", ("my-meter",)),
        ("fe80::1", ("fe80::1",)),
        ("8.8.8.8", ("8.8.8.8",)),  # one host that the user names is the user's affair
        ("192.168.1.40/30", ("192.168.1.41", "192.168.1.42")),
        ("10.0.0.5-7", ("10.0.0.5", "10.0.0.6", "10.0.0.7")),
        ("10.0.0.255-10.0.1.0", ("10.0.0.255", "10.0.1.0")),
    ],
)
def test_hosts_are_those_that_were_named(text: str, hosts: tuple[str, ...]) -> None:
    assert hosts_of(text) == hosts


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("8.8.8.0/24", "no private network"),
        ("8.8.8.1-9", "no private network"),
        ("10.0.0.0/8", "smaller range"),
        ("10.0.0.9-5", "ends before"),
        ("10.0.0.9-x", "10-60"),
        ("10.0.0.0/x", "/24"),
        ("", "no host"),
        ("a b", "no host"),
        ("http://x", "no network"),
        ("10.0.0.5:1502", "--tcp-port 1502"),
    ],
)
def test_what_is_no_host_of_ones_own_is_refused_with_the_mend(text: str, mend: str) -> None:
    with pytest.raises(ValueError, match=mend):
        hosts_of(text)


def test_the_longest_range_is_a_thousand_hosts() -> None:
    assert len(hosts_of("10.0.0.0/22")) == 1022 <= MOST_HOSTS


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_of_a_range_those_are_left_that_take_a_connection(listener: int) -> None:
    assert reachable(("127.0.0.2", "127.0.0.1"), listener) == ("127.0.0.1",)


def test_a_machine_without_ports_has_none(tmp_path: Path) -> None:
    assert serial_ports(tmp_path) == ()
    assert os.listdir(tmp_path) == []  # noqa: PTH208 (nothing was made)
