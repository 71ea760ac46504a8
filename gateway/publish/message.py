"""The public contract: topics and payloads (schema 1). Pure; flat JSON, integers, null for what is not known.

In every `state`, for each direction that the meter has:
    unassigned + every bucket == earlier_epochs + register - epoch_first      in milliwatt-hours
The meter shows register - rolled_over: a register that has reached its width is continued here.
Buckets are lifetime counters over all register epochs. Nothing here is ever 0 as a stand-in.
"""

import json
from collections.abc import Iterable, Mapping

from ..config.types import GATEWAY_TOPIC, METER_TOPIC
from ..decision import RegisterMemory
from ..energy import AccumulatorState, Direction, DirectionState
from ..ledger.records import Record
from ..reading.read import Reading
from ..tariff.calendar import UNASSIGNED_NAME

ONLINE, OFFLINE = "online", "offline"
NO_MEMORIES: Mapping[Direction, RegisterMemory] = {}
SCHEMA = 1
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class Topics:
    """The topics of one gateway under its base; where a broker wants others, by the config's templates."""

    def __init__(
        self, base: str, gateway: str, gateway_topic: str = GATEWAY_TOPIC, meter_topic: str = METER_TOPIC
    ) -> None:
        self._own = gateway_topic.replace("{base}", base).replace("{gateway}", gateway)
        self._meter = meter_topic.replace("{base}", base).replace("{gateway}", gateway)
        self.status = self.gateway("status")
        self.health = self.gateway("health")
        self.acknowledge = self.gateway("cmd/ack")
        self.backfill = self.gateway("cmd/backfill")

    def gateway(self, kind: str) -> str:
        """`kind`: status, health, cmd/ack, cmd/backfill."""
        return self._own.replace("{kind}", kind)

    def meter(self, meter: str, kind: str) -> str:
        """`kind`: status, state, interval, event, head, backfill."""
        return self._meter.replace("{meter}", meter).replace("{kind}", kind)


def render(record: Mapping[str, object]) -> str:
    """A payload as it goes on the wire: compact, keys sorted, so that the same record is always the same bytes."""
    return _ENCODER.encode(record)


def state_record(
    gateway: str,
    meter: str,
    store_epoch: str,
    reading: Reading,
    account: AccumulatorState,
    bucket: str,
    bucket_names: Iterable[str],
    memories: Mapping[Direction, RegisterMemory] = NO_MEMORIES,
) -> Record:
    """The live account of a meter, as of its last accepted reading. A direction that is not proven is null."""
    record: Record = {
        "schema": SCHEMA,
        "gateway": gateway,
        "meter": meter,
        "store_epoch": store_epoch,
        "register_epoch": account.register_epoch,
        "opening": account.opening.value,
        "time_utc_us": reading.latest_us,
        "window_us": reading.latest_us - reading.earliest_us,
        "clock": reading.clock_state.value,
        "clock_error_us": reading.clock_error_us,
        "bucket": bucket,
        "power_milliw": reading.snapshot.power_milliw,
        "one_moment": int(reading.snapshot.one_moment),
    }
    names = [name for name in bucket_names if name != UNASSIGNED_NAME]
    for direction in Direction:
        rolled_milliwh = memories[direction].rolled_over_milliwh if direction in memories else 0
        record.update(_direction_record(direction, account.directions.get(direction), names, rolled_milliwh))
    return record


def _direction_record(
    direction: Direction, account: DirectionState | None, names: list[str], rolled_over_milliwh: int
) -> Record:
    # A new meter's zero proves nothing, but what an earlier one counted is known all the same.
    known = account is not None and (account.proven or account.earlier_epochs_milliwh > 0)
    totals = account.totals_milliwh if account is not None else {}
    doubts = account.uncertain_milliwh if account is not None else {}
    marks = account.marks if account is not None and known else []
    record: Record = {
        f"{direction}_register_milliwh": account.last_milliwh if account is not None and known else None,
        f"{direction}_rolled_over_milliwh": rolled_over_milliwh if known else None,
        f"{direction}_digit_milliwh": marks[-1].resolution_milliwh if marks else None,
        f"{direction}_epoch_first_milliwh": account.epoch_first_milliwh if account is not None and known else None,
        f"{direction}_earlier_epochs_milliwh": (
            account.earlier_epochs_milliwh if account is not None and known else None
        ),
        f"{direction}_unassigned_milliwh": totals.get(UNASSIGNED_NAME, 0) if known else None,
        f"{direction}_uncertain_milliwh": sum(doubts.values()) if known else None,
    }
    # Buckets of an earlier tariff stay: they are part of the sum.
    for name in dict.fromkeys([*names, *(name for name in totals if name != UNASSIGNED_NAME)]):
        record[f"{direction}_bucket_{name}_milliwh"] = totals.get(name, 0) if known else None
        record[f"{direction}_uncertain_{name}_milliwh"] = doubts.get(name, 0) if known else None
    return record


def interval_message(record: Record, previous_hash: str, record_hash: str) -> str:
    """One closed interval: the canonical record and its place in the chain."""
    return render({**record, "previous_hash": previous_hash, "hash": record_hash})


def chained_message(canonical: bytes, previous_hash: str, record_hash: str) -> str:
    """`interval_message` of a record whose canonical bytes are there already: the two hashes go where they belong."""
    before, imported, rest = canonical.decode("ascii").partition(',"import_milliwh":')
    middle, quality, after = rest.partition(',"quality":')
    return f'{before},"hash":"{record_hash}"{imported}{middle},"previous_hash":"{previous_hash}"{quality}{after}'


def event_message(gateway: str, meter: str, store_epoch: str, seq: int, at_us: int, kind: str, detail: Record) -> str:
    """One event: its own gapless sequence per meter."""
    head: Record = {
        "schema": SCHEMA,
        "gateway": gateway,
        "meter": meter,
        "store_epoch": store_epoch,
        "seq": seq,
        "time_utc_us": at_us,
        "event": kind,
    }
    return render({**detail, **head})
