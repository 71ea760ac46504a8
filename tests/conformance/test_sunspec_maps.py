"""The maps of the SunSpec Alliance's own test suites, served by pymodbus and read by pysunspec2 and by us.

Other people's data, outside the project: NETMETER_CAPTURES names the folder, default ../shared/data/captures. XML maps
are laid out as they stand; of a JSON device pysunspec2 makes the registers, and the values in the file are expected.
"""

import json
import os
import struct
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from drivers import SystemTicker, load_profile
from drivers.modbus.link import Framing, ModbusLink
from drivers.modbus.sunspec import SunSpecMeter
from drivers.transport.tcp import TcpTransport
from tests.wire.pymodbus_server import PymodbusServer

CAPTURES = Path(os.environ.get("NETMETER_CAPTURES", Path(__file__).parents[3] / "shared" / "data" / "captures"))
MAPS = sorted((CAPTURES / "sunspec-pysunspec").glob("mbmap_test_inverter_*.xml"))
DEVICES = [
    path
    for path in sorted((CAPTURES / "sunspec-pysunspec2").glob("*.json"))
    if any(model["ID"] == 701 for model in json.loads(path.read_text())["models"])
]
FORMATS = {"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i"}
BASE = 40000

client = pytest.importorskip("sunspec2.modbus.client", reason="pysunspec2 is not installed")
file_client = pytest.importorskip("sunspec2.file.client", reason="pysunspec2 is not installed")


def of(paths: list[Path]) -> list[Any]:
    """The files that the folder holds; one skipped test that says so where there is none."""
    absent = pytest.mark.skip(reason=f"no such maps in {CAPTURES} (NETMETER_CAPTURES names the folder)")
    return [pytest.param(path, id=path.name) for path in paths] or [pytest.param(Path(), marks=absent)]


def words_of_map(path: Path) -> list[int]:
    octets = b""
    for register in ElementTree.parse(path).getroot().iter("regs"):
        text = register.text or ""
        if register.get("type") == "string":
            octets += text.encode("ascii").ljust(2 * int(register.get("len", "0")), b"\0")
        else:
            octets += struct.pack(FORMATS[register.get("type", "")], int(text, 0))
    return list(struct.unpack(f">{len(octets) // 2}H", octets))


def words_of_device(path: Path) -> list[int]:
    """As pysunspec2 encodes them, with the marker before and the end behind."""
    device = file_client.FileClientDevice(str(path))
    device.scan()
    models = [device.models[number][0].get_mb() for number in device.models if isinstance(number, int)]
    octets = b"SunS" + b"".join(models) + b"\xff\xff\0\0"
    return list(struct.unpack(f">{len(octets) // 2}H", octets))


@contextmanager
def both(words: list[int]) -> Iterator[tuple[Any, SunSpecMeter]]:
    """pysunspec2's device and our meter, of the same registers; it may be an inverter."""
    with PymodbusServer({BASE + n: word for n, word in enumerate(words)}) as server:
        theirs = client.SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=server.port)
        theirs.scan()
        ticker = SystemTicker()
        link = ModbusLink(TcpTransport("127.0.0.1", server.port, ticker), Framing.TCP, ticker, timeout_us=5_000_000)
        ours = SunSpecMeter(load_profile("sunspec"), link, 1, produces=True)
        yield theirs, ours
        ours.close()
        theirs.close()


def milli(value: float | None) -> int | None:
    return None if value is None else round(value * 1000)


@pytest.mark.parametrize("path", of(MAPS))
def test_an_inverters_map_is_read_as_the_other_program_reads_it(path: Path) -> None:
    with both(words_of_map(path)) as (theirs, ours):
        snapshot = ours.read().snapshot
        identity = ours.identify()
        model = theirs.models[103][0]
        numbers = [number for number in theirs.models if isinstance(number, int)]
        assert [place.model for place in ours.models] == [one for one in numbers for _ in theirs.models[one]]
    assert snapshot.energy_import is None
    assert snapshot.energy_export is not None
    assert snapshot.energy_export.milliwh == milli(model.WH.cvalue)
    assert snapshot.energy_export.milliwh > 0
    assert snapshot.power_milliw == -(milli(model.W.cvalue) or 0)
    assert snapshot.others["frequency"] == Decimal(str(model.Hz.cvalue))
    assert [str(snapshot.others[f"voltage_l{n}"]) for n in (1, 2, 3)] == ["240.1", "240.2", "240.3"]  # as it is written
    assert (identity.vendor, identity.serial) == ("SunSpecTest", "sn-123456789")


@pytest.mark.parametrize("path", of(DEVICES))
def test_a_device_of_model_701_is_read_as_its_file_says(path: Path) -> None:
    (said,) = [model for model in json.loads(path.read_text())["models"] if model["ID"] == 701]
    wh = 10 ** said["TotWh_SF"]
    with both(words_of_device(path)) as (theirs, ours):
        snapshot = ours.read().snapshot
        assert theirs.models[701][0].TotWhInj.cvalue == said["TotWhInj"] * wh
    assert snapshot.energy_export is not None
    assert snapshot.energy_import is not None
    assert snapshot.energy_export.milliwh == said["TotWhInj"] * wh * 1000
    assert snapshot.energy_import.milliwh == said["TotWhAbs"] * wh * 1000
    assert snapshot.energy_export.resolution_milliwh == wh * 1000
    assert snapshot.power_milliw == -said["W"] * 10 ** (3 + said["W_SF"])
    assert snapshot.others["frequency"] == Decimal(said["Hz"]).scaleb(said["Hz_SF"])
    assert snapshot.others["energy_export_l2"] == said["TotWhInjL2"] * wh
