"""Green Button files for tests, written by hand after ESPI: a usage point, its meter readings, their types, intervals.

Nothing here reads one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ATOM, ESPI = "http://www.w3.org/2005/Atom", "http://naesb.org/espi"
Interval = tuple[int, int]
"""(start in seconds, value)."""


@dataclass(frozen=True)
class Made:
    """One stream. `places`: powerOfTenMultiplier."""

    flow: int
    intervals: Sequence[Interval]
    duration_s: int = 3600
    places: int = 0
    point: str = "1"
    uom: int = 72
    quality: str = ""
    accumulates: str = "4"
    """accumulationBehaviour; empty: the type says none."""


def write_feed(
    path: Path, streams: Sequence[Made], *, prefixed: bool = False, turned: bool = False, top: str = ""
) -> Path:
    """`prefixed`: with namespace prefixes, `turned`: the last entry first, `top`: before the root."""
    entries = [
        _entry(f"U/{name}", "U", [f"U/{name}/MeterReading"], f"meter {name}", _point())
        for name in dict.fromkeys(one.point for one in streams)
    ]
    for number, one in enumerate(streams):
        own = f"U/{one.point}/MeterReading/{number}"
        related = [f"{own}/IntervalBlock", f"ReadingType/{number}"]
        entries.append(_entry(own, f"U/{one.point}/MeterReading", related, "Readings", "<e:MeterReading/>"))
        entries.append(_entry(f"ReadingType/{number}", "ReadingType", [], "Type", _kind(one)))
        entries.append(_entry(f"{own}/IntervalBlock/1", f"{own}/IntervalBlock", [], "", _block(one)))
    text = "".join(reversed(entries) if turned else entries)
    text = f'<a:feed xmlns:a="{ATOM}" xmlns:e="{ESPI}">{text}</a:feed>'
    if not prefixed:
        text = text.replace("<a:content>", f'<a:content xmlns="{ESPI}">').replace("<e:", "<").replace("</e:", "</")
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>{top}{text}', encoding="utf-8")
    return path


def _entry(own: str, up: str, related: Sequence[str], title: str, content: str) -> str:
    links = [("self", own), ("up", up), *(("related", one) for one in related)]
    linked = "".join(f'<a:link rel="{rel}" href="{href}"/>' for rel, href in links)
    return f"<a:entry>{linked}<a:title>{title}</a:title><a:content>{content}</a:content></a:entry>"


def _point() -> str:
    return "<e:UsagePoint><e:ServiceCategory><e:kind>0</e:kind></e:ServiceCategory></e:UsagePoint>"


def _kind(one: Made) -> str:
    values = {
        "accumulationBehaviour": one.accumulates,
        "commodity": 1,
        "flowDirection": one.flow,
        "intervalLength": one.duration_s,
        "kind": 12,
        "powerOfTenMultiplier": one.places,
        "uom": one.uom,
    }
    told = "".join(f"<e:{name}>{value}</e:{name}>" for name, value in values.items() if value != "")
    return f"<e:ReadingType>{told}</e:ReadingType>"


def _block(one: Made) -> str:
    quality = f"<e:ReadingQuality><e:quality>{one.quality}</e:quality></e:ReadingQuality>" if one.quality else ""
    readings = "".join(
        f"<e:IntervalReading>{quality}<e:timePeriod><e:duration>{one.duration_s}</e:duration><e:start>{start}</e:start>"
        f"</e:timePeriod><e:value>{value}</e:value></e:IntervalReading>"
        for start, value in one.intervals
    )
    return f"<e:IntervalBlock>{readings}</e:IntervalBlock>"
