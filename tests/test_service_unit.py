"""The systemd unit, judged by systemd itself. That it runs is seen on a machine with systemd, not here."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAME = "netmeter-gateway.service"

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as shipped, but for its program, which need not be installed here."""
    text = (ROOT / "systemd" / NAME).read_text()
    path = tmp_path / NAME
    path.write_text(text.replace("ExecStart=/usr/local/bin/netmeter ", "ExecStart=/bin/true "))
    return path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True)


def test_systemd_understands_every_line(unit: Path) -> None:
    done = analyze("verify", "--man=no", unit)
    assert done.returncode == 0, done.stderr
    assert NAME not in done.stderr


def test_an_unknown_line_would_be_seen(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectHome=yes", "ProtectHouse=yes"))
    assert NAME in analyze("verify", "--man=no", unit).stderr


def test_exposure_is_low(unit: Path) -> None:
    # 1.7: facts and reasons in docs/development.md, "Install as a service".
    done = analyze("security", "--offline=true", "--threshold=17", "--no-pager", unit)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("forbidden", ["ProtectClock", "ProcSubset"])
def test_what_the_clock_file_reads_stays_readable(unit: Path, forbidden: str) -> None:
    """gateway/clock.py reads adjtimex(2) and /proc/sys/kernel/random/boot_id; both would be hidden by these."""
    assert not re.search(rf"^{forbidden}=", unit.read_text(), re.MULTILINE)
