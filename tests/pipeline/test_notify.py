"""What goes out on a notify socket, word for word as sd_notify(3) has it, and that nothing comes back as an error."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import places
from gateway.daemon.notify import READY, WATCHDOG, Notifier, status


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(5)
        yield path, listener


def test_assignments_are_lines_of_one_datagram(ear: tuple[str, socket.socket]) -> None:
    path, listener = ear
    assert Notifier(path).send(READY, status("all is well"), WATCHDOG)
    assert listener.recv(4096) == b"READY=1\nSTATUS=all is well\nWATCHDOG=1"


def test_at_sign_names_an_abstract_socket() -> None:
    name = f"netmeter-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(b"\0" + name.encode())
        listener.settimeout(5)
        assert Notifier(f"@{name}").send(READY)
        assert listener.recv(4096) == b"READY=1"


@pytest.mark.parametrize("address", [None, "", "@", "relative/path", "vsock:2:1234"])
def test_where_nobody_listens_every_message_counts_as_sent(address: str | None) -> None:
    assert Notifier(address).send(READY)


def test_listener_that_went_away_is_told_and_heard_again(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    notifier = Notifier(path)
    assert not notifier.send(READY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        assert notifier.send(READY)
    assert not notifier.send(READY)


def test_path_too_long_for_a_socket_is_no_error(tmp_path: Path) -> None:
    assert not Notifier(f"{tmp_path}/{'x' * 200}").send(READY)


def test_listener_that_reads_nothing_holds_nobody_up_for_ever(ear: tuple[str, socket.socket]) -> None:
    path, _ = ear
    notifier = Notifier(path)
    # The kernel queues some (net.unix.max_dgram_qlen) for a listener; the next is given up after SEND_WITHIN_S.
    assert any(not notifier.send(WATCHDOG) for _ in range(100_000))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\nlines\r\nand\ta tab", "STATUS=two lines and a tab"),
        ("READY=1\nWATCHDOG=1", "STATUS=READY=1 WATCHDOG=1"),
        ("", "STATUS="),
        ("x" * 1000, "STATUS=" + "x" * 397 + "..."),
    ],
)
def test_status_is_one_line_whatever_an_error_says(text: str, line: str) -> None:
    assert status(text) == line


def test_status_that_is_no_text_goes_out_all_the_same(ear: tuple[str, socket.socket]) -> None:
    path, listener = ear
    assert Notifier(path).send(status("port \udcff"))
    assert listener.recv(4096) == b"STATUS=port ?"


@pytest.mark.parametrize(
    ("period", "pid", "expected"),
    [
        ("60000000", None, 60_000_000),
        pytest.param("60000000", str(os.getpid()), 60_000_000, id="this-process"),  # its name: the same in every worker
        ("60000000", "1", None),  # meant for another process
        ("0", None, None),
        ("", None, None),
        (None, None, None),
        ("soon", None, None),
        ("-5", None, None),
    ],
)
def test_watchdog_period_is_for_this_process_or_for_none(
    monkeypatch: pytest.MonkeyPatch, period: str | None, pid: str | None, expected: int | None
) -> None:
    for name, value in (("WATCHDOG_USEC", period), ("WATCHDOG_PID", pid)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert places.watchdog_period_us() == expected


def test_address_is_what_the_supervisor_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    assert places.notify_address() == "/run/systemd/notify"
    monkeypatch.setenv("NOTIFY_SOCKET", "")
    assert places.notify_address() is None
