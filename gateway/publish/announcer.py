"""Keeps Home Assistant told: which devices there are, anew when that changes and when Home Assistant has started.

A meter is announced with its first state, because only then is it known which directions it has. The payloads are
retained, and the publisher sends what is retained again on every connection.
"""

from collections.abc import Callable, Iterable

from drivers import MeterIdentity

from .. import __version__
from ..config.types import Config
from ..ledger.records import Record
from .discovery import Device, birth_topic, gateway_payload, gateway_topic, holds, meter_payload, meter_topic
from .message import ONLINE, Topics, render
from .publisher import Publisher

BIRTH_WITHIN_S = 5.0
"""After Home Assistant's birth message everything retained goes out again, at a random moment within this time:
it has just subscribed to all its devices at once."""


class Announcer:
    """The announcements of one gateway. `start` before the threads run, `announce` from one thread."""

    def __init__(
        self,
        config: Config,
        topics: Topics,
        publisher: Publisher,
        identity_of: Callable[[str], MeterIdentity | None],
    ) -> None:
        """`identity_of(meter)`: who answered last, None while that is not known."""
        self._gateway, self._prefix = config.gateway.id, config.mqtt.discovery_prefix
        self._sections = {section.name: section for section in config.meter}
        self._state_every_s = config.mqtt.state_every_s
        self._topics, self._publisher, self._identity_of = topics, publisher, identity_of
        self._told: dict[str, tuple[MeterIdentity, dict[str, bool]]] = {}

    def start(self, stored_meters: Iterable[str]) -> None:
        """Announce the gateway, and withdraw the meters that the store knows and the config no longer names."""
        payload = gateway_payload(self._topics, self._gateway, __version__)
        self._publisher.offer_retained(gateway_topic(self._prefix, self._gateway), render(payload))
        for meter in stored_meters:
            if meter not in self._sections:
                self._publisher.offer_retained(meter_topic(self._prefix, self._gateway, meter), "")
        self._publisher.listening.add(birth_topic(self._prefix), self._hear_birth)

    def announce(self, meter: str, record: Record) -> None:
        """Announce a meter by the state that is about to go out, unless all of it has been told."""
        told = self._told.get(meter)
        identity_before, held_before = told or (MeterIdentity(), {})
        # A line that has just failed does not know who answers; a register that is away for once stays an entity.
        now = (self._identity_of(meter) or identity_before, holds(record, held_before))
        if now == told:
            return
        self._told[meter] = now
        identity, held = now
        publish_s = max(self._state_every_s, self._sections[meter].poll_s)
        device = Device(self._gateway, meter, __version__, publish_s, identity)
        payload = meter_payload(self._topics, device, held)
        self._publisher.offer_retained(meter_topic(self._prefix, self._gateway, meter), render(payload))

    def _hear_birth(self, payload: bytes, retained: bool) -> None:
        # One that was kept is old news: all has just been sent on this connection.
        if payload == ONLINE.encode() and not retained:
            self._publisher.repeat_retained(BIRTH_WITHIN_S)


def withdraw(publisher: Publisher, topics: Topics, meters: Iterable[str]) -> None:
    """Have the broker forget what was live of meters that are read no more; their head stays, and serves backfill."""
    for meter in meters:
        for kind in ("state", "status"):
            publisher.offer_retained(topics.meter(meter, kind), "")
