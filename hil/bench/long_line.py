"""Many meters on one 9600 baud line, some dead, one flapping, read by the whole daemon: is every edge read in time?

What is told comes from the line (who was asked when) and from an independent MQTT client (what the records say). House
time may run faster than life; the line's time never does, and all offsets are in real seconds.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..house import BASE_TOPIC
from ..house_time import US_PER_S, monotonic_us
from ..process import ChildError
from ..site import Site
from ..watcher import Watcher

DEAD_UNITS = (3, 7, 11)
FLAPPING_UNITS = (5,)
INTERVAL_MIN = 5
PATIENCE_S = 120.0
ENERGY_FIRST, ENERGY_LAST = 72, 75
"""Import and export: only questions for both count as readings."""


@dataclass(frozen=True, slots=True)
class LineRow:
    """One meter, over all edges that were judged. Real milliseconds; -1: there was no such reading."""

    unit: int
    kind: str
    asked: int
    read: int
    """Questions for import and export that were answered."""
    edges: int
    measured: int
    """Interval records of quality `measured` whose end is a judged edge."""
    before_worst_ms: int
    """From the last reading before an edge to the edge, the worst of all edges."""
    after_worst_ms: int
    uncertain_worst_milliwh: int


def run_long_line(
    units: int, edges: int, speed: int, poll_real_s: int, folder: Path, say: Callable[[str], None]
) -> list[LineRow]:
    """One daemon, one line, until so many edges have passed and been told. Raises ChildError."""
    site = Site(folder, speed=speed, interval_min=INTERVAL_MIN)
    watcher: Watcher | None = None
    asked = folder / "asked"
    try:
        options = [f"--link={folder / 'line'}", f"--units={units}", f"--log={asked}", "--seed=100"]
        options += [f"--truth={folder / 'truth'}", *site.anchor.options()]
        options += [*(f"--dead={unit}" for unit in DEAD_UNITS), *(f"--flapping={unit}" for unit in FLAPPING_UNITS)]
        site.start_device("bus", "hil.meters.sdm630_bus", options)
        site.broker.start()
        watcher = Watcher(site.broker.host, site.broker.port, BASE_TOPIC)
        section = poll_real_s * speed
        site.write_config("\n".join(_section(unit, folder / "line", section) for unit in range(1, units + 1)))
        site.start_daemon()
        interval_us = INTERVAL_MIN * 60 * US_PER_S
        first_us = (site.anchor.house_us(monotonic_us()) // interval_us + 2) * interval_us
        wanted = [first_us + n * interval_us for n in range(edges)]
        intervals = _listen(site, watcher, wanted, interval_us // speed, say)
    finally:
        if watcher is not None:
            watcher.close()
        site.stop()
    questions = [tuple(map(int, line.split())) for line in asked.read_text(encoding="ascii").splitlines()]
    real_us = [site.anchor.anchor_monotonic_us + (edge_us - site.anchor.start_utc_us) // speed for edge_us in wanted]
    return [_row(unit, questions, intervals, wanted, real_us) for unit in range(1, units + 1)]


def _listen(
    site: Site, watcher: Watcher, wanted: list[int], apart_us: int, say: Callable[[str], None]
) -> list[dict[str, object]]:
    """All interval records, until one whose edge is the last wanted has come and the line had a minute to go on."""
    intervals: list[dict[str, object]] = []
    deadline_s = time.monotonic() + PATIENCE_S + (len(wanted) + 2) * apart_us / US_PER_S
    end_s: float | None = None
    while end_s is None or time.monotonic() < end_s:
        message = watcher.next(0.5)
        site.check()
        if message is not None and message.topic.endswith("/interval"):
            record = json.loads(message.payload)
            intervals.append(record)
            if record["end_utc_us"] == wanted[-1] and end_s is None:
                end_s = time.monotonic() + min(30.0, apart_us / US_PER_S / 2)
            if len(intervals) % 16 == 0:
                say(f"{len(intervals)} interval records")
        if time.monotonic() > deadline_s:
            raise ChildError(f"the last edge was not told; {len(intervals)} records; see {site.log('gateway')}")
    return intervals


def _row(
    unit: int,
    questions: list[tuple[int, ...]],
    intervals: list[dict[str, object]],
    edges_utc_us: list[int],
    edges_real_us: list[int],
) -> LineRow:
    mine = [one for one in questions if one[0] == unit]
    answers = [
        at_us
        for _, at_us, answered, first, count in mine
        if answered and first <= ENERGY_FIRST and first + count > ENERGY_LAST
    ]
    told = {one["end_utc_us"]: one for one in intervals if one["meter"] == f"m{unit}"}
    ends = [told[edge_us] for edge_us in edges_utc_us if edge_us in told]
    uncertain = [int(str(one[key] or 0)) for one in ends for key in _UNCERTAIN]
    return LineRow(
        unit=unit,
        kind="dead" if unit in DEAD_UNITS else "flapping" if unit in FLAPPING_UNITS else "living",
        asked=len(mine),
        read=len(answers),
        edges=len(edges_utc_us),
        measured=sum(one["quality"] == "measured" for one in ends),
        before_worst_ms=_worst([_nearest_before(answers, edge_us) for edge_us in edges_real_us]),
        after_worst_ms=_worst([_nearest_after(answers, edge_us) for edge_us in edges_real_us]),
        uncertain_worst_milliwh=max(uncertain, default=-1),
    )


_UNCERTAIN = ("import_uncertain_milliwh", "export_uncertain_milliwh")


def _nearest_before(answers: list[int], edge_us: int) -> int | None:
    return min((edge_us - at_us for at_us in answers if at_us <= edge_us), default=None)


def _nearest_after(answers: list[int], edge_us: int) -> int | None:
    return min((at_us - edge_us for at_us in answers if at_us > edge_us), default=None)


def _worst(offsets_us: list[int | None]) -> int:
    """The largest, in milliseconds; -1 where one is missing."""
    known = [offset for offset in offsets_us if offset is not None]
    return max(known) // 1000 if known and len(known) == len(offsets_us) else -1


def _section(unit: int, link: Path, poll_s: int) -> str:
    return f"""\
[[meter]]
name = "m{unit}"
profile = "eastron-sdm630"
role = "tenant"
register = "own"
service_amps = 100
service_volts = 240
port = "{link}"
baud_bd = 9600
unit = {unit}
poll_s = {poll_s}
"""
