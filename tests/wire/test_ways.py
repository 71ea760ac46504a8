"""From a config's table to a reading, over every way that ends in a socket."""

import json

import pytest
from click.testing import CliRunner

from drivers import SystemTicker
from gateway.cli import main as cli
from gateway.config.types import Framing, MeterSection, RegisterOwner, Role
from gateway.reading.meters import by_line, open_meters
from tests.protocol.modbus_bytes import float_words, rtu_answer, tcp_answer
from tests.wire.slaves import TcpSlave

TABLE = dict.fromkeys(range(400), 0) | dict.fromkeys(range(0xFC00, 0xFC10), 7)
for place, kwh in ((0x48, 1.5), (0x4A, 2.25)):
    TABLE.update({place + n: word for n, word in enumerate(float_words(kwh))})


def section(**way: object) -> MeterSection:
    return MeterSection(
        name="grid",
        profile="eastron-sdm630",
        role=Role.GRID,
        register=RegisterOwner.OWN,
        service_amps=100,
        service_volts=240,
        baud_bd=115200,
        timeout_ms=500,
        **way,
    )


@pytest.mark.parametrize("kind", ["tcp", "rtu", "socket"])
def test_a_meter_is_read_as_its_table_says(tmp_path, kind: str) -> None:
    answer = tcp_answer if kind == "tcp" else rtu_answer
    with TcpSlave(lambda request: [(0, answer(request, TABLE))]) as slave:
        slave.request_bytes = 12 if kind == "tcp" else 8
        one = {
            "tcp": section(host=slave.host, tcp_port=slave.port),
            "rtu": section(host=slave.host, tcp_port=slave.port, framing=Framing.RTU),
            "socket": section(port=f"socket://{slave.host}:{slave.port}"),
        }[kind]
        meter = open_meters([one], tmp_path, SystemTicker())["grid"]
        snapshot = meter.read().snapshot
        meter.close()
    assert snapshot.energy_import is not None
    assert snapshot.energy_export is not None
    assert (snapshot.energy_import.milliwh, snapshot.energy_export.milliwh) == (1_500_000, 2_250_000)


def test_the_same_converter_by_two_names_is_one_line() -> None:
    two = [section(host="10.0.0.5", tcp_port=4001, framing=Framing.RTU), section(port="socket://10.0.0.5:4001")]
    assert list(by_line(two)) == ["10.0.0.5:4001"]


@pytest.mark.parametrize(
    ("port", "words"), [("telnet://x:1", "telnet:// is not known"), ("socket://127.0.0.1", "host and port are wanted")]
)
def test_read_tells_a_port_that_cannot_be_used_as_a_mistake_of_the_command_line(port: str, words: str) -> None:
    done = CliRunner().invoke(cli, ["read", "--profile", "sunspec", "--port", port])
    assert done.exit_code == 2
    assert words in done.output


@pytest.mark.parametrize("way", [["--host", "127.0.0.1", "--framing", "rtu", "--tcp-port"], ["--port"]])
def test_read_goes_over_a_converter(way: list[str]) -> None:
    with TcpSlave(lambda request: [(0, rtu_answer(request, TABLE))]) as slave:
        slave.request_bytes = 8
        last = f"socket://127.0.0.1:{slave.port}" if way == ["--port"] else str(slave.port)
        done = CliRunner().invoke(cli, ["read", "--profile", "eastron-sdm630", *way, last, "--json"])
    assert done.exit_code == 0, done.output
    (view,) = json.loads(done.output)
    assert (view["import_milliwh"], view["export_milliwh"]) == (1_500_000, 2_250_000)
