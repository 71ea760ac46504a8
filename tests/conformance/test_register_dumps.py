"""Register dumps of real meters, served over a socket and read as a meter; pysunspec2's values are the yardstick.

The dumps ("[address]: 0xHHHH" lines) and EXPECTED_sunspec.json are other people's data and lie outside the project:
NETMETER_CAPTURES names the folder, default ../shared/data/captures.
"""

import json
import os
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from drivers import ConfigurationError, EnergyRegister, MeterIdentity, RegisterSnapshot, SystemTicker, load_profile
from drivers.modbus.link import Framing, ModbusLink
from drivers.modbus.sunspec import SunSpecMeter
from drivers.transport.tcp import TcpTransport

ROOT = Path(__file__).parents[2]
CAPTURES = Path(os.environ.get("NETMETER_CAPTURES", ROOT.parent / "shared/data/captures"))
EXPECTED_FILE = CAPTURES / "EXPECTED_sunspec.json"
LINE = re.compile(r"\[(\d+)\]:\s*0x([0-9A-Fa-f]{1,4})\s*")
NAMES: dict[str, tuple[str | None, str]] = {
    "701": ("TotWhAbs", "TotWhInj"),
    **dict.fromkeys(("101", "102", "103", "111", "112", "113"), (None, "WH")),
}
"""What the models call import and export; the others say TotWhImp and TotWhExp."""
METERS = ("201", "202", "203", "204", "211", "212", "213", "214", "701")
INVERTERS = ("101", "102", "103", "111", "112", "113")

pytestmark = pytest.mark.skipif(
    not EXPECTED_FILE.is_file(), reason=f"no recorded register dumps in {CAPTURES} (NETMETER_CAPTURES names the folder)"
)
EXPECTED: dict[str, Any] = json.loads(EXPECTED_FILE.read_text("utf-8")) if EXPECTED_FILE.is_file() else {}


def decoded(name: str) -> dict[str, Any]:
    """What the second reader has read of a dump, by model."""
    (found,) = (content for key, content in EXPECTED[name].items() if key.startswith("decoded_by_"))
    assert isinstance(found, dict)
    return found


READINGS = [(name, model) for name in EXPECTED for model in decoded(name) if model in METERS + INVERTERS]


def registers_of(name: str) -> dict[int, int]:
    """A dump's registers. What an expectation names and the folder does not hold is told, and no failure."""
    path = CAPTURES / name
    if not path.is_file():
        pytest.skip(f"there is an expectation for {name}, and no such file in {CAPTURES} (NETMETER_CAPTURES)")
    lines = path.read_text("utf-8").splitlines()
    found = [match for line in lines if (match := LINE.match(line))]
    return {int(match[1]): int(match[2], 16) for match in found}


def _take(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := connection.recv(count - len(data))):
        data += more
    return data


def _serve(listener: socket.socket, table: dict[int, int]) -> None:
    """One connection: registers for a read that lies wholly in the dump, else exception 2."""
    connection, _ = listener.accept()
    with connection:
        while len(header := _take(connection, 12)) == 12:
            number, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", header)
            words = [table.get(address + n) for n in range(count)]
            if None in words:
                pdu = bytes([function | 0x80, 2])
            else:
                pdu = struct.pack(f">BB{count}H", function, 2 * count, *words)
            connection.sendall(struct.pack(">HHHB", number, 0, len(pdu) + 1, unit) + pdu)


@contextmanager
def served(name: str, model: int | None = None, *, produces: bool = False) -> Iterator[SunSpecMeter]:
    """A meter that reads the dump `name` over a real socket."""
    table = registers_of(name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        thread = threading.Thread(target=_serve, args=(listener, table), daemon=True)
        thread.start()
        ticker = SystemTicker()
        transport = TcpTransport("127.0.0.1", listener.getsockname()[1], ticker)
        link = ModbusLink(transport, Framing.TCP, ticker, timeout_us=5_000_000)
        meter = SunSpecMeter(load_profile("sunspec"), link, 1, model=model, produces=produces)
        try:
            yield meter
        finally:
            meter.close()
            thread.join(timeout=10)


def stripped(text: str) -> str | None:
    return text.strip() or None


@pytest.mark.parametrize("name", EXPECTED)
def test_the_identity_is_what_the_device_says(name: str) -> None:
    vendor, model, serial, firmware = decoded(name)["id"]
    with served(name) as meter:
        identity = meter.identify()
        chain = [place.model for place in meter.models]
    assert identity == MeterIdentity(stripped(vendor), stripped(model), stripped(serial), stripped(firmware))
    assert chain == EXPECTED[name]["models"]


@pytest.mark.parametrize(("name", "model"), READINGS)
def test_a_reading_is_what_the_other_program_reads(name: str, model: str) -> None:
    want = decoded(name)[model]
    with served(name, int(model), produces=model in INVERTERS) as meter:
        snapshot = meter.read().snapshot
    # An inverter's models and 701 count generation as positive, we count import.
    generation = -1 if model == "701" or model in INVERTERS else 1
    assert snapshot.power_milliw == (None if want["W"] is None else generation * round(1000 * want["W"]))
    for theirs, ours in (("Hz", "frequency"), ("PhV", "voltage_ln"), ("A", "current")):
        if theirs in want and (model in METERS or theirs != "PhV"):
            assert snapshot.others.get(ours) == (None if want[theirs] is None else Decimal(str(want[theirs]))), theirs
    imported, exported = NAMES.get(model, ("TotWhImp", "TotWhExp"))
    assert proven_milliwh(snapshot.energy_import) == in_milliwh(want[imported] if imported else None)
    assert proven_milliwh(snapshot.energy_export) == in_milliwh(want[exported])


def proven_milliwh(register: EnergyRegister | None) -> int | None:
    """What a reader of the snapshot shows: an unproven zero is shown as nothing."""
    return None if register is None or register.unproven else register.milliwh


def in_milliwh(wh: float | None) -> int | None:
    return None if wh is None else round(wh * 1000)


def test_every_expectation_is_held_against_a_reading() -> None:
    """No model of an expectation is left out by this file; whether its dump is here is told by the test itself."""
    assert {(name, model) for name in EXPECTED for model in decoded(name)} - set(READINGS) == {
        (name, "id") for name in EXPECTED
    }
    assert READINGS


def test_a_recorded_inverter_is_no_grid_meter() -> None:
    with (
        served("modbus-solarnetwork/inverter_test-data-103-01.txt") as meter,
        pytest.raises(ConfigurationError, match='role = "production"'),
    ):
        meter.read()


def snapshot_of(name: str) -> RegisterSnapshot:
    with served(name) as meter:
        return meter.read().snapshot


def test_the_203_has_imported_906630_wh_and_does_not_show_export() -> None:
    snapshot = snapshot_of("modbus-solarnetwork/meter_test-data-203-01.txt")
    # 90663 counts of 10 Wh
    # acc32 counts to 32 bits (SunSpec); with TotWh_SF = 1 a count is 10 Wh
    assert snapshot.energy_import == EnergyRegister(906_630_000, 10_000, modulus_milliwh=2**32 * 10_000)
    assert snapshot.energy_export is not None
    assert snapshot.energy_export.unproven


def test_of_the_hybrid_inverter_the_meter_without_counts_is_told_and_not_replaced() -> None:
    # its 202 is all "not implemented"; its 701 has two true zeros, and is read by a word of the user or as production
    name = "modbus-solarnetwork/der_test-data-der-01.txt"
    with served(name) as meter:
        sample = meter.read()
    assert (sample.snapshot.energy_import, sample.snapshot.energy_export) == (None, None)
    assert "the chain also has 701" in sample.notes[0]
    for options in ({"model": 701}, {"produces": True}):
        with served(name, **options) as meter:
            snapshot = meter.read().snapshot
        assert (snapshot.energy_import, snapshot.energy_export) == (EnergyRegister(0, 1000), EnergyRegister(0, 1000))
