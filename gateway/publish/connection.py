"""One MQTT connection as paho makes it: a fresh client each time, will, credentials, TLS. Decides nothing.

paho calls back from inside its own calls and holds locks meanwhile, so a callback here must only take notes.
"""

import selectors
import ssl
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ..config.types import MqttSection
from ..pulse import REACH_WITHIN_S, Pulse
from .encryption import tls_context
from .limits import MOST_IN_FLIGHT, Limits
from .secret import read_secret
from .session import Session

KEEPALIVE_S = 30


def open_client(
    section: MqttSection,
    client_id: str,
    will: tuple[str, str],
    version: MQTTProtocolVersion,
    limits: Limits,
    session: Session,
    pulse: Pulse,
) -> None:
    """Give the session a client whose CONNECT has been sent; the answer is noted in it.

    `pulse` is told of both waits: for the files, and for name server, host and TLS.
    A fresh client for each connection, because paho would send its old queue again beside our outbox. Raises OSError
    (TLS and a missing file included) and ValueError (a password file that is no text).
    """
    is_five = version is MQTTProtocolVersion.MQTTv5
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id,
        clean_session=None if is_five else True,
        protocol=version,
        reconnect_on_failure=False,
    )
    client.max_inflight_messages_set(MOST_IN_FLIGHT)  # never reached: the window is ours, and smaller
    topic, payload = will
    client.will_set(topic, payload, qos=limits.most_qos, retain=limits.retains)
    with pulse.waiting_for_disk():
        username = read_secret(section.username_file) if section.username_file else section.username
        if username:
            client.username_pw_set(username, read_secret(section.password_file) if section.password_file else None)
        if section.tls:
            client.tls_set_context(tls_context(section))
    client.on_connect = lambda _c, _u, _f, reason, properties: session.note_connected(reason, properties)
    client.on_disconnect = lambda _c, _u, _f, reason, _p: session.note_lost(reason)
    client.on_publish = lambda _c, _u, mid, reason, _p: session.note_acknowledged(mid, reason)
    pulse.turn(REACH_WITHIN_S)
    if is_five:
        client.connect(section.host, section.port, KEEPALIVE_S, clean_start=True)
    else:
        client.connect(section.host, section.port, KEEPALIVE_S)
    session.client = client


def serve_socket(session: Session, client: mqtt.Client, mask: int) -> None:
    """Read and write what the socket is ready for, and what TLS has already taken off it."""
    if mask & selectors.EVENT_READ:
        client.loop_read(20)
        sock: Any = client.socket()
        while isinstance(sock, ssl.SSLSocket) and sock.pending():
            client.loop_read(20)
            sock = client.socket()
    if mask & selectors.EVENT_WRITE and not session.trouble:
        client.loop_write()
