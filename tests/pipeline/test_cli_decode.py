"""`netmeter decode`, as a process: what it prints, its exit codes, and that damage is told and is no traceback."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.iec_telegrams import BLOCK_TEXT, NAME, TELEGRAMS, framed, noise

ROOT = Path(__file__).parents[2]
READOUT = NAME + framed(BLOCK_TEXT)


def decode(*words: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "gateway.cli", "decode", *words]
    return subprocess.run(command, cwd=ROOT, input=given, capture_output=True, check=False, timeout=120)


def objects(stream: bytes, code: int = 0, protocol: str = "iec62056-21") -> list[dict[str, Any]]:
    done = decode("--protocol", protocol, "--json", "-", given=stream)
    assert done.returncode == code, done.stderr
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("protocol", ["iec62056-21", "auto"])
def test_a_telegram_is_one_json_object(protocol: str) -> None:
    (one,) = objects(READOUT, protocol=protocol)
    assert one["valid"] is True
    assert one["error"] is None
    assert (one["offset"], one["length"]) == (0, len(READOUT))
    assert (one["protocol"], one["check"]) == ("iec62056-21", "bcc")
    assert (one["import_milliwh"], one["export_milliwh"]) == (1_234_567_000, 89_010_000)
    assert one["meter_fault"] is None
    by_code = {each["obis"]: each for each in one["objects"]}
    assert by_code["16.7.0"] == {
        "obis": "16.7.0",
        "value": "000.35",
        "unit": "kW",
        "raw": 35,
        "scaler": -2,
        "text": " 000.35*kW",
        "more": [],
        "offset": READOUT.index(b"16.7.0"),
    }
    assert by_code["0.0.0"]["raw"] is None


def test_all_telegrams_of_a_recording_are_told_with_their_places() -> None:
    found = objects(b"".join(TELEGRAMS.values()))
    assert [one["valid"] for one in found] == [True] * len(TELEGRAMS)
    ends = [one["offset"] + one["length"] for one in found]
    assert [0, *ends[:-1]] == [one["offset"] for one in found]


def test_a_former_period_has_the_unit_of_now() -> None:
    text = b"1.6.0(10.102*kW)(2104070015)\r\n1.6.0*01(06.130)(2101281415)\r\n!\r\n"
    (one,) = objects(NAME + framed(text))
    assert [(each["value"], each["unit"], each["more"]) for each in one["objects"]] == [
        ("10.102", "kW", ["2104070015"]),
        ("06.130", "kW", ["2101281415"]),
    ]


def test_energy_without_a_unit_is_not_told_and_why_is() -> None:
    (one,) = objects(NAME + framed(b"1.8.0(000001.2963)\r\n!\r\n"))
    assert one["valid"] is True
    assert one["import_milliwh"] is None
    assert one["note"] == "1.8.0(000001.2963) has no unit of energy"


def test_a_long_number_keeps_every_digit_and_a_longer_one_is_text() -> None:
    """The number of a gas meter on a P1 port, as its 17 letters in hexadecimal: 34 digits by chance."""
    serial = "3232323241424344313233343536373839"
    text = f"0-1:96.1.0({serial})\r\n0.0.1({'9' * 5000})\r\n1.8.0({'7' * 60000}*kWh)\r\n!\r\n"
    (one,) = objects(NAME + framed(text.encode("ascii")))
    assert one["valid"] is True
    assert one["import_milliwh"] is None
    assert [(each["raw"], each["scaler"]) for each in one["objects"]] == [(int(serial), 0), (None, None), (None, None)]
    assert one["objects"][1]["value"] == "9" * 5000


def test_an_identifier_may_have_any_character_where_a_check_vouches_for_it() -> None:
    text = b"1.8.0(000001.0*kWh)\r\nL_1#x;=(5)\r\n0.2.0(V1\t0)\r\n!\r\n"
    (one,) = objects(NAME + framed(text))
    assert one["valid"] is True
    assert [each["obis"] for each in one["objects"]] == ["1.8.0", "L_1#x;=", "0.2.0"]
    assert one["import_milliwh"] == 1_000_000
    (pushed,) = objects(NAME + text, code=4)  # nothing vouches for it: rather a turned bit
    assert pushed["valid"] is False
    assert pushed["error_offset"] == len(NAME) + text.index(b"L_1")


def test_nothing_is_told_with_the_keys_of_a_telegram() -> None:
    (telegram,) = objects(READOUT)
    (nothing,) = objects(b"", code=4)
    assert nothing.keys() == telegram.keys()
    assert (nothing["valid"], nothing["error_offset"], nothing["objects"]) == (False, 0, [])


def test_a_meters_own_fault_is_told() -> None:
    (one,) = objects(NAME + framed(BLOCK_TEXT.replace(b"F.F(00)", b"F.F(00000100)")))
    assert one["meter_fault"] == "00000100"


def test_a_turned_bit_is_told_with_its_byte() -> None:
    (one,) = objects(READOUT.replace(b"001234", b"001235"), code=4)
    assert one["valid"] is False
    assert one["error"].startswith(f"byte {len(READOUT) - 1}: BCC is 0x")
    assert one["error_offset"] == len(READOUT) - 1
    assert (one["import_milliwh"], one["export_milliwh"]) == (None, None)
    assert len(one["objects"]) == 5


@pytest.mark.parametrize("cut", [0, 3, 40, len(READOUT) - 1])
def test_a_cut_is_an_error_and_exit_code_4(cut: int) -> None:
    (one,) = objects(READOUT[:cut], code=4)
    assert one["valid"] is False
    assert one["error"].startswith("byte ")


def test_noise_is_no_telegram() -> None:
    found = objects(noise(512, 1), code=4)
    assert not any(one["valid"] for one in found)
    assert found


def test_the_good_one_after_noise_is_enough() -> None:
    assert [one["valid"] for one in objects(noise(512, 1) + READOUT)][-1] is True


def test_people_are_told_the_same(tmp_path: Path) -> None:
    path = tmp_path / "readout.txt"
    path.write_bytes(READOUT)
    done = decode(str(path))
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "valid (bcc agrees)" in text
    assert "1,234.567000 kWh" in text or "1234.567000 kWh" in text
    assert "16.7.0" in text


def test_what_a_terminal_obeys_is_not_printed() -> None:
    done = decode("-", given=b"/EMH5\x02\x01evil\r\n1.8.0(1*kWh\x7f)\r\n!\r\n")
    assert b"\x02" not in done.stdout
    assert b"\x7f" not in done.stdout
    assert b"\\x7f" in done.stdout


@pytest.mark.parametrize(("words", "code"), [(["/nowhere/x"], 1), (["."], 1), ([], 2), (["--protocol", "x", "-"], 2)])
def test_a_mistake_is_a_message(words: list[str], code: int) -> None:
    done = decode(*words)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert done.stderr


def test_nothing_at_all_is_told_to_people_too() -> None:
    done = decode("-")
    assert done.returncode == 4
    assert b"no telegram in 0 bytes" in done.stdout


def test_a_wire_recording_is_told_from_what_a_meter_sent() -> None:
    done = decode(str(Path(__file__).parents[1] / "wire" / "recordings" / "sdm630.wire"))
    assert done.returncode == 4
    assert b"a wire recording of `netmeter read --record`" in done.stdout
    assert b"docs/wire-recordings.md" in done.stdout


def test_help_has_an_example_and_the_exit_codes() -> None:
    done = decode("--help")
    assert done.returncode == 0
    assert b"Example:" in done.stdout
    assert b"Exit codes:" in done.stdout


def test_output_to_a_full_disk_is_a_message(tmp_path: Path) -> None:
    path = tmp_path / "readout.txt"
    path.write_bytes(READOUT)
    with Path("/dev/full").open("wb") as sink:
        done = subprocess.run(
            [sys.executable, "-m", "gateway.cli", "decode", str(path)],
            cwd=ROOT,
            stdout=sink,
            stderr=subprocess.PIPE,
            check=False,
            timeout=120,
        )
    assert done.returncode == 1
    assert b"could not be written" in done.stderr
    assert b"Traceback" not in done.stderr
