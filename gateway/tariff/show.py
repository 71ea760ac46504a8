"""A calendar as a person or a program wants to look at it: one moment with its reason and price, or a stretch.

Pure; prices are exact sums of components (`prices`), printed as they are.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

from .calendar import NO_EDGE_US, Calendar
from .prices import price_components, price_total
from .types import Version
from .walltime import iso_local, iso_utc


@dataclass(frozen=True, slots=True)
class Moment:
    """What holds at one instant. Prices per kWh in the tariff's currency."""

    at_us: int
    until_us: int | None
    """The next change of bucket; None where none comes."""
    bucket: str
    reason: str
    version: Version | None
    components: Mapping[str, Decimal]
    total: Decimal | None
    printed: Decimal | None
    """The total as the utility prints it."""

    def as_json(self, zone: tzinfo) -> dict[str, object]:
        """The same for a program; prices as text, so that no reader makes binary floats of them."""
        version = self.version
        baseline = None if version is None else version.baseline
        return {
            "at": iso_local(self.at_us, zone),
            "at_utc": iso_utc(self.at_us),
            "bucket": self.bucket,
            "until_utc": None if self.until_us is None else iso_utc(self.until_us),
            "reason": self.reason,
            "version": None if version is None else version.id,
            "version_source": None if version is None else version.source,
            "price_per_kwh": _text(self.total),
            "printed_per_kwh": _text(self.printed),
            "components_per_kwh": {name: str(price) for name, price in self.components.items()},
            "baseline_credit_per_kwh": None if baseline is None else str(baseline.credit_per_kwh),
            "base_services_per_day": {}
            if version is None
            else {tier: str(price) for tier, price in version.base_services_per_day.items()},
        }


@dataclass(frozen=True, slots=True)
class Row:
    """A stretch of time with one bucket and one price."""

    start_us: int
    end_us: int
    bucket: str
    version_id: str
    total: Decimal | None

    def as_json(self, zone: tzinfo) -> dict[str, object]:
        return {
            "from": iso_local(self.start_us, zone),
            "from_utc": iso_utc(self.start_us),
            "to_utc": iso_utc(self.end_us),
            "bucket": self.bucket,
            "version": self.version_id or None,
            "price_per_kwh": _text(self.total),
        }


def moment_at(calendar: Calendar, at_us: int) -> Moment:
    """What holds at `at_us`, UTC microseconds."""
    bucket = calendar.bucket_names[calendar.bucket_at(at_us)]
    until_us = calendar.next_edge_us(at_us)
    version = calendar.version_in_force(at_us)
    return Moment(
        at_us=at_us,
        until_us=None if until_us == NO_EDGE_US else until_us,
        bucket=bucket,
        reason=calendar.explain(at_us),
        version=version,
        components={} if version is None else price_components(version, bucket),
        total=None if version is None else price_total(version, bucket),
        printed=None if version is None else version.published_per_kwh.get(bucket),
    )


def rows_between(calendar: Calendar, start_us: int, end_us: int) -> list[Row]:
    """[start_us, end_us) in pieces of one bucket and one version."""
    table = calendar.edges(start_us, end_us)
    versions = calendar.version_edges()
    changes = {edge_us for edge_us, _ in versions if start_us < edge_us < end_us}
    starts = sorted({*table.edges_us, *changes})
    rows: list[Row] = []
    for from_us, to_us in zip(starts, [*starts[1:], end_us], strict=True):
        bucket = calendar.bucket_names[table.bucket_ids[bisect_right(table.edges_us, from_us) - 1]]
        begun = bisect_right(versions, from_us, key=lambda one: one[0])
        version = versions[begun - 1][1] if begun else None
        total = None if version is None else price_total(version, bucket)
        rows.append(Row(from_us, to_us, bucket, "" if version is None else version.id, total))
    return rows


def _text(price: Decimal | None) -> str | None:
    return None if price is None else str(price)
