"""A collector's database as its one writer sees it: messages in, each record once, with its position in one commit.

Never changes a record that is there: a second content under one identity is kept beside it as trouble, and so is all
that shows two gateways of one id. Nothing is acknowledged from here; what may be is returned.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ...collect.heard import Answer, Faulty, Head, Heard, Kind, Live, Record, Series
from .. import chain
from ..rows import summed
from .bounds import Bounds
from .positions import Gap, Positions
from .tables import ENERGIES, INTERVAL, leave_out, open_to_write

STATES_KEPT = 32
TROUBLES_MOST = 1000
UNKNOWN_THERE, DAMAGED, NOT_WRITTEN = ("no_such_meter", "no_such_epoch"), "damaged", "not_written"
"""Why records cannot be had, now and later: none of a series, or some of it. Other reasons pass."""
_FIELDS = (
    *("supersedes", "start_utc_us", "end_utc_us", "register_epoch", "bucket", "quality"),
    *(*ENERGIES, "previous_hash", "hash"),
)
_PUT_INTERVAL = (
    f"INSERT INTO interval ({', '.join(INTERVAL)}, crc, payload) VALUES ({', '.join('?' * (len(INTERVAL) + 2))})"
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a person has to look at; `payload` is kept in the database."""

    gateway: str
    meter: str
    what: str
    detail: str
    payload: str


@dataclass(slots=True)
class Applied:
    """What became of a batch, once it is on disk."""

    new: int = 0
    repeated: int = 0
    positions: dict[Series, int] = field(default_factory=dict)
    """Series that moved, each with the `seq` up to which all is here."""
    troubles: list[Trouble] = field(default_factory=list)
    """New ones."""


class Collection:
    """The open database. Used by one thread; raises sqlite3.Error where a commit fails."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises StoreLockedError, StoreError, OSError."""
        self._connection, self._lock = open_to_write(path)
        self._positions, self._bounds = Positions(self._connection), Bounds(self._connection)
        self._meters: set[tuple[str, str, str]] = set()

    def close(self) -> None:
        """Close the file and let go of the lock."""
        self._connection.close()
        self._lock.release()

    def apply(self, batch: Iterable[Heard]) -> Applied:
        """Put in what is new of a batch: all in one transaction, or nothing. Raises sqlite3.Error."""
        applied = Applied()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for one in batch:
                self._take(one, applied)
            applied.positions = self._positions.advance()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._positions.forget()
            self._bounds.forget()
            self._meters.clear()
            raise
        return applied

    def positions(self) -> dict[Series, int]:
        """Of every series the `seq` up to which all is here."""
        return self._positions.all_upto()

    def gaps(self) -> list[Gap]:
        """Of each series the first stretch that is not here."""
        return self._positions.gaps()

    def dismiss(self, trouble_id: int) -> None:
        """A person has looked at it. Raises sqlite3.Error."""
        self._connection.execute("UPDATE trouble SET dismissed = 1 WHERE trouble_id = ?", (trouble_id,))

    def leave_out(self, store_epoch: str, wanted: bool) -> None:
        """A person wants a store's records in no bill, or in them again. Raises sqlite3.Error."""
        leave_out(self._connection, store_epoch, wanted)

    def _take(self, one: Heard, applied: Applied) -> None:
        if not isinstance(one, Faulty):
            of = one.series if isinstance(one, Record | Answer) else one
            if why := self._bounds.refusal(of.gateway, of.meter, of.store_epoch):
                self._trouble(Trouble(of.gateway, "", "too_many", why, ""), applied)
                return
        match one:
            case Record():
                self._take_record(one, applied)
            case Head():
                self._take_head(one)
            case Live():
                self._take_live(one, applied)
            case Answer():
                self._take_answer(one)
            case Faulty():
                self._trouble(Trouble(one.gateway, one.meter, "faulty", one.why, one.payload), applied)

    def _take_record(self, record: Record, applied: Applied) -> None:
        series = record.series
        series_id = self._positions.enter(series)
        self._enter_epoch(series.gateway, series.meter, series.store_epoch)
        row = self._connection.execute(
            f"SELECT payload FROM {series.kind.value} WHERE series_id = ? AND seq = ?", (series_id, record.seq)
        ).fetchone()
        if row is not None:
            if row[0] == record.payload:
                applied.repeated += 1
            else:
                self._refuse(record, "changed", "came again with another content", applied)
            return
        if series.kind is Kind.EVENT:
            self._connection.execute("INSERT INTO event VALUES (?, ?, ?)", (series_id, record.seq, record.payload))
        else:
            if why := self._misfit(series_id, record):
                self._refuse(record, "chain", why, applied)
                return
            values = (series_id, record.seq, *(record.content[name] for name in _FIELDS))
            self._connection.execute(_PUT_INTERVAL, (*summed(values), record.payload))
            if record.content["previous_hash"] == chain.genesis(series.store_epoch, series.meter):
                self._positions.begins_with(series, record.seq)
        self._positions.came(series, record.seq)
        applied.new += 1

    def _misfit(self, series_id: int, record: Record) -> str:
        """Why a record does not fit between its neighbours, which are here; empty where it does."""
        neighbours = self._connection.execute(
            "SELECT seq, previous_hash, hash FROM interval WHERE series_id = ? AND seq IN (?, ?)",
            (series_id, record.seq - 1, record.seq + 1),
        )
        for seq, previous_hash, own_hash in neighbours:
            if seq < record.seq and record.content["previous_hash"] != own_hash:
                return f"does not stand on record {seq}"
            if seq > record.seq and previous_hash != record.content["hash"]:
                return f"record {seq} does not stand on it"
        return ""

    def _take_head(self, head: Head) -> None:
        self._enter_epoch(head.gateway, head.meter, head.store_epoch, head.previous_store_epoch)
        for kind, (oldest, newest) in head.seqs.items():
            series = Series(head.gateway, head.meter, head.store_epoch, kind)
            self._positions.enter(series)
            self._positions.promise(series, oldest, newest)

    def _take_live(self, live: Live, applied: Applied) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?)",
            (live.gateway, live.meter, live.store_epoch, live.time_us, live.payload),
        )
        self._connection.execute(
            "DELETE FROM state WHERE gateway = ?1 AND meter = ?2 AND rowid NOT IN (SELECT rowid FROM state"
            " WHERE gateway = ?1 AND meter = ?2 ORDER BY rowid DESC LIMIT ?3)",
            (live.gateway, live.meter, STATES_KEPT),
        )
        if not live.retained:  # what a broker had kept says nothing of who lives now
            self._note_presence(live, applied)

    def _note_presence(self, live: Live, applied: Applied) -> None:
        """A store that speaks again, of a later time, after another one had taken its place: there are two."""
        rows = self._connection.execute(
            "SELECT store_epoch, is_now, newest_us FROM presence WHERE gateway = ?", (live.gateway,)
        ).fetchall()
        newest = {store_epoch: newest_us for store_epoch, _, newest_us in rows}
        now = next((store_epoch for store_epoch, is_now, _ in rows if is_now), live.store_epoch)
        if live.store_epoch != now and live.store_epoch in newest:
            if live.time_us <= newest[now]:
                return
            detail = f"store {live.store_epoch} speaks again after another one: two gateways have this id"
            self._trouble(Trouble(live.gateway, "", "two_gateways", detail, ""), applied)
        time_us = max(live.time_us, newest.get(live.store_epoch, live.time_us))
        self._connection.execute("UPDATE presence SET is_now = 0 WHERE gateway = ?", (live.gateway,))
        self._connection.execute(
            "INSERT OR REPLACE INTO presence VALUES (?, ?, 1, ?)", (live.gateway, live.store_epoch, time_us)
        )

    def _take_answer(self, answer: Answer) -> None:
        series = answer.series
        self._positions.enter(series)
        self._enter_epoch(series.gateway, series.meter, series.store_epoch, answer.previous_store_epoch)
        if answer.oldest_seq is not None and answer.newest_seq is not None:
            self._positions.promise(series, answer.oldest_seq, answer.newest_seq)
        if answer.why in UNKNOWN_THERE or (answer.why == NOT_WRITTEN and self._is_closed(series)):
            self._positions.lose(series, (answer.first_seq, answer.last_seq), answer.why)
        elif answer.why == DAMAGED and answer.lost is not None:
            self._positions.lose(series, answer.lost, answer.why)

    def _is_closed(self, series: Series) -> bool:
        """Whether its gateway has begun another epoch after it: what is not written there never will be."""
        return (
            self._connection.execute(
                "SELECT 1 FROM epoch WHERE gateway = ? AND meter = ? AND previous = ?",
                (series.gateway, series.meter, series.store_epoch),
            ).fetchone()
            is not None
        )

    def _enter_epoch(self, gateway: str, meter: str, store_epoch: str, previous: str | None = None) -> None:
        place = (gateway, meter, store_epoch)
        if place not in self._meters:
            self._meters.add(place)
            self._connection.execute(
                "INSERT OR IGNORE INTO epoch (gateway, meter, store_epoch) VALUES (?, ?, ?)", place
            )
        if previous is not None and previous != store_epoch:
            is_first_word = self._connection.execute(
                "UPDATE epoch SET previous = ? WHERE gateway = ? AND meter = ? AND store_epoch = ?"
                " AND previous IS NULL",
                (previous, *place),
            ).rowcount
            for kind in Kind if is_first_word else ():  # what came before is asked for as well
                self._positions.enter(Series(gateway, meter, previous, kind))

    def _refuse(self, record: Record, what: str, why: str, applied: Applied) -> None:
        series = record.series
        detail = f"{series.kind.value} {record.seq} of store {series.store_epoch} {why}"
        self._trouble(Trouble(series.gateway, series.meter, what, detail, record.payload), applied)

    def _trouble(self, trouble: Trouble, applied: Applied) -> None:
        found = (trouble.gateway, trouble.meter, trouble.what, trouble.detail, trouble.payload)
        changed = self._connection.execute(
            "UPDATE trouble SET times = times + 1 WHERE gateway = ? AND meter = ? AND what = ? AND detail = ?"
            " AND payload = ?",
            found,
        ).rowcount
        if changed:
            return
        (count,) = self._connection.execute("SELECT count(*) FROM trouble").fetchone()
        if count >= TROUBLES_MOST:
            return  # whoever may publish could fill the disk with it; what is there is alarm enough
        self._connection.execute(
            "INSERT INTO trouble (gateway, meter, what, detail, payload, times, dismissed)"
            " VALUES (?, ?, ?, ?, ?, 1, 0)",
            found,
        )
        applied.troubles.append(trouble)
