"""What is told of a meter's readings: of each decision both registers, what a jump was found to be, and by which rule.

A register that flickers by its last digit at every poll must not flood the broker: of one register one kind of note is
told at most once in ten minutes of the readings' monotonic time. What is told is chosen here, not what is booked.
"""

from collections.abc import Iterable, Iterator

from ..decision import (
    Accepted,
    Class,
    Doubt,
    Exchange,
    NewEpoch,
    NoteKind,
    Opened,
    Quarantined,
    Reason,
    Rejected,
    Rollover,
    Rule,
)
from ..energy import AccumulatorState, Direction, registers_of
from ..ledger.records import Record
from ..reading.read import Reading
from ..registers.classify import GLITCHES
from .journal import both_registers

TELL_AGAIN_US = 600_000_000
FLICKERS = (NoteKind.STEPPED_BACK, NoteKind.RESOLUTION_CHANGED)
"""The others end only by something new."""

Event = tuple[str, Record]


class Jumps:
    """The jumps of one meter since the start."""

    def __init__(self) -> None:
        self._told_at: dict[tuple[NoteKind, Direction], tuple[str, int]] = {}
        self._not_told: dict[tuple[NoteKind, Direction], int] = {}

    def notes(self, previous: Reading | None, decision: Accepted | Rollover) -> list[Event]:
        """The events of a booked reading's notes."""
        events: list[Event] = []
        for note in decision.notes:
            key, reading = (note.kind, note.direction), decision.reading
            boot_id, at_us = self._told_at.get(key, ("", 0))
            if note.kind in FLICKERS and boot_id == reading.boot_id and reading.monotonic_us - at_us < TELL_AGAIN_US:
                self._not_told[key] = self._not_told.get(key, 0) + 1
                continue
            self._told_at[key] = (reading.boot_id, reading.monotonic_us)
            detail: Record = {"direction": note.direction.value, **note.detail, **both_registers(previous, reading)}
            if note.kind in FLICKERS:
                detail["not_told"] = self._not_told.pop(key, 0)
            events.append((note.kind.value, detail))
        return events


def rollover(decision: Rollover) -> Event:
    """A register that began again at zero because it had reached its width."""
    detail: Record = {
        "reason": decision.reason.value,
        "classified": Class.ROLLOVER.value,
        "rule": Rule.WRAPPED_GROWTH_IS_POSSIBLE.value,
        **both_registers(decision.previous, decision.shown),
    }
    for direction, width_milliwh in decision.widths_milliwh.items():
        detail[f"{direction}_width_milliwh"] = width_milliwh
        detail[f"{direction}_register_milliwh"] = registers_of(decision.reading.snapshot)[direction].milliwh
    return "rollover", detail | _open_of(decision.doubts)


def epoch(decision: NewEpoch) -> Event:
    """Registers that began anew."""
    detail: Record = {
        "reason": decision.reason.value,
        "classified": decision.found.value,
        "rule": decision.rule.value,
        "register_epoch": decision.register_epoch,
        "serial": decision.first.serial,
        **both_registers(decision.previous, decision.first),
    }
    detail |= _open_of(decision.doubts)
    for direction, register in registers_of(decision.returned_from.snapshot).items() if decision.returned_from else ():
        detail[f"returned_from_{direction}_milliwh"] = register.milliwh
    return "epoch", detail


def _open_of(doubts: Iterable[Doubt]) -> Record:
    """What a decision leaves open of each direction, and since when it can have flowed, where that is earlier."""
    detail: Record = {}
    for doubt in doubts:
        key = f"{doubt.direction}_uncertain_milliwh"
        detail[key] = int(detail.get(key) or 0) + max(doubt.milliwh, doubt.earlier_milliwh)
        if doubt.earlier_milliwh:
            detail[f"{doubt.direction}_since_utc_us"] = doubt.since_us
    return detail


def resumed(decision: Accepted | Rollover | NewEpoch, reason: Reason, readings: int) -> Event:
    """Readings are booked again. Those that were held for a jump that is gone were a glitch: nothing of them counts;
    or nobody can know it, whatever they were held for."""
    detail: Record = {"reason": reason.value, "readings": readings}
    if isinstance(decision, Accepted) and (reason in GLITCHES or decision.found is Class.UNDECIDED):
        detail |= {"classified": decision.found.value, "rule": decision.rule.value}
    if isinstance(decision, Accepted):
        detail |= _open_of(decision.doubts)
    return "resumed", detail


def refused(decision: Rejected | Quarantined, not_told: int) -> Event:
    """A reading that is not booked."""
    detail: Record = {
        "reason": decision.reason.value,
        "not_told": not_told,
        **both_registers(decision.previous, decision.reading),
    }
    return "quarantined" if isinstance(decision, Quarantined) else "rejected", detail


def gap(previous: Reading, reading: Reading, over_edge: bool) -> Event:
    """A time in which the meter was not read."""
    detail: Record = {
        "from_utc_us": previous.latest_us,
        "to_utc_us": reading.earliest_us,
        "over_edge": int(over_edge),
        **both_registers(previous, reading),
    }
    return "gap", detail


def directions(
    had: frozenset[Direction], state: AccumulatorState, previous: Reading, reading: Reading
) -> Iterator[Event]:
    """What the meter has no more, and what it has (again) that it lacked."""
    has = {direction for direction, account in state.directions.items() if account.present}
    for direction in sorted(had ^ has):
        account = state.directions[direction]
        detail: Record = {
            "direction": direction.value,
            "register_milliwh": account.last_milliwh,
            "epoch_first_milliwh": account.epoch_first_milliwh,
            "since_utc_us": previous.latest_us if direction in had else reading.latest_us,
        }
        yield "direction_lost" if direction in had else "direction_found", detail


def exchange(said: Exchange, register_epoch: int, opened: Opened, bucket: str) -> Event:
    """The operator's word on an exchange that was noticed before: `bucket` got what flowed around it."""
    detail: Record = {
        "reason": Reason.STATED.value,
        "classified": Class.METER_REPLACED.value,
        "rule": Rule.OPERATOR_SAYS_SO.value,
        "register_epoch": register_epoch,
        "bucket": bucket,
        **both_registers(opened.previous, opened.first),
    }
    for direction, milliwh in said.closing_milliwh.items():
        detail[f"closing_{direction}_milliwh"] = milliwh
    for direction, milliwh in said.opening_milliwh.items():
        detail[f"opening_{direction}_milliwh"] = milliwh
    return "exchange", detail
