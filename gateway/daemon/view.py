"""What `netmeter status` answers with: plain JSON objects of what the threads know. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..bookkeeping.books import Books
from ..config.rules import is_loopback
from ..config.types import Config
from ..publish.delivery import Delivery
from .bookkeeper import MeterLive


def delivery_view(delivery: Delivery, config: Config) -> dict[str, Any]:
    """How delivery stands, and what an acknowledgement is worth on this broker."""
    mqtt = config.mqtt
    return {
        "broker": f"{mqtt.host}:{mqtt.port}",
        **asdict(delivery),
        "encryption": "tls" if mqtt.tls else "none" if is_loopback(mqtt.host) else "none, in clear over the network",
        "acknowledged_means": delivery.acknowledged_means,
        "only_sent_because": delivery.only_sent_because,
        "delivered_when": f"acknowledged by {mqtt.consumer}" if mqtt.consumer else "acknowledged by a consumer",
    }


def meter_view(books: Books, live: MeterLive, now_us: int) -> dict[str, Any]:
    """One meter: its account and its readings. `now_us`: real monotonic microseconds."""
    return {
        "name": books.section.name,
        "role": books.section.role.value,
        "online": bool(live.online),
        "last_reading_age_s": (now_us - live.heard_us) // 1_000_000 if live.heard_us else None,
        "last_decision": books.last_decision,
        "error": live.error,
        "readings": asdict(books.counters),
        "state": books.state_record(),
    }


def missing_lines(delivery: Delivery, config: Config, storage_error: str, live: Mapping[str, MeterLive]) -> list[str]:
    """What is away or fails, a line each; empty where all is well. For the supervisor's one-line status."""
    lines = [f"store fails: {storage_error}"] if storage_error else []
    if not delivery.connected:
        why = delivery.error or "not connected yet"
        lines.append(f"broker {config.mqtt.host}:{config.mqtt.port} is away: {why}")
    for name, meter in live.items():
        if not meter.online:
            lines.append(f"meter {name} is not read: {meter.error or 'no reading yet'}")
        elif meter.error:
            lines.append(f"meter {name}: {meter.error}")
    return lines
