"""A real meter's registers through the two commands: `netmeter-hil simulate --dump` serves them, `netmeter read` reads.

Expected values: the second reader's (EXPECTED_sunspec.json, pysunspec2), and for the Veris meter the issue's own words.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CAPTURES = Path(os.environ.get("NETMETER_CAPTURES", Path(__file__).parents[3] / "shared" / "data" / "captures"))
DUMPS = CAPTURES / "modbus-solarnetwork"

# Dump -> import and export in watt-hours, power in watts; None: not implemented.
EXPECTED: dict[str, tuple[int | None, int | None, int | None]] = {
    "meter_test-data-203-01.txt": (906_630, None, 6540),
    "meter_test-data-204-01.txt": (None, None, 0),
    "der_test-data-der-01.txt": (0, 0, 0),  # model 701, whose 64-bit zeros are counts; 202 beside it has none
    "inverter_test-data-103-01.txt": (None, 17_129_352, 0),
}
OPTIONS = {
    "der_test-data-der-01.txt": ["--sunspec-model", "701"],
    "inverter_test-data-103-01.txt": ["--role", "production"],
}


def read_dump(path: Path) -> dict[str, Any]:
    serve = [sys.executable, "-m", "hil.cli", "simulate", "--dump", str(path), "--tcp-port", "0"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            word, _, address = server.stdout.readline().strip().partition(" ")
            assert word == "ready"
            host, _, port = address.rpartition(":")
            ask = [
                sys.executable,
                "-m",
                "gateway.cli",
                "read",
                "--profile",
                "sunspec",
                "--json",
                *OPTIONS.get(path.name, []),
            ]
            answer = subprocess.run(
                [*ask, "--host", host, "--tcp-port", port], capture_output=True, text=True, timeout=60, check=False
            )
        finally:
            server.terminate()
    assert answer.returncode == 0, answer.stderr
    (view,) = json.loads(answer.stdout)
    assert isinstance(view, dict)
    return view


def milli(units: int | None) -> int | None:
    return None if units is None else units * 1000


@pytest.mark.parametrize("name", EXPECTED)
def test_the_commands_give_what_the_meter_holds(name: str) -> None:
    path = DUMPS / name
    if not path.exists():
        pytest.skip(f"the recorded dumps are not here: {path} (NETMETER_CAPTURES)")
    view = read_dump(path)
    energy_import, energy_export, power = EXPECTED[name]
    assert view["import_milliwh"] == milli(energy_import)
    assert view["export_milliwh"] == milli(energy_export)
    assert view["power_milliw"] == milli(power)
