"""A daemon with a config of one's own, its broker, and devices that are not a house's: for benches and long lines.

Everything it starts it ends, by pid.
"""

from pathlib import Path

from .broker import BrokerKind
from .house import BASE_TOPIC, DAY_START_US, TARIFF, House
from .process import Child


class Site(House):
    """`meters` is the [[meter]] part of the config; the devices are the caller's to start, with `start_device`."""

    def __init__(
        self,
        folder: Path,
        *,
        speed: int = 1,
        start_utc_us: int = DAY_START_US,
        interval_min: int = 15,
        broker_kind: BrokerKind | None = None,
    ) -> None:
        """Take a folder (it must exist); starts nothing."""
        super().__init__(
            folder, speed=speed, start_utc_us=start_utc_us, interval_min=interval_min, broker_kind=broker_kind
        )
        self._site_interval_min = interval_min
        self._devices: list[Child] = []

    def start_device(self, name: str, module: str, options: list[str]) -> tuple[Child, str]:
        """Start a device as a process; itself, and what its ready line says. Raises ChildError."""
        device = Child.python(name, module, options, self.log(name.replace(" ", "-")))
        self._devices.append(device)
        return device, device.wait_ready()

    def write_config(self, meters: str, *, commit_every_s: int = 60) -> None:
        """The daemon's config with these meters."""
        self.config.write_text(
            f"""\
[gateway]
id = "site"
clock = "ntp"

[store]
path = "{self.store}"
commit_every_s = {commit_every_s}

[mqtt]
host = "{self.broker.host}"
port = {self.broker.port}
base_topic = "{BASE_TOPIC}"

[accounting]
tariff = "{TARIFF}"
interval_min = {self._site_interval_min}

{meters}""",
            encoding="utf-8",
        )

    def stop(self) -> None:
        """End all, the daemon first. Harmless when repeated."""
        super().stop()
        while self._devices:
            self._devices.pop().stop()
