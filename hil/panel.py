"""How the demo looks: a panel redrawn in place on a terminal, plain lines elsewhere.

Draws a `Picture`; decides nothing and asks nobody for anything.
"""

import shutil
from collections import deque
from datetime import datetime
from typing import Protocol, TextIO

from .house_time import US_PER_S
from .household import ZONE
from .picture import DIRECTIONS, MeterPicture, Picture, clock_text, kwh

NEWS_LINES = 7
_BOLD, _DIM, _PLAIN, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[1m", "\x1b[2m", "\x1b[0m", "\x1b[K", "\x1b[J"
_SMALL_PRINT = "        "


class Screen(Protocol):
    """Something that shows a picture."""

    def tell(self, news: str) -> None:
        """A line worth telling."""
        ...

    def show(self, picture: Picture, house_us: int) -> None:
        """The picture as it is now."""
        ...


class PlainScreen:
    """Plain lines: the news, and a line a meter whenever its reading is new."""

    def __init__(self, sink: TextIO) -> None:
        self._sink = sink
        self._shown_us: dict[str, int] = {}

    def tell(self, news: str) -> None:
        print(f"* {news}", file=self._sink, flush=True)

    def show(self, picture: Picture, _house_us: int) -> None:
        for name, meter in picture.meters.items():
            if meter.accounts and meter.time_utc_us != self._shown_us.get(name):
                self._shown_us[name] = meter.time_utc_us
                print(f"{clock_text(meter.time_utc_us)} {_meter_line(name, meter)}", file=self._sink, flush=True)


class PanelScreen:
    """A live panel that stays in its place on a terminal."""

    def __init__(self, sink: TextIO, title: str) -> None:
        self._sink = sink
        self._title = title
        self._news: deque[str] = deque(maxlen=NEWS_LINES)
        self._height = 0

    def tell(self, news: str) -> None:
        self._news.append(news)

    def show(self, picture: Picture, house_us: int) -> None:
        width = shutil.get_terminal_size().columns
        lines = [*panel_lines(picture, house_us, self._title), "", *self._news]
        back = f"\x1b[{self._height}A" if self._height else ""
        text = "".join(f"{_styled(line, index, width)}{_CLEAR_LINE}\n" for index, line in enumerate(lines))
        self._sink.write(f"{back}\r{text}{_CLEAR_BELOW}")
        self._sink.flush()
        self._height = len(lines)


def panel_lines(picture: Picture, house_us: int, title: str) -> list[str]:
    """The panel's text, without colours."""
    day = datetime.fromtimestamp(house_us // US_PER_S, ZONE).strftime("%A %Y-%m-%d %H:%M:%S %Z")
    lines = [f"{day}   {title}", ""]
    for name, meter in picture.meters.items():
        if not meter.accounts:
            lines.append(f"{name:<8} {'online' if meter.online else 'offline'}, no reading yet")
            continue
        lines.append(_meter_line(name, meter))
        lines.extend(_bucket_lines(meter))
    gateway = "online" if picture.gateway_online else "offline"
    verdict = "holds" if not picture.faults else f"BROKEN: {picture.faults[0]}"
    lines.append("")
    lines.append(f"gateway {gateway}   {picture.states} states, {picture.intervals} intervals, {picture.events} events")
    lines.append(f"law checked {picture.law_checks} times: {verdict}")
    return lines


def _meter_line(name: str, meter: MeterPicture) -> str:
    registers = "  ".join(
        f"{direction} {kwh(meter.accounts[direction].register_milliwh):>11} kWh"
        for direction in DIRECTIONS
        if direction in meter.accounts
    )
    return f"{name:<7} {meter.bucket:<16}{registers}  {power_text(meter.power_milliw)}"


def power_text(power_milliw: int | None) -> str:
    """Power with its direction in words."""
    if power_milliw is None:
        return "power not told"
    return f"{kwh(abs(power_milliw)):>7} kW {'export' if power_milliw < 0 else 'import'}"


def _bucket_lines(meter: MeterPicture) -> list[str]:
    """A line a bucket: what this gateway has booked in it, each direction."""
    used = {bucket for account in meter.accounts.values() for bucket in account.used_milliwh}
    names = sorted(used | {meter.bucket})
    lines = []
    for bucket in names:
        booked = "  ".join(
            f"{direction} {kwh(account.buckets_milliwh.get(bucket, 0)):>11} kWh"
            for direction, account in meter.accounts.items()
        )
        lines.append(f"      {'>' if bucket == meter.bucket else ' '} {bucket:<16}{booked}")
    unassigned = {direction: account.unassigned_milliwh for direction, account in meter.accounts.items()}
    uncertain = {direction: account.uncertain_milliwh for direction, account in meter.accounts.items()}
    for what, energies in (("unassigned", unassigned), ("uncertain", uncertain)):
        told = "  ".join(f"{direction} {kwh(energy):>11} kWh" for direction, energy in energies.items())
        lines.append(f"{_SMALL_PRINT}{what:<16}{told}")
    return lines


def _styled(line: str, index: int, width: int) -> str:
    """The line cut to the terminal; the title bold, the small print dim."""
    cut = line[: max(20, width - 1)]
    if index == 0 or ">" in cut[: len(_SMALL_PRINT)]:
        return f"{_BOLD}{cut}{_PLAIN}"
    return f"{_DIM}{cut}{_PLAIN}" if cut.startswith(_SMALL_PRINT) else cut
