"""`netmeter scan` as a person runs it: a process of its own, over simulated lines with the wire's time and over TCP.

Judged by what the devices were given (scan_devices.py) and by the lines' own logs of what was asked.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.process import Child
from tests.protocol.modbus_bytes import rtu_answer, tcp_answer
from tests.wire import scan_devices
from tests.wire.slaves import TcpSlave
from tests.wire.test_rfc2217 import TerminalServer

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from gateway.cli import main; main(prog_name='netmeter')"]
CHOICES = ("id=home", "clock=ntp", "mqtt_host=127.0.0.1", "tariff=pge-e-tou-c", "role=grid", "register=own")
CHOICES += ("service_amps=100", "service_volts=240")
QUICK = ("--listen-s=0.1", "--parity=N")


def environment(home: Path) -> dict[str, str]:
    short = {"XDG_RUNTIME_DIR": "/run/netmeter-test"}  # as a socket's path must be; nothing is made there
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", **short}


def netmeter(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        env=environment(home),
        cwd=home,
        timeout=120,
        check=False,
    )


class Bus:
    """A simulated line in a folder; `asked` is what its log says: (speed, unit, function, address, count)."""

    def __init__(self, folder: Path, name: str, devices: dict[int, tuple[int, str]]) -> None:
        self.port, self._log = folder / name, folder / f"{name}-questions"
        options = [f"--link={self.port}", f"--log={self._log}"]
        for unit, (baud_bd, make) in devices.items():
            file = scan_devices.write(folder / f"{name}-{unit}", getattr(scan_devices, make)())
            options.append(f"--device={unit}:{baud_bd}:{file}")
        self.child = Child.python(name, "hil.meters.mixed_line", options, folder / f"{name}.log")
        self.child.wait_ready()

    @property
    def asked(self) -> list[tuple[int, ...]]:
        return [tuple(map(int, line.split()[:5])) for line in self._log.read_text(encoding="ascii").splitlines()]


@pytest.fixture
def buses(tmp_path: Path) -> Iterator[list[Bus]]:
    """Filled by the test, ended afterwards."""
    made: list[Bus] = []
    yield made
    for bus in made:
        bus.child.stop()


def test_three_adapters_at_three_speeds_give_one_config(tmp_path: Path, buses: list[Bus]) -> None:
    buses.append(Bus(tmp_path, "one", {1: (9600, "sdm630"), 2: (9600, "abb_b23")}))
    buses.append(Bus(tmp_path, "two", {1: (19200, "iem3155"), 3: (19200, "em24_e1")}))
    buses.append(Bus(tmp_path, "three", {2: (2400, "sunspec_203")}))
    file = tmp_path / "gateway.toml"
    ports = [f"--port={bus.port}" for bus in buses]
    chosen = [f"--set={choice}" for choice in CHOICES]
    done = netmeter(
        tmp_path, "scan", *ports, *QUICK, "--units=1-3", "--bauds=9600,19200,2400", f"--write={file}", *chosen
    )
    assert done.returncode == 0, done.stderr
    meters = tomllib.loads(file.read_text(encoding="utf-8"))["meter"]
    assert [(meter["profile"], meter["unit"], meter["baud_bd"]) for meter in meters] == [
        ("eastron-sdm630", 1, 9600),
        ("abb-b2x", 2, 9600),
        ("schneider-iem3155", 1, 19200),
        ("carlo-gavazzi-em24-e1", 3, 19200),
        ("sunspec", 2, 2400),
    ]
    assert "coarse" in done.stderr
    assert done.stdout == ""
    checked = netmeter(tmp_path, "check", str(file))
    assert checked.returncode == 0, checked.stderr
    assert {question[2] for bus in buses for question in bus.asked} == {3, 4}
    again = netmeter(tmp_path, "scan", *ports, f"--write={file}")
    assert again.returncode == 1
    assert "overwrites no config" in again.stderr


def test_a_line_at_another_speed_hears_nothing(tmp_path: Path, buses: list[Bus]) -> None:
    buses.append(Bus(tmp_path, "bus", {1: (9600, "sdm630")}))
    done = netmeter(tmp_path, "scan", f"--port={buses[0].port}", *QUICK, "--units=1", "--bauds=19200")
    assert done.returncode == 3
    assert "nothing answered" in done.stderr
    assert {question[0] for question in buses[0].asked} == {19200}


def test_ctrl_c_prints_what_was_found_so_far(tmp_path: Path, buses: list[Bus]) -> None:
    buses.append(Bus(tmp_path, "bus", {1: (9600, "sdm630")}))
    command = [*COMMAND, "scan", f"--port={buses[0].port}", *QUICK, "--units=1-247", "--bauds=9600"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(tmp_path), cwd=tmp_path
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        seen = []
        for line in process.stderr:
            seen.append(line)
            if line.startswith("found"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        text = process.stdout.read()
    assert process.returncode == 130
    assert "broken off; 1 unit found" in rest
    assert "Traceback" not in rest
    assert [meter["unit"] for meter in tomllib.loads(text)["meter"]] == [1]


def test_a_plan_asks_nothing(tmp_path: Path, buses: list[Bus]) -> None:
    buses.append(Bus(tmp_path, "bus", {1: (9600, "sdm630")}))
    done = netmeter(tmp_path, "scan", f"--port={buses[0].port}", "--plan")
    assert done.returncode == 0
    assert "at most 3 min where nothing answers" in done.stderr
    assert buses[0].asked == []


def test_a_device_that_answers_to_every_number_is_one_device(tmp_path: Path) -> None:
    words = {address: word for (_function, address), word in scan_devices.sunspec_203().items()}
    with TcpSlave(lambda request: [(0.0, tcp_answer(request, words))]) as slave:
        where = ["--host=127.0.0.1", f"--tcp-port={slave.port}"]
        done = netmeter(tmp_path, "scan", *where, "--json")
        asked = [(request[6], request[7]) for request in slave.requests]
    (found,) = json.loads(done.stdout)["found"]
    assert (found["unit"], found["profile"], found["serial"], found["host"]) == (1, "sunspec", "5", "127.0.0.1")
    assert (found["import_milliwh"], found["export_milliwh"]) == (100_000_000, 2_500_000)
    assert {unit for unit, _function in asked} == {1, 83, 177}
    assert {function for _unit, function in asked} <= {3, 4}


def test_units_behind_a_gateway_are_told_each(tmp_path: Path) -> None:
    words = {address: word for (_function, address), word in scan_devices.sunspec_203().items()}

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        if request[6] in (2, 4):
            return [(0.0, tcp_answer(request, words))]
        refused = request[:4] + (3).to_bytes(2, "big") + bytes((request[6], request[7] | 0x80, 11))
        return [(0.0, refused)]

    with TcpSlave(answer) as slave:
        done = netmeter(tmp_path, "scan", "--host=127.0.0.1", f"--tcp-port={slave.port}", "--units=1-5", "--json")
    assert [one["unit"] for one in json.loads(done.stdout)["found"]] == [2, 4]


@pytest.mark.parametrize("named", ["--host=127.0.0.1", "--port=socket://127.0.0.1:{port}"], ids=["host", "url"])
def test_a_line_behind_a_converter_is_asked_in_its_frames(tmp_path: Path, named: str) -> None:
    registers = scan_devices.abb_b23()

    def answer(request: bytes) -> list[tuple[float, bytes]]:
        own = {address: word for (function, address), word in registers.items() if function == request[1]}
        return [(0.0, rtu_answer(request, own))] if request[0] == 3 else []

    with TcpSlave(answer) as slave:
        slave.request_bytes = 8
        where = [named.format(port=slave.port), f"--tcp-port={slave.port}", "--framing=rtu", "--timeout-ms=100"]
        done = netmeter(tmp_path, "scan", *where, "--units=2-4", "--json")
    view = json.loads(done.stdout)
    assert [(one["unit"], one["profile"]) for one in view["found"]] == [(3, "abb-b2x")]
    (meter,) = tomllib.loads(view["config"])["meter"]
    assert (meter.get("framing"), meter.get("host")) in (("rtu", "127.0.0.1"), (None, None))
    assert ("port" in meter) is named.startswith("--port")


def test_a_line_at_a_terminal_server_is_set_from_here(tmp_path: Path, buses: list[Bus]) -> None:
    """RFC 2217: the speed at the far end is ours to try, as at a port of this machine."""
    buses.append(Bus(tmp_path, "bus", {2: (19200, "iem3155")}))
    server = TerminalServer(str(buses[0].port))
    try:
        port = f"rfc2217://127.0.0.1:{server.port}"
        done = netmeter(tmp_path, "scan", f"--port={port}", "--bauds=9600,19200", "--units=1-2", "--json", *QUICK)
    finally:
        server.close()
    view = json.loads(done.stdout)
    assert [(one["unit"], one["profile"], one["baud_bd"]) for one in view["found"]] == [(2, "schneider-iem3155", 19200)]
    assert view["found"][0]["import_milliwh"] == 7_654_321_000
    (meter,) = tomllib.loads(view["config"])["meter"]
    assert (meter["port"], meter["baud_bd"]) == (port, 19200)


def test_a_port_that_another_program_holds_is_told_with_its_name(tmp_path: Path, buses: list[Bus]) -> None:
    buses.append(Bus(tmp_path, "bus", {1: (9600, "sdm630")}))
    first = [*COMMAND, "scan", f"--port={buses[0].port}", *QUICK, "--units=1-247", "--bauds=9600"]
    with subprocess.Popen(
        first, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment(tmp_path), cwd=tmp_path
    ) as holder:
        assert holder.stderr is not None
        while not holder.stderr.readline().startswith("there"):
            pass
        drain = threading.Thread(target=holder.stderr.read, daemon=True)
        drain.start()
        done = netmeter(tmp_path, "scan", f"--port={buses[0].port}", *QUICK)
        holder.terminate()
        holder.wait(10)
        drain.join(10)
    assert done.returncode == 1
    assert f"(pid {holder.pid})" in done.stderr


def plain(*arguments: str) -> list[str]:
    return list(arguments)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (plain(), 1, "no serial port here"),
        (plain("--port=/dev/ttyUSB-gone"), 1, "does not exist"),
        (plain("--port=/dev/null", "--units=1"), 1, "not a serial port"),
        (plain("--port=ftp://x:1"), 2, "rfc2217://"),
        (plain("--host=8.8.8.0/24"), 2, "no private network"),
        (plain("--host=10.0.0.1", "--units=1-300"), 2, "from 0 to 255"),
        (plain("--port=/dev/null", "--units=0"), 2, "units 1 to 247"),
        (plain("--port=/dev/null", "--units=x"), 2, "'x' is no number"),
        (plain("--port=/dev/null", "--bauds=9601"), 2, "9601 is not one of"),
        (plain("--port=/dev/null", "--parity=M"), 2, "'M' is not one of"),
        (plain("--port=/dev/null", "--set=rolle=grid"), 2, "KEY=VALUE"),
        (plain("--port=/dev/null", "--set=service_amps=many"), 2, "whole number"),
        (plain("--port=/dev/null", "--config=/nowhere.toml"), 1, "/nowhere.toml"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else None,
)
def test_mistakes_are_told_with_what_to_do(tmp_path: Path, arguments: list[str], code: int, told: str) -> None:
    if not arguments and any(Path("/dev").glob("ttyUSB*")):
        pytest.skip("this machine has serial adapters")
    done = netmeter(tmp_path, "scan", *arguments)
    assert done.returncode == code, done.stderr
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_host_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = netmeter(tmp_path, "scan", "--host=127.0.0.1", "--tcp-port=1", "--json")
    view: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 1
    assert view["found"] == []
    assert "connection refused" in view["notes"][0]
