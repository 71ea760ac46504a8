"""The daemon: every thread made, started, watched and ended. The only file that knows every concrete class.

    lines (a thread for each serial one, one for all TCP) -> ledger thread (validate, accumulate, commit)
    -> publisher thread -> broker
A thread that dies of a fault of ours ends the process with exit code 70, so that the supervisor starts it anew:
a daemon that looks alive and books nothing is worse than one that is gone.
"""

import faulthandler
import gc
import logging
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drivers import DriverError, MeterIdentity, SystemTicker
from drivers.meter_time import Timed
from drivers.recording import Tape

from . import __version__, places
from .bookkeeper import Bookkeeper
from .books import Books
from .clock import Clock, SystemClock
from .config.types import ClockSource, Config, GatewaySection, MeterSection
from .config.way import WayKind, way_of
from .control import Control, Handler
from .desk import open_books
from .endpoints import Endpoints
from .exchange_desk import answer_of
from .journal import OutboxIds
from .kernels import Kernel, service_kernel
from .ledger.lock import StoreLockedError
from .ledger.records import Record
from .ledger.store import SchemaOutdatedError, Store, StoreError
from .line import Line
from .log import event_line, logger
from .meter_clock import ClockMeter, MeterClock
from .meters import by_line, clock_meter, longest_request_s, open_line, silence_s
from .notify import Notifier
from .overheard import Overheard
from .publish.announcer import Announcer
from .publish.message import Topics
from .publish.publisher import Publisher
from .read import Reading
from .schedule import Schedule, phase_of
from .tariff.calendar import Calendar
from .tariff.tariff_file import load_tariff
from .timeline import Timeline
from .turns import LineMeter
from .view import delivery_view, meter_view, missing_lines, reading_view
from .watch import Watch

EXIT_OK, EXIT_CANNOT_START, EXIT_FAULT = 0, 1, 70
READ_NOW_WITHIN_S = 30.0
LINES_WITHIN_S = 5.0


class StartError(Exception):
    """The daemon cannot start; the message says why and what to do."""


class App:
    """One gateway: built whole or not at all, then `run` until a signal or a fault."""

    def __init__(self, config: Config, config_path: Path, clock: Clock) -> None:
        """Open everything. Raises StartError, gateway.config.load.ConfigError's kin for a tariff gone since."""
        self._config, self._clock = config, clock
        self._folder = config_path.resolve().parent
        self._started_us = clock.real_us()
        self._end: queue.SimpleQueue[None] = queue.SimpleQueue()  # may be put to by a signal handler: an Event may not
        self._fault: BaseException | None = None
        self._calendar = Calendar(load_tariff(config.accounting.tariff))
        self._overheard: dict[str, Overheard] = {}
        self._clock_meter: str | None = None
        if config.gateway.clock is ClockSource.METER:
            self._clock = clock = MeterClock(clock, self._calendar.zone, _stated_error_us(config.gateway))
            self._clock_meter = clock_meter(config.meter, self._folder)
        self._kernel: Kernel = service_kernel()
        self._store = self._open_store()
        try:
            topics = Topics(config.mqtt.base_topic, config.gateway.id)
            outbox_ids = OutboxIds(self._store.newest_outbox_id())
            self._books = {section.name: self._open_books(section, outbox_ids) for section in config.meter}
            self._lines = self._open_lines()
            self._line_of = {meter: line for line in self._lines for meter in line.meters}
            self._bookkeeper = Bookkeeper(
                config, self._store, self._books, topics, clock, self._ask_again, self._kernel.told()
            )
            self._publisher = Publisher(
                config.mqtt,
                topics,
                f"netmeter-{config.gateway.id}",
                clock,
                self._bookkeeper.want_rows,
                self._bookkeeper.acknowledge,
            )
            self._bookkeeper.attach(self._publisher, self._open_announcer(topics))
            self._control = self._open_control()
            self._watch = self._open_watch()
        except (StoreError, DriverError) as error:
            self._store.close()
            raise StartError(str(error)) from error
        except sqlite3.Error as error:
            self._store.close()
            raise StartError(f"store {self._store.path}: {error}") from error
        except BaseException:
            self._store.close()
            raise

    def run(self) -> int:
        """Run until SIGTERM, SIGINT or a fault. Returns the exit code."""
        threading.excepthook = self._on_fault
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda _number, _frame: self._end.put(None))
        threads: list[threading.Thread] = [self._bookkeeper, self._publisher, *self._lines, self._control]
        for thread in threads:
            thread.start()
        gc.collect()
        gc.freeze()  # what lives now lives to the end: keep the collector's pauses short
        logger.info(event_line("started", version=__version__, gateway=self._config.gateway.id, store=self._store.path))
        logger.info(event_line("kernel", build=self._kernel.build, library=self._kernel.path, why=self._kernel.why))
        self._keep_watch()
        return self._stop()

    def _keep_watch(self) -> None:
        """Feed the supervisor's watchdog until a signal or a fault."""
        while True:
            try:
                self._end.get(timeout=self._watch.pause_s)
            except queue.Empty:
                self._watch.turn()
            else:
                return

    def _open_watch(self) -> Watch:
        bookkeeper, publisher = self._bookkeeper, self._publisher
        return Watch(
            Notifier(places.notify_address()),
            places.watchdog_period_us(),
            [bookkeeper.pulse, publisher.pulse, *(line.pulse for line in self._lines), self._control.pulse],
            self._clock,
            lambda: missing_lines(publisher.delivery, self._config, bookkeeper.health.error, bookkeeper.live),
        )

    def _stop(self) -> int:
        """Lines first, then the broker's last words, then the last commit.

        All threads are daemonic: one that hangs (a silent meter, a disk) is waited for some seconds, not for ever.
        """
        for line in self._lines:
            line.stop()
        patience_s = LINES_WITHIN_S
        for line in self._lines:
            self._watch.ending()
            begun_us = self._clock.real_us()
            line.join(patience_s)
            patience_s = max(0.0, patience_s - (self._clock.real_us() - begun_us) / 1e6)
        self._publisher.stop()
        self._watch.ending()
        self._publisher.join(10)
        self._bookkeeper.stop()
        self._watch.ending()
        self._bookkeeper.join(20)
        self._control.close()
        if not self._bookkeeper.is_alive():
            self._store.close()
        if self._fault is not None:
            return EXIT_FAULT
        logger.info(event_line("stopped", gateway=self._config.gateway.id))
        return EXIT_OK

    def _on_fault(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is None:
            return
        thread = arguments.thread.name if arguments.thread is not None else "?"
        logger.critical(event_line("fault", thread=thread, why=arguments.exc_value), exc_info=arguments.exc_value)
        self._fault = arguments.exc_value
        self._end.put(None)

    def _open_store(self) -> Store:
        try:
            path = places.store_path(self._config)
        except places.PlaceError as error:
            raise StartError(str(error)) from error
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                return Store(path)
            except SchemaOutdatedError:
                _migrate(path)
                return Store(path)
        except (StoreLockedError, StoreError) as error:
            raise StartError(str(error)) from error
        except OSError as error:
            raise StartError(
                f"store {path}: {error.strerror}; set [store] path to a folder this user can write"
            ) from error

    def _open_books(self, section: MeterSection, outbox_ids: OutboxIds) -> Books:
        store = self._store
        return open_books(
            self._config, self._folder, section, store, self._calendar, self._kernel, outbox_ids, self._clock.rate
        )

    def _open_lines(self) -> list[Line | Endpoints]:
        """A thread for each serial line, and one for all TCP endpoints."""
        lines: list[Line | Endpoints] = []
        places: list[tuple[str, int, list[LineMeter]]] = []
        for name, sections in by_line(self._config.meter).items():
            way = way_of(sections[0])
            meters = self._open_meters(sections, len(places))
            if way.is_endpoint:
                places.append((way.host, way.tcp_port, meters))
            else:
                lines.append(Line(name, meters, self._clock, self._deliver, self._report_failure))
        if places:
            ticker = SystemTicker()
            lines.append(Endpoints(places, self._clock, ticker, self._deliver, self._report_failure))
        return lines

    def _open_meters(self, sections: list[MeterSection], endpoints_before: int) -> list[LineMeter]:
        meters = []
        line = open_line(sections, self._folder, SystemTicker())
        overheard = Overheard(lambda: line.link.counters.other_master, self._clock)
        for meter, polled in line.meters.items():
            if way_of(sections[0]).kind is not WayKind.TCP:  # where nobody else can be heard
                self._overheard[meter] = overheard
            if meter == self._clock_meter and isinstance(self._clock, MeterClock) and isinstance(polled, Timed):
                polled = ClockMeter(polled, self._clock)
            section = next(one for one in sections if one.name == meter)
            poll_us = section.poll_s * 1_000_000
            # Endpoints are read by one thread: spread, none waits for the others. Meters of a line take turns anyway.
            phase = phase_of(endpoints_before, poll_us) if way_of(section).is_endpoint else 0
            schedule = Schedule(poll_us, polled.update_lag_us, self._clock.rate, name=meter, phase_us=phase)
            timeline = Timeline(self._calendar, self._config.accounting.interval_min)
            request_s = longest_request_s(section, sections)
            meters.append(
                LineMeter(
                    meter,
                    polled,
                    schedule,
                    timeline,
                    request_within_s=request_s,
                    silence_s=silence_s(section, sections),
                    identity_every_us=section.identity_every_s * 1_000_000,
                )
            )
        return meters

    def _deliver(self, reading: Reading) -> None:
        self._tell_other_master(reading.meter)
        self._bookkeeper.deliver(reading)

    def _report_failure(self, meter: str, why: str) -> None:
        self._tell_other_master(meter)
        self._bookkeeper.report_failure(meter, why)

    def _tell_other_master(self, meter: str) -> None:
        """In the line's own thread, after each turn."""
        overheard = self._overheard.get(meter)
        if overheard is not None and (requests := overheard.news()) is not None:
            self._bookkeeper.report_event(meter, "other_master", {"requests": requests})

    def _open_announcer(self, topics: Topics) -> Callable[[str, Record], None] | None:
        if not self._config.mqtt.discovery:
            return None
        announcer = Announcer(self._config, topics, self._publisher, self._identity_of)
        announcer.start(self._store.meter_names())
        return announcer.announce

    def _open_control(self) -> Control:
        try:
            path = places.socket_path(self._config)
            handlers: dict[str, Handler] = {
                "status": lambda _request: self._status(),
                "read": self._read_now,
                "meter_replace": lambda request: answer_of(self._bookkeeper, self._books, request),
            }
            return Control(path, handlers, self._clock)
        except places.PlaceError as error:
            raise StartError(f"control socket: {error}") from error
        except OSError as error:
            mend = "set XDG_RUNTIME_DIR to a folder that this user can write"
            raise StartError(f"control socket: {error}; {mend}") from error

    def _ask_again(self, meter: str) -> None:
        self._line_of[meter].ask_again(meter)

    def _identity_of(self, meter: str) -> MeterIdentity | None:
        return self._line_of[meter].meters[meter].identity

    def _read_now(self, request: Any) -> dict[str, Any]:
        """Answer of `netmeter read`: through the line's own thread, between two polls."""
        name = str(request.get("meter", ""))
        line = self._line_of.get(name)
        if line is None:
            return {"error": f"no meter {name}; known: " + ", ".join(self._line_of)}
        tape = Tape() if request.get("record") else None
        try:
            answer = line.read_now(name, tape).get(timeout=READ_NOW_WITHIN_S)
        except queue.Empty:
            return {"error": f"meter {name}: its line did not come to it within {READ_NOW_WITHIN_S:.0f} s"}
        recording = {} if tape is None else {"recording": tape.recording().text()}
        if isinstance(answer, DriverError):
            return {"error": f"{type(answer).__name__}: {answer}", **recording}
        return {**reading_view(*answer, line.meters[name].polled.registers), **recording}

    def _status(self) -> dict[str, Any]:
        """Answer of `netmeter status`: what the ledger thread sees between two turns."""
        own = {
            "uptime_s": (self._clock.real_us() - self._started_us) // 1_000_000,
            **self._kernel.told(),
            "delivery": delivery_view(self._publisher.delivery, self._config),
        }
        try:
            return {**self._bookkeeper.call(self._ledger_view), **own}
        except queue.Empty:
            return {"error": "the ledger thread does not answer: is the disk hung?", **own}

    def _ledger_view(self) -> dict[str, Any]:
        now_us, live = self._clock.real_us(), self._bookkeeper.live
        meters = [meter_view(books, live[name], now_us) for name, books in self._books.items()]
        return {**self._bookkeeper.health_record(), "meters": meters}


def run(config: Config, *, config_path: Path, clock: Clock | None = None) -> int:
    """Run a gateway until it is told to stop. `clock` is for `hil` alone: `netmeter run` has none to give.

    Returns 0 after SIGTERM or SIGINT, 1 if it cannot start (the reason is on stderr), 70 after a fault of its own.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    faulthandler.enable()  # a watchdog's SIGABRT leaves on stderr what each thread was doing
    os.umask(0o077)  # the ledger is a profile of somebody's days: nobody else's to read
    try:
        app = App(config, config_path, clock or _system_clock(config.gateway))
    except StartError as error:
        print(f"netmeter: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_CANNOT_START
    return app.run()


def _system_clock(section: GatewaySection) -> SystemClock:
    return SystemClock(section.clock, _stated_error_us(section))


def _stated_error_us(section: GatewaySection) -> int | None:
    return section.clock_error_s * 1_000_000 or None


def _migrate(path: Path) -> None:
    """Make or migrate the store in a process of its own: sqlite-utils brings numpy, and must not stay in ours."""
    command = [sys.executable, "-m", "gateway.cli", "migrate", str(path)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise StartError(f"cannot make the store {path}: {outcome.stderr.strip() or outcome.stdout.strip()}")
