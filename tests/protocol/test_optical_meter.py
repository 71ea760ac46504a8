"""Optical profiles, the mapping of codes and the runner, without a wire: telegrams and values written by hand."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from drivers import BadValueError, ConfigurationError, FrameError, NoAnswerError, ProfileError, load_profile
from drivers.iec62056.actions import Action, Listen, Send
from drivers.iec62056.build import open_optical, settle_of
from drivers.iec62056.data_set import DataSet, data_sets_of
from drivers.iec62056.mapping import STANDARD, identity_of, snapshot_of
from drivers.iec62056.meter_clock import time_of
from drivers.iec62056.runner import Runner
from drivers.meter_time import ClockZone
from drivers.profile_find import OPTICAL, shipped_optical
from drivers.recording import Tape
from drivers.transport.scripted import ScriptedTransport, VirtualTicker
from drivers.want import Want

SECRET = "marker7391"


def sets(text: str) -> tuple[DataSet, ...]:
    found, junk = data_sets_of(text, 0)
    assert not junk
    return tuple(found)


@pytest.mark.parametrize("name", shipped_optical())
def test_each_shipped_profile_means_what_its_vector_says(name: str) -> None:
    assert load_profile(name).optical is not None  # a vector that does not hold refuses the file


def test_a_vector_that_does_not_hold_refuses_the_profile(tmp_path: Path) -> None:
    text = (OPTICAL / "optical-a.toml").read_text(encoding="utf-8").replace("123456000", "123456001")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError, match="energy_import_milliwh should be 123456001, is 123456000"):
        load_profile("mine", (tmp_path,))


@pytest.mark.parametrize(
    ("key", "line", "told"),
    [
        ("mode", 'mode = "X"', "known here: A, B, C, D"),
        ("method", 'mode = "A"\nmethod = "registers"', "mode C alone"),
        ("password_level", 'mode = "A"\npassword_level = 1', "mode C alone"),
        ("fastest_baud_bd", 'mode = "A"\nfastest_baud_bd = 1000', "one of 300, 600"),
        ("typo", 'mode = "A"\ntypo = 1', "unknown key"),
    ],
)
def test_a_wrong_profile_is_told_with_its_key(tmp_path: Path, key: str, line: str, told: str) -> None:
    text = (OPTICAL / "optical-a.toml").read_text(encoding="utf-8").replace('mode = "A"', line)
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError, match=f"mine.toml:[0-9]+: {key}.*{told}"):
        load_profile("mine", (tmp_path,))


def test_every_value_has_its_place() -> None:
    told = sets(
        "1-0:1.8.0*255(000001.5*kWh)2.8.0(0000002500*Wh)1.8.1(1.0*kWh)1.8.0*01(9*kWh)"
        "16.7.0(-000.82*kW)36.7.0(12*W)32.7(241*V)31.7.0(350*mA)14.7.0(49.9*Hz)F.F(00000000)"
    )
    mapped = snapshot_of(told, STANDARD)
    imported, exported = mapped.snapshot.energy_import, mapped.snapshot.energy_export
    assert imported is not None
    assert exported is not None
    assert (imported.milliwh, imported.resolution_milliwh) == (1_500_000, 100_000)
    assert (exported.milliwh, exported.resolution_milliwh) == (2_500_000, 1_000)
    assert mapped.snapshot.power_milliw == -820_000
    assert dict(mapped.snapshot.others) == {
        "energy_import_t1": Decimal("1.0"),
        "power_l1": Decimal(12),
        "voltage_l1": Decimal(241),
        "current_l1": Decimal("0.350"),
        "frequency": Decimal("49.9"),
    }
    assert mapped.status == ""


def test_power_of_two_directions_swapped_and_multiplied() -> None:
    told = sets("1.8.0(1*kWh)2.8.0(2*kWh)1.7.0(0.5*kW)2.7.0(2.0*kW)")
    mapped = snapshot_of(told, STANDARD, ratio=Fraction(40), swap_direction=True).snapshot
    assert mapped.power_milliw == 60_000_000  # 40 * 1.5 kW of export, seen from the other side
    assert mapped.energy_import is not None
    assert (mapped.energy_import.milliwh, mapped.energy_import.resolution_milliwh) == (80_000_000, 40_000_000)


def test_a_power_without_unit_is_no_power_and_a_fault_is_told() -> None:
    mapped = snapshot_of(sets("1.8.0(1*kWh)16.7.0(5)1-1:F.F(00000100)97.97.0(0000)"), STANDARD)
    assert mapped.snapshot.power_milliw is None
    assert mapped.status == "1-1:F.F(00000100)"


@pytest.mark.parametrize(
    ("told", "serial"),
    [
        ("0.0.0(123)C.1.0(456)", "123"),
        ("0.0(          120858)C.1.0(13647123)", "120858"),
        ("0.0.0(    )C.1.0(456)", "456"),
        ("1-0:96.1.0*255(001LOG0000000001)", "001LOG0000000001"),
        ("1.8.0(1*kWh)", None),
    ],
)
def test_the_serial_number_is_the_first_that_is_one(told: str, serial: str | None) -> None:
    assert identity_of(sets(told), None).serial == serial


@pytest.mark.parametrize(
    ("told", "shown", "zone", "saving"),
    [
        ("0.9.1(105644)0.9.2(0220127)", "2022-01-27T10:56:44", ClockZone.LOCAL, False),
        ("0.9.1(1105644)0.9.2(1220727)", "2022-07-27T10:56:44", ClockZone.LOCAL, True),
        ("0.9.1(10:56:44)0.9.2(22-07-27)", "2022-07-27T10:56:44", ClockZone.LOCAL, None),
        ("0.9.1(211156)0.9.2(20260130)", "2026-01-30T21:11:56", ClockZone.LOCAL, None),
        ("0.9.1(2105644)0.9.2(2220127)", "2022-01-27T10:56:44", ClockZone.UTC, None),
        ("0-0:1.0.0(101209113020W)", "2010-12-09T11:30:20", ClockZone.LOCAL, False),
    ],
)
def test_the_meters_clock_with_its_season(told: str, shown: str, zone: ClockZone, saving: bool | None) -> None:
    time = time_of(sets(told), ClockZone.LOCAL)
    assert (time.shown.isoformat(), time.zone, time.daylight_saving) == (shown, zone, saving)


@pytest.mark.parametrize("told", ["0.9.1(256199)0.9.2(220127)", "0.9.1(105644)", "0.9.1(235930)0.9.2(220127)"])
def test_no_time_is_made_of_nonsense_or_around_midnight(told: str) -> None:
    with pytest.raises(BadValueError):
        time_of(sets(told), ClockZone.LOCAL)


def test_a_usb_head_is_waited_for_longer_than_a_uart() -> None:
    assert (settle_of("ttyUSB0"), settle_of("ttyACM3"), settle_of("ttyS0")) == (20_000, 20_000, 2_000)


class ScriptedPort(ScriptedTransport):
    """A scripted transport with a rate."""

    def set_baud(self, baud_bd: int) -> None:
        assert baud_bd in (300, 9600)


class Chatter:
    """A conversation that never ends."""

    def start(self) -> list[Action]:
        return [Send(b"/?!\r\n"), Listen(1_000_000)]

    def receive(self, received: bytes) -> list[Action]:
        raise AssertionError(received)

    def silence(self) -> list[Action]:
        return [Listen(1_000_000)]


def test_a_session_has_an_end_whatever_the_dialogue_wants() -> None:
    ticker = VirtualTicker()
    runner = Runner(ScriptedPort(ticker, lambda _: []), ticker, longest_us=5_000_000)
    with pytest.raises(NoAnswerError, match="has lasted 5 s"):
        runner.run(Chatter(), 300)
    assert 5_000_000 <= ticker.now_us < 7_000_000


def test_a_password_is_on_no_tape_and_in_no_error(tmp_path: Path) -> None:
    text = (OPTICAL / "optical-c-p01.toml").read_text(encoding="utf-8")
    text = text.replace('mode = "C"', 'mode = "C"\nmethod = "registers"\npassword_level = 1')
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    ticker, tape = VirtualTicker(), Tape()
    said: list[bytes] = []

    def peer(data: bytes) -> list[tuple[int, bytes]]:
        """A head with an echo before a meter that acknowledges no password."""
        plain = bytes(one & 0x7F for one in data)
        said.append(plain)
        answers = {b"/?!\r\n": b"/XYZ0model\r\n", b"\x06001\r\n": b"\x01P0\x02()\x03\x60"}
        parity = [one | (one.bit_count() & 1) << 7 for one in answers.get(plain, b"\x15")]
        return [(0, data), (300_000, bytes(parity))]

    profile = load_profile("mine", (tmp_path,))
    port = ScriptedPort(ticker, peer)
    meter = open_optical(profile, port, ticker, settle_us=2_000, password=SECRET)
    meter.record(tape)
    with pytest.raises(Exception, match="password level 1") as caught:
        meter.read(want=Want.DUE)
    assert any(SECRET.encode() in one for one in said), said  # it was given
    kept = tape.recording().text() + repr(meter) + repr(vars(meter)) + str(caught.value)
    assert SECRET not in kept
    assert SECRET.encode().hex(" ").upper() not in kept


def test_a_profile_that_wants_a_password_says_so(tmp_path: Path) -> None:
    text = (OPTICAL / "optical-c.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text.replace('mode = "C"', 'mode = "C"\npassword_level = 1'), encoding="utf-8")
    ticker = VirtualTicker()
    profile = load_profile("mine", (tmp_path,))
    with pytest.raises(ProfileError, match="password_file"):
        open_optical(profile, ScriptedPort(ticker, lambda _: []), ticker, settle_us=0)


def test_only_mode_c_has_commands() -> None:
    ticker = VirtualTicker()
    meter = open_optical(load_profile("optical-a"), ScriptedPort(ticker, lambda _: []), ticker, settle_us=0)
    with pytest.raises(ConfigurationError, match="no programming mode"):
        meter.ask()


class Flood(ScriptedPort):
    """A meter that pushes at another rate than is listened at: characters without end, none of which means anything."""

    def read(self, max_bytes: int, deadline_us: int) -> bytes:
        del deadline_us
        self._ticker.now_us += 2_000_000
        return b"\x00x" * (min(max_bytes, 1920) // 2)  # 9600 Bd for two seconds


def test_a_push_at_another_rate_is_told_before_the_bound_and_what_to_look_at() -> None:
    ticker = VirtualTicker()
    meter = open_optical(load_profile("optical-d"), Flood(ticker, lambda _data: []), ticker, settle_us=0)
    with pytest.raises(FrameError, match=r"at 9600 Bd, no whole telegram; .*push_baud_bd"):
        meter.read()
    assert ticker.now_us < 60 * 1_000_000


def test_the_time_in_a_pushed_telegram_is_told_beside_its_window(tmp_path: Path) -> None:
    text = (OPTICAL / "optical-d.toml").read_text(encoding="utf-8")
    clock = '[clock]\nzone = "standard"\nsource = "made up"\n\n[[vectors]]'
    (tmp_path / "mine.toml").write_text(text.replace("[[vectors]]", clock, 1), encoding="utf-8")
    ticker = VirtualTicker()
    port = ScriptedPort(ticker, lambda _: [])
    telegram = b"/XYZ5model\r\n\r\n1.8.0(1.5*kWh)\r\n2.8.0(0.5*kWh)\r\n0.9.1(105644)\r\n0.9.2(220127)\r\n!\r\n"
    bits = [one | (one.bit_count() & 1) << 7 for one in telegram]
    for nth, one in enumerate(bits, 1):
        port.arrive(1_000_000 + nth * 10_000_000 // 9600, bytes([one]))
    meter = open_optical(load_profile("mine", (tmp_path,)), port, ticker, settle_us=0)
    sample = meter.read()
    assert 900_000 <= sample.sent_us <= 1_000_000 + 10_000_000 // 9600  # the port was empty until then
    assert sample.sent_us < sample.received_us <= 1_000_000 + len(telegram) * 10_000_000 // 9600
    told = meter.read_time()
    assert (told.time.shown.isoformat(), told.sent_us) == ("2022-01-27T10:56:44", sample.sent_us)
