"""How close a master comes to the speed of its line: cycle over wire limit, early questions, CPU a cycle.

The wire limit of a cycle: the request, 3.5 characters, the answer, 3.5 characters. All masters take turns on the same
device, one after another, several times over (A B C A B C); the middle value counts.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ..process import Child
from .masters import COUNT, MASTERS, SLOW
from .timed_slave import NS_PER_S, character_ns, silence_ns

REQUEST_CHARACTERS, ANSWER_CHARACTERS = 8, 5 + 2 * COUNT
LONGEST_RUN_S = 4.0


@dataclass(frozen=True, slots=True)
class RtuRow:
    """One master at one speed: middle values of all repeats; early questions over all of them.

    `gap_us`: from an answer's last byte to the next question's first, as the device sees it. `own_ratio` is what the
    cycle would be with a device that is never late: the limit, with this gap in place of the silence.
    """

    master: str
    baud_bd: int
    bits: int
    limit_us: int
    cycle_us: int
    ratio: float
    registers_a_s: int
    gap_us: int
    own_ratio: float | None
    """None for a master that needs more than one question for the block."""
    cpu_us: int
    questions: int
    early: int
    wrong: int
    repeats: int


def limit_ns(baud_bd: int, bits: int) -> int:
    """The wire limit of one cycle."""
    characters = REQUEST_CHARACTERS + ANSWER_CHARACTERS
    return characters * character_ns(baud_bd, bits) + 2 * silence_ns(baud_bd, bits)


def run_rtu(
    bauds: tuple[int, ...], bits: int, cycles: int, repeats: int, folder: Path, say: Callable[[str], None]
) -> Iterator[RtuRow]:
    """Rows as they come. Raises ChildError, OSError."""
    for baud_bd in bauds:
        link = folder / f"line-{baud_bd}"
        options = [f"--link={link}", f"--baud={baud_bd}", f"--bits={bits}"]
        slave = Child.python("timed slave", "hil.bench.timed_slave", options, folder / f"slave-{baud_bd}.log")
        try:
            slave.wait_ready()
            yield from _one_speed(slave, str(link), baud_bd, bits, cycles, repeats, say)
        finally:
            slave.stop()


def _one_speed(
    slave: Child, port: str, baud_bd: int, bits: int, cycles: int, repeats: int, say: Callable[[str], None]
) -> Iterator[RtuRow]:
    limit = limit_ns(baud_bd, bits)
    # Slow lines need fewer cycles for the same certainty.
    cycles = max(5, min(cycles, int(LONGEST_RUN_S * NS_PER_S / limit)))
    runs: dict[str, list[_Run]] = {name: [] for name in MASTERS}
    for turn in range(repeats):
        for name in MASTERS:
            runs[name].append(_run_one(name, slave, port, baud_bd, bits, cycles))
        say(f"{baud_bd} baud: {turn + 1} of {repeats} turns")
    for name, done in runs.items():
        cycle_ns = median(run.cycle_ns for run in done)
        gap_ns = median(gap for run in done for gap in run.gaps_ns)
        yield RtuRow(
            master=name,
            baud_bd=baud_bd,
            bits=bits,
            limit_us=limit // 1000,
            cycle_us=round(cycle_ns / 1000),
            ratio=round(cycle_ns / limit, 4),
            registers_a_s=round(COUNT * NS_PER_S / cycle_ns),
            gap_us=round(gap_ns / 1000),
            own_ratio=round((limit - silence_ns(baud_bd, bits) + gap_ns) / limit, 4) if name not in SLOW else None,
            cpu_us=round(median(run.cpu_ns for run in done) / 1000),
            questions=sum(len(run.gaps_ns) for run in done),
            early=sum(gap < silence_ns(baud_bd, bits) for run in done for gap in run.gaps_ns),
            wrong=sum(run.wrong for run in done),
            repeats=repeats,
        )


@dataclass(frozen=True, slots=True)
class _Run:
    cycle_ns: float
    cpu_ns: float
    gaps_ns: list[int]
    wrong: int


def _run_one(name: str, slave: Child, port: str, baud_bd: int, bits: int, cycles: int) -> _Run:
    master = MASTERS[name](port, baud_bd, bits)
    cycles = max(2, cycles // SLOW.get(name, 1))
    try:
        master.ask(2 if name not in SLOW else 1)  # what is done once, and the quiet of a first use
        seen = len(_gaps(slave))
        begun_ns, cpu_begun_ns = time.monotonic_ns(), time.process_time_ns()
        right = master.ask(cycles)
        took_ns, cpu_ns = time.monotonic_ns() - begun_ns, time.process_time_ns() - cpu_begun_ns
    finally:
        master.close()
    time.sleep(0.1)  # the device writes its note after its answer
    slave.check()
    return _Run(took_ns / cycles, cpu_ns / cycles, _gaps(slave)[seen:], cycles - right)


def _gaps(slave: Child) -> list[int]:
    return [int(gap) for gap in re.findall(r"^asked (\d+)$", slave.log.read_text(encoding="ascii"), re.MULTILINE)]
