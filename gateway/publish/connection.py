"""One MQTT connection as paho makes it: a fresh client each time, will, credentials, TLS. Decides nothing.

paho calls back from inside its own calls and holds locks meanwhile, so a callback here must only take notes.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ..config.types import MqttSection
from ..pulse import REACH_WITHIN_S, Pulse

KEEPALIVE_S = 30
MOST_IN_FLIGHT = 20
"""What may be on the wire unacknowledged, retained messages included. As much as mosquitto takes by default."""


@dataclass(frozen=True, slots=True)
class Notes:
    """Where the callbacks of a client go. Each only notes; nothing may be sent or closed from them."""

    connected: Callable[[ReasonCode, Properties | None], None]
    lost: Callable[[ReasonCode], None]
    acknowledged: Callable[[int, ReasonCode], None]


def open_client(
    section: MqttSection,
    client_id: str,
    will: tuple[str, str],
    protocol: MQTTProtocolVersion,
    most_in_flight: int,
    notes: Notes,
    pulse: Pulse,
) -> mqtt.Client:
    """A client whose CONNECT has been sent; the answer comes to `notes.connected`.

    `pulse` is told of both waits: for the files, and for name server, host and TLS.
    A fresh one for each connection, because paho would send its old queue again beside our outbox. Raises OSError
    (TLS and a missing file included) and ValueError (a password file that is no text).
    """
    version5 = protocol is MQTTProtocolVersion.MQTTv5
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id,
        clean_session=None if version5 else True,
        protocol=protocol,
        reconnect_on_failure=False,
    )
    client.max_inflight_messages_set(most_in_flight)
    topic, payload = will
    client.will_set(topic, payload, qos=1, retain=True)
    with pulse.waiting_for_disk():
        if section.username:
            client.username_pw_set(section.username, _password(section))
        if section.tls:
            client.tls_set_context(ssl.create_default_context(cafile=section.ca_file or None))
    client.on_connect = lambda _c, _u, _f, reason, properties: notes.connected(reason, properties)
    client.on_disconnect = lambda _c, _u, _f, reason, _p: notes.lost(reason)
    client.on_publish = lambda _c, _u, mid, reason, _p: notes.acknowledged(mid, reason)
    pulse.turn(REACH_WITHIN_S)
    if version5:
        client.connect(section.host, section.port, KEEPALIVE_S, clean_start=True)
    else:
        client.connect(section.host, section.port, KEEPALIVE_S)
    return client


def receive_maximum(properties: Properties | None) -> int:
    """How many QoS 1 messages the broker takes unacknowledged (MQTT 5, 3.2.2.3.3; 65,535 where it says nothing)."""
    return int(getattr(properties, "ReceiveMaximum", 65_535))


def _password(section: MqttSection) -> str | None:
    if not section.password_file:
        return None
    return Path(section.password_file).read_text(encoding="utf-8").strip()
