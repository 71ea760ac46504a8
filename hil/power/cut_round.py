"""Power cuts of a real file system under the real daemon: strikes as those of `soak kill`, judged the same way.

The store lies on an ext4 of our own. At each strike the file system is cut off, the daemon killed, the journal
recovered by the next mount, the daemon started anew.
"""

import subprocess
from dataclasses import replace
from pathlib import Path

from ..process import ChildError
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
