"""`netmeter read --raw --record` while the daemon holds the port: its line records, and the file reads as it did."""

import json
import struct
from pathlib import Path

import pytest

from drivers.modbus.replay import open_recorded
from drivers.recording import parse_recording
from drivers.want import Want
from hil.house import House

from .rig import Reader, netmeter, start_all_but_broker

pytestmark = pytest.mark.whole


def both_are_read(reader: Reader) -> bool:
    return all(reader.of("state", meter) for meter in ("grid", "array"))


def words_at(view: dict[str, object], name: str) -> list[int]:
    wire = view["wire"]
    assert isinstance(wire, dict)
    (row,) = [row for row in wire["registers"] if row["name"] == name]
    words = row["words"]
    assert isinstance(words, list)
    return words


def test_a_wire_is_recorded_through_the_daemon(house: House, reader: Reader, tmp_path: Path) -> None:
    start_all_but_broker(house)
    reader.until(both_are_read, "a state of each meter")
    files = {meter: tmp_path / f"{meter}.wire" for meter in ("grid", "array")}
    shown = {}
    for meter, path in files.items():
        done = netmeter(house, "read", meter, "--raw", "--json", "--record", str(path), "--config", str(house.config))
        assert done.returncode == 0, done.stderr
        (shown[meter],) = json.loads(done.stdout)
    again = netmeter(house, "read", "grid", "--record", str(files["grid"]), "--config", str(house.config))
    house.stop_child("gateway")

    assert {view["through"] for view in shown.values()} == {"the running gateway"}
    # The grid meter is a SunSpec 203 with Wh and a scale factor of 0; the array's an SDM630 with binary32 kWh.
    high, low = words_at(shown["grid"], "energy_import")
    assert shown["grid"]["import_milliwh"] == (high << 16 | low) * 1000
    kwh = struct.unpack(">f", struct.pack(">2H", *words_at(shown["array"], "energy_export")))[0]
    assert shown["array"]["export_milliwh"] == int(kwh * 1_000_000)
    assert shown["array"]["units"]["voltage_l1"] == "V"
    for meter, path in files.items():
        recording = parse_recording(path.read_text(encoding="utf-8"), str(path))
        assert recording.head["meter"] == meter
        played = open_recorded(recording)
        assert played.identify().serial == shown[meter]["identity"]["serial"]
        energy = played.read(want=Want.ALL).snapshot.energy_import
        assert energy is not None
        assert energy.milliwh == shown[meter]["import_milliwh"]
    assert again.returncode == 1
    assert "exists" in again.stderr
