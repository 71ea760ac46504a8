"""What a soak has done so far, in a file that survives its end: written whole, synced, and renamed into place."""

import os
from pathlib import Path

import msgspec

FINDINGS_KEPT = 20


class CheckpointError(Exception):
    """The file cannot be used to go on; the message says why."""


class Task(msgspec.Struct, frozen=True):
    """Which soak this is. Two with the same task do the same faults with the same code."""

    soak: str
    seed: int
    n: int | None
    hours: float | None
    commit: str


class Progress(msgspec.Struct):
    """The sums of all finished rounds. Milliwatt-hours where a name says so; `wall_s` seconds."""

    task: Task
    injected: int = 0
    felt: int = 0
    lost_milliwh: int = 0
    doubled_milliwh: int = 0
    misplaced_milliwh: int = 0
    uncertain_told: int = 0
    counts: dict[str, int] = {}
    worst: dict[str, int] = {}
    finding_count: int = 0
    findings: list[str] = []
    """The first of them."""
    control: str = "not run"
    control_findings: list[str] = []
    wall_s: float = 0.0


def load(path: Path, task: Task) -> Progress:
    """The progress in the file; none yet where there is no file. Raises CheckpointError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Progress(task)
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from error
    try:
        progress = msgspec.json.decode(content, type=Progress)
    except msgspec.DecodeError as error:
        raise CheckpointError(f"{path} is no checkpoint of a soak: {error}") from error
    if progress.task != task:
        raise CheckpointError(f"{path} belongs to another soak: {_told(progress.task)}; this one is {_told(task)}")
    return progress


def save(path: Path, progress: Progress) -> None:
    """Replace the file; after this the progress is on disk, whatever happens. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as sink:
        sink.write(msgspec.json.encode(progress) + b"\n")
        sink.flush()
        os.fsync(sink.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _told(task: Task) -> str:
    much = f"n {task.n}" if task.n is not None else f"hours {task.hours:g}"
    return f"{task.soak} seed {task.seed} {much} commit {task.commit}"
