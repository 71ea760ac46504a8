"""What a URDB record cannot say, and a person has to: the answers, and the questions that are still open.

URDB has no field for holidays, half hours, the time zone and the non-bypassable part of a price; often none is filled
for what kind of service a price is for. Each is asked, none is guessed: a guess is a wrong bill that looks right.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from .urdb_record import Tier, UrdbRate
from .urdb_shape import inner_edges, runs_of

NONE = "none"
UNKNOWN = "unknown"
LAST = "last"


class Service(StrEnum):
    """What the prices of a record are for."""

    BUNDLED = "bundled"
    DELIVERY = "delivery"
    GENERATION = "generation"


# As URDB's list of service types has them; with a standard offer the supply is in the price.
SERVICE_TYPES = {
    "bundled": Service.BUNDLED,
    "delivery with standard offer": Service.BUNDLED,
    "delivery": Service.DELIVERY,
    "energy": Service.GENERATION,
}
FIXED_UNITS = {"$/day": "day", "$/month": "month", "$/year": "year"}


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask: the option that answers it, and why it is asked."""

    option: str
    question: str

    def __str__(self) -> str:
        return f"{self.option}: {self.question}"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person said; None where nothing was."""

    zone: str | None = None
    holidays: str | None = None
    """`none`, or the name of a list of holidays."""
    whole_hours: bool = False
    edges: tuple[tuple[int, int], ...] = ()
    """(hour of URDB, minute of the day at which it really changes)."""
    non_bypassable: str | None = None
    """`unknown`, or USD per kWh."""
    tier: str | None = None
    """`last`, or a number from 1."""
    service: Service | None = None
    fixed_per: str | None = None
    effective: date | None = None
    id: str | None = None
    name: str | None = None
    utility: str | None = None
    standard_time: bool = field(default=False)


def service_of(rate: UrdbRate, answers: Answers) -> Service | None:
    """What the prices are for: as answered, else as the record says."""
    return answers.service or SERVICE_TYPES.get(rate.text("servicetype").lower())


def fixed_of(rate: UrdbRate, answers: Answers) -> tuple[Decimal, str] | None:
    """The fixed charge and its unit (`day`, `month`, `year`, or empty where not known); None where there is none."""
    if rate.fixed is None or not rate.fixed[1]:
        return None
    key, amount = rate.fixed
    if key == "fixedmonthlycharge":
        return amount, "month"
    return amount, answers.fixed_per or FIXED_UNITS.get(rate.text("fixedchargeunits").lower(), "")


def tier_of(tiers: tuple[Tier, ...], answer: str | None) -> Tier:
    """The tier whose price is taken: the numbered one, or the last where there are fewer."""
    if answer is None or answer == LAST:
        return tiers[-1]
    return tiers[min(int(answer), len(tiers)) - 1]


def tiers_differ(rate: UrdbRate) -> bool:
    """Whether the price of some hour depends on the energy used."""
    return any(len({tier.total for tier in rate.periods[position]}) > 1 for position in rate.used)


def non_bypassable_of(answers: Answers) -> Decimal | None:
    """USD per kWh; None where it is not known. Raises ValueError for what is no price."""
    if answers.non_bypassable in (None, UNKNOWN):
        return None
    try:
        price = Decimal(str(answers.non_bypassable))
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or abs(price) >= 10 or int(price.as_tuple().exponent) < -9:
        raise ValueError(f'{answers.non_bypassable!r} is neither "{UNKNOWN}" nor a price per kWh such as 0.01230')
    return price


def open_questions(rate: UrdbRate, answers: Answers) -> tuple[Question, ...]:
    """All that has to be answered before the record can become a tariff."""
    runs = runs_of(rate)
    moved = {hour for hour, _ in answers.edges}
    edges = ", ".join(f"{hour:02d}:00" for hour in inner_edges(runs) if hour not in moved)
    asked = [
        (not answers.zone, "--zone ZONE", "in which time zone are the hours? such as America/Los_Angeles"),
        (
            rate.weekday != rate.weekend and answers.holidays is None,
            f"--holidays {NONE}|LIST",
            "weekends have other hours than weekdays: which holidays have the hours of a weekend, by which list?",
        ),
        (
            bool(edges) and not answers.whole_hours,
            "--whole-hours, or --edge HH:00=HH:MM",
            f"URDB knows whole hours only: does the sheet change at {edges}, or at another minute?",
        ),
        (
            answers.non_bypassable is None,
            f"--non-bypassable {UNKNOWN}|PRICE",
            "how much of a kilowatt-hour's price can no export offset? What needs it is refused where it is unknown",
        ),
        (
            tiers_differ(rate) and answers.tier is None,
            f"--tier 1|2|...|{LAST}",
            "the price depends on the energy used in a month or day: which tier's price is to stand for all?",
        ),
        (
            service_of(rate, answers) is None,
            "--service " + "|".join(Service),
            "is the price for supply and delivery together (bundled), or for one of them?",
        ),
        (
            (fixed_of(rate, answers) or (0, "none"))[1] == "",
            "--fixed-per day|month|year",
            "the record has a fixed charge without a unit: how often is it due?",
        ),
        (rate.start is None and answers.effective is None, "--effective YYYY-MM-DD", "from which day does it hold?"),
        (not rate.text("name") and not answers.name, "--name TEXT", "what is it called?"),
        (not rate.text("utility") and not answers.utility, "--utility TEXT", "whose tariff is it?"),
    ]
    return tuple(Question(option, question) for wanted, option, question in asked if wanted)
