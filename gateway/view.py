"""What `netmeter status` and `netmeter read` answer with: plain JSON objects of what the threads know. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from drivers import EnergyRegister, MeterIdentity
from drivers.profile import Register

from .bookkeeper import MeterLive
from .books import Books
from .config.rules import is_loopback
from .config.types import Config
from .publish.delivery import Delivery
from .read import Reading


def reading_view(reading: Reading, identity: MeterIdentity, registers: Iterable[Register] = ()) -> dict[str, Any]:
    """One reading for people and programs; an energy register that proves nothing is null.

    `registers`: the meter's, which tell the units of `others`.
    """
    snapshot = reading.snapshot
    return {
        "meter": reading.meter,
        "identity": asdict(identity),
        "import_milliwh": register_view(snapshot.energy_import),
        "export_milliwh": register_view(snapshot.energy_export),
        "import_resolution_milliwh": _resolution(snapshot.energy_import),
        "export_resolution_milliwh": _resolution(snapshot.energy_export),
        "power_milliw": snapshot.power_milliw,
        "one_moment": snapshot.one_moment,
        "earliest_utc_us": reading.earliest_us,
        "latest_utc_us": reading.latest_us,
        "clock": reading.clock_state.value,
        "clock_error_us": reading.clock_error_us,
        "others": {name: str(number) for name, number in snapshot.others.items()},
        "units": {one.name: one.unit for one in registers if one.name in snapshot.others and one.unit},
        "notes": list(reading.notes),
    }


def register_view(register: EnergyRegister | None) -> int | None:
    """Milliwatt-hours; None for a register that is absent, or 0 where 0 also means "not implemented"."""
    return None if register is None or register.unproven else register.milliwh


def _resolution(register: EnergyRegister | None) -> int | None:
    return None if register is None or register.unproven else register.resolution_milliwh


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
