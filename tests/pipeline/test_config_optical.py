"""[[meter]] on an optical port: what is refused, what is told, and that the daemon's line has the right meter."""

import os
from pathlib import Path

import pytest

from drivers import SystemTicker
from drivers.iec62056.meter import OpticalMeter
from drivers.iec62056.pushed import PushedMeter
from drivers.iec62056.terms import Mode
from drivers.profile_find import OPTICAL
from gateway.config.load import examine
from gateway.config.types import MeterSection
from gateway.reading.meters import open_line
from gateway.reading.optical import SlowSchedule

SECRET = "marker-5521"
CONFIG = """\
[gateway]
id = "home"
clock = "ntp"
[mqtt]
host = "localhost"
[accounting]
tariff = "pge-e-tou-c"
[[meter]]
name = "grid"
role = "grid"
register = "utility"
service_amps = 63
service_volts = 230
service_phases = 3
"""


def config(folder: Path, *lines: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(CONFIG + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def with_password(folder: Path) -> None:
    text = (
        (OPTICAL / "optical-c.toml").read_text(encoding="utf-8").replace('mode = "C"', 'mode = "C"\npassword_level = 1')
    )
    (folder / "locked.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (['profile = "optical-c"', 'host = "192.168.1.4"'], "an optical head is on a serial port, not on a host"),
        (['profile = "optical-c"', 'port = "socket://h:1"'], "must be on a serial port of this machine"),
        (['profile = "optical-c"', 'port = "/dev/null"', 'parity = "O"'], "an optical port has even parity"),
        (['profile = "optical-c"', 'port = "/dev/null"', 'mode = "D"'], "one of them sends by itself"),
        (['profile = "optical-c-p01"', 'port = "/dev/null"', 'mode = "A"'], "has no programming mode"),
        (['profile = "optical-c"', 'port = "/dev/null"', "sum_phases = true"], "phases are not summed"),
        (['profile = "locked"', 'port = "/dev/null"'], "locked wants a password"),
        (['profile = "locked"', 'port = "/dev/null"', 'password_file = "none"'], "cannot be read"),
        (['profile = "optical-c"', 'port = "/dev/null"', "unit = 3"], "unit means nothing for optical-c"),
        (['profile = "optical-a"', 'port = "/dev/null"', "poll_s = 5"], "at 300 Bd a reading lasts longer"),
        (['profile = "eastron-sdm630"', 'port = "/dev/null"', 'mode = "C"'], "mode means nothing for eastron-sdm630"),
    ],
)
def test_what_cannot_be_or_means_nothing_is_told(tmp_path: Path, lines: list[str], told: str) -> None:
    with_password(tmp_path)
    problems = [str(one) for one in examine(config(tmp_path, *lines)).problems]
    assert any(told in one for one in problems), problems


def section_of(folder: Path, *lines: str) -> MeterSection:
    examined = examine(config(folder, *lines))
    assert examined.config is not None, examined.problems
    return examined.config.meter[0]


def opened(folder: Path, *lines: str) -> OpticalMeter:
    line = open_line([section_of(folder, *lines)], folder, SystemTicker())
    assert line.link is None
    (meter,) = line.meters.values()
    assert isinstance(meter, OpticalMeter)
    return meter


def test_a_profile_and_a_mode_make_the_meter(tmp_path: Path) -> None:
    port = f'port = "{os.ttyname(os.openpty()[1])}"'
    assert opened(tmp_path, 'profile = "optical-c"', port).terms.mode is Mode.C
    assert opened(tmp_path, 'profile = "optical-c"', port, 'mode = "A"').terms.mode is Mode.A
    assert isinstance(opened(tmp_path, 'profile = "optical-d"', port), PushedMeter)
    assert opened(tmp_path, 'profile = "optical-c"', port, "ratio = 40").ratio == 40


def test_a_password_comes_out_of_its_file_and_is_in_no_repr(tmp_path: Path) -> None:
    with_password(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n", encoding="utf-8")
    secret.chmod(0o600)
    port = f'port = "{os.ttyname(os.openpty()[1])}"'
    lines = ('profile = "locked"', port, 'password_file = "secret"')
    meter = opened(tmp_path, *lines)
    password = vars(meter)["_password"]
    assert password.text == SECRET
    assert SECRET not in repr(vars(meter))
    assert SECRET not in repr(section_of(tmp_path, *lines))


class Quarters:
    """An edge each quarter of an hour."""

    def next_edge_us(self, utc_us: int) -> int:
        return (utc_us // 900_000_000 + 1) * 900_000_000


def test_the_reading_before_an_edge_is_begun_as_early_as_it_lasts() -> None:
    # Eight seconds, an eighth and a quarter of a second: 9.25 s before 00:15.
    slow = SlowSchedule(3_600_000_000, 0, takes_us=lambda: 8_000_000)
    assert slow.next_read_us(1_000_000, Quarters()) == 900_000_000 - 9_250_000
    quick = SlowSchedule(3_600_000_000, 0)
    assert quick.next_read_us(1_000_000, Quarters()) == 900_000_000 - 500_000
