"""The publisher against the real mosquitto: access rules, 3.1.1 alone, nobody listening, passwords, limits."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.ledger.records import OutboxRow
from gateway.publish.publisher import Publisher

from .doorman import Doorman
from .publishing import Ear, Ledger, Mosquitto, publisher_of, rows_of, wait_for

ANYBODY = "allow_anonymous true"
Start = Callable[..., tuple[Publisher, Ledger]]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    made: list[Mosquitto] = []

    def make(*lines: str) -> Mosquitto:
        made.append(Mosquitto(tmp_path, *lines))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Publisher] = []

    def make(port: int, *meters: str, run: bool = True, **more: Any) -> tuple[Publisher, Ledger]:
        ledger = Ledger(rows_of(*(meters or ("grid",))))
        publisher = publisher_of(ledger, port, **more)
        running.append(publisher)
        if run:
            publisher.start()
        return publisher, ledger

    yield make
    for publisher in running:
        publisher.stop()
        publisher.join(20)
        assert not publisher.is_alive()


def rules(folder: Path, text: str) -> str:
    path = folder / "acl"
    path.write_text(text, encoding="ascii")
    path.chmod(0o600)
    return f"acl_file {path}"


def test_a_topic_that_is_refused_waits_whole_and_holds_up_no_other(
    broker: Callable[..., Mosquitto], start: Start, tmp_path: Path
) -> None:
    all_but_grid = "topic read #\ntopic write t/g/status\ntopic write t/g/meter/array/interval\n"
    served = broker(ANYBODY, rules(tmp_path, all_but_grid))
    ear = Ear(served.port).wait()
    publisher, ledger = start(served.port, "grid", "array")
    wait_for(lambda: len(ear.of("array/interval")) == 5, "the other meter's records")
    wait_for(lambda: publisher.delivery.held == ("t/g/meter/grid/interval",), "the refusal to be told")
    assert "refused a record" in publisher.delivery.error
    assert set(ledger.acknowledged) <= {2, 4, 6, 8, 10}
    # The rules are mended: the records of the topic that was held are taken in their order.
    ear.close()
    rules(tmp_path, "topic readwrite #\n")
    served.stop()
    served.start()
    wait_for(lambda: set(ledger.acknowledged) == set(range(1, 11)), "every acknowledgement")
    assert [one for one in ledger.acknowledged if one % 2] == [1, 3, 5, 7, 9]
    assert (publisher.delivery.held, publisher.delivery.error) == ((), "")


def test_under_3_1_1_an_acknowledgement_means_only_sent(
    broker: Callable[..., Mosquitto], start: Start, tmp_path: Path
) -> None:
    served = broker(ANYBODY, rules(tmp_path, "topic read #\ntopic write t/g/status\ntopic write t/g/meter/array/#\n"))
    door = Doorman(served.port)
    ear = Ear(served.port).wait()
    publisher, ledger = start(door.port, "grid", "array")
    wait_for(lambda: len(ledger.acknowledged) == 10, "acknowledgements")
    wait_for(lambda: len(ear.of("array/interval")) == 5, "what may pass")
    ear.close()
    door.close()
    assert door.levels[:2] == [5, 4]
    assert ear.of("grid/interval") == []  # acknowledged, and thrown away: that is why
    assert (publisher.delivery.protocol, publisher.delivery.acknowledged_means) == ("3.1.1", "sent")


def test_what_nobody_subscribes_to_is_only_sent(broker: Callable[..., Mosquitto], start: Start) -> None:
    served = broker(ANYBODY)
    publisher, ledger = start(served.port)
    wait_for(lambda: len(ledger.acknowledged) == 5, "acknowledgements")
    assert (publisher.delivery.protocol, publisher.delivery.unheard) == ("5", 5)
    assert publisher.delivery.acknowledged_means == "sent"
    ear = Ear(served.port).wait()
    ledger.rows += rows_of("grid", count=6)[5:]
    publisher.offer_growth()
    wait_for(lambda: len(ledger.acknowledged) == 6, "one more")
    ear.close()
    assert (publisher.delivery.unheard, publisher.delivery.acknowledged_means) == (5, "taken by the broker")


def test_a_broker_that_retains_nothing_is_served_without(broker: Callable[..., Mosquitto], start: Start) -> None:
    served = broker(ANYBODY, "retain_available false")
    publisher, ledger = start(served.port)
    wait_for(lambda: len(ledger.acknowledged) == 5, "acknowledgements")
    assert not publisher.delivery.retains


def test_what_is_larger_than_the_broker_takes_holds_up_nothing_else(
    broker: Callable[..., Mosquitto], start: Start
) -> None:
    """mosquitto throws out who sends more than it said it takes: 2,000 bytes here (MQTT 5.0, 3.2.2.3.6)."""
    served = broker(ANYBODY, "max_packet_size 2000")
    ear = Ear(served.port).wait()
    publisher, ledger = start(served.port, run=False)
    ledger.rows.append(OutboxRow(6, "array", "interval", 1, "x" * 3000))
    ledger.rows.append(OutboxRow(7, "farm", "interval", 1, "7"))
    publisher.offer_retained("t/large", "y" * 3000)
    publisher.offer_retained("t/small", "z")
    publisher.start()
    wait_for(lambda: len(ledger.acknowledged) >= 6, "all records but the large one")
    wait_for(lambda: "z" in ear.of("t/small"), "what is small")
    ear.close()
    assert ledger.acknowledged == [1, 2, 3, 4, 5, 7]
    assert ear.of("t/large") == []
    assert publisher.delivery.held == ("t/g/meter/array/interval",)
    assert "it takes 2000" in publisher.delivery.error


def test_a_broker_of_qos_0_is_told_as_one_that_acknowledges_nothing(
    broker: Callable[..., Mosquitto], start: Start
) -> None:
    served = broker(ANYBODY, "max_qos 0")
    ear = Ear(served.port).wait()
    publisher, _ = start(served.port)
    wait_for(lambda: len(ear.of("/interval")) == 5, "the records")
    ear.close()
    assert (publisher.delivery.most_qos, publisher.delivery.acknowledged_means) == (0, "sent")


@pytest.mark.parametrize("settings", [{"max_qos": 0}, {"retain": False}], ids=["max_qos", "retain"])
def test_what_the_config_limits_is_not_done(
    broker: Callable[..., Mosquitto], start: Start, settings: dict[str, object]
) -> None:
    served = broker(ANYBODY)
    first = Ear(served.port).wait()
    start(served.port, **settings)
    wait_for(lambda: len(first.of("/interval")) == 5, "the records")
    wait_for(lambda: "online" in first.of("g/status"), "the birth")
    first.close()
    late = Ear(served.port).wait()
    late.say("t/end", "")
    wait_for(lambda: late.of("t/end") == [""], "what came before it")
    late.close()
    assert late.of("g/status") == ([] if settings == {"retain": False} else ["online"])


def test_name_and_password_may_come_as_files_or_credentials(
    broker: Callable[..., Mosquitto],
    start: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And what is in them is told to the broker alone."""
    passwords = tmp_path / "passwords"
    # mosquitto_passwd's own: "me" with the password "secret", PBKDF2-SHA512 of 101 rounds.
    passwords.write_text(_password_line("me", "secret"), encoding="ascii")
    passwords.chmod(0o600)
    served = broker("allow_anonymous false", f"password_file {passwords}")
    (tmp_path / "name").write_text("me\n")
    (tmp_path / "right").write_text("secret\n")
    (tmp_path / "wrong").write_text("guess-marker-7391\n")
    named = {"username_file": str(tmp_path / "name")}
    publisher, _ = start(served.port, **named, password_file=str(tmp_path / "wrong"))
    wait_for(lambda: "refused the connection" in publisher.delivery.error, "the refusal")
    told = repr(publisher.delivery)
    assert publisher.delivery.connects == 0
    publisher.stop()
    publisher.join(20)
    # Without a service's folder there is no credential, and that is told.
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    publisher, ledger = start(served.port, **named, password_file="credential:right")
    wait_for(lambda: "LoadCredential=right" in publisher.delivery.error, "the missing credential")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    wait_for(lambda: len(ledger.acknowledged) == 5, "the records")
    assert "refused the connection" in caplog.text  # the control: that log is read
    assert "marker-7391" not in caplog.text + repr(publisher.delivery) + told


def test_the_documented_access_rules_let_both_sides_do_their_work(
    broker: Callable[..., Mosquitto], start: Start, tmp_path: Path
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "messages.md").read_text(encoding="utf-8")
    section = text[text.index("### What a broker has to allow") :]
    shown = [line.strip() for line in section[: section.index("Who may write")].splitlines() if line.startswith("    ")]
    assert len(shown) == 9
    passwords = tmp_path / "passwords"
    passwords.write_text("".join(_password_line(name, "secret") for name in ("gateway-home", "collector")))
    passwords.chmod(0o600)
    (tmp_path / "secret").write_text("secret")
    served = broker("allow_anonymous false", f"password_file {passwords}", rules(tmp_path, "\n".join(shown) + "\n"))
    ear = Ear(served.port, topic="netmeter/#", login=("collector", "secret")).wait()
    login = {"username": "gateway-home", "password_file": str(tmp_path / "secret")}
    commands: list[bytes] = []
    publisher, ledger = start(served.port, whose=("netmeter", "home"), run=False, **login)
    publisher.listening.add("netmeter/home/cmd/ack", lambda payload, _retained: commands.append(payload))
    publisher.start()
    wait_for(lambda: len(ear.of("/interval")) == 5, "the records")
    ear.say("netmeter/home/cmd/ack", "heard")
    wait_for(lambda: commands == [b"heard"], "the consumer's word")
    # The control: a consumer may not speak for a gateway. The second word comes after the first.
    ear.say("netmeter/home/meter/grid/interval", "forged")
    ear.say("netmeter/home/cmd/ack", "again")
    wait_for(lambda: commands == [b"heard", b"again"], "what is allowed")
    ear.close()
    assert "forged" not in ear.of("/interval")
    assert (len(ledger.acknowledged), publisher.delivery.refused) == (5, 0)


def _password_line(name: str, password: str) -> str:
    import base64
    import hashlib

    salt = b"0123456789ab"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"{name}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"
