"""What a meter's account was, by a collector's word: its newest `state`, and the records closed since.

A `state` is exact between two edges: it goes on with the interval that began at the newest record's end. One that is
older is carried forward by the records after it; one that is ahead of a record still to come is not used, because what
it booked since belongs to that record. Without a state the records alone are summed. Keeps the accumulator's law, and
tells no less doubt than there was.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import gcd
from typing import Any

from drivers import EnergyRegister, RegisterSnapshot

from ...clock import ClockState
from ...decision import RegisterMemory
from ...energy import AccumulatorState, Direction, DirectionState
from ...reading.read import Reading
from ...registers.validate import ValidatorState
from ...tariff.calendar import UNASSIGNED_NAME
from ...uncertainty import Mark
from ..checkpoint_file import MeterCheckpoint
from .reading import CollectedView
from .tables import INTERVAL

NextEdge = Callable[[int], int]
"""The first edge of an interval or bucket after an instant."""
DIGIT_MOST_MILLIWH = 1_000_000
DIGITS_LOOKED_AT = 200
_PARTS = ("milliwh", "unassigned_milliwh", "uncertain_milliwh", "register_milliwh")


@dataclass(frozen=True, slots=True)
class _Closed:
    """A record, as far as it matters here: parts by direction, None where the meter does not have it."""

    register_epoch: int
    start_us: int
    end_us: int
    bucket: str
    parts: Mapping[Direction, tuple[int, int, int, int] | None]


def witnessed(view: CollectedView, gateway: str, meter: str, next_edge_us: NextEdge) -> MeterCheckpoint | None:
    """The meter as the collector knows it; None where it has neither a state nor a record."""
    closed = _closed(view, gateway, meter)
    states = _states(view, gateway, meter)
    edge_us = closed[-1].end_us if closed else None
    for state in states:
        if edge_us is None or _instant_us(state) < next_edge_us(edge_us):
            return _by_state(meter, state, closed)
    return _by_records(meter, states[0] if states else None, closed) if closed else None


def _closed(view: CollectedView, gateway: str, meter: str) -> list[_Closed]:
    """All records, in order of time, the newest word on each."""
    found: dict[int, _Closed] = {}
    for epoch in view.epochs(gateway, meter):
        for (series_id,) in view.connection.execute(
            "SELECT series_id FROM series WHERE gateway = ? AND meter = ? AND store_epoch = ? AND kind = 'interval'",
            (gateway, meter, epoch),
        ).fetchall():
            for row in view.whole_rows(series_id):
                one = dict(zip(INTERVAL, row, strict=True))
                parts = {direction: _part(direction, one) for direction in Direction}
                found[one["end_us"]] = _Closed(
                    one["register_epoch"], one["start_us"], one["end_us"], one["bucket"], parts
                )
    return [found[end_us] for end_us in sorted(found)]


def _part(direction: Direction, row: Mapping[str, Any]) -> tuple[int, int, int, int] | None:
    if row[f"{direction}_milliwh"] is None:
        return None
    total, unassigned, uncertain, register = (int(row[f"{direction}_{name}"]) for name in _PARTS)
    return total, unassigned, uncertain, register


def _states(view: CollectedView, gateway: str, meter: str) -> list[dict[str, Any]]:
    """The newest first, of the newest epoch that has any."""
    for epoch in reversed(view.epochs(gateway, meter)):
        rows = view.connection.execute(
            "SELECT payload FROM state WHERE gateway = ? AND meter = ? AND store_epoch = ? ORDER BY time_us DESC",
            (gateway, meter, epoch),
        ).fetchall()
        if rows:
            return [json.loads(payload) for (payload,) in rows]
    return []


def _by_state(meter: str, state: dict[str, Any], closed: list[_Closed]) -> MeterCheckpoint:
    latest_us, earliest_us = state["time_utc_us"], state["time_utc_us"] - state["window_us"]
    instant_us, epoch = _instant_us(state), state["register_epoch"]
    later = [one for one in closed if one.end_us > instant_us and one.register_epoch == epoch]
    accounts: dict[Direction, DirectionState] = {}
    for direction in Direction:
        if state[f"{direction}_register_milliwh"] is not None:
            accounts[direction] = _account(direction, state, later)
    if later:
        earliest_us = latest_us = instant_us = later[-1].end_us
    before = [one for one in closed if one.end_us <= instant_us]
    start_us = before[-1].end_us if before else instant_us
    for direction, account in accounts.items():
        digit = _digit(direction, account.last_milliwh, state, closed)
        account.marks = [Mark(earliest_us, latest_us, account.last_milliwh, digit, 0)]
        part = before[-1].parts[direction] if before else None
        same = bool(before) and before[-1].register_epoch == epoch
        account.begin_interval(part[3] if part is not None and same else account.last_milliwh)
    made = _checkpoint(meter, epoch, state, accounts, (earliest_us, latest_us), start_us)
    made.accumulator.incomplete = bool(before) and before[-1].register_epoch != epoch
    return made


def _instant_us(state: Mapping[str, Any]) -> int:
    """The middle of its reading's window: when it was booked."""
    return int(state["time_utc_us"]) - int(state["window_us"]) + int(state["window_us"]) // 2


def _account(direction: Direction, state: dict[str, Any], later: list[_Closed]) -> DirectionState:
    """A direction's running account: as the state has it, and what closed records grew beyond it."""

    def figure(name: str) -> int:
        return int(state[f"{direction}_{name}_milliwh"])

    head = f"{direction}_bucket_"
    names = [key[len(head) : -len("_milliwh")] for key in state if key.startswith(head)]
    totals = {name: figure(f"bucket_{name}") for name in names} | {UNASSIGNED_NAME: figure("unassigned")}
    doubts = {name: figure(f"uncertain_{name}") for name in names}
    doubts[UNASSIGNED_NAME] = figure("uncertain") - sum(doubts.values())
    account = DirectionState(
        epoch_first_milliwh=figure("epoch_first"),
        last_milliwh=figure("register"),
        earlier_epochs_milliwh=figure("earlier_epochs"),
        totals_milliwh={name: one for name, one in totals.items() if one or doubts[name]},
        uncertain_milliwh={name: one for name, one in doubts.items() if one},
        marks=[],
        proven=True,
        interval_first_milliwh=figure("register"),
    )
    for one in later:
        part = one.parts[direction]
        if part is None or part[3] <= account.last_milliwh:
            continue
        grown = part[3] - account.last_milliwh
        unassigned = min(part[1], grown)
        account.add(UNASSIGNED_NAME, unassigned)
        account.add(one.bucket, grown - unassigned)
        account.doubt(one.bucket, part[2])
        account.last_milliwh = part[3]
    return account


def _by_records(meter: str, state: dict[str, Any] | None, closed: list[_Closed]) -> MeterCheckpoint:
    """By the records alone: their sums, and the last one's registers. What they do not say is as if they began it."""
    newest = closed[-1]
    accounts: dict[Direction, DirectionState] = {}
    for direction in Direction:
        own = [(one, part) for one in closed if (part := one.parts[direction]) is not None]
        if not own or newest.parts[direction] is None:
            continue
        last = own[-1][1][3]
        account = DirectionState(last, last, 0, {}, {}, [Mark(newest.end_us, newest.end_us, last, 1, 0)], True, last)
        for one, part in own:
            account.add(UNASSIGNED_NAME, part[1])
            account.add(one.bucket, part[0] - part[1])
            account.doubt(one.bucket, part[2])
        _, first_part = next(pair for pair in own if pair[0].register_epoch == newest.register_epoch)
        account.epoch_first_milliwh = max(0, first_part[3] - first_part[0])
        counted = last - account.epoch_first_milliwh
        account.earlier_epochs_milliwh = sum(account.totals_milliwh.values()) - counted
        digit = _digit(direction, last, state or {}, closed)
        account.marks = [Mark(newest.end_us, newest.end_us, last, digit, 0)]
        accounts[direction] = account
    window = (newest.end_us, newest.end_us)
    return _checkpoint(meter, newest.register_epoch, state or {}, accounts, window, newest.end_us)


def _checkpoint(
    meter: str,
    register_epoch: int,
    state: dict[str, Any],
    accounts: dict[Direction, DirectionState],
    window_us: tuple[int, int],
    start_us: int,
) -> MeterCheckpoint:
    earliest_us, latest_us = window_us
    registers = {
        direction: EnergyRegister(account.last_milliwh, account.marks[-1].resolution_milliwh)
        for direction, account in accounts.items()
    }
    snapshot = RegisterSnapshot(
        registers.get(Direction.IMPORT), registers.get(Direction.EXPORT), state.get("power_milliw"), False, {}
    )
    # No boot of any machine: the time to the next reading is reckoned by the wall clock alone.
    clock_error_us = int(state.get("clock_error_us") or 0)
    last = Reading(meter, snapshot, earliest_us, latest_us, 0, "", ClockState.SYNCED, clock_error_us=clock_error_us)
    memories = {}
    for direction in accounts:
        rolled_milliwh = int(state.get(f"{direction}_rolled_over_milliwh") or 0)
        if rolled_milliwh:
            memories[direction] = RegisterMemory(rollovers=1, rolled_over_milliwh=rolled_milliwh)
    instant_us = last.instant_us
    accumulator = AccumulatorState(
        register_epoch=register_epoch,
        instant_us=instant_us,
        interval_start_us=start_us,
        directions=accounts,
        set_us=instant_us,
        began_us=instant_us,
    )
    validator = ValidatorState(register_epoch=register_epoch, last=last, memories=memories)
    return MeterCheckpoint(0, 0, "", validator, accumulator)


def _digit(direction: Direction, register_milliwh: int, state: Mapping[str, Any], closed: list[_Closed]) -> int:
    """A register's last digit as its state has it; else the largest step that its latest values are multiples of."""
    if state.get(f"{direction}_digit_milliwh") is not None:
        return int(state[f"{direction}_digit_milliwh"])
    step = register_milliwh
    for one in closed[-DIGITS_LOOKED_AT:]:
        part = one.parts[direction]
        step = step if part is None else gcd(step, part[3])
    return max(1, min(step, DIGIT_MOST_MILLIWH))
