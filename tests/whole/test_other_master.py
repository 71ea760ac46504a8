"""A second master on the serial line: the real daemon tells it once, and books on."""

import pytest

from hil.house import House
from tests.protocol.modbus_bytes import float_words, rtu, rtu_answer
from tests.wire.slaves import PtySlave

from .rig import Reader

pytestmark = pytest.mark.whole

TABLE = dict.fromkeys(range(400), 0) | dict.fromkeys(range(0xFC00, 0xFC10), 7)
for place in (0x48, 0x4A):
    TABLE.update({place + n: word for n, word in enumerate(float_words(1234.5))})
FOREIGN = rtu(9, b"\x04\x00\x00\x00\x02")


def test_another_masters_requests_are_told_once_while_readings_go_on(house: House, reader: Reader) -> None:
    with PtySlave(lambda request: [(0.01, rtu_answer(request, TABLE)), (0.05, FOREIGN)]) as line:
        grid_port = int(house.start_grid_meter().rpartition(":")[2])
        text = house._config_text(grid_port).replace(str(house.production_link), line.port)
        assert line.port in text
        house.config.write_text(text, encoding="utf-8")
        house.start_daemon()
        reader.until(lambda r: len(events(r)) > 0 and len(r.of("state", "array")) >= 5, "event and readings of array")
        reader.rest()
        house.stop_child("gateway")
    (event,) = events(reader)
    assert event["requests"] >= 1
    assert not [r for r in reader.of("event", "grid") if r.content["event"] == "other_master"]
    assert {r.content["import_register_milliwh"] for r in reader.of("state", "array")} == {1_234_500_000}


def events(reader: Reader) -> list[dict[str, object]]:
    return [r.content for r in reader.of("event", "array") if r.content["event"] == "other_master"]
