"""What came of sharing: what each member got of each row of the plant's meter; nothing is lost unsaid.

    sum over members of (given - taken back) + lost == what the plant's export register counted, in each row

Checked once, where it is made. A member's part becomes an ordinary energy table, to be added to its own meter's.
"""

from dataclasses import dataclass

import numpy as np

from ..energy import Column, EnergyTable, Flow


@dataclass(frozen=True, slots=True)
class Allocation:
    """Rows by members, milliwatt-hours. `taken`: what an earlier cycle gave and this one takes back (nem_a)."""

    plant: EnergyTable
    given: Column
    taken: Column
    lost: Column
    """By row: what nobody has a share of."""
    uncertain: Column
    """Rows by members: each one's part of the plant's doubt, rounded up."""

    def __post_init__(self) -> None:
        shared = self.given.sum(axis=1) - self.taken.sum(axis=1) + self.lost
        if (self.given < 0).any() or (self.taken < 0).any() or (self.lost < 0).any():
            raise ValueError("a part below zero")
        if (shared != self.plant.flow_export.milliwh).any():
            row = int(np.argmax(shared != self.plant.flow_export.milliwh))
            raise ValueError(f"{self.plant.place(row)}: {int(shared[row])} mWh were shared out")

    def of_member(self, at: int) -> Column:
        """What a member got, less what was taken back, by row."""
        net: Column = self.given[:, at] - self.taken[:, at]
        return net

    def table(self, at: int, name: str) -> EnergyTable:
        """A member's part as a meter: what it got as export, what was taken back as import."""
        plant, given = self.plant, self.given[:, at]
        unassigned = np.minimum(plant.flow_export.unassigned_milliwh, given)
        nothing = np.zeros(len(plant), dtype=np.int64)
        return EnergyTable(
            meter=f"{name} (share)",
            source=plant.source,
            start_us=plant.start_us,
            end_us=plant.end_us,
            flow_import=Flow(self.taken[:, at], nothing, nothing),
            flow_export=Flow(given, unassigned, self.uncertain[:, at]),
            estimated=plant.estimated,
            alone=plant.alone,
            lines=None,
            unknown=plant.unknown,
        )


def doubt_by_energy(plant: EnergyTable, given: Column, taken: Column) -> Column:
    """Each member's part of the plant's doubt as its part of the energy is, rounded up; all of it where none flowed."""
    flow = plant.flow_export
    moved = (given + taken).astype(object)
    wholes = np.maximum(flow.milliwh, 1).astype(object)[:, None]
    doubts = flow.uncertain_milliwh.astype(object)[:, None]
    parts = np.where(flow.milliwh[:, None] > 0, -(-doubts * moved // wholes), doubts)
    column: Column = parts.astype(np.int64)
    return column
