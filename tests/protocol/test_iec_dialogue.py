"""Sessions on the optical port, word by word as IEC 62056-21 chapter 6 has them, in virtual time.

Each is played whole, bytewise and in chunks; what was sent, at which rate, and how it ended must be the same.
"""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.iec62056.actions import Done, Failed, Framing, Pause, Reason, Send, SetBaud, SetLine
from drivers.iec62056.dialogue import Dialogue
from drivers.iec62056.parity import ParityMode
from drivers.iec62056.plan import Line, Mode, Plan
from drivers.iec62056.programming import ReadCommand, ReadKind
from drivers.iec62056.readout import BAUD_OF_DIGIT, BAUD_OF_LETTER, Check
from tests.protocol.iec_meter import SILENCE, Expect, Played, Script, play
from tests.protocol.iec_telegrams import BLOCK_TEXT, bytewise, chunked, filled_to, framed, with_parity

ASK = b"/?!\r\n"
NAME = b"/EMH5\\@ED300L\r\n"
DATA = framed(BLOCK_TEXT)
NAK = b"\x15"
HOUR_US = 3_600_000_000
P0 = b"\x01P0\x02()\x03" + framed(b"P0\x02()")[-1:]
VALUE = framed(b"1.8.0(1*kWh)")
WORDS = [
    NAME,
    DATA,
    ASK,
    P0,
    VALUE,
    VALUE[:-1] + b"~",
    b"/ABCF\r\n",
    b"\x06",
    b"\x15",
    b"\x02",
    b"\x03",
    b"!\r\n",
    b"(1)",
]


def select(digit: int, action: int = 0, protocol: int = 0) -> bytes:
    return b"\x06" + f"{protocol}{digit}{action}\r\n".encode()


MODE_C: Script = [Expect(ASK, 300), NAME, Expect(select(5), 9600), DATA]
NO_STX: Script = [*MODE_C[:-1], SILENCE, SILENCE]
SESSIONS: dict[str, tuple[Plan, Script]] = {
    "C": (Plan(), MODE_C),
    "C after an echo of all that is sent": (
        Plan(),
        [Expect(ASK, 300), ASK + NAME, Expect(select(5), 9600), select(5) + DATA],
    ),
    "C after an echo without line end": (
        Plan(),
        [Expect(ASK, 300), b"\x7f\x7f/?!" + NAME, Expect(select(5), 9600), b"\x06\x7f" + DATA],
    ),
    "C at 300, the most that is allowed": (
        Plan(max_baud_bd=4800),
        [Expect(ASK, 300), NAME, Expect(select(0), 300), DATA],
    ),
    "C with an address": (
        Plan(address="00012345"),
        [Expect(b"/?00012345!\r\n", 300), NAME, Expect(select(5), 9600), DATA],
    ),
    "C, block damaged once": (
        Plan(),
        [*MODE_C[:-1], DATA.replace(b"001234", b"001235"), SILENCE, Expect(NAK, 9600), DATA],
    ),
    "C, the option select was lost": (
        Plan(),
        [*MODE_C[:-1], SILENCE, SILENCE, *MODE_C],
    ),
    "C, no STX at the new rate, twice: then 300": (
        Plan(),
        [*NO_STX, *NO_STX, Expect(ASK, 300), NAME, Expect(select(0), 300), DATA],
    ),
    "C, woken up": (Plan(wake_up=True), [Expect(bytes(66) + ASK, 300), *MODE_C[1:]]),
    "B": (Plan(), [Expect(ASK, 300), b"/KAMD382C\r\n", Expect(b"", 4800), DATA]),
    "A": (Plan(), [Expect(ASK, 300), b"/KAM 68438BC45\r\n" + BLOCK_TEXT]),
    "A with a BCC": (Plan(), [Expect(ASK, 300), b"/KAM 68438BC45\r\n" + DATA]),
    "BCC is LF": (Plan(), [*MODE_C[:-1], filled_to(0x0A)]),
    "BCC is ETX": (Plan(), [*MODE_C[:-1], filled_to(0x03)]),
    "asked again after silence": (Plan(), [Expect(ASK, 300), SILENCE, SILENCE, *MODE_C]),
    "asked again after a damaged name": (Plan(), [Expect(ASK, 300), b"/EMH5\x01\x05", SILENCE, SILENCE, *MODE_C]),
}


@pytest.mark.parametrize(("plan", "script"), SESSIONS.values(), ids=SESSIONS)
def test_a_session_ends_with_the_meters_data(plan: Plan, script: Script) -> None:
    whole = play(plan, script)
    assert isinstance(whole.end, Done), whole.end
    telegram = whole.end.outcome.telegram
    assert telegram is not None
    assert [one.value.text for one in telegram.data_sets if one.identifier == "1.8.0"] == ["001234.567*kWh"]
    assert whole.end.outcome.baud_bd == whole.baud_bd
    for chunks in (bytewise, lambda stream: chunked(stream, 3), lambda stream: chunked(stream, 4)):
        again = play(plan, script, chunks=chunks)
        assert again.actions == whole.actions


@pytest.mark.parametrize(("digit", "baud_bd"), BAUD_OF_DIGIT.items())
def test_mode_c_goes_to_the_rate_that_the_meter_names(digit: str, baud_bd: int) -> None:
    name = NAME.replace(b"5", digit.encode(), 1)
    done = play(Plan(), [Expect(ASK, 300), name, Expect(select(int(digit)), baud_bd), DATA])
    assert isinstance(done.end, Done)


def test_rates_are_the_standards() -> None:
    # IEC 62056-21:2002, 6.3.13, items 13c and 13b of the identification message
    assert list(BAUD_OF_DIGIT.values()) == [300, 600, 1200, 2400, 4800, 9600, 19200]
    assert list(BAUD_OF_LETTER.items()) == [
        ("A", 600),
        ("B", 1200),
        ("C", 2400),
        ("D", 4800),
        ("E", 9600),
        ("F", 19200),
    ]


def test_a_slow_meter_is_given_its_reaction_time_and_a_fast_one_its_own() -> None:
    def before_select(name: bytes, line: Line) -> list[object]:
        done = play(Plan(), [name, DATA], line=line)
        place = next(at for at, one in enumerate(done.actions) if isinstance(one, Send) and b"\x06" in one.payload)
        return list(done.actions[place - 1 : place + 3])

    ack = Send(with_parity(select(5)))
    usb = Line(settle_us=20_000)
    assert before_select(NAME, usb) == [Pause(200_000), ack, Pause(20_000), SetBaud(9600)]
    assert before_select(NAME.replace(b"EMH", b"EMh"), usb) == [Pause(20_000), ack, Pause(10_000), SetBaud(9600)]


def test_hardware_parity_sends_plain_characters() -> None:
    done = play(Plan(), [NAME, DATA], line=Line(parity=ParityMode.HARDWARE), parity=False)
    assert isinstance(done.end, Done)
    assert done.sent == [ASK, select(5)]


def test_a_meter_that_sends_no_parity_on_8n1_is_understood() -> None:
    assert isinstance(play(Plan(), [NAME, DATA], parity=False).end, Done)


def test_mode_e_ends_at_the_rate_of_hdlc_and_with_eight_bits() -> None:
    name = b"/LGZ5\\2ZMD3104107.B40\r\n"
    confirmed = select(5, action=2, protocol=2)
    script = [Expect(ASK, 300), name, Expect(confirmed, 9600), confirmed]
    done = play(Plan(mode=Mode.E), script, chunks=bytewise)
    assert isinstance(done.end, Done)
    assert done.actions[-2] == SetLine(Framing.EIGHT_NONE)
    assert done.end.outcome.baud_bd == 9600
    assert done.end.outcome.identification.speaks_hdlc


def test_mode_e_that_is_not_confirmed_needs_the_inactivity_time() -> None:
    failed = play(Plan(mode=Mode.E, attempts=1), [b"/LGZ5\\2ZMD3104107.B40\r\n", SILENCE])
    assert isinstance(failed.end, Failed)
    assert failed.end.rest_us == 120_000_000


FAILURES: dict[str, tuple[Script, Reason]] = {
    "nobody": ([], Reason.NO_IDENTIFICATION),
    "noise": ([b"\x00\xff" * 40] * 3, Reason.NO_IDENTIFICATION),
    "a name and no more": ([NAME, SILENCE, SILENCE] * 3, Reason.NO_ANSWER),
    "damaged each time": (
        [part for _ in range(3) for part in (NAME, *[DATA.replace(b"1234", b"1235"), SILENCE] * 3, SILENCE)],
        Reason.DAMAGED,
    ),
    "no BCC, where the meter has one": ([NAME, BLOCK_TEXT, SILENCE], Reason.NO_IDENTIFICATION),
}


@pytest.mark.parametrize(("script", "reason"), FAILURES.values(), ids=FAILURES)
def test_what_does_not_come_ends_the_session_with_its_reason(script: Script, reason: Reason) -> None:
    failed = play(Plan(), script)
    assert isinstance(failed.end, Failed)
    assert failed.end.reason is reason
    assert failed.lasted_us < HOUR_US


def test_a_meter_without_bcc_is_read_where_its_profile_says_so() -> None:
    plain = BLOCK_TEXT
    assert isinstance(play(Plan(attempts=1), [NAME, plain, SILENCE]).end, Failed)
    done = play(Plan(attempts=1), [NAME, plain], line=Line(has_bcc=False))
    assert isinstance(done.end, Done)
    assert done.end.outcome.telegram is not None
    assert done.end.outcome.telegram.check is Check.NONE


def test_a_turned_bit_in_the_data_never_becomes_a_value() -> None:
    stream = with_parity(DATA)
    for at in range(len(stream)):
        for bit in range(8):
            damaged = stream[:at] + bytes([stream[at] ^ 1 << bit]) + stream[at + 1 :]
            played = play(Plan(attempts=1, repeats=0), [with_parity(NAME), damaged], parity=False)
            if isinstance(played.end, Done):
                assert played.end.outcome.telegram is not None
                assert played.end.outcome.telegram.text == BLOCK_TEXT.decode().rstrip("!\r\n") + "\r\n"


def test_babble_ends() -> None:
    failed = play(Plan(max_bytes=4096), [b"1.8.0(1*kWh)" * 2000])
    assert isinstance(failed.end, Failed)
    assert failed.lasted_us < HOUR_US


@pytest.mark.parametrize(
    "plan", [Plan(), Plan(mode=Mode.A), Plan(mode=Mode.B), Plan(mode=Mode.E)], ids=lambda p: p.mode
)
@given(
    st.lists(
        st.binary(max_size=30)
        | st.sampled_from([NAME, DATA, ASK, b"/ABCF\r\n", b"\x06", b"\x15", b"\x02"])
        | st.none(),
        max_size=30,
    )
)
def test_whatever_comes_a_session_ends(plan: Plan, parts: list[bytes | None]) -> None:
    played = Played()
    dialogue = Dialogue(plan, Line())
    played.take(dialogue.start())
    for part in parts:
        if played.end is None:
            played.take(dialogue.silence() if part is None else dialogue.receive(part))
    for _ in range(60):
        if played.end is None:
            played.take(dialogue.silence())
    assert played.end is not None
    assert dialogue.receive(b"x") == dialogue.silence() == []


def acted(plan: Plan, parts: list[bytes | None], chunks: Callable[[bytes], Sequence[bytes]]) -> list[object]:
    """All that a session does. What of a part comes after a change of rate belongs to the old one: a port drops it."""
    dialogue, played = Dialogue(plan, Line()), Played()
    played.take(dialogue.start())
    for part in [*parts, *[None] * 60]:
        if part is None:
            played.take(dialogue.silence())
            continue
        for chunk in chunks(part):
            actions = dialogue.receive(chunk)
            played.take(actions)
            if any(isinstance(action, SetBaud) for action in actions):
                break
    return list(played.actions)


@pytest.mark.parametrize("plan", [Plan(), Plan(mode=Mode.A), Plan(commands=(ReadCommand(ReadKind.R5, "1.8.0()"),))])
@given(
    st.lists(
        st.lists(st.binary(max_size=3) | st.sampled_from(WORDS), min_size=1, max_size=4).map(b"".join) | st.none(),
        max_size=12,
    )
)
def test_any_bytes_in_any_chunks_are_the_same_session(plan: Plan, parts: list[bytes | None]) -> None:
    whole = acted(plan, parts, lambda stream: [stream])
    assert acted(plan, parts, bytewise) == whole
    assert acted(plan, parts, lambda stream: chunked(stream, 1)) == whole
