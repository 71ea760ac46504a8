"""A recorded dump is served word for word: checked with pymodbus's client."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from hil.meters.dump_tcp import DumpError, blocks_of, parse_dump

CAPTURES = Path(os.environ.get("NETMETER_CAPTURES", Path(__file__).resolve().parents[2] / "../shared/data/captures"))
DUMPS = CAPTURES / "modbus-solarnetwork"
CRAFTED = """\
# a meter of nobody's
[100]: 0x0001
[101]: 0xBEEF  # with a remark
[102]:\t0xcafe [103]: 0x0003

# another block
[200]: 0x00C8
"""


def test_lines_remarks_and_several_words_a_line() -> None:
    words = parse_dump(CRAFTED)
    assert words == {100: 1, 101: 0xBEEF, 102: 0xCAFE, 103: 3, 200: 200}
    assert blocks_of(words) == {100: [1, 0xBEEF, 0xCAFE, 3], 200: [200]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no line"),
        ("# nothing but words", "no line"),
        ("[1]: 0x0001\nrubbish", "line 2: expected .* got 'rubbish'"),
        ("[1]: 0x12345", "line 1: expected"),
        ("[65536]: 0x0001", "line 1: address 65536"),
        ("[7]: 0x0001\n[7]: 0x0002", "line 2: address 7 came before with 0x0001"),
    ],
)
def test_a_file_that_is_no_dump_is_told(text: str, message: str) -> None:
    with pytest.raises(DumpError, match=message):
        parse_dump(text)


def connect(address: str) -> ModbusTcpClient:
    host, _, port = address.rpartition(":")
    client = ModbusTcpClient(host, port=int(port), retries=0)
    assert client.connect()
    return client


def test_the_server_holds_the_file_and_nothing_else(
    start_child: Callable[..., tuple[object, str]], tmp_path: Path
) -> None:
    dump = tmp_path / "dump.txt"
    dump.write_text(CRAFTED)
    client = connect(start_child("hil.meters.dump_tcp", [f"--dump={dump}"])[1])
    assert client.read_holding_registers(100, count=4).registers == [1, 0xBEEF, 0xCAFE, 3]
    assert client.read_input_registers(101, count=2, device_id=17).registers == [0xBEEF, 0xCAFE]
    assert client.read_holding_registers(200, count=1).registers == [200]
    for address, count in ((99, 1), (103, 2), (104, 1), (150, 1), (199, 2), (201, 1)):
        assert client.read_holding_registers(address, count=count).exception_code == 2
    assert client.write_register(100, 5).isError()
    assert client.read_holding_registers(100, count=1).registers == [1]
    client.close()


@pytest.mark.skipif(not DUMPS.is_dir(), reason=f"no recordings at {DUMPS} (set NETMETER_CAPTURES)")
@pytest.mark.parametrize("name", sorted(path.name for path in DUMPS.glob("*.txt")) or ["none"])
def test_recorded_meters_are_served_word_for_word(start_child: Callable[..., tuple[object, str]], name: str) -> None:
    # Read the file in another way than the server does: line by line, first number and first hexadecimal.
    words: dict[int, int] = {}
    for line in (DUMPS / name).read_text().splitlines():
        if line.startswith("["):
            words[int(line[1 : line.index("]")])] = int(re.findall("0x[0-9A-Fa-f]{4}", line)[0], 16)
    assert len(words) > 5
    client = connect(start_child("hil.meters.dump_tcp", [f"--dump={DUMPS / name}"])[1])
    for address, word in words.items():
        assert client.read_holding_registers(address, count=1).registers == [word]
    assert client.read_holding_registers(max(words) + 1, count=1).exception_code == 2
    client.close()
