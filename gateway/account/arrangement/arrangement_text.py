"""An arrangement as text: what the plant gave, who got it, and what each member's bills come to. Layout only."""

from collections.abc import Iterator

from ..money import kwh, kwh_text, total
from ..statement_json import plain
from .arrange import Arranged


def arrangement_text(made: Arranged) -> Iterator[str]:
    """The law of the sharing, then a row for each member."""
    terms, allocation = made.file.terms, made.allocation
    generated, lost = int(allocation.plant.flow_export.milliwh.sum()), int(allocation.lost.sum())
    shared = sum(int(allocation.of_member(at).sum()) for at in range(len(terms.member)))
    yield f"{terms.name} ({terms.id})   {terms.kind.value}   {len(terms.member)} accounts"
    yield f"plant {allocation.plant.meter} from {allocation.plant.source}"
    yield (
        f"generated {kwh_text(generated)} kWh = {kwh_text(shared)} to members + {kwh_text(lost)} to nobody, "
        "in all the time there is energy of"
    )
    yield ""
    yield (
        f"{'member':<16} {'name':<20} {'share kWh':>13} {'use kWh':>13} {'bills':>5} {'due in all':>11} "
        f"{'newest to':<10} {'due then':>11} {'in the year':>11}"
    )
    for at, (name, statements) in enumerate(made.statements.items()):
        share, used = int(allocation.of_member(at).sum()), made.used_milliwh[name]
        begin = f"{name:<16} {statements.account.terms.name[:20]:<20} {kwh(share):>13.3f} {kwh(used):>13.3f} "
        if not statements.statements:
            yield f"{begin}{0:>5}"
            continue
        newest = statements.statements[-1]
        yield (
            f"{begin}{len(statements.statements):>5} {plain(total(one.due_now for one in statements.statements)):>11} "
            f"{newest.slot.cycle.last_day} {plain(newest.due_now):>11} {plain(newest.carried_in_year):>11}"
            + ("" if all(one.is_whole for one in statements.statements) else " INCOMPLETE")
        )


def lease_text(made: Arranged, member: str | None = None) -> Iterator[str]:
    """What is owed by the lease: of one member bill by bill, of all the newest and the sum."""
    found = [one for one in made.lease if member in (None, one.member)]
    if not found:
        return
    yield "By the lease, to the owner; in no bill above"
    if member is not None:
        for one in found:
            days, share = f"{one.first_day} {one.last_day}", kwh(one.share_milliwh)
            yield f"  {days} {share:>13.3f} kWh {plain(one.amount):>11}  {one.name}"
        return
    for key in dict.fromkeys((one.member, one.name) for one in found):
        own = [one for one in found if (one.member, one.name) == key]
        whole = plain(total(one.amount for one in own))
        yield f"{key[0]:<16} {whole:>11} in all, {plain(own[-1].amount):>11} to {own[-1].last_day}  {key[1]}"
