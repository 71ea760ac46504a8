"""`netmeter-hil` as a person types it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-P", "-u", "-m", "hil.cli"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@contextmanager
def serving(*options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A server and its ready line; killed if the test leaves it running."""
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as server:
        try:
            assert server.stdout is not None
            yield server, server.stdout.readline()
        finally:
            server.kill()


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *options]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=60)


@pytest.mark.parametrize("command", ["demo", "simulate", "soak"])
def test_help_has_an_example_and_the_exit_codes(command: str) -> None:
    told = run(command, "--help")
    assert told.returncode == 0
    assert f"Example: netmeter-hil {command} " in told.stdout
    assert "Exit code" in " ".join(told.stdout.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["simulate"], "either --dump FILE or --meter MODEL or --profile NAME"),
        (["simulate", "--meter", "sdm630"], "--link PATH"),
        (["simulate", "--meter", "sunspec-203", "--link", "x"], "--link PATH"),
        (["simulate", "--meter", "sdm630", "--link", "x", "--tcp-port", "5"], "serial line"),
        (["simulate", "--dump", "/nowhere"], "/nowhere"),
        (["simulate", "--profile", "abb"], "no model abb; there is: abb-b2x, accuenergy"),
        (["simulate", "--profile", "abb-b2x", "--link", "x", "--tcp-port", "5"], "not both"),
        (["simulate", "--profile", "abb-b2x", "--baud", "300"], "--baud"),
        (["simulate", "--profile", "abb-b2x", "--meter", "sdm630"], "either --dump"),
        (["demo", "--speed", "0"], "--speed"),
        (["demo", "--speed", "601"], "--speed"),
        (["demo", "--duration", "soon"], "--duration"),
        (["soak", "kill"], "--seed"),
        (["soak", "swim", "--seed", "1"], "no soak swim; there is: kill"),
        (["soak", "modbus", "--seed", "1", "--n", "many"], "--n"),
        (["bench", "modbus", "--baud", "300"], "--baud"),
        (["bench", "modbus", "--meters", "0"], "--meters"),
        (["bench", "line", "--edges", "0"], "--edges"),
        (["soak", "kill", "--seed", "1", "--n", "0"], "--n"),
        (["soak", "kill", "--seed", "1", "--n", "1", "--hours", "1"], "not both"),
        (["soak", "kill", "--seed", "1", "--hours", "0"], "--hours"),
        (["soak", "kill", "--seed", "1", "--hours", "1", "--plan"], "--plan goes with --n"),
        (["soak", "kill", "--seed", "1", "--resume", "/nowhere/c.json"], "/nowhere/c.json"),
        (["soak", "kill", "--seed", "1", "--resume", __file__], "no checkpoint"),
    ],
)
def test_wrong_options_are_told_without_a_traceback(options: list[str], message: str) -> None:
    told = run(*options)
    assert told.returncode == 2
    assert message in told.stderr
    assert "Traceback" not in told.stderr


def test_what_cannot_be_served_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "dump.txt").write_text("[1]: one")
    told = run("simulate", "--dump", str(tmp_path / "dump.txt"))
    assert told.returncode == 1
    assert "line 1: expected `[address]: 0xHHHH`, got '[1]: one'" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_dump_is_served_until_it_is_told_to_end(tmp_path: Path) -> None:
    (tmp_path / "dump.txt").write_text("[7]: 0x1234")
    with serving("simulate", "--dump", str(tmp_path / "dump.txt")) as (server, ready):
        port = int(ready.rpartition(":")[2])
        client = ModbusTcpClient("127.0.0.1", port=port)
        assert client.connect()
        assert client.read_holding_registers(7, count=1).registers == [0x1234]
        client.close()
        taken = run("simulate", "--dump", str(tmp_path / "dump.txt"), "--tcp-port", str(port))
        assert taken.returncode == 1
        assert f"cannot listen on 127.0.0.1:{port}" in taken.stderr
        assert "Traceback" not in taken.stderr
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0


def test_a_house_meter_on_a_serial_port_with_its_truth(tmp_path: Path) -> None:
    link, truth = tmp_path / "port", tmp_path / "truth.csv"
    options = ["simulate", "--meter", "sdm630", "--link", str(link), "--truth", str(truth)]
    with serving(*options) as (server, ready):
        assert ready == f"ready {link}\n"
        assert link.is_char_device()
        assert len(truth.read_text().splitlines()) >= 2
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0


def test_a_model_of_a_profile_over_tcp_and_on_a_serial_port(tmp_path: Path) -> None:
    # Function 3 at 0x8960, "B24 112-100" in six registers; the answer begins 0x4232 0x3420.
    with serving("simulate", "--profile", "abb-b2x", "--unit", "9") as (server, ready):
        client = ModbusTcpClient("127.0.0.1", port=int(ready.rpartition(":")[2]))
        assert client.connect()
        assert client.read_holding_registers(0x8960, count=2, device_id=9).registers == [0x4232, 0x3420]
        first = client.read_holding_registers(0x5000, count=8, device_id=9).registers
        assert first[:2] == [0, 0]
        assert first[2:4] > [0, 0]
        client.close()
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    link = tmp_path / "port"
    with serving("simulate", "--profile", "abb-b2x", "--link", str(link), "--baud", "38400") as (server, ready):
        assert ready == f"ready {link}\n"
        serial_client = ModbusSerialClient(str(link), baudrate=38400, timeout=10)
        assert serial_client.connect()
        assert serial_client.read_holding_registers(0x8960, count=2, device_id=1).registers == [0x4232, 0x3420]
        serial_client.close()
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0


def test_the_models_are_listed() -> None:
    told = run("simulate", "--profile", "list")
    assert told.returncode == 0
    assert "chint-dtsu666\n" in told.stdout
