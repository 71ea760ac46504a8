"""A replay's result as one JSON object, and its intervals as CSV rows. Integers in milliwatt-hours and microseconds.

Nothing is reckoned or rounded here. The layout is a contract for programs: docs/replay.md
"""

from collections.abc import Iterator
from typing import Any

from ..energy import Direction, Part, Quality
from ..tariff.calendar import UNASSIGNED_NAME
from ..tariff.walltime import iso_utc
from .result import DirectionReplay, MeterReplay, Replay

SCHEMA = 1
INTERVAL_COLUMNS = (
    *("meter", "start", "end", "bucket", "tariff_version", "register_epoch", "quality"),
    *(
        f"{direction}_{what}_milliwh".replace("__", "_")
        for direction in ("import", "export")
        for what in ("", "unassigned", "uncertain", "register")
    ),
)


def as_json(result: Replay, tariff: str) -> dict[str, Any]:
    """The whole result but for the intervals themselves; the first bad rows are listed, all are counted."""
    readings, terms = result.readings, result.terms
    return {
        "schema": SCHEMA,
        "source": readings.source,
        "tariff": tariff,
        "readings": len(readings),
        "first_utc_us": readings.time_us[0] if readings else None,
        "last_utc_us": readings.time_us[-1] if readings else None,
        "blank_lines": readings.blank_lines,
        "bad_rows": len(readings.bad),
        "bad_rows_by_reason": {reason.value: count for reason, count in sorted(readings.bad.counts.items())},
        "bad_rows_listed": [
            {"line": row.line, "reason": row.reason.value, "message": row.message} for row in readings.bad.listed
        ],
        "terms": {
            "interval_min": terms.interval_min,
            "gap": terms.gap.value,
            "max_gap_us": terms.max_gap_us,
            "half_window_us": terms.half_window_us,
            "clock_error_us": terms.clock_error_us,
            "rounded": terms.rounded,
        },
        "whole": result.is_whole,
        "law_holds": result.law_holds,
        "meters": [_meter(meter, result) for meter in result.meters],
    }


def _meter(meter: MeterReplay, result: Replay) -> dict[str, Any]:
    rest = meter.open_interval
    return {
        "meter": meter.meter,
        "limit_milliw": result.terms.section(meter.meter).limit_milliw,
        "usual_step_us": meter.usual_step_us,
        "gap_told_from_us": result.terms.gap_us(meter.usual_step_us),
        "accepted": meter.accepted,
        "refused": [
            {"kind": one.kind, "reason": one.reason, "readings": one.readings, "first_line": one.first_line}
            for one in meter.refusals
        ],
        "register_epochs": meter.register_epochs,
        "law_holds": meter.law_holds,
        "directions": {direction.value: _direction(one) for direction, one in meter.directions.items()},
        "intervals": len(meter.intervals),
        "intervals_by_quality": {quality.value: meter.intervals.count_quality(quality) for quality in Quality},
        "open_interval": rest
        and {
            "start_utc_us": rest.start_us,
            "bucket": rest.bucket,
            **{f"{direction.value}_milliwh": energy for direction, energy in rest.energy_milliwh.items()},
            **{f"{direction.value}_unassigned_milliwh": one for direction, one in rest.unassigned_milliwh.items()},
        },
        "events": [
            {"seq": one.row.seq, "kind": one.row.kind, "at_utc_us": one.at_us, "line": one.line, **one.row.detail}
            for one in meter.events
        ],
    }


def _direction(one: DirectionReplay) -> dict[str, Any]:
    return {
        "resolution_milliwh": one.digit.milliwh,
        "resolution_from": one.digit.known_from.value,
        "finer_cells_floored": one.finer_cells,
        "epoch_first_milliwh": one.epoch_first_milliwh,
        "register_milliwh": one.last_milliwh,
        "earlier_epochs_milliwh": one.earlier_epochs_milliwh,
        "buckets_milliwh": dict(one.buckets_milliwh),
        "unassigned_milliwh": one.unassigned_milliwh,
        "uncertain_milliwh": dict(one.uncertain_milliwh),
        "booked_milliwh": one.booked_milliwh,
        "grown_milliwh": one.grown_milliwh,
        "intervals_add_up": one.intervals_add_up,
        "law_holds": one.law_holds,
    }


def interval_rows(result: Replay) -> Iterator[tuple[str | int | None, ...]]:
    """One row for each closed interval of each meter, as INTERVAL_COLUMNS has them; times are UTC."""
    for meter in result.meters:
        for one in meter.intervals:
            yield (
                meter.meter,
                iso_utc(one.start_us),
                iso_utc(one.end_us),
                one.bucket,
                one.tariff_version,
                one.register_epoch,
                one.quality.value,
                *_cells(one.energy_import),
                *_cells(one.energy_export),
            )


def _cells(part: Part | None) -> tuple[int | None, ...]:
    if part is None:
        return (None, None, None, None)
    return (part.milliwh, part.unassigned_milliwh, part.uncertain_milliwh, part.register_milliwh)


def bucket_names(one: DirectionReplay) -> list[str]:
    """Buckets to show, `unassigned` last: those with energy or with doubt."""
    names = dict.fromkeys([*one.buckets_milliwh, *one.uncertain_milliwh])
    return [name for name in names if name != UNASSIGNED_NAME] + [UNASSIGNED_NAME]


def direction_order(meter: MeterReplay) -> list[Direction]:
    """Import first."""
    return [direction for direction in Direction if direction in meter.directions]
