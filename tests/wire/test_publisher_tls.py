"""The publisher over TLS to the real mosquitto: both certificates, wrong names, wrong times; nothing less is tried."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.publish.certificate import not_after_s
from gateway.publish.publisher import Publisher
from hil.broker import HOST

from .publishing import Authority, Ear, Ledger, Mosquitto, Pair, publisher_of, rows_of, wait_for

Start = Callable[..., tuple[Publisher, Ledger]]


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def broker(tmp_path: Path, ca: Authority) -> Iterator[Mosquitto]:
    """Wants a certificate of each client, and takes its name from it."""
    pair = ca.issue("broker", to_days=30.5)
    made = Mosquitto(
        tmp_path,
        *(f"cafile {ca.path}", f"certfile {pair.cert}", f"keyfile {pair.key}"),
        *("require_certificate true", "use_identity_as_username true"),
    )
    yield made
    made.stop()


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Publisher] = []

    def run(broker: Mosquitto, ca: Path, pair: Pair | None, **more: object) -> tuple[Publisher, Ledger]:
        ledger = Ledger(rows_of("grid"))
        own = {} if pair is None else {"cert_file": str(pair.cert), "key_file": str(pair.key)}
        publisher = publisher_of(ledger, broker.port, tls=True, ca_file=str(ca), **own, **more)
        publisher.start()
        running.append(publisher)
        return publisher, ledger

    yield run
    for publisher in running:
        publisher.stop()
        publisher.join(20)
        assert not publisher.is_alive()


def test_records_go_over_mutual_tls_and_both_certificates_days_are_told(
    broker: Mosquitto, ca: Authority, start: Start
) -> None:
    broker.start()
    pair = ca.issue("gateway", to_days=90.5)
    ear = Ear(broker.port, ca.issue("ear")).wait()
    publisher, ledger = start(broker, ca.path, pair)
    wait_for(lambda: len(ear.of("/interval")) == 5, "the records")
    wait_for(lambda: len(ledger.acknowledged) == 5, "their acknowledgements")
    ear.close()
    assert ear.of("/interval") == ["1", "2", "3", "4", "5"]
    delivery = publisher.delivery
    assert (delivery.protocol, delivery.encrypted) == ("5", True)
    assert (delivery.broker_certificate_days, delivery.client_certificate_days) == (30, 90)
    assert delivery.acknowledged_means == "taken by the broker"


def test_a_gateway_without_a_certificate_is_refused(broker: Mosquitto, ca: Authority, start: Start) -> None:
    broker.start()
    publisher, ledger = start(broker, ca.path, None)
    wait_for(lambda: bool(publisher.delivery.error), "the refusal")
    assert (publisher.delivery.connects, ledger.acknowledged) == (0, [])


def refused(broker: Mosquitto, tmp_path: Path, served: Pair, trusted: Path, own: Pair, start: Start) -> tuple[str, int]:
    """What the publisher says of a broker that shows `served`."""
    (tmp_path / "broker.pem").write_bytes(served.cert.read_bytes())
    (tmp_path / "broker.key").write_bytes(served.key.read_bytes())
    broker.start()
    publisher, _ = start(broker, trusted, own)
    wait_for(lambda: "certificate" in publisher.delivery.error, "the refusal")
    return publisher.delivery.error, publisher.delivery.connects


def test_a_broker_of_another_name_is_not_spoken_to(
    broker: Mosquitto, ca: Authority, start: Start, tmp_path: Path
) -> None:
    other = ca.issue("other", host="other.example")
    error, connects = refused(broker, tmp_path, other, ca.path, ca.issue("gateway"), start)
    assert ("not trusted" in error, HOST in error, connects) == (True, True, 0)


def test_a_broker_of_an_unknown_authority_is_not_spoken_to(
    broker: Mosquitto, ca: Authority, start: Start, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "another ca")
    error, connects = refused(broker, tmp_path, ca.issue("other"), stranger.path, ca.issue("gateway"), start)
    assert ("not trusted" in error, connects) == (True, 0)


def test_an_expired_certificate_is_told(broker: Mosquitto, ca: Authority, start: Start, tmp_path: Path) -> None:
    old = ca.issue("old", from_days=-30, to_days=-1)
    error, connects = refused(broker, tmp_path, old, ca.path, ca.issue("gateway"), start)
    assert ("has expired" in error, connects) == (True, 0)


def test_a_certificate_that_is_not_valid_yet_is_tried_until_it_is(
    broker: Mosquitto, ca: Authority, start: Start, tmp_path: Path
) -> None:
    late, good = ca.issue("late", from_days=1), ca.issue("good")
    for source, name in ((late.cert, "broker.pem"), (late.key, "broker.key")):
        (tmp_path / name).write_bytes(source.read_bytes())
    broker.start()
    publisher, ledger = start(broker, ca.path, ca.issue("gateway"))
    wait_for(lambda: "not valid yet" in publisher.delivery.error, "the refusal")
    assert (publisher.delivery.connects, ledger.acknowledged) == (0, [])
    broker.stop()
    for source, name in ((good.cert, "broker.pem"), (good.key, "broker.key")):
        (tmp_path / name).write_bytes(source.read_bytes())
    broker.start()
    wait_for(lambda: len(ledger.acknowledged) == 5, "the records, once it is valid")
    assert publisher.delivery.encrypted


@pytest.mark.parametrize("days", [0.5, 400, 40_000], ids=["hours", "UTCTime", "GeneralizedTime"])
def test_the_end_of_a_certificate_is_read_as_it_was_made(ca: Authority, days: float) -> None:
    from cryptography import x509  # the other reader

    pem = ca.issue("one", to_days=days).cert.read_text(encoding="ascii")
    end = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    assert not_after_s("a note before it\n" + pem) == int(end.timestamp())


def test_what_is_no_certificate_has_no_end(ca: Authority) -> None:
    pem = ca.issue("one").cert.read_text(encoding="ascii")
    assert not_after_s("") is None
    assert not_after_s(pem.replace("BEGIN", "BEGUN")) is None
    lines = pem.splitlines()
    with pytest.raises(ValueError, match=r"."):
        not_after_s("\n".join([lines[0], *lines[2:4], lines[-1]]))
