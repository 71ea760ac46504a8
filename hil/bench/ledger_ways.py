"""One day of readings into SQLite, the gateway's way or with sqlite-utils' defaults, in a process that is counted.

python -m hil.bench.ledger_ways netmeter|sqlite-utils PATH POLL_S      prints {"readings", "written_bytes"}
"""

import json
import sys
from pathlib import Path

from .ledger_days import House, Ledger, Plan, instants_us, written_bytes


def by_netmeter(path: Path, plan: Plan) -> int:
    """The books and the store: readings, account, intervals, events, outbox. Returns how many readings."""
    ledger = Ledger(path, plan)
    for _ in ledger.run():
        pass
    readings = ledger.store.past.newest_id()
    ledger.store.close()
    return readings


def by_sqlite_utils(path: Path, plan: Plan) -> int:
    """Each reading inserted as it comes, nothing else: no account, no intervals, no outbox."""
    from sqlite_utils import Database

    from gateway.tariff.calendar import Calendar
    from gateway.tariff.tariff_file import load_tariff
    from gateway.timeline import Timeline

    from .books import TARIFF

    database, house, count = Database(path), House(), 0
    for at_us in instants_us(plan, Timeline(Calendar(load_tariff(TARIFF)), 15)):
        reading = house.reading(at_us)
        snapshot = reading.snapshot
        assert snapshot.energy_import is not None
        assert snapshot.energy_export is not None
        row = {
            "meter": reading.meter,
            "latest_us": reading.latest_us,
            "import_milliwh": snapshot.energy_import.milliwh,
            "export_milliwh": snapshot.energy_export.milliwh,
            "power_milliw": snapshot.power_milliw,
        }
        database["reading"].insert(row)
        count += 1
    database.close()
    return count


def main(way: str, path: Path, poll_s: int) -> None:
    """Write the day and say what it took."""
    before = written_bytes()
    count = {"netmeter": by_netmeter, "sqlite-utils": by_sqlite_utils}[way](path, Plan(1, poll_s, 40))
    sys.stdout.write(json.dumps({"readings": count, "written_bytes": written_bytes() - before}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
