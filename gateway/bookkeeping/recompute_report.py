"""What booking again has found, as plain objects for whoever asked: per meter, is it the ledger's, and what differs."""

from typing import Any

from ..energy import AccumulatorState
from .recompute import Again, Difference, MeterAgain, is_same, totals_milliwh

LISTED_MOST = 50


def report(again: Again, ledger: dict[str, AccumulatorState], tariff: str) -> dict[str, Any]:
    """All meters. `ledger`: by name, each account as it stood at the newest reading that was booked again."""
    meters = [meter_report(meter, ledger[meter.name]) for meter in again.meters.values()]
    return {"schema": 1, "tariff": tariff, "same": all(one["same"] for one in meters), "meters": meters}


def meter_report(meter: MeterAgain, account: AccumulatorState) -> dict[str, Any]:
    """One meter. Energy in milliwatt-hours, instants UTC microseconds."""
    found = sorted(meter.differences.items())
    changed = [end_us for end_us, one in found if one.stored is not None and one.interval is not None]
    new = [end_us for end_us, one in found if one.stored is None]
    gone = [end_us for end_us, one in found if one.interval is None]
    before, after = totals_milliwh(account), totals_milliwh(meter.state)
    return {
        "meter": meter.name,
        "readings": meter.readings,
        "intervals": meter.intervals,
        "since_the_beginning": meter.is_whole,
        "same": not found and is_same(meter.state, account),
        "records_changed": len(changed),
        "new_edges": len(new),
        "edges_gone": len(gone),
        "corrections_left_out": meter.corrections_left_out,
        "buckets": [
            {
                "direction": direction.value,
                "bucket": bucket,
                "ledger_milliwh": before.get((direction, bucket), (0, 0))[0],
                "recomputed_milliwh": after.get((direction, bucket), (0, 0))[0],
                "ledger_uncertain_milliwh": before.get((direction, bucket), (0, 0))[1],
                "recomputed_uncertain_milliwh": after.get((direction, bucket), (0, 0))[1],
            }
            for direction, bucket in sorted(before.keys() | after.keys())
        ],
        "differences": [_listed(end_us, one) for end_us, one in found[:LISTED_MOST]],
    }


def _listed(end_us: int, one: Difference) -> dict[str, Any]:
    listed: dict[str, Any] = {"end_utc_us": end_us}
    stored = None if one.stored is None else one.stored.interval
    for name, interval in (("ledger", stored), ("recomputed", one.interval)):
        if interval is None:
            continue
        parts = {"import": interval.energy_import, "export": interval.energy_export}
        listed[name] = {
            "start_utc_us": interval.start_us,
            "bucket": interval.bucket,
            "tariff_version": interval.tariff_version,
            "quality": interval.quality.value,
            **{f"{way}_milliwh": part.milliwh for way, part in parts.items() if part is not None},
            **{f"{way}_uncertain_milliwh": part.uncertain_milliwh for way, part in parts.items() if part is not None},
        }
    return listed
