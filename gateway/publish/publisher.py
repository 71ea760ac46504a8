"""The publish step: committed rows to the broker, QoS 1, done only at a PUBACK with success. paho is a pipe.

One thread owns the client, its socket and its timers; paho's own thread, queue and reconnect are not used.
A row is acknowledged to the ledger when the broker's PUBACK names it with a reason code below 0x80; until then
it stays in the outbox and is sent again on the next connection, the same bytes each time.
"""

import random
import selectors
import threading
from collections.abc import Callable

import paho.mqtt.client as mqtt

from ..clock import Clock
from ..config.types import MqttSection
from ..ledger.records import OutboxRow
from ..log import event_line, logger
from ..pulse import Pulse
from .attempts import Attempts
from .connection import open_client, serve_socket
from .delivery import Delivery, Told
from .encryption import broker_days, client_days, explain
from .inbox import Inbox
from .listening import Listening
from .message import OFFLINE, ONLINE, Topics
from .past import Past
from .rival import Rival
from .session import Session
from .traffic import Traffic

CONNACK_WITHIN_US = 10_000_000
PUBACK_WITHIN_US = 30_000_000
DAYS_EVERY_US = 3_600_000_000
GOODBYE_WITHIN_US = 2_000_000
STATE_EXPIRES_AFTER = 10  # times state_every_s: a retained state that nobody refreshes must not look alive


class Publisher(threading.Thread):
    """The publisher thread. The other threads only call the `offer_*` methods, `repeat_retained` and `stop`."""

    def __init__(
        self,
        section: MqttSection,
        topics: Topics,
        client_id: str,
        clock: Clock,
        want_rows: Callable[[int, int, int], None],
        acknowledge: Callable[[list[int]], None],
    ) -> None:
        """`want_rows(connection, after_id, limit)` asks the ledger; it answers with `offer_rows`.

        `acknowledge(outbox_ids)`: the broker has taken these rows.
        """
        super().__init__(name="publisher", daemon=True)
        self.pulse = Pulse(self.name, clock)
        self.listening = Listening()
        """Topics to hear from the broker; add them before `start`."""
        self.on_twin: Callable[[int], None] | None = None
        """Who wants to know, once, that another client of our name is there, and how often it has taken our place;
        named before `start`, and must not wait."""
        self._section, self._topics, self._client_id, self._clock = section, topics, client_id, clock
        self._inbox = Inbox()
        self._offered: dict[str, tuple[str, int | None]] = {}
        """Retained messages for this thread, the newest of each topic: it may wait for a name server for minutes."""
        self._offered_lock = threading.Lock()
        self._stopping = False
        self._connections = 0
        self._session: Session | None = None
        self._attempts, self._rival = Attempts(section), Rival()
        self._told = Told()
        self._traffic = Traffic(
            self._told,
            topics,
            clock,
            lambda after_id, limit: want_rows(self._connections, after_id, limit),
            acknowledge,
            self._attempts.backoff.hear_puback,
        )
        self._connected_by_us = self._repeat_at_us = self._days_due_us = 0

    @property
    def delivery(self) -> Delivery:
        """How delivery stands now."""
        return self._told.delivery

    @property
    def past(self) -> Past:
        """Answers about the past: for its own thread alone."""
        return self._traffic.past

    def post(self, action: Callable[[], None]) -> None:
        """Run `action` in this thread."""
        self._inbox.post(action)

    def offer_rows(self, connection: int, rows: list[OutboxRow]) -> None:
        """The ledger's answer to `want_rows`."""
        self.post(lambda: self._take_rows(connection, rows))

    def offer_growth(self) -> None:
        """New rows were committed."""
        self.post(self._traffic.rows.hear_growth)

    def offer_retained(self, topic: str, payload: str, expires: bool = False) -> None:
        """A retained message that is always the newest of its topic: state, status, head, health."""
        expiry_s = max(60, STATE_EXPIRES_AFTER * self._section.state_every_s) if expires else None
        with self._offered_lock:
            is_first = not self._offered
            self._offered[topic] = payload, expiry_s
        if is_first:
            self.post(self._take_offered)

    def repeat_retained(self, within_s: float) -> None:
        """Send everything retained once more, at a random moment: somebody has just begun to listen."""
        if not self._repeat_at_us:
            self._repeat_at_us = self._clock.real_us() + int(random.uniform(0, within_s) * 1e6)

    def stop(self) -> None:
        """Say offline, disconnect, end. Rows in flight stay in the outbox."""
        self.post(self._begin_stop)

    def run(self) -> None:
        """Connect, send, listen; until stopped."""
        try:
            with selectors.DefaultSelector() as selector:
                while not self._stopping:
                    self._turn(selector)
                self._say_goodbye()
        finally:
            self._inbox.close()

    def _take_offered(self) -> None:
        with self._offered_lock:
            offered, self._offered = self._offered, {}
        for topic, (payload, expiry_s) in offered.items():
            self._traffic.retained.keep(topic, payload, expiry_s)

    def _turn(self, selector: selectors.DefaultSelector) -> None:
        """One round: wait for the socket or the inbox, serve both, keep the timers, send what there is room for."""
        self.pulse.turn()
        client = self._session.client if self._session is not None else None
        sock = client.socket() if client is not None else None
        selector.register(self._inbox.wake, selectors.EVENT_READ)
        if sock is not None and client is not None:
            selector.register(sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if client.want_write() else 0))
        ready = selector.select(self._pause_s())
        for key in list(selector.get_map().values()):
            selector.unregister(key.fileobj)
        for key, mask in ready:
            if key.fileobj == self._inbox.wake:
                self._inbox.hear()
            elif self._session is not None and client is not None:
                serve_socket(self._session, client, mask)
        self._act_on_notes()
        self._inbox.serve()
        self._keep_time()
        self._act_on_notes()
        self._send_what_fits()
        self._act_on_notes()
        if self._told.delivery.in_flight != len(self._traffic.window):
            self._told.change(in_flight=len(self._traffic.window))

    def _pause_s(self) -> float:
        now_us = self._clock.real_us()
        if self._session is None:
            return min(max((self._attempts.due_us - now_us) / 1e6, 0.0), 1.0)
        return min(self._traffic.past.pause_s(now_us), 1.0)

    def _keep_time(self) -> None:
        """Connect when due, give up on what hangs, ask for rows before they run out."""
        now_us = self._clock.real_us()
        session = self._session
        if session is None:
            if now_us >= self._attempts.due_us and not self._stopping:
                self._connect()
            return
        if session.client is not None:
            session.client.loop_misc()
        if session.trouble:
            return
        if session.connected_us is None:
            if now_us > self._connected_by_us:
                self._drop("no CONNACK within 10 s")
            return
        oldest_us = self._traffic.window.oldest_us()
        if oldest_us is not None and now_us - oldest_us > PUBACK_WITHIN_US:
            self._drop("no PUBACK within 30 s")
            return
        if self._attempts.dialect.is_five_due(now_us) and not len(self._traffic.window):
            self._drop("it stands in MQTT 3.1.1, and is asked for 5 again")
            self._attempts.due_us = now_us
            return
        if self._attempts.backoff.hear_standing(now_us - session.connected_us):
            self._told.change(thrown_out=0)
        self._traffic.rows.keep_asking(now_us)
        if now_us >= self._days_due_us:
            self._tell_days(now_us, session)
        if self._repeat_at_us and now_us >= self._repeat_at_us:
            self._repeat_all()

    def _tell_days(self, now_us: int, session: Session) -> None:
        """How long both certificates still last: a connection may stand for longer than that."""
        self._days_due_us = now_us + DAYS_EVERY_US
        wall_us = self._clock.wall_us()
        sock = session.client.socket() if session.client is not None else None
        broker, client = broker_days(sock, wall_us), client_days(self._section, wall_us)
        self._told.change(broker_certificate_days=broker, client_certificate_days=client)

    def _connect(self) -> None:
        self._connections += 1
        session = self._session = Session(self._connections)
        will, tried = (self._topics.status, OFFLINE), self._attempts
        try:
            open_client(self._section, self._client_id, will, tried.dialect.version, tried.limits, session, self.pulse)
        except (OSError, ValueError) as error:
            self._drop(f"{self._section.host}:{self._section.port}: {explain(error)}", answered=False)
        self.pulse.turn()
        self._connected_by_us = self._clock.real_us() + CONNACK_WITHIN_US

    def _act_on_notes(self) -> None:
        """What the callbacks noted, now that paho has let go of its locks: acknowledgements first, then the end."""
        session = self._session
        if session is None:
            return
        while session.acknowledgements:
            self._traffic.take_acknowledgement(*session.acknowledgements.popleft())
        self._traffic.hand_over()
        if session.trouble:
            self._drop(session.trouble)
        elif session.accepted and session.connected_us is None:
            self._begin_connection(session)

    def _begin_connection(self, session: Session) -> None:
        session.connected_us = self._clock.real_us()
        dialect, limits = self._attempts.dialect, self._attempts.limits.told(session.properties)
        dialect.hear_accepted(session.connected_us)
        section, client = self._section, session.client
        self._told.change(
            connected=True,
            protocol=dialect.name,
            connects=self.delivery.connects + 1,
            error="",
            held=(),
            encrypted=section.tls,
            most_qos=limits.most_qos,
            retains=limits.retains,
        )
        logger.info(event_line("broker_connected", host=section.host, port=section.port, mqtt=dialect.name))
        self._days_due_us = 0
        self._traffic.begin(limits)
        if client is not None:
            self.listening.add(self._topics.health, self._hear_health)
            self.listening.subscribe(client, self.post)
        self._repeat_all()

    def _repeat_all(self) -> None:
        self._repeat_at_us = 0
        self._traffic.retained.keep(self._topics.status, ONLINE, None)
        self._traffic.retained.repeat_all(first=self._topics.status)

    def _take_rows(self, connection: int, rows: list[OutboxRow]) -> None:
        if connection == self._connections and self.delivery.connected:
            self._traffic.take_rows(rows)

    def _send_what_fits(self) -> None:
        session = self._session
        if session is None or session.client is None or session.connected_us is None:
            return
        self._traffic.send_what_fits(session, session.client)

    def _drop(self, why: str, answered: bool = True) -> None:
        """Let go of the connection; what was in flight is still in the outbox. Full jitter before the next try."""
        session, self._session = self._session, None
        if session is not None and session.client is not None:
            session.client.disconnect()
        self._attempts.hear_end(session, answered, self._clock.real_us())
        if self._attempts.backoff.are_twins:
            why = f"{why}; is another gateway connected as {self._client_id}? Each needs an id of its own"
            self._tell_twin()
        has_stood = session is not None and session.connected_us is not None
        if has_stood or why != self.delivery.error:
            logger.warning(event_line("broker_away", host=self._section.host, port=self._section.port, why=why))
        self._told.change(connected=False, error=why, in_flight=0)
        self._traffic.end()

    def _hear_health(self, payload: bytes, _retained: bool) -> None:
        if self._rival.hear(payload, self._traffic.retained.payload_of(self._topics.health)):
            self._attempts.backoff.hear_rival()
            self._tell_twin()
        session = self._session
        if self._rival.is_ours and session is not None and session.client is not None:
            self.listening.drop(session.client, self._topics.health)  # it would come back each minute

    def _tell_twin(self) -> None:
        before, now = self.delivery.thrown_out, self._attempts.backoff.thrown_out
        self._told.change(thrown_out=now)
        if now and not before and self.on_twin is not None:
            self.on_twin(now)

    def _begin_stop(self) -> None:
        self._stopping = True

    def _say_goodbye(self) -> None:
        """Wait for what is in flight, two seconds at most; say `offline`, which a clean DISCONNECT keeps back."""
        session = self._session
        if session is None or session.client is None or session.connected_us is None:
            return
        client, delivery = session.client, self.delivery
        message = client.publish(self._topics.status, OFFLINE, qos=delivery.most_qos, retain=delivery.retains)
        deadline_us = self._clock.real_us() + GOODBYE_WITHIN_US
        while (len(self._traffic.window) or not message.is_published()) and self._clock.real_us() < deadline_us:
            if client.loop(0.1) != mqtt.MQTT_ERR_SUCCESS or session.trouble:
                return
            while session.acknowledgements:
                self._traffic.take_acknowledgement(*session.acknowledgements.popleft())
            self._traffic.hand_over()
        client.disconnect()
        client.loop_write()
