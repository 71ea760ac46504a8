"""The SunSpec meter as a process, read by two other programs: pymodbus's client and pysunspec2."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pymodbus.client import ModbusTcpClient
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from hil.counters import Count
from hil.house_time import Anchor, monotonic_us
from hil.meters import sunspec_tcp

BASE = 40_000
MODEL = BASE + 2 + 68  # "SunS", then model 1 with 66 words behind its id and length
Truth = dict[int, tuple[int, int]]


@contextmanager
def client_of(address: str) -> Iterator[ModbusTcpClient]:
    host, _, port = address.rpartition(":")
    client = ModbusTcpClient(host, port=int(port), retries=0)
    assert client.connect()
    yield client
    client.close()


def start(start_child: Callable[..., tuple[object, str]], anchor: Anchor, truth: Path) -> str:
    return start_child("hil.meters.sunspec_tcp", ["--seed=11", "--feed=grid", f"--truth={truth}", *anchor.options()])[1]


def uint32(words: list[int]) -> int:
    return words[0] * 65_536 + words[1]


def test_registers_are_the_truth_of_at_most_a_second_ago_in_whole_watt_hours(
    start_child: Callable[..., tuple[object, str]],
    truth_reaching: Callable[[Path, int], Truth],
    anchor: Anchor,
    tmp_path: Path,
) -> None:
    truth_file = tmp_path / "truth.csv"
    seen = []
    with client_of(start(start_child, anchor, truth_file)) as client:
        for _ in range(40):
            before_us = monotonic_us()
            words = client.read_holding_registers(MODEL, count=107).registers
            seen.append((before_us, uint32(words[46:48]), uint32(words[38:40]), monotonic_us()))
    truth = truth_reaching(truth_file, anchor.house_us(seen[-1][3]) // 1_000_000 + 1)
    start_s = anchor.start_utc_us // 1_000_000
    for before_us, imported_wh, exported_wh, after_us in seen:
        earliest_s = max(start_s, anchor.house_us(before_us - 1_000_000) // 1_000_000)
        latest_s = anchor.house_us(after_us) // 1_000_000 + 1
        assert truth[earliest_s][0] // 1000 <= imported_wh <= truth[latest_s][0] // 1000
        assert truth[earliest_s][1] // 1000 <= exported_wh <= truth[latest_s][1] // 1000
    assert len({(imported, exported) for _, imported, exported, _ in seen}) > 1, "nothing moved"


def test_another_program_finds_the_models_and_reads_the_same(
    start_child: Callable[..., tuple[object, str]], anchor: Anchor, tmp_path: Path
) -> None:
    host, _, port = start(start_child, anchor, tmp_path / "truth.csv").rpartition(":")
    device = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr=host, ipport=int(port))
    device.scan()
    common, meter = device.models[1][0], device.models[203][0]
    assert common.Mn.value == "Netmeter Project"
    assert common.Md.value == "House 203"
    assert meter.PhVphA.cvalue == 120.0
    assert meter.PPV.cvalue == 240.0
    assert meter.Hz.cvalue == 60.0
    assert meter.TotWhImp.cvalue > 6_000_000
    assert meter.TotWhExp.cvalue > 6_000_000
    assert meter.W.cvalue == meter.WphA.cvalue + meter.WphB.cvalue
    for absent in (meter.PhVphC, meter.WphC, meter.VA, meter.PF, meter.TotVAhExp, meter.TotWhImpPhA):
        assert absent.value is None
    device.close()


def test_what_is_not_there_is_refused(
    start_child: Callable[..., tuple[object, str]], anchor: Anchor, tmp_path: Path
) -> None:
    with client_of(start(start_child, anchor, tmp_path / "truth.csv")) as client:
        assert client.read_holding_registers(BASE - 1, count=1).exception_code == 2
        assert client.read_holding_registers(MODEL + 107, count=2).registers == [0xFFFF, 0]
        assert client.read_holding_registers(MODEL + 107, count=3).exception_code == 2


def test_a_meter_started_anew_counts_on(
    start_child: Callable[..., tuple[object, str]],
    truth_reaching: Callable[[Path, int], Truth],
    anchor: Anchor,
    tmp_path: Path,
) -> None:
    truth_file = tmp_path / "truth.csv"
    options = ["--seed=11", f"--truth={truth_file}", *anchor.options()]
    for _ in range(2):
        child, address = start_child("hil.meters.sunspec_tcp", options)
        with client_of(address) as client:
            words = client.read_holding_registers(MODEL, count=107).registers
        latest_s = anchor.house_us(monotonic_us()) // 1_000_000 + 1
        truth = truth_reaching(truth_file, latest_s)
        child.kill()  # type: ignore[attr-defined]
        assert uint32(words[46:48]) <= truth[latest_s][0] // 1000
    whole = truth_file.read_text().splitlines()[1:]
    seconds = [int(line.split(",")[0]) for line in whole if line.count(",") == 4]
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))


def test_the_image_by_hand() -> None:
    """-1234.567 W exporting; registers 9 876 543 210 mWh in and 4 294 967 mWh out."""
    words = sunspec_tcp.image(12_345_678, Count(9_876_543_210, 4_294_967, -1_234_567))
    assert words[:4] == [0x5375, 0x6E53, 1, 66]
    assert len(words) == 2 + 68 + 107 + 2
    meter = words[70:]
    assert meter[:2] == [203, 105]
    assert meter[18] == 0x10000 - 1235  # W, nearest watt
    assert meter[22] == 0  # W_SF
    assert meter[16:18] == [6000, 0xFFFE]  # Hz 60.00, Hz_SF -2
    assert uint32(meter[38:40]) == 4294  # TotWhExp, floored
    assert uint32(meter[46:48]) == 9_876_543  # TotWhImp
    assert meter[54] == 0  # TotWh_SF
    assert meter[10] == 0x8000  # PhVphC: int16 not implemented
    assert meter[27] == 0x8000  # VA_SF: sunssf not implemented
    assert meter[40:46] == [0] * 6  # acc32 not implemented
