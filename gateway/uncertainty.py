"""How wrong the register booked at an edge can be. Pure integers, rounded up; never hides inside rounding.

For an edge e: the last reading with latest <= e (window [a0, b0], register R0), the first with earliest >= e
(window [a1, b1], register R1), the service limit P. The register at e lies in
    lo = max(R0, R1 - P * (b1 - e))      hi = min(R1 + q, R0 + q + P * (e - a0))
and S was booked: uncertain = max(hi - S, S - lo). A reading whose window contains e only tightens lo and hi.
"""

import msgspec

MICROWATT_HOUR_DIVISOR = 3_600_000_000  # milliwatts x microseconds in one milliwatt-hour


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """One accepted register of one direction with its window: UTC microseconds, milliwatt-hours.

    The true register within the window lies in [register - rounding, register + resolution).
    """

    earliest_us: int
    latest_us: int
    register_milliwh: int
    resolution_milliwh: int
    rounding_milliwh: int


def most_energy_milliwh(limit_milliw: int, duration_us: int) -> int:
    """The most energy that the service can carry in `duration_us` (none for a negative one), rounded up."""
    if duration_us <= 0:
        return 0
    return -(-limit_milliw * duration_us // MICROWATT_HOUR_DIVISOR)


def edge_bounds(
    edge_us: int, before: Mark | None, after: Mark | None, containing: tuple[Mark, ...], limit_milliw: int
) -> tuple[int, int]:
    """The least and the most that the register can have been at the edge, from the marks around it."""
    if before is not None and after is not None and not containing:
        return _bounds_between(edge_us, before, after, limit_milliw)
    lows, highs = [0], []
    for mark in (before, *containing):
        if mark is not None:
            highs.append(
                mark.register_milliwh
                + mark.resolution_milliwh
                + most_energy_milliwh(limit_milliw, edge_us - mark.earliest_us)
            )
    for mark in (after, *containing):
        if mark is not None:
            reach_milliwh = most_energy_milliwh(limit_milliw, mark.latest_us - edge_us)
            lows.append(mark.register_milliwh - mark.rounding_milliwh - reach_milliwh)
    if before is not None:
        lows.append(before.register_milliwh - before.rounding_milliwh)
    if after is not None:
        highs.append(after.register_milliwh + after.resolution_milliwh)
    low, high = max(lows), min(highs)
    if low > high and before is not None and after is not None:
        # More flowed than the windows allow: the clock was set between the two. Only the registers are left.
        return before.register_milliwh - before.rounding_milliwh, after.register_milliwh + after.resolution_milliwh
    return low, high


def _bounds_between(edge_us: int, before: Mark, after: Mark, limit_milliw: int) -> tuple[int, int]:
    """The same for an edge that no window contains: a year's gap has thousands."""
    least = before.register_milliwh - before.rounding_milliwh
    most = after.register_milliwh + after.resolution_milliwh
    # Energy rounded up, as `most_energy_milliwh` does; neither mark is on the wrong side of the edge.
    since = -(-limit_milliw * (edge_us - before.earliest_us) // MICROWATT_HOUR_DIVISOR)
    until = -(-limit_milliw * (after.latest_us - edge_us) // MICROWATT_HOUR_DIVISOR)
    low = max(0, least, after.register_milliwh - after.rounding_milliwh - until)
    high = min(most, before.register_milliwh + before.resolution_milliwh + since)
    # More flowed than the windows allow: the clock was set between the two. Only the registers are left.
    return (low, high) if low <= high else (least, most)


def edge_uncertain_milliwh(bounds_milliwh: tuple[int, int], booked_milliwh: int) -> int:
    """How far the booked register can be from the true one at an edge with these bounds."""
    low, high = bounds_milliwh
    return max(high - booked_milliwh, booked_milliwh - low, 0)


def start_uncertain_milliwh(mark: Mark, instant_us: int, limit_milliw: int) -> int:
    """How far the first register of an epoch can be from the true one at the instant it is booked for."""
    return max(
        mark.resolution_milliwh + most_energy_milliwh(limit_milliw, instant_us - mark.earliest_us),
        mark.rounding_milliwh + most_energy_milliwh(limit_milliw, mark.latest_us - instant_us),
    )
