"""What consumers say to the gateway, checked once: acknowledgements and backfill requests. Pure. (docs/messages.md)

Anybody who may publish to the broker can send these: nothing in them is believed further than it is checked here.
"""

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

PAYLOAD_LIMIT_BYTES = 4096
Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z")]
Seq = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Kind = Literal["interval", "event"]
Request = TypeVar("Request")


class RequestError(Exception):
    """A command that cannot be understood; the message says why."""


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """`cmd/ack`: a consumer has stored all records of a series up to one."""

    schema: Literal[1]
    consumer: Name
    meter: Name
    store_epoch: Name
    kind: Kind
    upto: Seq


class BackfillRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`cmd/backfill`: a consumer wants records again. `to_seq` None: up to the newest."""

    schema: Literal[1]
    id: Name
    meter: Name
    store_epoch: Name
    kind: Kind
    from_seq: Annotated[int, Meta(ge=1, le=2**63 - 1)] = msgspec.field(name="from")
    to_seq: Seq | None = msgspec.field(name="to")


def read_acknowledgement(payload: bytes) -> Acknowledgement:
    """Raises RequestError."""
    return _read(payload, Acknowledgement)


def read_backfill(payload: bytes) -> BackfillRequest:
    """Raises RequestError."""
    request = _read(payload, BackfillRequest)
    if request.to_seq is not None and request.to_seq < request.from_seq:
        raise RequestError(f"to = {request.to_seq} lies before from = {request.from_seq}")
    return request


def _read(payload: bytes, wanted: type[Request]) -> Request:
    if len(payload) > PAYLOAD_LIMIT_BYTES:
        raise RequestError(f"{len(payload)} bytes, {PAYLOAD_LIMIT_BYTES} at most")
    try:
        return msgspec.json.decode(payload, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestError(str(error)) from error
