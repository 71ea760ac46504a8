"""One Modbus transaction at a time, defended. The only file that imports pymodbus (the codec: PDUs, framing, CRC).

RTU answers carry no address and no number, so a late one looks like the answer to the next question. Therefore: one
absolute deadline, the answer checked against the question, no retry in here, and after anything odd the line is
drained and kept quiet for longer than the device's worst latency before the next request.
It must never send anything but a read (function codes 3 and 4).
(Modbus over Serial Line V1.02, 2.5.1.1; Messaging on TCP/IP V1.0b, 3.1.3)
"""

import enum
import threading
from dataclasses import dataclass, replace

from pymodbus.framer import FramerBase, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.exceptionresponse import ExceptionResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from ..errors import (
    ConfigurationError,
    DriverError,
    FrameError,
    NoAnswerError,
    RefusedError,
    TransportLostError,
)
from ..timing import Ticker
from ..transport import Transport
from .counters import LinkCounters
from .frames import Question, Trouble, explain_rtu, explain_tcp, find_rtu_answer, take_tcp_frame

READS = {3: ReadHoldingRegistersRequest, 4: ReadInputRegistersRequest}
MAX_COUNT = 125
REQUEST_BYTES = 8
BUFFER_LIMIT = 1024  # four times the longest frame; a flood beyond it is dropped from the front
SILENCE_ABOVE_19200_US = 1750  # fixed t3.5 above 19200 baud (2.5.1.1)
SILENT_BEFORE_RECONNECT = 3  # TCP: a converter that accepts and never answers again needs a new connection
NEVER = {
    1: "illegal function: does this device use the other function code (3 or 4)?",
    2: "illegal data address: is the profile the right one for this device?",
    3: "illegal data value: does the device take fewer registers in one request?",
    4: "device failure: is the unit number right, and the device healthy?",
}
TARGET_SILENT = 11
NOT_NOW = {5: "acknowledge", 6: "busy", 10: "gateway path unavailable", TARGET_SILENT: "gateway target did not answer"}


class Framing(enum.Enum):
    """How a request is wrapped."""

    RTU = "rtu"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class Reply:
    """Registers, and when they were asked for and complete, microseconds on the ticker's scale."""

    words: tuple[int, ...]
    sent_us: int
    received_us: int


class ModbusLink:
    """One serial line or one TCP endpoint, with all the units behind it; one request in flight.

    Made for one thread: the lock keeps a second one from interleaving a transaction, and no more. The transport is
    opened on first use and closed when lost. `timeout_us` is the device's time to answer; time on the wire is added
    where `baud_bd` is known. `quiet_us` (default: the timeout) must exceed the device's worst latency. `pause_us` is
    the silence some devices want before every request.
    """

    def __init__(
        self,
        transport: Transport,
        framing: Framing,
        ticker: Ticker,
        *,
        timeout_us: int,
        quiet_us: int | None = None,
        baud_bd: int | None = None,
        pause_us: int = 0,
    ) -> None:
        self._transport = transport
        self._framing = framing
        self._ticker = ticker
        self._timeout_us = timeout_us
        self._quiet_us = timeout_us if quiet_us is None else quiet_us
        # 11 bits a character: start, 8 data, parity or second stop, stop (2.5.1). 8N1 in the field is a bit faster.
        self._character_us = -(-11_000_000 // baud_bd) if baud_bd else 0
        self._silence_us = 0
        if framing is Framing.RTU:
            slow = baud_bd is not None and baud_bd <= 19200
            self._silence_us = self._character_us * 7 // 2 if slow else SILENCE_ABOVE_19200_US
        self._pause_us = max(pause_us, self._silence_us)
        decoder = DecodePDU(False)
        self._framer: FramerBase = FramerRTU(decoder) if framing is Framing.RTU else FramerSocket(decoder)
        self._decoder = decoder
        self._transaction = 0
        self._free_from_us: int | None = None
        """Before this moment no request may be sent."""
        self._must_listen = False
        """True: the line is suspect; what comes before `_free_from_us` is drained."""
        self._silent_in_a_row = 0
        self._counters = LinkCounters()
        self._lock = threading.Lock()

    @property
    def counters(self) -> LinkCounters:
        return self._counters

    @property
    def name(self) -> str:
        return self._transport.name

    def close(self) -> None:
        """Close the transport; the next request opens it again. Never raises."""
        self._transport.close()

    def read_registers(self, unit: int, function: int, address: int, count: int) -> Reply:
        """Read `count` registers from `address` (counting from 0) of `unit` by function code 3 or 4; once, no retry.

        Raises ValueError for anything that is not a read; NoAnswerError, FrameError, RefusedError,
        ConfigurationError, TransportLostError.
        """
        if function not in READS:
            raise ValueError(f"function code {function} is not a read; this program only reads (3 or 4)")
        # Unit 0 is broadcast on a serial line, where nobody answers; over TCP some devices listen to 0 or 255.
        first, last = (1, 247) if self._framing is Framing.RTU else (0, 255)
        if not first <= unit <= last:
            raise ValueError(f"unit {unit}, expected {first} to {last}")
        if not 1 <= count <= MAX_COUNT or not 0 <= address <= 0x10000 - count:
            raise ValueError(f"address {address} count {count}, expected 1 to {MAX_COUNT} registers below 65536")
        question = Question(unit, function, address, count)
        with self._lock:
            try:
                return self._transact(question)
            except TransportLostError:
                self._count("lost")
                self._transport.close()
                self._suspect()
                raise

    def _transact(self, question: Question) -> Reply:
        self._open_settled(question)
        request = self._encode(question)
        sent_us = self._ticker.monotonic_us()
        self._count("requests")
        wire_us = self._character_us * (REQUEST_BYTES + question.answer_bytes)
        deadline_us = sent_us + wire_us + self._timeout_us
        try:
            self._transport.write(request)
            if self._framing is Framing.RTU:
                # The answer cannot be complete earlier: sleep until then, rather than wake up for every byte.
                self._ticker.sleep_us(min(wire_us, self._timeout_us))
                pdu = self._await_rtu(question, request, deadline_us)
            else:
                pdu = self._await_tcp(question, deadline_us)
        except BaseException:  # also an interrupt: whoever leaves in mid-question leaves an answer under way
            self._suspect()
            raise
        received_us = self._ticker.monotonic_us()
        self._silent_in_a_row = 0
        self._free_from_us = max(received_us + self._pause_us, self._free_from_us or 0)
        return Reply(self._decode(question, pdu), sent_us, received_us)

    def _open_settled(self, question: Question) -> None:
        """Open the transport and wait until a request may be sent; a connection that died idle is made anew, once."""
        was_open = self._transport.is_open
        self._transport.open()
        try:
            self._settle(question)
        except TransportLostError:
            if not was_open:
                raise
            self._count("lost")
            self._transport.close()
            self._transport.open()
            self._settle(question)

    def _settle(self, question: Question) -> None:
        """Wait until a request may be sent; throw away what nobody asked for. Raises FrameError on a babbling line."""
        now_us = self._ticker.monotonic_us()
        if self._free_from_us is None:
            # First use of a line: a process that died in mid-question may have left an answer under way.
            self._must_listen = self._framing is Framing.RTU
            self._free_from_us = now_us + (max(self._quiet_us, self._pause_us) if self._must_listen else 0)
        give_up_us = max(now_us, self._free_from_us) + self._quiet_us + self._timeout_us
        if not self._must_listen:
            self._ticker.sleep_us(self._free_from_us - now_us)
        while True:
            heard = self._transport.read(4096, self._free_from_us)
            if not heard:
                break
            self._count("discarded_bytes", len(heard))
            now_us = self._ticker.monotonic_us()
            # Whoever talks may not have ended: the line is free after the standard's silence, and its own pause.
            self._free_from_us = max(self._free_from_us, now_us + self._pause_us)
            if now_us > give_up_us:
                self._suspect()
                raise FrameError(f"{self.name} {question}: the line is never silent; another master, or noise?")
        self._must_listen = False

    def _await_rtu(self, question: Question, request: bytes, deadline_us: int) -> bytes:
        buffer = b""
        echo_expected = True
        while True:
            data = self._transport.read(BUFFER_LIMIT, deadline_us)
            buffer = (buffer + data)[-BUFFER_LIMIT:]
            if echo_expected and buffer.startswith(request):
                buffer = buffer[len(request) :]
                echo_expected = False
                self._count("echoes")
            found = find_rtu_answer(buffer, question, _crc_ok)
            if found is not None:
                start, end = found
                if start > 0 or end < len(buffer):
                    self._count("noise")
                    self._suspect()
                return buffer[start + 1 : end - 2]
            now_us = self._ticker.monotonic_us()
            if not data or now_us >= deadline_us:
                raise self._no_rtu_answer(question, buffer)
            missing = max(1, question.answer_bytes - len(buffer))
            self._ticker.sleep_us(min(missing * self._character_us, deadline_us - now_us))

    def _no_rtu_answer(self, question: Question, buffer: bytes) -> DriverError:
        if not buffer:
            return self._silent(question)
        trouble, sentence = explain_rtu(buffer, question, _crc_ok)
        self._count(trouble.value)
        return FrameError(f"{self.name} {question}: {sentence}")

    def _await_tcp(self, question: Question, deadline_us: int) -> bytes:
        buffer = bytearray()
        trouble: tuple[Trouble, str] | None = None
        while True:
            data = self._transport.read(BUFFER_LIMIT, deadline_us)
            buffer += data
            try:
                while (frame := take_tcp_frame(buffer)) is not None:
                    if frame.transaction != self._transaction:
                        self._count("late")
                        continue
                    trouble = explain_tcp(frame, question)
                    if trouble is None:
                        if buffer:
                            self._suspect()
                        return frame.pdu
            except ValueError as error:
                # Lost count of the stream: nothing that follows can be trusted, so it is closed.
                self._transport.close()
                self._count(Trouble.NOISE.value)
                raise FrameError(f"{self.name} {question}: {error}") from error
            if not data or self._ticker.monotonic_us() >= deadline_us:
                raise self._no_tcp_answer(question, bool(buffer), trouble)

    def _no_tcp_answer(self, question: Question, begun: bool, trouble: tuple[Trouble, str] | None) -> DriverError:
        if trouble is None and not begun:
            return self._silent(question)
        cause, sentence = trouble or (Trouble.TRUNCATED, "the answer began and did not end")
        self._count(cause.value)
        if begun:
            self._transport.close()  # the rest of a half frame would be read as a header
        return FrameError(f"{self.name} {question}: {sentence}")

    def _silent(self, question: Question) -> NoAnswerError:
        self._count("silent")
        self._silent_in_a_row += 1
        if self._framing is Framing.TCP and self._silent_in_a_row >= SILENT_BEFORE_RECONNECT:
            self._silent_in_a_row = 0
            self._transport.close()
        return NoAnswerError(f"{self.name} {question}: no answer within {self._timeout_us // 1000} ms")

    def _suspect(self) -> None:
        """From now on the line must be listened to and kept quiet before the next request."""
        self._must_listen = True
        self._free_from_us = self._ticker.monotonic_us() + max(self._quiet_us, self._pause_us)

    def _encode(self, question: Question) -> bytes:
        if self._framing is Framing.TCP:
            self._transaction = self._transaction % 0xFFFF + 1
        pdu = READS[question.function](
            dev_id=question.unit,
            transaction_id=self._transaction,
            address=question.address,
            count=question.count,
        )
        return self._framer.buildFrame(pdu)

    def _decode(self, question: Question, pdu: bytes) -> tuple[int, ...]:
        answer = self._decoder.decode(pdu)
        if answer is None:
            raise FrameError(f"{self.name} {question}: answer cannot be decoded: {pdu.hex(' ')}")
        if not isinstance(answer, ExceptionResponse):
            self._count("answers")
            return tuple(answer.registers)
        code = answer.exception_code
        if code in NEVER:
            self._count("impossible")
            raise ConfigurationError(f"{self.name} {question}: exception {code}, {NEVER[code]}")
        self._count("refused")
        if code == TARGET_SILENT:
            self._suspect()  # the silent unit behind the gateway may still answer, into the next question
        raise RefusedError(f"{self.name} {question}: exception {code}, {NOT_NOW.get(code, 'not in the standard')}")

    def _count(self, cause: str, by: int = 1) -> None:
        self._counters = replace(self._counters, **{cause: getattr(self._counters, cause) + by})


def _crc_ok(frame: bytes) -> bool:
    return FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))
