"""Whether a plant is too large for its arrangement: a rule that differs by utility, told and never enforced.

The year is the newest 365 days of the plant's meter. Before there is one, nothing is said. (document 001, VNEM: no
more than the load of all meters; SCE: kilowatts against the coincident peak; A-13)
"""

from collections.abc import Iterator, Sequence

from ..energy import EnergyTable
from ..money import kwh_text
from ..rows import added
from .terms import ArrangementTerms, Kind, SizeRule

_YEAR_US = 365 * 86_400_000_000
_HOUR_US = 3_600_000_000


def size_notes(terms: ArrangementTerms, plant: EnergyTable, tables: Sequence[EnergyTable]) -> Iterator[str]:
    """Sentences where the plant is larger than the rule allows, or cannot be held against it."""
    first_us, last_us = plant.first_and_last_us()
    if terms.size_rule is SizeRule.NONE or terms.kind is Kind.PA_VIRTUAL or last_us - first_us < _YEAR_US:
        return
    if terms.size_rule is SizeRule.YEARLY_ENERGY:
        made = _sum(plant, last_us, given=True)
        used = sum(_sum(one, last_us, given=False) for one in tables)
        if made > used:
            yield (
                f"the plant gave {kwh_text(made)} kWh in the last 365 days, and all members used {kwh_text(used)}: "
                "it is larger than their load (size_rule = yearly_energy)"
            )
        return
    peak_w = _peak_w(tables)
    if terms.plant is None:
        yield "size_rule = coincident_peak needs [plant] with size_kw"
    elif terms.plant.size_kw * 1000 > peak_w:
        yield (
            f"the plant has {terms.plant.size_kw:f} kW, and the members' highest use in one stored interval was "
            f"{peak_w} W (size_rule = coincident_peak)"
        )


def _sum(table: EnergyTable, last_us: int, *, given: bool) -> int:
    flow = table.flow_export if given else table.flow_import
    return int(flow.milliwh[table.rows_in(last_us - _YEAR_US, last_us)].sum())


def _peak_w(tables: Sequence[EnergyTable]) -> int:
    """The highest mean power in one interval that all meters share, rounded down."""
    whole = added(tables)
    rows = zip(whole.flow_import.milliwh.tolist(), (whole.end_us - whole.start_us).tolist(), strict=True)
    return max((milliwh * _HOUR_US // (1000 * long_us) for milliwh, long_us in rows), default=0)
