"""A history through the real books into the real store, each reading in a process of its own that is killed twice:

before its commit (the reading is then taken again, as the next poll would) and after it. Usage: jump_runner STORE NAME
[always-before], the last being the control: killed before every commit, nothing may be in the store.
"""

import os
import signal
import sys
from pathlib import Path

from gateway.bookkeeping.books import Books
from gateway.bookkeeping.journal import Origin, OutboxIds
from gateway.buckets.accumulate import Rules
from gateway.config.types import GapPolicy
from gateway.kernels import Build, load_kernel
from gateway.ledger.records import Batch
from gateway.ledger.store import Store
from tests.pipeline.jump_histories import KINDS, PAIRS, History
from tests.pipeline.world import MIN, NOON_US, SERVICE_MILLIW, by_hand, section


def open_books(store: Store, history: History, number: int) -> Books:
    return Books(
        store.load_meter("grid"),
        Origin("gw1", store.store_epoch),
        section(),
        by_hand((NOON_US, 2)),
        load_kernel(Build.PYTHON),
        Rules(limit_milliw=SERVICE_MILLIW, gap=GapPolicy.PRO_RATA, max_gap_us=60 * MIN),
        OutboxIds(store.newest_outbox_id()),
        gap_us=MIN,
        basis=history.basis(number),
    )


def take(path: Path, history: History, number: int, commits: bool, done: int) -> None:
    """In the child: open everything, take one reading, tell, and wait for the end."""
    store, batch = Store(path), Batch()
    open_books(store, history, number).take(history.reading(number), batch)
    if commits:
        store.commit(batch)
    os.write(done, b".")
    signal.pause()


def killed(path: Path, history: History, number: int, commits: bool) -> None:
    reads, done = os.pipe()
    child = os.fork()
    if not child:
        try:
            take(path, history, number, commits, done)
        finally:
            os._exit(1)
    os.close(done)
    told = os.read(reads, 1)
    os.close(reads)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert told == b".", f"reading {number} failed"
    assert os.WIFSIGNALED(status)


def main() -> None:
    path, history = Path(sys.argv[1]), {**KINDS, **PAIRS}[sys.argv[2]]
    for number in range(20):
        killed(path, history, number, commits=False)
        if "always-before" not in sys.argv:
            killed(path, history, number, commits=True)


if __name__ == "__main__":
    main()
