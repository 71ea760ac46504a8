"""Sessions with a meter whose messages are spoilt, and what became of each: believed, refused, or worse.

What is believed must have been in the meter's registers between the request and the answer, and both registers of it.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from drivers import DriverError, EnergyRegister, Sample, load_profile
from drivers.iec62056.build import open_optical
from drivers.iec62056.meter import OpticalMeter
from drivers.transport.scripted import VirtualTicker
from drivers.want import Want

from ..chance import between
from ..meters.optical_bits import with_parity
from ..meters.optical_faults import FAULTS, Faults
from ..meters.optical_meter import Mode
from ..meters.optical_meter import OpticalMeter as Simulated
from ..soak.history import Verdict
from .virtual import VirtualHead

SESSIONS_A_TRIAL = 10
SETTINGS = (
    (Mode.A, 300, "optical-a"),
    (Mode.B, 4800, "optical-b"),
    (Mode.C, 9600, "optical-c"),
    (Mode.C, 2400, "optical-c-registers"),
    (Mode.D, 9600, "optical-d"),
)
NAMES_OF = {
    mode: tuple(name for name in FAULTS if name not in idle)
    for mode, idle in {
        Mode.A: ("wrong-baud",),
        Mode.B: ("wrong-baud",),
        Mode.C: (),
        Mode.D: ("wrong-baud", "silent", "lost-bcc", "flip"),
    }.items()
}
"""Mode D has no request, no rate to agree on and no check character: what keeps the parity, nobody can find."""
MILLIW = 7_200_000
OPENING_MILLIWH = 10**9
DIGIT_MILLIWH = 1000
REST_US = 130_000_000
PUSH_US = 2_300_000
"""From one push to the end of the next."""
LONGEST_US = 310_000_000
Truth = Callable[[int], tuple[int, int]]
"""Import and export, milliwatt-hours, at an instant of the session's own clock."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One trial: how the meter is, and which fault comes how often."""

    place: int
    fault: str
    every: int
    echo: bool

    def __str__(self) -> str:
        mode, baud_bd, profile = SETTINGS[self.place]
        echo = ", echo" if self.echo else ""
        return f"mode {mode} {baud_bd} Bd {profile}, {self.fault} each {self.every}.{echo}"


def setting(seed: int, trial: int) -> Setting:
    """What trial `trial` of a plan is."""
    place = between(0, len(SETTINGS) - 1, seed, trial, 1)
    names = NAMES_OF[SETTINGS[place][0]]
    return Setting(
        place,
        names[between(0, len(names) - 1, seed, trial, 2)],
        between(1, 4, seed, trial, 3),
        bool(between(0, 1, seed, trial, 4)),
    )


def true_milliwh(at_us: int) -> tuple[int, int]:
    """Import and export of the made-up house at an instant."""
    grown = at_us * MILLIW // 3_600_000_000
    return OPENING_MILLIWH + grown, OPENING_MILLIWH // 2 + grown // 3


def simulated_at(made: Setting, ticker: VirtualTicker, seed: int) -> tuple[Simulated, VirtualHead, dict[str, int]]:
    """The meter of a trial, the head on it, and where a fault is armed."""
    mode, baud_bd, _ = SETTINGS[made.place]

    def sets() -> dict[str, str]:
        imported, exported = true_milliwh(meter.now_us)
        texts = {"1-0:1.8.0*255": imported, "1-0:2.8.0*255": exported}
        told = {code: f"{one // 10**6:06d}.{one // 1000 % 1000:03d}*kWh" for code, one in texts.items()}
        return {"1-0:0.0.0*255": "12345678", **told, "1-0:16.7.0*255": "007200*W"}

    every: dict[str, int] = {}
    faults = Faults(every, lambda _line: every.clear())  # one for a session, when it is armed
    meter = Simulated(mode, baud_bd, "12345678", "HILtrial", sets, lambda _first, _last: None, faults=faults)
    return meter, VirtualHead(meter, ticker, echo=made.echo and mode is not Mode.D, seed=seed), every


def run_virtual(seed: int, trial: int) -> Verdict:
    """Ten sessions in virtual time."""
    found, made, ticker = Verdict(), setting(seed, trial), VirtualTicker()
    mode = SETTINGS[made.place][0]
    simulated, head, every = simulated_at(made, ticker, seed ^ trial)
    meter = open_optical(load_profile(SETTINGS[made.place][2]), head, ticker, settle_us=2_000)
    for _ in range(SESSIONS_A_TRIAL):
        head.drain()
        every[made.fault] = 1
        begun_us, repeats = ticker.now_us, meter.counters.repeats
        is_believed = session(meter, true_milliwh, found, made)
        # Seen from outside: refused, asked for again, or one telegram later than a push would have come.
        took_us = ticker.now_us - begun_us
        if not is_believed or meter.counters.repeats > repeats or (mode is Mode.D and took_us > PUSH_US):
            found.counts["felt"] += 1
        if ticker.now_us - begun_us > LONGEST_US:
            found.find("over_deadline", f"{made}: {(ticker.now_us - begun_us) // 1_000_000} s")
        ticker.sleep_us(REST_US)
    done = simulated.faults.done
    found.counts += Counter({f"fault_{name.replace('-', '_')}": count for name, count in done.items()})
    if simulated.refused_commands:
        found.find("wrote", f"{made}: {simulated.refused_commands}")
    return found


def session(meter: OpticalMeter, truth: Truth, found: Verdict, made: Setting) -> bool:
    """One reading, and whether it was believed; that it may be is judged."""
    found.counts["sessions"] += 1
    try:
        sample = meter.read(want=Want.DUE)
    except DriverError as error:
        found.counts[f"refused_{type(error).__name__}"] += 1
    except Exception as error:  # noqa: BLE001 - whatever it is, the judge is told
        found.find("traceback", f"{made}: {type(error).__name__}: {error}")
    else:
        judge(sample, truth, found, made)
        return True
    return False


def judge(sample: Sample, truth: Truth, found: Verdict, made: Setting) -> None:
    """Each register was the meter's at some instant of the reading's window."""
    registers = sample.snapshot.energy_import, sample.snapshot.energy_export
    judge_registers(registers, truth(sample.sent_us - sample.update_lag_us), truth(sample.received_us), found, made)


def judge_registers(
    registers: Sequence[EnergyRegister | None],
    lows: tuple[int, int],
    highs: tuple[int, int],
    found: Verdict,
    made: Setting,
) -> None:
    """The same of two registers."""
    found.counts["believed"] += 1
    for low, high, register in zip(lows, highs, registers, strict=True):
        if register is None or not low - DIGIT_MILLIWH < register.milliwh <= high:
            found.find("believed_wrong", f"{made}: {register} not within {low} .. {high} mWh")


def run_unguarded(seed: int, trial: int) -> Verdict:
    """The control: who believes what looks like a register, without parity, check character or end."""
    found, ticker = Verdict(), VirtualTicker()
    made = Setting(0, "flip", 1, echo=False)
    _, head, every = simulated_at(made, ticker, seed ^ trial)
    for place in range(SESSIONS_A_TRIAL):
        found.counts["sessions"] += 1
        ticker.sleep_us(REST_US + place * 1_000_000)
        every[made.fault] = 1
        sent_us, heard = ticker.now_us, b""
        head.write(with_parity(b"/?!\r\n"))
        while more := head.read(4096, ticker.now_us + 2_500_000):
            heard += more
        text = bytes(one & 0x7F for one in heard).decode("ascii")
        numbers = [Decimal(one) for one in re.findall(r"\.8\.0[^(]*\(([0-9]+\.[0-9]{3})", text)]
        if len(numbers) == 2:
            registers = [EnergyRegister(int(one * 10**6), DIGIT_MILLIWH) for one in numbers]
            judge_registers(registers, true_milliwh(sent_us), true_milliwh(ticker.now_us), found, made)
    return found
