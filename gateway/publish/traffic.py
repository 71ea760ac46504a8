"""What goes out on a connection and what the broker answers: live values, rows of the outbox, answers about the past.

What is live goes first, yet rows always get their half of the window; the past takes what both leave. A row is given
back to the ledger as done only when a PUBACK without failure names it.
"""

from collections.abc import Callable

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ..clock import Clock
from ..ledger.records import OutboxRow
from ..log import event_line, logger
from .delivery import MQTT_311, NOBODY_LISTENS, Told
from .hangups import TIMES, Hangups
from .limits import LARGEST_PACKET_BYTES, Limits
from .message import Topics
from .past import Past
from .retained import Retained
from .rows import Rows
from .session import Session
from .window import Lane, Outgoing, Window


class Traffic:
    """Of one publisher, in its thread."""

    def __init__(
        self,
        told: Told,
        topics: Topics,
        clock: Clock,
        want_rows: Callable[[int, int], None],
        acknowledge: Callable[[list[int]], None],
        hear_puback: Callable[[], None],
    ) -> None:
        """`hear_puback()`: the broker has taken a record."""
        self.retained = Retained()
        self.rows = Rows(want_rows, lambda row: topics.meter(row.meter, row.kind))
        self.past = Past()
        self.window = Window(0)
        self._told, self._topics, self._clock = told, topics, clock
        self._acknowledge, self._hear_puback = acknowledge, hear_puback
        self._taken: list[int] = []
        """Rows that were acknowledged since the last `hand_over`; to `_unheard` of them nobody listened."""
        self._unheard = 0
        self._heard = False
        self._packet_bytes = LARGEST_PACKET_BYTES
        self._hangups = Hangups()
        self._is_answered = False
        """Whether something was acknowledged on this connection."""
        self._is_wary = False
        """Whether a connection ended before anything was, and no record has been taken since: then the first message
        goes alone, and what the broker hangs up on comes after one that it answered."""
        self._not_taken: set[str] = set()
        """Topics of messages that are no records, whose refusal has been told."""

    def begin(self, limits: Limits) -> None:
        """A new connection, which takes so much."""
        self.window, self._packet_bytes = Window(limits.in_flight), limits.packet_bytes
        self._is_answered = False
        self.rows.begin()
        self.retained.repeat_all()

    def end(self) -> None:
        """The connection is gone; what was in flight is still in the outbox, or asked for again."""
        if len(self.window) and not self._is_answered:
            self._is_wary = True
        reason = self._hangups.hear_end(self.window.messages(), self._is_answered, self._clock.real_us())
        if reason is not None:
            size_bytes = reason.packet_bytes
            logger.warning(event_line("broker_hangs_up", topic=reason.topic, size_bytes=size_bytes, times=TIMES))
        self.window.forget()
        self.past.forget()

    def take_rows(self, rows: list[OutboxRow]) -> None:
        """The ledger's answer, on the connection that asked."""
        self.rows.take(rows, self.window.outbox_ids())

    def take_acknowledgement(self, mid: int, reason: ReasonCode) -> None:
        """A PUBACK; for QoS 0, that the socket has it."""
        message = self.window.take(mid)
        if message is None:
            return
        self._is_answered = True
        if self._hangups.hear_taken(message):
            self.rows.try_all()
        if reason.is_failure:
            self._take_refusal(message, str(reason))
        elif message.lane is Lane.ROW:
            self._is_wary = False
            self._hear_puback()
            unheard, told = reason.value == NOBODY_LISTENS, self._told.delivery
            self._unheard += unheard
            self._heard = told.protocol != MQTT_311 and told.most_qos > 0 and not unheard
            self.rows.hear_taken(message.outbox_id, message.topic)
            self._note_held()
            self._taken.append(message.outbox_id)

    def hand_over(self) -> None:
        """Tell the ledger of all rows that were acknowledged meanwhile."""
        if not self._taken:
            return
        taken, unheard, told = self._taken, self._unheard, self._told.delivery
        self._taken, self._unheard = [], 0
        acknowledged = told.acknowledged + len(taken)
        self._told.change(acknowledged=acknowledged, unheard=told.unheard + unheard, heard=self._heard)
        self._acknowledge(taken)

    def send_what_fits(self, session: Session, client: mqtt.Client) -> None:
        """Fill the window."""
        while self._has_room and not session.trouble:
            message = self._next_message()
            if message is None or not self._send(session, client, message):
                return

    @property
    def _has_room(self) -> bool:
        if self._is_wary and not self._is_answered:
            return not len(self.window)
        return self.window.has_room

    def _next_message(self) -> Outgoing | None:
        if self.retained.is_put_off and self._hangups.is_open(self._clock.real_us()):
            self.retained.repeat_put_off()
        window, live = self.window, self.retained.is_due
        if live and window.count(Lane.LIVE) <= window.count(Lane.ROW):
            return self.retained.next()
        row = self.rows.next()
        if row is not None:
            topic = self._topics.meter(row.meter, row.kind)
            return Outgoing(Lane.ROW, topic, row.payload, outbox_id=row.outbox_id)
        if live:
            return self.retained.next()
        return self.past.next(window.count(Lane.PAST), self._clock.real_us())

    def _send(self, session: Session, client: mqtt.Client, message: Outgoing) -> bool:
        """Hand a message to paho; False where the socket died under it, which is no loss."""
        if (size_bytes := message.packet_bytes) > self._packet_bytes:  # else each connection would die of it anew
            self._take_refusal(message, f"a packet of {size_bytes} bytes, it takes {self._packet_bytes}")
            return True
        if not self._hangups.takes(message, self._clock.real_us()):
            opens_us = self._hangups.opens_us(self._clock.real_us())
            self._take_refusal(message, f"it hangs up on a packet of {size_bytes} bytes", opens_us)
            if message.lane is Lane.LIVE:
                self.retained.put_off(message.topic)
            return True
        told, properties = self._told.delivery, None
        if message.expiry_s is not None and told.protocol != MQTT_311:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has no types here
            properties.MessageExpiryInterval = message.expiry_s
        retain = message.retain and told.retains
        sent = client.publish(message.topic, message.payload, qos=told.most_qos, retain=retain, properties=properties)
        if session.trouble or sent.rc not in (mqtt.MQTT_ERR_SUCCESS, mqtt.MQTT_ERR_QUEUE_SIZE):
            return False
        self.window.add(sent.mid, message, self._clock.real_us())
        return True

    def _take_refusal(self, message: Outgoing, reason: str, opens_us: int | None = None) -> None:
        """A PUBACK with a failure is no delivery: the record is kept, told, and slowly tried again.

        `opens_us`: it was not sent at all, and will not be before then.
        """
        if message.lane is Lane.ROW:
            told = self._told.delivery
            if message.topic not in told.held:
                logger.warning(event_line("record_refused", topic=message.topic, reason=reason))
            self.rows.hear_refused(message.outbox_id, message.topic, self._clock.real_us(), opens_us)
            error = f"the broker refused a record: {reason}"
            self._told.change(refused=told.refused + 1, error=error, held=self.rows.held)
        elif message.topic not in self._not_taken:
            self._not_taken.add(message.topic)
            logger.warning(event_line("message_refused", topic=message.topic, reason=reason))

    def _note_held(self) -> None:
        held, told = self.rows.held, self._told.delivery
        if held != told.held:
            self._told.change(held=held, error=told.error if held else "")
