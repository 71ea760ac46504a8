"""Plays a history of jumping registers through the books of one meter, by clocks that are set as the history says.

Knows of the gateway what `play` knows, and no more.
"""

from drivers import EnergyRegister, RegisterSnapshot
from gateway.clock import ClockState
from gateway.decision import Basis
from gateway.reading.read import Reading

from .jump_plan import COARSER, REREADS, WIDTH_MILLIWH, WRONG, Fault, Jump, JumpHistory
from .plan import Ask, Happening
from .play import METER, Player
from .record import DIRECTIONS, Taken
from .truth import Meter

FAR_MILLIWH = 10**12 + WIDTH_MILLIWH // 2
"""How much too much a spike shows: no multiple of the width, through which it would show what is right."""


class JumpPlayer(Player):
    """Plays one history; `play` gives back what it left behind."""

    def __init__(self, history: JumpHistory) -> None:
        self._jumps = history
        self.basis = self._basis_at(history.base.asks[0].sent_us)
        super().__init__(history.base)

    def _happen(self, one: Happening) -> None:
        self.basis = self._basis_at(one.at_us)
        super()._happen(one)

    def _basis_at(self, utc_us: int) -> Basis | None:
        """By which config the meter is read; None where that never changes."""
        rereads = [one for one in self._jumps.faults if one.jump in REREADS]
        passed = [one.jump for one in rereads if one.at_us <= utc_us]
        return Basis(f"profile {passed.count(Jump.PROFILE)}", f"ratio {len(passed)}") if rereads else None

    def _take(self, ask: Ask) -> None:
        history, machine = self._jumps.base, self._machine
        index = sum(at_us <= ask.latched_us for at_us in history.swaps_us)
        meters = history.imports[index], history.exports[index]
        fault = self._jumps.fault_at(ask.latched_us)
        registers = [self._register(meter, number, fault, ask) for number, meter in enumerate(meters)]
        power_milliw = self._power_milliw(ask) if self._jumps.has_power else None
        lag_us, off_us = meters[0].refresh_us, machine.off_us + history.error_us
        reading = Reading(
            meter=METER,
            snapshot=RegisterSnapshot(registers[0], registers[1], power_milliw, one_moment=True, others={}),
            earliest_us=ask.sent_us - lag_us + off_us,
            latest_us=ask.received_us + off_us,
            monotonic_us=machine.monotonic_us(ask.received_us),
            boot_id=f"boot {machine.boot}",
            clock_state=ClockState.SYNCED,
            serial=meters[0].serial,
            clock_error_us=history.error_us,
        )
        shown = {one: register.milliwh for one, register in zip(DIRECTIONS, registers, strict=True) if register}
        self.played.taken.append(
            Taken(
                meter=index,
                glitch=fault is not None and fault.jump in WRONG,
                shown=shown,
                wall_earliest_us=reading.earliest_us,
                wall_latest_us=reading.latest_us,
                monotonic_us=reading.monotonic_us,
                boot=reading.boot_id,
                true_earliest_us=ask.sent_us - lag_us,
                true_latest_us=ask.received_us,
                clock_off_us=machine.off_us,
            )
        )
        self._book(reading)

    def _register(self, meter: Meter, number: int, fault: Fault | None, ask: Ask) -> EnergyRegister | None:
        """What the display shows of one direction."""
        if fault is not None and fault.jump in (Jump.ONE_ZERO, Jump.ONE_NOTHING) and fault.direction != number:
            fault = None
        latched_us, width_milliwh = ask.latched_us, self._jumps.width_milliwh
        if fault is not None and fault.jump is Jump.FREEZE:
            latched_us = fault.at_us
        shown, digit_milliwh = meter.shown(latched_us), meter.step_milliwh
        match None if fault is None else fault.jump:
            case Jump.NOTHING | Jump.ONE_NOTHING:
                return None
            case Jump.ZEROS | Jump.ONE_ZERO:
                shown = 0
            case Jump.FROM_ZERO if fault is not None:
                shown -= meter.shown(fault.at_us)
            case Jump.SPIKE:
                shown += FAR_MILLIWH
            case Jump.BACK if fault is not None and shown == meter.shown(fault.at_us):
                shown = max(shown - digit_milliwh, 0)
            case Jump.COARSE:
                digit_milliwh *= COARSER
                shown = shown // digit_milliwh * digit_milliwh
        if width_milliwh is not None:
            shown %= width_milliwh
        return EnergyRegister(shown, digit_milliwh, modulus_milliwh=width_milliwh)

    def _power_milliw(self, ask: Ask) -> int:
        """The power of the second before, one way or the other; a meter whose registers show 0 shows 0 of it too."""
        fault = self._jumps.fault_at(ask.latched_us)
        if fault is not None and fault.jump is Jump.ZEROS:
            return 0
        history, from_us = self._jumps.base, ask.latched_us - 1_000_000
        flows = [meters[0].flow.between(from_us, ask.latched_us) for meters in (history.imports, history.exports)]
        return (flows[0] - flows[1]) // 1_000_000
