"""The units of one line at one setting, or of one endpoint: asked one after another, and recognised where they answer.

Blocking, in the caller's thread. Two links on one transport: a quick one for units that are mostly not there, a patient
one for those that are. (docs/scan.md)
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from drivers import Profile, Ticker
from drivers.modbus.line_times import STANDARD_BITS
from drivers.modbus.link import Framing, ModbusLink
from drivers.modbus.listen import listen
from drivers.modbus.presence import QUESTIONS, Inquiry, Presence, is_there
from drivers.modbus.recognise import Recognition, recognise
from drivers.modbus.scan import LATE_US, REST_US, LineSetting
from drivers.transport.base import Transport

PATIENT_US = 1_000_000
PAUSE_US = 30_000
"""Between two questions to a device that is not known yet: t3.5 is enough for most, some want more."""
UNCLEAR_MOST = 5
"""Units in a row with noise for an answer: then it is the line, not a unit."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How units are asked. `timeout_us`: for one that may not be there."""

    timeout_us: int
    questions: Sequence[tuple[int, int]] = QUESTIONS
    patient_us: int = PATIENT_US


class UnitScan:
    """One transport, open or not, and who is behind it."""

    def __init__(
        self,
        transport: Transport,
        framing: Framing,
        ticker: Ticker,
        manner: Manner,
        profiles: Sequence[Profile],
        setting: LineSetting | None = None,
    ) -> None:
        self._transport, self._manner, self._profiles = transport, manner, profiles
        self._framing, self._ticker = framing, ticker
        baud_bd = None if setting is None else setting.baud_bd
        bits = STANDARD_BITS if setting is None else setting.character_bits
        self._quick = ModbusLink(
            transport,
            framing,
            ticker,
            timeout_us=manner.timeout_us,
            quiet_us=REST_US,
            baud_bd=baud_bd,
            character_bits=bits,
        )
        patient_us = max(manner.patient_us, 2 * manner.timeout_us)
        self._patient = ModbusLink(
            transport,
            framing,
            ticker,
            timeout_us=patient_us,
            quiet_us=patient_us // 2,
            baud_bd=baud_bd,
            pause_us=PAUSE_US,
            character_bits=bits,
        )
        self.unclear: list[int] = []
        """Units for which noise came."""
        self.is_noisy = False
        """Noise came so often that the rest was left out."""

    @property
    def requests(self) -> int:
        return self._quick.counters.requests + self._patient.counters.requests

    @property
    def other_master(self) -> int:
        """Questions of another master that were heard meanwhile."""
        return self._quick.counters.other_master + self._patient.counters.other_master

    def close(self) -> None:
        self._transport.close()

    def there(self, units: Iterable[int], tell: Callable[[int], None]) -> Iterator[int]:
        """Which of `units` are there, each as soon as it is known. `tell` hears who is asked.

        Raises drivers.TransportLostError.
        """
        before: int | None = None
        noisy = 0
        for unit in units:
            tell(unit)
            presence = self._presence(self._quick, unit)
            if presence is Presence.UNCLEAR and before is not None and self._is_there_after_all(before):
                yield before  # it was slower than the timeout: its answer came into this unit's time
                presence = self._presence(self._quick, unit)
            if presence is Presence.UNCLEAR:
                presence = self._presence(self._patient, unit)
            if presence is Presence.THERE:
                yield unit
            if presence is Presence.UNCLEAR:
                self.unclear.append(unit)
            noisy = noisy + 1 if presence is Presence.UNCLEAR else 0
            if noisy >= UNCLEAR_MOST:
                self.is_noisy = True
                return
            before = unit if presence is Presence.ABSENT else None
        if (
            before is not None
            and self._framing is Framing.RTU
            and self._speaks_late()
            and self._is_there_after_all(before)
        ):
            yield before

    def recognise(self, unit: int) -> Recognition:
        """Who it is. Raises drivers.TransportLostError."""
        return self._patient.run(recognise(Inquiry(self._patient, unit), self._profiles))

    def _speaks_late(self) -> bool:
        """Whether something comes after the last question's timeout; there is no next question that would show it."""
        return self._quick.run(listen(self._ticker, LATE_US)).octets > 0

    def _is_there_after_all(self, unit: int) -> bool:
        return self._presence(self._patient, unit) is Presence.THERE

    def _presence(self, link: ModbusLink, unit: int) -> Presence:
        return link.run(is_there(link, unit, self._manner.questions))
