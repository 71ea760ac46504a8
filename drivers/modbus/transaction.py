"""One Modbus transaction at a time, defended. Steps in, a reply out: no I/O, no sleep, no codec of its own.

RTU answers carry no address and no number, so a late one looks like the answer to the next question. Therefore: one
absolute deadline, the answer checked against the question, no retry in here, and after anything odd the line is
drained and kept quiet for longer than the device's worst latency before the next request.
(Modbus over Serial Line V1.02, 2.5.1.1; Messaging on TCP/IP V1.0b, 3.1.3)
"""

from collections import Counter
from dataclasses import dataclass

from ..errors import ConfigurationError, DriverError, FrameError, NoAnswerError, TransportLostError
from ..steps import Close, Open, Read, Steps, WaitUntil, Write
from ..timing import Ticker
from .codec import Framing, crc_ok, encode, exception_code, words_of_answer
from .counters import LinkCounters
from .exceptions import TARGET_SILENT, error_of
from .frames import (
    REQUEST_BYTES,
    Question,
    Trouble,
    explain_rtu,
    explain_tcp,
    find_rtu_answer,
    requests_heard,
    skip_tcp_frames,
    take_tcp_frame,
)
from .line_times import LineTimes
from .unanswered import Unanswered

BUFFER_LIMIT = 1024  # four times the longest frame; a flood beyond it is dropped from the front
DRAIN_BYTES = 4096
SILENT_BEFORE_RECONNECT = 3  # TCP: a converter that accepts and never answers again needs a new connection


@dataclass(frozen=True, slots=True)
class Reply:
    """Registers, and when they were asked for and complete, microseconds on the ticker's scale."""

    words: tuple[int, ...]
    sent_us: int
    received_us: int


class Transactor:
    """The memory of one line: when it may be spoken on, whether it is suspect, what happened. One question at a time.

    Behind it may be many units. The wire is opened by the first question and closed when it is lost.
    """

    def __init__(self, name: str, framing: Framing, times: LineTimes, ticker: Ticker, last: int = 0) -> None:
        """`ticker` is asked for the time and never told to sleep. `last`: the last transaction number, Modbus TCP."""
        self.name = name
        self._framing = framing
        self._ticker = ticker
        self._timeout_us = times.timeout_us
        self._pause_us = max(times.pause_us, times.silence_us if framing is Framing.RTU else 0)
        self._quiet_us = max(times.timeout_us if times.quiet_us is None else times.quiet_us, self._pause_us)
        self._connect_us = times.connect_us
        self._character_us = times.character_us
        self._is_paced = times.is_paced and times.character_us > 0
        self._transaction = last
        self._free_from_us: int | None = None
        """Before this moment no request may be sent."""
        self._must_listen = False
        """True: the line is suspect; what comes before `_free_from_us` is drained."""
        self._is_open = False
        self._is_asking = False
        self._silent_in_a_row = 0
        self._last_request = b""
        self._unanswered = Unanswered(self._timeout_us, self._quiet_us)
        self._counts: Counter[str] = Counter()

    @property
    def counters(self) -> LinkCounters:
        return LinkCounters(**self._counts)

    def ask(self, unit: int, function: int, address: int, count: int) -> Steps[Reply]:
        """Read `count` registers from `address` (counting from 0) of `unit` by function code 3 or 4; once, no retry.

        Raises ValueError for anything that is not a read; NoAnswerError, FrameError, RefusedError,
        ConfigurationError, TransportLostError.
        """
        question = Question(unit, function, address, count)
        request = self._encode(question)
        if self._is_asking:
            raise RuntimeError(f"{self.name} {question}: asked while another question is under way")
        self._is_asking = True
        try:
            return (yield from self._transact(question, request))
        except TransportLostError:
            yield from self._let_go()
            self._suspect()
            raise
        finally:
            self._is_asking = False

    def _transact(self, question: Question, request: bytes) -> Steps[Reply]:
        yield from self._open_settled(question)
        sent_us = self._ticker.monotonic_us()
        self._counts["requests"] += 1
        self._last_request = request
        wire_us = self._character_us * (REQUEST_BYTES + question.answer_bytes)
        deadline_us = sent_us + wire_us + self._timeout_us
        try:
            yield Write(request)
            if self._framing is Framing.RTU:
                begun, foreign = yield from self._hear_early(sent_us, request)
                # The answer cannot be complete earlier: sleep until then, rather than wake up for every byte.
                yield WaitUntil(sent_us + min(wire_us, self._timeout_us))
                pdu = yield from self._await_rtu(question, request, deadline_us, begun, foreign)
            else:
                pdu = yield from self._await_tcp(question, deadline_us)
        except BaseException:  # also a conversation given up: whoever leaves in mid-question leaves an answer under way
            self._unanswered.leave(question, sent_us)
            self._suspect()
            raise
        received_us = self._ticker.monotonic_us()
        self._unanswered.settle(question, sent_us)
        self._silent_in_a_row = 0
        self._free_from_us = max(received_us + self._pause_us, self._free_from_us or 0)
        code = exception_code(pdu)
        if code is not None:
            if code == TARGET_SILENT:  # the silent unit behind the gateway may still answer, into the next question
                self._unanswered.leave(question, sent_us)
                self._suspect()
            raise self._refusal(question, code)
        self._counts["answers"] += 1
        return Reply(words_of_answer(pdu), sent_us, received_us)

    def _refusal(self, question: Question, code: int) -> DriverError:
        error = error_of(code, f"{self.name} {question}")
        self._counts["impossible" if isinstance(error, ConfigurationError) else "refused"] += 1
        return error

    def _open_settled(self, question: Question) -> Steps[None]:
        """Open the wire and wait until a request may be sent; a connection that died idle is made anew, once."""
        was_open = self._is_open
        yield from self._open()
        try:
            yield from self._settle(question)
        except TransportLostError:
            if not was_open:
                raise
            yield from self._let_go()
            yield from self._open()
            yield from self._settle(question)

    def was_closed(self) -> None:
        """Somebody else has closed the wire."""
        self._is_open = False

    def _open(self) -> Steps[None]:
        yield Open()
        if not self._is_open and self._connect_us:
            yield WaitUntil(self._ticker.monotonic_us() + self._connect_us)
        self._is_open = True

    def _let_go(self) -> Steps[None]:
        """The wire is lost."""
        self._counts["lost"] += 1
        yield from self._close()

    def _close(self) -> Steps[None]:
        self._is_open = False
        yield Close()

    def _settle(self, question: Question) -> Steps[None]:
        """Wait until a request may be sent; throw away what nobody asked for. Raises FrameError on a babbling line."""
        now_us = self._ticker.monotonic_us()
        if self._free_from_us is None:
            # First use of a line: a process that died in mid-question may have left an answer under way.
            self._must_listen = self._framing is Framing.RTU
            self._free_from_us = now_us + (self._quiet_us if self._must_listen else 0)
        free_of_older_us = self._unanswered.free_from_us(question)
        if free_of_older_us > max(now_us, self._free_from_us):
            self._free_from_us, self._must_listen = free_of_older_us, True
        give_up_us = max(now_us, self._free_from_us) + self._quiet_us + self._timeout_us
        if not self._must_listen:
            yield WaitUntil(self._free_from_us)
        overheard, heard_us, is_answer_waited_for = b"", now_us, False
        while True:
            heard = yield Read(DRAIN_BYTES, self._free_from_us)
            now_us = self._ticker.monotonic_us()
            if heard:
                self._counts["discarded_bytes"] += len(heard)
                overheard, heard_us = (overheard + heard)[-DRAIN_BYTES:], now_us
                # Whoever talks may not have ended: the line is free after the standard's silence, and its own pause.
                self._free_from_us = max(self._free_from_us, now_us + self._pause_us)
                is_answer_waited_for = False
            elif is_answer_waited_for or not self._others(overheard[-REQUEST_BYTES:]):
                break
            else:
                # Another master has just asked: the answer is its own, though it may look like ours.
                self._free_from_us = now_us + self._timeout_us
                is_answer_waited_for = True
            if now_us > give_up_us:
                self._suspect()
                self._overhear(overheard, heard_us)
                if self._framing is Framing.TCP:
                    yield from self._close()  # nobody else can be heard there: the other side is not in its senses
                raise FrameError(f"{self.name} {question}: the line is never silent; another master, or noise?")
        self._overhear(overheard, heard_us)
        self._must_listen = False

    def _others(self, heard: bytes) -> list[bytes]:
        """Another master's requests in what nobody here asked for."""
        if len(heard) < REQUEST_BYTES or self._framing is not Framing.RTU:
            return []
        late_echo = self._last_request if self._must_listen else b""
        return [frame for frame in requests_heard(heard, crc_ok) if frame != late_echo]

    def _overhear(self, heard: bytes, heard_us: int) -> None:
        """Count another master's requests, and answers that come after all, in what nobody here waited for."""
        others = self._others(heard)
        self._counts["other_master"] += len(others)
        if not others:  # else it may be the other's answer
            self._note_late(heard, heard_us)

    def _note_late(self, heard: bytes, heard_us: int) -> None:
        if heard and self._framing is Framing.RTU:
            self._counts["late"] += self._unanswered.take_late(heard, heard_us, crc_ok)

    def _hear_early(self, sent_us: int, request: bytes) -> Steps[tuple[bytes, bytes]]:
        """What is there when the request has just left the wire: (what may belong to us, what cannot).

        An answer's first character is over one character later at the soonest. An adapter hands bytes over late and
        never early, and so may this process look late: then nothing can be told and everything may be ours.
        """
        if not self._is_paced:
            return b"", b""
        out_us = sent_us + REQUEST_BYTES * self._character_us
        yield WaitUntil(out_us)
        heard = yield Read(BUFFER_LIMIT, out_us)
        if request.startswith(heard) or self._ticker.monotonic_us() >= out_us + self._character_us:
            return heard, b""  # nothing, an echo, or seen too late
        return b"", heard

    def _await_rtu(
        self, question: Question, request: bytes, deadline_us: int, begun: bytes, foreign: bytes
    ) -> Steps[bytes]:
        """The PDU. `begun`: heard already; `foreign`: heard too, and no part of any answer to this question."""
        buffer, begun_us = b"", self._ticker.monotonic_us()
        echo_expected = True
        while True:
            # What has come already may be all: then nobody may wait for more.
            heard = yield Read(BUFFER_LIMIT, begun_us if begun else deadline_us)
            heard, begun = begun + heard, b""
            buffer = (buffer + heard)[-BUFFER_LIMIT:]
            if echo_expected and buffer.startswith(request):
                buffer = buffer[len(request) :]
                echo_expected = False
                self._counts["echoes"] += 1
            found = find_rtu_answer(buffer, question, crc_ok)
            if found is not None:
                return self._cut_rtu(question, foreign, buffer, *found)
            now_us = self._ticker.monotonic_us()
            if not heard or now_us >= deadline_us:
                raise self._no_rtu_answer(question, buffer, foreign)
            missing = max(1, question.answer_bytes - len(buffer))
            yield WaitUntil(min(now_us + missing * self._character_us, deadline_us))

    def _cut_rtu(self, question: Question, foreign: bytes, buffer: bytes, start: int, end: int) -> bytes:
        """The PDU of the answer found. Raises FrameError if it may as well answer another master's question."""
        before = foreign + buffer[:start]
        if before or end < len(buffer):
            self._counts["noise"] += 1
            self._suspect()
            others = [frame for frame in requests_heard(before, crc_ok) if frame != self._last_request]
            self._counts["other_master"] += len(others)
            if any(question.resembles(frame) for frame in others):
                self._counts["ambiguous"] += 1
                raise FrameError(
                    f"{self.name} {question}: another master asked this unit for as many registers in the same moment"
                )
        return buffer[start + 1 : end - 2]

    def _no_rtu_answer(self, question: Question, buffer: bytes, foreign: bytes) -> DriverError:
        if not buffer and not foreign:
            return NoAnswerError(self._silence(question))
        trouble, sentence = Trouble.NOISE, f"{len(foreign)} bytes came before the question was out; another master?"
        if buffer:
            trouble, sentence = explain_rtu(buffer, question, crc_ok)
        self._counts[trouble.value] += 1
        heard = foreign + buffer
        others = [frame for frame in requests_heard(heard, crc_ok) if frame != self._last_request]
        self._counts["other_master"] += len(others)
        if not others:
            self._note_late(heard, self._ticker.monotonic_us())
        return FrameError(f"{self.name} {question}: {sentence}")

    def _await_tcp(self, question: Question, deadline_us: int) -> Steps[bytes]:
        buffer = bytearray()
        trouble: tuple[Trouble, str] | None = None
        while True:
            heard = yield Read(BUFFER_LIMIT, deadline_us)
            buffer += heard
            try:
                while (frame := take_tcp_frame(buffer)) is not None:
                    if frame.transaction != self._transaction:
                        self._counts["late"] += 1
                        continue
                    trouble = explain_tcp(frame, question)
                    if trouble is None:
                        if buffer:
                            self._suspect()
                            skip_tcp_frames(buffer)
                        return frame.pdu
            except ValueError as error:
                # Lost count of the stream: nothing that follows can be trusted, so it is closed.
                self._counts[Trouble.NOISE.value] += 1
                yield from self._close()
                raise FrameError(f"{self.name} {question}: {error}") from error
            if not heard or self._ticker.monotonic_us() >= deadline_us:
                return (yield from self._give_up_tcp(question, bool(buffer), trouble))

    def _give_up_tcp(self, question: Question, begun: bool, trouble: tuple[Trouble, str] | None) -> Steps[bytes]:
        if trouble is None and not begun:
            sentence = self._silence(question)
            if self._silent_in_a_row >= SILENT_BEFORE_RECONNECT:
                self._silent_in_a_row = 0
                yield from self._close()
            raise NoAnswerError(sentence)
        cause, sentence = trouble or (Trouble.TRUNCATED, "the answer began and did not end")
        self._counts[cause.value] += 1
        if begun:
            yield from self._close()  # the rest of a half frame would be read as a header
        raise FrameError(f"{self.name} {question}: {sentence}")

    def _silence(self, question: Question) -> str:
        self._counts["silent"] += 1
        self._silent_in_a_row += 1
        sentence = f"{self.name} {question}: no answer within {self._timeout_us // 1000} ms"
        late_us = self._unanswered.latest_us(question.unit)
        return f"{sentence}; one came after {late_us // 1000} ms: raise timeout_ms above that" if late_us else sentence

    def _suspect(self) -> None:
        """From now on the line must be listened to and kept quiet before the next request."""
        self._must_listen = True
        self._free_from_us = self._ticker.monotonic_us() + self._quiet_us

    def _encode(self, question: Question) -> bytes:
        if self._framing is Framing.TCP:
            self._transaction = self._transaction % 0xFFFF + 1
        return encode(question, self._framing, self._transaction)
