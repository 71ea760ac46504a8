"""A serial port as a thing of the machine: held by others, pulled out, back under another name, over and over."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers import NoAnswerError, SystemTicker, TransportLostError
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.holder import holder_of
from drivers.transport.serial import SerialTransport
from tests.protocol.modbus_bytes import rtu_answer
from tests.wire.slaves import PtySlave

TICKER = SystemTicker()
REPLUGS = int(os.environ.get("NETMETER_REPLUGS", "200"))
HOLDER = """
import fcntl, os, sys
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
if sys.argv[2] == "lock":
    fcntl.flock(port, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(port: str, how: str, script: Path) -> Iterator[int]:
    """Another program that holds `port`."""
    script.write_text(HOLDER, encoding="utf-8")
    command = [sys.executable, str(script), port, how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "held\n"
        yield program.pid
        program.communicate("")


def test_a_port_held_by_another_program_is_told_with_its_name_and_number(tmp_path: Path) -> None:
    with PtySlave(lambda _: []) as slave, held(slave.port, "lock", tmp_path / "greedy.py") as pid:
        link = tmp_path / "by-id"
        link.symlink_to(slave.port)
        for port in (slave.port, str(link)):
            with pytest.raises(TransportLostError, match=rf"busy; held by greedy.py \(pid {pid}\); end it"):
                SerialTransport(port, 9600, TICKER).open()


def test_a_holder_that_takes_no_lock_is_found_among_the_open_files(tmp_path: Path) -> None:
    with PtySlave(lambda _: []) as slave:
        assert holder_of(slave.port) is None  # this process has it open: that is no other
        with held(slave.port, "open", tmp_path / "rude.py") as pid:
            assert str(holder_of(slave.port)).startswith(f"rude.py (pid {pid})")
        assert holder_of(slave.port) is None


def test_a_port_is_free_again_when_its_holder_has_ended(tmp_path: Path) -> None:
    with PtySlave(lambda request: [(0, rtu_answer(request, {0: 5}))]) as slave:
        transport = SerialTransport(slave.port, 9600, TICKER)
        with held(slave.port, "lock", tmp_path / "greedy.py"), pytest.raises(TransportLostError):
            transport.open()
        transport.open()
        transport.close()


def test_the_lock_is_on_the_port_and_not_on_its_name(tmp_path: Path) -> None:
    with PtySlave(lambda _: []) as slave:
        transport = SerialTransport(slave.port, 9600, TICKER)
        transport.open()
        descriptor = os.open(slave.port, os.O_RDWR | os.O_NOCTTY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        transport.close()
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)


def test_an_adapter_that_comes_back_under_another_name_is_found_by_its_lasting_one(tmp_path: Path) -> None:
    """/dev/serial/by-id holds links; udev turns them to whatever name the kernel has given."""
    lasting = tmp_path / "usb-FTDI-if00"
    first, second = (PtySlave(lambda request, n=n: [(0, rtu_answer(request, {0: n}))], 115200) for n in (1, 2))
    lasting.symlink_to(first.port)
    link = ModbusLink(
        SerialTransport(str(lasting), 115200, TICKER), Framing.RTU, TICKER, timeout_us=300_000, quiet_us=10_000
    )
    with second:
        with first:
            assert link.read_registers(1, 4, 0, 1).words == (1,)
        with pytest.raises(TransportLostError):  # leaving the block has pulled it out
            link.read_registers(1, 4, 0, 1)
        lasting.unlink()
        with pytest.raises(TransportLostError, match="does not exist"):
            link.read_registers(1, 4, 0, 1)
        lasting.symlink_to(second.port)
        assert second.port != first.port
        assert link.read_registers(1, 4, 0, 1).words == (2,)
        link.close()


class Adapter:
    """A pty that can be pulled out, under a name that lasts."""

    def __init__(self, lasting: Path) -> None:
        self._lasting = lasting
        self.leader, self.follower = os.openpty()
        lasting.symlink_to(os.ttyname(self.follower))

    def pull_out(self) -> None:
        os.close(self.follower)
        os.close(self.leader)
        self._lasting.unlink()


def test_no_descriptor_is_left_behind_by_replugging(tmp_path: Path) -> None:
    """NETMETER_REPLUGS=10000 for the full number. Pulled out unopened, open, after a question, or held by another."""
    lasting = tmp_path / "adapter"
    transport = SerialTransport(str(lasting), 115200, TICKER)
    link = ModbusLink(transport, Framing.RTU, TICKER, timeout_us=2_000, quiet_us=1_000)
    before, lost = descriptors(), 0
    for n in range(REPLUGS):
        adapter = Adapter(lasting)
        if n % 4 == 1:
            transport.open()
        elif n % 4 == 2:
            with pytest.raises(NoAnswerError):
                link.read_registers(1, 4, 0, 1)
        elif n % 4 == 3:
            fcntl.flock(adapter.follower, fcntl.LOCK_EX)
            with pytest.raises(TransportLostError, match="busy"):
                link.read_registers(1, 4, 0, 1)
        adapter.pull_out()
        with pytest.raises(TransportLostError):
            link.read_registers(1, 4, 0, 1)
        lost += 1
        assert not transport.is_open
    assert lost == REPLUGS
    assert descriptors() == before


def test_a_descriptor_left_behind_would_be_seen(tmp_path: Path) -> None:
    """The control of the test above."""
    adapter = Adapter(tmp_path / "adapter")
    before = descriptors()
    forgotten = SerialTransport(str(tmp_path / "adapter"), 115200, TICKER)
    forgotten.open()
    assert descriptors() > before
    forgotten.close()
    assert descriptors() == before
    adapter.pull_out()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
