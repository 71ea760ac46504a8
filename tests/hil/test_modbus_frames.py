"""The simulated devices' own frames and faults: against the standard's bytes, and free of the driver's code."""

import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from hil.modbus.faults import DECKS, Framing, Kind, fault, setting, steps, words_of
from hil.modbus.frames import Request, crc16, crc_holds, flip_unnoticed, registers_pdu, rtu, take_request, tcp
from hil.modbus.inject import happen
from hil.modbus.scene import answer, turnaround_us

QUESTION = bytes.fromhex("11 03 00 6B 00 03 76 87")  # unit 17, FC3, 0x006B, 3 registers: found in many Modbus texts


def test_the_crc_is_the_standards() -> None:
    assert rtu(0x11, QUESTION[1:-2]) == QUESTION
    # CRC-16/MODBUS check value of the catalogue of parametrised CRC algorithms: 0x4B37
    assert crc16(b"123456789") == bytes.fromhex("37 4B")


def test_a_tcp_frame_is_the_bytes_of_the_standard() -> None:
    # Messaging on TCP/IP V1.0b, 3.1.3: transaction, protocol 0, length of what follows, unit
    assert tcp(0x1501, 0xFF, bytes.fromhex("03 02 12 34")) == bytes.fromhex("15 01 00 00 00 05 FF 03 02 12 34")


def test_a_request_is_found_behind_noise_and_taken_once() -> None:
    heard = bytearray(b"\x00\xff" + QUESTION)
    assert take_request(heard, is_tcp=False) == Request(0x11, 3, 0x6B, 3)
    assert take_request(heard, is_tcp=False) is None


def test_a_damaged_request_is_nobodys() -> None:
    assert take_request(bytearray(QUESTION[:-1] + b"\x00"), is_tcp=False) is None


def test_flips_that_a_crc_cannot_see_are_not_seen_and_are_flips() -> None:
    frame = rtu(7, registers_pdu(4, (0x1234, 0xABCD, 0)))
    for bit in range(8 * len(frame) - 16):
        flipped = flip_unnoticed(frame, bit)
        assert flipped != frame
        assert crc_holds(flipped)


@pytest.mark.parametrize("bit", range(0, 88, 7))
def test_any_other_single_flip_is_seen(bit: int) -> None:
    frame = bytearray(rtu(7, registers_pdu(4, (0x1234, 0xABCD, 0))))
    frame[bit // 8] ^= 1 << bit % 8
    assert not crc_holds(bytes(frame))


def test_words_tell_unit_function_address_and_line_apart() -> None:
    one = Request(7, 4, 256, 3)
    others = [Request(8, 4, 256, 3), Request(7, 3, 256, 3), Request(7, 4, 384, 3)]
    assert len({words_of(1, each) for each in (one, *others)} | {words_of(2, one)}) == 5


def test_a_plan_is_the_same_again_and_asks_nothing_twice() -> None:
    line = setting(5, 3)
    faults = [fault(5, number, line.framing) for number in range(1, 101)]
    plan = steps(line, faults)
    assert plan == steps(line, faults)
    assert len({step.question.address for step in plan}) == len(plan)
    assert [step.fault for step in plan if step.fault] == faults


def test_many_questions_look_like_the_one_before() -> None:
    """Else a late answer could not be taken for the next one's."""
    plan = steps(setting(5, 3), [fault(5, number, Framing.RTU) for number in range(1, 101)])
    shapes = [(step.question.unit, step.question.function, step.question.count) for step in plan]
    alike = sum(one == other for one, other in pairwise(shapes))
    assert alike > len(plan) // 4


@pytest.mark.parametrize("framing", Framing)
def test_every_kind_that_belongs_to_a_line_comes_up(framing: Framing) -> None:
    kinds = Counter(fault(1, number, framing).kind for number in range(2000))
    assert set(kinds) == set(DECKS[framing])
    assert set(kinds) | set(DECKS[Framing.TCP]) | set(DECKS[Framing.RTU]) == set(Kind)


@pytest.mark.parametrize("trial", range(4))
def test_every_fault_changes_what_the_line_brings(trial: int) -> None:
    line = setting(2, trial)
    question = Request(7, 4, 256, 10, 5 if line.framing is Framing.TCP else None)
    for number in range(500):
        happening = happen(line, question, fault(2, number, line.framing))
        assert happening != happen(line, question, None)


def test_a_healthy_device_answers_within_its_time() -> None:
    for trial in range(200):
        line = setting(9, trial)
        for address in range(0, 65536, 4096):
            question = Request(7, 4, address, 10, 1 if line.framing is Framing.TCP else None)
            assert turnaround_us(line, question) < line.timeout_us
            assert happen(line, question, None).stretches[0].data == answer(line, question)


@pytest.mark.parametrize("module", ["frames", "faults", "inject", "judge", "slave", "wrong_words", "soak"])
def test_the_devices_and_the_judge_share_no_code_with_the_driver(module: str) -> None:
    code = f"import hil.modbus.{module}, sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"gateway", "drivers", "pymodbus"}.isdisjoint(done.stdout.split())
