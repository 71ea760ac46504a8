"""Whether another gateway writes under our id: told by the health that is kept on our own topic. Pure; no I/O.

MQTT 3.1.1 has no word for a connection that another client of our name took over, and not every broker of MQTT 5 says
its own (0x8E): mosquitto 2.0.11 closes the socket. The two are never connected at one time, but each finds what the
other has left: after our own health was there, one of another store.
"""

import json


class Rival:
    """Of one publisher."""

    def __init__(self) -> None:
        self._was_ours = False
        """Ours was there before: what an earlier store of this gateway has left is no other gateway's."""
        self.is_ours = False
        """The newest that was heard is ours."""

    def hear(self, payload: bytes, own: str | None) -> bool:
        """A health on our topic; `own`: the newest that we have offered. True: another gateway's."""
        its, ours = _store_epoch(payload), _store_epoch(own)
        if not its or not ours:
            return False
        self.is_ours = its == ours
        self._was_ours = self._was_ours or self.is_ours
        return self._was_ours and not self.is_ours


def _store_epoch(payload: bytes | str | None) -> str:
    try:
        content = json.loads(payload or "")
    except ValueError:
        return ""
    return str(content.get("store_epoch") or "") if isinstance(content, dict) else ""
