"""One round of `soak delivery`: a house, its collector, faults between them, and the judge's verdict.

Judged by the collector's database and the meters' truth files alone: each record once, in order, and what flowed.
A fault is *felt* when it was seen at the proxies, at a process's end, or at the broker; never by what a daemon counts.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ..broker import Broker
from ..house import BASE_TOPIC, GATEWAY_ID, GRID, PRODUCTION, House
from ..house_time import US_PER_S, monotonic_us
from ..mqtt_proxy import Proxy
from ..process import Child, ChildError
from .collected import collected, intervals, troubles
from .delivery_plan import DeliveryFault, Side, Trouble
from .history import RoundResult, Say
from .intruder import Intruder
from .judge import judge_meter
from .kill_round import DIGITS, INTERVAL_MIN, INTERVAL_US, SPEED, UNREAD_S
from .plan import Round
from .true_count import TrueCount

CONSUMER = "soak"
PATIENCE_S = 180.0
"""A daemon that is refused asks again after a minute; one that gets no PUBACK connects anew after half of one."""
SLOW_S = 0.15
FLAP_S = 0.4
TAKEOVERS = 3
OPEN, CLOSED = "topic readwrite #\n", "topic read #\n"


class DeliveryRound:
    """Runs one round in a folder of its own, which it fills. Ends every process that it started."""

    def __init__(self, plan: Round, faults: list[DeliveryFault], folder: Path, say: Say, sabotage: str = "") -> None:
        self._folder, self._say, self._faults, self._sabotage = folder, say, faults, sabotage
        self._house = House(
            folder,
            speed=SPEED,
            seed=plan.house_seed,
            start_utc_us=plan.start_utc_us,
            interval_min=INTERVAL_MIN,
            commit_every_s=1,
        )
        self._acl = folder / "acl"
        self._acl.write_text(OPEN, encoding="ascii")
        acl_lines = (f"acl_file {self._acl}", "autosave_interval 1", "autosave_on_changes true")
        self._house.broker = Broker(folder, persistent=True, more_lines=acl_lines)
        self._database = folder / "collected.sqlite"
        self._proxies: dict[Side, Proxy] = {}
        self._collector: Child | None = None
        self._result = RoundResult()
        self._longest_away_s = 0.0

    def run(self) -> RoundResult:
        """The whole round. Raises ChildError where the house itself breaks."""
        house = self._house
        try:
            house.broker.start()
            self._proxies = {side: Proxy(house.broker.port, house.seed) for side in (Side.DAEMON, Side.COLLECTOR)}
            house.start_meters()
            self._go_through_the_proxy()
            house.start_daemon()
            self._start_collector()
            self._live()
            house.stop_child("gateway")
            self._end_collector()
        finally:
            if self._collector is not None:
                self._collector.kill()
            for proxy in self._proxies.values():
                proxy.close()
            house.stop()
        self._judge()
        return self._result

    def _live(self) -> None:
        """Faults, and then all that was delivered late."""
        if not self._wait(lambda: all(intervals(self._database, one) for one in (GRID, PRODUCTION))):
            self._result.verdict.find("nothing", f"no interval of both meters\n{self._tails()}")
            return
        for fault in self._faults:
            self._wait(lambda: all(proxy.is_through for proxy in self._proxies.values()))
            time.sleep(fault.wait_ms / 1000)
            self._strike(fault)
        after_us = self._house_us()
        if not self._wait(lambda: all(self._is_whole(one, after_us) for one in (GRID, PRODUCTION))):
            found = {one: _numbers(intervals(self._database, one)) for one in (GRID, PRODUCTION)}
            self._result.verdict.find("not_delivered", f"after {PATIENCE_S:g} s of peace: {found}\n{self._tails()}")

    def _strike(self, fault: DeliveryFault) -> None:
        before = self._counts(fault)
        self._result.injected += 1
        self._result.verdict.counts[f"faults_{fault.trouble}"] += 1
        sign = _STRIKES[fault.trouble](self, fault)
        for proxy in self._proxies.values():
            proxy.heal()
        seen = self._counts(fault) - before
        felt = sign or any(seen[one] for one in _SIGNS[fault.trouble])
        self._result.felt += bool(felt)
        told = sign or ", ".join(f"{count} {what}" for what, count in sorted(seen.items()) if count)
        self._say(f"fault {fault}: {'felt' if felt else 'NOT FELT'}: {told}")

    def _outage(self, fault: DeliveryFault) -> str:
        for proxy in self._of(fault):
            proxy.is_out = True
            proxy.cut()
        self._last(fault)
        return ""

    def _flap(self, fault: DeliveryFault) -> str:
        deadline_s = time.monotonic() + fault.lasts_ms / 1000
        while time.monotonic() < deadline_s:
            for proxy in self._of(fault):
                proxy.cut()
            time.sleep(FLAP_S)
        return ""

    def _lose_pubacks(self, fault: DeliveryFault) -> str:
        for proxy in self._of(fault):
            proxy.puback_loss = 0.3
        self._last(fault)
        return ""

    def _halve(self, fault: DeliveryFault) -> str:
        for proxy in self._of(fault):
            proxy.halves = 3
        self._last(fault)
        self._wait(lambda: all(proxy.halves < 3 for proxy in self._of(fault)))
        return ""

    def _freeze(self, fault: DeliveryFault) -> str:
        for proxy in self._of(fault):
            proxy.freeze()
        self._last(fault)
        return ""

    def _slow_down(self, fault: DeliveryFault) -> str:
        for proxy in self._of(fault):
            proxy.delay_s = SLOW_S
        self._last(fault)
        return ""

    def _take_over(self, fault: DeliveryFault) -> str:
        names = {Side.DAEMON: f"netmeter-{GATEWAY_ID}", Side.COLLECTOR: f"netmeter-collect-{CONSUMER}"}
        for _ in range(TAKEOVERS):
            for side, name in names.items():
                if fault.side in (side, Side.BOTH):
                    Intruder(self._house.broker.host, self._house.broker.port, name).come_and_go()
            time.sleep(fault.lasts_ms / 1000 / TAKEOVERS)
        return ""

    def _refuse(self, fault: DeliveryFault) -> str:
        """The daemon may speak 3.1.1 just now, where nobody is told of a refusal: so somebody else asks."""
        broker, before = self._house.broker, self._proxies[Side.DAEMON].counts["publishes"]
        self._set_acl(CLOSED)
        self._last(fault)
        is_refused = Intruder(broker.host, broker.port, "probe").is_refused(f"{BASE_TOPIC}/probe")
        published = self._proxies[Side.DAEMON].counts["publishes"] - before
        self._set_acl(OPEN)
        return f"the broker refuses; the daemon published {published} messages" if is_refused and published else ""

    def _restart_broker(self, fault: DeliveryFault) -> str:
        pid = self._house.broker.child.pid
        self._house.broker.stop()
        self._last(fault)
        self._house.broker.start()
        return f"broker {pid} ended, {self._house.broker.child.pid} serves with what was kept"

    def _forget(self, fault: DeliveryFault) -> str:
        child = self._house.broker.child
        child.kill()
        self._house.broker.stop()
        (self._folder / "mosquitto.db").unlink(missing_ok=True)
        self._last(fault)
        self._house.broker.start()
        return f"broker {child.pid} killed, {self._house.broker.child.pid} serves with nothing"

    def _kill_daemon(self, fault: DeliveryFault) -> str:
        child, at_s = self._house.child("gateway"), time.monotonic()
        child.kill()
        time.sleep(fault.lasts_ms / 3000)
        self._house.start_daemon()
        # Two seconds are more than a start takes; the judge's allowance for what is not read may be too wide for that.
        self._longest_away_s = max(self._longest_away_s, time.monotonic() - at_s + 5)
        return f"daemon {child.pid} ended by signal {-(child.exit_code or 0)}" if child.exit_code == -9 else ""

    def _kill_collector(self, fault: DeliveryFault) -> str:
        child = self._collector
        assert child is not None
        child.kill()
        self._last(fault)
        self._start_collector()
        return f"collector {child.pid} ended by signal 9" if child.exit_code == -9 else ""

    def _last(self, fault: DeliveryFault) -> None:
        time.sleep(fault.lasts_ms / 1000)

    def _of(self, fault: DeliveryFault) -> list[Proxy]:
        return [proxy for side, proxy in self._proxies.items() if fault.side in (side, Side.BOTH)]

    def _counts(self, fault: DeliveryFault) -> Counter[str]:
        return sum((Counter(proxy.counts) for proxy in self._of(fault)), Counter())

    def _set_acl(self, rules: str) -> None:
        """mosquitto reads its access rules anew at SIGHUP (mosquitto.conf(5), acl_file)."""
        self._acl.write_text(rules, encoding="ascii")
        os.kill(self._house.broker.child.pid, signal.SIGHUP)

    def _go_through_the_proxy(self) -> None:
        text = self._house.config.read_text(encoding="utf-8")
        own, other = f"\nport = {self._house.broker.port}\n", f"\nport = {self._proxies[Side.DAEMON].port}\n"
        if own not in text:
            raise ChildError("the house's config names no broker's port")
        self._house.config.write_text(text.replace(own, other), encoding="utf-8")
        lines = ["[collect]", f'database = "{self._database}"', f'consumer = "{CONSUMER}"', "[mqtt]"]
        lines += [f'host = "{self._house.broker.host}"', f"port = {self._proxies[Side.COLLECTOR].port}"]
        lines += [f'base_topic = "{BASE_TOPIC}"']
        (self._folder / "collect.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _start_collector(self) -> None:
        options = [f"--config={self._folder / 'collect.toml'}"]
        options += [f"--sabotage={self._sabotage}"] if self._sabotage else []
        log = self._folder / "collector.log"
        self._collector = Child.python("collector", "hil.collector_process", options, log)

    def _end_collector(self) -> None:
        child, self._collector = self._collector, None
        if child is None:
            return
        code, found = child.stop(), troubles(self._database)
        for one in found:
            self._result.verdict.find("trouble", one)
        if code != 0 and not found:
            self._result.verdict.find("collector", f"ended with code {code}\n{child.tail()}")

    def _wait(self, enough: Callable[[], bool]) -> bool:
        """Until `enough`; False after the patience. Raises ChildError where a process ended on its own."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not enough():
            self._house.check()
            if self._collector is not None:
                self._collector.check()
            if time.monotonic() > deadline_s:
                return False
            time.sleep(0.2)
        return True

    def _is_whole(self, meter: str, after_us: int) -> bool:
        """Whether all records from the first to one that ends after `after_us` are there."""
        rows = intervals(self._database, meter)
        numbers = [seq for seq, _ in rows]
        if self._sabotage:
            return bool(rows) and rows[-1][1] > after_us
        return bool(rows) and rows[-1][1] > after_us and numbers == list(range(1, len(numbers) + 1))

    def _tails(self) -> str:
        collector = "" if self._collector is None else self._collector.tail(12)
        return f"daemon:\n{self._house.child('gateway').tail(12)}\ncollector:\n{collector}"

    def _house_us(self) -> int:
        return self._house.anchor.house_us(monotonic_us())

    def _judge(self) -> None:
        unread_us = int((self._longest_away_s + UNREAD_S) * SPEED * US_PER_S)
        for meter in (GRID, PRODUCTION):
            truth = TrueCount.read(self._house.truth(meter))
            received = collected(self._database, meter)
            self._result.verdict.add(
                judge_meter(received, truth, DIGITS[meter], interval_us=INTERVAL_US, unread_us=unread_us)
            )


def _numbers(rows: list[tuple[int, int]]) -> str:
    numbers = [seq for seq, _ in rows]
    missing = sorted(set(range(1, max(numbers, default=0) + 1)) - set(numbers))
    return f"{len(numbers)} records, the newest {max(numbers, default=0)}, missing {missing[:10]}"


_STRIKES: dict[Trouble, Callable[[DeliveryRound, DeliveryFault], str]] = {
    Trouble.OUTAGE: DeliveryRound._outage,
    Trouble.FLAPPING: DeliveryRound._flap,
    Trouble.LOST_PUBACKS: DeliveryRound._lose_pubacks,
    Trouble.HALF_PACKET: DeliveryRound._halve,
    Trouble.HALF_OPEN: DeliveryRound._freeze,
    Trouble.SLOW: DeliveryRound._slow_down,
    Trouble.TAKEOVER: DeliveryRound._take_over,
    Trouble.ACL: DeliveryRound._refuse,
    Trouble.RESTART: DeliveryRound._restart_broker,
    Trouble.AMNESIA: DeliveryRound._forget,
    Trouble.KILL_DAEMON: DeliveryRound._kill_daemon,
    Trouble.KILL_COLLECTOR: DeliveryRound._kill_collector,
}
_SIGNS: dict[Trouble, tuple[str, ...]] = {
    Trouble.OUTAGE: ("cut", "refused"),
    Trouble.FLAPPING: ("cut",),
    Trouble.LOST_PUBACKS: ("pubacks_lost",),
    Trouble.HALF_PACKET: ("halved",),
    Trouble.HALF_OPEN: ("swallowed",),
    Trouble.SLOW: ("delayed",),
    Trouble.TAKEOVER: ("told_to_go", "connections"),
    Trouble.ACL: (),
    Trouble.RESTART: (),
    Trouble.AMNESIA: (),
    Trouble.KILL_DAEMON: (),
    Trouble.KILL_COLLECTOR: (),
}
