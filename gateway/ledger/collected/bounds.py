"""How many gateways, meters and store epochs a collector takes anything from: who may publish could make up any number.

Counts what is in the database; a place that is known stays admitted. Bounds names, not records: an epoch that is
admitted may have any number of them.
"""

import sqlite3

EPOCHS_MOST = 1_000
"""Of a gateway. A store begins one when it is restored, set aside as damaged or moved: a few in its life."""
METERS_MOST = 5_000
"""Of a gateway."""
GATEWAYS_MOST = 5_000


class Bounds:
    """Of one open database, within its writer's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._epochs: dict[str, set[str]] = {}
        self._meters: dict[str, set[str]] = {}
        self.forget()

    def forget(self) -> None:
        """Read anew what is on disk."""
        self._epochs.clear()
        self._meters.clear()
        places = (
            "SELECT gateway, meter, store_epoch FROM epoch UNION SELECT gateway, meter, store_epoch FROM state"
            " UNION SELECT gateway, '', store_epoch FROM presence"
        )
        for place in self._connection.execute(places):
            self._enter(*place)

    def refusal(self, gateway: str, meter: str, store_epoch: str) -> str:
        """Why nothing is taken of this place; empty where it is, and from then on."""
        epochs, meters = self._epochs.get(gateway, set()), self._meters.get(gateway, set())
        if not epochs and len(self._epochs) >= GATEWAYS_MOST:
            return f"there are {GATEWAYS_MOST} gateways already, and nothing is taken of a further one"
        if store_epoch not in epochs and len(epochs) >= EPOCHS_MOST:
            return f"it has {EPOCHS_MOST} store epochs already, and nothing is taken of a further one: who publishes?"
        if meter not in meters and len(meters) >= METERS_MOST:
            return f"it has {METERS_MOST} meters already, and nothing is taken of a further one: who publishes?"
        self._enter(gateway, meter, store_epoch)
        return ""

    def _enter(self, gateway: str, meter: str, store_epoch: str) -> None:
        self._epochs.setdefault(gateway, set()).add(store_epoch)
        self._meters.setdefault(gateway, set()).add(meter)
