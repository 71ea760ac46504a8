"""What the validate step can say of a reading, and what it remembers between two. Types only, no reckoning.

All energy is int milliwatt-hours, all instants UTC microseconds. The state is stored with the decision it belongs to;
a field that is new has a default, so that a state stored before it is read as it was meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import msgspec

from .clock import FIRST_CREDIBLE_US
from .energy import Direction
from .reading.read import Reading

NOTHING: Mapping[str, int] = MappingProxyType({})


class Reason(StrEnum):
    """Why a reading is not simply booked."""

    FIRST_READING = "first_reading"
    UNCONFIRMED = "unconfirmed"
    NOT_AVAILABLE = "not_available"
    WENT_BACKWARDS = "went_backwards"
    IMPOSSIBLE_JUMP = "impossible_jump"
    ROLLED_OVER = "rolled_over"
    METER_REPLACED = "meter_replaced"
    PROFILE_CHANGED = "profile_changed"
    RATIO_CHANGED = "ratio_changed"
    STATED = "stated"
    TIME_NOT_ADVANCED = "time_not_advanced"
    CLOCK_NOT_SET = "clock_not_set"
    CLOCK_JUMPED = "clock_jumped"


class Class(StrEnum):
    """What a jump was found to be."""

    GLITCH = "glitch"
    FIRST_READING = "first_reading"
    ROLLOVER = "rollover"
    RESET_TO_ZERO = "reset_to_zero"
    METER_REPLACED = "meter_replaced"
    OTHER_REGISTERS = "other_registers"
    PROFILE_CHANGED = "profile_changed"
    RATIO_CHANGED = "ratio_changed"
    STOOD_STILL = "stood_still"
    UNDECIDED = "undecided"
    RETURNED = "returned"


class Rule(StrEnum):
    """By what it was found: the sentence for the person with the wrong bill is in docs/accounting.md."""

    BACK_ON_THE_OLD_LINE = "back_on_the_old_line"
    SECOND_READING_AGREES = "second_reading_agrees"
    WRAPPED_GROWTH_IS_POSSIBLE = "wrapped_growth_is_possible"
    BEGINS_NEAR_ZERO = "begins_near_zero"
    SERIAL_DIFFERS = "serial_differs"
    COUNTS_ON_BY_ITSELF = "counts_on_by_itself"
    CONFIG_DIFFERS = "config_differs"
    OPERATOR_SAYS_SO = "operator_says_so"
    POSSIBLE_SINCE_IT_STOOD = "possible_since_it_stood"
    POSSIBLE_EITHER_WAY = "possible_either_way"
    STANDS_WHERE_IT_FELL = "stands_where_it_fell"


class NoteKind(StrEnum):
    """What is told of a register although its reading is booked."""

    STEPPED_BACK = "stepped_back"
    RESOLUTION_CHANGED = "resolution_changed"
    ROLLOVER_POSSIBLE = "rollover_possible"
    FROZEN = "frozen"
    MOVES_AGAIN = "moves_again"


@dataclass(frozen=True, slots=True)
class Note:
    """Something about one register of a booked reading that a person may have to know."""

    kind: NoteKind
    direction: Direction
    detail: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Doubt:
    """How far what a register grew by can be from what flowed, beyond its digits and windows."""

    direction: Direction
    milliwh: int
    """Of what is booked between this reading and the one before."""
    earlier_milliwh: int = 0
    """What of it can have flowed before both, since `since_us`."""
    since_us: int = 0
    until_us: int = 0
    """After this an edge has told it itself, and only what an edge up to then bounds is open; 0: none has."""
    once: bool = False
    """Of all that are told until the register grows only one is so: a bucket or interval is told the largest."""
    again: bool = False
    """One like it was told since the register last grew."""


class Basis(msgspec.Struct, frozen=True, omit_defaults=True):
    """What turns a meter's words into energy. If it changes, old and new registers cannot be compared."""

    profile: str
    registers: str
    """A digest of addresses, types, units, scales, word order, ratio, direction, and which of several meters."""
    own: str = ""
    """A digest of what of it is the profile's own, without the config's options; empty: not known."""
    read_by: str = ""
    """Which of the profile's readings the device was found to need (a variant, a model); empty: not known."""

    def known_by(self, other: "Basis") -> "Basis":
        """This one, with what only the other knows."""
        if self.own and self.read_by:
            return self
        return Basis(self.profile, self.registers, self.own or other.own, self.read_by or other.read_by)


class Still(msgspec.Struct, frozen=True):
    """A register that has not moved while power flowed."""

    since_us: int
    expected_milliwh: int
    other_milliwh: int | None
    """The register of the other direction when this one last moved; None where there is none."""
    frozen: bool = False
    """Called so: from then on each edge tells it."""


class RegisterMemory(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of a register beside its last reading. Not kept where all of it is the default."""

    rollovers: int = 0
    rolled_over_milliwh: int = 0
    """What the booked register is ahead of the one that the meter shows, because that has rolled over."""
    digit_milliwh: int = 0
    """The last digit as last read, where the last reading was booked with another; 0: its own."""
    top_digit_milliwh: int = 0
    """While the meter shows less than is booked: the digit that the booked register was read with; else 0."""
    still: Still | None = None
    stood_since_us: int = 0
    """The earliest that a register can have been latched that stands since; 0: it has moved."""
    longer_us: int = 0
    """How much longer it may stand than the clock shows: the machine was off meanwhile, for a time nobody knows."""
    reset_told: bool = False
    """It has shown less, within its last digit, since it last grew, and was told as one that may have been reset."""


class Exchange(msgspec.Struct, frozen=True):
    """What the operator has said of an exchange: the old meter's last registers, the new one's first."""

    closing_milliwh: dict[Direction, int]
    opening_milliwh: dict[Direction, int]


class Opened(msgspec.Struct, frozen=True):
    """How the open epoch began, where there was one before it."""

    previous: Reading
    first: Reading
    memories: dict[Direction, RegisterMemory] = {}
    """Of the registers before."""
    exchange: Exchange | None = None
    """The operator's word on it; None until it is given."""
    basis: Basis | None = None
    """By which the registers before were read; None: not known."""


class ValidatorState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of a meter: the last accepted reading, and readings in quarantine, oldest and newest."""

    register_epoch: int = 0
    last: Reading | None = None
    held_reason: Reason | None = None
    held_first: Reading | None = None
    held_latest: Reading | None = None
    held_count: int = 0
    lost: dict[Direction, Reading] = {}
    """Directions that the meter no longer has, each with the last accepted reading that had it."""
    memories: dict[Direction, RegisterMemory] = {}
    held_memories: dict[Direction, RegisterMemory] = {}
    basis: Basis | None = None
    """By which the epoch's registers were read; None: not known (stored before it was kept)."""
    held_basis: Basis | None = None
    """By which the readings in quarantine were read."""
    held_standing: Reading | None = None
    """The newest of them at which no register in question had moved yet."""
    held_again: bool = False
    """Another row was held before this one, and fits neither it nor the last accepted reading."""
    held_woken: dict[Direction, int] = {}
    """What an earlier row showed that the registers can have kept back at `last`, if they woke in it; of a lost one
    until it is found."""
    held_flowed: dict[Direction, int] = {}
    """What those can have counted since `last`, in that row: before it they may have kept that back as well."""
    held_fallen: dict[Direction, int] = {}
    """What a row that was held for its clock had counted, and behind it can have flowed, before registers fell: it is
    in none, if they were reset then."""
    held_gone: dict[Direction, int] = {}
    """What registers showed that an earlier row showed as fallen, or jumped, and that no reading shows since."""
    held_reset: dict[Direction, int] = {}
    """The most that is open of a register that showed a last digit less in the row, and may have been reset then."""
    held_frozen: dict[Direction, int] = {}
    """What the service can have carried while registers of the row were frozen that moved since: told to nobody."""
    held_moved: Reading | None = None
    """The first of them at which one had."""
    held_ends: dict[str, Reading] = {}
    """Where the machine was started anew in the row: the newest reading of the boot of `held_first`, and of that of
    `held_standing`; of the boot of `held_latest` one without registers behind the row. For its clock; no registers."""
    opened: Opened | None = None
    opened_set_us: int = 0
    """How far the clock was set back since, 0 or less: `opened` is by the clock of then."""
    doubted: dict[Direction, int] = {}
    """Registers of lost directions that fell and stood still there, as the meter shows them: no count of anything."""
    seen: Reading | None = None
    """The newest reading since `last`, of its boot, that was not booked: what it says of the clock; no registers."""
    seen_steps: list[tuple[int, int]] = []
    """How the clock was set between the readings from `last` to `seen`: monotonic time of the first by it, the step."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Physics and patience. `confirm_span_us` is pipeline monotonic time."""

    limit_milliw: int
    confirm_readings: int = 5
    confirm_span_us: int = 60_000_000
    first_credible_us: int = FIRST_CREDIBLE_US
    basis: Basis | None = None
    remembers_standing: bool = True
    """Whether it is kept since when a register stands: else one that gives all at once is another register."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Book it. Its registers never fall and never roll over: they are the meter's, continued."""

    reading: Reading
    notes: tuple[Note, ...] = ()
    frozen: frozenset[Direction] = frozenset()
    doubts: tuple[Doubt, ...] = ()
    found: Class = Class.GLITCH
    """What was held before it."""
    rule: Rule = Rule.BACK_ON_THE_OLD_LINE


@dataclass(frozen=True, slots=True)
class Rollover:
    """Book it, in the same register epoch: these registers have passed their width and began at zero again."""

    previous: Reading
    reading: Reading
    shown: Reading
    """As the meter shows it."""
    widths_milliwh: Mapping[Direction, int]
    notes: tuple[Note, ...] = ()
    frozen: frozenset[Direction] = frozenset()
    doubts: tuple[Doubt, ...] = ()
    reason: Reason = Reason.ROLLED_OVER


@dataclass(frozen=True, slots=True)
class Rejected:
    """Do not book it; nothing about the meter's identity is in doubt."""

    reason: Reason
    previous: Reading | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Do not book it yet: either it or the account's idea of the meter is wrong. More readings will tell."""

    reason: Reason
    previous: Reading | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """The registers began anew: open `register_epoch` with `first`, then book `reading`."""

    reason: Reason
    register_epoch: int
    previous: Reading | None
    first: Reading
    reading: Reading
    found: Class = Class.OTHER_REGISTERS
    rule: Rule = Rule.COUNTS_ON_BY_ITSELF
    doubts: tuple[Doubt, ...] = ()
    """Of what flowed since `first`."""
    returned_from: Reading | None = None
    """Where `first` counts on from the line before the last: that line's last reading."""
    seen: Reading | None = None
    """Where `reading` is of another boot than `first`: the newest held one of that boot, for its clock."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The time of day is not known yet: kept, and decided on when it is. Never an answer of `validate`."""

    reading: Reading


Booked = Accepted | Rollover | NewEpoch
Decision = Accepted | Rollover | Rejected | Quarantined | NewEpoch | Waiting
