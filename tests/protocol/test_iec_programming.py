"""Programming mode as far as it reads, word by word; and that nothing but reading can be said to a meter at all.

Messages are IEC 62056-21's: `SOH C D STX data ETX BCC`; the break's bytes, 01 42 30 03 71, are the standard's own.
"""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.iec62056.actions import Answer, Done, Failed, Reason, Send
from drivers.iec62056.dialogue import Dialogue
from drivers.iec62056.parity import without_parity
from drivers.iec62056.plan import Line, Plan
from drivers.iec62056.programming import Password, ReadCommand, ReadKind, ReplyReader, read_message
from tests.protocol.iec_meter import SILENCE, Expect, Played, Script, play
from tests.protocol.iec_telegrams import block_check, bytewise, chunked, framed

ROOM = Path(__file__).parents[2] / "drivers" / "iec62056"
ASK, NAME, ACK, NAK = b"/?!\r\n", b"/LGZ4ZMD120\r\n", b"\x06", b"\x15"
SELECT = b"\x06041\r\n"
BREAK = bytes.fromhex("01 42 30 03 71")
MARKER = "marker-4711"


def message(head: bytes, text: bytes | None = None) -> bytes:
    inner = head + (b"" if text is None else b"\x02" + text) + b"\x03"
    return b"\x01" + inner + bytes([block_check(inner)])


P0 = message(b"P0", b"(12345678)")
P1 = message(b"P1", b"(00000000)")
R5 = message(b"R5", b"1.8.0()")
R6 = message(b"R6", b"P.01(;)")
ONE = ReadCommand(ReadKind.R5, "1.8.0()")
PROFILE = ReadCommand(ReadKind.R6, "P.01(;)")
BEGIN: Script = [Expect(ASK, 300), NAME, Expect(SELECT, 4800), P0]
HEADER = b"P.01(1220823161500)(00)(15)(2)(1.5)(kW)(2.5)(kW)\r\n"
BLOCKS = [framed(HEADER + b"(0.18374)(0.00", b"\x04"), framed(b"078)\r\n", b"\x04"), framed(b"(0.2)(0.3)\r\n")]
VALUE = framed(b"1.8.0(001234.567*kWh)")

SESSIONS: dict[str, tuple[Plan, Script, list[str]]] = {
    "one register": (Plan(commands=(ONE,)), [*BEGIN, Expect(R5, 4800), VALUE], ["1.8.0=001234.567*kWh"]),
    "a value without its identifier": (
        Plan(commands=(ONE,)),
        [*BEGIN, Expect(R5, 4800), framed(b"(001234.567*kWh)")],
        ["1.8.0=001234.567*kWh"],
    ),
    "with a password": (
        Plan(commands=(ONE,), password=Password(1, "00000000")),
        [*BEGIN, Expect(P1, 4800), ACK, Expect(R5, 4800), VALUE],
        ["1.8.0=001234.567*kWh"],
    ),
    "with echoes of everything": (
        Plan(commands=(ONE,), password=Password(1, "00000000")),
        [ASK + NAME, SELECT + P0, P1 + ACK, Expect(ASK + SELECT + P1 + R5, 4800), R5 + VALUE],
        ["1.8.0=001234.567*kWh"],
    ),
    "a refused register, then a good one": (
        Plan(commands=(ReadCommand(ReadKind.R1, "9.9.9()"), ONE)),
        [*BEGIN, Expect(message(b"R1", b"9.9.9()"), 4800), framed(b"(ER01)"), Expect(R5, 4800), VALUE],
        ["ER01", "1.8.0=001234.567*kWh"],
    ),
    "not understood once": (
        Plan(commands=(ONE,)),
        [*BEGIN, Expect(R5, 4800), NAK, Expect(R5, 4800), VALUE],
        ["1.8.0=001234.567*kWh"],
    ),
    "never understood": (
        Plan(commands=(ONE, ONE), repeats=1),
        [*BEGIN, Expect(R5, 4800), NAK, Expect(R5, 4800), NAK, Expect(R5, 4800), VALUE],
        ["NAK", "1.8.0=001234.567*kWh"],
    ),
    "a damaged answer": (
        Plan(commands=(ONE,)),
        [*BEGIN, Expect(R5, 4800), VALUE.replace(b"1234", b"1235"), Expect(NAK, 4800), VALUE],
        ["1.8.0=001234.567*kWh"],
    ),
    "a damaged answer, and an echo of our NAK": (
        Plan(commands=(ONE,)),
        [*BEGIN, Expect(R5, 4800), VALUE.replace(b"1234", b"1235"), Expect(NAK, 4800), NAK + VALUE],
        ["1.8.0=001234.567*kWh"],
    ),
    "partial blocks, a line cut between two": (
        Plan(commands=(PROFILE,)),
        [*BEGIN, Expect(R6, 4800), BLOCKS[0], Expect(ACK, 4800), BLOCKS[1], Expect(ACK, 4800), BLOCKS[2]],
        ["P.01=1220823161500 =0.18374 =0.2"],
    ),
    "a partial block damaged": (
        Plan(commands=(PROFILE,)),
        [*BEGIN, BLOCKS[0], BLOCKS[1][:-1] + b"~", Expect(R6 + ACK + NAK, 4800), BLOCKS[1], BLOCKS[2]],
        ["P.01=1220823161500 =0.18374 =0.2"],
    ),
}


def shown(answer: Answer) -> str:
    if answer.telegram is None:
        return answer.error
    return " ".join(f"{one.identifier}={one.value.text}" for one in answer.telegram.data_sets)


@pytest.mark.parametrize(("plan", "script", "answers"), SESSIONS.values(), ids=SESSIONS)
def test_the_answers_are_read_and_the_meter_is_set_free(plan: Plan, script: Script, answers: list[str]) -> None:
    whole = play(plan, script)
    assert isinstance(whole.end, Done), whole.end
    assert [shown(answer) for answer in whole.end.outcome.answers] == answers
    assert whole.end.outcome.operand == "12345678"
    assert without_parity(whole.sent[-1]) == BREAK
    for chunks in (bytewise, lambda stream: chunked(stream, 5)):
        assert play(plan, script, chunks=chunks).actions == whole.actions


REFUSALS: dict[str, tuple[Script, Reason]] = {
    "wrong password": ([NAME, P0, framed(b"(ER03)")], Reason.REFUSED),
    "password not acknowledged": ([NAME, P0, NAK, NAK, NAK], Reason.REFUSED),
    "break instead of an answer": ([NAME, P0, ACK, BREAK], Reason.BROKEN_OFF),
    "an answer without end": ([NAME, P0, ACK, b"\x02" + b"1" * 5000], Reason.TOO_LONG),
}


@pytest.mark.parametrize(("script", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_not_asked_again(script: Script, reason: Reason) -> None:
    plan = Plan(commands=(ONE,), password=Password(1, MARKER), max_bytes=4096)
    failed = play(plan, script)
    assert isinstance(failed.end, Failed)
    assert failed.end.reason is reason
    assert without_parity(failed.sent[-1]) == BREAK
    assert [without_parity(sent) for sent in failed.sent].count(ASK) == 1


def test_silence_in_programming_mode_begins_anew_and_slowly_at_last() -> None:
    once: Script = [Expect(ASK, 300), NAME, Expect(SELECT, 4800), SILENCE, Expect(BREAK, 4800), SILENCE]
    done = play(Plan(commands=(ONE,)), [*once, *once, Expect(ASK, 300), NAME, Expect(b"\x06001\r\n", 300), P0, VALUE])
    assert isinstance(done.end, Done)


def test_a_meter_that_may_still_be_in_programming_mode_is_left_alone() -> None:
    failed = play(Plan(commands=(ONE,)), [NAME, P0, SILENCE])  # then it does not even give its name
    assert isinstance(failed.end, Failed)
    assert failed.end.reason is Reason.NO_IDENTIFICATION
    assert failed.end.rest_us == 120_000_000  # the standard's inactivity time, its longest


def test_a_password_is_in_nothing_that_can_be_shown() -> None:
    plan = Plan(commands=(ONE,), password=Password(1, MARKER))
    done = play(plan, [NAME, P0, message(b"P1", b"(" + MARKER.encode() + b")") + ACK, VALUE])
    assert isinstance(done.end, Done)
    refused = play(plan, [NAME, P0, framed(b"(ER03)")])
    assert MARKER not in repr((plan, done.end, refused.end))
    assert any(MARKER.encode() in without_parity(sent) for sent in done.sent)  # it was there to be seen


ALLOWED = re.compile(
    rb"\x00+|/\?[0-9A-Za-z ]*!\r\n|\x06[0-2][0-6][0-2]\r\n|\x06|\x15"
    rb"|\x01(?:P[12]|R[1256])\x02[^\x02\x03]*\x03.|\x01B0\x03q",
    re.DOTALL,
)


def test_all_that_is_ever_sent_asks_or_acknowledges() -> None:
    sent: list[bytes] = []
    for plan, script, _ in SESSIONS.values():
        sent += [one.payload for one in play(plan, script).actions if isinstance(one, Send)]
    assert len(sent) > 30
    assert all(ALLOWED.fullmatch(without_parity(one)) for one in sent)


def test_reads_are_all_the_commands_that_there_are() -> None:
    assert {kind.value for kind in ReadKind} == {"R1", "R2", "R5", "R6"}


def writing(source: str) -> list[str]:
    """Literals that hold the name of a command that writes or executes."""
    texts = [
        node.value.encode() if isinstance(node.value, str) else node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    ]
    return [repr(text) for text in texts if re.search(rb"(?:\A|\x01|[^0-9A-Za-z.])[WE][0-9](?![0-9A-Za-z])", text)]


def test_no_command_that_writes_is_in_the_code() -> None:
    files = sorted(ROOM.rglob("*.py"))
    assert len(files) > 10
    assert [(path.name, writing(path.read_text(encoding="utf-8"))) for path in files] == [
        (path.name, []) for path in files
    ]


@pytest.mark.parametrize("source", ["x = b'W5'", "x = 'E2'", "x = b'\\x01W1\\x02'", "class K:\n    W1 = 'W1'"])
def test_a_command_that_writes_would_be_found(source: str) -> None:
    assert writing(source)


@pytest.mark.parametrize("text", ["1.8.0()\x03", "\x01W5", "é", "x" * 129])
def test_a_command_that_is_more_than_its_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        ReadCommand(ReadKind.R5, text)


@pytest.mark.parametrize(("level", "text"), [(3, "x"), (0, "x"), (1, "a)b"), (1, "\x03")])
def test_a_password_that_would_be_more_is_refused_without_telling_it(level: int, text: str) -> None:
    with pytest.raises(ValueError, match="expected") as refused:
        Password(level, text)
    assert text not in str(refused.value).replace("expected", "") or text == "x"


def test_a_read_has_the_bytes_of_the_standard() -> None:
    assert read_message(ONE) == R5
    assert read_message(PROFILE) == R6


@given(st.lists(st.binary(max_size=20) | st.sampled_from([ACK, NAK, VALUE, P0, R5, BREAK, b"\x02", b"\x01"])))
def test_replies_are_the_same_in_any_chunks(pieces: list[bytes]) -> None:
    stream = b"".join(pieces)
    whole = ReplyReader(4096).feed(stream)
    one = ReplyReader(4096)
    assert [reply for byte in bytewise(stream) for reply in one.feed(byte)] == whole


@given(st.lists(st.binary(max_size=20) | st.sampled_from([NAME, P0, ACK, NAK, VALUE, BREAK]) | st.none(), max_size=20))
def test_whatever_comes_the_session_ends(parts: list[bytes | None]) -> None:
    dialogue, played = Dialogue(Plan(commands=(ONE,), password=Password(2, "x")), Line()), Played()
    played.take(dialogue.start())
    for part in [*parts, *[None] * 60]:
        if played.end is None:
            played.take(dialogue.silence() if part is None else dialogue.receive(part))
    assert played.end is not None
