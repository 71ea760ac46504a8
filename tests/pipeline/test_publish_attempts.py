"""What the end of a connection says of the next try: MQTT 5, 3.2.2.2 (reason codes of CONNACK) and 3.14.2.1."""

import random

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from gateway.config.types import MqttSection
from gateway.publish.attempts import Attempts
from gateway.publish.session import TAKEN_OVER, Session

S = 1_000_000
NOW_US = 5_000 * S
UNSUPPORTED_VERSION, NOT_AUTHORIZED, RETAIN_NOT_SUPPORTED, QOS_NOT_SUPPORTED = 0x84, 0x87, 0x9A, 0x9B


def attempts() -> Attempts:
    random.seed(1)  # a pause is drawn from nothing to all of it
    return Attempts(MqttSection(host="localhost"))


@pytest.mark.parametrize(
    ("refusal", "name", "retains", "most_qos"),
    [
        (UNSUPPORTED_VERSION, "3.1.1", True, 1),
        (RETAIN_NOT_SUPPORTED, "5", False, 1),
        (QOS_NOT_SUPPORTED, "5", True, 0),
    ],
)
def test_a_broker_that_wants_it_otherwise_is_asked_again_at_once(
    refusal: int, name: str, retains: bool, most_qos: int
) -> None:
    tried = attempts()
    tried.hear_end(Session(1, refusal=refusal), True, NOW_US)
    assert (tried.dialect.name, tried.limits.retains, tried.limits.most_qos) == (name, retains, most_qos)
    assert tried.due_us == NOW_US
    # Refused again for the same, there is nothing left to change: the pause holds.
    tried.hear_end(Session(2, refusal=refusal), True, NOW_US)
    assert NOW_US < tried.due_us <= NOW_US + S


def test_who_may_not_come_in_stays_away_for_a_pause_and_changes_nothing() -> None:
    tried = attempts()
    before = tried.limits
    tried.hear_end(Session(1, refusal=NOT_AUTHORIZED), True, NOW_US)
    assert NOW_US < tried.due_us <= NOW_US + S
    assert (tried.dialect.name, tried.limits) == ("5", before)


def test_a_broker_that_is_not_there_says_nothing_about_the_version() -> None:
    tried = attempts()
    for _ in range(10):
        tried.hear_end(None, False, NOW_US)
    assert tried.dialect.name == "5"
    for _ in range(3):  # the control: one that takes the connection and is silent
        tried.hear_end(Session(1), True, NOW_US)
    assert tried.dialect.name == "3.1.1"


def test_who_was_thrown_out_by_another_of_its_name_is_counted() -> None:
    tried = attempts()
    tried.hear_end(Session(1, connected_us=NOW_US - 100 * S), True, NOW_US)
    assert tried.backoff.thrown_out == 0
    tried.hear_end(Session(2, connected_us=NOW_US - 100 * S, taken_over=True), True, NOW_US)
    assert (tried.backoff.thrown_out, tried.backoff.are_twins) == (1, True)
    assert TAKEN_OVER == 0x8E


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (0x80, "connection lost: broker or network closed it without a reason"),
        (0x8B, "connection lost: Server shutting down"),
    ],
)
def test_the_brokers_own_word_is_told_and_the_lack_of_one_too(code: int, told: str) -> None:
    session = Session(1)
    session.note_lost(ReasonCode(PacketTypes.DISCONNECT, identifier=code))
    assert session.trouble == told
