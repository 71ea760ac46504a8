"""Many TCP meters at once, read by the whole daemon: broker, store, accumulator and publisher at work as in service.

What is measured is seen from outside: when each meter was asked (by the meters), CPU and memory (by the kernel).
Lateness is how much later than its own rhythm a meter was asked: the rhythm is the earliest phase of its second in
which it was ever asked.
"""

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..process import ChildError
from ..site import Site
from .tcp_farm import PROFILE

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class TcpRow:
    """One run. Late: beyond a meter's own rhythm, microseconds."""

    meters: int
    seconds: float
    polls: int
    polls_due: int
    meters_asked: int
    cpu_us_a_poll: int
    resident_mb: float
    threads: int
    late_p50_us: int
    late_p95_us: int
    late_p99_us: int
    late_most_us: int


def run_tcp(meters: int, warm_up_s: float, seconds: float, folder: Path, say: Callable[[str], None]) -> TcpRow:
    """One daemon, so many meters, each asked once a second. Raises ChildError."""
    site = Site(folder)
    try:
        log, ports = folder / "asked", folder / "ports"
        options = [f"--meters={meters}", f"--ports={ports}", f"--log={log}"]
        farm, _ = site.start_device("tcp farm", "hil.bench.tcp_farm", options)
        (folder / "one-of-many.toml").write_text(PROFILE, encoding="utf-8")
        site.broker.start()
        site.write_config("\n".join(_section(n, port) for n, port in enumerate(ports.read_text().split())))
        daemon = site.start_daemon()
        say(f"{meters} meters: {warm_up_s:g} s to warm up, {seconds:g} s to measure")
        _wait(site, warm_up_s)
        begun_ns, cpu_begun_s = time.monotonic_ns(), _cpu_s(daemon.pid)
        _wait(site, seconds)
        ended_ns, cpu_ended_s = time.monotonic_ns(), _cpu_s(daemon.pid)
        status = _status(daemon.pid)
        site.stop_child("gateway")
        farm.stop()
    finally:
        site.stop()
    asked = array("q", log.read_bytes())
    return _row(meters, asked, (begun_ns, ended_ns), cpu_ended_s - cpu_begun_s, status)


def _row(meters: int, asked: "array[int]", span_ns: tuple[int, int], cpu_s: float, status: dict[str, str]) -> TcpRow:
    begun_ns, ended_ns = span_ns
    by_meter: dict[int, list[int]] = {}
    for number, at_ns in zip(asked[::2], asked[1::2], strict=True):
        if begun_ns <= at_ns < ended_ns:
            by_meter.setdefault(number, []).append(at_ns)
    late_ns = sorted(late for times in by_meter.values() for late in lateness_ns(times))
    polls = sum(map(len, by_meter.values()))
    if not polls:
        raise ChildError("no meter was asked while it was measured")
    return TcpRow(
        meters=meters,
        seconds=round((ended_ns - begun_ns) / NS_PER_S, 1),
        polls=polls,
        polls_due=round(meters * (ended_ns - begun_ns) / NS_PER_S),
        meters_asked=len(by_meter),
        cpu_us_a_poll=round(cpu_s * 1_000_000 / polls),
        resident_mb=round(int(status["VmRSS"].split()[0]) / 1024, 1),
        threads=int(status["Threads"]),
        late_p50_us=_percentile(late_ns, 50) // 1000,
        late_p95_us=_percentile(late_ns, 95) // 1000,
        late_p99_us=_percentile(late_ns, 99) // 1000,
        late_most_us=late_ns[-1] // 1000,
    )


def lateness_ns(times_ns: list[int]) -> list[int]:
    """How late each is against the earliest phase, for something that is due once a second."""
    around = [
        (at_ns - times_ns[0] + NS_PER_S // 2) % NS_PER_S - NS_PER_S // 2 for at_ns in times_ns
    ]  # within half a second of the first one's phase
    return [phase - min(around) for phase in around]


def _percentile(ordered: list[int], percent: int) -> int:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _wait(site: Site, seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        time.sleep(min(1.0, max(0.0, end_s - time.monotonic())))
        site.check()


def _cpu_s(pid: int) -> float:
    """Time on a processor of all threads that live (proc(5), schedstat, first field: nanoseconds)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks) / NS_PER_S


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _section(number: int, port: str) -> str:
    return f"""\
[[meter]]
name = "m{number}"
profile = "one-of-many.toml"
role = "tenant"
register = "own"
service_amps = 100
service_volts = 240
host = "127.0.0.1"
tcp_port = {port}
poll_s = 1
"""
