"""Which models can be simulated, and what each has in its registers in one moment.

A table of its own, written from the vendors' maps: a mistake in a profile must not find its mirror image here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..counters import Count
from . import models_float, models_integer
from .cells import Cells


@dataclass(frozen=True, slots=True)
class Model:
    """A meter that can be simulated."""

    registers: Callable[[Count, int], Cells]
    """The registers of a count, for a meter of this serial number."""
    baud_bd: int = 9600
    most_registers: int = 125


MODELS: dict[str, Model] = {
    "eastron-sdm120": Model(models_float.eastron(1, extra=False), 2400, 80),
    "eastron-sdm230": Model(models_float.eastron(1, extra=False), 9600, 80),
    "eastron-sdm630": Model(models_float.eastron(3, extra=False), 9600, 80),
    "eastron-sdm72": Model(models_float.eastron(3, extra=True), 9600, 10),
    "carlo-gavazzi-em24": Model(models_integer.em24, 9600, 11),
    "carlo-gavazzi-em24-e1": Model(models_integer.em24_e1),
    "carlo-gavazzi-em340": Model(models_integer.em340),
    "carlo-gavazzi-em530": Model(models_integer.em540),
    "carlo-gavazzi-em530-high-first": Model(models_integer.em530_high_first),
    "abb-b2x": Model(models_integer.abb),
    "schneider-iem3155": Model(models_integer.schneider, 19200),
    "janitza-umg604": Model(models_float.janitza, 19200),
    "accuenergy-acuvim-ii": Model(models_integer.acuvim, 19200),
    "wattnode": Model(models_float.wattnode, 19200),
    "sma-home-manager": Model(models_integer.sma),
    "chint-dtsu666": Model(models_float.chint(0x1000)),
    "chint-dtsu666-401e": Model(models_float.chint(0x4000)),
    "orno-we-516": Model(models_float.orno),
    "siemens-pac2200": Model(models_float.siemens),
    "sunspec": Model(models_integer.sunspec_203),
    "sunspec-float": Model(models_integer.sunspec_213),
    "sunspec-701": Model(models_integer.sunspec_701),
}
