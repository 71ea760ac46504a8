"""The same trials on a real pty: the simulated meter as a process, the driver with real time and a real serial port."""

from pathlib import Path

from drivers import SystemTicker, load_profile
from drivers.iec62056.build import open_optical
from drivers.transport.serial import SerialTransport

from ..house import DAY_START_US
from ..house_time import Anchor
from ..household import Feed
from ..meters.core import MeterCore, Placement
from ..meters.optical_meter import Mode
from ..process import Child
from ..soak.history import Verdict
from .trial import SESSIONS_A_TRIAL, SETTINGS, Truth, session, setting


def truth_of(seed: int, anchor: Anchor) -> Truth:
    """What the meter of a seed has counted, for instants in any order: a window reaches back behind the last answer."""

    def truth(at_us: int) -> tuple[int, int]:
        core = MeterCore(Placement(seed, Feed.GRID, anchor, None))  # its counters only go on
        count = core.counted_at(max(anchor.house_us(at_us), DAY_START_US))
        return count.import_milliwh, count.export_milliwh

    return truth


def run_real(seed: int, trial: int, folder: Path) -> Verdict:
    """Ten sessions. Judged by the meter's own counters, reckoned here once more from the seed. Raises ChildError."""
    found, made, anchor = Verdict(), setting(seed, trial), Anchor.now(DAY_START_US, 1)
    mode, baud_bd, profile = SETTINGS[made.place]
    link = folder / f"head-{trial}"
    options = [f"--mode={mode}", f"--baud={baud_bd}", f"--link={link}", "--short", f"--seed={seed}", *anchor.options()]
    # Each telegram that is pushed is spoilt or not: were it every one, each session would wait in vain for its bound.
    every = max(made.every, 2) if mode is Mode.D else made.every
    options += [f"--fault={made.fault}={every}", *(["--echo"] if made.echo and mode is not Mode.D else [])]
    child = Child.python(f"meter {trial}", "hil.meters.optical", options, folder / f"meter-{trial}.log")
    truth, ticker = truth_of(seed, anchor), SystemTicker()
    try:
        child.wait_ready()
        meter = open_optical(load_profile(profile), SerialTransport(str(link), 300, ticker), ticker, settle_us=2_000)
        for _ in range(SESSIONS_A_TRIAL):
            repeats = meter.counters.repeats
            is_believed = session(meter, truth, found, made)
            found.counts["felt"] += not is_believed or meter.counters.repeats > repeats
            found.counts["real_sessions"] += 1
        meter.close()
        child.check()
    finally:
        child.stop()
    if "refused" in child.tail(1000):
        found.find("wrote", f"{made}: {child.tail(1000)}")
    return found
