"""What an MQTT reader knows of a gateway from its messages alone, with the law checked on every `state`.

Pure: a topic and a payload in, lines worth telling out. Reads the public contract only and imports nothing of the
gateway, so that it is a second opinion.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime

from .house_time import US_PER_S
from .household import ZONE

Payload = dict[str, object]
DIRECTIONS = ("import", "export")
_EVENT_HEAD = frozenset(("event", "gateway", "meter", "store_epoch"))


@dataclass(frozen=True, slots=True)
class Account:
    """One direction of one `state` message, milliwatt-hours."""

    register_milliwh: int
    epoch_first_milliwh: int
    earlier_epochs_milliwh: int
    unassigned_milliwh: int
    uncertain_milliwh: int
    buckets_milliwh: dict[str, int]

    @property
    def booked_milliwh(self) -> int:
        return sum(self.buckets_milliwh.values()) + self.unassigned_milliwh

    @property
    def used_milliwh(self) -> dict[str, int]:
        """The buckets that hold anything."""
        return {bucket: energy for bucket, energy in self.buckets_milliwh.items() if energy}

    @property
    def flowed_milliwh(self) -> int:
        return self.earlier_epochs_milliwh + self.register_milliwh - self.epoch_first_milliwh


@dataclass(slots=True)
class MeterPicture:
    """The last word on one meter."""

    online: bool = False
    bucket: str = ""
    power_milliw: int | None = None
    time_utc_us: int = 0
    accounts: dict[str, Account] = field(default_factory=dict)


@dataclass(slots=True)
class Picture:
    """The last word on everything, and the tally."""

    meters: dict[str, MeterPicture] = field(default_factory=dict)
    gateway_online: bool = False
    states: int = 0
    intervals: int = 0
    events: int = 0
    law_checks: int = 0
    faults: list[str] = field(default_factory=list)

    def take(self, topic: str, payload: bytes) -> list[str]:
        """Take one message; what is worth telling about it. A message against the contract is a fault."""
        parts = topic.split("/")
        try:
            if parts[-1] == "status":
                return self._status(parts, payload.decode())
            if len(parts) < 5 or parts[-3] != "meter" or parts[-1] not in ("state", "interval", "event"):
                return []
            name, content = parts[-2], _flat(payload)
            if parts[-1] == "state":
                return self._state(name, content)
            return self._interval(name, content) if parts[-1] == "interval" else self._event(name, content)
        except (KeyError, ValueError) as error:
            self.faults.append(f"{topic}: {error}")
            return [f"FAULT {self.faults[-1]}"]

    def _status(self, parts: list[str], word: str) -> list[str]:
        if word not in ("online", "offline"):
            raise ValueError(f"expected online or offline, got {word!r}")
        if parts[-3] == "meter":
            self._meter(parts[-2]).online = word == "online"
            return [f"meter {parts[-2]} is {word}"]
        self.gateway_online = word == "online"
        return [f"gateway {parts[-2]} is {word}"]

    def _state(self, name: str, content: Payload) -> list[str]:
        self.states += 1
        meter, told = self._meter(name), []
        bucket, instant_us = _text(content, "bucket"), _int(content, "time_utc_us")
        if meter.bucket and bucket != meter.bucket:
            told.append(f"{clock_text(instant_us)}  {name}: the bucket switches from {meter.bucket} to {bucket}")
        meter.bucket, meter.time_utc_us = bucket, instant_us
        power = content.get("power_milliw")
        meter.power_milliw = power if isinstance(power, int) else None
        accounts = {direction: account for direction in DIRECTIONS if (account := account_of(content, direction))}
        for direction, account in accounts.items():
            self.law_checks += 1
            if account.booked_milliwh != account.flowed_milliwh:
                raise ValueError(
                    f"{direction}: {account.booked_milliwh} mWh booked, {account.flowed_milliwh} mWh by the register"
                )
        meter.accounts = accounts
        return told

    def _interval(self, name: str, content: Payload) -> list[str]:
        self.intervals += 1
        start, end = clock_text(_int(content, "start_utc_us")), clock_text(_int(content, "end_utc_us"))
        energies = []
        for direction in DIRECTIONS:
            energy, uncertain = content.get(f"{direction}_milliwh"), content.get(f"{direction}_uncertain_milliwh")
            if isinstance(energy, int):
                doubt = kwh(uncertain) if isinstance(uncertain, int) else "?"
                energies.append(f"{direction} {kwh(energy)} +-{doubt}")
        record = f"{name}: interval record {_int(content, 'seq')}"
        return [f"{record}, {start} to {end}, {_text(content, 'bucket')}: {', '.join(energies)} kWh"]

    def _event(self, name: str, content: Payload) -> list[str]:
        self.events += 1
        words = {key: value for key, value in content.items() if isinstance(value, str) and key not in _EVENT_HEAD}
        detail = " ".join(f"{key}={value}" for key, value in words.items())
        return [f"{name}: event {_text(content, 'event')} {detail}"]

    def _meter(self, name: str) -> MeterPicture:
        return self.meters.setdefault(name, MeterPicture())


def account_of(content: Payload, direction: str) -> Account | None:
    """One direction of a `state`; None where the meter does not have it or has not proven it. Raises ValueError."""
    if content[f"{direction}_register_milliwh"] is None:
        return None
    start, end = f"{direction}_bucket_", "_milliwh"
    buckets = {
        key.removeprefix(start).removesuffix(end): _int(content, key)
        for key in content
        if key.startswith(start) and key.endswith(end)
    }
    return Account(
        register_milliwh=_int(content, f"{direction}_register_milliwh"),
        epoch_first_milliwh=_int(content, f"{direction}_epoch_first_milliwh"),
        earlier_epochs_milliwh=_int(content, f"{direction}_earlier_epochs_milliwh"),
        unassigned_milliwh=_int(content, f"{direction}_unassigned_milliwh"),
        uncertain_milliwh=_int(content, f"{direction}_uncertain_milliwh"),
        buckets_milliwh=buckets,
    )


def clock_text(utc_us: int) -> str:
    """The house's wall clock at an instant: 16:00:00."""
    return datetime.fromtimestamp(utc_us // US_PER_S, ZONE).strftime("%H:%M:%S")


def kwh(milliwh: int) -> str:
    """Milliwatt-hours for people: kWh with three decimals, floored."""
    sign, size = ("-", -milliwh) if milliwh < 0 else ("", milliwh)
    return f"{sign}{size // 1_000_000:,}.{size // 1000 % 1000:03d}"


def _flat(payload: bytes) -> Payload:
    content = json.loads(payload)
    if not isinstance(content, dict):
        raise ValueError(f"expected a JSON object, got {payload[:60]!r}")
    return content


def _int(content: Payload, key: str) -> int:
    value = content.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{key}: expected an integer, got {value!r}")
    return value


def _text(content: Payload, key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key}: expected text, got {value!r}")
    return value
