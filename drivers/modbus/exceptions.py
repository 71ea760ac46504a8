"""The exceptions with which a device answers instead of registers, and what they mean to the caller. Pure.

5 and 6 mean "not now", 1 to 4 "never, as you ask it". (Modbus Application Protocol V1.1b3, 7)
"""

from ..errors import ConfigurationError, RefusedError

NEVER = {
    1: "illegal function: does this device use the other function code (3 or 4)?",
    2: "illegal data address: is the profile the right one for this device?",
    3: "illegal data value: does the device take fewer registers in one request?",
    4: "device failure: is the unit number right, and the device healthy?",
}
ACKNOWLEDGE, BUSY, TARGET_SILENT = 5, 6, 11
NOT_NOW = {
    ACKNOWLEDGE: "acknowledge",
    BUSY: "busy",
    10: "gateway path unavailable",
    TARGET_SILENT: "gateway target did not answer",
}


def error_of(code: int, where: str) -> ConfigurationError | RefusedError:
    """What to raise for an exception. `where` names the line and the question."""
    if code in NEVER:
        return ConfigurationError(f"{where}: exception {code}, {NEVER[code]}", code)
    meaning = NOT_NOW.get(code, "not in the standard")
    return RefusedError(f"{where}: exception {code}, {meaning}", is_brief=code in (ACKNOWLEDGE, BUSY))
