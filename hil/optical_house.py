"""The simulated house with a grid meter that is read on its optical port (IEC 62056-21) instead of over SunSpec."""

from pathlib import Path

from .house import GRID, House
from .household import Feed

POLL_AT_LEAST_S = 5
"""A session with a readout lasts three seconds."""


class OpticalHouse(House):
    """`meter_options` are `hil.meters.optical`'s; `way` is what the daemon's config says beside the port."""

    meter_options: tuple[str, ...] = ("--mode=C",)
    way = 'profile = "optical-c-p01"'

    @property
    def grid_link(self) -> Path:
        """The path of the head's pty."""
        return self.folder / "optical-head"

    def start_meters(self) -> None:
        """Start both meters and write the daemon's config. Raises ChildError."""
        self.start_grid_meter()
        self.start_production_meter()
        self.config.write_text(self._config_text(0), encoding="utf-8")

    def start_grid_meter(self, tcp_port: int = 0) -> str:
        """Start the optical meter; the path of its pty. `tcp_port` means nothing here."""
        del tcp_port
        return self._start_meter(GRID, "optical", Feed.GRID, [f"--link={self.grid_link}", *self.meter_options])

    def _grid_way(self, grid_port: int) -> str:
        del grid_port
        poll_s = max(POLL_AT_LEAST_S, self._poll_s)
        return f'{self.way}\nport = "{self.grid_link}"\npoll_s = {poll_s}'
