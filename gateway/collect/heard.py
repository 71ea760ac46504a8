"""What a consumer hears: topics and payloads of the public contract, checked once, as frozen types. Pure.

Nothing is believed that the payload does not prove: a record whose place in the topic is another than its own, or
whose hash is not its content's, is a `Faulty`. Never raises for what came over the network. (docs/messages.md)
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..ledger import chain

SCHEMA = 1
DIRECTIONS = ("import", "export")
NUMBERS = tuple(
    f"{direction}_{column}_milliwh".replace("__", "_")
    for direction in DIRECTIONS
    for column in ("", "unassigned", "uncertain", "register")
)
TEXTS = ("bucket", "quality", "tariff", "previous_hash", "hash")
LONGEST_NAME = 200
LAST_SEQ = 1 << 62


class Kind(StrEnum):
    """The two series of a meter."""

    INTERVAL = "interval"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Series:
    """Whose records: with `seq` this is a record's identity."""

    gateway: str
    meter: str
    store_epoch: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.gateway}/{self.meter} {self.kind} of store {self.store_epoch}"


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `payload` is what came, byte for byte."""

    series: Series
    seq: int
    payload: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """What a gateway has of a meter: for each kind the oldest and the newest `seq` of the running epoch."""

    gateway: str
    meter: str
    store_epoch: str
    seqs: Mapping[Kind, tuple[int, int]]
    previous_store_epoch: str | None


@dataclass(frozen=True, slots=True)
class Live:
    """A meter's live state. `retained`: the broker had kept it."""

    gateway: str
    meter: str
    store_epoch: str
    time_us: int
    retained: bool
    payload: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The end marker of a backfill. `lost`: the stretch that cannot be had, with `why`."""

    series: Series
    id: str
    answer: str
    why: str | None
    lost: tuple[int, int] | None
    oldest_seq: int | None
    newest_seq: int | None
    previous_store_epoch: str | None
    first_seq: int
    last_seq: int | None
    """The stretch that this answer is of."""


@dataclass(frozen=True, slots=True)
class Faulty:
    """A message that is not what it says; kept as it came."""

    gateway: str
    meter: str
    why: str
    payload: str


Heard = Record | Head | Live | Answer | Faulty


class _FaultError(Exception):
    pass


def topics_of(base: str, gateways: tuple[str, ...]) -> list[str]:
    """What to subscribe to; no gateways: all of the base topic."""
    found = []
    for gateway in gateways or ("+",):
        found += [f"{base}/{gateway}/meter/+/{word}" for word in ("interval", "event", "head", "state", "backfill")]
    return found


def hear(base: str, topic: str, payload: bytes, *, retained: bool) -> Heard | None:
    """The message as a type; None for one that is nothing to a consumer (an empty retained one is a cleared topic)."""
    levels = topic.removeprefix(f"{base}/").split("/")
    if not payload or not topic.startswith(f"{base}/"):
        return None
    gateway = levels[0]
    if len(levels) != 4 or levels[1] != "meter":
        return None
    meter, word = levels[2:]
    text = payload.decode("utf-8", "replace")
    try:
        content = _content(payload)
        if (_text(content, "gateway"), _text(content, "meter")) != (gateway, meter):
            raise _FaultError("says another gateway or meter than its topic")
        return _typed(gateway, meter, word, text, content, retained)
    except _FaultError as error:
        return Faulty(gateway, meter, f"{word}: {error}", text[:4000])


def _typed(gateway: str, meter: str, word: str, text: str, content: dict[str, Any], retained: bool) -> Heard | None:
    epoch = _text(content, "store_epoch")
    if word == "state":
        _check_account(content)
        return Live(gateway, meter, epoch, _number(content, "time_utc_us"), retained, text)
    if word == "head":
        return _head(gateway, meter, epoch, content)
    if word == "backfill":
        if "answer" in content:
            return _answer(gateway, meter, epoch, content)
        kind = Kind.EVENT if "event" in content else Kind.INTERVAL
        return _record(Series(gateway, meter, epoch, kind), text, content)
    if word in (Kind.INTERVAL, Kind.EVENT):
        return _record(Series(gateway, meter, epoch, Kind(word)), text, content)
    return None


def _record(series: Series, text: str, content: dict[str, Any]) -> Record:
    seq = _number(content, "seq")
    if seq < 1:
        raise _FaultError(f"seq {seq}")
    if series.kind is Kind.EVENT:
        _text(content, "event")
        _number(content, "time_utc_us")
        return Record(series, seq, text, content)
    start_us, end_us = _number(content, "start_utc_us"), _number(content, "end_utc_us")
    if start_us >= end_us:
        raise _FaultError(f"an interval from {start_us} to {end_us}")
    for key in TEXTS:
        _text(content, key)
    if absent := [key for key in NUMBERS if key not in content]:
        raise _FaultError(f"{absent[0]} is not there")
    for key in (*NUMBERS, "supersedes"):
        _maybe_number(content, key)
    for key in ("register_epoch", "revision"):
        _number(content, key)
    body = {key: one for key, one in content.items() if key not in ("previous_hash", "hash")}
    try:
        is_whole = chain.link(content["previous_hash"], body) == content["hash"]
    except ValueError:
        is_whole = False
    if not is_whole:
        raise _FaultError(f"record {seq} is not what its hash says")
    return Record(series, seq, text, content)


def _check_account(content: dict[str, Any]) -> None:
    """That a live state is one: a store is made anew of it, and each state keeps the accumulator's law."""
    if _number(content, "window_us") < 0:
        raise _FaultError("a window that ends before it begins")
    _number(content, "register_epoch")
    for key in ("power_milliw", "clock_error_us", *(f"{one}_rolled_over_milliwh" for one in DIRECTIONS)):
        _maybe_number(content, key)
    for direction in DIRECTIONS:
        if f"{direction}_register_milliwh" not in content:
            raise _FaultError(f"{direction}_register_milliwh is not there")
        if content[f"{direction}_register_milliwh"] is None:
            continue
        register, first, earlier, unassigned = (
            _number(content, f"{direction}_{name}_milliwh")
            for name in ("register", "epoch_first", "earlier_epochs", "unassigned")
        )
        _number(content, f"{direction}_uncertain_milliwh")
        if (_maybe_number(content, f"{direction}_digit_milliwh") or 1) < 1:
            raise _FaultError(f"{direction}: a last digit below 1 mWh")
        head = f"{direction}_bucket_"
        buckets = [key.removeprefix(head) for key in content if key.startswith(head)]
        booked = unassigned + sum(_number(content, f"{head}{name}") for name in buckets)
        for name in buckets:
            _number(content, f"{direction}_uncertain_{name}")
        if booked != earlier + register - first:
            raise _FaultError(f"{direction}: {booked} mWh are booked, {earlier + register - first} were counted")


def _head(gateway: str, meter: str, epoch: str, content: dict[str, Any]) -> Head:
    seqs = {
        Kind.INTERVAL: (_number(content, "oldest_seq"), _number(content, "newest_seq")),
        Kind.EVENT: (_number(content, "oldest_event_seq"), _number(content, "newest_event_seq")),
    }
    if any(oldest < 1 or newest < oldest - 1 for oldest, newest in seqs.values()):
        raise _FaultError(f"numbers that cannot be: {sorted(seqs.items())}")
    return Head(gateway, meter, epoch, seqs, _maybe_text(content, "previous_store_epoch"))


def _answer(gateway: str, meter: str, epoch: str, content: dict[str, Any]) -> Answer:
    try:
        kind = Kind(_text(content, "kind"))
    except ValueError as error:
        raise _FaultError(str(error)) from error
    lost_from, lost_to = _maybe_number(content, "unavailable_from"), _maybe_number(content, "unavailable_to")
    return Answer(
        series=Series(gateway, meter, epoch, kind),
        id=_text(content, "id"),
        answer=_text(content, "answer"),
        why=_maybe_text(content, "why"),
        lost=None if lost_from is None or lost_to is None else (lost_from, lost_to),
        oldest_seq=_maybe_number(content, "oldest_seq"),
        newest_seq=_maybe_number(content, "newest_seq"),
        previous_store_epoch=_maybe_text(content, "previous_store_epoch"),
        first_seq=_number(content, "from"),
        last_seq=_maybe_number(content, "to"),
    )


def _content(payload: bytes) -> dict[str, Any]:
    try:
        content = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _FaultError("no JSON") from error
    if not isinstance(content, dict):
        raise _FaultError("no JSON object")
    if content.get("schema") != SCHEMA:
        raise _FaultError(f"schema {ascii(content.get('schema'))[:40]}, this consumer knows {SCHEMA}")
    return content


def _text(content: dict[str, Any], key: str) -> str:
    found = content.get(key)
    # JSON can write half a surrogate pair, which no file and no topic can hold.
    if not isinstance(found, str) or len(found) > LONGEST_NAME or any("\ud800" <= one <= "\udfff" for one in found):
        raise _FaultError(f"{key} is no text: {ascii(found)[:40]}")
    return found


def _maybe_text(content: dict[str, Any], key: str) -> str | None:
    return None if content.get(key) is None else _text(content, key)


def _number(content: dict[str, Any], key: str) -> int:
    found = content.get(key)
    if not isinstance(found, int) or isinstance(found, bool) or not -LAST_SEQ < found < LAST_SEQ:
        raise _FaultError(f"{key} is no number: {ascii(found)[:40]}")
    return found


def _maybe_number(content: dict[str, Any], key: str) -> int | None:
    return None if content.get(key) is None else _number(content, key)
