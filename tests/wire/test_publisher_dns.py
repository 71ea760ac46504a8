"""A name server that does not answer holds up the publisher alone: readings are booked and stored meanwhile."""

import socket
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.clock import SystemClock
from gateway.config.load import load_config
from gateway.daemon.bookkeeper import Bookkeeper
from gateway.publish.message import Topics
from gateway.publish.publisher import Publisher
from hil.bench.ledger_days import METER, House, Ledger, Plan, instants_us
from hil.broker import HOST

from .publishing import PATIENCE_S, Mosquitto, wait_for

EXAMPLE = Path(__file__).parents[2] / "config" / "gateway.toml"


def test_a_dead_name_server_delays_no_booking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answer = threading.Event(), threading.Event()
    resolve = socket.getaddrinfo

    def hang(host: Any, *more: Any, **named: Any) -> Any:
        # The one thing here that nothing real can force without being root: a resolver that waits for ever.
        if host != "broker.example":
            return resolve(host, *more, **named)
        asked.set()
        assert answer.wait(PATIENCE_S)
        return resolve(HOST, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    broker = Mosquitto(tmp_path, "allow_anonymous true")
    broker.start()
    plan = Plan(1, 900, 40)
    ledger, house, clock, topics = Ledger(tmp_path / "ledger.sqlite", plan), House(), SystemClock(), Topics("t", "g")
    config = load_config(EXAMPLE)
    section = msgspec.structs.replace(config.mqtt, host="broker.example", port=broker.port)
    keeper = Bookkeeper(config, ledger.store, {METER: ledger.books}, topics, clock, lambda _meter: None)
    publisher = Publisher(section, topics, "netmeter-g", clock, keeper.want_rows, keeper.acknowledge)
    keeper.attach(publisher)
    keeper.start()
    publisher.start()
    try:
        assert asked.wait(PATIENCE_S)
        for at_us in list(instants_us(plan, ledger.timeline))[:40]:
            keeper.deliver(house.reading(at_us))
        wait_for(lambda: keeper.health.commits > 0 and keeper.health.outbox_depth >= 15, "stored records")
        assert not answer.is_set()
        assert publisher.delivery.connects == 0
        answer.set()
        wait_for(lambda: keeper.health.outbox_depth == 0, "their delivery")
    finally:
        answer.set()
        publisher.stop()
        publisher.join(20)
        keeper.stop()
        keeper.join(20)
        ledger.store.close()
        broker.stop()
