"""Scan, check, run: a line of five makes at three speeds and a meter on the network, found, configured and read.

Judged by what the devices' own files hold (tests/wire/scan_devices.py), by the broker, and by the line's own log of
questions; never by the scan's word for itself.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.broker import BrokerKind, find_mosquitto
from hil.house import BASE_TOPIC, GATEWAY_ID
from hil.site import Site
from hil.watcher import Watcher
from tests.wire import scan_devices

from .rig import Reader, netmeter

pytestmark = pytest.mark.whole

KWH = 1_000_000
CHOSEN = {
    "id": GATEWAY_ID,
    "clock": "ntp",
    "mqtt_host": "127.0.0.1",
    "tariff": "pge-e-tou-c",
    "role": "grid",
    "register": "own",
    "service_amps": "100",
    "service_volts": "240",
}
# unit: (speed, maker's registers, import, export) as scan_devices.py has them
FIVE = {
    1: (9600, "sdm630", 1_234_500_000, 5_678_250_000),
    2: (9600, "abb_b23", 12_345_670_000, 89_010_000),
    3: (19200, "iem3155", 7_654_321_000, 1_000_000),
    4: (19200, "em24_e1", 4_321_500_000, 12_300_000),
    5: (2400, "sunspec_203", 100_000_000, 2_500_000),
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: `./tests/run --setup` as root installs it")
    made = Site(tmp_path, broker_kind=BrokerKind.MOSQUITTO)
    made.broker.start()
    try:
        yield made
    finally:
        made.stop()


def start_line(site: Site) -> tuple[Path, Path]:
    """The five, and a sixth that nobody is asked for at first; the port and the log of questions."""
    port, log = site.folder / "bus", site.folder / "questions"
    devices = []
    for unit, (baud_bd, name, *_energy) in FIVE.items():
        file = scan_devices.write(site.folder / name, getattr(scan_devices, name)())
        devices.append(f"--device={unit}:{baud_bd}:{file}")
    stranger = scan_devices.write(site.folder / "stranger", scan_devices.stranger())
    options = [f"--link={port}", f"--log={log}", *devices, f"--device=9:9600:{stranger}"]
    site.start_device("bus", "hil.meters.mixed_line", options)
    return port, log


def functions_asked(log: Path) -> set[int]:
    return {int(line.split()[2]) for line in log.read_text(encoding="ascii").splitlines()}


def test_a_scan_writes_a_config_that_check_accepts_and_run_uses(site: Site) -> None:
    port, log = start_line(site)
    _, address = site.start_device("solar", "hil.meters.sunspec_tcp", [*site.anchor.options(), "--seed=3"])
    tcp_port = int(address.rpartition(":")[2])
    chosen = {**CHOSEN, "mqtt_port": str(site.broker.port)}
    wish = ["--units=1-5", "--bauds=9600,19200,2400", "--parity=N", "--every-setting", "--listen-s=0.2"]
    to = [f"--port={port}", "--host=127.0.0.1", f"--tcp-port={tcp_port}", f"--write={site.config}", "--json"]
    done = netmeter(site, "scan", *wish, *to, *(f"--set={key}={value}" for key, value in chosen.items()))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["found"]

    on_line = {one["unit"]: one for one in found if one["port"]}
    assert {unit: (one["baud_bd"], one["import_milliwh"], one["export_milliwh"]) for unit, one in on_line.items()} == {
        unit: (baud_bd, import_milliwh, export_milliwh)
        for unit, (baud_bd, _name, import_milliwh, export_milliwh) in FIVE.items()
    }
    assert {unit: one["profile"] for unit, one in on_line.items()} == {
        1: "eastron-sdm630",
        2: "abb-b2x",
        3: "schneider-iem3155",
        4: "carlo-gavazzi-em24-e1",
        5: "sunspec",
    }
    assert {unit for unit, one in on_line.items() if one["is_coarse"]} == {4}  # 0.1 kWh a count
    assert [(one["host"], one["profile"]) for one in found if one["host"]] == [("127.0.0.1", "sunspec")]
    assert functions_asked(log) == {3, 4}

    checked = netmeter(site, "check", str(site.config))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # A line has one speed: two meters at 9600 are read, the others stand as comments, and the one on the network.
    watcher = Watcher(site.broker.host, site.broker.port, BASE_TOPIC)
    reader = Reader(watcher)
    try:
        site.start_daemon()
        names = ("eastron-sdm630-1", "abb-b2x-2", "sunspec-1")
        reader.until(lambda r: all(r.of("state", name) for name in names), "a state of each meter found")
    finally:
        watcher.close()
    shown = {
        name: reader.of("state", name)[-1].content["import_register_milliwh"]
        for name in ("eastron-sdm630-1", "abb-b2x-2")
    }
    assert shown == {"eastron-sdm630-1": FIVE[1][2], "abb-b2x-2": FIVE[2][2]}

    before = len(log.read_text(encoding="ascii").splitlines())
    through = netmeter(
        site, "scan", f"--port={port}", "--units=1,2,8,9", "--json", "--config", str(site.config), patience_s=180
    )
    assert through.returncode == 0, through.stderr
    told = json.loads(through.stdout)
    assert len(told["known"]) == 2
    (stranger,) = told["found"]
    assert (stranger["unit"], stranger["profile"], stranger["baud_bd"]) == (9, None, 9600)
    assert {"function": 3, "address": 0, "words": [0x4845, 0x4154, 0x5055, 0x4D50]} in stranger["raw"]  # "HEATPUMP"
    asked = [line.split() for line in log.read_text(encoding="ascii").splitlines()[before:]]
    assert {words[0] for words in asked} == {"9600"}  # the gateway's own setting was never left
    assert {int(words[1]) for words in asked} >= {1, 2, 8, 9}  # its own meters were read meanwhile
    again = netmeter(
        site,
        "scan",
        "--host=127.0.0.1",
        f"--tcp-port={tcp_port}",
        "--json",
        "--config",
        str(site.config),
        patience_s=90,
    )
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert told["found"] == []  # it answers to every number, and is known
    assert len(told["known"]) == 1
    assert "nobody else behind it" in told["notes"][0]
    status = json.loads(netmeter(site, "status", "--json", "--config", str(site.config)).stdout)
    by_name = {meter["name"]: meter for meter in status["meters"]}
    for name in names:
        assert by_name[name]["online"], by_name[name]
        assert by_name[name]["error"] == ""
