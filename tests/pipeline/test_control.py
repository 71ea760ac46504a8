"""The daemon's Unix socket as it is: real connections, and callers that are rude, slow, deaf or gone."""

import errno
import grp
import json
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.daemon import control
from gateway.daemon.control import Control, NoDaemonError, ask

PATIENCE_S = 30.0


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A socket that knows two commands."""
    place = tmp_path / "run" / "gw1.sock"
    handlers = {"status": lambda _request: {"ok": 1}, "echo": lambda request: {"request": dict(request)}}
    server = Control(place, handlers, SystemClock())
    server.start()
    yield place
    server.close()
    server.join(PATIENCE_S)


def raw(path: Path, data: bytes, *, hang_up: bool = True) -> dict[str, Any]:
    """Send bytes as they are; the answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(str(path))
        connection.sendall(data)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    found: dict[str, Any] = json.loads(answer)
    return found


class FailingOnce:
    """A listening socket whose first `accept` finds no descriptor left."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner, self.failures = inner, 0

    def accept(self) -> tuple[socket.socket, Any]:
        if not self.failures:
            self.failures += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self._inner.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_socket_is_the_users_own_or_the_groups(path: Path) -> None:
    mode = path.stat().st_mode
    try:
        group = grp.getgrnam("netmeter")
    except KeyError:
        assert stat.S_IMODE(mode) == 0o600
    else:
        assert (stat.S_IMODE(mode), path.stat().st_gid) == (0o660, group.gr_gid)
    assert stat.S_ISSOCK(mode)


def test_question_gets_its_answer(path: Path) -> None:
    assert ask(path, {"command": "status"}) == {"ok": 1}
    assert ask(path, {"command": "echo", "meter": "Zähler"}) == {"request": {"command": "echo", "meter": "Zähler"}}


@pytest.mark.parametrize(
    ("request_bytes", "words"),
    {
        "nothing": (b"", "unreadable request"),
        "an empty line": (b"\n", "unreadable request"),
        "not JSON": (b"hello\n", "unreadable request"),
        "half of it": (b'{"command": "sta', "unreadable request"),
        "not UTF-8": (b'{"command": "\xff\xfe"}\n', "unreadable request"),
        "zeros": (b"\x00" * 100 + b"\n", "unreadable request"),
        "too long": (b'{"command": "' + b"x" * 5000 + b'"}\n', "more than 4096 bytes"),
        "deeper than the parser": (b"[" * 4000 + b"\n", "unreadable request"),
        "an unknown command": (b'{"command": "reboot"}\n', "unknown command; known: echo, status"),
        "no command": (b"{}\n", "unknown command"),
        "a number": (b"42\n", "unknown command"),
        "a list": (b'["status"]\n', "unknown command"),
        "null": (b"null\n", "unknown command"),
        "a command that is a list": (b'{"command": ["status"]}\n', "unknown command"),
        "a command that is an object": (b'{"command": {}}\n', "unknown command"),
        "a command that is null": (b'{"command": null}\n', "unknown command"),
    }.values(),
)
def test_rude_request_is_answered_and_the_next_one_served(path: Path, request_bytes: bytes, words: str) -> None:
    assert words in raw(path, request_bytes)["error"]
    assert ask(path, {"command": "status"}) == {"ok": 1}


def test_caller_that_hangs_up_does_not_stop_the_next(path: Path) -> None:
    for _ in range(6):  # fewer than may queue: with a full queue the next caller is told at once
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(path))
            connection.sendall(b'{"command": "status"}\n')
    assert ask(path, {"command": "status"}) == {"ok": 1}


def test_caller_that_says_nothing_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And while nobody gives up, who comes after it is answered all the same."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as first:
        first.connect(str(path))
        assert ask(path, {"command": "status"}, PATIENCE_S) == {"ok": 1}
    with monkeypatch.context() as hurried, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as deaf:
        hurried.setattr(control, "PATIENCE_S", 0.2)  # the daemon waits five seconds; the test need not
        deaf.settimeout(PATIENCE_S)
        deaf.connect(str(path))
        assert "unreadable request" in deaf.recv(1000).decode()
    assert ask(path, {"command": "status"}, PATIENCE_S) == {"ok": 1}


def test_caller_that_drips_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then must not hold the socket: the patience is for the whole request."""
    given_up = threading.Event()
    with monkeypatch.context() as hurried, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dripping:
        hurried.setattr(control, "PATIENCE_S", 0.5)
        dripping.settimeout(PATIENCE_S)
        dripping.connect(str(path))

        def drip() -> None:
            while not given_up.wait(0.05):
                try:
                    dripping.sendall(b" ")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert "unreadable request" in dripping.recv(1000).decode()
        finally:
            given_up.set()
            thread.join(PATIENCE_S)
    assert ask(path, {"command": "status"}, PATIENCE_S) == {"ok": 1}


def test_nobody_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoDaemonError, match=r"none\.sock"):
        ask(tmp_path / "none.sock", {"command": "status"})


def test_socket_left_by_a_dead_daemon_is_nobody_and_gives_way(tmp_path: Path) -> None:
    place = tmp_path / "gw1.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(place))
    with pytest.raises(NoDaemonError):
        ask(place, {"command": "status"})
    server = Control(place, {"status": lambda _request: {"ok": 2}}, SystemClock())
    server.start()
    assert ask(place, {"command": "status"}) == {"ok": 2}
    server.close()
    server.join(PATIENCE_S)


def test_door_turns_whether_or_not_somebody_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "TURN_EVERY_S", 0.05)
    clock, answering = SystemClock(), threading.Event()
    server = Control(tmp_path / "gw1.sock", {"slow": lambda _request: {"waited": answering.wait(PATIENCE_S)}}, clock)
    assert not server.pulse.has_begun
    server.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.connect(str(tmp_path / "gw1.sock"))
        caller.sendall(b'{"command": "slow"}\n')
        for _ in range(3):  # an answer that takes its time holds up nobody else: the door says its word anew
            due_us = server.pulse._due_us
            deadline_us = clock.real_us() + int(PATIENCE_S * 1e6)
            while server.pulse._due_us == due_us:
                assert clock.real_us() < deadline_us
                threading.Event().wait(0.01)
        answering.set()
    server.close()
    server.join(PATIENCE_S)
    assert not server.is_alive()


def test_door_is_not_shut_by_a_caller_that_cannot_be_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No descriptor left: nothing else can force that at this very call."""
    monkeypatch.setattr(control, "TURN_EVERY_S", 0.05)
    server = Control(tmp_path / "gw1.sock", {"status": lambda _request: {"ok": 3}}, SystemClock())
    failing = FailingOnce(server._socket)
    server._socket = failing  # type: ignore[assignment]
    server.start()
    assert ask(tmp_path / "gw1.sock", {"command": "status"}) == {"ok": 3}
    assert failing.failures == 1
    server.close()
    server.join(PATIENCE_S)


def test_closed_socket_is_gone(tmp_path: Path) -> None:
    server = Control(tmp_path / "gw1.sock", {}, SystemClock())
    server.start()
    server.close()
    server.join(PATIENCE_S)
    assert not server.is_alive()
    assert not (tmp_path / "gw1.sock").exists()


@pytest.mark.parametrize("answer", [b"", b"[1]\n", b"soon\n"])
def test_daemon_that_answers_nonsense_is_an_os_error(tmp_path: Path, answer: bytes) -> None:
    place = tmp_path / "odd.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as odd:
        odd.bind(str(place))
        odd.listen(1)

        def serve() -> None:
            connection, _ = odd.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(OSError, match=r"odd\.sock"):
            ask(place, {"command": "status"})
        thread.join(PATIENCE_S)
