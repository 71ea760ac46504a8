"""The record chain: each interval record's SHA-256 covers the one before it and its own canonical bytes.

It proves that no record was changed, dropped or slipped in before the head one trusts; no more than that.
Canonical bytes: JSON with sorted keys and no blanks, integers and strings only (a subset of RFC 8785).
"""

import hashlib
import json
from collections.abc import Mapping

DOMAIN = b"netmeter interval v1\x00"


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical(record: Mapping[str, int | str | None]) -> bytes:
    """The one byte string that stands for a record."""
    return _ENCODER.encode(record).encode()


def genesis(store_epoch: str, meter: str) -> str:
    """The hash before a meter's first record in a store, hex."""
    return hashlib.sha256(
        b"netmeter chain v1\x00" + canonical({"meter": meter, "store_epoch": store_epoch})
    ).hexdigest()


def link(previous_hash: str, record: Mapping[str, int | str | None]) -> str:
    """The hash of `record` behind `previous_hash`, hex."""
    return link_canonical(previous_hash, canonical(record))


def link_canonical(previous_hash: str, record: bytes) -> str:
    """The same of a record's canonical bytes."""
    return hashlib.sha256(DOMAIN + bytes.fromhex(previous_hash) + record).hexdigest()
