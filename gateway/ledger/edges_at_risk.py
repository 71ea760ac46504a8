"""The edges that a step of the clock may yet put in doubt, kept beside the account that they belong to. SQL.

They are hundreds after a year and change twice a day; the account is written by the minute. Written as they change.
"""

import sqlite3

import msgspec

from ..energy import AccumulatorState, EdgeAtRisk
from .rows import replace, summed

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(list[EdgeAtRisk])


class EdgesAtRisk:
    """The table `meter_edges`, within whatever transaction is open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._written: dict[int, bytes] = {}

    def forget(self) -> None:
        """After a rollback: what was written may be gone."""
        self._written.clear()

    def parted(self, meter_id: int, account: AccumulatorState) -> AccumulatorState:
        """The account without its edges, which are written here if they have changed."""
        edges = _ENCODER.encode(account.at_risk)
        if self._written.get(meter_id) != edges:
            self._connection.execute(replace("meter_edges"), summed((meter_id, edges.decode())))
            self._written[meter_id] = edges
        return msgspec.structs.replace(account, at_risk=[])

    def joined(self, meter_id: int, account: AccumulatorState) -> AccumulatorState:
        """The account with its edges; as it is where none were kept apart yet. Raises msgspec.DecodeError."""
        row = self._connection.execute("SELECT at_risk FROM meter_edges WHERE meter_id = ?", (meter_id,)).fetchone()
        return account if row is None else msgspec.structs.replace(account, at_risk=_DECODER.decode(row[0]))
