"""Two meters, two bills: the grid meter takes the whole load, a production meter gives the whole production.

For buy_all_sell_all and feed_in. A grid meter that also gives is a net meter and cannot say what the load was: refused,
as is a production meter that only takes, because nobody may guess which of its registers counts the production. (A-16)
"""

from collections.abc import Sequence
from dataclasses import replace

from .energy import EnergyError, EnergyTable, Flow


def load_alone(table: EnergyTable) -> EnergyTable:
    """A grid meter's imports. Raises EnergyError where it gave energy too."""
    given = table.flow_export.milliwh
    if given.any():
        raise EnergyError(
            f"{table.place(int((given > 0).argmax()))}: {table.meter} gave energy to the grid, so it is a net meter, "
            "and who sells all needs a meter of the whole load; with a net meter the programme is net_billing"
        )
    return replace(table, flow_export=Flow.none(len(table)))


def production_alone(table: EnergyTable) -> EnergyTable:
    """A production meter's exports; what its plant takes at night is told by nobody's bill here and left out."""
    if table.flow_import.milliwh.any() and not table.flow_export.milliwh.any():
        raise EnergyError(
            f"{table.source}, {table.meter}: a production meter gives energy (its export register counts), and "
            "this one only takes; turn its registers round (docs/profiles.md)"
        )
    return replace(table, flow_import=Flow.none(len(table)))


def two_meters(grid: Sequence[EnergyTable], production: Sequence[EnergyTable]) -> list[EnergyTable]:
    """What is taken and what is sold, to be added up."""
    if not production:
        raise EnergyError(
            'who sells all that is made needs a [[meter]] with role = "production": what it gives is sold'
        )
    return [*(load_alone(one) for one in grid), *(production_alone(one) for one in production)]
