"""`netmeter check` as a person runs it: a process of its own, its exit code, what it prints. Never a traceback."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .test_config_load import GOOD

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from gateway.cli import main; main(prog_name='netmeter')"]

HEAD = GOOD[: GOOD.index("[[meter]]")]
METER = """\
[[meter]]
name = "grid"
profile = "eastron-sdm630"
role = "grid"
register = "own"
service_amps = 100
service_volts = 240
port = "PORT"
"""

SHORT_FOLDER = "/run/netmeter-test"  # nothing is made there: a socket's path has to be short, tmp_path may be long


def netmeter(*arguments: str, home: Path, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Runs the command in an environment of its own."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    environment["XDG_RUNTIME_DIR"] = SHORT_FOLDER
    return subprocess.run(
        [*before, *COMMAND, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=home,
        timeout=60,
        check=False,
    )


@pytest.fixture
def port():
    """A terminal device that exists and may be opened."""
    leader, follower = os.openpty()
    yield os.ttyname(follower)
    os.close(leader)
    os.close(follower)


@pytest.fixture
def good(port) -> str:
    return HEAD + METER.replace("PORT", port)


def check(folder: Path, content: str | bytes, *options: str) -> subprocess.CompletedProcess[str]:
    path = folder / "gateway.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    done = netmeter("check", "gateway.toml", *options, home=folder)
    assert "Traceback" not in done.stderr + done.stdout
    return done


def test_a_good_config_is_told_with_its_meters_tariff_and_budget(tmp_path, good, port):
    done = check(tmp_path, good)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:4] == [
        "gateway.toml: can be used",
        f"  meter grid: eastron-sdm630, unit 1 at {port}, at most 30.0 kW",
        "  tariff pge-e-tou-c: 4 buckets",
        f"  store {tmp_path}/.local/state/netmeter-gateway/home/ledger.sqlite",
    ]
    # 8640 states of 600 + 4 x 200 + 217 bytes and 96 intervals of 740 + 217 and heads of 300 + 217 bytes, 30 days
    assert "on the wire: at most 423 MB a month" in done.stdout
    # 40 days of 17,472 readings of 75 bytes; 365 x 96 intervals of 300 bytes with 5 readings each; a log of 4.2 MB
    assert "on disk: 0.08 GB after a year, then 0.02 GB more a year" in done.stdout


def test_the_budget_is_there_for_a_program_too(tmp_path, good):
    done = check(tmp_path, good, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["usable"], told["problems"]) == (0, True, [])
    assert told["budget"]["wire_bytes_a_month"] == 30 * (8640 * 1617 + 96 * (957 + 517)) == 423_371_520
    assert told["budget"]["disk_bytes_first_year"] == 52_416_000 + 35_040 * (300 + 5 * 75) + 4_200_000


MUTATIONS = {
    "wrong type": ("service_amps = 100", 'service_amps = "100"', "gateway.toml:16: [[meter]] grid: service_amps ="),
    "unknown key": (
        "service_amps = 100",
        "service_amps = 100\nslave = 3",
        'gateway.toml:17: [[meter]] grid: unknown key "slave": did you mean "unit"?',
    ),
    "missing tariff": ("pge-e-tou-c", "pge-e-tou-x", 'gateway.toml:9: [accounting]: there is no tariff "pge-e-tou-x"'),
    "a port that does not exist": (
        "port = ",
        "port = '/dev/serial/by-id/none' # ",
        "gateway.toml:18: [[meter]] grid: port /dev/serial/by-id/none: No such file or directory: plug the adapter in",
    ),
    "syntax error": ('id = "home"', "id = home", "gateway.toml:2: not TOML: Invalid value in `id = home`"),
    "text without an end": ('host = "localhost"', 'host = "localhost', "gateway.toml:6: not TOML:"),
    "a key twice": ('id = "home"', 'id = "home"\nid = "home"', "gateway.toml:3: not TOML: Cannot overwrite a value"),
    "a table twice": ("[accounting]", "[mqtt]", "gateway.toml:8: not TOML:"),
    "a key without its letter": ("name = ", "nome = ", 'unknown key "nome": did you mean "name"?'),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mistake_is_told_with_file_and_line(tmp_path, good, mutation):
    old, new, words = MUTATIONS[mutation]
    done = check(tmp_path, good.replace(old, new, 1))
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.endswith("gateway.toml: 1 mistake\n")
    assert "can be used" not in done.stdout


def test_a_duplicate_meter_is_told(tmp_path, good):
    done = check(tmp_path, good + good[good.index("[[meter]]") :])
    assert done.returncode == 1
    assert 'gateway.toml:20: [[meter]] grid: two meters are named "grid": rename one' in done.stderr
    assert 'gateway.toml:19: [[meter]] grid: same place and unit = 1 as "grid"' in done.stderr


def test_a_bad_time_zone_is_told_in_the_tariff_file(tmp_path, good):
    tariff = (ROOT / "config/tariffs/pge-e-tou-c.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(tariff.replace("America/Los_Angeles", "US/Los Angeles"), encoding="utf-8")
    line = tariff[: tariff.index("zone = ")].count("\n") + 1
    done = check(tmp_path, good.replace("pge-e-tou-c", "mine.toml"))
    assert done.returncode == 1
    assert f'mine.toml:{line}: there is no time zone "US/Los Angeles"' in done.stderr


def test_ten_mistakes_are_told_at_once(tmp_path, good):
    text = good
    for old, new in [
        ('id = "home"', 'id = "My Home"'),
        ('clock = "ntp"', 'clock = "sun"'),
        ('host = "localhost"', 'host = ""\nport = "1883"\ntopic = "x"'),
        ("pge-e-tou-c", "pge"),
        ('name = "grid"', 'name = "grid/1"'),
        ("eastron-sdm630", "eastron-sdm639"),
        ('role = "grid"', 'role = "Grid"'),
        ("service_volts = 240", "service_volts = 0"),
    ]:
        assert old in text
        text = text.replace(old, new, 1)
    done = check(tmp_path, text)
    lines = [line.split(":")[1] for line in done.stderr.splitlines() if line.startswith("gateway.toml:")]
    assert done.returncode == 1
    assert lines == ["2", "3", "6", "7", "8", "11", "14", "15", "16", "19", " 10 mistakes"]


def test_an_empty_file_is_told_with_all_that_it_needs(tmp_path):
    done = check(tmp_path, "")
    assert done.returncode == 1
    for words in ("[gateway] is missing: it needs id, clock", "[mqtt] is missing", "[accounting]", "no [[meter]]"):
        assert words in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bytes(range(256)) * 8, "gateway.toml"),
        (b"\x7fELF\x02\x01\x01" + b"\x00" * 64, "gateway.toml:1: not TOML"),
        ('# Zähler\nid = "a"'.encode("latin-1"), "gateway.toml:1: is not UTF-8 text: byte 0xe4: save it as UTF-8"),
        ("\ufeff".encode("utf-16"), "is not UTF-8 text"),
        (b"a = " + b"[" * 100_000, "gateway.toml: brackets are nested too deep to read"),
        (b"a = 1\n" * 1_000_000, "more than 1000000: this is no configuration"),
    ],
    ids=["all bytes", "a program", "latin-1", "utf-16", "brackets", "huge"],
)
def test_what_is_no_config_is_told(tmp_path, content, words):
    done = check(tmp_path, content)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.endswith("gateway.toml: 1 mistake\n")


def test_a_folder_a_pipe_and_nothing_are_told(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, words in ((".", "is a folder"), ("pipe", "is not a regular file"), ("none.toml", "does not exist")):
        done = netmeter("check", name, home=tmp_path)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        assert words in done.stderr


def test_a_file_that_may_not_be_read_is_told(tmp_path, good):
    path = tmp_path / "gateway.toml"
    path.write_text(good, encoding="utf-8")
    path.chmod(0)
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root may read every file, and setpriv is not here to take that away")
        before = (setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")
        if netmeter("--version", home=tmp_path, before=before).returncode != 0:
            pytest.skip("root without its special rights cannot reach this checkout")
    done = netmeter("check", "gateway.toml", home=tmp_path, before=before)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "gateway.toml: may not be read by this user: see who may: ls -l gateway.toml" in done.stderr


def test_without_a_config_the_places_looked_at_are_told(tmp_path):
    done = netmeter("check", home=tmp_path)
    if Path("/etc/netmeter-gateway/gateway.toml").exists():
        pytest.skip("this machine has a config in /etc/netmeter-gateway")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert f"{tmp_path}/.config/netmeter-gateway/gateway.toml" in done.stderr
    assert "/etc/netmeter-gateway/gateway.toml" in done.stderr
    assert not any(tmp_path.iterdir())


def test_warnings_do_not_stop_anything(tmp_path, good):
    done = check(tmp_path, good.replace('host = "localhost"', 'host = "broker.example"\ninsecure = true'))
    assert done.returncode == 0
    assert "gateway.toml:6: warning: [mqtt]: data goes in clear to broker.example" in done.stderr
    assert "can be used, 1 warning" in done.stdout


def test_mistakes_are_there_for_a_program_too(tmp_path, good):
    done = check(tmp_path, good.replace("service_amps = 100", "service_amps = 0"), "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["usable"], told["budget"]) == (1, False, None)
    (problem,) = told["problems"]
    assert (problem["file"], problem["line"], problem["key"]) == ("gateway.toml", 16, "meter.0.service_amps")
    assert (problem["value"], problem["severity"]) == ("0", "error")


def test_a_user_without_any_folder_is_told_what_to_set(tmp_path, good):
    (tmp_path / "gateway.toml").write_text(good, encoding="utf-8")
    done = netmeter("check", "gateway.toml", home=tmp_path, before=("env", "-u", "HOME"))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "gateway.toml: no folder for the store: set HOME or XDG_STATE_HOME, or write [store] path" in done.stderr


def test_naming_the_config_twice_is_a_usage_error(tmp_path):
    done = netmeter("check", "a.toml", "--config", "b.toml", home=tmp_path)
    assert done.returncode == 2


@pytest.mark.parametrize("arguments", [[], ["check"], ["tariff"], ["tariff", "show"]], ids=" ".join)
def test_help_has_an_example_and_the_exit_codes(tmp_path, arguments):
    done = netmeter(*arguments, "--help", home=tmp_path)
    assert done.returncode == 0
    assert "Example:" in done.stdout
    assert "xit codes" in done.stdout


def test_a_mistyped_command_is_told(tmp_path):
    done = netmeter("chek", home=tmp_path)
    assert done.returncode == 2
    assert 'there is no command "chek": did you mean "check"?' in done.stderr


def test_the_version_is_the_packages(tmp_path):
    from gateway import __version__

    assert netmeter("--version", home=tmp_path).stdout.split()[-1] == __version__


def test_checking_loads_nothing_heavy(tmp_path, good):
    """The libraries of the wire, the broker and the kernel stay out of a command that needs none of them."""
    (tmp_path / "gateway.toml").write_text(good, encoding="utf-8")
    script = (
        "import sys\nfrom gateway.cli import main\n"
        "main(['check', 'gateway.toml'], standalone_mode=False)\n"
        "heavy = {'numba', 'numpy', 'pymodbus', 'paho', 'sqlite_utils', 'cryptography', 'serial'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))\n"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    environment["XDG_RUNTIME_DIR"] = SHORT_FOLDER
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=tmp_path, check=True
    )
    assert done.stdout.splitlines()[-1] == "heavy: []"
