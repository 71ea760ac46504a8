"""A meter of our own behind pymodbus's server, and the gateway.toml that reads it. Words and counts by hand."""

from pathlib import Path

from drivers import RegisterSnapshot, Sample, SystemTicker
from gateway.config.load import load_config
from gateway.reading.meters import open_one
from tests.protocol.sunspec_maps import place
from tests.wire.pymodbus_server import PymodbusServer

PROFILE = """
vendor = "Test"
title = "counts phases"
family = "modbus"
function = 3
word_order = "big"
accumulation = "vectorial"
update_lag_ms = 500
update_lag_source = "test"
"""
REGISTER = """
[[registers]]
name = "{name}"
address = {address}
type = "{type}"
unit = "{unit}"
{more}
source = "test"
confirmed = true
"""
VECTOR = """
[[vectors]]
title = "one"
source = "synthetic"
[[vectors.blocks]]
address = 0x10
words = [0, 1]
[vectors.expected]
energy_import_milliwh = 10_000
"""
SINGLES = [
    ("energy_import", 0x10, "uint32", "Wh", "scale = 10\nrollover = 1_000_000_000"),
    ("energy_export", 0x12, "uint32", "Wh", "scale = 10\nrollover = 1_000_000_000"),
    ("power", 0x14, "int32", "W", ""),
    ("voltage_l1", 0x16, "uint16", "V", "scale = 0.1"),
]
PHASES = [
    (f"energy_{direction}_l{n}", first + 2 * n, "uint32", "Wh", "scale = 10")
    for direction, first in (("import", 0x20), ("export", 0x28))
    for n in (1, 2, 3)
]
# Counts of 10 Wh: 100 and 50 net; on the phases 70 + 40 + 0 imported and 0 + 0 + 60 exported.
TABLE = dict.fromkeys(range(0x60), 0)
place(TABLE, 0x10, [0, 100, 0, 50, 0xFFFF, 0xFC18, 2305])  # power -1000 W, 230.5 V
for _n, (_imported, _exported) in enumerate(((70, 0), (40, 0), (0, 60)), 1):
    place(TABLE, 0x20 + 2 * _n, [0, _imported])
    place(TABLE, 0x28 + 2 * _n, [0, _exported])

CONFIG = """
[gateway]
id = "home"
clock = "operator"
[mqtt]
host = "localhost"
[accounting]
tariff = "pge-e-tou-c"
[[meter]]
name = "grid"
profile = "{profile}"
role = "{role}"
register = "own"
service_amps = 100
service_volts = 240
host = "127.0.0.1"
tcp_port = {port}
timeout_ms = 2000
{options}
"""


def write_profile(folder: Path, registers: list[tuple[str, int, str, str, str]]) -> None:
    told = [
        REGISTER.format(name=name, address=address, type=kind, unit=unit, more=more)
        for name, address, kind, unit, more in registers
    ]
    (folder / "mine.toml").write_text(PROFILE + "".join(told) + VECTOR)


def config_file(folder: Path, port: int, options: str = "", profile: str = "mine.toml", role: str = "grid") -> Path:
    path = folder / "gateway.toml"
    path.write_text(CONFIG.format(profile=profile, role=role, port=port, options=options))
    return path


def sample(folder: Path, server: PymodbusServer, options: str = "", **config: str) -> Sample:
    """One reading of the meter that the config means."""
    loaded = load_config(config_file(folder, server.port, options, **config))
    meter = open_one(loaded, "grid", folder, SystemTicker())
    try:
        return meter.read()
    finally:
        meter.close()


def energies(snapshot: RegisterSnapshot) -> tuple[int | None, int | None]:
    both = (snapshot.energy_import, snapshot.energy_export)
    found = [None if one is None else one.milliwh for one in both]
    return found[0], found[1]
