"""The real collector as a process that ends with its parent: `python -m hil.collector_process --config FILE`.

With `--sabotage` it breaks its promise on purpose, for a control that must fail; `netmeter collect` has no such switch.
"""

import argparse
from pathlib import Path

from gateway.cli.collect import collect
from gateway.collect.heard import Kind, Record
from gateway.ledger.collected.collection import Applied, Collection

from .lifetime import die_with_parent

FORGETS_EVERY = 3


class ForgetfulCollection(Collection):
    """Says of every third interval that it has it, and has not."""

    def _take_record(self, record: Record, applied: Applied) -> None:
        if record.series.kind is Kind.INTERVAL and record.seq % FORGETS_EVERY == 0:
            series_id = self._positions.enter(record.series)
            self._connection.execute(
                "INSERT OR REPLACE INTO lost VALUES (?, ?, ?, 'sabotage')", (series_id, record.seq, record.seq)
            )
            self._positions.came(record.series, record.seq)
            return
        super()._take_record(record, applied)


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="collector_process", description="The collector of a simulated house.")
    parser.add_argument("--config", type=Path, required=True, help="collect.toml")
    parser.add_argument("--sabotage", choices=["forget"], help="for a control that must fail")
    options = parser.parse_args()
    die_with_parent()
    if options.sabotage is not None:
        import gateway.ledger.collected.collection as module

        module.Collection = ForgetfulCollection  # type: ignore[misc]  # `collect` takes it from there
    collect.main(["--config", str(options.config)], prog_name="netmeter collect")


if __name__ == "__main__":
    main()
