"""Trials on real ptys and sockets: the devices in a process of their own, a thread for each line here."""

import threading
from collections.abc import Callable
from pathlib import Path

from drivers import DriverError, SystemTicker, Ticker
from drivers.transport import Transport
from drivers.transport.serial import SerialTransport
from drivers.transport.tcp import TcpTransport

from ..process import Child
from .faults import Framing, Setting, Step
from .inject import happen
from .judge import Outcome, TrialVerdict, judge_trial
from .looped import Looped, Pump
from .slave import plan_of_line
from .trial import Defended, Link, counted_since, most_us

LINES = 18
UNFINISHED = "unfinished"
HANG_US = 5_000_000
"""On a shared machine a call may run late; this late it hangs."""

OpenRealLink = Callable[[str, Setting, Ticker], Link]


def open_transport(address: str, line: Setting, ticker: Ticker) -> Transport:
    """The driver's own transport to a line of `slave`."""
    if line.framing is Framing.RTU:
        return SerialTransport(address, line.baud_bd, ticker)
    host, _, port = address.rpartition(":")
    return TcpTransport(host, int(port), ticker)


def run_defended(seed: int, numbers: range, folder: Path, lines: int = LINES) -> TrialVerdict:
    """The driver's link on real lines, quiet for half as long again as the device's worst. Raises ChildError.

    Each second TCP line is read by the daemon's loop, the others in threads of their own.
    """
    pump = Pump()

    def open_link(address: str, line: Setting, ticker: Ticker) -> Link:
        if line.framing is not Framing.RTU and line.seed % 2:
            return Looped(pump, address, line, ticker)
        return Defended(open_transport(address, line, ticker), line, ticker, spare_us=line.worst_us // 2)

    pump.start()
    try:
        return run_real(seed, numbers, folder, open_link, lines)
    finally:
        pump.stop()


def run_real(seed: int, numbers: range, folder: Path, open_link: OpenRealLink, lines: int = LINES) -> TrialVerdict:
    """The faults `numbers`, spread over real lines that are asked at the same time. Raises ChildError."""
    lines = min(lines, len(numbers))
    folder.mkdir(exist_ok=True)
    options = [f"--seed={seed}", f"--first={numbers.start}", f"--last={numbers.stop - 1}", f"--step={numbers.step}"]
    options += [f"--lines={lines}", f"--folder={folder}"]
    child = Child.python("slave", "hil.modbus.slave", options, folder / "slave.log")
    try:
        asked = [
            _Asker(seed, numbers, number, lines, address, open_link)
            for number, address in enumerate(child.wait_ready().split())
        ]
        for each in asked:
            each.start()
        for each in asked:
            each.join()
        child.check()
    finally:
        child.stop()
    told = (folder / "slave.log").read_text(encoding="ascii").splitlines()
    did = {int(line.removeprefix("did ")) for line in told if line.startswith("did ")}
    verdict = TrialVerdict()
    for each in asked:
        where = f"real line {each.number} ({each.setting.framing})"
        verdict.add(judge_trial(each.setting, each.outcomes, where, did_happen=did))
        if len(each.outcomes) < each.questions:
            verdict.find(UNFINISHED, f"{where}: {len(each.outcomes)} of {each.questions} questions asked")
    verdict.counts["real_transactions"] = verdict.counts["transactions"]
    return verdict


class _Asker(threading.Thread):
    """One line, asked all its questions."""

    def __init__(
        self, seed: int, numbers: range, number: int, lines: int, address: str, open_link: OpenRealLink
    ) -> None:
        super().__init__(daemon=True)
        self.number = number
        self.setting, self._plan = plan_of_line(seed, numbers, number, lines)
        self.questions = len(self._plan)
        self.outcomes: list[Outcome] = []
        self._address, self._open_link = address, open_link

    def run(self) -> None:
        ticker = SystemTicker()
        link = self._open_link(self._address, self.setting, ticker)
        over_us = 0
        for step in self._plan:
            over_us = max(over_us, self._ask(link, step, ticker, over_us))
        link.close()

    def _ask(self, link: Link, step: Step, ticker: Ticker, over_us: int) -> int:
        """Ask one question; when its fault is over."""
        before, asked_us = link.counts(), ticker.monotonic_us()
        words, error, known = None, "", True
        try:
            words = link.read_words(step)
        except DriverError as caught:
            error = type(caught).__name__
        except Exception as caught:  # noqa: BLE001 - whatever it is, the judge is told
            error, known = repr(caught), False
        now_us = ticker.monotonic_us()
        happening = happen(self.setting, step.question, step.fault)
        call_most_us = most_us(self.setting, step)[1] + HANG_US
        self.outcomes.append(
            Outcome(
                step=step,
                words=words,
                error=error,
                is_driver_error=known,
                counted=counted_since(before, link.counts()),
                transaction_us=0,
                transaction_most_us=call_most_us,
                call_us=now_us - asked_us,
                call_most_us=call_most_us,
                felt=False,
                excused=happening.excused,
                trouble=over_us > asked_us,
            )
        )
        return now_us + happening.over_us
