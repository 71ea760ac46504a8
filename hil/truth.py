"""The truth file: what a meter has really counted at every house second. Only the oracle reads it.

CSV, one row a whole UTC second, the edges of any tariff included; energies in milliwatt-hours (floored), as they stand
at that second; powers hold from it to the next. Appended and line-buffered: a meter that is killed and started anew
goes on after its last whole row and leaves no second out.
"""

from pathlib import Path
from types import TracebackType

from .counters import Counters, Opening
from .house_time import US_PER_S
from .household import Feed, Household

HEADER = "utc_s,import_milliwh,export_milliwh,load_milliw,pv_milliw"


class TruthFile:
    """Writes the rows of one meter. Its counters are its own: what the register shows cannot disturb the truth."""

    def __init__(self, path: Path, household: Household, feed: Feed, origin_s: int, opening: Opening) -> None:
        self._household = household
        self._counters = Counters(lambda second: household.flow_milliw(feed, second), origin_s, opening)
        last_s = _mend(path)
        self._next_s = origin_s if last_s is None else last_s + 1
        self._file = path.open("a", buffering=1, encoding="ascii")
        if last_s is None:
            print(HEADER, file=self._file)

    def write_until(self, house_us: int) -> None:
        """Write the row of every whole second up to `house_us` that is not in the file yet."""
        while self._next_s * US_PER_S <= house_us:
            second, count = self._next_s, self._counters.at(self._next_s * US_PER_S)
            load, sun = self._household.load_milliw(second), self._household.pv_milliw(second)
            print(f"{second},{count.import_milliwh},{count.export_milliwh},{load},{sun}", file=self._file)
            self._next_s += 1

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "TruthFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _mend(path: Path) -> int | None:
    """Cut off a row that a kill left unfinished; the second of the last whole row, None where there is none."""
    if not path.exists():
        return None
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        path.write_bytes(whole)
    lines = whole.splitlines()
    if len(lines) == 1:
        # Only the header: start over, so that it is not written twice.
        path.write_bytes(b"")
    return int(lines[-1].split(b",")[0]) if len(lines) > 1 else None
