"""The seam between drivers and gateway: a meter that is asked. (One that talks unasked comes with the optical port.)"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .recording import Tape
from .snapshot import MeterIdentity, RegisterSnapshot
from .steps import Steps
from .want import Want

if TYPE_CHECKING:  # a profile may name a clock, and what has a clock is a meter
    from .profile import Register


@dataclass(frozen=True, slots=True)
class Sample:
    """A snapshot and when its energy registers were asked for and answered, on the ticker's monotonic scale.

    The meter latched the energy registers in [sent_us - update_lag_us, received_us].
    """

    snapshot: RegisterSnapshot
    sent_us: int
    received_us: int
    update_lag_us: int
    notes: tuple[str, ...] = ()
    """What was learnt of the device's map, each told once."""
    read_by: str = ""
    """Which of several readings of its profile the device was found to need; empty where the profile has one."""


class Polled(Protocol):
    """A meter that answers questions. Blocking, one thread at a time; every call ends by its own absolute deadline."""

    @property
    def update_lag_us(self) -> int:
        """How old the meter's registers can be when it answers, microseconds, from its profile."""
        ...

    def identify(self) -> MeterIdentity:
        """Read the identity block. Raises DriverError."""
        ...

    def read(self, *, want: Want = Want.DUE) -> Sample:
        """Read all registers once, energy registers in one request where the map allows. Raises DriverError.

        What may be older than this reading (voltages, for people) is not asked for each time: `want` says.
        """
        ...

    def forget(self) -> None:
        """Another device may answer: learn its map anew. Sends nothing."""
        ...

    def relearn(self) -> None:
        """The same device: what it refused is tried once more. Sends nothing."""
        ...

    def close(self) -> None:
        """Release the port or the connection; reading again reopens it. Never raises."""
        ...


class Stepped(Polled, Protocol):
    """The same meter for a thread that talks to many: its questions as steps. One conversation a line at a time."""

    @property
    def registers(self) -> "tuple[Register, ...]":
        """Every register that is asked for, identity included, at its wire address, as far as they are known."""
        ...

    def record(self, tape: Tape | None) -> None:
        """Take down its conversations on `tape` from now on; None: no more. Its map is learnt anew."""
        ...

    def identify_steps(self) -> Steps[MeterIdentity]:
        """`identify` as steps."""
        ...

    def read_steps(self, *, want: Want = Want.DUE) -> Steps[Sample]:
        """`read` as steps."""
        ...
