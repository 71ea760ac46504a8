"""Power cuts of a real file system under the real daemon: strikes as those of `soak kill`, judged the same way.

The store lies on an ext4 of our own. At each strike the file system is cut off, the daemon killed, the journal
recovered by the next mount, the daemon started anew.
"""

import json
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ..process import ChildError
from ..soak.ear import Ear
from ..soak.history import RoundResult, Say
from ..soak.kill_round import KillRound
from ..soak.plan import Round
from .loop_disk import LoopDisk


class CutRound(KillRound):
    """Runs one round in a folder of its own, which it fills. Ends every process, and every mount, that it made."""

    def __init__(self, plan: Round, folder: Path, say: Say, sabotage: str | None = None) -> None:
        super().__init__(
            replace(plan, faults=tuple(one for one in plan.faults if one.site is None)), folder, say, sabotage
        )
        self._disk = LoopDisk(folder)
        self._house.store = self._disk.place / "ledger.sqlite"

    def run(self) -> RoundResult:
        try:
            self._disk.make()
            result = super().run()
            self._disk.unmount()
        except subprocess.CalledProcessError as error:
            raise ChildError(f"{error}: {error.stderr}") from error
        finally:
            self._disk.remove()
        return result

    def _before_kill(self) -> None:
        self._disk.cut()

    def _is_let_go(self) -> bool:
        """The next mount recovers the journal: what is there now is what a power cut leaves."""
        self._disk.recover()
        self._result.verdict.counts["ext4_cuts"] += 1
        return super()._is_let_go()

    def _judge(self, ear: Ear) -> None:
        """As `soak kill`; and every record that was sent is in the store, whatever the gateway made of it since."""
        super()._judge(ear)
        told = {str(json.loads(one.payload)["hash"]) for one in ear.received if one.kind == "interval"}
        with closing(sqlite3.connect(f"{self._house.store.as_uri()}?mode=ro", uri=True)) as connection:
            kept = {str(one) for (one,) in connection.execute("SELECT hash FROM interval")}
        self._result.verdict.counts["ext4_records_told"] += len(told)
        for one in sorted(told - kept):
            self._result.verdict.find("lost_commit", f"an interval record that was sent is not in the store: {one}")
