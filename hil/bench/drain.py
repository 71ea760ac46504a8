"""`netmeter-hil bench drain`: a long outage of the broker and its end: memory, order, live data, records a second.

Judged by what an independent listener heard, not by the gateway's own counters.
"""

import json
import logging
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from .drain_site import Heard, Site

TOLD_DAYS = (1, 2, 5, 10, 20, 30, 60, 90, 180, 365)
Handed = dict[tuple[str, int], tuple[int, int]]
"""By meter and the reading's own time: when it was handed over, and when its state was due."""


@click.command(
    epilog="Example: netmeter-hil bench drain --days 30 --meters 8 --json.  Takes a minute or two. Figures are in "
    "docs/messages.md.  Exit code: 0 every record arrived once and in order; 1 it did not; 2 wrong options."
)
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="Days without a broker.")
@click.option("--meters", type=click.IntRange(1, 200), default=8, show_default=True, help="Meters of the gateway.")
@click.option("--poll", "poll_s", type=click.IntRange(1, 900), default=60, show_default=True, help="Seconds.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def drain(days: int, meters: int, poll_s: int, as_json: bool) -> None:
    """A broker that is away for days and comes back: what the backlog costs, how fast and in which order it goes."""
    from ..process import ChildError
    from .drain_site import Site

    logging.disable(logging.WARNING)  # a broker that is away is what this is about
    with tempfile.TemporaryDirectory(prefix="bench-drain-") as name:
        site = Site(Path(name), meters, poll_s)
        try:
            told = measure(site, days)
        except ChildError as error:
            raise click.ClickException(str(error)) from error
        finally:
            site.close()
            logging.disable(logging.NOTSET)
    click.echo(json.dumps(told, indent=2) if as_json else _text(told))
    raise SystemExit(0 if told["missing"] == told["out_of_order"] == 0 else 1)


def measure(site: "Site", days: int) -> dict[str, Any]:
    """The outage, then its end."""
    from .drain_site import resident_kb

    memory: dict[str, int] = {}
    for day in site.outage(days):
        if day in TOLD_DAYS or day == days:
            memory[str(day)] = resident_kb()
            click.echo(f"day {day}: {site.backlog()} records wait, {memory[str(day)] // 1024} MB resident", err=True)
    waited = site.backlog()
    heard = site.drain(120 + waited / 100)
    return {
        "days": days,
        "meters": len(site.names),
        "backlog": waited,
        "resident_kb": memory,
        "resident_after_kb": site.after_kb,
        "cpu_us_a_record": round(site.drain_cpu_s * 1e6 / max(1, waited)),
        **judge(heard, waited, site.delivered),
    }


def judge(heard: "list[Heard]", waited: int, delivered: Handed) -> dict[str, Any]:
    """What the listener's notes say. `delivered`: when each live reading was handed over, and its state due."""
    series: dict[tuple[str, str], list[int]] = defaultdict(list)
    records = [one for one in heard if one.kind != "state"]
    for one in records:
        series[one.meter, one.kind].append(one.seq)
    identities = {(one.meter, one.kind, one.seq) for one in records}
    holes = sum(max(seqs) - len(set(seqs)) for seqs in series.values())
    lives = list(_live_us(heard, records, delivered))
    took_ms, late_ms = ([round(one[n] / 1000, 1) for one in lives] for n in range(2))
    took_us = records[-1].at_us - records[0].at_us if records else 0
    return {
        "records": len(identities),
        "missing": max(0, waited - len(identities)) + holes,
        "twice": len(records) - len(identities),
        "out_of_order": sum(seqs != sorted(seqs) for seqs in series.values()),
        "records_a_second": round(len(records) * 1e6 / took_us) if took_us else 0,
        "seconds": round(took_us / 1e6, 1),
        "live_states": len(lives),
        "live_median_ms": round(median(took_ms), 1) if lives else None,
        "live_latest_ms": max(took_ms, default=None),
        "live_after_due_median_ms": round(median(late_ms), 1) if lives else None,
        "live_after_due_latest_ms": max(late_ms, default=None),
    }


def _live_us(heard: "list[Heard]", records: "list[Heard]", delivered: Handed) -> Iterator[tuple[int, int]]:
    """Of each live state that was read and heard while the backlog drained: how long after its reading was handed
    over, and after it was due, microseconds."""
    if not records:
        return
    begin_us, end_us = records[0].at_us, records[-1].at_us
    for one in heard:
        if one.kind == "state" and (one.meter, one.its_us) in delivered:
            at_us, due_us = delivered[one.meter, one.its_us]
            if begin_us <= at_us and one.at_us <= end_us:
                yield one.at_us - at_us, one.at_us - due_us


def _text(told: dict[str, Any]) -> str:
    memory = ", ".join(f"day {day} {kb // 1024} MB" for day, kb in told["resident_kb"].items())
    return (
        f"{told['days']} days, {told['meters']} meters: {told['backlog']} records waited\n"
        f"memory   {memory}, afterwards {told['resident_after_kb'] // 1024} MB\n"
        f"drained  {told['records']} records in {told['seconds']} s, {told['records_a_second']} a second,"
        f" {told['cpu_us_a_record']} us of CPU each;"
        f" {told['missing']} missing, {told['twice']} twice, {told['out_of_order']} series out of order\n"
        f"live     {told['live_states']} states meanwhile, median {told['live_median_ms']} ms,"
        f" the latest {told['live_latest_ms']} ms;"
        f" after it was due {told['live_after_due_median_ms']} and {told['live_after_due_latest_ms']} ms"
    )
