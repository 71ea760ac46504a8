"""`soak modbus`: all faults of the wire mixed. Most in virtual time, some on real ptys and sockets, some in the books.

Where a fault happens is a function of its number: each fiftieth on a real line, each hundredth as a well-formed wrong
frame through the whole pipeline, all others in virtual time.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ..soak.history import RoundResult, Say
from . import faults

if TYPE_CHECKING:  # the driver is loaded by the round that needs it
    from .judge import TrialVerdict

ROUND_SIZE = 5_000
FAULTS_A_TRIAL = faults.FAULTS_A_TRIAL
CONTROL_FAULTS, CONTROL_REAL_FAULTS = 200, 200
_CONTROL_FROM = 1 << 40
"""Control faults have numbers of their own."""


class Venue(StrEnum):
    """Where a fault happens."""

    VIRTUAL = "virtual"
    REAL = "real"
    BOOKS = "books"


def venue(number: int) -> Venue:
    """Where fault `number` happens."""
    if number % 50 == 0:
        return Venue.REAL
    return Venue.BOOKS if number % 100 == 99 else Venue.VIRTUAL


class ModbusSoak:
    """Obeys `hil.soak.soaks.Soak`."""

    name = "modbus"
    summary = "garbage, late, wrong and missing answers on Modbus lines, in virtual time and on real wires"
    control_finding = "misattributed"
    judges_energy = False
    always_told: tuple[str, ...] = (
        *("misattributed", "booked_wrong", "crc_collisions"),
        *("early_request", "over_deadline", "traceback", "uncounted"),
    )

    def describe(self, seed: int, number: int) -> str:
        """Where, and which; what becomes of it hangs on its line too."""
        where = venue(number)
        if where is Venue.BOOKS:
            return f"{number} books wrong words"
        line = faults.setting(seed, number // FAULTS_A_TRIAL)
        if where is Venue.REAL:
            return f"{number} real"
        kind = faults.fault(seed, number, line.framing).kind
        return f"{number} virtual {line.framing} {line.baud_bd} Bd {kind}"

    def run_round(self, seed: int, number: int, last: int, folder: Path, say: Say) -> RoundResult:
        """The faults from `number` to the end of their round."""
        from .books_trial import BooksTrial
        from .judge import TrialVerdict, judge_injectors
        from .real import run_defended
        from .trial import run_virtual

        until = min(last, (number - 1) // ROUND_SIZE * ROUND_SIZE + ROUND_SIZE)
        here: dict[Venue, list[int]] = {where: [] for where in Venue}
        for each in range(number, until + 1):
            here[venue(each)].append(each)
        verdict = TrialVerdict()
        by_trial: dict[int, list[int]] = {}
        for each in here[Venue.VIRTUAL]:
            by_trial.setdefault(each // FAULTS_A_TRIAL, []).append(each)
        for trial, numbers in by_trial.items():
            verdict.add(run_virtual(seed, trial, numbers))
            say(f"virtual, up to fault {numbers[-1]}: {_told(verdict)}")
        if here[Venue.REAL]:
            real = here[Venue.REAL]
            verdict.add(run_defended(seed, range(real[0], real[-1] + 1, 50), folder / "real"))
            say(f"real lines, up to fault {real[-1]}: {_told(verdict)}")
        if here[Venue.BOOKS]:
            verdict.add(BooksTrial(seed, here[Venue.BOOKS], folder).run())
            say(f"books, up to fault {here[Venue.BOOKS][-1]}: {_told(verdict)}")
        judge_injectors(verdict)
        return _result(verdict)

    def run_control(self, seed: int, folder: Path, say: Say) -> RoundResult:
        """Three masters without a guard; if one of them is believed, the control has found nothing."""
        from .books_trial import BOOKED_WRONG, BooksTrial
        from .judge import TrialVerdict
        from .plain_pymodbus import PlainPymodbus
        from .real import run_real
        from .trial import run_virtual
        from .unguarded import Unguarded

        virtual = TrialVerdict()
        for trial in range(0, CONTROL_FAULTS, 50):
            first = _CONTROL_FROM + trial
            virtual.add(run_virtual(seed, first, range(first, first + 50), Unguarded))
        say(f"a master that believes what comes first: {_told(virtual)}")
        numbers = range(_CONTROL_FROM, _CONTROL_FROM + CONTROL_REAL_FAULTS)
        real = run_real(seed, numbers, folder / "control", PlainPymodbus)
        say(f"pymodbus's own client on real lines: {_told(real)}")
        books = BooksTrial(seed, range(1, 101), folder, guard=False).run()
        say(f"books without a validator: {books.counts[BOOKED_WRONG]} of 100 wrong frames booked")
        found = (
            virtual.counts[self.control_finding],
            real.counts[self.control_finding],
            books.counts[BOOKED_WRONG],
        )
        return _result(virtual) if all(found) else RoundResult()


def _told(verdict: "TrialVerdict") -> str:
    counts = verdict.counts
    return (
        f"{counts['transactions']} transactions, {counts['answered']} answered, {counts['misattributed']} misattributed"
    )


def _result(verdict: "TrialVerdict") -> RoundResult:
    result = RoundResult(verdict.faults, verdict.felt)
    result.verdict.counts = verdict.counts
    result.verdict.findings = verdict.findings
    result.verdict.worst = verdict.worst
    return result
