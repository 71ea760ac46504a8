"""Well-formed wrong frames on their way through the whole pipeline: link, meter, validate, accumulate, in virtual time.

Right unit, function, length and CRC, wrong words. Each reading that the books accept is held against what the meter
truly showed at that moment; at the end the account must be the meter's own growth, in one register epoch.
"""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from drivers import DriverError, load_profile
from drivers.build import open_polled
from drivers.modbus.link import Framing, ModbusLink
from gateway.buckets.accumulate import Accumulator, Rules
from gateway.clock import ClockState
from gateway.config.types import GapPolicy
from gateway.energy import AccumulatorState, Direction, registers_of
from gateway.kernels import Build, load_kernel
from gateway.reading.read import Reading, read_meter
from gateway.registers.validate import Accepted, Decision, Limits, NewEpoch, Rejected, ValidatorState, validate
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff
from gateway.timeline import Timeline

from ..chance import between, name_key, roll
from ..house import DAY_START_US, TARIFF
from .frames import RTU_REQUEST_BYTES, take_request
from .judge import TrialVerdict, key
from .virtual import START_US, VirtualTicker
from .wrong_words import MILLIWH_PER_WH, PROFILE, Meter, Wrong, reply

BOOKED_WRONG, ACCOUNT_WRONG = "booked_wrong", "account_wrong"
POLL_US = 5_000_000
HONEST_FIRST, HONEST_BETWEEN = 4, 3
LONGEST_ROW = 3
LIMIT_MILLIW = 24_000_000
_KEY = name_key("modbus wrong words")


class VirtualClock:
    """The pipeline's clock on a virtual ticker."""

    boot_id, rate = "virtual", 1

    def __init__(self, ticker: VirtualTicker) -> None:
        self._ticker = ticker

    def wall_us(self) -> int:
        return DAY_START_US + self._ticker.now_us - START_US

    def monotonic_us(self) -> int:
        return self._ticker.now_us

    def real_us(self) -> int:
        return self._ticker.now_us

    def state(self) -> ClockState:
        return ClockState.SYNCED

    def error_us(self) -> int:
        return 0


class MeterWire:
    """The meter at the far end of a 9600 baud line; `wrong` is what is wrong with its next answer."""

    name = "virtual meter"
    character_us = 1146

    def __init__(self, ticker: VirtualTicker, meter: Meter, chance: Random) -> None:
        self._ticker, self._meter, self._chance = ticker, meter, chance
        self._coming: tuple[int, bytes] | None = None
        self._open = False
        self.wrong: Wrong | None = None
        self.wrong_sent = 0
        self.truly_wh = (0, 0)
        """What the meter showed when it was last asked."""

    @property
    def is_open(self) -> bool:
        return self._open

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        self._open = False

    def write(self, data: bytes) -> None:
        request = take_request(bytearray(data), is_tcp=False)
        if request is None:
            return
        asked_us = self._ticker.now_us + RTU_REQUEST_BYTES * self.character_us + 30_000
        self.truly_wh = self._meter.registers_wh(asked_us - START_US)
        frame = reply(self._meter, request, asked_us - START_US, self.wrong, self._chance)
        self.wrong_sent += self.wrong is not None
        self._coming = (asked_us + len(frame) * self.character_us, frame)

    def read(self, max_bytes: int, deadline_us: int) -> bytes:
        if self._coming is None or self._coming[0] > deadline_us:
            self._ticker.now_us = max(self._ticker.now_us, deadline_us)
            return b""
        at_us, frame = self._coming
        self._ticker.now_us = max(self._ticker.now_us, at_us)
        self._coming = None
        return frame[:max_bytes]

    def drain(self) -> bytes:
        return self.read(65536, self._ticker.now_us)


class BooksTrial:
    """One meter's day with wrong frames in it. `guard` False: without the validate step, for the control."""

    def __init__(self, seed: int, numbers: Sequence[int], folder: Path, guard: bool = True) -> None:
        self._seed, self._numbers, self._guard = seed, numbers, guard
        chance = Random(roll(seed, _KEY, numbers[0]))
        meter = Meter(chance.randrange(10**6, 10**8), chance.randrange(10**6, 10**8), 2300, 1100)
        self._ticker = VirtualTicker()
        self._clock = VirtualClock(self._ticker)
        self._wire = MeterWire(self._ticker, meter, chance)
        profile = folder / "lied-about.toml"
        profile.write_text(PROFILE, encoding="utf-8")
        link = ModbusLink(self._wire, Framing.RTU, self._ticker, timeout_us=500_000, baud_bd=9600)
        self._polled = open_polled(load_profile(str(profile)), link, 1)
        self._limits, self._validator = Limits(limit_milliw=LIMIT_MILLIW), ValidatorState()
        rules = Rules(limit_milliw=LIMIT_MILLIW, gap=GapPolicy.PRO_RATA, max_gap_us=3_600_000_000)
        timeline = Timeline(Calendar(load_tariff(TARIFF)), 15)
        self._accumulator = Accumulator(AccumulatorState(), timeline, load_kernel(Build.PYTHON), rules)
        self._booked_last: dict[Direction, int] = {}
        self._first: dict[Direction, int] = {}
        self.verdict = TrialVerdict()

    def run(self) -> TrialVerdict:
        """Honest readings first, then wrong ones in rows of up to three with honest ones between, then honest ones."""
        left = list(self._numbers)
        self._poll_honestly(HONEST_FIRST)
        while left:
            for _ in range(min(len(left), between(1, LONGEST_ROW, self._seed, _KEY, left[0], 1))):
                self._poll_wrong(left.pop(0))
            self._poll_honestly(HONEST_BETWEEN)
        self._poll_honestly(40)
        self._judge_account()
        return self.verdict

    def _poll_honestly(self, times: int) -> None:
        for _ in range(times):
            self._poll()

    def _poll_wrong(self, number: int) -> None:
        kinds = list(Wrong)
        # Half of all wrong frames are random words; the other kinds share the rest.
        pick = roll(self._seed, _KEY, number, 2) % (2 * len(kinds))
        kind = kinds[pick] if pick < len(kinds) else Wrong.RANDOM
        sent = self._wire.wrong_sent
        self._wire.wrong = kind
        self._poll(f"wrong frame {number} {kind}")
        self._wire.wrong = None
        verdict = self.verdict
        verdict.faults += 1
        verdict.felt += self._wire.wrong_sent > sent
        verdict.counts[f"injected_words_{key(kind)}"] += 1

    def _poll(self, what: str = "an honest frame") -> None:
        self._ticker.now_us += POLL_US - (self._ticker.now_us - START_US) % POLL_US
        self.verdict.counts["readings"] += 1
        try:
            reading = read_meter("lied-about", self._polled, self._clock)
        except DriverError as error:
            self.verdict.counts[f"readings_refused_{type(error).__name__}"] += 1
            return
        decision: Decision
        if self._guard or self._validator.last is None:
            self._validator, decision = validate(self._validator, reading, self._limits)
        else:
            decision = Accepted(reading)
        self._book(decision, what)

    def _book(self, decision: Decision, what: str) -> None:
        reading = decision.reading
        self.verdict.counts[f"readings_{type(decision).__name__.lower()}"] += 1
        if not isinstance(decision, Accepted | NewEpoch):
            if what == "an honest frame" and isinstance(decision, Rejected):
                self.verdict.counts["honest_rejected"] += 1
            return
        if isinstance(decision, NewEpoch):
            self._accumulator.start_epoch(decision.register_epoch, decision.first)
            self._first = self._first or _registers(decision.first)
        if _registers(reading) != self._truth():
            self.verdict.find(BOOKED_WRONG, f"{what}: booked {_registers(reading)}, true {self._truth()}")
        if self._guard:
            self._accumulator.add(reading)
        self._booked_last = _registers(reading)

    def _truth(self) -> dict[Direction, int]:
        import_wh, export_wh = self._wire.truly_wh
        return {Direction.IMPORT: import_wh * MILLIWH_PER_WH, Direction.EXPORT: export_wh * MILLIWH_PER_WH}

    def _judge_account(self) -> None:
        """Booked in all is what the meter has counted since the first reading, in one epoch, and up to the end."""
        verdict, state = self.verdict, self._accumulator.state
        verdict.counts["register_epochs"] += state.register_epoch
        if self._booked_last != self._truth():
            verdict.find(ACCOUNT_WRONG, f"the last booked is {self._booked_last}, the meter shows {self._truth()}")
        for direction, truly in self._truth().items():
            account = state.directions.get(direction)
            booked = sum(account.totals_milliwh.values()) if account else 0
            if self._guard and booked != truly - self._first[direction]:
                verdict.find(ACCOUNT_WRONG, f"{direction}: booked {booked}, grown {truly - self._first[direction]} mWh")


def _registers(reading: Reading) -> dict[Direction, int]:
    return {direction: one.milliwh for direction, one in registers_of(reading.snapshot).items()}
