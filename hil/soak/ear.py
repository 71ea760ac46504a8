"""What an independent MQTT client hears of one house, kept in the order in which it came."""

import time
from collections.abc import Callable

from ..house import BASE_TOPIC, GATEWAY_ID
from ..watcher import Watcher
from .history import Received

ROOT = f"{BASE_TOPIC}/{GATEWAY_ID}"


class Ear:
    """Collects from a watcher, in the caller's thread."""

    def __init__(self, watcher: Watcher) -> None:
        self.received: list[Received] = []
        """Messages of the meters."""
        self.words: list[str] = []
        """The gateway's own presence: `online`, or the last will's `offline`."""
        self._watcher = watcher

    @property
    def missed_nothing(self) -> bool:
        """False after the reader itself was cut off."""
        return self._watcher.connects == 1

    def listen(self, timeout_s: float) -> bool:
        """Take the next message; False if none came."""
        message = self._watcher.next(timeout_s)
        if message is None:
            return False
        if message.topic == f"{ROOT}/status":
            self.words.append(message.payload.decode())
        elif message.topic.startswith(f"{ROOT}/meter/"):
            meter, _, kind = message.topic.removeprefix(f"{ROOT}/meter/").partition("/")
            self.received.append(Received(meter, kind, message.payload))
        return True

    def listen_until(self, enough: Callable[[], bool], patience_s: float) -> bool:
        """Listen until `enough`; False if the patience ended first."""
        deadline_s = time.monotonic() + patience_s
        while not enough():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            self.listen(min(0.05, left_s))
        return True

    def listen_for(self, duration_s: float) -> None:
        """Listen so long, and not less."""
        self.listen_until(lambda: False, duration_s)

    def contents(self, kind: str) -> int:
        """How many different messages of a kind have come: one that is sent again counts once."""
        return len({one.payload for one in self.received if one.kind == kind})
