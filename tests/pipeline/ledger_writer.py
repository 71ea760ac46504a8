"""A process that commits and reports until it is killed. Usage: ledger_writer STORE honest|boastful

Honest reports a number once its COMMIT has returned. Boastful, the positive control, reports before it commits, and
waits until whoever reads has had the time to kill it.
"""

import sys
import time
from pathlib import Path

from gateway.ledger.records import Batch, EventRow, OutboxRow
from gateway.ledger.store import Store
from tests.pipeline.world import NOON_US


def batch(meter_id: int, seq: int) -> Batch:
    row = OutboxRow(seq, "grid", "event", seq, f'{{"seq":{seq}}}')
    return Batch(events=[EventRow(meter_id, seq, NOON_US, "gap", {"n": seq})], outbox=[(meter_id, row)])


def main() -> None:
    store, honest = Store(Path(sys.argv[1])), sys.argv[2] == "honest"
    meter = store.load_meter("grid")
    for seq in range(meter.event_seq + 1, 1_000_000):
        if honest:
            store.commit(batch(meter.meter_id, seq))
            print(seq, flush=True)
        else:
            print(seq, flush=True)
            time.sleep(0.2)
            store.commit(batch(meter.meter_id, seq))


if __name__ == "__main__":
    main()
