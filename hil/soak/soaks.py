"""The soaks by name. A new one is a class here: a plan, a round, and a control that its judge must refuse."""

from pathlib import Path
from typing import Protocol

from ..histories.soak import ClockSoak, JumpSoak, MixedSoak
from ..modbus.soak import ModbusSoak
from ..optical.soak import OpticalSoak
from ..power.model import PowerModelSoak
from ..power.soak import PowerSoak
from . import plan
from .damage_round import DamageRound
from .delivery_plan import Trouble, delivery_fault, delivery_round
from .delivery_round import DeliveryRound
from .disk_plan import ROUND_SIZE, DiskFault, DiskKind, disk_fault, is_damage
from .disk_round import DiskRound
from .history import RoundResult, Say
from .kill_round import KillRound


class Soak(Protocol):
    """One kind of soak. Faults are numbered from 1; a round is the least that is run and judged as a whole."""

    name: str
    summary: str
    control_finding: str
    """What the judge must find in the control, whatever else it finds."""
    always_told: tuple[str, ...]
    """Counts that stand in the last line even where they are 0."""
    judges_energy: bool
    """Whether it follows energy to where it was booked; else the last line says null for what is lost, doubled,
    misplaced and told as uncertain, because nothing has measured it."""

    def describe(self, seed: int, number: int) -> str:
        """A fault of the plan, in a few words."""
        ...

    def run_round(self, seed: int, number: int, last: int, folder: Path, say: Say) -> RoundResult:
        """The round that begins with fault `number` and has none beyond `last`. Raises ChildError."""
        ...

    def run_control(self, seed: int, folder: Path, say: Say) -> RoundResult:
        """A short round with a daemon that breaks a law on purpose. Raises ChildError."""
        ...


class KillSoak:
    """SIGKILL at chosen and at random moments."""

    name = "kill"
    summary = "SIGKILL of the daemon at random times, around edges, in commits, at its start"
    control_finding = "other_content"
    judges_energy = True
    always_told: tuple[str, ...] = ()

    def describe(self, seed: int, number: int) -> str:
        return str(plan.fault(seed, number))

    def run_round(self, seed: int, number: int, last: int, folder: Path, say: Say) -> RoundResult:
        return KillRound(plan.round_from(seed, number, last), folder, say).run()

    def run_control(self, seed: int, folder: Path, say: Say) -> RoundResult:
        return KillRound(plan.control_round(seed), folder, say, sabotage="publish-before-commit").run()


class CallSoak(KillSoak):
    """The kills at system calls alone: all sites once through in half the time."""

    name = "kill-calls"
    summary = "SIGKILL of the daemon at every n-th system call of migration, start-up, cycle and shutdown"

    def describe(self, seed: int, number: int) -> str:
        return str(plan.call_fault(seed, number))

    def run_round(self, seed: int, number: int, last: int, folder: Path, say: Say) -> RoundResult:
        return KillRound(plan.round_from(seed, number, last, plan.call_fault), folder, say).run()


class DiskSoak:
    """A disk that fails, and one that damages what lies on it."""

    name = "disk"
    summary = "a disk that is full, read-only or failing at every n-th write and sync, and one that damages the store"
    control_finding = "hole"
    judges_energy = True
    always_told: tuple[str, ...] = ("told", "altered", "altered_found")

    def describe(self, seed: int, number: int) -> str:
        return str(disk_fault(seed, number))

    def run_round(self, seed: int, number: int, last: int, folder: Path, say: Say) -> RoundResult:
        house = plan.round_from(seed, number, number)
        until = min(last, (number - 1) // ROUND_SIZE * ROUND_SIZE + ROUND_SIZE)
        faults = [disk_fault(seed, each) for each in range(number, until + 1)]
        if is_damage((number - 1) // ROUND_SIZE):
            return DamageRound(house, faults, folder, say).run()
        return DiskRound(house, faults, folder, say).run()

    def run_control(self, seed: int, folder: Path, say: Say) -> RoundResult:
        """Of both kinds of rounds; where the judge sees nothing in the second, that is what is returned."""
        house, place = plan.control_round(seed), folder / "recounted"
        place.mkdir()
        unseen = DamageRound(house, [DiskFault(1, DiskKind.OLD_PAGE, 0, 0)], place, say, recount=True).run()
        if "not_found" not in {one.what for one in unseen.verdict.findings}:
            return unseen
        faults = [DiskFault(1, DiskKind.FAILING, 0, 0)]
        result = DiskRound(house, faults, folder, say, sabotage="forget-failures").run()
        result.verdict.add(unseen.verdict)
        return result


class DeliverySoak:
    """What can go wrong between the daemon, the broker and the collector."""

    name = "delivery"
    summary = "a network and a broker that fail between daemon and collector, and both killed"
    control_finding = "hole"
    judges_energy = True
    always_told: tuple[str, ...] = ()

    def describe(self, seed: int, number: int) -> str:
        return str(delivery_fault(seed, number))

    def run_round(self, seed: int, number: int, last: int, folder: Path, say: Say) -> RoundResult:
        return DeliveryRound(*delivery_round(seed, number, last), folder, say).run()

    def run_control(self, seed: int, folder: Path, say: Say) -> RoundResult:
        """A collector that says of some records that it has them, and has not, and is killed in between."""
        faults = [one for one in delivery_round(seed, 1, len(Trouble))[1] if one.trouble is Trouble.KILL_COLLECTOR]
        house = plan.control_round(seed)
        return DeliveryRound(house, faults, folder, say, sabotage="forget").run()


SOAKS: dict[str, Soak] = {
    soak.name: soak
    for soak in (
        *(KillSoak(), CallSoak(), ModbusSoak(), ClockSoak(), JumpSoak(), MixedSoak()),
        *(PowerSoak(), PowerModelSoak(), DiskSoak(), DeliverySoak(), OpticalSoak()),
    )
}
