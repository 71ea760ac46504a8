"""What a jump of registers was, and by which rule that was found: words for the journal. Decides nothing. Pure."""

from ..decision import Class, Limits, Reason, Rule
from ..energy import registers_of
from ..reading.read import Reading
from ..uncertainty import most_energy_milliwh
from .passed import elapsed_us

BY_REASON = {
    Reason.METER_REPLACED: (Class.METER_REPLACED, Rule.SERIAL_DIFFERS),
    Reason.PROFILE_CHANGED: (Class.PROFILE_CHANGED, Rule.CONFIG_DIFFERS),
    Reason.RATIO_CHANGED: (Class.RATIO_CHANGED, Rule.CONFIG_DIFFERS),
}
GLITCHES = (Reason.WENT_BACKWARDS, Reason.IMPOSSIBLE_JUMP, Reason.ROLLED_OVER, Reason.METER_REPLACED)
"""Of readings held for these and gone again, nothing was booked."""


def found_in(reason: Reason, previous: Reading, first: Reading, limits: Limits) -> tuple[Class, Rule]:
    """What registers are that begin anew with `first`."""
    if reason in BY_REASON:
        return BY_REASON[reason]
    most_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(previous, first))
    registers = registers_of(first.snapshot).values()
    if all(register.milliwh <= most_milliwh + register.resolution_milliwh for register in registers):
        return Class.RESET_TO_ZERO, Rule.BEGINS_NEAR_ZERO
    return Class.OTHER_REGISTERS, Rule.COUNTS_ON_BY_ITSELF
