"""What the price tables of a tariff file must fulfil beyond sums and bucket names (those are in `checks`).

Notes problems in the document; changes nothing.
"""

from decimal import Decimal
from itertools import pairwise

from ..config.document import Document
from ..config.hints import did_you_mean
from ..config.problem import TomlPath
from .flags import Flag
from .types import Parts, Tariff, Tier, Version


def check_parts(document: Document, tariff: Tariff) -> None:
    """`[parts]` and `flags`: components that exist, each in one part, and flags that do not contradict."""
    _check_tags(document, ("parts",), tariff.parts, tariff.version)
    for position, version in enumerate(tariff.version):
        if version.parts is not None:
            _check_tags(document, ("version", position, "parts"), version.parts, (version,))
        flags = tariff.flags_of(version)
        if Flag.DELIVERY_ONLY in flags and Flag.GENERATION_ONLY in flags:
            message = "the figures cannot be delivery only and generation only"
            document.add(("version", position), message, "without either they are the whole price")
        if Flag.DELIVERY_ONLY in flags and tariff.parts_of(version).supply:
            path: TomlPath = ("parts", "supply") if version.parts is None else ("version", position, "parts", "supply")
            document.add(path, "the figures are delivery only, and have a supply part", "leave one of the two out")
        _check_rest(document, ("version", position), tariff, version)
        check_tiers(document, ("version", position), tariff, version)


def check_tiers(document: Document, path: TomlPath, tariff: Tariff, version: Version) -> None:
    """Tiers above their limits, and prices of exports: buckets and components that exist, limits that rise."""
    buckets = tariff.bucket_names_of(version)
    for name in version.export_per_kwh:
        if name not in buckets:
            _no_bucket(document, (*path, "export_per_kwh", name), name, buckets)
    for position, tier in enumerate(version.tier):
        place = (*path, "tier", position)
        limits = [one for one in (tier.above_kwh, tier.above_kwh_per_day) if one is not None]
        if len(limits) != 1 or limits[0] <= 0:
            document.add(place, "a tier has one limit above zero", "write above_kwh or above_kwh_per_day")
        for table, names in (("energy_per_kwh", tier.energy_per_kwh), ("export_per_kwh", tier.export_per_kwh)):
            for name in names:
                if name not in buckets:
                    _no_bucket(document, (*place, table, name), name, buckets)
        for name in set(tier.export_per_kwh) - set(tier.energy_per_kwh):
            mend = f"write [version.tier.energy_per_kwh.{name}] too: it says that the bucket has this tier"
            document.add((*place, "export_per_kwh", name), f"{name} has no such tier", mend)
        for name, components in tier.energy_per_kwh.items():
            known = {*version.adders_per_kwh, *version.energy_per_kwh.get(name, ())}
            for one in components:
                if one not in known:
                    message = f'bucket "{name}" has no component "{one}" below the limit'
                    document.add(
                        (*place, "energy_per_kwh", name, one), message, did_you_mean(one, sorted(known)), value=one
                    )
    _check_ladders(document, path, version, buckets)


def _no_bucket(document: Document, path: TomlPath, name: str, buckets: tuple[str, ...]) -> None:
    document.add(path, f'no season and period give a bucket "{name}"', did_you_mean(name, buckets), value=name)


def _check_ladders(document: Document, path: TomlPath, version: Version, buckets: tuple[str, ...]) -> None:
    for name in buckets:
        ladder = version.tiers_of(name)
        if any((one.above_kwh is None) != (ladder[0].above_kwh is None) for one in ladder):
            document.add((*path, "tier"), f"the tiers of {name} mix above_kwh and above_kwh_per_day", "choose one")
            return
        limits = [_limit(one) for one in ladder]
        if any(later <= earlier for earlier, later in pairwise(limits)):
            document.add((*path, "tier"), f"the limits of {name} do not rise from tier to tier", "lowest limit first")
            return


def _limit(tier: Tier) -> Decimal:
    return tier.above_kwh or tier.above_kwh_per_day or Decimal(0)


def _check_tags(document: Document, path: TomlPath, parts: Parts, versions: tuple[Version, ...]) -> None:
    known = {name for version in versions for name in _components(version)}
    whose: dict[str, str] = {}
    for part in ("supply", "transmission"):
        for name in getattr(parts, part):
            if name in whose:
                message = f'component "{name}" is both {whose[name]} and {part}'
                document.add((*path, part), message, "it would be counted twice: leave one out", value=name)
            whose[name] = part
    for part in ("supply", "transmission", "non_bypassable"):
        for name in getattr(parts, part):
            if name not in known:
                mend = did_you_mean(name, sorted(known))
                document.add((*path, part), f'no version has a component "{name}"', mend, value=name)


def _components(version: Version) -> set[str]:
    return {*version.adders_per_kwh, *(name for prices in version.energy_per_kwh.values() for name in prices)}


def _check_rest(document: Document, path: TomlPath, tariff: Tariff, version: Version) -> None:
    """Years of other suppliers are years, allowances are for seasons that exist."""
    for table in ("pcia_per_kwh", "franchise_fee_per_kwh"):
        for year in getattr(version, table):
            if not (len(year) == 4 and year.isascii() and year.isdigit()):
                document.add((*path, table, year), f'"{year}" is no year', "the year in which the supplier took over")
    if version.baseline is None:
        return
    seasons = [season.name for season in tariff.seasons_of(version)] or ["all"]
    for territory, allowance in version.baseline.allowance_kwh_per_day.items():
        place = (*path, "baseline", "allowance_kwh_per_day", territory)
        for name in allowance:
            if name not in seasons:
                document.add((*place, name), f'there is no season "{name}"', did_you_mean(name, seasons), value=name)
        for name in seasons:
            if name not in allowance:
                document.add(place, f'season "{name}" has no allowance', f'add {name} = "..." (kWh a day)')
