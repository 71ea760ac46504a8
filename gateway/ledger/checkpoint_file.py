"""The checkpoint file: what the store held at its last edge, in two small copies beside it, each with its SHA-256.

Written after a COMMIT, never before: so it is never ahead of a store that has lost nothing, and a store that is
behind it has lost something. The copies are overwritten in turn and synced; a torn one leaves the other. It is the
witness for lifetime counters when the store cannot be read; it is no ledger, and holds no history.
"""

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from ..energy import AccumulatorState
from ..registers.validate import ValidatorState

MAGIC = b"netmeter checkpoint 1"
COPIES = ("checkpoint-a", "checkpoint-b")
HEAD_LIMIT_BYTES = 200
BODY_LIMIT_BYTES = 64_000_000


class MeterCheckpoint(msgspec.Struct, frozen=True):
    """One meter as of a commit: the newest numbers given out, and the state that the program runs on."""

    interval_seq: int
    event_seq: int
    chain_head: str
    validator: ValidatorState
    accumulator: AccumulatorState


class Checkpoint(msgspec.Struct, frozen=True):
    """All meters of a store by name."""

    generation: int
    store_epoch: str
    meters: dict[str, MeterCheckpoint]


class CheckpointFile:
    """The two copies beside one store. Used by whoever holds the store's lock."""

    def __init__(self, store: Path) -> None:
        self._paths = [store.with_name(f"{store.name}.{copy}") for copy in COPIES]

    def remove(self) -> None:
        """For who begins with nothing to go on from. Raises OSError."""
        for path in self._paths:
            path.unlink(missing_ok=True)

    def load(self) -> Checkpoint | None:
        """The newest copy that is whole; None where there is none. Never raises."""
        found = [one for path in self._paths if (one := _load(path)) is not None]
        return max(found, key=lambda one: one.generation, default=None)

    def save(self, checkpoint: Checkpoint) -> None:
        """Overwrite the older copy, and sync it. Raises OSError; the other copy is untouched then."""
        self.save_body(checkpoint.generation, msgspec.json.encode(checkpoint))

    def save_body(self, generation: int, body: bytes) -> None:
        """The same with a `Checkpoint` that is encoded already."""
        path = self._paths[generation % len(self._paths)]
        head = b"%s %d %s\n" % (MAGIC, len(body), hashlib.sha256(body).hexdigest().encode())
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            rest = memoryview(head + body)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.ftruncate(descriptor, len(head) + len(body))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(path.parent)


def _load(path: Path) -> Checkpoint | None:
    """One copy; None where it is absent, torn or of another kind."""
    with contextlib.suppress(OSError, ValueError, msgspec.DecodeError):
        with path.open("rb") as source:
            head, _, body = source.read(BODY_LIMIT_BYTES).partition(b"\n")
        magic, length, digest = head[:HEAD_LIMIT_BYTES].rsplit(b" ", 2)
        is_whole = magic == MAGIC and int(length) == len(body)
        if is_whole and hashlib.sha256(body).hexdigest().encode() == digest:
            return msgspec.json.decode(body, type=Checkpoint)
    return None


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder last over a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
