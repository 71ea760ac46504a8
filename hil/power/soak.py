"""`soak power`: recordings of the real daemon, each cut off at many places, each cut opened by the real ledger.

A fault is one cut: at a place where something is written and not synced, with some of that lost. The control is a
daemon with `synchronous = NORMAL`, which must lose what it has told.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..chance import between, name_key
from ..soak.history import RoundResult, Say
from ..soak.plan import ROUND_SIZE, control_round, round_from
from .cut_round import CutRound
from .disk_image import DiskImage, Loss
from .judge import Identity, identity, judge_image
from .loop_disk import LoopDisk
from .recording import Recording, Told, record, told_in

CUTS_A_ROUND = 1000
REAL_A_ROUND = 10
"""The first cuts of a round fall on a file system of our own, where this machine allows one."""
CONTROL_CUTS = 100
FINDINGS_MOST = 50
_CUTS = name_key("soak power")
_MILLION = 1_000_000
_SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Cut:
    """One power cut: at `place_ppm` of all places in its recording where something is unsynced."""

    number: int
    place_ppm: int
    loss: Loss

    @property
    def is_real(self) -> bool:
        """Whether it is one of a real file system, if there can be one."""
        return (self.number - 1) % CUTS_A_ROUND < REAL_A_ROUND

    def __str__(self) -> str:
        if self.is_real:
            return f"{self.number} of an ext4, or as the next ones where only root may mount one"
        return f"{self.number} recording {(self.number - 1) // CUTS_A_ROUND} at {self.place_ppm} ppm loses {self.loss}"


def cut(seed: int, number: int) -> Cut:
    """The fault with this number, counted from 1."""
    losses = list(Loss)
    loss = losses[between(0, len(losses) - 1, seed, _CUTS, number, 1)]
    return Cut(number, between(0, _MILLION - 1, seed, _CUTS, number, 2), loss)


class PowerSoak:
    """Power cuts with lost and torn writes, from recordings of the real daemon."""

    name = "power"
    summary = "power cuts that lose or tear what the daemon had written and not synced"
    control_finding = "lost_commit"
    judges_energy = False
    always_told: tuple[str, ...] = ("lost_commits", "corrupt", "acknowledged_records")

    def describe(self, seed: int, number: int) -> str:
        return str(cut(seed, number))

    def run_round(self, seed: int, number: int, last: int, folder: Path, say: Say) -> RoundResult:
        index = (number - 1) // CUTS_A_ROUND
        until = min(last, (index + 1) * CUTS_A_ROUND)
        cuts = [cut(seed, one) for one in range(number, until + 1)]
        real = [one for one in cuts if one.is_real]
        result = _real_round(seed, index, real, folder, say) if real else None
        if result is None:
            return _round(seed, index, cuts, folder, say)
        recorded = _round(seed, index, cuts[len(real) :], folder, say) if len(cuts) > len(real) else RoundResult()
        result.injected += recorded.injected
        result.felt += recorded.felt
        result.verdict.add(recorded.verdict)
        return result

    def run_control(self, seed: int, folder: Path, say: Say) -> RoundResult:
        """From a recording, and of a real file system where there is one: the judge must see both."""
        real = _real_control(seed, folder, say)
        if real is not None and not any(one.what == self.control_finding for one in real.verdict.findings):
            return real
        cuts = [cut(seed, one) for one in range(1, CONTROL_CUTS + 1)]
        result = _round(seed, 0, cuts, folder, say, sabotage="synchronous-normal")
        if real is not None and any(one.what == self.control_finding for one in result.verdict.findings):
            result.verdict.findings[:0] = real.verdict.findings
        return result


def _real_round(seed: int, index: int, cuts: list[Cut], folder: Path, say: Say) -> RoundResult | None:
    """The cuts of a real file system; None where this machine allows none."""
    place = _new(folder, "ext4")
    if why := LoopDisk(place).why_not:
        say(f"ext4: skipped, {why}; these cuts are taken from the recording")
        return None
    first = 2 * index * ROUND_SIZE + 1  # every second round of `soak kill` strikes at times
    plan = round_from(seed, first, first + len(cuts) - 1)
    return CutRound(plan, place, lambda line: say(f"ext4: {line}")).run()


def _real_control(seed: int, folder: Path, say: Say) -> RoundResult | None:
    """A daemon that does not sync, on a file system of our own; None where this machine allows none."""
    place = _new(folder, "ext4")
    if why := LoopDisk(place).why_not:
        say(f"ext4: skipped, {why}")
        return None
    say("ext4: a daemon that does not sync")
    return CutRound(control_round(seed), place, lambda line: say(f"ext4: {line}"), "synchronous-normal").run()


def _round(seed: int, index: int, cuts: list[Cut], folder: Path, say: Say, sabotage: str | None = None) -> RoundResult:
    plan = round_from(seed, index * 10 + 1, index * 10 + 1)  # a house and a day, as `soak kill` chooses them
    say(f"recording {index}: house {plan.house_seed}")
    recording = record(_new(folder, "recorded"), plan.house_seed, plan.start_utc_us, sabotage)
    result = cut_all(recording, cuts, seed)
    counts = result.verdict.counts
    counts["recordings"] += 1
    for what, key in (("lost_commit", "lost_commits"), ("corrupt", "corrupt")):
        counts[key] += sum(one.what == what for one in result.verdict.findings)
    say(
        f"recording {index}: {len(recording.operations)} operations, {counts['places']} places to cut, {len(cuts)} cuts"
    )
    return result


def _new(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def cut_all(recording: Recording, cuts: list[Cut], seed: int) -> RoundResult:
    """Every cut of one recording, judged; stops early where findings pile up."""
    result = RoundResult()
    verdict = result.verdict
    places = _places(recording)
    verdict.counts["places"] += len(places)
    wanted: dict[int, list[Cut]] = {}
    for one in cuts:
        wanted.setdefault(places[one.place_ppm * len(places) // _MILLION], []).append(one)
    all_told: dict[Identity, Told] = {}
    for each in recording.operations:
        all_told |= {identity(told): told for told in told_in(each.content)}
    disk, told_before = DiskImage(), dict[Identity, Told]()
    place = tempfile.mkdtemp(prefix="netmeter-power-", dir=_SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None)
    try:
        for at, each in enumerate(recording.operations):
            disk.take(each)
            told_before |= {identity(told): told for told in told_in(each.content)}
            for one in wanted.get(at, ()):
                result.injected += 1
                image = disk.cut(one.loss, seed, one.number)
                result.felt += image != disk.whole()
                verdict.counts[f"cuts_{one.loss}"] += 1
                store = _lay_out(image, recording.store, Path(place))
                known = len(verdict.findings)
                judge_image(store, told_before.values(), all_told, verdict)
                for found in range(known, len(verdict.findings)):
                    verdict.findings[found] = type(verdict.findings[found])(
                        verdict.findings[found].what, f"cut {one}: {verdict.findings[found].detail}"
                    )
            if len(verdict.findings) > FINDINGS_MOST:
                break
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return result


def _places(recording: Recording) -> list[int]:
    """After which operations a power cut could take something."""
    disk, places = DiskImage(), []
    for at, each in enumerate(recording.operations):
        disk.take(each)
        if disk.is_unsynced:
            places.append(at)
    return places


def _lay_out(image: dict[Path, bytes], store: Path, place: Path) -> Path:
    """Write an image's files beside each other; where the store is."""
    for old in place.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
        else:
            old.unlink()
    for path, content in image.items():
        target = place / path.relative_to(store.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return place / store.name
