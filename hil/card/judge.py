"""The judge of a destroyed card: what the collector and the ledgers have, held against what the meters counted.

Knows the public contract (docs/messages.md) and the names of three tables, and nothing of who wrote them; expected
figures are sums of the year's own steps, exact to the milliwatt-hour. The hole is the time of which nothing was
delivered: there alone energy may be unassigned, and all of it must be.
"""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

from ..soak.collected import collected, troubles
from ..soak.history import Content, Verdict
from ..soak.judge_records import judge_chain
from ..soak.price_hours import bucket_at, stretches
from .life import CardYear, hashes_of
from .year import METERS, Counts, Plan, Year

WAYS = ("import", "export")
UNASSIGNED = "unassigned"
Buckets = dict[tuple[str, str], int]
"""By direction and bucket, milliwatt-hours; empty ones left out."""


class Expected:
    """What each bucket of a meter must hold, step by step: the hole in `unassigned`, all else in its hour's bucket."""

    def __init__(self, year: Year, plan: Plan, meter: str) -> None:
        self._year, self._plan, self._meter, self._at_us = year, plan, meter, plan.start_us
        self._found: Counter[tuple[str, str]] = Counter()

    def until(self, until_us: int) -> Buckets:
        """At a step that is not before the last one asked for."""
        plan = self._plan
        for at_us in range(self._at_us, until_us, plan.step_us):
            in_hole = plan.delivered_us <= at_us < plan.again_us
            bucket = UNASSIGNED if in_hole else bucket_at(at_us)
            for way, milliwh in zip(WAYS, self._year.between(self._meter, at_us, at_us + plan.step_us), strict=True):
                self._found[way, bucket] += milliwh
            self._at_us = at_us + plan.step_us
        return {key: milliwh for key, milliwh in self._found.items() if milliwh}


def judge_collected(database: Path, plan: Plan) -> Verdict:
    """The collector's database at the year's end. Raises sqlite3.Error."""
    year, verdict = Year(plan), Verdict()
    for trouble in troubles(database):
        verdict.find("trouble", trouble)
    for meter in METERS:
        contents = [(one.kind, json.loads(one.payload)) for one in collected(database, meter)]
        records = sorted((one for kind, one in contents if kind == "interval"), key=lambda one: int(one["seq"]))
        verdict.counts["records"] += len(records)
        if not records:
            verdict.find("nothing", f"no record of {meter}")
            continue
        _judge_series(records, plan, verdict)
        _judge_energy(records, year, plan, verdict)
        states = sorted((one for kind, one in contents if kind == "state"), key=_instant_us)
        if not any(_instant_us(state) == plan.end_us for state in states):
            verdict.find("no_last_state", f"{meter}: of none of {len(states)} states the year's end")
        expected = Expected(year, plan, meter)
        for state in states:
            _judge_state(state, year.at(meter, _instant_us(state)), expected.until(_instant_us(state)), verdict)
    return verdict


def _judge_series(records: list[Content], plan: Plan, verdict: Verdict) -> None:
    """Numbers from 1 without a hole over two epochs, each with its own chain; times that touch, on the grid."""
    meter, numbers = records[0]["meter"], [one["seq"] for one in records]
    if numbers != list(range(1, len(records) + 1)):
        missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
        verdict.find("hole", f"{meter}: seq {missing[:10]} never came, or another one twice")
    epochs = list(dict.fromkeys(one["store_epoch"] for one in records))
    if len(epochs) != 2:
        verdict.find("epochs", f"{meter}: records of stores {epochs}, not of the dead card's and the new one's")
    for epoch in epochs:
        judge_chain([one for one in records if one["store_epoch"] == epoch], verdict)
    for before, after in pairwise(records):
        if before["end_utc_us"] != after["start_utc_us"]:
            verdict.find("times", f"{meter} interval {after['seq']} does not begin where {before['seq']} ends")
    if records[0]["start_utc_us"] != plan.start_us or records[-1]["end_utc_us"] < plan.end_us - 2 * plan.step_us:
        verdict.find("times", f"{meter}: from {records[0]['start_utc_us']} to {records[-1]['end_utc_us']}")
    for one in records:
        if [piece[2] for piece in stretches(one["start_utc_us"], one["end_utc_us"])] != [one["bucket"]]:
            verdict.find("wrong_bucket", f"{meter} interval {one['seq']} says {one['bucket']}")


def _judge_energy(records: list[Content], year: Year, plan: Plan, verdict: Verdict) -> None:
    """Each record has what flowed in it outside the hole; what flowed in the hole is in one, unassigned and told."""
    meter = records[0]["meter"]
    hole = year.between(meter, plan.delivered_us, plan.again_us)
    for place, way in enumerate(WAYS):
        unassigned = 0
        for one in records:
            start_us, end_us = one["start_utc_us"], one["end_utc_us"]
            assigned = one[f"{way}_milliwh"] - one[f"{way}_unassigned_milliwh"]
            true = _outside(year, plan, meter, start_us, end_us)[place]
            if assigned != true:
                verdict.find("energy", f"{meter} interval {one['seq']} {way}: {assigned} in its bucket, {true} flowed")
            in_hole = start_us < plan.again_us and end_us > plan.delivered_us
            unassigned += one[f"{way}_unassigned_milliwh"] if in_hole else 0
            if one[f"{way}_unassigned_milliwh"] and not in_hole:
                verdict.find("unassigned", f"{meter} interval {one['seq']} {way}: outside the hole")
        if unassigned != hole[place]:
            verdict.find("unassigned", f"{meter} {way}: {unassigned} told, {hole[place]} flowed unheard")
        verdict.counts["unassigned_milliwh"] += unassigned


def _outside(year: Year, plan: Plan, meter: str, start_us: int, end_us: int) -> tuple[int, int]:
    """What flowed in [start, end) outside the hole."""
    before = year.between(meter, min(start_us, plan.delivered_us), min(end_us, plan.delivered_us))
    after = year.between(meter, max(start_us, plan.again_us), max(end_us, plan.again_us))
    return before[0] + after[0], before[1] + after[1]


def _judge_state(state: Content, shown: Counts, true: Buckets, verdict: Verdict) -> None:
    """Registers as the meter showed them; every bucket as the hours had it; the law."""
    meter, at_us = state["meter"], _instant_us(state)
    verdict.counts["states"] += 1
    for place, way in enumerate(WAYS):
        if state[f"{way}_register_milliwh"] != shown[place]:
            verdict.find(
                "register", f"{meter} {way} at {at_us}: {state[f'{way}_register_milliwh']}, shown {shown[place]}"
            )
        head = f"{way}_bucket_"
        booked = {key[len(head) : -len("_milliwh")]: one for key, one in state.items() if key.startswith(head)}
        booked[UNASSIGNED] = state[f"{way}_unassigned_milliwh"]
        expected = {bucket: one for (whose, bucket), one in true.items() if whose == way}
        if {bucket: one for bucket, one in booked.items() if one} != expected:
            verdict.find("bucket", f"{meter} {way} at {at_us}: {booked}, expected {expected}")
        counted = state[f"{way}_register_milliwh"] - state[f"{way}_epoch_first_milliwh"]
        if sum(booked.values()) != counted + state[f"{way}_earlier_epochs_milliwh"]:
            verdict.find("law", f"{meter} {way} at {at_us}: {booked}")


def _instant_us(state: Content) -> int:
    """The middle of the reading's window."""
    return int(state["time_utc_us"]) - int(state["window_us"]) // 2


def judge_restored(year: CardYear, verdict: Verdict) -> None:
    """The card made again: the same records and totals before its daemon ran; at the end the collector's records."""
    plan, counts = year.plan, Year(year.plan)
    for meter in METERS:
        delivered, dead = year.delivered[meter], year.dead[meter]
        if year.restored[meter] != delivered or dead[: len(delivered)] != delivered:
            verdict.find("restored", f"{meter}: {len(year.restored[meter])} records of {len(delivered)}, or others")
        if len(dead) <= len(delivered):
            verdict.find("nothing_lost", f"{meter}: no record died with the card: the round showed nothing")
        expected = Expected(counts, plan, meter).until(plan.delivered_us)
        if year.restored_totals[meter] != expected:
            verdict.find("restored_totals", f"{meter}: {year.restored_totals[meter]}, counted {expected}")
        if year.at_the_end[meter] != hashes_of(year.database, meter):
            verdict.find("ledger", f"{meter}: the ledger and the collector have not the same records")
