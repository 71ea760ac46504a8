"""Files that the publisher needs to connect and cannot read: told as a broker that is away, and tried again."""

import time
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.config.types import MqttSection
from gateway.publish.message import Topics
from gateway.publish.publisher import Publisher

PATIENCE_S = 30.0


@pytest.mark.parametrize("settings", [{"password_file": "{away}", "username": "u"}, {"tls": True, "ca_file": "{away}"}])
def test_missing_file_does_not_end_the_thread(tmp_path: Path, settings: dict[str, object]) -> None:
    away = str(tmp_path / "away")
    named = {key: away if value == "{away}" else value for key, value in settings.items()}
    section = MqttSection(host="127.0.0.1", port=1, **named)
    publisher = Publisher(section, Topics("b", "g"), "c", SystemClock(), lambda *_: None, lambda _: None)
    publisher.start()
    deadline_s = time.monotonic() + PATIENCE_S
    while not publisher.delivery.error and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert "No such file" in publisher.delivery.error
    assert publisher.is_alive()
    publisher.stop()
    publisher.join(PATIENCE_S)
    assert not publisher.is_alive()
