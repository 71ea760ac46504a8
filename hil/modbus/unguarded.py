"""The control: a master that writes, waits for as many bytes as it asked for, and believes what is sound.

It checks unit and CRC (or nothing but the length, over TCP) as simple readers do; it knows no quiet, drains nothing,
and compares neither function nor address. Nothing of the driver's guard is in it.
"""

from drivers import DriverError, NoAnswerError, Ticker
from drivers.transport import Transport

from .faults import Framing, Setting, Step
from .frames import crc_holds, rtu, tcp


class Unguarded:
    """Obeys `trial.Link`."""

    def __init__(self, transport: Transport, line: Setting, ticker: Ticker) -> None:
        self._transport, self._line, self._ticker = transport, line, ticker
        self._failed = 0

    def read_words(self, step: Step) -> tuple[int, ...]:
        """The words of whatever comes first. Raises DriverError."""
        try:
            return self._ask(step)
        except DriverError:
            self._failed += 1
            raise

    def _ask(self, step: Step) -> tuple[int, ...]:
        asked, is_tcp = step.question, self._line.framing is Framing.TCP
        pdu = bytes((asked.function, *asked.address.to_bytes(2, "big"), *asked.count.to_bytes(2, "big")))
        self._transport.open()
        self._ticker.sleep_us(self._line.silence_us)
        self._transport.write(tcp(asked.address, asked.unit, pdu) if is_tcp else rtu(asked.unit, pdu))
        wanted = (9 if is_tcp else 5) + 2 * asked.count
        deadline_us = self._ticker.monotonic_us() + self._line.character_us * (8 + wanted) + self._line.timeout_us
        heard = b""
        while len(heard) < wanted:
            more = self._transport.read(wanted - len(heard), deadline_us)
            if not more:
                raise NoAnswerError("nothing more came")
            heard += more
        if not is_tcp and (not crc_holds(heard) or heard[0] != asked.unit):
            raise NoAnswerError("not sound")
        words = heard[9:] if is_tcp else heard[3:-2]
        return tuple(int.from_bytes(words[n : n + 2], "big") for n in range(0, len(words), 2))

    def counts(self) -> dict[str, int]:
        """One count, so that no failure goes uncounted."""
        return {"failed": self._failed}

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()
