"""The running daemon books with the compiled library, holds neither numba nor numpy, and says which build it runs.

Also where memory may not become executable once it was writable, as under the unit's MemoryDenyWriteExecute=.
"""

import json
import shutil
import sys
from pathlib import Path

import pytest

from hil.house import House
from tests.pipeline.kernel_builds import made_library, needs_linker

from .rig import Reader, assert_law, netmeter, start_all_but_broker

pytestmark = [pytest.mark.whole, needs_linker()]

# numba alone takes 107 MB, with a compiled kernel 155 MB; the daemon's own target is 40 MB.
MOST_RESIDENT_KIB = 80_000
DENY = (
    "import ctypes, os, sys; denied = ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0;"  # PR_SET_MDWE, Linux 6.3
    "sys.exit(99) if not denied else os.execvp(sys.argv[1], sys.argv[1:])"
)


def has_passed_an_edge(reader: Reader) -> bool:
    return bool(reader.of("interval", "grid"))


@pytest.mark.parametrize("deny", [False, True], ids=["plain", "memory-deny-write-execute"])
def test_daemon_runs_the_library(house: House, reader: Reader, tmp_path: Path, deny: bool) -> None:
    cache = tmp_path / "cache/netmeter-gateway"
    cache.mkdir(parents=True)
    shutil.copy(made_library(), cache)
    start_all_but_broker(house, daemon=False)
    prefix = [sys.executable, "-c", DENY] if deny else []
    daemon = house.start_daemon(prefix=prefix, extra_env={"XDG_CACHE_HOME": str(cache.parent)})
    reader.until(
        lambda got: has_passed_an_edge(got) or daemon.exit_code is not None, "the 16:00 edge of the grid meter"
    )
    if deny and daemon.exit_code is not None:
        pytest.skip("this Linux has no PR_SET_MDWE (6.3 and later have)")
    process = Path("/proc") / str(daemon.pid)
    maps = (process / "maps").read_text()
    assert "netmeter-kernel-" in maps
    assert not any(name in maps for name in ("numba", "numpy", "llvmlite"))
    assert not any("wx" in line.split()[1] for line in maps.splitlines())
    resident_kib = int((process / "status").read_text().partition("VmRSS:")[2].split()[0])
    assert resident_kib < MOST_RESIDENT_KIB
    status = netmeter(house, "status", "--json", "--config", str(house.config))
    answer = json.loads(status.stdout)
    assert (answer["kernel"], answer["kernel_why"]) == ("aot", "")
    house.stop_child("gateway")
    reader.rest()
    assert sum(assert_law(record.content) for record in reader.of("state", "grid")) > 0
    health = [json.loads(record.payload) for record in reader.records if record.topic == "netmeter/demo/health"]
    assert {(record["kernel"], record["kernel_why"]) for record in health} == {("aot", "")}
