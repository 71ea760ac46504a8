"""What came of sharing: what each member got of each row of the plant's meter; nothing is lost unsaid.

    sum over members of given + lost == what the plant's export register counted, in each row
    sum over members of adjusted == 0, in each row

Checked once, where it is made. A member's part becomes an ordinary energy table, to be added to its own meter's.
"""

from dataclasses import dataclass

import numpy as np

from ..energy import Column, EnergyTable, Flags, Flow


@dataclass(frozen=True, slots=True)
class Allocation:
    """Rows by members, milliwatt-hours. `adjusted`: of earlier cycles' exports, from one member to another (nem_a)."""

    plant: EnergyTable
    given: Column
    adjusted: Column
    """Below zero: taken back. It is no energy of its row, so it nets there with nothing; it has the row's price."""
    lost: Column
    """By row: what nobody has a share of."""
    uncertain: Column
    """Rows by members: each one's part of the plant's doubt, rounded up."""

    def __post_init__(self) -> None:
        if (self.given < 0).any() or (self.lost < 0).any():
            raise ValueError("a part below zero")
        shared = self.given.sum(axis=1) + self.lost
        self._refuse(shared != self.plant.flow_export.milliwh, shared, "were shared out")
        moved = self.adjusted.sum(axis=1)
        self._refuse(moved != 0, moved, "were moved to nobody")

    def _refuse(self, wrong: Flags, milliwh: Column, what: str) -> None:
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(f"{self.plant.place(row)}: {int(milliwh[row])} mWh {what}")

    def of_member(self, at: int) -> Column:
        """What a member got, and what was credited or taken back of earlier cycles, by row."""
        net: Column = self.given[:, at] + self.adjusted[:, at]
        return net

    def table(self, at: int, name: str) -> EnergyTable:
        """A member's part as a meter that only gives."""
        plant, given = self.plant, self.given[:, at]
        unassigned = np.minimum(plant.flow_export.unassigned_milliwh, given)
        return EnergyTable(
            meter=f"{name} (share)",
            source=plant.source,
            start_us=plant.start_us,
            end_us=plant.end_us,
            flow_import=Flow.none(len(plant)),
            flow_export=Flow(given, unassigned, self.uncertain[:, at]),
            estimated=plant.estimated,
            alone=plant.alone,
            lines=None,
            unknown=plant.unknown,
            adjusted_milliwh=self.adjusted[:, at] if self.adjusted[:, at].any() else None,
        )


def doubt_by_energy(plant: EnergyTable, given: Column, adjusted: Column) -> Column:
    """Each member's part of the plant's doubt as its part of the energy is, rounded up; all of it where none flowed."""
    flow = plant.flow_export
    moved = (given + np.abs(adjusted)).astype(object)
    wholes = np.maximum(flow.milliwh, 1).astype(object)[:, None]
    doubts = flow.uncertain_milliwh.astype(object)[:, None]
    parts = np.where(flow.milliwh[:, None] > 0, -(-doubts * moved // wholes), doubts)
    column: Column = parts.astype(np.int64)
    return column
