"""A simulated meter with an optical port (IEC 62056-21, modes A to D) in a simulated house, on a pty.

Written from the standard, and shares nothing with what reads it. It keeps a load profile from its start on and shows
a clock with its season. `--fault NAME=EVERY` spoils every so many messages.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..counters import Count
from ..household import ZONE
from ..lifetime import die_with_parent, end_on_signal
from .core import MeterCore, placement_from, placement_options
from .optical_data import Face, MeterTime, Periods, data_sets
from .optical_faults import FAULTS, Faults, parse_fault
from .optical_line import OpticalLine
from .optical_meter import RATE_OF, Listen, Mode, OpticalMeter

USUAL_BD = {Mode.A: 300, Mode.B: 4800, Mode.C: 9600, Mode.D: 9600}
"""Mode D: as meters in the field push; the standard says 2400."""
IDENTIFICATION = "HILsim62056"


@dataclass(frozen=True, slots=True)
class OpticalOptions:
    """How the meter is, apart from its place in the house."""

    mode: Mode
    baud_bd: int
    face: Face
    password: str = ""
    ahead_s: int = 0
    reaction_ms: int = 200
    push_ms: int = 2000


class Inside:
    """The counters of a house behind the port: what the meter tells now, and what it kept."""

    def __init__(self, core: MeterCore, options: OpticalOptions) -> None:
        self._core, self._face = core, options.face
        self._time = MeterTime(ZONE, options.ahead_s * 1_000_000)
        self._periods = Periods(options.face, self._time, core.placement.anchor.start_utc_us, core.counted_at)

    def advance(self) -> None:
        """Keep the periods that have ended."""
        self._periods.advance(self._core.latched_us())

    def sets(self) -> dict[str, str]:
        """The data sets of this moment, of one latch."""
        self.advance()
        count: Count = self._core.shown()
        return data_sets(self._face, self._time, count, self._core.house_us())

    def profile(self, first: str, last: str) -> str | None:
        """P.01 between two stamps."""
        self.advance()
        return self._periods.text(first, last)


def opened(core: MeterCore, options: OpticalOptions, faults: Faults) -> tuple[OpticalMeter, Inside]:
    """The meter and what is inside it."""
    inside = Inside(core, options)
    meter = OpticalMeter(
        options.mode,
        options.baud_bd,
        options.face.serial,
        IDENTIFICATION,
        inside.sets,
        inside.profile,
        password=options.password,
        reaction_us=options.reaction_ms * 1000,
        push_every_us=options.push_ms * 1000,
        faults=faults,
    )
    return meter, inside


def serve(meter: OpticalMeter, line: OpticalLine, tell: Callable[[str], None]) -> None:
    """Live on a line until something ends the process."""
    told = 0
    life = meter.live()
    wanted = next(life)
    while True:
        if isinstance(wanted, Listen):
            heard = line.listen(wanted.baud_bd, wanted.until_us)
        else:
            heard = line.say(wanted.baud_bd, wanted.at_us, wanted.characters), b""
        wanted = life.send(heard)
        for command in meter.refused_commands[told:]:
            tell(f"refused {command}")
        told = len(meter.refused_commands)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="optical", description=__doc__)
    placement_options(parser)
    parser.add_argument("--link", type=Path, required=True, help="path under which the pty shall be found")
    parser.add_argument("--mode", type=Mode, choices=list(Mode), default=Mode.C, help="IEC 62056-21 mode")
    parser.add_argument("--baud", type=int, choices=list(RATE_OF.values()), help="rate of the data; mode A: 300")
    parser.add_argument("--password", default="", help="wanted (P1) before the load profile is told")
    parser.add_argument("--decimals", type=int, choices=range(7), default=3, help="of a register, in kWh")
    parser.add_argument("--short", action="store_true", help="tell serial number and totals alone")
    parser.add_argument("--profile-min", type=int, default=15, help="minutes of a period of the load profile")
    parser.add_argument("--ahead-s", type=int, default=0, help="how far the meter's clock is ahead of the house")
    parser.add_argument("--reaction-ms", type=int, default=200, help="from a request to the answer's first character")
    parser.add_argument("--push-ms", type=int, default=2000, help="mode D: from one push to the next")
    parser.add_argument("--echo", action="store_true", help="the head gives back what it is sent")
    parser.add_argument(
        "--fault", action="append", default=[], type=parse_fault, metavar="NAME=EVERY", help=f"of {', '.join(FAULTS)}"
    )
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM. `arguments` as on the command line (`python -m hil.meters.optical --help`)."""
    parser = _parser()
    options = parser.parse_args(arguments)
    die_with_parent()
    end_on_signal()
    core = MeterCore(placement_from(options))
    baud_bd = options.baud or USUAL_BD[options.mode]
    if options.mode is Mode.A and baud_bd != USUAL_BD[Mode.A]:
        parser.error("--baud: mode A stays at 300")
    face = Face(str(core.serial), options.decimals, options.short, options.profile_min)
    settings = OpticalOptions(
        options.mode, baud_bd, face, options.password, options.ahead_s, options.reaction_ms, options.push_ms
    )
    meter, inside = opened(core, settings, Faults(dict(options.fault), tell))

    def tick() -> None:
        inside.advance()
        core.write_truth()

    line = OpticalLine(options.link, echo=options.echo, tick=tick)
    try:
        core.write_truth()
        tell(f"ready {options.link}")
        serve(meter, line, tell)
    finally:
        line.close()
        core.close()


def tell(line: str) -> None:
    """A line on standard output, at once."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
