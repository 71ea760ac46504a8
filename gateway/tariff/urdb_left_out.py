"""What a URDB record bills and an imported tariff does not know: told line by line, with its figures, never dropped."""

from collections.abc import Iterator
from decimal import Decimal

from .flags import Flag
from .urdb_questions import Answers, Service, non_bypassable_of, service_of, tier_of, tiers_differ
from .urdb_record import Tier, UrdbRate

_DEMAND = {
    "demandratestructure": "demand charge by time of use",
    "flatdemandstructure": "demand charge of the month",
    "coincidentratestructure": "demand charge at the system's peak",
}
_SINGLE = {
    "demandreactivepowercharge": "charge for reactive power",
    "demandreactpwrcharge": "charge for reactive power",
    "fixedchargeeaaddl": "fixed charge for each additional meter",
    "lookbackpercent": "demand of earlier months, per cent",
    "mincharge": "minimum charge",
    "minmonthlycharge": "minimum charge a month",
    "annualmincharge": "minimum charge a year",
}
_OTHER = ("demandreactivepowercharge", "demandreactpwrcharge", "fixedchargeeaaddl", "lookbackpercent")
_ATTRIBUTES = ("energyattrs", "demandattrs")
_MINIMUM = ("mincharge", "minmonthlycharge", "annualmincharge")


def flags_of(rate: UrdbRate, answers: Answers) -> tuple[Flag, ...]:
    """The flags of the imported tariff."""
    keys, service = rate.document.keys, service_of(rate, answers)
    wanted = [
        (Flag.DELIVERY_ONLY, service is Service.DELIVERY),
        (Flag.GENERATION_ONLY, service is Service.GENERATION),
        # Supply alone or delivery alone needs no dividing; their non-bypassable part is untagged, and so refused.
        (Flag.TOTAL_ONLY, service is Service.BUNDLED and non_bypassable_of(answers) is None),
        (Flag.NO_CUSTOMER_CHARGE, rate.fixed is None),
        (Flag.NO_MINIMUM_CHARGE, any(_shown(keys.get(key)) for key in _MINIMUM)),
        (Flag.NO_DEMAND_CHARGES, any(_amounts(keys.get(key)) for key in _DEMAND)),
        (
            Flag.NO_OTHER_CHARGES,
            any(_shown(keys.get(key)) for key in _OTHER) or any(keys.get(key) for key in _ATTRIBUTES),
        ),
        (Flag.ONE_TIER_ONLY, tiers_differ(rate)),
    ]
    return tuple(flag for flag, holds in wanted if holds)


def left_out(rate: UrdbRate, answers: Answers, names: dict[int, str]) -> tuple[str, ...]:
    """The lines, each for people."""
    keys = rate.document.keys
    lines: list[str] = []
    for key, words in _DEMAND.items():
        amounts = _amounts(keys.get(key))
        if amounts:
            lines.append(f"{words}: {', '.join(amounts)} USD per kW")
    for key, words in _SINGLE.items():
        amount = _shown(keys.get(key))
        if amount:
            unit = rate.text("minchargeunits") if key == "mincharge" else ""
            lines.append(f"{words}: {amount} {unit}".rstrip())
    for position in rate.used:
        lines.extend(_other_tiers(rate.periods[position], answers, names[position]))
        taken = tier_of(rate.periods[position], answers.tier)
        if taken.sell is not None:
            lines.append(f"what is paid for export in {names[position]}: {taken.sell:f} USD per kWh")
    for key in _ATTRIBUTES:
        lines.extend(f"{key}: {words}" for words in _attributes(keys.get(key)))
    return tuple(lines)


def _other_tiers(tiers: tuple[Tier, ...], answers: Answers, name: str) -> Iterator[str]:
    taken = tier_of(tiers, answers.tier)
    below: Decimal | None = None
    for number, tier in enumerate(tiers, 1):
        if tier.total != taken.total:
            above = "" if below is None else f"above {below:f} "
            to = "" if tier.limit is None else f"to {tier.limit:f} "
            yield f"tier {number} of {name}: {tier.total:f} USD per kWh {above}{to}{tiers[0].unit}"
        below = tier.limit


def _amounts(structure: object) -> list[str]:
    """The amounts other than zero in a list of periods of tiers, rate and adj added, each once.

    What is no such list is given as it stands: a charge that cannot be read is a charge all the same.
    """
    found: dict[str, None] = {}
    for tiers in structure if isinstance(structure, list) else [structure]:
        for tier in tiers if isinstance(tiers, list) else [tiers]:
            amount = _shown(tier)
            if isinstance(tier, dict):
                rate, adj = tier.get("rate") or 0, tier.get("adj") or 0
                readable = all(isinstance(one, int | Decimal) for one in (rate, adj))
                amount = _shown(rate + adj if readable else rate or adj)
            if amount:
                found[amount] = None
    return list(found)


def _shown(value: object) -> str:
    """An amount as text; empty for zero and nothing."""
    if not value:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _attributes(listed: object) -> Iterator[str]:
    for one in listed if isinstance(listed, list) else [listed]:
        if isinstance(one, dict):
            yield from (f"{key} {value}" for key, value in one.items())
        elif one:
            yield str(one)
