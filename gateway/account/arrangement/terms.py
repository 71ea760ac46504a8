"""An arrangement as its owner writes it (TOML), as frozen types: a plant, its members, who gets how much since when.

Rules across keys are in `arrangement_file`. There is no default for what the owner must choose: the kind, the shares,
and who has the share of a flat that stands empty.
"""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from ..terms import AccountMeter, Generator


class Kind(StrEnum):
    """How the energy is shared."""

    VNEM = "vnem"
    """By fixed shares, each stored interval; the plant has a meter of its own and no load."""
    NEM_A = "nem_a"
    """By use since the Relevant Period began; the plant is behind one member's meter."""
    PA_VIRTUAL = "pa_virtual"
    """The host's own use first, then the others equally, up to what they use."""


class ShareUnit(StrEnum):
    """What the numbers of a version are."""

    PERCENT = "percent"
    """They add up to 100."""
    SQUARE_FEET = "square_feet"
    """Weights: floor space, or whatever the lease goes by."""


class VacantShare(StrEnum):
    """Who has the share of a member that stands empty."""

    OWNER = "owner"
    LOST = "lost"


class SizeRule(StrEnum):
    """Against what the plant's size is held."""

    YEARLY_ENERGY = "yearly_energy"
    """What it makes in a year is no more than what all members use in it."""
    COINCIDENT_PEAK = "coincident_peak"
    """Its kilowatts are no more than the highest use of all members in one stored interval."""
    NONE = "none"


class AggregatedUse(StrEnum):
    """By which use energy is shared (nem_a)."""

    WHOLE = "whole"
    """All that each meter took, for all that the plant gave."""
    PER_TOU = "per_tou"
    """In each bucket of the host's tariff alone: what was taken in it, for what was given in it."""


class Member(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account of the arrangement. What is not stated is as its account file says."""

    id: str
    account: str = ""
    """The account's file; empty: the one that the arrangement names for all."""
    name: str = ""
    meter: str = ""
    """The name of its grid meter; the same for `gateway` and `file`."""
    gateway: str = ""
    file: str = ""
    miles: Decimal | None = None
    """From the boundary of the host's property to that of this one, entered and not computed (pa_virtual)."""


class Shares(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from"}):
    """Who gets how much, from a local day on, until the next version. A member that is not named gets nothing."""

    first: datetime.date
    by: ShareUnit
    of: Mapping[str, Decimal]
    reason: str = ""


class Vacant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from"}):
    """A member that stands empty, or whose account is closed, both days included; without `last_day` until further."""

    member: str
    first: datetime.date
    last_day: datetime.date | None = None


class Lease(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from"}):
    """What tenants owe the owner for the plant besides, by their lease: a memo on no bill. By a bill's last day."""

    name: str
    first: datetime.date
    last_day: datetime.date | None = None
    per_kwh: Decimal | None = None
    """Of the share that the bill is credited."""
    per_month: Decimal | None = None
    """On each billing cycle's bill; of one that is cut, on the bill that ends it."""
    member: tuple[str, ...] = ()
    """Whose lease; empty: all but the owner."""


class ArrangementTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    format: Annotated[int, Meta(ge=1, le=1)]
    id: str
    name: str
    kind: Kind
    member: tuple[Member, ...]
    account: str = ""
    """The account file of members that name none."""
    plant: Generator | None = None
    """Stands for every member's [generator]: application and permission to operate decide for all."""
    meter: tuple[AccountMeter, ...] = ()
    """The plant's own meters (vnem): what their export registers count is shared."""
    host: str = ""
    """The member whose meter the plant is behind (nem_a, pa_virtual)."""
    shares: tuple[Shares, ...] = ()
    vacant: tuple[Vacant, ...] = ()
    vacant_share: VacantShare | None = None
    owner: str = ""
    """The member that has the share of empty ones."""
    size_rule: SizeRule = SizeRule.YEARLY_ENERGY
    lease: tuple[Lease, ...] = ()
    nem_a_use: AggregatedUse = AggregatedUse.WHOLE
