"""`clock = "meter"` in gateway.toml: refused only where none of the meters tells the time, with the mend."""

from pathlib import Path

from drivers.profile_find import SHIPPED
from gateway.config.load import examine, load_config
from gateway.config.types import ClockSource

from .test_config_load import GOOD, METER, told, write

BY_METER = GOOD.replace('clock = "ntp"', 'clock = "meter"')
CLOCK = """
[clock]
address = 0x100
format = "unix"
zone = "utc"
source = "test"
confirmed = true
"""
TIMED = METER.replace('"grid"', '"timed"', 1).replace('"sunspec"', '"timed.toml"').replace("127.0.0.1", "127.0.0.2")


def write_profile(folder: Path, more: str) -> None:
    (folder / "timed.toml").write_text((SHIPPED / "eastron-sdm630.toml").read_text(encoding="utf-8") + more)


def test_no_meter_that_tells_the_time_is_refused_with_the_mend(tmp_path: Path) -> None:
    (refused,) = told(write(tmp_path, BY_METER))
    assert refused == (
        '3: [gateway]: clock = "meter": no profile of these meters tells the time (sunspec): choose ntp, rtc or'
        " operator, or give a meter that has a clock a profile with [clock] (docs/profiles.md)"
    )
    write_profile(tmp_path, "")
    (refused,) = told(write(tmp_path, BY_METER + TIMED))
    assert "tells the time (sunspec, timed.toml)" in refused


def test_one_meter_that_tells_the_time_is_enough(tmp_path: Path) -> None:
    write_profile(tmp_path, CLOCK)
    path = write(tmp_path, BY_METER + TIMED)
    assert told(path) == []
    assert load_config(path).gateway.clock is ClockSource.METER


def test_a_profile_that_is_wrong_is_told_alone(tmp_path: Path) -> None:
    write_profile(tmp_path, CLOCK.replace('"utc"', '"mars"'))
    (wrong,) = told(write(tmp_path, BY_METER + TIMED))
    assert "clock.zone = 'mars'" in wrong
    (wrong,) = told(write(tmp_path, BY_METER.replace('"sunspec"', '"sunspek"')))
    assert "no meter profile `sunspek`" in wrong


def test_other_clocks_ask_nothing_of_the_meters(tmp_path: Path) -> None:
    for clock in ("ntp", "rtc", "operator"):
        assert examine(write(tmp_path, GOOD.replace('"ntp"', f'"{clock}"'))).config is not None
