"""An optical meter that sends by itself, mode D: the next whole telegram is the reading. Nothing is ever sent to it.

When a telegram began is known from below: the port was empty a moment before. What was waiting in the port when it is
asked is thrown away, because nobody knows how old it is.
"""

from ..errors import DriverError, FrameError, NoAnswerError, TransportLostError
from ..meter import Sample
from ..recording import HEARD
from ..snapshot import MeterIdentity
from .meter import OpticalMeter
from .readout import Identification, Telegram
from .runner import READ_BYTES, Heard
from .scanner import Scanner

LOOK_US = 50_000
LONGEST_TELEGRAM = 16_384
MOST_BYTES = 2 * LONGEST_TELEGRAM
"""Where so much holds no whole telegram, more will not: the rate is another, or no meter talks there."""


class PushedMeter(OpticalMeter):
    """One meter that talks unasked, heard in one thread."""

    def _readout(self) -> tuple[MeterIdentity, Sample]:
        begun_us = self._ticker.monotonic_us()
        self.counters.sessions += 1
        try:
            telegram, identification, heard = self._listen(begun_us + self.terms.longest_s * 1_000_000)
        except DriverError as error:
            self.counters.failed += 1
            if isinstance(error, TransportLostError):
                self._runner.close()
            raise
        self._remember(self._ticker.monotonic_us() - begun_us)
        return self._told(telegram, identification, heard)

    def _listen(self, end_us: int) -> tuple[Telegram, Identification, Heard]:
        """The next telegram that is whole. Raises NoAnswerError, FrameError, TransportLostError."""
        port = self._runner.port
        port.open()
        port.set_baud(self.terms.push_bd)
        port.drain()
        scanner = Scanner(max_bytes=LONGEST_TELEGRAM, has_bcc=self.terms.has_bcc)
        heard, empty_us, wrong = Heard(), self._ticker.monotonic_us(), ""
        began: list[tuple[int, int]] = []  # (bytes before, when the port was empty last before them)
        while self._ticker.monotonic_us() < end_us and len(heard.text) < MOST_BYTES:
            data = port.read(READ_BYTES, self._ticker.monotonic_us() + LOOK_US)
            now_us = self._ticker.monotonic_us()
            if not data:
                empty_us = now_us
                continue
            self._runner.note(HEARD, data)
            began.append((len(heard.text), empty_us))
            heard.came(data, now_us)
            empty_us = now_us if len(data) < READ_BYTES else empty_us
            for telegram in scanner.feed(data):
                if telegram.valid and telegram.identification is not None:
                    heard.requested_us = max(when for before, when in began if before <= telegram.offset)
                    return telegram, telegram.identification, heard
                wrong = str(telegram.faults[0]) if telegram.faults else "no identification"
        if heard.text:
            raise FrameError(
                f"{port.name}: {len(heard.text)} bytes at {self.terms.push_bd} Bd, no whole telegram"
                f"{': ' + wrong if wrong else '; does the meter send at this rate (push_baud_bd of the profile)?'}"
            )
        raise NoAnswerError(f"{port.name}: nothing heard in {self.terms.longest_s} s; is the head on the meter's eye?")
