"""The set-up of a checkout: when it calls apt, what it says when it cannot go on, and two starts at once.

Nothing is installed here: each test has a small checkout of its own, with interpreters and an apt-get of its own.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
SCRIPTS = ("hil/setup.sh", "hil/demo", "tests/run", ".ci/run")
RECORDER = '#!/bin/sh\necho "${0##*/} $*" >>"$RECORD"\n'


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def interpreter(path: Path, facts: str, pip_says: str = "") -> Path:
    """A stand-in for an interpreter: answers the probe with `facts`, makes a .venv, whose pip fails with `pip_says`."""
    venv_python = f"""#!/bin/sh
case "$*" in
    -V) echo Python 3.11.2 ;;
    "-m pip -V") ;;
    *) echo '{pip_says}'; exit 1 ;;
esac
"""
    return script(
        path,
        f"""#!/bin/sh
case "$*" in
    "-c "*) printf '%s\\n' '{facts}' "$0" ;;
    "-m venv --clear "*) mkdir -p "$4/bin" && cat >"$4/bin/python" <<'END' && chmod +x "$4/bin/python"
{venv_python}
END
    ;;
esac
""",
    )


class Checkout:
    """The files that the set-up reads, in a folder with blanks in its name, and a PATH with recorders in front."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"
        self.bin = folder / "bin"
        self.record = folder / "record"
        self.path = os.environ["PATH"]
        for name in ("hil/setup.sh", "tests/run", "requirements.lock", "pyproject.toml"):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)
        for name in ("apt-get", "systemctl", "sudo"):
            script(self.bin / name, RECORDER)
        # Root may install: asked for by the recorder above, never by the machine's own apt-get.
        script(self.bin / "id", '#!/bin/sh\n[ "$1" = -u ] && echo 0 || echo root\n')

    def hide(self, tool: str) -> None:
        """Take a program off the PATH: a folder of links to all others stands for the machine's own folders."""
        tools = self.root.parent / "tools"
        tools.mkdir()
        for folder in reversed(self.path.split(":")):
            for program in Path(folder).glob("*"):
                (tools / program.name).unlink(missing_ok=True)
                (tools / program.name).symlink_to(program)
        (tools / tool).unlink(missing_ok=True)
        self.path = str(tools)

    def start(self, *options: str, python: Path | None = None) -> subprocess.Popen[str]:
        environment = {"PATH": f"{self.bin}:{self.path}", "RECORD": str(self.record), "HOME": str(self.root)}
        if python:
            environment["NETMETER_PYTHON"] = str(python)
        return subprocess.Popen(
            ["sh", str(self.root / "tests/run"), "--setup", *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *options: str, python: Path | None = None) -> tuple[int, str]:
        process = self.start(*options, python=python)
        said = process.communicate(timeout=60)
        return process.returncode, "".join(said)

    def calls(self) -> str:
        return self.record.read_text() if self.record.exists() else ""

    def stamp(self) -> None:
        """Leave the checkout as a finished set-up does: a .venv, and the stamp over what it was made from."""
        (self.root / ".venv/bin").mkdir(parents=True)
        (self.root / ".venv/bin/python").symlink_to(sys.executable)
        lines = [str(self.root), platform.machine(), f"Python {platform.python_version()}"]
        for name in ("requirements.lock", "pyproject.toml"):
            lines.append(f"{hashlib.sha256((self.root / name).read_bytes()).hexdigest()}  -")
        (self.root / ".venv/setup-stamp").write_text("\n".join(lines) + "\n")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path.resolve())


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_parses(name: str) -> None:
    subprocess.run(["sh", "-n", ROOT / name], check=True)


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_is_executable_and_posix(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    assert (ROOT / name).read_text().startswith("#!/bin/sh\n")


def test_apt_is_called_for_a_missing_venv_module(checkout: Checkout, tmp_path: Path) -> None:
    code, said = checkout.run(python=interpreter(tmp_path / "p", "3 11 64 no-pip\n/usr/bin/python3"))
    assert "apt-get -q update" in checkout.calls()
    assert "python3-venv" in checkout.calls()
    assert "install -y --no-install-recommends python3-venv" in said  # told before it is done
    assert code == 1  # the recorder installed nothing


def test_no_system_never_calls_apt(checkout: Checkout, tmp_path: Path) -> None:
    code, said = checkout.run("--no-system", python=interpreter(tmp_path / "p", "3 11 64 no-pip\n/usr/bin/python3"))
    assert code == 1
    assert "cannot make virtual environments" in said
    assert "apt-get install -y --no-install-recommends python3-venv" in said  # the next action
    assert checkout.calls() == ""


def test_apt_is_called_for_a_missing_strace_before_the_tests(checkout: Checkout) -> None:
    checkout.stamp()
    checkout.hide("strace")
    code, said = checkout.run()
    installs = [line for line in checkout.calls().splitlines() if " install " in line]
    assert len(installs) == 1
    assert "strace" in installs[0].split()
    assert "no strace: tests of a disk that fails, hangs or loses its power are skipped" in said
    assert code == 0  # the recorder installed nothing; the tests run without it


def test_a_strace_that_is_there_or_forbidden_is_not_asked_for(checkout: Checkout) -> None:
    checkout.stamp()
    script(checkout.bin / "strace", RECORDER)
    script(checkout.bin / "mosquitto", RECORDER)
    assert checkout.run() == (0, "")
    (checkout.bin / "strace").unlink()
    checkout.hide("strace")
    code, said = checkout.run("--no-system")
    assert code == 0
    assert "no strace" in said
    assert checkout.calls() == ""


def test_the_demo_does_not_ask_for_strace(checkout: Checkout) -> None:
    checkout.stamp()
    checkout.hide("strace")
    script(checkout.bin / "mosquitto", RECORDER)
    set_up = ["sh", checkout.root / "hil/setup.sh"]
    environment = {"PATH": f"{checkout.bin}:{checkout.path}", "RECORD": str(checkout.record)}
    done = subprocess.run(set_up, env=environment, capture_output=True, text=True, check=True)
    assert (done.stderr, checkout.calls()) == ("", "")


@pytest.mark.parametrize(
    ("facts", "message", "action"),
    [
        ("3 9 64 pip", "is Python 3.9; 3.11, 3.12 or 3.13 is needed", "NETMETER_PYTHON="),
        ("3 14 64 pip", "is Python 3.14; 3.11, 3.12 or 3.13 is needed", "NETMETER_PYTHON="),
        ("2 7 64 no-pip", "is Python 2.7; 3.11, 3.12 or 3.13 is needed", "NETMETER_PYTHON="),
        ("3 11 32 pip", "is 32-bit", "64-bit Raspberry Pi OS"),
        ("3 12 64 no-pip", "cannot make virtual environments", "NETMETER_PYTHON="),
    ],
)
def test_unfit_interpreter_is_named_with_the_next_action(
    checkout: Checkout, tmp_path: Path, facts: str, message: str, action: str
) -> None:
    code, said = checkout.run("--no-system", python=interpreter(tmp_path / "p", facts))
    assert code == 1
    assert message in said
    assert action in said.split("set-up: next: ")[1]
    assert not (checkout.root / ".venv").exists()


def test_fit_interpreter_passes_the_same_checks(checkout: Checkout, tmp_path: Path) -> None:
    code, said = checkout.run("--no-system", python=interpreter(tmp_path / "p", "3 12 64 pip", "no such thing"))
    assert "making" in said
    assert code == 1  # its pip fails by design


@pytest.mark.parametrize(
    ("pip_says", "message", "action"),
    [
        ("ERROR: [Errno 28] No space left on device", "the disk is full", "free 1 GB"),
        ("Failed to resolve ([Errno -3] Temporary failure in name resolution)", "cannot be reached", "connect"),
        ("Retrying after connection broken by NewConnectionError: Connection refused", "cannot be reached", "connect"),
        ("SSLError(SSLCertVerificationError(1, [SSL: CERTIFICATE_VERIFY_FAILED]))", "not trusted", "PIP_CERT="),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "is not the one in requirements.lock", "pip cache purge"),
        ("Segmentation fault", "pip did not succeed", "setup.log"),
    ],
)
def test_failed_pip_is_explained(checkout: Checkout, tmp_path: Path, pip_says: str, message: str, action: str) -> None:
    code, said = checkout.run("--no-system", python=interpreter(tmp_path / "p", "3 11 64 pip", pip_says))
    assert code == 1
    assert message in said
    assert action in said.split("set-up: next: ")[1]
    assert not (checkout.root / ".venv/setup-stamp").exists()


def test_two_starts_of_a_finished_checkout_change_nothing(checkout: Checkout) -> None:
    checkout.stamp()
    both = [checkout.start("--no-system"), checkout.start("--no-system")]
    for process in both:
        process.communicate(timeout=60)
    assert [process.returncode for process in both] == [0, 0]
    assert checkout.calls() == ""
    assert not (checkout.root / ".setup-lock").exists()


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_changed_file_ends_the_stamp(checkout: Checkout, tmp_path: Path, name: str) -> None:
    checkout.stamp()
    with (checkout.root / name).open("a") as file:
        file.write("# changed\n")
    code, said = checkout.run("--no-system", python=interpreter(tmp_path / "p", "3 9 64 pip"))
    assert code == 1
    assert "is Python 3.9" in said


def test_a_moved_checkout_ends_the_stamp(checkout: Checkout, tmp_path: Path) -> None:
    checkout.stamp()
    checkout.root = checkout.root.rename(checkout.root.with_name("elsewhere"))
    code, _ = checkout.run("--no-system", python=interpreter(tmp_path / "p", "3 9 64 pip"))
    assert code == 1


def test_second_start_waits_for_the_first(checkout: Checkout, tmp_path: Path) -> None:
    with (checkout.root / ".setup-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = checkout.start("--no-system", python=interpreter(tmp_path / "p", "3 9 64 pip"))
        assert process.stderr is not None
        assert "waiting for it" in process.stderr.readline()
        assert process.poll() is None
    said = process.communicate(timeout=60)[1]
    assert "is Python 3.9" in said  # it went on


def with_kernel(checkout: Checkout, exit_code: int) -> Path:
    """A finished checkout that has a kernel's source, and an interpreter that records what it is asked to build."""
    checkout.stamp()
    python = checkout.root / ".venv/bin/python"
    python.unlink()
    version = f"echo Python {platform.python_version()}"
    script(python, f'#!/bin/sh\n[ "$1" != -V ] || {{ {version}; exit; }}\necho "$*" >>"$RECORD"\nexit {exit_code}\n')
    source = checkout.root / "gateway/kernels/split.py"
    source.parent.mkdir(parents=True)
    source.write_text("OK = 0\n")
    return source


def test_kernel_is_built_once_and_again_when_its_source_changes(checkout: Checkout) -> None:
    source = with_kernel(checkout, exit_code=0)
    wanted = f"-m gateway.cli kernel build --into {checkout.root}/.venv/lib/netmeter-gateway\n"
    for _ in range(2):
        code, said = checkout.run("--no-system")
        assert (code, checkout.calls()) == (0, wanted)
    source.write_text("OK = 1\n")
    code, said = checkout.run("--no-system")
    assert "netmeter kernel build" in said  # told before it is done
    assert (code, checkout.calls()) == (0, 2 * wanted)


def test_kernel_that_cannot_be_built_stops_nothing_and_is_not_tried_again(checkout: Checkout) -> None:
    with_kernel(checkout, exit_code=1)
    code, said = checkout.run("--no-system")
    assert code == 0
    assert "in plain Python" in said
    assert checkout.calls().count("kernel build") == 1
    assert checkout.run("--no-system")[0] == 0
    assert checkout.calls().count("kernel build") == 1
    linker = script(checkout.bin / "ld.lld", "#!/bin/sh\n")  # until a linker comes
    assert checkout.run("--no-system")[0] == 0
    assert checkout.calls().count("kernel build") == 2
    linker.unlink()


def test_unwritable_checkout_is_named(checkout: Checkout, tmp_path: Path) -> None:
    if os.getuid() == 0:
        pytest.skip("root can write everywhere")
    checkout.root.chmod(0o555)
    code, said = checkout.run("--no-system", python=interpreter(tmp_path / "p", "3 11 64 pip"))
    checkout.root.chmod(0o755)
    assert code == 1
    assert "a checkout of your own" in said


def test_unknown_option_of_the_set_up_is_refused(checkout: Checkout) -> None:
    done = subprocess.run(["sh", checkout.root / "hil/setup.sh", "--nosystem"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "unknown option --nosystem" in done.stderr


def pins(lock: str = "requirements.lock") -> dict[str, list[Requirement]]:
    """A lock's requirements by name, read as the plain text it is."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / lock).read_text().splitlines():
        if line and not line.startswith(("#", " ")):
            requirement = Requirement(line.removesuffix("\\").strip())
            found.setdefault(requirement.name, []).append(requirement)
    return found


def test_lock_covers_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    wanted = project["project"]["dependencies"] + [line for extra in extras for line in extra]
    locked = pins()
    wanted += project["build-system"]["requires"] + project["dependency-groups"]["build"]
    for requirement in map(Requirement, wanted):
        assert requirement.name in locked, f"{requirement.name} is not in requirements.lock"
        for pin in locked[requirement.name]:
            version = Version(next(iter(pin.specifier)).version)
            assert requirement.specifier.contains(version, prereleases=True), f"{pin} does not meet {requirement}"


def hashed(lock: str) -> dict[str, set[str]]:
    """By pin (`name==version`, whatever its marker), the hashes that a lock takes."""
    found: dict[str, set[str]] = {}
    pin = ""
    for line in (ROOT / lock).read_text().splitlines():
        if "==" in line and not line.startswith(("#", " ")):
            pin = line.split()[0]
        elif "--hash=" in line:
            found.setdefault(pin, set()).add(line.strip().removesuffix("\\").strip())
    return found


def test_runtime_lock_is_the_lock_without_what_only_tests_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime, locked = hashed("requirements-runtime.lock"), hashed("requirements.lock")
    assert {pin: locked.get(pin) for pin in runtime} == runtime
    wanted = project["project"]["dependencies"] + project["build-system"]["requires"]
    names = pins("requirements-runtime.lock")
    assert {Requirement(line).name for line in wanted} <= names.keys()
    assert "nrel-pysam" in pins()
    assert not {"nrel-pysam", "pytest", "amqtt"} & names.keys()


def test_lock_names_no_index_and_hashes_everything() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    entries = [entry for entry in text.split("\n") if "==" in entry and not entry.startswith("#")]
    assert entries
    assert all(entry.endswith("\\") for entry in entries)  # each goes on to its hashes
    assert text.count("--hash=sha256:") >= len(entries)
