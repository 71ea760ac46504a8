"""What went over a wire, with the time of each byte string, as a text file that is a test vector as it is.

    # netmeter wire recording 1
    # profile: eastron-sdm630
    # framing: rtu
    0 > 01 04 00 34 00 18 B0 0E
    71034 < 01 04 30 C4 BB 90 00 ...

`>` was sent to the device, `<` came from it. The first number is microseconds since the recording began, which is when
the first request was put on the wire. Lines with `#` carry the head (`name: value`) or a remark; those with `#|` the
profile by which the meter was asked, because the file of that name may be another when the recording is played.
Pure: no file is opened here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from .errors import DriverError, TransportLostError
from .steps import Read, Step, Steps, Write
from .timing import Ticker

T = TypeVar("T")

TITLE = "netmeter wire recording 1"
SENT, HEARD = ">", "<"
PROFILE_LINE = "#|"
LONGEST_EVENTS, LONGEST_BYTES = 10_000, 500_000
"""A tape is not endless: a flood is cut off, and what is kept is still a recording."""


class RecordingError(DriverError):
    """A recording cannot be read or does not fit; names place, line and the mend."""


@dataclass(frozen=True, slots=True)
class Event:
    """Bytes that went by at `offset_us`; `direction` is SENT or HEARD."""

    offset_us: int
    direction: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Recording:
    """A head, the events in order, and the text of the profile's file where it is kept."""

    head: Mapping[str, str]
    events: tuple[Event, ...]
    profile_text: str = ""

    def text(self) -> str:
        """The file."""
        lines = [f"# {TITLE}", *(f"# {name}: {value}" for name, value in self.head.items() if value)]
        lines += [f"{PROFILE_LINE} {line}".rstrip() for line in self.profile_text.splitlines()]
        lines += [f"{one.offset_us} {one.direction} {one.payload.hex(' ').upper()}" for one in self.events]
        return "\n".join(lines) + "\n"

    def number(self, name: str) -> int | None:
        """A number of the head; None where it is not there. Raises RecordingError."""
        value = self.head.get(name)
        try:
            return None if value is None else int(value)
        except ValueError as error:
            raise RecordingError(f"{name}: {value} in the head is no whole number") from error


def parse_recording(text: str, where: str) -> Recording:
    """A recording's file, read. `where` names it in messages. Raises RecordingError."""
    lines = text.splitlines()
    if not lines or lines[0].strip("# ") != TITLE:
        raise RecordingError(f"{where}:1: not a recording; the first line must be `# {TITLE}`")
    head: dict[str, str] = {}
    events: list[Event] = []
    profile: list[str] = []
    for number, line in enumerate(lines[1:], 2):
        if line.startswith(PROFILE_LINE):
            profile.append(line.removeprefix(PROFILE_LINE).removeprefix(" "))
        elif line.startswith("#"):
            name, colon, value = line[1:].partition(":")
            if colon and not events:
                head[name.strip()] = value.strip()
        elif line.strip():
            events.append(_event(line, f"{where}:{number}"))
            if len(events) > 1 and events[-1].offset_us < events[-2].offset_us:
                raise RecordingError(f"{where}:{number}: goes back in time")
    return Recording(head, tuple(events), "".join(f"{line}\n" for line in profile))


def _event(line: str, place: str) -> Event:
    parts = line.split(maxsplit=2)
    try:
        offset_us, direction, payload = int(parts[0]), parts[1], bytes.fromhex(parts[2])
    except (ValueError, IndexError) as error:
        raise RecordingError(f"{place}: {line[:40]!r} is not `microseconds {SENT} hex`: {error}") from error
    if direction not in (SENT, HEARD) or offset_us < 0:
        raise RecordingError(f"{place}: {line[:40]!r}: {SENT} (sent) or {HEARD} (heard) belongs after the time")
    return Event(offset_us, direction, payload)


@dataclass(slots=True)
class Tape:
    """Takes down what goes by, from the first request on. For one conversation at a time."""

    head: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    is_unasked: bool = False
    """The device talks without being asked: what it says is the beginning."""
    _began_us: int | None = None
    _bytes: int = 0

    def note(self, now_us: int, direction: str, payload: bytes) -> None:
        """Bytes went by. What comes before the first request answers nobody and is left out."""
        if self._began_us is None and (direction == SENT or self.is_unasked):
            self._began_us = now_us
        if self._began_us is None or not payload or len(self.events) >= LONGEST_EVENTS:
            return
        self._bytes += len(payload)
        if self._bytes <= LONGEST_BYTES:
            self.events.append(Event(now_us - self._began_us, direction, payload))

    def recording(self, remarks: Iterable[tuple[str, str]] = ()) -> Recording:
        """What it holds, with more for the head."""
        return Recording({**self.head, **dict(remarks)}, tuple(self.events))


def taped(steps: Steps[T], ticker: Ticker, tape: Tape) -> Steps[T]:
    """The same conversation, taken down."""
    try:
        step = next(steps)
        while True:
            try:
                heard = yield step
            except TransportLostError as error:
                step = steps.throw(error)
                continue
            _take_down(step, heard, ticker.monotonic_us(), tape)
            step = steps.send(heard)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()


def _take_down(step: Step, heard: bytes, now_us: int, tape: Tape) -> None:
    if isinstance(step, Write):
        tape.note(now_us, SENT, step.payload)
    elif isinstance(step, Read):
        tape.note(now_us, HEARD, heard)
