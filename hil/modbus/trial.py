"""A trial: one link, asked question after question, while each meets its fault. Drives the driver; judges nothing."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Protocol

from drivers import DriverError, Ticker
from drivers.modbus import link as driver
from drivers.transport import Transport

from .faults import FAULTS_A_TRIAL, Framing, Setting, Step, fault, setting, steps
from .judge import EARLY, Outcome, TrialVerdict, judge_trial
from .virtual import Seen, VirtualLine, VirtualTicker

_NO_CAUSE = {"requests", "answers"}


class Link(Protocol):
    """What is tried: the driver's link, or a control that stands in for it."""

    def read_words(self, step: Step) -> tuple[int, ...]: ...

    def counts(self) -> dict[str, int]: ...

    def close(self) -> None: ...


OpenLink = Callable[[Transport, Setting, Ticker], Link]


class Defended:
    """The driver's own link."""

    def __init__(self, transport: Transport, line: Setting, ticker: Ticker, spare_us: int = 0) -> None:
        self._link = driver.ModbusLink(
            transport,
            driver.Framing.TCP if line.framing is Framing.TCP else driver.Framing.RTU,
            ticker,
            timeout_us=line.timeout_us,
            quiet_us=quiet_us(line) + spare_us,
            baud_bd=line.baud_bd or None,
            pause_us=line.pause_us,
        )

    def read_words(self, step: Step) -> tuple[int, ...]:
        asked = step.question
        return self._link.read_registers(asked.unit, asked.function, asked.address, asked.count).words

    def counts(self) -> dict[str, int]:
        counters = self._link.counters
        return {one.name: getattr(counters, one.name) for one in fields(counters)}

    def close(self) -> None:
        self._link.close()


def quiet_us(line: Setting) -> int:
    """A little more than the device's worst."""
    return line.worst_us + 2 * line.character_us + 1000


def most_us(line: Setting, step: Step) -> tuple[int, int]:
    """The longest that a transaction, and the whole call around it, may take.

    A call may first have to keep quiet after the one before it, longer if that looked the same and went unanswered,
    and to wait for a line that still talks.
    """
    transaction_us = line.timeout_us + line.character_us * (8 + 5 + 2 * step.question.count)
    pause_us = max(line.pause_us, line.silence_us)
    quiet_most_us = max(quiet_us(line), pause_us)
    alike_us = 4 * (line.timeout_us + quiet_most_us)  # where later answers were seen, or seemed to be
    # The quiet, then the listening, then the pause after the last byte that was heard.
    return transaction_us, alike_us + quiet_most_us + line.timeout_us + pause_us + transaction_us


def run_virtual(seed: int, trial: int, numbers: Sequence[int], open_link: OpenLink = Defended) -> TrialVerdict:
    """The faults `numbers` on one line in virtual time."""
    if len(numbers) > FAULTS_A_TRIAL:
        raise ValueError(f"{len(numbers)} faults do not fit into one trial of {FAULTS_A_TRIAL}")
    line = setting(seed, trial)
    plan = steps(line, [fault(seed, number, line.framing) for number in numbers])
    return run_plan(line, plan, f"trial {trial} ({line.framing} {line.baud_bd} Bd)", open_link)


def run_plan(line: Setting, plan: list[Step], where: str, open_link: OpenLink = Defended) -> TrialVerdict:
    """All questions of a plan on one line in virtual time. `where` names it in findings."""
    ticker = VirtualTicker()
    wire = VirtualLine(ticker, line, {step.index: step for step in plan})
    link = open_link(wire, line, ticker)
    outcomes = [_ask(link, step, line, wire, ticker) for step in plan]
    link.close()
    verdict = judge_trial(line, outcomes, where)
    if wire.early_requests:
        verdict.find(EARLY, f"{where}: {wire.early_requests} requests before the line was silent")
    return verdict


def _ask(link: Link, step: Step, line: Setting, wire: VirtualLine, ticker: VirtualTicker) -> Outcome:
    before, asked_us, writes, gone = link.counts(), ticker.now_us, len(wire.seen), wire.times_gone
    trouble = wire.over_us > asked_us
    words, error, known = None, "", True
    try:
        words = link.read_words(step)
    except DriverError as caught:
        error = type(caught).__name__
    except Exception as caught:  # noqa: BLE001 - whatever it is, the judge is told
        error, known = repr(caught), False
    seen = wire.seen[-1] if len(wire.seen) > writes else None
    transaction_most_us, call_most_us = most_us(line, step)
    return Outcome(
        step=step,
        words=words,
        error=error,
        is_driver_error=known,
        counted=counted_since(before, link.counts()),
        transaction_us=0 if seen is None else ticker.now_us - seen.sent_us,
        transaction_most_us=transaction_most_us,
        call_us=ticker.now_us - asked_us,
        call_most_us=call_most_us,
        felt=_is_felt(seen, words),
        excused=seen is not None and seen.excused,
        trouble=trouble or wire.times_gone > gone,
    )


def counted_since(before: dict[str, int], now: dict[str, int]) -> tuple[str, ...]:
    """Which causes were counted between two looks at a link's counters."""
    return tuple(name for name, count in now.items() if count > before[name] and name not in _NO_CAUSE)


def _is_felt(seen: Seen | None, words: tuple[int, ...] | None) -> bool:
    """By the line's own word: its bytes were read, or there were none and the question stayed unanswered."""
    if seen is None:
        return False
    return seen.was_lost or seen.faulty_bytes_read > 0 or words is None
