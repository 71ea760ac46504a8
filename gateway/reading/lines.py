"""All lines of a gateway: from the config to the threads that read; other threads' questions to the one concerned.

A thread for each serial line, one for all TCP endpoints. Knows which meter is behind which; reads none itself.
"""

import queue
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from drivers import DriverError, MeterIdentity, Stepped, SystemTicker
from drivers.meter_time import Timed
from drivers.modbus.codec import check_question
from drivers.modbus.frames import Question
from drivers.modbus.link import ModbusLink
from drivers.recording import Tape

from ..clock import Clock
from ..config.types import Config, MeterSection
from ..config.way import WayKind, way_of
from ..ledger.records import Record
from ..tariff.calendar import Calendar
from ..timeline import Timeline
from .endpoints import Endpoints
from .guests import WITHIN_S, Guests, question_of, told
from .line import Line
from .load_profile import Told
from .meter_clock import ClockMeter, MeterClock
from .meter_witness import MeterWitness
from .meters import by_line, longest_request_s, open_line, silence_s, tells_time
from .overheard import Overheard
from .read import Reading
from .schedule import Schedule, gap_us, phase_of
from .turns import LineMeter
from .view import reading_view

if TYPE_CHECKING:
    from drivers.iec62056.meter import OpticalMeter

    from .backfill import Backfill

READ_NOW_WITHIN_S = 30.0


class Listener(Protocol):
    """Who hears what the lines bring: the ledger thread. Every call is from a line's own thread."""

    def deliver(self, reading: Reading) -> None: ...

    def report_failure(self, meter: str, error: str) -> None: ...

    def report_event(self, meter: str, kind: str, detail: Record) -> None: ...

    def correct(self, meter: str, told: Sequence[Told]) -> None: ...


class Lines:
    """Every meter's line. Nothing is asked before the `threads` are started, by whoever owns the process."""

    def __init__(
        self,
        config: Config,
        folder: Path,
        calendar: Calendar,
        clock: Clock,
        listener: Listener,
        clock_meter: str | None = None,
        last_accepted: Callable[[str], Reading | None] = lambda _meter: None,
    ) -> None:
        """`folder`: the config's own. `clock_meter`: the meter that tells `clock` the time. Raises DriverError.

        `last_accepted`: a meter's last reading that was booked, by an earlier run too.
        """
        self._config, self._folder, self._calendar, self._clock = config, folder, calendar, clock
        self._listener, self._clock_meter = listener, clock_meter
        self._overheard: dict[str, Overheard] = {}
        self._link_of: dict[str, ModbusLink] = {}
        self._optical: dict[str, OpticalMeter] = {}
        self._backfills: dict[str, Backfill] = {}
        self._last_accepted = last_accepted
        self._guests_of: dict[str, Guests] = {}
        self._counters = {one.name: tuple(counter.name for counter in one.counter) for one in config.meter}
        self.witnesses: dict[str, MeterWitness] = {}
        """Of meters that tell the time beside ours."""
        self.paces: dict[str, Callable[[], Record]] = {}
        """Of meters on an optical port: how often each can be read."""
        self.threads = self._open()
        self._line_of = {meter: line for line in self.threads for meter in line.meters}

    def ask_again(self, meter: str) -> None:
        """Read this meter as soon as its line is free."""
        self._line_of[meter].ask_again(meter)

    def identity_of(self, meter: str) -> MeterIdentity | None:
        """Who answers; None: not yet known, or away."""
        return self._line_of[meter].meters[meter].identity

    def wire_view(self, meter: str) -> dict[str, int]:
        """What happened on this meter's line so far, counted by cause; the same for all that share it."""
        if meter in self._optical:
            return asdict(self._optical[meter].counters)
        return asdict(self._link_of[meter].counters)

    def read_now(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer of `netmeter read`: through the line's own thread, between two polls."""
        name = str(request.get("meter", ""))
        line = self._line_of.get(name)
        if line is None:
            return {"error": f"no meter {name}; known: " + ", ".join(self._line_of)}
        tape = Tape() if request.get("record") else None
        try:
            answer = line.read_now(name, tape).get(timeout=READ_NOW_WITHIN_S)
        except queue.Empty:
            return {"error": f"meter {name}: its line did not come to it within {READ_NOW_WITHIN_S:.0f} s"}
        recording = {} if tape is None else {"recording": tape.recording().text()}
        if isinstance(answer, DriverError):
            return {"error": str(answer), **recording}
        return {**reading_view(*answer, line.meters[name].polled.registers), **recording}

    def probe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer of `netmeter scan`: one question to any unit on the line of `meter`, asked in a gap of that line."""
        name = str(request.get("meter", ""))
        line = self._line_of.get(name)
        if line is None:
            return {"error": f"no meter {name}; known: " + ", ".join(self._line_of)}
        if name not in self._guests_of:
            return {"error": f"{name} is on an optical port: nothing else can be asked there"}
        guests = self._guests_of[name]
        try:
            question = question_of(request)
            check_question(Question(*question), guests.link.framing)
        except ValueError as error:
            return {"error": str(error)}
        guest = line.ask_as_guest(guests, question)
        if guest is None:
            return {"error": f"the line of {name} has too many questions waiting: does another scan run?"}
        try:
            return told(guest.answer.get(timeout=WITHIN_S))
        except queue.Empty:
            guests.leave(guest)
            return {
                "error": f"the line of {name} had no gap of {guests.takes_s:.1f} s within {WITHIN_S:.0f} s between its "
                "own readings: raise poll_s or lower timeout_ms, or stop the gateway while you scan"
            }

    def _open(self) -> list[Line | Endpoints]:
        lines: list[Line | Endpoints] = []
        places: list[tuple[str, int, list[LineMeter]]] = []
        guests: list[Guests] = []
        for name, sections in by_line(self._config.meter).items():
            meters, way = self._open_meters(sections, len(places)), way_of(sections[0])
            own = self._guests_of.get(sections[0].name)
            if way.is_endpoint and own is not None:
                places.append((way.host, way.tcp_port, meters))
                guests.append(own)
            else:
                lines.append(Line(name, meters, self._clock, self._deliver, self._report_failure, own))
        if places:
            lines.append(Endpoints(places, self._clock, SystemTicker(), self._deliver, self._report_failure, guests))
        return lines

    def _open_meters(self, sections: list[MeterSection], endpoints_before: int) -> list[LineMeter]:
        """The meters of one line."""
        line = open_line(sections, self._folder, SystemTicker())
        if (link := line.link) is None:
            return [self._open_optical(sections[0], line.meters[sections[0].name])]
        overheard = Overheard(lambda: link.counters.other_master, self._clock)
        guests = Guests(link, self._clock, silence_s(sections[0], sections))
        meters = []
        for section in sections:
            polled = line.meters[section.name]
            self._link_of[section.name] = link
            self._guests_of[section.name] = guests
            if way_of(section).kind is not WayKind.TCP:  # where nobody else can be heard
                self._overheard[section.name] = overheard
            polled = self._with_clock(section, polled)
            poll_us = section.poll_s * 1_000_000
            # Endpoints are read by one thread: spread, none waits for the others. Meters of a line take turns anyway.
            phase_us = phase_of(endpoints_before, poll_us) if way_of(section).is_endpoint else 0
            meters.append(
                LineMeter(
                    section.name,
                    polled,
                    Schedule(poll_us, polled.update_lag_us, self._clock.rate, name=section.name, phase_us=phase_us),
                    Timeline(self._calendar, self._config.accounting.interval_min),
                    request_within_s=longest_request_s(section, sections),
                    silence_s=silence_s(section, sections),
                    identity_every_us=section.identity_every_s * 1_000_000,
                )
            )
        return meters

    def _with_clock(self, section: MeterSection, polled: Stepped) -> Stepped:
        """The meter, asked for its time too where it tells it."""
        if section.name == self._clock_meter and isinstance(self._clock, MeterClock) and isinstance(polled, Timed):
            return ClockMeter(polled, self._clock)
        if isinstance(polled, Timed) and tells_time(section, self._folder):
            self.witnesses[section.name] = witness = MeterWitness(self._clock, self._calendar.zone)
            return ClockMeter(polled, witness)
        return polled

    def _open_optical(self, section: MeterSection, polled: Stepped) -> LineMeter:
        """The one meter of an optical port."""
        from drivers.iec62056.meter import OpticalMeter

        from .optical import SILENCE_S, SlowSchedule, pace_record, request_within_s

        assert isinstance(polled, OpticalMeter)
        self._optical[section.name] = meter = polled
        self.paces[section.name] = lambda: pace_record(meter.counters)
        poll_us = section.poll_s * 1_000_000
        polled = self._with_clock(section, meter)
        self._open_backfill(section, meter)
        return LineMeter(
            section.name,
            polled,
            SlowSchedule(
                poll_us, meter.update_lag_us, self._clock.rate, name=section.name, takes_us=lambda: meter.takes_us
            ),
            Timeline(self._calendar, self._config.accounting.interval_min),
            request_within_s=request_within_s(meter),
            silence_s=SILENCE_S,
            identity_every_us=section.identity_every_s * 1_000_000,
        )

    def _open_backfill(self, section: MeterSection, meter: "OpticalMeter") -> None:
        """After an outage its load profile is read, where it has one and its clock is known beside ours."""
        from .backfill import Backfill

        name, witness = section.name, self.witnesses.get(section.name)
        if meter.terms.load_profile is None or witness is None:
            return
        self._backfills[name] = Backfill(
            meter,
            witness,
            Timeline(self._calendar, self._config.accounting.interval_min),
            self._clock,
            gap_us=gap_us(section.poll_s, self._clock.rate),
            limit_milliw=section.limit_milliw,
            swap_direction=section.swap_direction,
            post=lambda told: self._listener.correct(name, told),
            tell=lambda kind, detail: self._listener.report_event(name, kind, detail),
            last=self._last_accepted(name),
        )

    def _deliver(self, reading: Reading) -> None:
        self._tell_beside(reading.meter)
        # Who has asked for this reading gets it whole; the books keep theirs until the next commit.
        counters = self._counters[reading.meter]
        self._listener.deliver(replace(reading, snapshot=reading.snapshot.accounted(counters)))
        if (backfill := self._backfills.get(reading.meter)) is not None:
            backfill.hear(reading)

    def _report_failure(self, meter: str, why: str) -> None:
        self._tell_beside(meter)
        self._listener.report_failure(meter, why)

    def _tell_beside(self, meter: str) -> None:
        """In the line's own thread, after each turn; and what the meter's clock says."""
        witness = self.witnesses.get(meter)
        if witness is not None and (news := witness.news()) is not None:
            self._listener.report_event(meter, "meter_clock", news)
        overheard = self._overheard.get(meter)
        if overheard is not None and (requests := overheard.news()) is not None:
            self._listener.report_event(meter, "other_master", {"requests": requests})
