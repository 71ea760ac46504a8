"""What gaps over bucket edges have left open of each bucket, kept until a load profile tells those edges better.

A bucket's `uncertain` is a sum over its life: when a correction tells the edges of a gap anew, what that gap had added
goes out of it, exactly, and what the profile leaves open comes in. Never takes away what another edge has added.
"""

import msgspec

from ..energy import DirectionState, PendingEdge, Unread
from .swing import Swing

KEPT = 4
"""Gaps over a bucket edge that wait for their correction; an older one stays as uncertain as it was told."""


def remember(account: DirectionState, edges: list[PendingEdge], swings: dict[str, Swing]) -> None:
    """`edges`: the bucket edges that one reading confirmed, none of them read; `swings`: what they added."""
    told = {bucket: swing.uncertain_milliwh for bucket, swing in swings.items()}
    if edges and told:
        unread = Unread(edges[0].edge_us, edges[-1].edge_us, told)
        account.unread = [*account.unread, unread][-KEPT:]


def tell_anew(account: DirectionState, from_us: int, to_us: int, doubts_milliwh: dict[str, int]) -> None:
    """The edges between two instants are so uncertain now, in place of what their gaps had added."""
    inside = [one for one in account.unread if from_us < one.first_us and one.last_us < to_us]
    for one in inside:
        for bucket, milliwh in one.told_milliwh.items():
            account.doubt(bucket, -min(milliwh, account.uncertain_milliwh.get(bucket, 0)))
    for bucket, milliwh in doubts_milliwh.items():
        account.doubt(bucket, milliwh)
    if inside:
        now = msgspec.structs.replace(inside[0], last_us=inside[-1].last_us, told_milliwh=dict(doubts_milliwh))
        account.unread = [*(one for one in account.unread if one not in inside), now]
