"""The plan of `soak delivery`: which fault comes when, as a pure function of the seed and the fault's number.

Faults come in rounds of one deck, each in a house and from a day of its own.
"""

from dataclasses import dataclass
from enum import StrEnum

from ..chance import between, name_key, roll
from .plan import Round, round_from

_DELIVERY = name_key("soak delivery")


class Trouble(StrEnum):
    """What happens between the daemon, the broker and the collector."""

    OUTAGE = "outage"
    """Nobody gets through to the broker."""
    FLAPPING = "flapping"
    """Connections are reset again and again."""
    LOST_PUBACKS = "lost-pubacks"
    """30 % of all acknowledgements vanish, both ways."""
    HALF_PACKET = "half-packet"
    """A PUBLISH is cut in the middle, with its connection."""
    HALF_OPEN = "half-open"
    """The connections stand, and nothing that is sent arrives."""
    SLOW = "slow"
    """Each packet waits."""
    TAKEOVER = "takeover"
    """Another client connects with the same name."""
    ACL = "acl"
    """The broker refuses what is published."""
    RESTART = "restart"
    """The broker ends in good order, and comes back with what it kept."""
    AMNESIA = "amnesia"
    """The broker is killed, and comes back with nothing."""
    KILL_DAEMON = "kill-daemon"
    KILL_COLLECTOR = "kill-collector"


ROUND_SIZE = len(Trouble)


class Side(StrEnum):
    """Whose connection it is."""

    DAEMON = "daemon"
    COLLECTOR = "collector"
    BOTH = "both"


BOTH_ONLY = (Trouble.ACL, Trouble.RESTART, Trouble.AMNESIA)
OWN_SIDE = {Trouble.KILL_DAEMON: Side.DAEMON, Trouble.KILL_COLLECTOR: Side.COLLECTOR}


@dataclass(frozen=True, slots=True)
class DeliveryFault:
    """One fault: `lasts_ms` real milliseconds, after `wait_ms` of peace."""

    number: int
    trouble: Trouble
    side: Side
    wait_ms: int
    lasts_ms: int

    def __str__(self) -> str:
        return f"{self.number} {self.trouble} ({self.side}), {self.lasts_ms} ms after {self.wait_ms} ms"


def delivery_fault(seed: int, number: int) -> DeliveryFault:
    """The fault with this number, counted from 1. Each round has every trouble once, in an order of its own."""
    index, place = divmod(number - 1, ROUND_SIZE)
    deck = sorted(Trouble, key=lambda one: roll(seed, _DELIVERY, index, name_key(one), 1))
    trouble = deck[place]
    side = list(Side)[between(0, 2, seed, _DELIVERY, index, place, 2)]
    if trouble in BOTH_ONLY:
        side = Side.BOTH
    return DeliveryFault(
        number,
        trouble,
        OWN_SIDE.get(trouble, side),
        between(300, 4_000, seed, _DELIVERY, index, place, 3),
        between(3_000, 9_000, seed, _DELIVERY, index, place, 4),
    )


def delivery_round(seed: int, number: int, last: int) -> tuple[Round, list[DeliveryFault]]:
    """The house of the round that begins with fault `number`, and its faults up to `last`."""
    until = min(last, (number - 1) // ROUND_SIZE * ROUND_SIZE + ROUND_SIZE)
    return round_from(seed, number, number), [delivery_fault(seed, each) for each in range(number, until + 1)]
