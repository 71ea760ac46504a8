"""A consumer's MQTT connection: a session that the broker keeps, and messages that are acknowledged when told so.

One thread. MQTT 5 first, 3.1.1 where that is refused. Decides nothing about a message; what is not acknowledged comes
again with the next connection. Never raises for what the network does; `error` says it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ..clock import Clock
from ..config.types import MqttSection
from ..log import event_line, logger
from ..publish.backoff import Backoff
from ..publish.dialect import UNSUPPORTED_VERSION, Dialect
from ..publish.encryption import explain, tls_context
from ..publish.secret import read_secret

KEEPALIVE_S = 30
SESSION_S = 7 * 86_400
"""How long the broker keeps what comes while nobody is there; what it drops is asked for."""
CONNECT_WITHIN_US = 10_000_000
BATCH_MOST = 500
LOST = "connection lost"


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came; `client` is who can acknowledge it."""

    topic: str
    payload: bytes
    retained: bool
    mid: int
    qos: int
    client: mqtt.Client


class Link:
    """Connects, and again; `receive` does all the work."""

    def __init__(self, section: MqttSection, client_id: str, topics: list[str], clock: Clock) -> None:
        self.connection = 0
        """Counts the connections that were subscribed: whoever sees it change has a new one."""
        self.error = ""
        self._section, self._client_id, self._topics, self._clock = section, client_id, topics, clock
        self._dialect, self._backoff = Dialect(), Backoff()
        self._client: mqtt.Client | None = None
        self._came: list[Message] = []
        self._connect_at_us = self._by_us = self._up_us = 0
        self._is_up = self._is_answered = False
        self._trouble = ""

    @property
    def is_up(self) -> bool:
        """Whether it is connected and subscribed."""
        return self._is_up and not self._trouble

    def receive(self, wait_s: float, pause: Callable[[float], object]) -> list[Message]:
        """What has come, after at most about `wait_s`; `pause` waits where there is no connection."""
        now_us = self._clock.real_us()
        if self._client is None:
            left_s = (self._connect_at_us - now_us) / 1e6
            if left_s > 0:
                pause(min(left_s, wait_s))
                return []
            self._connect()
        elif not self._is_up and now_us > self._by_us:
            self._drop("no answer to CONNECT or SUBSCRIBE within 10 s")
        elif self._is_up and self._dialect.is_five_due(now_us):
            self._drop("it stands in MQTT 3.1.1, and is asked for 5 again")
            self._connect_at_us = now_us
        self._turn(wait_s)
        while self._client is not None and self._came and len(self._came) < BATCH_MOST:
            before = len(self._came)
            self._turn(0)
            if len(self._came) == before:
                break
        found, self._came = self._came, []
        return found

    def acknowledge(self, messages: list[Message]) -> None:
        """These are on disk: the broker need not keep them."""
        for message in messages:
            if message.qos and message.client is self._client:
                message.client.ack(message.mid, message.qos)

    def publish(self, topic: str, payload: str) -> bool:
        """Send a request; whether it went out."""
        if self._client is None or not self.is_up:
            return False
        return self._client.publish(topic, payload, qos=1).rc == mqtt.MQTT_ERR_SUCCESS

    def drop(self, why: str) -> None:
        """Leave the connection: what was not acknowledged shall come again."""
        if self._client is not None:
            self._drop(why)

    def close(self) -> None:
        """Say good-bye; the session stays with the broker."""
        client, self._client = self._client, None
        if client is not None:
            if self.is_up:
                client.loop(0.1)
            client.disconnect()
            client.loop_write()

    def _turn(self, wait_s: float) -> None:
        if self._client is not None and self._client.loop(wait_s) != mqtt.MQTT_ERR_SUCCESS and not self._trouble:
            self._trouble = LOST
        if self._trouble:
            self._drop(self._trouble)

    def _connect(self) -> None:
        self._trouble, self._is_up, self._is_answered = "", False, False
        is_five, section = self._dialect.is_five, self._section
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            clean_session=None if is_five else False,
            protocol=self._dialect.version,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.on_connect = lambda _c, _u, _f, reason, _p: self._note_connected(client, reason)
        client.on_subscribe = lambda _c, _u, _mid, reasons, _p: self._note_subscribed(reasons)
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self._note_lost(client, reason)
        client.on_message = self._note_message
        self._by_us = self._clock.real_us() + CONNECT_WITHIN_US
        try:
            username = read_secret(section.username_file) if section.username_file else section.username
            if username:
                client.username_pw_set(username, read_secret(section.password_file) if section.password_file else None)
            if section.tls:
                client.tls_set_context(tls_context(section))
            self._client = client
            if is_five:
                kept = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no types here
                kept.SessionExpiryInterval = SESSION_S
                client.connect(section.host, section.port, KEEPALIVE_S, clean_start=False, properties=kept)
            else:
                client.connect(section.host, section.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            self._is_answered = True  # nobody refused the protocol
            self._drop(f"{section.host}:{section.port}: {explain(error)}")

    def _note_connected(self, client: mqtt.Client, reason: ReasonCode) -> None:
        self._is_answered = True
        if reason.is_failure:
            self._trouble = f"the broker refused the connection: {reason}"
            if reason.value == UNSUPPORTED_VERSION:
                self._dialect.hear_unsupported()
            return
        self._dialect.hear_accepted(self._clock.real_us())
        client.subscribe([(topic, 1) for topic in self._topics])

    def _note_subscribed(self, reasons: list[ReasonCode]) -> None:
        refused = [topic for topic, reason in zip(self._topics, reasons, strict=False) if reason.is_failure]
        if refused:
            logger.error(event_line("subscription_refused", topics=",".join(refused)))
            self.error = f"the broker refuses {', '.join(refused)}"
        if len(refused) == len(self._topics):
            self._trouble = self.error
            return
        self._is_up, self._up_us = True, self._clock.real_us()
        self._backoff.hear_puback()  # its word that it took what we asked
        self.connection += 1
        self.error = self.error if refused else ""
        section = self._section
        logger.info(event_line("broker_connected", host=section.host, port=section.port, mqtt=self._dialect.name))

    def _note_lost(self, client: mqtt.Client, reason: ReasonCode) -> None:
        if client is self._client and not self._trouble:
            self._trouble = f"{LOST}: {reason}"

    def _note_message(self, client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no UTF-8 (MQTT 5.0, 1.5.4): nobody's, but it is to be acknowledged like any other
        found = Message(topic, bytes(message.payload), message.retain, message.mid, message.qos, client)
        self._came.append(found)

    def _drop(self, why: str) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.on_disconnect = None
            client.disconnect()
        now_us = self._clock.real_us()
        self._backoff.note_end(now_us - self._up_us if self._is_up else None)
        if self._backoff.are_twins and why.startswith(LOST):
            why = f"{why}; is another collector connected as {self._client_id}? Each needs a consumer of its own"
        if self._is_up:
            self._dialect.hear_end()
        elif not self._is_answered:
            self._dialect.hear_silence()
        if self._is_up or why != self.error:
            logger.warning(event_line("broker_away", host=self._section.host, port=self._section.port, why=why))
        self.error, self._trouble, self._is_up = why, "", False
        self._connect_at_us = now_us + self._backoff.pause_us()
