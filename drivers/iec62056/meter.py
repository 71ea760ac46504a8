"""An optical meter that is asked, modes A, B and C: sessions become a `Sample`. Everything it is stands in its profile.

A `drivers.Stepped` for a serial line's own thread. The window of a reading begins with the request of its session and
ends when the last of its energy registers had come: what a meter latches, it latches between those two.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from ..errors import ConfigurationError, DriverError, FrameError, NoAnswerError, RefusedError
from ..meter import Sample
from ..meter_time import TimeSample
from ..profile import Meaning, Profile, Register
from ..recording import Tape
from ..snapshot import MeterIdentity
from ..steps import Steps
from ..timing import Ticker
from ..want import Want
from .actions import Answer, Failed, Outcome, Reason
from .data_set import DataSet
from .dialogue import Dialogue
from .load_profile import ProfileBlock, profile_blocks, range_text
from .mapping import Mapped, check_energy, identity_of, snapshot_of
from .meter_clock import DATE_CODE, TIME_CODE, time_of
from .meter_stamp import MeterStamp
from .plan import REACTION_MAX_US, Line, Plan
from .plan import Mode as PlanMode
from .programming import Password, ReadCommand, ReadKind
from .readout import Identification, Telegram
from .runner import Heard, Runner
from .terms import Method, Mode, OpticalTerms

SECOND_US = 1_000_000
START_BD = 300
TURNS_KEPT = 5
_PLAN_MODES = {Mode.A: PlanMode.A, Mode.B: PlanMode.B, Mode.C: PlanMode.C}
_SILENT = {Reason.NO_IDENTIFICATION, Reason.NO_ANSWER}


@dataclass(slots=True)
class OpticalCounters:
    """What happened on this port so far."""

    sessions: int = 0
    failed: int = 0
    repeats: int = 0
    """Blocks and requests that had to be sent again within sessions that came to their end."""
    smallest_interval_ms: int = 0
    """How often this meter can honestly be read: the longest of its last sessions, those for its load profile left
    out; 0: not known yet."""


class OpticalMeter:
    """One meter behind a port of its own, read in one thread."""

    def __init__(
        self,
        profile: Profile,
        terms: OpticalTerms,
        runner: Runner,
        ticker: Ticker,
        line: Line,
        *,
        address: str = "",
        password: Password | None = None,
        swap_direction: bool = False,
    ) -> None:
        """`profile`: fitted to the device. Nothing is sent before the first question."""
        self.counters = OpticalCounters()
        self.profile, self.terms = profile, terms
        self._runner, self._ticker, self._line = runner, ticker, line
        self._password, self._swap_direction = password, swap_direction
        self._plan = Plan(
            mode=_PLAN_MODES.get(terms.mode, PlanMode.AUTO),
            address=address,
            max_baud_bd=terms.fastest_bd,
            wake_up=terms.wakes_up,
        )
        self._fresh: Sample | None = None
        self._sets: tuple[DataSet, ...] = ()
        self._sets_us = (0, 0)
        self._serial: str | None = None
        self._rest_until_us = 0
        self._ready_us = 0
        self._took_us: list[int] = []
        self._turns_us: list[int] = []
        self._told_status = ""
        self.baud_bd = START_BD
        """The rate of the last session's data."""

    @property
    def update_lag_us(self) -> int:
        return self.profile.update_lag_us

    @property
    def takes_us(self) -> int:
        """How long a session lasts: the longest of the last few; 0 before the first."""
        return max(self._took_us, default=0)

    @property
    def ratio(self) -> Fraction:
        """What its energies are multiplied by: of transformers that it does not know of."""
        return next(one.ratio for one in self.profile.registers if one.meaning is Meaning.ENERGY_IMPORT)

    @property
    def registers(self) -> tuple[Register, ...]:
        """What a reading may tell, with the units."""
        return self.profile.registers

    def identify(self) -> MeterIdentity:
        """Who answers, out of a whole readout; the reading that follows is this one. Raises DriverError."""
        identity, self._fresh = self._readout()
        self._serial = identity.serial
        return identity

    def read(self, *, want: Want = Want.DUE) -> Sample:
        """The energy registers, and with a readout all that the meter tells. Raises DriverError."""
        fresh, self._fresh = self._fresh, None
        if fresh is not None:
            return fresh
        if self.terms.method is Method.REGISTERS and want is not Want.ALL:
            return self._registers()
        identity, sample = self._readout()
        if self._serial is not None and identity.serial != self._serial:
            was, self._serial = self._serial, None
            raise FrameError(f"another meter answers: serial number {identity.serial}, was {was}")
        return sample

    def ask(self, *commands: ReadCommand, is_turn: bool = True) -> tuple[tuple[Answer, ...], Heard]:
        """Read commands in one session of programming mode, where the meter has one. Raises DriverError.

        `is_turn`: of the kind that comes with every reading, and limits how often there can be one.
        """
        if self.terms.mode is not Mode.C:
            raise ConfigurationError(
                f"profile {self.profile.name}: mode {self.terms.mode.value} has no programming mode"
            )
        plan = replace(self._plan, commands=commands, password=self._password)
        outcome, heard = self._session(plan, is_turn=is_turn)
        return outcome.answers, heard

    def read_profile(self, begin: MeterStamp, end: MeterStamp) -> tuple[ProfileBlock, ...]:
        """The load profile between two times of the meter's clock. Raises DriverError."""
        terms = self.terms.load_profile
        if terms is None:
            raise ConfigurationError(f"profile {self.profile.name} has no [load_profile]")
        command = ReadCommand(ReadKind(terms.command), range_text(begin, end, terms.code))
        (answer,), _ = self.ask(command, is_turn=False)
        if answer.telegram is None or answer.error:
            raise RefusedError(f"{self._runner.port.name}: {answer.command}: {answer.error or 'no answer'}")
        return profile_blocks(answer.telegram.data_sets, terms.code)

    def _readout(self) -> tuple[MeterIdentity, Sample]:
        outcome, heard = self._session(self._plan)
        if outcome.telegram is None:
            raise FrameError(f"{self._runner.port.name}: the readout holds no data")
        # A meter that was asked waits for a word of ours about its readout; a request now would be lost on it. So long
        # by its own clock, and its last character was on its way through the head.
        wait_us = REACTION_MAX_US + self._line.margin_us
        self._ready_us = self._ticker.monotonic_us() + wait_us if self.terms.mode is Mode.C else 0
        return self._told(outcome.telegram, outcome.identification, heard)

    def _told(self, telegram: Telegram, identification: Identification, heard: Heard) -> tuple[MeterIdentity, Sample]:
        sets = telegram.data_sets
        sample = self._sample(sets, heard, heard.requested_us, one_moment=self.terms.one_moment)
        return identity_of(sets, identification), sample

    def _registers(self) -> Sample:
        """Import and export, each by its own command: not of one moment, but seconds instead of minutes."""
        codes = [one for one in self.profile.registers if one.meaning in (Meaning.ENERGY_IMPORT, Meaning.ENERGY_EXPORT)]
        answers, heard = self.ask(*(self._command(code_of(one)) for one in codes))
        sets = tuple(one for answer in answers if answer.telegram is not None for one in answer.telegram.data_sets)
        begun_us = min(heard.commanded_us, default=heard.requested_us)
        return self._sample(sets, heard, begun_us, one_moment=False)

    def _command(self, code: str) -> ReadCommand:
        return ReadCommand(ReadKind(self.terms.read_command), f"{code}()")

    def _sample(self, sets: tuple[DataSet, ...], heard: Heard, sent_us: int, *, one_moment: bool) -> Sample:
        mapped = self._mapped(sets, one_moment=one_moment)
        check_energy(mapped.snapshot)
        taken = [heard.arrived_us(f"{one.identifier}({one.value.text})") for one in mapped.taken]
        received_us = max(taken)
        self._sets, self._sets_us = sets, (sent_us, heard.arrived_us("\0"))
        notes: tuple[str, ...] = ()
        if mapped.status != self._told_status:
            self._told_status = mapped.status
            notes = (
                f"the meter tells a fault: {mapped.status}" if mapped.status else "the meter tells no fault any more",
            )
        return Sample(mapped.snapshot, sent_us, received_us, self.update_lag_us, (*self.profile.fitted_notes, *notes))

    def _mapped(self, sets: tuple[DataSet, ...], *, one_moment: bool) -> Mapped:
        return snapshot_of(
            sets,
            self.profile.registers,
            unit_if_none=self.terms.unit_if_none,
            ratio=self.ratio,
            one_moment=one_moment,
            swap_direction=self._swap_direction,
        )

    def _session(self, plan: Plan, *, is_turn: bool = True) -> tuple[Outcome, Heard]:
        """One session, after the rest that the last failed one needs. Raises DriverError."""
        begun_us = self._ticker.monotonic_us()
        if begun_us < self._rest_until_us:
            raise NoAnswerError(f"{self._runner.port.name}: the meter is left alone until it is back at its beginning")
        self._ticker.sleep_us(self._ready_us - begun_us)
        self.counters.sessions += 1
        try:
            end, heard = self._runner.run(Dialogue(plan, self._line), START_BD, is_secret=plan.password is not None)
        except DriverError:
            self.counters.failed += 1
            raise
        if isinstance(end, Failed):
            self.counters.failed += 1
            self._rest_until_us = self._ticker.monotonic_us() + end.rest_us
            raise _error_of(end, self._runner.port.name)
        self.counters.repeats += end.outcome.repeats
        self.baud_bd = end.outcome.baud_bd
        self._remember(self._ticker.monotonic_us() - begun_us, is_turn=is_turn)
        return end.outcome, heard

    def _remember(self, took_us: int, *, is_turn: bool = True) -> None:
        self._took_us = [*self._took_us, took_us][-TURNS_KEPT:]
        if is_turn:
            self._turns_us = [*self._turns_us, took_us][-TURNS_KEPT:]
            self.counters.smallest_interval_ms = -(-max(self._turns_us) // 1000)

    def read_time(self) -> TimeSample:
        """The meter's clock: of the last readout, else by commands of its own. Raises DriverError."""
        zone = self.terms.clock_zone
        if zone is None:
            raise ConfigurationError(f"profile {self.profile.name} has no [clock]")
        if self.terms.method is Method.REGISTERS:
            answers, heard = self.ask(*(self._command(code) for code in (DATE_CODE, TIME_CODE)))
            sets = tuple(one for answer in answers if answer.telegram is not None for one in answer.telegram.data_sets)
            sent_us = max(heard.commanded_us, default=heard.requested_us)
            self._sets, self._sets_us = sets, (sent_us, heard.arrived_us("\0"))
        time = time_of(self._sets, zone)
        return TimeSample(time, *self._sets_us, 0, SECOND_US)

    def identify_steps(self) -> Steps[MeterIdentity]:
        """No thread of TCP endpoints serves an optical port."""
        raise ConfigurationError("an optical meter is read on a serial line of its own")

    def read_steps(self, *, want: Want = Want.DUE) -> Steps[Sample]:
        """As `identify_steps`; `want` changes nothing."""
        raise ConfigurationError(f"an optical meter is read on a serial line of its own, {want.value} or not")

    def read_time_steps(self) -> Steps[TimeSample]:
        """As `identify_steps`."""
        raise ConfigurationError("an optical meter is read on a serial line of its own")

    def record(self, tape: Tape | None) -> None:
        """Take down what goes over the port from now on, passwords left out."""
        if tape is not None:
            tape.head.update(profile=self.profile.name, framing="iec62056")
            tape.is_unasked = self.terms.mode is Mode.D
        self._runner.tape = tape

    def forget(self) -> None:
        """Another meter may answer."""
        self._took_us, self._turns_us = [], []

    def relearn(self) -> None:
        """Nothing is kept of what this meter refused."""

    def close(self) -> None:
        self._runner.close()


def code_of(register: Register) -> str:
    """C.D.E of a register of `mapping`."""
    return f"{register.address >> 16}.{register.address >> 8 & 0xFF}.{register.address & 0xFF}"


def _error_of(failed: Failed, port: str) -> DriverError:
    """Sorted by what to do next."""
    told = f"{port}: {failed.reason.value.replace('_', ' ')}: {failed.detail}"
    if failed.reason in _SILENT:
        return NoAnswerError(told)
    if failed.reason in (Reason.REFUSED, Reason.BROKEN_OFF):
        return RefusedError(told)
    return FrameError(told)
