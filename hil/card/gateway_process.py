"""The daemon of `netmeter-hil card` as a process: `gateway.app` whole, with the year's clock and lines without wires.

`python -m hil.card.gateway_process --config FILE --leash FILE --from-us US --days N --dies-on-day N --interval-min N
--seed N --boot-id ID`. Ends with SIGTERM, or with its parent.
"""

import argparse
import sys
from pathlib import Path

import gateway.app
from gateway.config.load import load_config

from ..lifetime import die_with_parent
from .fed_lines import FedLines, YearClock
from .leash import Leash
from .year import Plan


def main() -> int:
    """Run until SIGTERM; the daemon's own exit code."""
    parser = argparse.ArgumentParser(prog="hil.card.gateway_process", description="The daemon without wires.")
    for name in ("config", "leash"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("from-us", "days", "dies-on-day", "interval-min", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--boot-id", required=True, help="another one: another boot")
    options = parser.parse_args()
    die_with_parent()
    plan = Plan(options.days, options.dies_on_day, options.interval_min, options.seed)
    vars(gateway.app)["Lines"] = FedLines.of(plan, Leash(options.leash))  # `App` takes it from there
    clock = YearClock(options.boot_id, options.from_us)
    return gateway.app.run(load_config(options.config), config_path=options.config, clock=clock)


if __name__ == "__main__":
    sys.exit(main())
