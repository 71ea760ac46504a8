"""What an arrangement's file must fulfil beyond the types of its keys. Notes problems and changes nothing.

(net-metering-corrections A-11 to A-13, B.9; 52 Pa. Code 75.12 for the two miles)
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from ...config.document import Document
from ...config.hints import did_you_mean
from ...config.rules import NAME, NAME_MEND, resolved
from ..account_file import AccountFile
from ..registry import PLAIN
from ..terms import AccountMeter, Customer, EnergyFrom
from .terms import AggregatedUse, ArrangementTerms, Kind, Shares, ShareUnit, VacantShare

NET_METERING = frozenset({PLAIN, "nem1", "nem2", "net_metering_kwh", "net_metering_usd", "pennsylvania"})
"""Programmes that set a month's exports against its imports."""
AGGREGATED = frozenset({PLAIN, "nem1", "nem2"})
"""Of those the ones under which one customer's meters can be aggregated; no surplus of theirs is paid for (A-12)."""
ONE_MEGAWATT_KW = 1000
TWO_MILES = 2
ALL = Decimal(100)


def check_arrangement(document: Document, terms: ArrangementTerms) -> None:
    """The rules that need no account."""
    if not NAME.fullmatch(terms.id):
        document.add(("id",), f'id "{terms.id}" cannot be used', NAME_MEND, value=terms.id)
    names = [one.id for one in terms.member]
    if len(names) < 2:
        document.add(("member",), "an arrangement has two members or more", "one alone is an account")
    for position, member in enumerate(terms.member):
        path = ("member", position, "id")
        if not NAME.fullmatch(member.id):
            document.add(path, f'id "{member.id}" cannot be used', NAME_MEND, value=member.id)
        if member.id in names[:position]:
            document.add(path, f"there are two members {member.id}", "an id is of one account", value=member.id)
    _check_plant(document, terms, names)
    _check_use(document, terms)
    _check_shares(document, terms, names)
    _check_vacant(document, terms, names)
    _check_lease(document, terms, names)


def check_members(document: Document, terms: ArrangementTerms, accounts: Mapping[str, AccountFile]) -> None:
    """The rules between the members: one vintage, one zone, one meter each."""
    first = next(iter(accounts.values()))
    seen: list[tuple[AccountMeter, str]] = []
    for position, (name, account) in enumerate(accounts.items()):
        path = ("member", position)
        _check_vintage(document, terms, path, first, account)
        if account.tariff.zone != first.tariff.zone:
            mend = "shares hold from a local midnight, which must be one for all"
            document.add(path, f"{name} is in the zone {account.tariff.zone}, not {first.tariff.zone}", mend)
        for meter in account.terms.meter:
            for its, other in seen:
                if not _are_one(meter, account.folder, its, accounts[other].folder):
                    continue
                if terms.kind is Kind.VNEM and _follows(account.terms.customer, accounts[other].terms.customer):
                    continue
                mend = f"write meter = (and gateway or file) of its own into each; {other} has this one"
                if terms.kind is Kind.VNEM:
                    mend += "; one tenant after another has moved_out before the other's moved_in in [customer]"
                document.add(path, f"{name} has the meter of {other}, {meter.name}", mend, value=meter.name)
            seen.append((meter, name))


def _are_one(meter: AccountMeter, folder: Path, other: AccountMeter, its_folder: Path) -> bool:
    """Whether two [[meter]] are one: two named gateways can have one each, a gateway that is not named may be either.

    A file is beside the account or arrangement that names it.
    """
    if meter.name != other.name or (meter.gateway and other.gateway and meter.gateway != other.gateway):
        return False
    return _real(meter, folder) == _real(other, its_folder)


def _real(meter: AccountMeter, folder: Path) -> str:
    return str(resolved(folder, meter.file).resolve()) if meter.file else ""


def _follows(one: Customer, other: Customer) -> bool:
    """Whether two customers had a place one after the other, never both."""
    pairs = ((one.moved_out, other.moved_in), (other.moved_out, one.moved_in))
    return any(left is not None and came is not None and left < came for left, came in pairs)


def _check_vintage(
    document: Document, terms: ArrangementTerms, path: tuple[str | int, ...], first: AccountFile, account: AccountFile
) -> None:
    """The vintage is the arrangement's, by the plant's application; the rate schedule is each account's (A-13)."""
    own, others = ([(one.name, one.first) for one in each.terms.programme] for each in (account, first))
    if own != others and terms.kind is not Kind.PA_VIRTUAL:
        told = " and ".join(", ".join(f"{name} from {day}" for name, day in each) for each in (own, others))
        mend = "write the same [[programme]] into each account's file: the plant's application decides it for all"
        document.add(path, f"the programmes of its members differ: {told}", mend)
    _check_programme(document, terms, path, [name for name, _ in own])
    if terms.kind is Kind.PA_VIRTUAL and account.terms.customer.utility != first.terms.customer.utility:
        mend = "virtual aggregation is within one utility's service territory"
        document.add(path, f"its utility is {account.terms.customer.utility}", mend)
    opening = account.terms.opening
    if terms.kind is Kind.NEM_A and opening is not None and opening.cycles:
        mend = "begin with the first day of a Relevant Period (cycles = 0), with the energy since then (earlier = FILE)"
        document.add(path, "shares go by use since the Relevant Period began, which [opening] lies within", mend)


def _check_programme(
    document: Document, terms: ArrangementTerms, path: tuple[str | int, ...], names: Sequence[str]
) -> None:
    """A share by the month needs a programme that nets it; one by use, one that pays for no surplus."""
    if terms.kind is Kind.VNEM:
        return
    able = AGGREGATED if terms.kind is Kind.NEM_A else NET_METERING
    wrong = next((name for name in names if name not in able), None)
    if wrong is None:
        return
    mend = "one of " + ", ".join(sorted(able))
    if wrong in NET_METERING:
        message = f"nem_a is California's, which pays for no surplus of aggregated meters, and {wrong} would pay for it"
        document.add(path, message, mend)
        return
    message = f"{terms.kind.value} shares energy by the month, and {wrong} prices intervals"
    document.add(path, message, f"{mend}; with one that prices each interval see vnem")


def _check_plant(document: Document, terms: ArrangementTerms, names: list[str]) -> None:
    if terms.kind is Kind.VNEM:
        if not terms.meter:
            mend = "[[meter]] of the plant: name, from, file; what its export register counts is shared"
            document.add(("meter",), "vnem needs a meter of the plant itself", mend)
        if terms.host:
            document.add(("host",), "vnem has no host", "its plant has a [[meter]] of its own", value=terms.host)
        for position, meter in enumerate(terms.meter):
            if any(_are_one(meter, document.folder, other, document.folder) for other in terms.meter[:position]):
                mend = "each meter of the plant once: what it counts would be shared twice"
                document.add(("meter", position, "name"), f"there are two meters {meter.name}", mend, value=meter.name)
            if meter.source is EnergyFrom.COLLECTOR and not meter.file:
                mend = 'file = "collected.sqlite": the database of `netmeter collect`'
                document.add(("meter", position, "from"), "a collector has no usual place", mend)
    else:
        if terms.meter:
            mend = "name the member whose meter it is behind as host"
            document.add(("meter",), f"the plant of {terms.kind.value} is behind a member's meter", mend)
        if terms.host not in names:
            mend = did_you_mean(terms.host, names) or "one of " + ", ".join(names[:8])
            what = f'host "{terms.host}" is no member' if terms.host else "host is missing"
            document.add(("host",), what, mend, value=terms.host)
    if terms.plant is not None and terms.plant.size_kw > ONE_MEGAWATT_KW and terms.kind is not Kind.PA_VIRTUAL:
        mend = "above 1 MW the utility studies the connection first (Rule 21), and some allow none"
        document.warn(("plant", "size_kw"), f"the plant has {terms.plant.size_kw:f} kW", mend)
    if terms.kind is Kind.PA_VIRTUAL:
        for position, member in enumerate(terms.member):
            if member.miles is not None and member.miles > TWO_MILES:
                mend = f"at most {TWO_MILES} miles between the boundaries of the properties"
                path = ("member", position, "miles")
                document.add(path, f"{member.id} is {member.miles:f} miles away", mend, value=member.miles)


def _check_use(document: Document, terms: ArrangementTerms) -> None:
    if terms.nem_a_use is not AggregatedUse.WHOLE and terms.kind is not Kind.NEM_A:
        mend = "leave it out: it is of kind = nem_a"
        document.add(("nem_a_use",), f"means nothing under {terms.kind.value}", mend, value=terms.nem_a_use.value)


def _check_shares(document: Document, terms: ArrangementTerms, names: list[str]) -> None:
    if terms.kind is not Kind.VNEM:
        if terms.shares:
            mend = f"{terms.kind.value} shares by use, not by fixed shares; leave [[shares]] out, or see vnem"
            document.add(("shares",), "[[shares]] are named and would not be used", mend)
        return
    if not terms.shares:
        mend = "[[shares]] from = DAY, by = percent or square_feet, of = { unit-1 = ... }"
        document.add(("shares",), "vnem needs shares", mend)
    for position, (earlier, later) in enumerate(pairwise(terms.shares)):
        if later.first <= earlier.first:
            path = ("shares", position + 1, "from")
            document.add(path, f"{later.first} follows {earlier.first}", "write them in order of time")
    for position, version in enumerate(terms.shares):
        _check_version(document, ("shares", position), version, names)


def _check_version(document: Document, path: tuple[str | int, ...], version: Shares, names: list[str]) -> None:
    for name, share in version.of.items():
        if name not in names:
            mend = did_you_mean(name, names) or "one of " + ", ".join(names[:8])
            document.add((*path, "of", name), f"{name} is no member", mend, value=name)
        if share < 0:
            document.add((*path, "of", name), "a share is not below zero", value=share)
    whole = sum(version.of.values(), Decimal(0))
    if version.by is ShareUnit.PERCENT and whole != ALL:
        mend = "shares add up to 100; thirds and the like go as by = square_feet with 1, 1 and 1"
        document.add((*path, "of"), f"the shares from {version.first} on add up to {whole:f} percent", mend)
    if whole <= 0:
        document.add((*path, "of"), "nobody has a share", "give at least one member some")


def _check_lease(document: Document, terms: ArrangementTerms, names: list[str]) -> None:
    for position, one in enumerate(terms.lease):
        path = ("lease", position)
        if terms.kind is not Kind.VNEM:
            document.add(
                path, f"means nothing under {terms.kind.value}", "its members are one customer's: leave it out"
            )
        if one.per_kwh is None and one.per_month is None:
            document.add(path, f"{one.name} has no amount", "per_kwh of the share, per_month, or both")
        if one.last_day is not None and one.last_day < one.first:
            document.add((*path, "last_day"), "ends before it begins", value=one.last_day)
        for name in one.member:
            if name not in names:
                mend = did_you_mean(name, names) or "one of " + ", ".join(names[:8])
                document.add((*path, "member"), f"{name} is no member", mend, value=name)


def _check_vacant(document: Document, terms: ArrangementTerms, names: list[str]) -> None:
    for position, vacant in enumerate(terms.vacant):
        path = ("vacant", position)
        if vacant.member not in names:
            mend = did_you_mean(vacant.member, names) or "one of " + ", ".join(names[:8])
            document.add((*path, "member"), f"{vacant.member} is no member", mend, value=vacant.member)
        if vacant.last_day is not None and vacant.last_day < vacant.first:
            document.add((*path, "last_day"), "ends before it begins", value=vacant.last_day)
        if vacant.member == terms.owner:
            document.add((*path, "member"), "the owner has the shares of others and stands empty", value=vacant.member)
    if terms.kind is not Kind.VNEM and terms.vacant:
        document.add(("vacant",), f"means nothing under {terms.kind.value}", "who uses nothing gets nothing")
    if terms.vacant and terms.vacant_share is None:
        mend = 'vacant_share = "owner" (and owner = MEMBER) or "lost": ask your utility what becomes of it'
        document.add(("vacant_share",), "nobody has said who has the share of a member that stands empty", mend)
    if terms.vacant_share is VacantShare.OWNER and terms.owner not in names:
        mend = did_you_mean(terms.owner, names) or "the member that is the owner's own account"
        what = f'owner "{terms.owner}" is no member' if terms.owner else "owner is missing"
        document.add(("owner",), what, mend, value=terms.owner)
