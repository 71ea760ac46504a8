"""The watch that the main thread keeps: feeds the supervisor's watchdog as long as every loop keeps its word.

READY once every loop has begun; STATUS tells what is missing; WATCHDOG only while no pulse is overdue. A meter,
disk or broker that is away is told and never stops the feeding; a loop that hangs does, so that the supervisor
starts the daemon anew. Never touches the disk, the broker or a meter itself.
"""

from collections.abc import Callable, Sequence

from ..clock import Clock
from ..log import event_line, logger
from ..pulse import Pulse
from .notify import READY, STOPPING, WATCHDOG, Notifier, status

PAUSE_MOST_S = 5.0
PAUSE_STARTING_S = 0.05
FEEDS_A_PERIOD = 4
"""sd_watchdog_enabled(3) advises two; with four a machine that is slow for half a period still feeds in time."""
DISK_SLOW_US = 3_000_000
"""A wait that is told. A card that is busy erasing takes a second."""


class Watch:
    """`turn` is called by the main thread every `pause_s`; `ending` as often as it likes while it stops the rest."""

    def __init__(
        self,
        notifier: Notifier,
        period_us: int | None,
        pulses: Sequence[Pulse],
        clock: Clock,
        find_missing: Callable[[], list[str]],
    ) -> None:
        """`period_us`: the supervisor's patience (WATCHDOG_USEC). `find_missing` says what is away, a line each."""
        self._notifier, self._pulses, self._clock = notifier, tuple(pulses), clock
        self._find_missing = find_missing
        self._period_us = period_us
        self._ready = False
        self._told = ""
        self._hung: set[str] = set()
        self._slow: set[str] = set()

    @property
    def pause_s(self) -> float:
        """How long to wait until the next turn."""
        if not self._ready:
            return PAUSE_STARTING_S
        if self._period_us is None:
            return PAUSE_MOST_S
        return min(PAUSE_MOST_S, self._period_us / 1e6 / FEEDS_A_PERIOD)

    def turn(self) -> None:
        """Look at every pulse, tell the supervisor."""
        self._look()
        message = [status(text)] if (text := self._text()) != self._told else []
        if not self._ready and all(pulse.has_begun for pulse in self._pulses):
            message.insert(0, READY)
        if self._period_us is not None and not self._hung:
            message.append(WATCHDOG)
        if message and self._notifier.send(*message):
            self._told = text
            self._ready = self._ready or READY in message

    def ending(self) -> None:
        """The daemon is stopping: that takes its own time, and is fed."""
        self._notifier.send(STOPPING, status("stopping"), *([WATCHDOG] if self._period_us is not None else []))

    def _look(self) -> None:
        """Which loops hang, which wait for the disk; each change is logged once."""
        now_us = self._clock.real_us()
        hung = {pulse.name for pulse in self._pulses if pulse.overdue_us(now_us)}
        slow = {pulse.name for pulse in self._pulses if pulse.disk_wait_us(now_us) > DISK_SLOW_US}
        for name in sorted(hung - self._hung):
            logger.critical(event_line("loop_hangs", loop=name))
        for name in sorted(self._hung - hung):
            logger.warning(event_line("loop_turns_again", loop=name))
        for name in sorted(slow - self._slow):
            logger.error(event_line("disk_hangs", loop=name))
        for name in sorted(self._slow - slow):
            logger.warning(event_line("disk_answers_again", loop=name))
        self._hung, self._slow = hung, slow

    def _text(self) -> str:
        if not self._ready and not all(pulse.has_begun for pulse in self._pulses):
            return "starting"
        missing = [f"{name} hangs" for name in sorted(self._hung)]
        missing += [f"the disk does not answer: {name} waits for it" for name in sorted(self._slow)]
        missing += self._find_missing()
        return "; ".join(missing) or "all is well"
