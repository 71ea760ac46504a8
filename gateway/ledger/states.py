"""What a meter's books go on from, as the store has it: read, and held against its checksum and its buckets.

Reads only. A state that does not hold is raised as damage, never mended: a wrong one would be booked on for ever.
"""

import sqlite3
from pathlib import Path

import msgspec

from ..energy import AccumulatorState
from ..registers.validate import ValidatorState
from .checkpoint_keeper import EncodedState
from .newer import UnknownWordError, decoded, refusal
from .rows import is_whole
from .store_error import MEND, DamagedError

_ENCODER = msgspec.json.Encoder()


def load_state(
    connection: sqlite3.Connection, path: Path, meter_id: int, name: str
) -> tuple[tuple[ValidatorState, AccumulatorState], EncodedState]:
    """The state, and how it is written; an empty one of a meter that has none yet.

    Raises DamagedError, StoreError where a newer program wrote it, sqlite3.Error.
    """
    row = connection.execute(
        "SELECT validator, accumulator, crc FROM meter_state WHERE meter_id = ?", (meter_id,)
    ).fetchone()
    if row is None:
        validator, accumulator = ValidatorState(), AccumulatorState()
        return (validator, accumulator), (_ENCODER.encode(validator), _ENCODER.encode(accumulator))
    if not is_whole((meter_id, *row[:2]), row[2]):
        raise DamagedError(f"{path}: the state of meter {name} is damaged (its checksum); {MEND}")
    try:
        validator, accumulator = decoded(row[0], ValidatorState), decoded(row[1], AccumulatorState)
    except UnknownWordError as error:
        if row[2] is not None:
            raise refusal(path, f"meter_state of meter {name}: {error}") from error
        raise DamagedError(f"{path}: the state of meter {name} is damaged ({error}); {MEND}") from error
    except msgspec.DecodeError as error:
        raise DamagedError(f"{path}: the state of meter {name} is damaged ({error}); {MEND}") from error
    return (validator, accumulator), (str(row[0]).encode(), str(row[1]).encode())


def check_totals(connection: sqlite3.Connection, meter_id: int, name: str, accumulator: AccumulatorState) -> None:
    """The table that people read and the state that the program runs on must agree.

    Raises DamagedError, sqlite3.Error.
    """
    expected = {
        (direction.value, bucket): (milliwh, account.uncertain_milliwh.get(bucket, 0))
        for direction, account in accumulator.directions.items()
        for bucket, milliwh in account.totals_milliwh.items()
    }
    rows = connection.execute(
        "SELECT direction, bucket, milliwh, uncertain_milliwh FROM bucket_total WHERE meter_id = ?", (meter_id,)
    )
    found = {(direction, bucket): tuple(numbers) for direction, bucket, *numbers in rows if any(numbers)}
    if found != {key: numbers for key, numbers in expected.items() if any(numbers)}:
        raise DamagedError(
            f"meter {name}: bucket_total and the running state disagree: the store was changed by hand or is"
            f" damaged; {MEND}"
        )
