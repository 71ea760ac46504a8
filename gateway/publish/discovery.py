"""Home Assistant's device discovery: what a `state` message holds, told as entities. Pure. (MQTT rules of 2026.11.0)

The root of a payload is closed: one key that Home Assistant does not know, and it drops the whole device. So nothing
of our own stands there. A counter is a lifetime total over all register epochs that begins with the gateway's first
reading, `state_class: total` without last_reset: a correction is a small negative and never a reset. What is null in
`state` becomes no entity, or an unknown value, and never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from drivers import MeterIdentity

from ..energy import Direction
from ..ledger.records import Record
from ..tariff.calendar import UNASSIGNED_NAME
from .entities import LONGEST_TEXT, PROGRAM, Entities, Json, device_payload, identifier, number
from .message import Topics

MISSED_STATES = 5
"""A power value this many publish periods old is unavailable. Registers never are: a counter that comes and goes
breaks dashboards for no gain."""


@dataclass(frozen=True, slots=True)
class Device:
    """One meter as Home Assistant shall know it. `publish_s`: seconds between two states while the meter is read."""

    gateway: str
    meter: str
    version: str
    publish_s: int
    identity: MeterIdentity


def birth_topic(prefix: str) -> str:
    """Where Home Assistant says that it has started."""
    return f"{prefix}/status"


def gateway_topic(prefix: str, gateway: str) -> str:
    """Where the gateway's own payload is kept."""
    return f"{prefix}/device/netmeter-{gateway}/config"


def meter_topic(prefix: str, gateway: str, meter: str) -> str:
    """Where a meter's payload is kept. Gateway and meter are levels of their own: no two pairs share a topic."""
    return f"{prefix}/device/netmeter-{gateway}/{meter}/config"


def gateway_payload(topics: Topics, gateway: str, version: str) -> Json:
    """The gateway as a device: the meters' `via_device`, which would else be one without a name."""
    entities = Entities(identifier(gateway), f"netmeter_{gateway}")
    shown = {"ent_cat": "diagnostic"}
    entities.add("outbox_depth", "Outbox", "{{ value_json.outbox_depth }}", stat_cla="measurement", **shown)
    entities.add("storage", "Storage", f"{{{{ value_json.storage[:{LONGEST_TEXT}] }}}}", **shown)
    entities.add("clock", "Clock", "{{ value_json.clock }}", **shown)
    entities.add("thrown_out", "Thrown out by the same id", "{{ value_json.thrown_out }}", **shown)
    device: Json = {"ids": [identifier(gateway)], "name": f"Netmeter {gateway}", "mdl": PROGRAM, "sw": version}
    return device_payload(device, version, (topics.status,), topics.health, entities)


def meter_payload(topics: Topics, device: Device, held: Mapping[str, bool]) -> Json:
    """A meter as a device, with the entities that its states can fill (`held`, see `holds`)."""
    identity = device.identity
    described: Json = {
        "ids": [identifier(device.gateway, device.meter)],
        "name": f"{device.gateway} {device.meter}",
        "mf": identity.vendor,
        "mdl": identity.model,
        "sn": identity.serial,
        "sw": identity.firmware,
        "via_device": identifier(device.gateway),
    }
    entities = Entities(identifier(device.gateway, device.meter), f"{device.gateway}_{device.meter}")
    for direction in Direction:
        _add_counters(entities, direction, held)
    if held.get("power_milliw"):
        entities.add(
            "power",
            "Power",
            number("value_json.power_milliw", "value_json.power_milliw", 1000, 3),
            dev_cla="power",
            stat_cla="measurement",
            unit_of_meas="W",
            sug_dsp_prc=0,
            exp_aft=MISSED_STATES * device.publish_s,
        )
    options = [*dict.fromkeys(name for direction in Direction for name in _buckets(direction, held))]
    entities.add("bucket", "Bucket", "{{ value_json.bucket }}", dev_cla="enum", ops=[*options, UNASSIGNED_NAME])
    known = {key: value for key, value in described.items() if value}
    availability = (topics.status, topics.meter(device.meter, "status"))
    return device_payload(known, device.version, availability, topics.meter(device.meter, "state"), entities)


def holds(record: Record, before: Mapping[str, bool]) -> dict[str, bool]:
    """What a state holds: its keys, and whether each was ever known; `before` is the same for the states until now."""
    return {**before, **{key: before.get(key, False) or value is not None for key, value in record.items()}}


def _add_counters(entities: Entities, direction: Direction, held: Mapping[str, bool]) -> None:
    """A direction's lifetime counters; its register as the meter shows it is for comparing, and is no statistic."""
    if not held.get(f"{direction}_register_milliwh"):
        return
    word, value = direction.capitalize(), f"value_json.{direction}"
    total = f"({value}_earlier_epochs_milliwh + {value}_register_milliwh - {value}_epoch_first_milliwh)"
    entities.add_energy(f"{direction}", word, total, f"{value}_register_milliwh", stat_cla="total")
    for name in _buckets(direction, held):
        title = f"{word} {name.replace('_', ' ')}"
        entities.add_energy(f"{direction}_bucket_{name}", title, f"{value}_bucket_{name}_milliwh", stat_cla="total")
    entities.add_energy(
        f"{direction}_unassigned",
        f"{word} unassigned",
        f"{value}_unassigned_milliwh",
        stat_cla="total",
        ent_cat="diagnostic",
    )
    for kind in ("uncertain", "register"):
        key = f"{direction}_{kind}"
        entities.add_energy(key, f"{word} {kind}", f"value_json.{key}_milliwh", ent_cat="diagnostic")


def _buckets(direction: Direction, held: Mapping[str, bool]) -> list[str]:
    """The buckets that a state names, those of an earlier tariff among them."""
    first, last = f"{direction}_bucket_", "_milliwh"
    return [key.removeprefix(first).removesuffix(last) for key in held if key.startswith(first)]
