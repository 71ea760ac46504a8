"""Entities of one device for Home Assistant, as its discovery wants them written. Pure. (MQTT rules of 2026.11.0)

The root of a payload is closed: one key that Home Assistant does not know, and it drops the whole device. So nothing
of our own stands there. What is null in a message becomes an unknown value, and never 0.
"""

import re

Json = dict[str, object]
PROGRAM = "netmeter-gateway"
MILLI_A_KILO = 1_000_000
CENTS = 100
LONGEST_TEXT = 255  # of a state in Home Assistant


class Entities:
    """The components of one device, all of them sensors."""

    def __init__(self, identifier: str, entity_prefix: str) -> None:
        self.components: dict[str, Json] = {}
        self._identifier, self._entity_prefix = identifier, entity_prefix

    def add(self, key: str, name: str, template: str, **options: object) -> None:
        self.components[key] = {
            "p": "sensor",
            "uniq_id": f"{self._identifier}.{key}",
            "def_ent_id": "sensor." + re.sub(r"[^a-z0-9]+", "_", f"{self._entity_prefix}_{key}").strip("_"),
            "name": name,
            "val_tpl": template,
            **options,
        }

    def add_energy(self, key: str, name: str, milliwh: str, probe: str = "", **options: object) -> None:
        """`milliwh`: the value as an expression; `probe`: the one of its terms that tells whether it is known."""
        options = {"dev_cla": "energy", "unit_of_meas": "kWh", "sug_dsp_prc": 2, **options}
        self.add(key, name, number(milliwh, probe or milliwh, MILLI_A_KILO, 6), **options)


def number(expression: str, probe: str, divisor: int, places: int) -> str:
    """A template that gives an integer divided by a power of ten with all its digits, and None (unknown) for null.

    Exact as long as half a step of the quotient's binary64 is less than half the last place: up to 4000 GWh.
    """
    return f"{{{{ '%.{places}f' | format({expression} / {divisor}) if {probe} is number else None }}}}"


def identifier(*names: str) -> str:
    return ".".join(("netmeter", *names))  # no name has a point in it


def device_payload(device: Json, version: str, availability: tuple[str, ...], state: str, entities: Entities) -> Json:
    return {
        "dev": device,
        "o": {"name": PROGRAM, "sw": version},
        "avty": [{"t": topic} for topic in availability],
        "avty_mode": "all",
        "stat_t": state,
        "qos": 1,
        "cmps": entities.components,
    }
