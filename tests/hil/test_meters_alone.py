"""The simulated meters stand alone: a mistake in the drivers must not find its mirror image in them."""

import subprocess
import sys
from pathlib import Path

import hil.meters

MODULES = sorted(path.stem for path in Path(hil.meters.__file__).parent.glob("*.py") if path.stem != "__init__")
TELL = "import sys; print(sorted({name.split('.')[0] for name in sys.modules} & {'gateway', 'drivers', 'numba'}))"


def loaded(imports: str) -> str:
    command = [sys.executable, "-c", f"{imports}; {TELL}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_no_meter_loads_the_drivers_or_the_gateway() -> None:
    assert MODULES == [
        "cells",
        "core",
        "dump_tcp",
        "map_meter",
        "mixed_line",
        "models",
        "models_float",
        "models_integer",
        "optical",
        "optical_bits",
        "optical_data",
        "optical_faults",
        "optical_line",
        "optical_meter",
        "rtu_line",
        "sdm630_bus",
        "sdm630_rtu",
        "slave",
        "sunspec_tcp",
        "tcp_server",
    ]
    assert loaded("; ".join(f"import hil.meters.{name}" for name in MODULES)) == "[]"


def test_the_check_finds_what_does() -> None:
    assert "'gateway'" in loaded("import hil.scaled_clock")
