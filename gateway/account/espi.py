"""An ESPI feed (Green Button XML) as what it says: usage points, and streams of interval readings with their type.

Resources are joined by their Atom links alone, whatever their order and prefixes. Nothing is made of the values here,
and nothing is guessed: a block of readings that no link leads to a type is refused. No entity is ever expanded: a
document type is refused before a parser sees it. (NAESB REQ.21 ESPI 3.3 and 4.0)
"""

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .energy import EnergyError

MOST_BYTES = 256_000_000
LAST_S = 7_226_582_400
"""2199-01-01: beyond it no calendar goes; milliseconds where seconds are meant lie there."""
ELECTRICITY = "0"
Told = Callable[[str, int, int], None]
"""Progress: what is done, how much, of how much."""
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reading:
    """One interval's reading. `qualities`: codes of ReadingQuality."""

    start_s: int
    duration_s: int
    value: int
    qualities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """The readings of one MeterReading; `kind` is its ReadingType, element by element."""

    point: str
    """The title of its usage point, or its link."""
    kind: Mapping[str, str]
    readings: tuple[Reading, ...]


@dataclass(slots=True)
class _Entry:
    """A resource that others are joined to."""

    own: str
    up: str
    related: tuple[str, ...]
    title: str
    values: Mapping[str, str]
    readings: list[Reading] = field(default_factory=list)


@dataclass(slots=True)
class _Feed:
    path: Path
    points: list[_Entry] = field(default_factory=list)
    meters: list[_Entry] = field(default_factory=list)
    kinds: list[_Entry] = field(default_factory=list)
    blocks: list[_Entry] = field(default_factory=list)

    def take(self, entry: ET.Element) -> None:
        """What an Atom entry holds."""
        places = {"UsagePoint": self.points, "MeterReading": self.meters, "ReadingType": self.kinds}
        links = [(one.get("rel", ""), one.get("href", "").rstrip("/")) for one in _named(entry, "link")]
        for content in _named(entry, "content"):
            for resource in content:
                name = _local(resource)
                if name not in places and name != "IntervalBlock":
                    continue
                made = _Entry(
                    own=next((href for rel, href in links if rel == "self"), ""),
                    up=next((href for rel, href in links if rel == "up"), ""),
                    related=tuple(href for rel, href in links if rel == "related"),
                    title=_text(entry, "title"),
                    values={_local(one): (one.text or "").strip() for one in resource},
                )
                if name == "UsagePoint":
                    made.values = {"kind": _text(next(_named(resource, "ServiceCategory"), ET.Element("none")), "kind")}
                if name == "IntervalBlock":
                    made.readings = [self._reading(one) for one in _named(resource, "IntervalReading")]
                places.get(name, self.blocks).append(made)

    def _reading(self, found: ET.Element) -> Reading:
        period, value, qualities = None, "", []
        for one in found:
            name = _local(one)
            if name == "timePeriod":
                period = one
            elif name == "value":
                value = one.text or ""
            elif name == "ReadingQuality":
                qualities.append(_text(one, "quality"))
        if period is None:
            raise EnergyError(f"{self.path}: an IntervalReading has no timePeriod, so nobody knows when it was")
        times = {_local(one): one.text or "" for one in period}
        start_s, duration_s = (self._whole(times.get(name, ""), name) for name in ("start", "duration"))
        if duration_s <= 0:
            raise EnergyError(f"{self.path}: the interval that begins at {start_s} lasts {duration_s} seconds")
        if not 0 <= start_s < start_s + duration_s <= LAST_S:
            raise EnergyError(
                f"{self.path}: the interval that begins at {start_s} and lasts {duration_s} lies outside the years "
                "1970 to 2198; both are seconds, the beginning those since 1970 in UTC"
            )
        return Reading(start_s, duration_s, self._whole(value, "value"), tuple(qualities))

    def _whole(self, text: str, name: str) -> int:
        if not _WHOLE.fullmatch(text.strip()):
            raise EnergyError(f'{self.path}: {name} "{text[:40]}" of an IntervalReading is no whole number')
        return int(text)


def read_streams(path: Path, told: Told | None = None) -> tuple[Stream, ...]:
    """Every stream of electricity that the file has readings of. `told`: of the bytes read. Raises EnergyError."""
    feed = _Feed(path)
    for entry in _entries(path, told):
        feed.take(entry)
    if not feed.blocks:
        raise EnergyError(f"{path}: there is no interval in it; download the feed with its IntervalBlocks")
    for block in feed.blocks:
        _meter_of(feed, block).readings += block.readings
    streams = [
        Stream(_point_of(feed, one), _kind_of(feed, one), tuple(one.readings))
        for one in feed.meters
        if one.readings and _is_electric(feed, one)
    ]
    return tuple(streams)


class _ToldBytes(io.BytesIO):
    """Tells how far a parser has come: one entry may hold a year."""

    def __init__(self, content: bytes, path: Path, told: Told | None) -> None:
        super().__init__(content)
        self._name, self._total, self._told = path.name, len(content), told

    def read(self, size: int | None = -1, /) -> bytes:
        if self._told is not None:
            self._told(f"reading {self._name}", self.tell(), self._total)
        return super().read(size)


def _entries(path: Path, told: Told | None) -> Iterator[ET.Element]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise EnergyError(f"{path}: more than {MOST_BYTES // 1_000_000} MB; download it in pieces of a year")
        data = path.read_bytes()
    except OSError as error:
        raise EnergyError(f"{path}: cannot be read: {error.strerror}; name a Green Button XML file") from error
    if data.startswith(b"PK"):
        raise EnergyError(f"{path}: is a ZIP archive; unpack it and name the XML file in it")
    if b"\0" in data[:200]:
        raise EnergyError(f"{path}: is not UTF-8 text; save it as XML in UTF-8")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise EnergyError(f"{path}: has a document type of its own, which no Green Button file needs; it is not read")
    try:
        for _, found in ET.iterparse(_ToldBytes(data, path, told)):
            if _local(found) == "entry":
                yield found
                found.clear()
    except ET.ParseError as error:
        raise EnergyError(f"{path}:{error.position[0]}: is no XML: {error}; download it again") from error
    except (LookupError, ValueError) as error:  # what an XML declaration names as its encoding
        raise EnergyError(f"{path}: cannot be read as text: {error}; save it as XML in UTF-8") from error


def _meter_of(feed: _Feed, block: _Entry) -> _Entry:
    for wanted in ({block.up, block.up.removesuffix("/IntervalBlock")} - {""}, set(block.related)):
        for one in feed.meters:
            if wanted & {one.own, *one.related}:
                return one
    raise EnergyError(
        f"{feed.path}: no MeterReading is there for the IntervalBlock {block.own or block.up}, so nobody knows what it "
        "counts; download the whole feed, not its IntervalBlocks alone"
    )


def _kind_of(feed: _Feed, meter: _Entry) -> Mapping[str, str]:
    found = [one.values for one in feed.kinds if one.own and (one.own in meter.related or one.up == meter.own)]
    if found and all(one == found[0] for one in found):
        return found[0]
    if found:
        raise EnergyError(f"{feed.path}: the MeterReading {meter.own} has several ReadingTypes that differ")
    raise EnergyError(
        f"{feed.path}: no ReadingType is there for the MeterReading {meter.own}, so nobody knows what it counts"
    )


def _usage_point(feed: _Feed, meter: _Entry) -> _Entry | None:
    above = meter.up.removesuffix("/MeterReading")
    return next((one for one in feed.points if above == one.own or {meter.own, meter.up} & set(one.related)), None)


def _is_electric(feed: _Feed, meter: _Entry) -> bool:
    point = _usage_point(feed, meter)
    return point is None or point.values["kind"] in ("", ELECTRICITY)


def _point_of(feed: _Feed, meter: _Entry) -> str:
    """Its title where no other one has it, else the last word of its link, else, where that is shared too, the link."""
    point = _usage_point(feed, meter)
    if point is None:
        return meter.up.removesuffix("/MeterReading").rpartition("/")[2]
    others = [one for one in feed.points if one.own != point.own]
    if point.title and all(one.title != point.title for one in others):
        return point.title
    last = point.own.rpartition("/")[2]
    return last if all(one.own.rpartition("/")[2] != last for one in others) else point.own


def _local(element: ET.Element) -> str:
    tag: str = element.tag
    return tag[tag.rfind("}") + 1 :]


def _named(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (one for one in element if _local(one) == name)


def _text(element: ET.Element, name: str) -> str:
    return next(((one.text or "").strip() for one in _named(element, name)), "")
