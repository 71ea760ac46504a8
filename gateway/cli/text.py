"""Integers as people read them: milliwatt-hours as kWh, milliwatts as W. Exact: no binary float."""

ABSENT = "not available"


def kwh(milliwh: int | None) -> str:
    """`906630000` -> `906.630000 kWh`; None -> `not available`."""
    if milliwh is None:
        return ABSENT
    sign, size = ("-" if milliwh < 0 else ""), abs(milliwh)
    return f"{sign}{size // 1_000_000:,}.{size % 1_000_000:06d} kWh"


def watts(milliw: int | None) -> str:
    """`-1500500` -> `-1,500.5 W`, export negative; None -> `not available`."""
    if milliw is None:
        return ABSENT
    sign, size = ("-" if milliw < 0 else ""), abs(milliw)
    return f"{sign}{size // 1000:,}.{size % 1000 // 100} W"
