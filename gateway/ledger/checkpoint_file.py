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
from .newer import UnknownWordError, decoded
from .version import SCHEMA_VERSION

MAGIC = b"netmeter checkpoint 1"
COPIES = ("checkpoint-a", "checkpoint-b")
HEAD_LIMIT_BYTES = 200
BODY_LIMIT_BYTES = 64_000_000


class MeterNumbers(msgspec.Struct, frozen=True):
    """One meter as of a commit: the newest numbers given out."""

    interval_seq: int
    event_seq: int
    chain_head: str


class MeterCheckpoint(MeterNumbers, frozen=True):
    """The same, and the state that the program runs on."""

    validator: ValidatorState
    accumulator: AccumulatorState


class Numbers(msgspec.Struct, frozen=True):
    """What any program can read of a checkpoint: the numbers of all meters of a store, by name."""

    generation: int
    store_epoch: str
    meters: dict[str, MeterNumbers]
    schema: int = 0
    """Of the program that wrote it; 0: before it was written down."""


class Checkpoint(msgspec.Struct, frozen=True):
    """All meters of a store by name."""

    generation: int
    store_epoch: str
    meters: dict[str, MeterCheckpoint]
    schema: int = SCHEMA_VERSION


class CheckpointFile:
    """The two copies beside one store. Used by whoever holds the store's lock."""

    def __init__(self, store: Path) -> None:
        self._paths = [store.with_name(f"{store.name}.{copy}") for copy in COPIES]

    def remove(self) -> None:
        """For who begins with nothing to go on from. Raises OSError."""
        for path in self._paths:
            path.unlink(missing_ok=True)

    def load(self) -> Checkpoint | None:
        """The newest copy that is whole, as far as this program knows its words; None where there is none. Never
        raises.
        """
        with contextlib.suppress(msgspec.DecodeError):
            return None if (body := self._newest()) is None else msgspec.json.decode(body, type=Checkpoint)
        return None

    def numbers(self) -> Numbers | None:
        """The numbers alone, whichever program wrote them. Never raises."""
        return None if (body := self._newest()) is None else _numbers(body)

    def newer_word(self) -> str:
        """What of the newest whole copy tells that a newer program wrote it; empty: nothing. Never raises."""
        body = self._newest()
        numbers = None if body is None else _numbers(body)
        if body is None or numbers is None or numbers.schema < SCHEMA_VERSION:
            return ""  # an older program's may have words that are no more: they were migrated in the store
        if numbers.schema > SCHEMA_VERSION:
            return f"its checkpoint file: schema {numbers.schema}, this one knows {SCHEMA_VERSION}"
        try:
            decoded(body.decode("utf-8", "replace"), Checkpoint)
        except (UnknownWordError, msgspec.DecodeError) as error:
            return f"its checkpoint file: {error}"
        return ""

    def _newest(self) -> bytes | None:
        """The newest body whose SHA-256 holds and whose numbers can be read."""
        whole = [body for path in self._paths if (body := _whole(path)) is not None]
        known = [(numbers.generation, body) for body in whole if (numbers := _numbers(body)) is not None]
        return max(known, default=(0, None))[1]

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


def _whole(path: Path) -> bytes | None:
    """What one copy holds; None where it is absent, torn or of another kind."""
    with contextlib.suppress(OSError, ValueError):
        with path.open("rb") as source:
            head, _, body = source.read(BODY_LIMIT_BYTES).partition(b"\n")
        magic, length, digest = head[:HEAD_LIMIT_BYTES].rsplit(b" ", 2)
        is_whole = magic == MAGIC and int(length) == len(body)
        if is_whole and hashlib.sha256(body).hexdigest().encode() == digest:
            return body
    return None


def _numbers(body: bytes) -> Numbers | None:
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(body, type=Numbers)
    return None


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder last over a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
