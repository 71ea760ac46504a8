"""A recorded wire, played to the driver once more; and its requests and answers, side by side.

In virtual time: nothing is opened and nobody waited for. What the driver asks must be what it asked then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..build import open_polled
from ..fitting import fitted, fitting_of
from ..meter import Stepped
from ..profile import Profile
from ..profile_file import load_profile, parse_profile
from ..recording import HEARD, SENT, Event, Recording, RecordingError
from ..transport.scripted import ScriptedTransport, VirtualTicker
from .codec import Framing, crc_ok, exception_code, words_of_answer
from .frames import Question, explain_tcp, find_rtu_answer, take_tcp_frame
from .line_times import STANDARD_BITS
from .link import ModbusLink


def open_recorded(recording: Recording, search: Sequence[Path] = ()) -> Stepped:
    """The meter of a recording: what it is asked in the same order is answered as it was then.

    Raises RecordingError, ProfileError. `search`: folders in which the profile may lie.
    """
    framing, unit, timeout_us = _framing(recording), recording.number("unit"), recording.number("timeout_us")
    if unit is None or timeout_us is None or "profile" not in recording.head:
        raise RecordingError("the recording's head names no profile, unit or timeout_us: it cannot be played")
    profile = recorded_profile(recording, search)
    ticker = VirtualTicker()
    link = ModbusLink(
        ScriptedTransport(ticker, _Player(recording).answer),
        framing,
        ticker,
        timeout_us=timeout_us,
        baud_bd=recording.number("baud_bd"),
        pause_us=recording.number("pause_us") or 0,
        character_bits=recording.number("character_bits") or STANDARD_BITS,
        is_paced=recording.head.get("is_paced") == "true",
        connect_pause_us=recording.number("connect_us") or 0,
        last_transaction=_last_transaction(recording, framing),
    )
    return open_polled(
        profile,
        link,
        unit,
        swap_direction=recording.head.get("swap_direction") == "true",
        sunspec_base=recording.number("sunspec_base"),
        sunspec_model=recording.number("sunspec_model"),
        sunspec_meter=recording.number("sunspec_meter"),
        produces=recording.head.get("produces") == "true",
        max_registers=recording.number("max_registers"),
    )


def recorded_profile(recording: Recording, search: Sequence[Path] = ()) -> Profile:
    """The profile of a recording, its own where it carries one, fitted as then. Raises RecordingError, ProfileError."""
    try:
        fitting = fitting_of(recording.head)
    except ValueError as error:
        raise RecordingError(f"the recording's head cannot be used: {error}") from error
    name = recording.head["profile"]
    text = recording.profile_text
    return fitted(parse_profile(text, name) if text else load_profile(name, search), fitting)


def _framing(recording: Recording) -> Framing:
    name = recording.head.get("framing", "")
    try:
        return Framing(name)
    except ValueError as error:
        raise RecordingError(f"framing: {name or 'missing'} in the head; expected rtu or tcp") from error


def _last_transaction(recording: Recording, framing: Framing) -> int:
    first = next((event.payload for event in recording.events if event.direction == SENT), b"")
    return (int.from_bytes(first[:2], "big") - 1) % 0x10000 if framing is Framing.TCP and first else 0


class _Player:
    """The peer of a scripted transport."""

    def __init__(self, recording: Recording) -> None:
        self._left = list(recording.events)

    def answer(self, request: bytes) -> Iterable[tuple[int, bytes]]:
        """What came after this request, with its delays."""
        while self._left and self._left[0].direction == HEARD:
            self._left.pop(0)
        if not self._left:
            raise RecordingError(f"asked {request.hex(' ')}, but the recording has ended")
        sent = self._left.pop(0)
        if sent.payload != request:
            raise RecordingError(f"asked {request.hex(' ')}, but at {sent.offset_us} us it was {sent.payload.hex(' ')}")
        answers: list[Event] = []
        while self._left and self._left[0].direction == HEARD:
            answers.append(self._left.pop(0))
        return [(one.offset_us - sent.offset_us, one.payload) for one in answers]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came of it. `words` is None without an answer to it; `exception` is one's code."""

    offset_us: int
    request: bytes
    heard: bytes
    function: int
    address: int
    count: int
    words: tuple[int, ...] | None
    exception: int | None


def exchanges(recording: Recording) -> tuple[Exchange, ...]:
    """The recording's requests, each with what was heard until the next. Raises RecordingError."""
    framing = _framing(recording)
    found: list[Exchange] = []
    for n, event in enumerate(recording.events):
        if event.direction == SENT:
            after = recording.events[n + 1 :]
            end = next((m for m, one in enumerate(after) if one.direction == SENT), len(after))
            found.append(_exchange(event, b"".join(one.payload for one in after[:end]), framing))
    return tuple(found)


def _exchange(sent: Event, heard: bytes, framing: Framing) -> Exchange:
    start = 0 if framing is Framing.RTU else 6
    body = sent.payload[start : start + 6]
    if len(body) < 6:
        raise RecordingError(f"the request at {sent.offset_us} us is no read: {sent.payload.hex(' ')}")
    question = Question(body[0], body[1], int.from_bytes(body[2:4], "big"), int.from_bytes(body[4:6], "big"))
    pdu = _rtu_pdu(heard, sent.payload, question) if framing is Framing.RTU else _tcp_pdu(heard, sent.payload, question)
    exception = None if pdu is None else exception_code(pdu)
    words = None if pdu is None or exception is not None else words_of_answer(pdu)
    return Exchange(
        sent.offset_us, sent.payload, heard, question.function, question.address, question.count, words, exception
    )


def _rtu_pdu(heard: bytes, request: bytes, question: Question) -> bytes | None:
    buffer = heard.removeprefix(request)  # an adapter with local echo
    found = find_rtu_answer(buffer, question, crc_ok)
    return None if found is None else buffer[found[0] + 1 : found[1] - 2]


def _tcp_pdu(heard: bytes, request: bytes, question: Question) -> bytes | None:
    buffer = bytearray(heard)
    try:
        while (frame := take_tcp_frame(buffer)) is not None:
            if frame.transaction == int.from_bytes(request[:2], "big") and explain_tcp(frame, question) is None:
                return frame.pdu
    except ValueError:
        pass
    return None
