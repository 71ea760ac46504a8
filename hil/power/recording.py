"""What the real daemon did to its disk and told the world, from before its store was made until it was killed.

A house with both meters, sixty times as fast as life; strace writes down each write, sync and removal with its bytes,
and each packet to the broker. What was sent is what was acknowledged: a record goes out only after its commit.
"""

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..disk import find_strace, wait_for_end
from ..disk_trace import FILE_CALLS, SOCKET_CALLS, Operation, operations, options
from ..house import BASE_TOPIC, GATEWAY_ID, GRID, PRODUCTION, House
from ..process import ChildError

SPEED, INTERVAL_MIN = 60, 5
RECORD_S = 22.0
"""An edge passes every five seconds."""
_RECORD = re.compile(
    rb"%s/%s/meter/(?P<meter>\w+)/(?P<kind>interval|event)[^{]*(?P<payload>\{[^{}]*\})"
    % (BASE_TOPIC.encode(), GATEWAY_ID.encode())
)


@dataclass(frozen=True, slots=True)
class Told:
    """A record that was sent to the broker."""

    meter: str
    kind: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """All operations in their order; `store` is the path of the ledger."""

    store: Path
    operations: tuple[Operation, ...]


def told_in(content: bytes) -> list[Told]:
    """The records in what was sent at once."""
    return [
        Told(one["meter"].decode(), one["kind"].decode(), json.loads(one["payload"]))
        for one in _RECORD.finditer(content)
    ]


def why_not() -> str:
    """Why this machine cannot record; empty where it can."""
    return "" if find_strace() else "strace is not installed (Debian: apt-get install strace)"


def record(folder: Path, house_seed: int, start_utc_us: int, sabotage: str | None = None) -> Recording:
    """Run a house in `folder` for some seconds, kill its daemon. Raises ChildError."""
    strace = find_strace()
    if strace is None:
        raise ChildError(why_not())
    house = House(
        folder,
        speed=SPEED,
        seed=house_seed,
        start_utc_us=start_utc_us,
        interval_min=INTERVAL_MIN,
        commit_every_s=1,
    )
    disk, trace = folder / "disk", folder / "trace"
    disk.mkdir()
    house.store = disk / "ledger.sqlite"
    tracer = [strace, "-D", *options(f"{FILE_CALLS},{SOCKET_CALLS}"), "-o", str(trace)]
    try:
        house.broker.start()
        house.start_meters()
        house.start_daemon(*([] if sabotage is None else [f"--sabotage={sabotage}"]), prefix=tracer)
        end_s = time.monotonic() + RECORD_S
        while time.monotonic() < end_s:
            house.check()
            time.sleep(0.1)
        house.child("gateway").kill()
        wait_for_end(trace)
    except TimeoutError as error:
        raise ChildError(str(error)) from error
    finally:
        house.stop()
    with trace.open(encoding="ascii", errors="replace") as lines:
        done = tuple(operations(lines, disk))
    trace.unlink()
    told = {one.meter for each in done for one in told_in(each.content) if one.kind == "interval"}
    if told != {GRID, PRODUCTION}:
        raise ChildError(f"the recording holds no intervals of both meters, only of {sorted(told)}")
    return Recording(house.store, done)
