"""The publish step: committed rows to the broker, QoS 1, done only at a PUBACK with success. paho is a pipe.

One thread owns the client, its socket and its timers; paho's own thread, queue and reconnect are not used.
A row is acknowledged to the ledger when the broker's PUBACK names it with a reason code below 0x80; until then
it stays in the outbox and is sent again on the next connection, the same bytes each time.
MQTT 5 first; a broker that does not speak it is asked again with 3.1.1, where a PUBACK means only "sent".
"""

import os
import queue
import random
import selectors
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ..clock import Clock
from ..config.types import MqttSection
from ..ledger.records import OutboxRow
from ..log import event_line, logger
from ..pulse import Pulse
from .connection import MOST_IN_FLIGHT, Notes, open_client, receive_maximum
from .listening import Listening
from .message import OFFLINE, ONLINE, Topics

WINDOW = 20
"""Rows in flight at once: enough to fill a loopback, little enough to keep live data prompt."""
CONNACK_WITHIN_US = 10_000_000
PUBACK_WITHIN_US = 30_000_000
REFUSED_AGAIN_US = 60_000_000
LONGEST_PAUSE_S = 60.0
UNSUPPORTED_VERSION = 0x84
YOUNG_US = 5_000_000
TWINS_AFTER = 3
STATE_EXPIRES_AFTER = 10  # times state_every_s: a retained state that nobody refreshes must not look alive


@dataclass(frozen=True, slots=True)
class Delivery:
    """How delivery stands, for `netmeter status`."""

    connected: bool = False
    protocol: str = ""
    in_flight: int = 0
    acknowledged: int = 0
    refused: int = 0
    connects: int = 0
    error: str = ""


class Publisher(threading.Thread):
    """The publisher thread. The other threads only call the `offer_*` methods, `wake_up` and `stop`."""

    def __init__(
        self,
        section: MqttSection,
        topics: Topics,
        client_id: str,
        clock: Clock,
        want_rows: Callable[[int, int, int], None],
        acknowledge: Callable[[int], None],
    ) -> None:
        """`want_rows(connection, after_id, limit)` asks the ledger; it answers with `offer_rows`."""
        super().__init__(name="publisher", daemon=True)
        self.delivery = Delivery()
        self.pulse = Pulse(self.name, clock)
        self.listening = Listening()
        """Topics to hear from the broker; add them before `start`."""
        self._section, self._topics, self._client_id, self._clock = section, topics, client_id, clock
        self._want_rows, self._acknowledge = want_rows, acknowledge
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._retained: dict[str, tuple[str, int | None]] = {}
        self._stopping = False
        self._client: mqtt.Client | None = None
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._attempt = self._connection = 0
        self._connect_at_us = self._connected_by_us = self._refused_until_us = 0
        self._repeat_at_us = 0
        self._in_flight: dict[int, tuple[int, int]] = {}
        # What paho's callbacks note, for `_act_on_notes`.
        self._trouble = ""
        self._greet = False
        self._spoken = False
        """Whether the broker has answered in the protocol it was asked in, if only with a refusal."""
        self._acknowledgements: list[tuple[int, ReasonCode]] = []
        self._room = 65_535
        self._limit = MOST_IN_FLIGHT
        self._connected_us = self._died_young = 0
        self._last_sent = 0
        self._asked = self._drained = False

    def offer_rows(self, connection: int, rows: list[OutboxRow]) -> None:
        """The ledger's answer to `want_rows`."""
        self._post(lambda: self._send_rows(connection, rows))

    def offer_growth(self) -> None:
        """New rows were committed."""
        self._post(self._forget_drained)

    def offer_retained(self, topic: str, payload: str, expires: bool = False) -> None:
        """A retained message that is always the newest of its topic: state, status, health."""
        expiry_s = max(60, STATE_EXPIRES_AFTER * self._section.state_every_s) if expires else None
        self._post(lambda: self._keep(topic, payload, expiry_s))

    def repeat_retained(self, within_s: float) -> None:
        """Send everything retained once more, at a random moment: somebody has just begun to listen."""
        if not self._repeat_at_us:
            self._repeat_at_us = self._clock.real_us() + int(random.uniform(0, within_s) * 1e6)

    def stop(self) -> None:
        """Say offline, disconnect, end. Rows in flight stay in the outbox."""
        self._post(self._begin_stop)

    def run(self) -> None:
        """Connect, send, listen; until stopped."""
        try:
            with selectors.DefaultSelector() as selector:
                while not self._stopping:
                    self._turn(selector)
                self._say_goodbye()
        finally:
            os.close(self._wake)

    def _post(self, action: Callable[[], None]) -> None:
        self._inbox.put(action)
        try:
            os.eventfd_write(self._wake, 1)
        except OSError:
            return  # the thread has ended; nothing is owed to it

    def _turn(self, selector: selectors.DefaultSelector) -> None:
        """One round: wait for the socket or the inbox, serve both, keep the timers."""
        self.pulse.turn()
        sock = self._client.socket() if self._client is not None else None
        selector.register(self._wake, selectors.EVENT_READ)
        if sock is not None and self._client is not None:
            wants = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._client.want_write() else 0)
            selector.register(sock, wants)
        ready = selector.select(1.0 if self._client is not None else self._pause_s())
        for key in list(selector.get_map().values()):
            selector.unregister(key.fileobj)
        for key, mask in ready:
            if key.fileobj == self._wake:
                os.eventfd_read(self._wake)
            elif self._client is not None:
                self._serve_socket(self._client, mask)
        self._act_on_notes()
        while not self._inbox.empty():
            self._inbox.get()()
        self._keep_time()
        self._act_on_notes()
        self.delivery = replace(self.delivery, in_flight=len(self._in_flight))

    def _serve_socket(self, client: mqtt.Client, mask: int) -> None:
        if mask & selectors.EVENT_READ:
            client.loop_read(20)
            sock: Any = client.socket()
            while isinstance(sock, ssl.SSLSocket) and sock.pending():
                client.loop_read(20)
                sock = client.socket()
        if mask & selectors.EVENT_WRITE and not self._trouble:
            client.loop_write()

    def _pause_s(self) -> float:
        return min(max((self._connect_at_us - self._clock.real_us()) / 1e6, 0.0), 1.0)

    def _keep_time(self) -> None:
        """Connect when due, give up on what hangs, ask for rows when there is room."""
        now_us = self._clock.real_us()
        client = self._client
        if client is None:
            if now_us >= self._connect_at_us and not self._stopping:
                self._connect()
            return
        client.loop_misc()
        if self._trouble:
            return
        if not self.delivery.connected:
            if now_us > self._connected_by_us:
                self._drop("no CONNACK within 10 s")
            return
        oldest_us = min((sent_us for _, sent_us in self._in_flight.values()), default=now_us)
        if now_us - oldest_us > PUBACK_WITHIN_US:
            self._drop("no PUBACK within 30 s")
            return
        if self._refused_until_us and now_us >= self._refused_until_us:
            self._refused_until_us, self._last_sent, self._drained = 0, 0, False
        room = min(WINDOW, self._limit) - len(self._in_flight)
        if room > 0 and not self._asked and not self._drained:
            self._asked = True
            self._want_rows(self._connection, self._last_sent, room)
        if self._repeat_at_us and now_us >= self._repeat_at_us:
            self._publish_all_retained()

    def _connect(self) -> None:
        self._connection += 1
        connection = self._connection
        notes = Notes(
            lambda reason, properties: self._note_connected(connection, reason, properties),
            lambda reason: self._note_lost(connection, reason),
            lambda mid, reason: self._note_acknowledged(connection, mid, reason),
        )
        self._trouble, self._spoken = "", False
        will = self._topics.status, OFFLINE
        try:
            self._client = open_client(
                self._section, self._client_id, will, self._protocol, self._limit, notes, self.pulse
            )
        except (OSError, ValueError) as error:
            self._drop(f"{self._section.host}:{self._section.port}: {error}", answered=False)
        self.pulse.turn()
        self._connected_by_us = self._clock.real_us() + CONNACK_WITHIN_US

    def _note_connected(self, connection: int, reason: ReasonCode, properties: Properties | None) -> None:
        if connection != self._connection:
            return
        if reason.is_failure:
            self._trouble = f"the broker refused the connection: {reason}"
            self._spoken = reason.value != UNSUPPORTED_VERSION
            return
        protocol = "5" if self._protocol is MQTTProtocolVersion.MQTTv5 else "3.1.1"
        self._room = receive_maximum(properties)
        self.delivery = replace(
            self.delivery, connected=True, protocol=protocol, connects=self.delivery.connects + 1, error=""
        )
        self._greet = True

    def _note_lost(self, connection: int, reason: ReasonCode) -> None:
        if connection == self._connection and not self._trouble:
            self._trouble = f"connection lost: {reason}"

    def _note_acknowledged(self, connection: int, mid: int, reason: ReasonCode) -> None:
        if connection == self._connection:
            self._acknowledgements.append((mid, reason))

    def _act_on_notes(self) -> None:
        """What the callbacks noted, now that paho has let go of its locks: acknowledgements first, then the end."""
        while self._acknowledgements:
            self._take_acknowledgement(*self._acknowledgements.pop(0))
        if self._trouble:
            self._drop(self._trouble)
        elif self._greet:
            self._begin_connection()

    def _begin_connection(self) -> None:
        self._greet = False
        if self._room < self._limit:
            # paho takes its limit only before it connects; more than Receive Maximum would end the connection (4.9).
            self._limit = self._room
            self._drop(f"the broker takes {self._room} messages at once: connecting again with that")
            self._connect_at_us = self._clock.real_us()
            return
        logger.info(
            event_line(
                "broker_connected", host=self._section.host, port=self._section.port, mqtt=self.delivery.protocol
            )
        )
        self._connected_us = self._clock.real_us()
        self._asked = self._drained = False
        self._last_sent = 0
        if self._client is not None:
            self.listening.subscribe(self._client, self._post)
        self._publish_all_retained()

    def _take_acknowledgement(self, mid: int, reason: ReasonCode) -> None:
        outbox_id, _ = self._in_flight.pop(mid, (0, 0))
        if not outbox_id:
            return
        if reason.is_failure:
            self._refused_until_us = self._clock.real_us() + REFUSED_AGAIN_US
            self.delivery = replace(
                self.delivery, refused=self.delivery.refused + 1, error=f"the broker refused a record: {reason}"
            )
            logger.warning(event_line("record_refused", outbox_id=outbox_id, reason=str(reason)))
            return
        self._attempt = 0  # only the broker's word that it took something resets the back-off
        self.delivery = replace(self.delivery, acknowledged=self.delivery.acknowledged + 1)
        self._acknowledge(outbox_id)

    def _send_rows(self, connection: int, rows: list[OutboxRow]) -> None:
        client = self._client
        if connection != self._connection or client is None or not self.delivery.connected:
            return
        self._asked = False
        self._drained = not rows
        sent = {outbox_id for outbox_id, _ in self._in_flight.values()}
        for row in rows:
            if row.outbox_id not in sent:
                message = client.publish(self._topics.meter(row.meter, row.kind), row.payload, qos=1)
                if self._trouble or message.rc not in (mqtt.MQTT_ERR_SUCCESS, mqtt.MQTT_ERR_QUEUE_SIZE):
                    return  # the socket died under it: never sent, still in the outbox
                self._in_flight[message.mid] = (row.outbox_id, self._clock.real_us())
            self._last_sent = row.outbox_id

    def _forget_drained(self) -> None:
        self._drained = False

    def _keep(self, topic: str, payload: str, expiry_s: int | None) -> None:
        self._retained[topic] = (payload, expiry_s)
        if self.delivery.connected:
            self._publish_retained(topic, payload, expiry_s)

    def _publish_all_retained(self) -> None:
        self._repeat_at_us = 0
        self._publish_retained(self._topics.status, ONLINE, None)
        for topic, (payload, expiry_s) in self._retained.items():
            self._publish_retained(topic, payload, expiry_s)

    def _publish_retained(self, topic: str, payload: str, expiry_s: int | None) -> None:
        if self._client is None or self._trouble:
            return
        properties = None
        if expiry_s is not None and self._protocol is MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has no types here
            properties.MessageExpiryInterval = expiry_s
        self._client.publish(topic, payload, qos=1, retain=True, properties=properties)

    def _drop(self, why: str, answered: bool = True) -> None:
        """Let go of the connection; what was in flight is still in the outbox. Full jitter before the next try."""
        client, self._client = self._client, None
        was_connected = self.delivery.connected
        self._connection += 1  # whatever this client still has to say is no longer heard
        if client is not None:
            client.disconnect()
        if answered and not was_connected and not self._spoken:
            # A broker that only speaks 3.1.1 answers CONNECT with a code of its own, or just hangs up.
            self._protocol = (
                MQTTProtocolVersion.MQTTv311
                if self._protocol is MQTTProtocolVersion.MQTTv5
                else MQTTProtocolVersion.MQTTv5
            )
        why = self._explain(why, was_connected)
        if was_connected or why != self.delivery.error:
            logger.warning(event_line("broker_away", host=self._section.host, port=self._section.port, why=why))
        self.delivery = replace(self.delivery, connected=False, error=why)
        self._in_flight.clear()
        self._acknowledgements.clear()
        self._trouble, self._greet = "", False
        self._attempt += 1
        pause_s = random.uniform(0, min(LONGEST_PAUSE_S, 0.5 * 2**self._attempt))
        self._connect_at_us = self._clock.real_us() + int(pause_s * 1e6)

    def _explain(self, why: str, was_connected: bool) -> str:
        """Connections that die young, again and again, have one usual cause: two clients of one name."""
        young = was_connected and self._clock.real_us() - self._connected_us < YOUNG_US
        self._died_young = self._died_young + 1 if young else 0
        if self._died_young >= TWINS_AFTER:
            return f"{why}; is another gateway connected as {self._client_id}? Each needs an id of its own"
        return why

    def _begin_stop(self) -> None:
        self._stopping = True

    def _say_goodbye(self) -> None:
        """Wait for what is in flight, two seconds at most; say `offline`, which a clean DISCONNECT keeps back."""
        client = self._client
        if client is None or not self.delivery.connected:
            return
        message = client.publish(self._topics.status, OFFLINE, qos=1, retain=True)
        deadline_us = self._clock.real_us() + 2_000_000
        while (self._in_flight or not message.is_published()) and self._clock.real_us() < deadline_us:
            if client.loop(0.1) != mqtt.MQTT_ERR_SUCCESS or self._trouble:
                return
            while self._acknowledgements:
                self._take_acknowledgement(*self._acknowledgements.pop(0))
        client.disconnect()
        client.loop_write()
