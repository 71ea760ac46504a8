"""Other people's recordings of optical ports and P1 ports, whatever the folder of NETMETER_CAPTURES holds.

Layout: one folder a source (`iec-*`, `p1-*`), beside them EXPECTED_*.json, which maps `folder/file` to identification,
BCC or CRC16 (published and computed) and the import and export data sets as text. What is absent is no failure.
"""

import json
import os
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from drivers.iec62056.actions import Done
from drivers.iec62056.plan import Plan
from drivers.iec62056.readout import BAUD_OF_DIGIT, Check, Telegram
from drivers.iec62056.scanner import Scanner
from tests.protocol.iec_meter import SILENCE, play
from tests.protocol.iec_telegrams import bytewise, chunked, fed, flips, noise

CAPTURES = Path(os.environ.get("NETMETER_CAPTURES", Path(__file__).parents[3] / "shared" / "data" / "captures"))
RECORDINGS = [path for folder in ("iec-*", "p1-*") for path in sorted(CAPTURES.glob(f"{folder}/*")) if path.is_file()]
WHOLE_LIMIT = 4096
"""Of a longer recording the first, the last and 20 telegrams by seed are mangled."""
MORE = int(os.environ.get("NETMETER_HYPOTHESIS", "1"))
"""A run takes so many times these places of each telegram; NETMETER_HYPOTHESIS=500 takes all of them."""
CUTS, FLIPS = 60, 250


def expectations() -> dict[str, dict[str, Any]]:
    """What the EXPECTED files of this layout say of recordings that are here."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(CAPTURES.glob("EXPECTED_*.json")):
        table = json.loads(path.read_text(encoding="utf-8"))
        found |= {name: one for name, one in table.items() if isinstance(one, dict) and "import_export" in one}
    here = {_name(path) for path in RECORDINGS}
    return {name: one for name, one in found.items() if name in here}


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _none(what: str) -> list[Any]:
    return [pytest.param(None, marks=pytest.mark.skip(reason=f"no {what} in {CAPTURES} (NETMETER_CAPTURES names it)"))]


EXPECTED = expectations()
each_recording = pytest.mark.parametrize(
    "path", RECORDINGS or _none("recording iec-* or p1-*"), ids=lambda path: "absent" if path is None else _name(path)
)
each_expected = pytest.mark.parametrize("name", list(EXPECTED) or _none("EXPECTED file of IEC recordings"))


def scanner() -> Scanner:
    return Scanner(looks_behind=True)


def read(stream: bytes) -> list[Telegram]:
    return fed(scanner, [stream])


def said(telegram: Telegram) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.identifier, tuple(value.text for value in one.values)) for one in telegram.data_sets]


def valid(found: list[Telegram]) -> list[Telegram]:
    return [telegram for telegram in found if telegram.valid]


@each_expected
def test_identification_and_values_are_as_the_second_reader_has_them(name: str) -> None:
    expected = EXPECTED[name]
    found = read((CAPTURES / name).read_bytes())
    if expected.get("identification") is not None:
        assert expected["identification"] in [one.identification.text for one in found if one.identification]
    texts = {(one.identifier, one.value.text) for telegram in found for one in telegram.data_sets}
    assert {(code, text) for code, text in expected["import_export"].items()} <= texts
    assert len({identifier for identifier, _ in texts}) >= expected.get("n_objects", 0)


@each_expected
def test_numbers_and_units_are_what_the_text_says(name: str) -> None:
    """The second reader's text, taken apart here by its `*` alone."""
    sets = {
        (one.identifier, one.value.text): one.value
        for telegram in read((CAPTURES / name).read_bytes())
        for one in telegram.data_sets
    }
    for code, text in EXPECTED[name]["import_export"].items():
        number, _, unit = text.partition("*") if "*" in text else text.strip().partition(" ")
        value = sets[code, text]
        assert value.number == Decimal(number.strip())
        assert value.unit == (unit or None)


@each_expected
def test_the_check_is_judged_as_published(name: str) -> None:
    expected = EXPECTED[name]
    stream = (CAPTURES / name).read_bytes()
    found = read(stream)
    if expected.get("bcc") is not None and expected["bcc"]["ok"]:
        one = next(telegram for telegram in valid(found) if telegram.check is Check.BCC)
        assert stream[one.offset + one.length - 1] == expected["bcc"]["published"]
    elif expected.get("bcc") is not None:
        assert any(telegram.check is Check.BCC and telegram.faults for telegram in found)
        assert not any(telegram.check is Check.BCC for telegram in valid(found))
    elif expected.get("p1_crc16") is not None:
        agrees = int(expected["p1_crc16"]["published"], 16) == int(expected["p1_crc16"]["computed"], 16)
        assert found[-1].check is Check.CRC16
        assert found[-1].valid is agrees


def places(count: int, at_least: int) -> list[int]:
    """All of `count` places, or so many of them by seed."""
    wanted = at_least * MORE
    return list(range(count)) if wanted >= count else sorted(random.Random(count).sample(range(count), wanted))


@each_recording
def test_chunks_doubling_and_noise_change_nothing(path: Path) -> None:
    stream = path.read_bytes()
    whole = read(stream)
    assert fed(scanner, bytewise(stream)) == whole
    assert fed(scanner, chunked(stream, 1)) == whole
    good = [said(telegram) for telegram in valid(whole)]
    if not good:
        return
    assert [said(telegram) for telegram in valid(read(stream + stream))] == good + good
    assert [said(telegram) for telegram in valid(read(noise(512, 7) + stream))] == good


def samples(stream: bytes) -> list[bytes]:
    """The telegrams of a recording; of a long one the first, the last and 20 by seed."""
    each = [stream[one.offset : one.offset + one.length] for one in valid(read(stream))]
    if len(stream) <= WHOLE_LIMIT or len(each) <= 22:
        return each
    return [each[0], each[-1], *random.Random(1).sample(each[1:-1], 20)]


@each_recording
def test_a_cut_telegram_is_not_valid_and_the_next_is_found(path: Path) -> None:
    for stream in samples(path.read_bytes()):
        (good,) = read(stream)
        for cut in places(len(stream), CUTS):
            assert all(said(one) == said(good) for one in valid(read(stream[:cut]))), cut
            assert said(good) in [said(one) for one in valid(read(stream[:cut] + stream))], cut


@each_recording
def test_no_turned_bit_is_an_exception_or_a_wrong_value(path: Path) -> None:
    """Of a telegram that a check vouches for: every value that is valid is one that was sent."""
    for stream in samples(path.read_bytes()):
        (good,) = read(stream)
        chosen = set(places(8 * len(stream), FLIPS))
        for place, (at, damaged) in enumerate(flips(stream)):
            if place not in chosen:
                continue
            found = valid(read(damaged))
            assert good.check is Check.NONE or all(said(one) == said(good) for one in found), at


def test_one_character_too_many_costs_no_more_than_its_readout() -> None:
    long = [path for path in RECORDINGS if path.stat().st_size > WHOLE_LIMIT and valid(read(path.read_bytes()))]
    if not long:
        pytest.skip(f"no long recording in {CAPTURES} (NETMETER_CAPTURES names it)")
    stream = long[0].read_bytes()
    good = [said(telegram) for telegram in valid(read(stream))]
    assert [said(telegram) for telegram in valid(read(stream[:900] + b"0" + stream[900:] + stream))] == good


def readouts() -> dict[str, bytes]:
    """Recordings of mode C: what a meter that was asked sends behind its identification, from STX to BCC."""
    found = {}
    for path in RECORDINGS:
        stream = path.read_bytes()
        for one in valid(read(stream))[:1]:
            if one.check is Check.BCC and one.identification and one.identification.baud_character in BAUD_OF_DIGIT:
                found[_name(path)] = stream[stream.index(b"\x02") : one.offset + one.length]
    return found


READOUTS = readouts()
each_readout = pytest.mark.parametrize("name", list(READOUTS) or _none("recording of mode C with a good BCC"))
GREETING = b"/HIL5RECORDED\r\n"


def heard(*parts: Any, chunks: Any = lambda stream: [stream], attempts: int = 1) -> list[tuple[str, tuple[str, ...]]]:
    """What a session takes from a meter that sends `parts`; nothing, if it fails."""
    played = play(Plan(attempts=attempts), [GREETING, *parts], chunks=chunks, parity=False)
    if not isinstance(played.end, Done) or played.end.outcome.telegram is None:
        return []
    return said(played.end.outcome.telegram)


@each_readout
def test_a_session_takes_the_recorded_data_in_any_chunks(name: str) -> None:
    data = READOUTS[name]
    (good,) = valid(read(GREETING + data))
    for chunks in (lambda stream: [stream], bytewise, lambda stream: chunked(stream, 2)):
        assert heard(data, chunks=chunks) == said(good)
    assert heard(data + data) == said(good)
    # A meter is asked for its block again where noise was before it.
    assert heard(noise(512, 3) + data, SILENCE, data) == said(good)
    assert heard(data[: len(data) // 2], SILENCE, data) == said(good)
    assert heard(data[: len(data) // 2] + data, SILENCE, data) == said(good)


@each_readout
def test_a_session_takes_no_cut_and_no_turned_bit(name: str) -> None:
    data = READOUTS[name]
    (good,) = valid(read(GREETING + data))
    for cut in places(len(data), CUTS):
        assert heard(data[:cut]) == [], cut
    chosen = set(places(8 * len(data), FLIPS))
    for place, (at, damaged) in enumerate(flips(data)):
        if place in chosen:
            assert heard(damaged) in ([], said(good)), at
