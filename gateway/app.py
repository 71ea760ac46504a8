"""The daemon: every thread made, started, watched and ended. The only file that knows every thread.

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
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from drivers import DriverError

from . import __version__, places
from .bookkeeping.books import Books
from .bookkeeping.desk import open_books
from .bookkeeping.journal import OutboxIds
from .clock import Clock, SystemClock
from .config.types import ClockSource, Config, GatewaySection, MeterSection
from .daemon import interval_desk, interval_rows
from .daemon.account_desk import AccountDesk, withdraw_accounts
from .daemon.account_process import AccountProcess
from .daemon.accounts import Accounts, accounts_of
from .daemon.backfill_desk import serve_consumers
from .daemon.bookkeeper import Bookkeeper
from .daemon.control import Control, Handler
from .daemon.exchange_desk import answer_of
from .daemon.notify import Notifier
from .daemon.own_store import StartError, open_store
from .daemon.recompute_desk import RecomputeDesk
from .daemon.status_desk import StatusDesk
from .daemon.view import missing_lines
from .daemon.watch import Watch
from .kernels import Kernel, service_kernel
from .ledger.ballast import Ballast
from .ledger.records import Record
from .ledger.store_error import StoreError
from .log import event_line, logger
from .publish.announcer import Announcer, withdraw
from .publish.message import Topics
from .publish.publisher import Publisher
from .reading.lines import Lines
from .reading.meter_clock import MeterClock
from .reading.meters import clock_meter
from .reading.read import Reading
from .tariff.calendar import Calendar
from .tariff.tariff_file import load_tariff

EXIT_OK, EXIT_CANNOT_START, EXIT_FAULT = 0, 1, 70
LINES_WITHIN_S = 5.0
BACKUP_ANSWER_S = 30.0


class App:
    """One gateway: built whole or not at all, then `run` until a signal or a fault."""

    def __init__(self, config: Config, config_path: Path, clock: Clock) -> None:
        """Open everything. Raises StartError, gateway.config.load.ConfigError's kin for a tariff gone since."""
        self._config, self._clock = config, clock
        self._folder = config_path.resolve().parent
        self._started_us = clock.real_us()
        self._end: queue.SimpleQueue[None] = queue.SimpleQueue()  # may be put to by a signal handler: an Event may not
        self._fault: BaseException | None = None
        self._again = False
        self._calendar = Calendar(load_tariff(config.accounting.tariff))
        told_by: str | None = None
        if config.gateway.clock is ClockSource.METER:
            self._clock = clock = MeterClock(clock, self._calendar.zone, _stated_error_us(config.gateway))
            told_by = clock_meter(config.meter, self._folder)
        self._kernel: Kernel = service_kernel()
        self._store = open_store(config, clock)
        try:
            mqtt = config.mqtt
            topics = Topics(mqtt.base_topic, config.gateway.id, mqtt.gateway_topic, mqtt.meter_topic)
            outbox_ids = OutboxIds(self._store.newest_outbox_id())
            self._books = {section.name: self._open_books(section, outbox_ids) for section in config.meter}
            self._bookkeeper = Bookkeeper(
                config,
                self._store,
                self._books,
                topics,
                clock,
                self._ask_again,
                self._kernel.told(),
                Ballast(self._store.path),
            )
            self._lines = Lines(config, self._folder, self._calendar, clock, self._bookkeeper, told_by, self._last_of)
            for meter, witness in self._lines.witnesses.items():
                self._books[meter].witness = witness
            for meter, pace in self._lines.paces.items():
                self._books[meter].pace = pace
            self._publisher = Publisher(
                config.mqtt,
                topics,
                f"netmeter-{config.gateway.id}",
                clock,
                self._bookkeeper.want_rows,
                self._bookkeeper.acknowledge,
            )
            self._publisher.on_twin = lambda times: self._bookkeeper.tell_everywhere("id_in_use", {"times": times})
            self._bookkeeper.attach(self._publisher, self._open_announcer(topics))
            serve_consumers(config.gateway.id, topics, self._publisher, self._bookkeeper, self._store)
            withdraw(self._publisher, topics, set(self._store.meter_names()) - self._books.keys())
            self._bookkeeper.upkeep.on_damage = self._begin_again
            self._reckoner = AccountProcess(config_path.resolve())
            self._accounts = self._open_accounts(topics)
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
        threads: list[threading.Thread] = [self._bookkeeper, self._publisher, *self._lines.threads, self._control]
        threads += self._accounts
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
            [bookkeeper.pulse, publisher.pulse, *(line.pulse for line in self._lines.threads), self._control.pulse],
            self._clock,
            lambda: missing_lines(publisher.delivery, self._config, bookkeeper.health.error, bookkeeper.live),
        )

    def _stop(self) -> int:
        """Lines first, then the broker's last words, then the last commit.

        All threads are daemonic: one that hangs (a silent meter, a disk) is waited for some seconds, not for ever.
        """
        for accounts in self._accounts:
            accounts.stop()
        self._reckoner.stop()
        for line in self._lines.threads:
            line.stop()
        patience_s = LINES_WITHIN_S
        for line in self._lines.threads:
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
        if self._again:
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # the same process, from the beginning
        logger.info(event_line("stopped", gateway=self._config.gateway.id))
        return EXIT_OK

    def _on_fault(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is None:
            return
        thread = arguments.thread.name if arguments.thread is not None else "?"
        logger.critical(event_line("fault", thread=thread, why=arguments.exc_value), exc_info=arguments.exc_value)
        self._fault = arguments.exc_value
        self._end.put(None)

    def _begin_again(self) -> None:
        """The store was found damaged: end in good order and start anew, which sets it aside."""
        self._again = True
        self._end.put(None)

    def _open_books(self, section: MeterSection, outbox_ids: OutboxIds) -> Books:
        store = self._store
        return open_books(
            self._config, self._folder, section, store, self._calendar, self._kernel, outbox_ids, self._clock.rate
        )

    def _open_announcer(self, topics: Topics) -> Callable[[str, Record], None] | None:
        if not self._config.mqtt.discovery:
            return None
        announcer = Announcer(self._config, topics, self._publisher, self._lines.identity_of)
        announcer.start(self._store.meter_names())
        return announcer.announce

    def _open_accounts(self, topics: Topics) -> list[Accounts]:
        """One thread, where there are accounts; none otherwise."""
        names, told_as = [one.name for one in self._config.account], self._config.mqtt.discovery_prefix
        discovery, offer = (told_as, self._config.gateway.id), self._publisher.offer_retained
        withdraw_accounts(names, self._bookkeeper, self._store, topics, discovery, offer)
        if not self._config.account:
            return []
        desk = AccountDesk(self._bookkeeper, self._books, self._store, self._clock)
        calendar, offer = Calendar(self._calendar.tariff), self._publisher.offer_retained
        made = accounts_of(self._config, calendar, self._clock, topics, self._reckoner.reckon, offer, desk)
        self._bookkeeper.on_stored = made.hear_closed
        return [made]

    def _status_desk(self) -> StatusDesk:
        return StatusDesk(
            self._config,
            self._clock,
            self._kernel,
            self._bookkeeper,
            self._books,
            self._lines,
            self._publisher,
            self._started_us,
        )

    def _open_control(self) -> Control:
        try:
            path = places.socket_path(self._config)
            handlers: dict[str, Handler] = {
                "status": self._status_desk().answer,
                "read": self._lines.read_now,
                interval_rows.COMMAND: lambda request: interval_desk.answer_of(self._bookkeeper, self._store, request),
                "backup": lambda request: self._bookkeeper.call(
                    lambda: self._bookkeeper.upkeep.backup(str(request.get("do"))), BACKUP_ANSWER_S
                ),
                "recompute": RecomputeDesk(self._bookkeeper, self._books, self._store, self._calendar).answer,
                "probe": self._lines.probe,
                "meter_replace": lambda request: answer_of(self._bookkeeper, self._books, request),
            }
            return Control(path, handlers, self._clock)
        except places.PlaceError as error:
            raise StartError(f"control socket: {error}") from error
        except OSError as error:
            mend = "set XDG_RUNTIME_DIR to a folder that this user can write"
            raise StartError(f"control socket: {error}; {mend}") from error

    def _last_of(self, meter: str) -> Reading | None:
        return self._books[meter].last_accepted

    def _ask_again(self, meter: str) -> None:
        self._lines.ask_again(meter)


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
