"""The demo: a simulated house, read by the real daemon, and shown as a second MQTT client sees it.

What is shown comes from the broker and from nowhere else. Fails if nothing came through it, if the law was broken in
any message, or if a process ended on its own; names the log then. Ends everything it started.
"""

import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .broker import BrokerKind
from .folder import make_folder
from .house import BASE_TOPIC, House
from .house_time import monotonic_us
from .optical_house import OpticalHouse
from .panel import PanelScreen, PlainScreen, Screen
from .picture import Picture, clock_text
from .process import ChildError
from .watcher import Message, Watcher

EXIT_OK, EXIT_FAILED = 0, 1
REDRAW_S = 0.2
LAST_WORDS_S = 0.5


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the user may choose. `duration_s` None: until Ctrl-C."""

    duration_s: float | None
    speed: int
    seed: int
    keep: bool
    broker: BrokerKind | None
    is_optical: bool = False
    """The grid meter is read on its optical port."""


def run_demo(options: DemoOptions) -> int:
    """Run it; the exit code: 0, or 1 when it failed (the message says how)."""
    # SIGTERM leaves by the same door as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = make_folder("demo")
    picture, failure = Picture(), ""
    kind = OpticalHouse if options.is_optical else House
    house = kind(folder, speed=options.speed, seed=options.seed, broker_kind=options.broker)
    watcher: Watcher | None = None
    try:
        _say_hello(house, options)
        house.start()
        screen = _screen(house)
        watcher = Watcher(house.broker.host, house.broker.port, BASE_TOPIC)
        _watch(house, watcher, picture, screen, options.duration_s)
    except KeyboardInterrupt:
        pass
    except (ChildError, OSError) as error:
        failure = str(error)
    finally:
        # The second Ctrl-C must not leave processes behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        house.stop_child("gateway")
        if watcher is not None:
            _take_rest(watcher, picture)
            watcher.close()
        house.stop()
    return _conclude(folder, picture, failure, options.keep)


def _watch(house: House, watcher: Watcher, picture: Picture, screen: Screen, duration_s: float | None) -> None:
    """Show what comes until the time is over. Raises ChildError."""
    until_s = None if duration_s is None else time.monotonic() + duration_s
    drawn_s = 0.0
    while until_s is None or time.monotonic() < until_s:
        message = watcher.next(REDRAW_S)
        if message is not None:
            for news in picture.take(message.topic, message.payload):
                screen.tell(news)
        if message is None or time.monotonic() - drawn_s >= REDRAW_S:
            house.check()
            screen.show(picture, house.anchor.house_us(monotonic_us()))
            drawn_s = time.monotonic()


def _take_rest(watcher: Watcher, picture: Picture) -> None:
    """What the daemon said when it was ended, and what still lay in the queue."""
    message: Message | None
    while (message := watcher.next(LAST_WORDS_S)) is not None:
        picture.take(message.topic, message.payload)


def _screen(house: House) -> Screen:
    if not sys.stdout.isatty():
        return PlainScreen(sys.stdout)
    broker = house.broker
    return PanelScreen(sys.stdout, f"{house.anchor.speed}x   {broker.kind.value} on {broker.host}:{broker.port}")


def _say_hello(house: House, options: DemoOptions) -> None:
    broker = house.broker
    speed, start = options.speed, clock_text(house.anchor.start_utc_us)
    pace = "in real time" if speed == 1 else f"{speed} times as fast as life"
    print(f"A simulated house, seed {options.seed}, from {start} on a summer weekday, {pace}.")
    if speed > 1:
        print(f"A reading's window is {speed} times as wide too, and so is what is uncertain at an edge.")
    print(f"Broker: {broker.kind.value}, a private process on {broker.host}:{broker.port}.")
    if broker.kind is BrokerKind.AMQTT:
        print("(amqtt is the stand-in: mosquitto was not found or not wanted.)")
    print(f"Folder: {house.folder}. Ctrl-C ends it.", flush=True)


def _conclude(folder: Path, picture: Picture, failure: str, keep: bool) -> int:
    print()
    for name, meter in picture.meters.items():
        for direction, account in meter.accounts.items():
            shares = [*sorted(account.used_milliwh.items()), ("unassigned", account.unassigned_milliwh)]
            told = " + ".join(f"{bucket} {energy}" for bucket, energy in shares)
            print(f"{name} {direction}: {account.flowed_milliwh} mWh by the register = {told} mWh")
    print(f"Through the broker: {picture.states} states, {picture.intervals} intervals, {picture.events} events.")
    if not failure and picture.law_checks == 0:
        failure = f"no reading came through the broker; see {folder}/gateway.log"
    if not failure and picture.faults:
        failure = f"{len(picture.faults)} messages broke the contract, the first: {picture.faults[0]}"
    if not failure:
        checks = picture.law_checks
        print(f"The law, buckets + unassigned == earlier epochs + register - epoch first: {checks} checks, all exact.")
    if failure or keep:
        print(f"Kept: {folder}")
    else:
        shutil.rmtree(folder)
    if failure:
        print(f"The demo failed: {failure}", file=sys.stderr)
    return EXIT_FAILED if failure else EXIT_OK
