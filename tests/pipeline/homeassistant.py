"""The rules of Home Assistant 2026.11.0 for MQTT device discovery, as far as this project uses them. Ours, not theirs.

Written from what its `components/mqtt/{schemas,abbreviations,discovery,sensor}.py` and `components/sensor/const.py` ask
for in that release. Stricter where Home Assistant silently drops a key: here that is a fault. Imports nothing of ours.
"""

import re
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

RELEASE = "2026.11.0"

TOPIC = re.compile(r"[^\s+#]+/device/(?:[a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config")
ENTITY_ID = re.compile(r"sensor\.[a-z0-9]+(?:_[a-z0-9]+)*")

ABBREVIATIONS = {
    "dev": "device",
    "o": "origin",
    "cmps": "components",
    "avty": "availability",
    "avty_mode": "availability_mode",
    "avty_t": "availability_topic",
    "avty_tpl": "availability_template",
    "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available",
    "cmd_t": "command_topic",
    "stat_t": "state_topic",
    "e": "encoding",
    "t": "topic",
    "p": "platform",
    "uniq_id": "unique_id",
    "val_tpl": "value_template",
    "dev_cla": "device_class",
    "stat_cla": "state_class",
    "unit_of_meas": "unit_of_measurement",
    "sug_dsp_prc": "suggested_display_precision",
    "exp_aft": "expire_after",
    "ent_cat": "entity_category",
    "def_ent_id": "default_entity_id",
    "ops": "options",
    "json_attr_t": "json_attributes_topic",
    "lrst_val_tpl": "last_reset_value_template",
    "en": "enabled_by_default",
    "ic": "icon",
}
DEVICE_ABBREVIATIONS = {
    "ids": "identifiers",
    "cns": "connections",
    "mf": "manufacturer",
    "mdl": "model",
    "mdl_id": "model_id",
    "hw": "hw_version",
    "sw": "sw_version",
    "sa": "suggested_area",
    "sn": "serial_number",
    "cu": "configuration_url",
}
ORIGIN_ABBREVIATIONS = {"sw": "sw_version", "url": "support_url"}

AVAILABILITY = {"availability", "availability_mode", "availability_topic", "availability_template"}
SHARED = {
    *AVAILABILITY,
    "payload_available",
    "payload_not_available",
    "command_topic",
    "state_topic",
    "qos",
    "encoding",
}
ROOT_KEYS = {*SHARED, "device", "origin", "components"}
DEVICE_KEYS = {*DEVICE_ABBREVIATIONS.values(), "name", "via_device"}
ORIGIN_KEYS = {"name", "sw_version", "support_url"}
SENSOR_KEYS = SHARED - {"command_topic"} | {
    *("platform", "unique_id", "name", "value_template", "device_class", "state_class", "unit_of_measurement"),
    *("suggested_display_precision", "expire_after", "entity_category", "default_entity_id", "options", "icon"),
    *("json_attributes_topic", "last_reset_value_template", "enabled_by_default"),
}
STATE_CLASSES = {"energy": {"total", "total_increasing"}, "power": {"measurement"}, "monetary": {"total"}}
ANY_STATE_CLASS = {"measurement", "total", "total_increasing"}
UNITS = {"energy": {"Wh", "kWh", "MWh", "GWh"}, "power": {"mW", "W", "kW", "MW", "GW"}}


def written_out(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload without abbreviations, shared options copied into each component."""
    root = _full(payload, ABBREVIATIONS)
    if isinstance(root.get("device"), dict):
        root["device"] = _full(root["device"], DEVICE_ABBREVIATIONS)
    if isinstance(root.get("origin"), dict):
        root["origin"] = _full(root["origin"], ORIGIN_ABBREVIATIONS)
    if isinstance(root.get("availability"), list):
        root["availability"] = [_full(one, ABBREVIATIONS) for one in root["availability"]]
    shared = {key: root[key] for key in SHARED if key in root}
    if isinstance(root.get("components"), dict):
        root["components"] = {name: {**shared, **_full(one, ABBREVIATIONS)} for name, one in root["components"].items()}
    return root


def faults(topic: str, payload: dict[str, Any]) -> list[str]:
    """Everything for which Home Assistant would drop the device or an entity, or misread it."""
    root = written_out(payload)
    found = [] if TOPIC.fullmatch(topic) else [f"illegal discovery topic {topic}"]
    found += [f"unknown root key {key}: all is dropped" for key in sorted(set(root) - ROOT_KEYS)]
    device, origin, components = (root.get(key) for key in ("device", "origin", "components"))
    if not isinstance(device, dict) or not (device.get("identifiers") or device.get("connections")):
        found.append("device without identifiers")
    elif unknown := sorted(set(device) - DEVICE_KEYS):
        found.append(f"unknown device keys {unknown}")
    if not isinstance(origin, dict) or not isinstance(origin.get("name"), str):
        found.append("origin without a name")
    elif unknown := sorted(set(origin) - ORIGIN_KEYS):
        found.append(f"unknown origin keys {unknown}")
    if not isinstance(components, dict) or not components:
        return [*found, "no components"]
    for name, one in components.items():
        found += [f"{name}: {fault}" for fault in _component_faults(one)]
    ids = [one.get("unique_id") for one in components.values()]
    return found + [f"unique_id {one} twice" for one in sorted({str(one) for one in ids if ids.count(one) > 1})]


def render(template: str, payload: str, value_json: object) -> str:
    """What a value template makes of a message, as text: "None" is unknown to a sensor, never a number."""
    environment = ImmutableSandboxedEnvironment()
    return environment.from_string(template).render(value=payload, value_json=value_json).strip()


def _component_faults(one: dict[str, Any]) -> list[str]:
    found = [f"unknown key {key}" for key in sorted(set(one) - SENSOR_KEYS)]
    if one.get("platform") != "sensor":
        found.append(f"platform {one.get('platform')} is not one that this model knows")
    found += [f"no {key}" for key in ("unique_id", "state_topic") if not isinstance(one.get(key), str)]
    found += _availability_faults(one)
    device_class, state_class = one.get("device_class"), one.get("state_class")
    if device_class == "enum":
        options = one.get("options")
        if not isinstance(options, list) or not options or len(set(options)) != len(options):
            found.append("enum without options, or one twice")
        found += [f"enum with {key}" for key in ("unit_of_measurement", "state_class") if key in one]
    elif "options" in one:
        found.append("options without enum")
    elif device_class == "monetary":
        if not re.fullmatch("[A-Z]{3}", str(one.get("unit_of_measurement"))):  # ISO 4217
            found.append(f"monetary in {one.get('unit_of_measurement')}")
    elif device_class is not None and device_class not in UNITS:
        found.append(f"device_class {device_class} is not one that this model knows")
    elif device_class is not None and one.get("unit_of_measurement") not in UNITS[device_class]:
        found.append(f"{device_class} in {one.get('unit_of_measurement')}")
    if state_class is not None and state_class not in STATE_CLASSES.get(str(device_class), ANY_STATE_CLASS):
        found.append(f"{device_class} as {state_class}")
    if "last_reset_value_template" in one and state_class != "total":
        found.append("last_reset_value_template without total")
    if one.get("entity_category") not in (None, "diagnostic"):  # `config` is refused for a sensor
        found.append(f"entity_category {one['entity_category']}")
    if "expire_after" in one and not (isinstance(one["expire_after"], int) and one["expire_after"] > 0):
        found.append(f"expire_after {one['expire_after']}")
    if "default_entity_id" in one and not ENTITY_ID.fullmatch(one["default_entity_id"]):
        found.append(f"default_entity_id {one['default_entity_id']}")
    return found


def _availability_faults(one: dict[str, Any]) -> list[str]:
    if "availability" in one and "availability_topic" in one:
        return ["availability and availability_topic exclude each other"]
    found = []
    for place in one.get("availability", []):
        if not isinstance(place.get("topic"), str) or set(place) - {"topic", *SHARED, "value_template"}:
            found.append(f"availability {place}")
    if one.get("availability_mode", "latest") not in ("all", "any", "latest"):
        found.append(f"availability_mode {one['availability_mode']}")
    return found


def _full(table: dict[str, Any], abbreviations: dict[str, str]) -> dict[str, Any]:
    return {abbreviations.get(key, key): value for key, value in table.items()}
