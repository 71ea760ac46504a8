"""A whole simulated house as processes: a broker, two meters and the real daemon, in one folder.

The grid meter is a SunSpec 203 over Modbus TCP, the array's an SDM630 over Modbus RTU on a pty. Everything it starts it
ends, by pid. Knows the config's shape, and nothing of what the daemon makes of it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from .broker import Broker, BrokerKind
from .house_time import US_PER_S, Anchor
from .household import ZONE, Feed
from .process import Child

# A Tuesday in summer, ten minutes before the peak hours begin.
DAY_START_US = int(datetime(2025, 7, 15, 15, 50, tzinfo=ZONE).timestamp()) * US_PER_S
DEFAULT_SEED = 11
GATEWAY_ID = "demo"
BASE_TOPIC = "netmeter"
TARIFF = "pge-e-tou-c"
GRID, PRODUCTION = "grid", "array"


class House:
    """The processes of one house. `speed` house seconds pass in a real second."""

    def __init__(
        self,
        folder: Path,
        *,
        speed: int,
        seed: int = DEFAULT_SEED,
        start_utc_us: int = DAY_START_US,
        broker_kind: BrokerKind | None = None,
        interval_min: int = 15,
        commit_every_s: int | None = None,
        broker_persistent: bool = False,
    ) -> None:
        """Take a folder (it must exist); starts nothing. `broker_persistent`: sessions outlive the broker's restart."""
        self.folder = folder
        self.seed = seed
        self.anchor = Anchor.now(start_utc_us, speed)
        self.broker = Broker(folder, kind=broker_kind, persistent=broker_persistent)
        self.config = folder / "gateway.toml"
        self.store = folder / "ledger.sqlite"
        self.production_link = folder / "array-meter"
        self._interval_min = interval_min
        self._commit_every_s = commit_every_s or min(600, max(60, 2 * speed))
        self._children: dict[str, Child] = {}

    def truth(self, meter: str) -> Path:
        """The truth file of a meter: for an oracle only."""
        return self.folder / f"truth-{meter}.csv"

    def log(self, name: str) -> Path:
        """The log file of a process."""
        return self.folder / f"{name}.log"

    def start(self) -> None:
        """Start all; returns when broker and meters serve and the daemon runs. Raises ChildError."""
        self.broker.start()
        self.start_meters()
        self.start_daemon()

    def start_meters(self) -> None:
        """Start both meters and write the daemon's config. Raises ChildError."""
        grid_address = self.start_grid_meter()
        self.start_production_meter()
        self.config.write_text(self._config_text(int(grid_address.rpartition(":")[2])), encoding="utf-8")

    def start_grid_meter(self, tcp_port: int = 0) -> str:
        """Start the SunSpec meter; its HOST:PORT."""
        return self._start_meter(GRID, "sunspec_tcp", Feed.GRID, [f"--tcp-port={tcp_port}"])

    def start_production_meter(self, *more_options: str) -> str:
        """Start the SDM630 (`more_options` are `sdm630_rtu`'s); the path of its pty."""
        options = [f"--link={self.production_link}", *more_options]
        return self._start_meter(PRODUCTION, "sdm630_rtu", Feed.PRODUCTION, options)

    def start_daemon(
        self, *more_options: str, prefix: Sequence[str] = (), extra_env: Mapping[str, str] | None = None
    ) -> Child:
        """Start the daemon, or start it anew after `stop_child` or a kill.

        `more_options` are `gateway_process`'s; `prefix` is put before the command (a tracer that keeps its pid).
        """
        places = {
            # Its socket and store belong into this folder, whatever else runs on this machine.
            "XDG_RUNTIME_DIR": str(self._subfolder("run")),
            "XDG_STATE_HOME": str(self._subfolder("state")),
            "RUNTIME_DIRECTORY": "",
            "STATE_DIRECTORY": "",
            # Whoever supervises this process does not supervise its children.
            "NOTIFY_SOCKET": "",
            "WATCHDOG_USEC": "",
            **(extra_env or {}),
        }
        options = [f"--config={self.config}", *self.anchor.options(), *more_options]
        child = Child.python("gateway", "hil.gateway_process", options, self.log("gateway"), places, prefix)
        self._children["gateway"] = child
        return child

    def child(self, name: str) -> Child:
        """The process "gateway", "grid" or "array". Raises KeyError before it was started."""
        return self._children[name]

    def check(self) -> None:
        """Raise ChildError if any process has ended on its own."""
        self.broker.child.check()
        for child in self._children.values():
            child.check()

    def stop_child(self, name: str) -> None:
        """End one process; `check` no longer expects it."""
        child = self._children.pop(name, None)
        if child is not None:
            child.stop()

    def stop(self) -> None:
        """End all, the daemon first, so that it can still say good-bye to the broker. Harmless when repeated."""
        for name in ("gateway", GRID, PRODUCTION):
            self.stop_child(name)
        self.broker.stop()

    def _start_meter(self, name: str, module: str, feed: Feed, options: list[str]) -> str:
        common = [f"--seed={self.seed}", f"--feed={feed}", f"--truth={self.truth(name)}", *self.anchor.options()]
        child = Child.python(f"meter {name}", f"hil.meters.{module}", [*common, *options], self.log(f"meter-{name}"))
        self._children[name] = child
        return child.wait_ready()

    def _subfolder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    @property
    def _poll_s(self) -> int:
        """A little over a real second: `state` goes out at most once a real second, and each reading shall be seen."""
        return self.anchor.speed + max(1, self.anchor.speed // 10)

    def _grid_way(self, grid_port: int) -> str:
        """How the grid meter is read: the lines of its [[meter]] that say so."""
        return f'profile = "sunspec"\nhost = "{self.broker.host}"\ntcp_port = {grid_port}\npoll_s = {self._poll_s}'

    def _config_text(self, grid_port: int) -> str:
        return f"""\
[gateway]
id = "{GATEWAY_ID}"
clock = "ntp"

[store]
path = "{self.store}"
commit_every_s = {self._commit_every_s}

[mqtt]
host = "{self.broker.host}"
port = {self.broker.port}
base_topic = "{BASE_TOPIC}"
state_every_s = 1

[accounting]
tariff = "{TARIFF}"
interval_min = {self._interval_min}

[[meter]]
name = "{GRID}"
{self._grid_way(grid_port)}
role = "grid"
register = "own"
service_amps = 100
service_volts = 240

[[meter]]
name = "{PRODUCTION}"
profile = "eastron-sdm630"
role = "production"
register = "own"
service_amps = 50
service_volts = 240
port = "{self.production_link}"
baud_bd = 9600
poll_s = {self._poll_s}
"""
