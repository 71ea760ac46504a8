"""A Modbus meter with registers at fixed addresses: everything it is stands in its profile."""

from ..assemble import assemble_identity, assemble_snapshot
from ..errors import ConfigurationError
from ..meter import Sample
from ..meter_time import TimeSample, decode_time
from ..profile import Profile, Register
from ..recording import Tape
from ..snapshot import MeterIdentity
from ..steps import Steps
from ..want import Want
from .blocks import BlockReader
from .link import ModbusLink
from .plan import apart_from, plan_blocks


def tape_options(*, swap_direction: bool, **numbers: int | None) -> dict[str, str]:
    """What a recording's head says of how the meter was asked, as far as it is not the usual."""
    options = {name: str(number) for name, number in numbers.items() if number is not None}
    return {**options, "swap_direction": "true"} if swap_direction else options


class ModbusMeter:
    """One unit behind a link; a `drivers.Stepped`. The link may be shared by the meters of one line, in one thread.

    `max_registers`: the most that this very device answers, where that is less than its profile says.
    """

    def __init__(
        self,
        profile: Profile,
        link: ModbusLink,
        unit: int,
        *,
        swap_direction: bool = False,
        max_registers: int | None = None,
    ) -> None:
        self._profile = profile
        self._link = link
        self._unit = unit
        self._swap_direction = swap_direction
        self._options = tape_options(swap_direction=swap_direction, max_registers=max_registers)
        most = min(profile.max_registers, max_registers or profile.max_registers)
        blocks = plan_blocks(profile.registers, most, link.cost)
        self._reader = BlockReader(link, unit, blocks)
        identity = apart_from(plan_blocks(profile.identity, most, link.cost), blocks, most)
        self._identity = BlockReader(link, unit, identity)
        self._untold = profile.fitted_notes

    @property
    def update_lag_us(self) -> int:
        return self._profile.update_lag_us

    @property
    def registers(self) -> tuple[Register, ...]:
        """Every register that is asked for, identity included, at its wire address."""
        return (*self._profile.identity, *self._profile.registers)

    def identify(self) -> MeterIdentity:
        """Identity registers; None for what the device refuses. Raises DriverError if it does not answer."""
        return self._link.run(self.identify_steps())

    def read(self, *, want: Want = Want.DUE) -> Sample:
        """All registers once; the times are those of the energy block. Raises DriverError."""
        return self._link.run(self.read_steps(want=want))

    def identify_steps(self) -> Steps[MeterIdentity]:
        """`identify` as steps."""
        words = yield from self._identity.read_plain()  # copies of a meter often lack its serial number register
        return assemble_identity(self._profile.identity, words, self._profile.word_order)

    def read_steps(self, *, want: Want = Want.DUE) -> Steps[Sample]:
        """`read` as steps."""
        image = yield from self._reader.read(want=want)
        snapshot = assemble_snapshot(
            self._profile.registers,
            image.words,
            self._profile.word_order,
            one_moment=image.one_moment,
            swap_direction=self._swap_direction,
        )
        notes, self._untold = (*self._untold, *image.notes), ()
        return Sample(snapshot, image.sent_us, image.received_us, self._profile.update_lag_us, notes)

    def record(self, tape: Tape | None) -> None:
        """Take down this meter's conversations from now on, its map learnt anew, so that a tape is whole."""
        if tape is not None:
            tape.head.update(self._profile.fitted, profile=self._profile.name, unit=str(self._unit), **self._options)
            self._reader.relearn()
            self._identity.relearn()
        self._link.record(tape)

    def relearn(self) -> None:
        """What this device refused is tried once more. Sends nothing."""
        self._reader.relearn()
        self._identity.relearn()

    def forget(self) -> None:
        """Another device may answer: what was learnt of this one's map is learnt anew."""
        self._reader.forget()
        self._identity.forget()

    def read_time(self) -> TimeSample:
        """The meter's own clock, in a request of its own. Raises DriverError."""
        return self._link.run(self.read_time_steps())

    def read_time_steps(self) -> Steps[TimeSample]:
        """`read_time` as steps."""
        clock = self._profile.clock
        if clock is None:
            raise ConfigurationError(f"profile {self._profile.name} has no [clock]")
        reply = yield from self._link.ask(self._unit, clock.function, clock.first, clock.last - clock.first + 1)
        time = decode_time(clock, reply.words, self._profile.word_order)
        return TimeSample(time, reply.sent_us, reply.received_us, clock.lag_us, clock.resolution_us)

    def close(self) -> None:
        self._link.close()
