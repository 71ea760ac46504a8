"""An identifier's meaning: OBIS code A-B:C.D.E*F, with or without A-B, E and F. Never a guess: no code, no meaning.

(IEC 62056-61 for the value groups; IEC 62056-21 for the reduced form without A-B that meters show on the optical port)
"""

import re
from dataclasses import dataclass

_CODE = re.compile(
    r"(?:(?:([0-9]{1,3})-)?([0-9]{1,3}):)?"  # A-B:
    r"([0-9]{1,3}|[A-Z]{1,2})\.([0-9]{1,3}|[A-Z])(?:\.([0-9]{1,3}))?"  # C.D.E
    r"(?:[*&]([0-9]{1,3}))?"  # *F, or &F after a reset by hand
)
IMPORT_C, EXPORT_C, NET_POWER_C = "1", "2", "16"
ENERGY_D, POWER_D, AVERAGE_D, INTERVAL_D = "8", "7", "5", "29"
CURRENT_F = 255


@dataclass(frozen=True, slots=True)
class Obis:
    """One code. `c` and `d` are text, because both may be a letter (C.1.0, F.F)."""

    a: int | None
    b: int | None
    c: str
    d: str
    e: int
    """0, the total, where the meter leaves it out (`16.7`)."""
    history: int | None
    """F: number of the billing period; None for the value of now (no F, or 255)."""

    @property
    def is_electricity(self) -> bool:
        """Of the electricity channel, or of a meter that does not say because it has no other."""
        return self.a in (None, 1)


def maybe_obis(identifier: str) -> Obis | None:
    """The code that `identifier` is; None for what has not that form (`FF`, `F`, a line of values alone)."""
    match = _CODE.fullmatch(identifier)
    if match is None:
        return None
    a, b, c, d, e, f = match.groups()
    return Obis(
        a=None if a is None else int(a),
        b=None if b is None else int(b),
        c=c.lstrip("0") or "0",
        d=d.lstrip("0") or "0",
        e=int(e or 0),
        history=None if f is None or int(f) == CURRENT_F else int(f),
    )


def is_fault_register(identifier: str) -> bool:
    """F.F in any of its forms (`F.F`, `1-1:F.F`, Iskra's `FF`) and 97.97.0: zero, or a fault."""
    if identifier == "FF":
        return True
    code = maybe_obis(identifier)
    return code is not None and (code.c, code.d) in (("F", "F"), ("97", "97"))
