"""A record that the broker hangs up on: under MQTT 3.1.1 no broker can say how much it takes (3.1.1 has no 3.2.2.3.6).

The real mosquitto with max_packet_size, behind the door that lets 3.1.1 in alone; and a scripted broker whose limit is
lifted. Where nothing was answered, nobody is to blame.
"""

import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.ledger.records import OutboxRow
from gateway.publish.hangups import TIMES, Hangups
from gateway.publish.limits import LARGEST_PACKET_BYTES
from gateway.publish.publisher import Publisher
from gateway.publish.window import Lane, Outgoing

from .doorman import REFUSED_311, Doorman
from .publishing import Ear, Ledger, Mosquitto, publisher_of, rows_of, wait_for
from .test_publisher import ACCEPTED_311, CONNECT, PUBACK, PUBLISH, Broker, LeapingClock, packet, publish_of

LIMIT_BYTES = 2000
LARGE = "x" * 3000
HELD = ("t/g/meter/array/interval",)


def with_a_large_one(ledger: Ledger) -> None:
    """Rows 1 to 5 of grid, a large one of array, another of grid."""
    ledger.rows += rows_of("grid")
    ledger.rows += [OutboxRow(6, "array", "interval", 1, LARGE), OutboxRow(7, "grid", "interval", 6, "7")]


@pytest.fixture
def ended() -> Iterator[Callable[[Publisher], Publisher]]:
    running: list[Publisher] = []

    def start(publisher: Publisher) -> Publisher:
        running.append(publisher)
        publisher.start()
        return publisher

    yield start
    for publisher in running:
        publisher.stop()
        publisher.join(20)
        assert not publisher.is_alive()


def test_a_real_broker_of_3_1_1_gets_all_the_rest(
    ended: Callable[[Publisher], Publisher], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served = Mosquitto(tmp_path, "allow_anonymous true", f"max_packet_size {LIMIT_BYTES}")
    served.start()
    try:
        door, ear, ledger = Doorman(served.port), Ear(served.port).wait(), Ledger([])
        with_a_large_one(ledger)
        publisher = ended(publisher_of(ledger, door.port))
        wait_for(lambda: len(ledger.acknowledged) == 6 and publisher.delivery.held == HELD, "all but the large one")
        wait_for(lambda: set("123457") <= set(ear.of("grid/interval")), "the others")
        assert publisher.delivery.protocol == "3.1.1"
        assert sorted(ledger.acknowledged) == [1, 2, 3, 4, 5, 7]
        assert "it hangs up on a packet of" in publisher.delivery.error
        assert "event=broker_hangs_up topic=t/g/meter/array/interval" in caplog.text
        assert ear.of("array/interval") == []
        ear.close()
        door.close()
    finally:
        served.stop()


class NarrowBroker(Broker):
    """Knows 3.1.1 alone, hangs up on what is larger than its limit."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes, self.hung_up = limit_bytes, 0
        super().__init__(type(self)._serve_one)

    def _serve_one(self, stream: socket.socket) -> None:
        while (found := packet(stream)) is not None:
            kind, body = found
            if kind == CONNECT:
                stream.sendall(ACCEPTED_311 if body[6] == 4 else REFUSED_311)
            elif kind == PUBLISH:
                if len(body) > self.limit_bytes:
                    self.hung_up += 1
                    return
                topic, mid = publish_of(body)
                self.seen.put(topic)
                stream.sendall(bytes((PUBACK << 4, 2)) + struct.pack(">H", mid))


def test_it_is_sent_again_slowly_and_taken_once_the_broker_takes_it(
    ended: Callable[[Publisher], Publisher],
) -> None:
    broker, clock, ledger = NarrowBroker(LIMIT_BYTES), LeapingClock(), Ledger([])
    with_a_large_one(ledger)
    made = publisher_of(ledger, broker.port)
    made._clock = made._traffic._clock = clock  # before it is started
    publisher = ended(made)
    wait_for(lambda: len(ledger.acknowledged) == 6 and publisher.delivery.held == HELD, "all but the large one")
    before = broker.hung_up
    assert before >= TIMES  # the control
    wait_for(lambda: publisher.delivery.in_flight == 0, "the last acknowledgement")
    clock.ahead_us = 61_000_000
    wait_for(lambda: broker.hung_up > before, "the trial after a minute")
    wait_for(lambda: publisher.delivery.connected and publisher.delivery.held == HELD, "that it is held again")
    broker.limit_bytes = 1 << 20
    clock.ahead_us += 121_000_000
    wait_for(lambda: 6 in ledger.acknowledged, "the large one")
    wait_for(lambda: publisher.delivery.held == (), "that nothing is held")


def test_once_one_is_taken_the_others_that_were_held_for_the_same_reason_follow_at_once(
    ended: Callable[[Publisher], Publisher],
) -> None:
    """The clock is put forward once: what would wait for its own next trial would not come.

    Both are of one size, so that three connections tell all.
    """
    broker, clock, ledger = NarrowBroker(LIMIT_BYTES), LeapingClock(), Ledger([])
    with_a_large_one(ledger)
    ledger.rows.append(OutboxRow(8, "attic", "interval", 8, LARGE))
    made = publisher_of(ledger, broker.port)
    made._clock = made._traffic._clock = clock  # before it is started
    publisher = ended(made)
    both = (*HELD, "t/g/meter/attic/interval")
    wait_for(lambda: len(ledger.acknowledged) == 6 and publisher.delivery.held == both, "that both are held")
    wait_for(lambda: publisher.delivery.in_flight == 0, "the last acknowledgement")
    broker.limit_bytes = 1 << 20
    clock.ahead_us = 61_000_000
    wait_for(lambda: {6, 8} <= set(ledger.acknowledged), "both")
    wait_for(lambda: publisher.delivery.held == (), "that nothing is held")


def test_a_large_retained_message_stops_no_record_and_goes_out_once_it_is_taken(
    ended: Callable[[Publisher], Publisher],
) -> None:
    """It is offered before all else, as Home Assistant's is, so that nothing is answered on the first connection.

    Where the broker takes it by now it is sent on the connection that stands: nobody offers it again.
    """
    broker, clock, ledger = NarrowBroker(LIMIT_BYTES), LeapingClock(), Ledger([])
    ledger.rows += rows_of("grid")
    made = publisher_of(ledger, broker.port)
    made._clock = made._traffic._clock = clock  # before it is started
    made.offer_retained("homeassistant/device/g/config", LARGE)
    publisher = ended(made)
    wait_for(lambda: sorted(ledger.acknowledged) == [1, 2, 3, 4, 5], "the records")
    wait_for(lambda: publisher.delivery.connected and publisher.delivery.in_flight == 0, "that it stands")
    connects = publisher.delivery.connects
    assert broker.hung_up >= TIMES  # the control
    broker.limit_bytes = 1 << 20
    clock.ahead_us = 61_000_000
    topics: list[str] = []

    def is_there() -> bool:
        while not broker.seen.empty():
            topics.append(broker.seen.get())
        return "homeassistant/device/g/config" in topics

    wait_for(is_there, "the large one")
    assert publisher.delivery.connects == connects


def test_a_real_broker_that_hangs_up_on_a_retained_message_gets_the_records(
    ended: Callable[[Publisher], Publisher], tmp_path: Path
) -> None:
    served = Mosquitto(tmp_path, "allow_anonymous true", f"max_packet_size {LIMIT_BYTES}")
    served.start()
    try:
        door, ear, ledger = Doorman(served.port), Ear(served.port).wait(), Ledger(rows_of("grid"))
        made = publisher_of(ledger, door.port)
        made.offer_retained("homeassistant/device/g/config", LARGE)
        publisher = ended(made)
        wait_for(lambda: sorted(ledger.acknowledged) == [1, 2, 3, 4, 5], "the records")
        wait_for(lambda: {"1", "2", "3", "4", "5"} <= set(ear.of("grid/interval")), "that they are heard")
        assert publisher.delivery.protocol == "3.1.1"
        assert ear.of("/config") == []
        ear.close()
        door.close()
    finally:
        served.stop()


def message(size_bytes: int, outbox_id: int = 0, topic: str = "t") -> Outgoing:
    return Outgoing(Lane.ROW, topic, "x" * size_bytes, outbox_id=outbox_id)


def test_a_connection_without_any_answer_says_nothing_of_a_message() -> None:
    hangups = Hangups()
    for _ in range(10 * TIMES):
        assert hangups.hear_end([message(10, 1), message(5000, 2)], is_answered=False, now_us=0) is None
    assert hangups.limit_bytes == LARGEST_PACKET_BYTES


def test_the_largest_in_flight_is_the_reason_when_it_was_so_three_times_in_a_row() -> None:
    hangups, small, large = Hangups(), message(10, 1), message(5000, 2)
    ends = [[small, large], [large], [small], [large], [small, large], [large]]
    found = [hangups.hear_end(one, is_answered=True, now_us=0) for one in ends]
    assert found == [None] * 5 + [large]
    assert (hangups.takes(small, 0), hangups.takes(large, 0)) == (True, False)


def test_a_state_that_is_another_each_time_is_one_message_and_a_record_is_itself() -> None:
    hangups = Hangups()
    assert [hangups.hear_end([message(5000 + n)], is_answered=True, now_us=0) for n in range(2)] == [None, None]
    assert hangups.hear_end([message(5002)], is_answered=True, now_us=0) is not None
    hangups = Hangups()
    assert [hangups.hear_end([message(5000, n)], is_answered=True, now_us=0) for n in range(1, 9)] == [None] * 8


def test_trials_are_a_minute_apart_then_twice_as_long_up_to_an_hour() -> None:
    hangups, large = Hangups(), message(5000, 2)
    for _ in range(TIMES):
        hangups.hear_end([large], is_answered=True, now_us=0)
    now_us, pauses = 0, []
    for _ in range(8):
        before_us = now_us
        while not hangups.takes(large, now_us):
            now_us += 1_000_000
        assert not hangups.takes(message(6000, 3), now_us)  # one trial at a time
        pauses.append((now_us - before_us) // 1_000_000)
        hangups.hear_end([large], is_answered=True, now_us=now_us)
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
