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
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ..clock import Clock
from ..config.types import MqttSection
from ..ledger.records import OutboxRow
from ..log import event_line, logger
from .message import OFFLINE, ONLINE, Topics

WINDOW = 20
"""Rows in flight at once: enough to fill a loopback, little enough to keep live data prompt."""
CONNACK_WITHIN_US = 10_000_000
PUBACK_WITHIN_US = 30_000_000
REFUSED_AGAIN_US = 60_000_000
LONGEST_PAUSE_S = 60.0
KEEPALIVE_S = 30
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
        super().__init__(name="publisher")
        self.delivery = Delivery()
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
        self._in_flight: dict[int, tuple[int, int]] = {}
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
        while not self._inbox.empty():
            self._inbox.get()()
        self._keep_time()
        self.delivery = replace(self.delivery, in_flight=len(self._in_flight))

    def _serve_socket(self, client: mqtt.Client, mask: int) -> None:
        if mask & selectors.EVENT_READ:
            client.loop_read(20)
            sock: Any = client.socket()
            while isinstance(sock, ssl.SSLSocket) and sock.pending():
                client.loop_read(20)
                sock = client.socket()
        if mask & selectors.EVENT_WRITE:
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
        if self._client is None:
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
        room = WINDOW - len(self._in_flight)
        if room > 0 and not self._asked and not self._drained:
            self._asked = True
            self._want_rows(self._connection, self._last_sent, room)

    def _connect(self) -> None:
        self._connection += 1
        client = self._make_client(self._connection)
        self._client = client
        self._connected_by_us = self._clock.real_us() + CONNACK_WITHIN_US
        try:
            if self._protocol is MQTTProtocolVersion.MQTTv5:
                client.connect(self._section.host, self._section.port, KEEPALIVE_S, clean_start=True)
            else:
                client.connect(self._section.host, self._section.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            self._drop(f"{self._section.host}:{self._section.port}: {error}", answered=False)

    def _make_client(self, connection: int) -> mqtt.Client:
        """A fresh client for each connection: paho would send its old queue again beside our outbox."""
        version5 = self._protocol is MQTTProtocolVersion.MQTTv5
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            clean_session=None if version5 else True,
            protocol=self._protocol,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(4 * WINDOW)
        client.will_set(self._topics.status, OFFLINE, qos=1, retain=True)
        if self._section.username:
            client.username_pw_set(self._section.username, _password(self._section))
        if self._section.tls:
            client.tls_set_context(ssl.create_default_context(cafile=self._section.ca_file or None))
        client.on_connect = lambda _c, _u, _f, reason, _p: self._on_connect(connection, reason)
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self._on_disconnect(connection, reason)
        client.on_publish = lambda _c, _u, mid, reason, _p: self._on_publish(connection, mid, reason)
        return client

    def _on_connect(self, connection: int, reason: ReasonCode) -> None:
        if connection != self._connection:
            return
        if reason.is_failure:
            self._drop(f"the broker refused the connection: {reason}")
            return
        protocol = "5" if self._protocol is MQTTProtocolVersion.MQTTv5 else "3.1.1"
        self.delivery = replace(
            self.delivery, connected=True, protocol=protocol, connects=self.delivery.connects + 1, error=""
        )
        logger.info(event_line("broker_connected", host=self._section.host, port=self._section.port, mqtt=protocol))
        self._asked = self._drained = False
        self._last_sent = 0
        self._publish_retained(self._topics.status, ONLINE, None)
        for topic, (payload, expiry_s) in self._retained.items():
            self._publish_retained(topic, payload, expiry_s)

    def _on_disconnect(self, connection: int, reason: ReasonCode) -> None:
        if connection == self._connection and self._client is not None and not self._stopping:
            self._drop(f"connection lost: {reason}")

    def _on_publish(self, connection: int, mid: int, reason: ReasonCode) -> None:
        if connection != self._connection:
            return
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
        if connection != self._connection or self._client is None or not self.delivery.connected:
            return
        self._asked = False
        self._drained = not rows
        sent = {outbox_id for outbox_id, _ in self._in_flight.values()}
        for row in rows:
            if row.outbox_id not in sent:
                message = self._client.publish(self._topics.meter(row.meter, row.kind), row.payload, qos=1)
                self._in_flight[message.mid] = (row.outbox_id, self._clock.real_us())
            self._last_sent = row.outbox_id

    def _forget_drained(self) -> None:
        self._drained = False

    def _keep(self, topic: str, payload: str, expiry_s: int | None) -> None:
        self._retained[topic] = (payload, expiry_s)
        if self.delivery.connected:
            self._publish_retained(topic, payload, expiry_s)

    def _publish_retained(self, topic: str, payload: str, expiry_s: int | None) -> None:
        if self._client is None:
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
        if client is not None:
            client.disconnect()
            client.loop_write()
        if answered and not was_connected:
            # A broker that only speaks 3.1.1 answers CONNECT with a code, or just hangs up.
            self._protocol = (
                MQTTProtocolVersion.MQTTv311
                if self._protocol is MQTTProtocolVersion.MQTTv5
                else MQTTProtocolVersion.MQTTv5
            )
        if was_connected or why != self.delivery.error:
            logger.warning(event_line("broker_away", host=self._section.host, port=self._section.port, why=why))
        self.delivery = replace(self.delivery, connected=False, error=why)
        self._in_flight.clear()
        self._attempt += 1
        pause_s = random.uniform(0, min(LONGEST_PAUSE_S, 0.5 * 2**self._attempt))
        self._connect_at_us = self._clock.real_us() + int(pause_s * 1e6)

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
            if client.loop(0.1) != mqtt.MQTT_ERR_SUCCESS:
                return
        client.disconnect()
        client.loop_write()


def _password(section: MqttSection) -> str | None:
    if not section.password_file:
        return None
    return Path(section.password_file).read_text(encoding="utf-8").strip()
