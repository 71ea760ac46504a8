"""The real daemon inside a simulated house: `gateway.app` with a scaled clock, as a process of its own.

`python -m hil.gateway_process --config FILE --anchor-monotonic-us .. --start-utc-us .. --speed N`. Everything but the
clock is the daemon's own; wire, disk and MQTT timers stay real.
"""

import argparse
import sys
from pathlib import Path

from gateway.app import run
from gateway.config.load import ConfigError, load_config

from .house_time import add_options, from_options
from .lifetime import die_with_parent
from .sabotage import Sabotage, apply
from .scaled_clock import ClockSpell, ScaledClock

EXIT_CONFIG = 2


def main() -> int:
    """Run until SIGTERM; the daemon's own exit code, 2 for a wrong config."""
    parser = argparse.ArgumentParser(prog="gateway_process", description="The daemon with a scaled clock.")
    parser.add_argument("--config", type=Path, required=True, help="gateway.toml")
    parser.add_argument(
        "--clock-spell", action="append", default=[], metavar="SECOND:OFFSET[:unsynced]", help="bend the wall clock"
    )
    parser.add_argument("--boot-id", help="play another boot")
    parser.add_argument("--sabotage", type=Sabotage, choices=list(Sabotage), help="for a control that must fail")
    add_options(parser)
    options = parser.parse_args()
    die_with_parent()
    try:
        config = load_config(options.config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG
    if options.sabotage is not None:
        apply(options.sabotage)
    spells = tuple(ClockSpell.parse(text) for text in options.clock_spell)
    clock = ScaledClock(from_options(options), spells, options.boot_id)
    return run(config, config_path=options.config, clock=clock)


if __name__ == "__main__":
    sys.exit(main())
