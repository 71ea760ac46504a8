"""Who can say what a meter's account was: a store that is set aside, the checkpoint file, or nobody.

Reads only. Of several words on one meter the one that has counted furthest holds, by register epoch and energy: no
clock is asked. A state that breaks the accumulator's own law is no witness.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ..energy import AccumulatorState, Opening
from ..registers.validate import ValidatorState
from .checkpoint_file import Checkpoint, MeterCheckpoint
from .damaged import UNREADABLE, TableReader, open_for_reading, tables_of
from .epochs import Witnessed
from .rows import COLUMNS, is_whole

PROBES_MOST = 20_000
"""A second or some at the start of a daemon, which reads no meter meanwhile."""
CHECKPOINT, SALVAGE, UNKNOWN = "checkpoint", "salvage", "unknown"


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What a file that may be damaged still says: each meter's state, and what the broker has not taken."""

    meters: Mapping[str, MeterCheckpoint] = field(default_factory=dict)
    outbox: tuple[tuple[str, str, int, str], ...] = ()
    """(meter, kind, seq, payload), oldest first."""
    is_store: bool = False
    """Whether it has our tables."""


def salvage_states(path: Path) -> Salvaged:
    """What can be read of the store at `path`. Never raises for damage."""
    try:
        connection = open_for_reading(path)
    except sqlite3.Error:
        return Salvaged()
    try:
        return _read(connection)
    except UNREADABLE:
        return Salvaged()
    finally:
        connection.close()


def _read(connection: sqlite3.Connection) -> Salvaged:
    tables = tables_of(connection)
    rows = {
        table: [
            dict(zip(("rowid", *columns), row, strict=True))
            for row in TableReader(connection, table, PROBES_MOST).rows()
        ]
        for table, columns in tables.items()
        if table in ("meter", "meter_state", "outbox")
    }
    names = {
        row["meter_id"]: str(row["name"])
        for row in rows.get("meter", ())
        if is_whole([row[column] for column in COLUMNS["meter"]], row.get("crc"))
    }
    meters = {}
    for row in rows.get("meter_state", ()):
        state = _state(row)
        if state is not None and row["meter_id"] in names:
            meters[names[row["meter_id"]]] = state
    outbox = [
        (names[row["meter_id"]], str(row["kind"]), row["seq"], str(row["payload"]))
        for row in rows.get("outbox", ())
        if row["meter_id"] in names and isinstance(row["seq"], int) and _is_payload(row)
    ]
    return Salvaged(meters, tuple(outbox), {"meter_state", "interval"} <= tables.keys())


def _state(row: Mapping[str, object]) -> MeterCheckpoint | None:
    if not is_whole([row[column] for column in COLUMNS["meter_state"]], row.get("crc")):
        return None
    try:
        validator = msgspec.json.decode(str(row["validator"]), type=ValidatorState)
        accumulator = msgspec.json.decode(str(row["accumulator"]), type=AccumulatorState)
    except (msgspec.DecodeError, ValueError):
        return None
    return MeterCheckpoint(0, 0, "", validator, accumulator)


def _is_payload(row: Mapping[str, object]) -> bool:
    """Whether a message that waits is whole, and the one that its row says."""
    if not is_whole([row[column] for column in COLUMNS["outbox"]], row.get("crc")):
        return False
    try:
        payload = msgspec.json.decode(str(row["payload"]), type=dict[str, object])
    except (msgspec.DecodeError, ValueError):
        return False
    return payload.get("seq") == row["seq"]


def best(words: Iterable[tuple[str, Mapping[str, MeterCheckpoint]]]) -> dict[str, Witnessed]:
    """By meter, the word that has counted furthest; of equals the first."""
    found: dict[str, Witnessed] = {}
    for source, meters in words:
        for name, meter in meters.items():
            if not all(account.law_holds for account in meter.accumulator.directions.values()):
                continue
            if name not in found or _counted(meter) > _counted(found[name].meter):
                found[name] = Witnessed(meter, source)
    return found


def _counted(meter: MeterCheckpoint) -> tuple[int, int]:
    state = meter.accumulator
    energy_milliwh = sum(sum(account.totals_milliwh.values()) for account in state.directions.values())
    return state.register_epoch, energy_milliwh


def carried(found: Mapping[str, Witnessed], names: Iterable[str], *, were_known: bool) -> dict[str, Witnessed]:
    """The states that a new epoch begins with: the hole behind them is to be bridged.

    `names`: the meters of the config. `were_known`: there was an account of them before; where no witness of one is
    left, that is said.
    """
    states = {}
    for name, one in found.items():
        # A state that has never booked anything carries nothing on.
        is_empty = one.meter.accumulator.register_epoch == 0
        opening = (Opening.UNKNOWN if were_known else Opening.FIRST) if is_empty else Opening.CARRIED
        if one.meter.accumulator.opening is Opening.UNKNOWN:
            opening = Opening.UNKNOWN  # what was lost once stays lost
        states[name] = _with(one, opening)
    for name in names:
        if name not in states and were_known:
            nothing = MeterCheckpoint(0, 0, "", ValidatorState(), AccumulatorState())
            states[name] = _with(Witnessed(nothing, UNKNOWN), Opening.UNKNOWN)
    return states


def _with(one: Witnessed, opening: Opening) -> Witnessed:
    accumulator = msgspec.structs.replace(one.meter.accumulator, opening=opening, bridge=True)
    return Witnessed(msgspec.structs.replace(one.meter, accumulator=accumulator), one.source)


def checkpoint_states(checkpoint: Checkpoint | None) -> Mapping[str, MeterCheckpoint]:
    """The meters of a checkpoint; none where there is none."""
    return {} if checkpoint is None else checkpoint.meters


def named(states: Mapping[str, Witnessed]) -> str:
    """The sources in one word for the row of an epoch, e.g. `salvage` or `checkpoint+unknown`."""
    return "+".join(sorted({one.source for one in states.values()}))
