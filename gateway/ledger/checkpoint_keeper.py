"""Keeps the checkpoint file in step with the store: notes what each COMMIT held, and writes it when that was told.

A commit that gives out a number (an interval, an event) is followed by a checkpoint before anybody hears the record,
however many meters there are. A checkpoint that cannot be written stops nothing: `error` says so, and it stays due.
"""

from collections.abc import Mapping

import msgspec

from .checkpoint_file import CheckpointFile
from .records import Batch
from .version import SCHEMA_VERSION

_ENCODER = msgspec.json.Encoder()

EncodedState = tuple[bytes, bytes]
"""Validator and accumulator, as the store has them."""


class CheckpointKeeper:
    """Of one open store; used by the thread that commits."""

    def __init__(self, file: CheckpointFile, store_epoch: str) -> None:
        self.error = ""
        self._file, self._store_epoch = file, store_epoch
        known = file.numbers()
        self._generation = 0 if known is None else known.generation
        self._meters: dict[int, dict[str, object]] = {}
        self._names: dict[int, str] = {}
        self._due = False

    def know(self, meter_id: int, name: str, seqs: tuple[int, int], chain_head: str, state: EncodedState) -> None:
        """Enter a meter as the store has it. `seqs`: its newest interval and event."""
        self._names[meter_id] = name
        self._meters[meter_id] = {
            "interval_seq": seqs[0],
            "event_seq": seqs[1],
            "chain_head": chain_head,
            "validator": msgspec.Raw(state[0]),
            "accumulator": msgspec.Raw(state[1]),
        }

    def note(self, batch: Batch, states: Mapping[int, EncodedState]) -> None:
        """After its COMMIT: what the store holds now. Written at once if it gave out a number."""
        for row in batch.intervals:
            if row.meter_id in self._meters:
                self._meters[row.meter_id] |= {"interval_seq": row.seq, "chain_head": row.hash}
        for event in batch.events:
            if event.meter_id in self._meters:
                self._meters[event.meter_id]["event_seq"] = event.seq
        for meter_id, (validator, accumulator) in states.items():
            if meter_id in self._meters:
                raw = {"validator": msgspec.Raw(validator), "accumulator": msgspec.Raw(accumulator)}
                self._meters[meter_id] |= raw
        self._due = self._due or bool(batch.intervals or batch.events or batch.epochs)
        self.save()

    def save(self) -> None:
        """Write what is due. Never raises: `error` says why it could not be written, and it stays due."""
        if not self._due:
            return
        meters = {self._names[meter_id]: meter for meter_id, meter in self._meters.items()}
        generation = self._generation + 1
        words = {"generation": generation, "store_epoch": self._store_epoch, "meters": meters}
        body = _ENCODER.encode({**words, "schema": SCHEMA_VERSION})
        try:
            self._file.save_body(generation, body)
        except OSError as error:
            self.error = str(error)
            return
        self._generation = generation
        self._due, self.error = False, ""
