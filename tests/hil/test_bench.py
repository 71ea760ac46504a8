"""The benches' own measuring: against arithmetic by hand, and with a master that is known to be wrong."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil.bench.long_line import _nearest_after, _nearest_before, _worst
from hil.bench.rtu import limit_ns
from hil.bench.tcp import lateness_ns
from hil.bench.timed_slave import silence_ns
from hil.cli import main
from hil.modbus.frames import rtu
from hil.process import Child

MS = 1_000_000


def test_the_wire_limit_is_that_of_the_line() -> None:
    # 8 + 125 characters and twice 3.5, 11 bits each, at 9600 baud: 140 * 11 / 9600 s = 160.416 ms
    assert limit_ns(9600, 11) // 1000 == 160_416
    # above 19200 baud the silence is 1.75 ms: 133 * 11 / 115200 s + 3.5 ms = 16.199 ms
    assert limit_ns(115200, 11) // 1000 == 16_199


def test_lateness_is_what_comes_after_the_earliest_phase() -> None:
    assert lateness_ns([100 * MS, 1103 * MS, 2100 * MS, 3150 * MS]) == [0, 3 * MS, 0, 50 * MS]


def test_lateness_goes_over_the_second() -> None:
    assert lateness_ns([990 * MS, 2010 * MS, 2990 * MS]) == [0, 20 * MS, 0]


def test_an_edge_has_readings_on_both_sides() -> None:
    assert _nearest_before([10_000, 20_000, 30_000], 25_000) == 5_000
    assert _nearest_after([10_000, 20_000, 30_000], 25_000) == 5_000
    assert _nearest_before([30_000], 25_000) is None
    assert _worst([5_000, 7_000]) == 7
    assert _worst([5_000, None]) == -1


def gaps_of(child: Child) -> list[int]:
    words = (line.split() for line in child.log.read_text(encoding="ascii").splitlines())
    return [int(word[1]) for word in words if word[0] == "asked"]


@pytest.mark.parametrize(("pause_s", "early"), [(0.0, True), (0.05, False)])
def test_a_master_that_asks_into_the_silence_is_seen_by_the_device(
    start_child: Callable[[str, list[str]], tuple[Child, str]], tmp_path: Path, pause_s: float, early: bool
) -> None:
    """A busy machine may hold this master up beyond the silence of 4 ms; not twenty times in a row."""
    options = [f"--link={tmp_path / 'line'}", "--baud=9600", "--bits=11"]
    child, port = start_child("hil.bench.timed_slave", options)
    question = rtu(1, bytes.fromhex("03 00 64 00 02"))
    end = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        for _ in range(20):
            os.write(end, question)
            answer = b""
            while len(answer) < 9:
                answer += os.read(end, 64)
            assert answer == rtu(1, bytes.fromhex("03 04 00 64 00 65"))
            time.sleep(pause_s)
    finally:
        os.close(end)
    gaps = gaps_of(child)[1:]
    assert len(gaps) == 19
    assert any(gap < silence_ns(9600, 11) for gap in gaps) is early


def test_dead_and_flapping_units_do_not_answer_and_the_others_do(
    start_child: Callable[[str, list[str]], tuple[Child, str]], tmp_path: Path, anchor: object
) -> None:
    import select

    from hil.house_time import Anchor

    assert isinstance(anchor, Anchor)
    options = [f"--link={tmp_path / 'line'}", "--units=3", "--dead=2", "--flapping=3", "--flap-s=1"]
    child, port = start_child("hil.meters.sdm630_bus", [*options, f"--log={tmp_path / 'log'}", *anchor.options()])
    end = os.open(port, os.O_RDWR | os.O_NOCTTY)
    answered: dict[int, set[bool]] = {1: set(), 2: set(), 3: set()}
    deadline_s = time.monotonic() + 30
    try:
        while answered[3] != {True, False} and time.monotonic() < deadline_s:
            for unit in answered:
                os.write(end, rtu(unit, bytes.fromhex("04 00 48 00 04")))
                answered[unit].add(bool(select.select([end], [], [], 0.3)[0]))
                time.sleep(0.05)
                while select.select([end], [], [], 0.02)[0]:
                    os.read(end, 64)
    finally:
        os.close(end)
    assert answered == {1: {True}, 2: {False}, 3: {True, False}}
    assert child.exit_code is None


def test_many_tcp_meters_are_measured_from_outside() -> None:
    from hil.broker import find_mosquitto

    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: `./tests/run --setup` as root installs it")
    options = ["bench", "modbus", "--meters", "5", "--seconds", "4", "--warm-up", "4", "--json"]
    done = CliRunner().invoke(main, options)
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)["tcp"]
    assert row["meters_asked"] == 5
    assert row["polls"] >= 5  # a second apart on a calm machine: 20
    assert row["cpu_us_a_poll"] > 0


def test_a_bench_that_cannot_be_is_told() -> None:
    done = CliRunner().invoke(main, ["bench", "modbus", "--baud", "9600", "--meters", "3"])
    assert done.exit_code == 2
    assert "name one of them" in done.output
