"""What [[meter.counter]] must fulfil: a counter that the profile has, buckets that the tariff has. Notes problems."""

from drivers.errors import ProfileError
from drivers.profile_register import ENERGY_UNITS_WH

from ..tariff.calendar import Calendar
from ..tariff.tariff_file import TariffError, is_path, load_tariff
from .convert import Converter
from .document import Document
from .hints import did_you_mean
from .problem import TomlPath
from .profiles import profile_named
from .rules import resolved


def check_counters(document: Document, converter: Converter, meter: TomlPath, profile: str) -> None:
    """The counters of one meter; nothing where its profile or the tariff is wrong, which is told elsewhere."""
    place = (*meter, "counter")
    paths = [path for path in converter.tables if path[: len(place)] == place]
    if not paths:
        return
    known, buckets = _counters_of(document, profile), _buckets_of(document, converter)
    for path in paths:
        fields = converter.tables[path]
        name, listed = fields.text("name"), fields.values.get("buckets")
        if name is not None and known is not None and name not in known:
            mend = did_you_mean(name, known) if known else "its profile has none whose name begins with energy_import_"
            document.add((*path, "name"), f'the meter has no tariff counter "{name}"', mend, value=name)
        for bucket in listed if isinstance(listed, tuple) else ():
            if buckets is not None and bucket not in buckets:
                message = f'the tariff has no bucket "{bucket}"'
                document.add((*path, "buckets"), message, did_you_mean(bucket, buckets), value=bucket)


def _counters_of(document: Document, profile: str) -> list[str] | None:
    try:
        found = profile_named(document.folder, profile)
    except ProfileError:
        return None
    return [one.name for one in found.all_registers if one.is_tariff_counter and one.unit in ENERGY_UNITS_WH]


def _buckets_of(document: Document, converter: Converter) -> list[str] | None:
    tariff = converter.tables[("accounting",)].text("tariff") if ("accounting",) in converter.tables else None
    if tariff is None:
        return None
    try:
        loaded = load_tariff(str(resolved(document.folder, tariff)) if is_path(tariff) else tariff)
    except TariffError:
        return None
    return list(Calendar(loaded).bucket_names[1:])
