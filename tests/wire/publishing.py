"""What the publisher's tests share: the ledger's side of it, a real mosquitto with settings of its own, certificates.

The certificates are made by the cryptography library; nothing of the gateway makes or reads them here.
"""

import datetime
import getpass
import ipaddress
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gateway.clock import SystemClock
from gateway.config.types import MqttSection
from gateway.ledger.records import OutboxRow
from gateway.publish.message import Topics
from gateway.publish.publisher import Publisher
from hil.broker import HOST, find_mosquitto, free_port
from hil.process import Child

PATIENCE_S = 60.0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:g} s for {what}"
        time.sleep(0.02)


class Ledger:
    """The ledger's side: rows until they are acknowledged."""

    def __init__(self, rows: list[OutboxRow]) -> None:
        self.rows = rows
        self.acknowledged: list[int] = []
        self.publisher: Publisher | None = None

    def want(self, connection: int, after_id: int, limit: int) -> None:
        assert self.publisher is not None
        left = [row for row in self.rows if row.outbox_id > after_id and row.outbox_id not in self.acknowledged]
        self.publisher.offer_rows(connection, left[:limit])


def rows_of(*meters: str, count: int = 5) -> list[OutboxRow]:
    """Rows of several meters in turns; the payload is the outbox id."""
    series = [(seq, meter) for seq in range(1, count + 1) for meter in meters]
    return [OutboxRow(n, meter, "interval", seq, f"{n}") for n, (seq, meter) in enumerate(series, 1)]


def publisher_of(
    ledger: Ledger, port: int, host: str = HOST, whose: tuple[str, str] = ("t", "g"), **settings: object
) -> Publisher:
    """Not started. Topics are t/g/... unless another base and gateway are named."""
    section = MqttSection(host=host, port=port, **settings)  # type: ignore[arg-type]
    topics = Topics(*whose, section.gateway_topic, section.meter_topic)
    ledger.publisher = Publisher(section, topics, "netmeter-g", SystemClock(), ledger.want, ledger.acknowledged.extend)
    return ledger.publisher


class Mosquitto:
    """The real broker with lines of its own in its configuration; `listener` is written for it."""

    def __init__(self, folder: Path, *lines: str) -> None:
        found = find_mosquitto()
        if found is None:
            pytest.skip("mosquitto is not installed: `./tests/run --setup` as root installs it")
        self.port, self._folder, self._found, self._lines = free_port(), folder, found, lines
        self._child: Child | None = None

    def start(self) -> None:
        config = self._folder / "mosquitto.conf"
        lines = (f"listener {self.port} {HOST}", f"user {getpass.getuser()}", "log_dest stdout", *self._lines)
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._child = Child("mosquitto", [self._found, "-c", str(config)], self._folder / "mosquitto.log")

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None


class Ear:
    """An independent subscriber to everything; what it hears is judged."""

    def __init__(
        self, port: int, tls: "Pair | None" = None, topic: str = "#", login: tuple[str, str] | None = None
    ) -> None:
        self._messages: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self.heard: list[tuple[str, str]] = []
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        self._client.reconnect_delay_set(1, 1)
        if tls is not None:
            self._client.tls_set(str(tls.ca), str(tls.cert), str(tls.key))
        if login is not None:
            self._client.username_pw_set(*login)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _c, _u, m: self._messages.put((m.topic, m.payload.decode()))
        self._client.connect_async(HOST, port)
        self._client.loop_start()

    def wait(self) -> "Ear":
        assert self._subscribed.wait(PATIENCE_S)
        return self

    def say(self, topic: str, payload: str, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain)

    def of(self, ending: str) -> list[str]:
        """Payloads of the topics that end so, in order."""
        while not self._messages.empty():
            self.heard.append(self._messages.get())
        return [payload for topic, payload in self.heard if topic.endswith(ending)]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its key, and the CA's."""

    ca: Path
    cert: Path
    key: Path


class Authority:
    """A CA in a folder."""

    def __init__(self, folder: Path, name: str = "test ca") -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.path = folder / f"{name.replace(' ', '-')}.pem"
        self._subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(self._subject)
            .issuer_name(self._subject)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(days=3650))
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.path.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, from_days: float = -1, to_days: float = 30, host: str = HOST) -> Pair:
        """A certificate for a name, and for `host` as its alternative name; days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        try:
            alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            alternative = x509.DNSName(host)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=from_days))
            .not_valid_after(now + datetime.timedelta(days=to_days))
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pair = Pair(self.path, self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        pair.key.chmod(0o600)
        return pair
