"""Two publishers of one client id on a real broker: each learns of the other, in both protocols, and nobody else does.

By what the other left on the topic of its health; 3.1.1 is spoken behind a door that lets nothing else in.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.ledger.records import OutboxRow
from gateway.publish.publisher import Publisher
from gateway.publish.rival import Rival
from hil.broker import accepts_connect

from .doorman import Doorman
from .publishing import Ledger, Mosquitto, publisher_of, wait_for

HEALTH = "t/g/health"
Start = Callable[[int, str], Publisher]


@pytest.fixture
def started() -> Iterator[Start]:
    """A publisher of a store's, on a port, that has one record for as long as nobody takes it."""
    running: list[Publisher] = []

    def start(port: int, store_epoch: str) -> Publisher:
        publisher = publisher_of(Ledger([OutboxRow(1, "grid", "interval", 1, "x")]), port)
        publisher.offer_retained(HEALTH, f'{{"store_epoch":"{store_epoch}"}}')
        running.append(publisher)
        publisher.start()
        return publisher

    yield start
    for publisher in running:
        publisher.stop()
    for publisher in running:
        publisher.join(20)
        assert not publisher.is_alive()


@pytest.fixture(params=["5", "3.1.1"])
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    served = Mosquitto(tmp_path, "allow_anonymous true")
    served.start()
    while not accepts_connect(served.port):
        time.sleep(0.05)
    door = Doorman(served.port) if request.param == "3.1.1" else None
    yield served.port if door is None else door.port
    if door is not None:
        door.close()
    served.stop()


def test_each_is_told_of_the_other(port: int, started: Start) -> None:
    one = started(port, "a")
    wait_for(lambda: one.delivery.acknowledged == 1, "that the first stands")
    other = started(port, "b")
    wait_for(lambda: one.delivery.thrown_out > 0 and other.delivery.thrown_out > 0, "the word of both")


def test_one_that_is_started_again_in_its_own_place_is_no_twin(port: int, started: Start) -> None:
    first = started(port, "a")
    wait_for(lambda: first.delivery.acknowledged == 1, "that the first stands")
    first.stop()
    first.join(20)
    second = started(port, "b")  # restored: a new store
    wait_for(lambda: second.delivery.acknowledged == 1, "that the second stands")
    assert (first.delivery.thrown_out, second.delivery.thrown_out) == (0, 0)


def test_what_an_earlier_store_has_left_is_no_rivals_and_what_comes_after_ours_is() -> None:
    rival, own = Rival(), '{"store_epoch":"mine"}'
    assert not rival.hear(b'{"store_epoch":"older"}', own)
    assert not rival.hear(own.encode(), own)
    assert not rival.hear(b"", own)  # taken back
    assert not rival.hear(b"\xff{[", own)
    assert not rival.hear(b"[1]", own)
    assert rival.hear(b'{"store_epoch":"theirs"}', own)
    assert not Rival().hear(own.encode(), None)
