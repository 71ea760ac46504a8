"""The retained head: what there is of a meter's records, so that who was away sees at once what is missing. Pure."""

from ..ledger.history import Head
from .message import SCHEMA, render


def head_message(gateway: str, meter: str, head: Head) -> str:
    """The payload of `meter/<meter>/head`."""
    return render(
        {
            "schema": SCHEMA,
            "gateway": gateway,
            "meter": meter,
            "store_epoch": head.store_epoch,
            "oldest_seq": head.intervals.oldest_seq,
            "newest_seq": head.intervals.newest_seq,
            "chain_head": head.chain_head,
            "oldest_event_seq": head.events.oldest_seq,
            "newest_event_seq": head.events.newest_seq,
            "previous_store_epoch": head.intervals.previous_store_epoch,
        }
    )
