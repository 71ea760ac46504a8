"""Closed intervals as columns: what an `IntervalRun` is where there are hundreds of thousands of them.

An `Interval` is made only when somebody goes through them. All are of one register epoch.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..energy import Direction, Interval, Part, Quality
from ..tariff.calendar import UNASSIGNED_NAME
from .doubt import Column, Flags


@dataclass(frozen=True, slots=True)
class PartColumns:
    """One direction of the intervals, milliwatt-hours; as `energy.Part`."""

    milliwh: Column
    unassigned_milliwh: Column
    uncertain_milliwh: Column
    register_milliwh: Column


@dataclass(frozen=True, slots=True)
class IntervalBlock:
    """Intervals in a row, oldest first. Instants are UTC microseconds."""

    starts_us: Column
    ends_us: Column
    bucket_ids: Column
    bucket_names: tuple[str, ...]
    tariff_versions: list[str]
    register_epoch: int
    measured: Flags
    incomplete: Flags
    parts: Mapping[Direction, PartColumns]

    def __len__(self) -> int:
        return len(self.ends_us)

    def __iter__(self) -> Iterator[Interval]:
        imported, exported = (self._parts(direction) for direction in (Direction.IMPORT, Direction.EXPORT))
        columns = (self.starts_us, self.ends_us, self.bucket_ids, self.measured, self.incomplete)
        rows = zip(*(column.tolist() for column in columns), self.tariff_versions, imported, exported, strict=True)
        for start_us, end_us, bucket, measured, incomplete, version, energy_import, energy_export in rows:
            quality = Quality.MEASURED if measured else Quality.ESTIMATED
            yield Interval(
                start_us=start_us,
                end_us=end_us,
                bucket=self.bucket_names[bucket],
                tariff_version=version,
                register_epoch=self.register_epoch,
                quality=Quality.INCOMPLETE if incomplete else quality,
                energy_import=energy_import,
                energy_export=energy_export,
            )

    def count_quality(self, quality: Quality) -> int:
        """How many have this quality."""
        if quality is Quality.INCOMPLETE:
            return int(np.count_nonzero(self.incomplete))
        wanted = self.measured if quality is Quality.MEASURED else ~self.measured
        return int(np.count_nonzero(wanted & ~self.incomplete))

    def booked_milliwh(self, direction: Direction) -> dict[str, int]:
        """Energy by bucket, `unassigned` among them."""
        columns = self.parts.get(direction)
        if columns is None:
            return {}
        sums = np.zeros(len(self.bucket_names), dtype=np.int64)
        np.add.at(sums, self.bucket_ids, columns.milliwh - columns.unassigned_milliwh)
        named = dict(zip(self.bucket_names, sums.tolist(), strict=True))
        named[UNASSIGNED_NAME] = named.get(UNASSIGNED_NAME, 0) + int(columns.unassigned_milliwh.sum())
        return named

    def _parts(self, direction: Direction) -> Iterator[Part | None]:
        columns = self.parts.get(direction)
        if columns is None:
            return iter([None] * len(self))
        of_part = (
            columns.milliwh,
            columns.unassigned_milliwh,
            columns.uncertain_milliwh,
            columns.register_milliwh,
        )
        return map(Part, *(column.tolist() for column in of_part))
