"""A wheel of this checkout: what is in it, and that it works in an environment that has never seen the checkout.

Nothing is fetched: the wheel's dependencies are lent by the environment that runs the tests.
"""

import os
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]

GATEWAY_TOML = """
[gateway]
id = "wheel-test"
clock = "ntp"

[mqtt]
host = "127.0.0.1"

[accounting]
tariff = "pge-e-tou-c"

[[meter]]
name = "grid1"
profile = "sunspec"
role = "grid"
register = "own"
service_amps = 200
service_volts = 240
host = "127.0.0.1"
tcp_port = 1502
"""


@dataclass(frozen=True)
class Installed:
    """An environment outside the checkout with the wheel in it, and a folder to work in."""

    venv: Path
    folder: Path

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        program, *arguments = command
        environment = {"PATH": os.defpath, "HOME": str(self.folder), "LANG": "C.UTF-8"}
        line = [self.venv / "bin" / program, *arguments]
        return subprocess.run(line, cwd=self.folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    return zipfile.ZipFile(wheel).namelist()


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("elsewhere")
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    install = [*PIP, "--python", str(venv), "install", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    # A folder named in a .pth file is searched, but .pth files inside it are not read: the checkout's own, left there
    # by the editable install, has no effect.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    lent = venv / "lib" / version / "site-packages" / "lent.pth"
    lent.write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(venv, folder)


def test_packages_are_the_three(names: list[str]) -> None:
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"gateway", "drivers", "hil"}


@pytest.mark.parametrize("folder", ["config", "systemd"])
def test_every_shipped_data_file_is_inside(names: list[str], folder: str) -> None:
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()]
    assert files
    assert {f"gateway/data/{file}" for file in files} <= set(names)


def test_every_schema_is_inside(names: list[str]) -> None:
    """Nothing of ours opens them: only a reader of an installed package would miss one."""
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "gateway/publish/schemas").glob("*.json")]
    assert len(files) >= 9
    assert set(files) <= set(names)


@pytest.mark.parametrize(
    "name",
    [
        "gateway/data/config/gateway.toml",
        "gateway/data/config/tariffs/pge-e-tou-c.toml",
        "gateway/data/systemd/netmeter-gateway.service",
        "drivers/profiles/sunspec.toml",
    ],
)
def test_named_file_is_inside(names: list[str], name: str) -> None:
    assert name in names


def test_no_test_and_no_leftover_is_inside(names: list[str]) -> None:
    unwanted = ("tests/", "__pycache__", ".venv", "requirements.lock")
    assert [name for name in names if any(word in name for word in unwanted)] == []


def test_licence_is_inside(names: list[str]) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


@pytest.mark.parametrize("package", ["gateway", "drivers", "hil"])
def test_package_comes_from_the_wheel(installed: Installed, package: str) -> None:
    done = installed.run("python", "-c", f"import {package}; print({package}.__file__)")
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip())
    assert path.is_relative_to(installed.venv)
    assert not path.is_relative_to(ROOT)


def test_tariff_is_shown(installed: Installed) -> None:
    done = installed.run("netmeter", "tariff", "show", "pge-e-tou-c", "--at", "2025-07-15T16:00-07:00")
    assert done.returncode == 0, done.stdout + done.stderr
    # PG&E E-TOU-C: 4 to 9 p.m. every day is peak, and July is in its summer (June to September).
    assert "peak" in done.stdout.lower()
    assert "summer" in done.stdout.lower()


def test_config_is_checked(installed: Installed) -> None:
    config = installed.folder / "gateway.toml"
    config.write_text(GATEWAY_TOML)
    done = installed.run("netmeter", "check", config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MB a month" in done.stdout


def test_wrong_config_is_refused(installed: Installed) -> None:
    config = installed.folder / "wrong.toml"
    config.write_text(GATEWAY_TOML.replace("role =", "rolle ="))
    done = installed.run("netmeter", "check", config)
    assert done.returncode != 0
    assert "rolle" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_simulator_command_is_there(installed: Installed) -> None:
    done = installed.run("netmeter-hil", "--help")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "demo" in done.stdout
