"""Is somebody there, and what do his registers hold: a scan's questions to one unit, as steps. Sends nothing but reads.

Whatever a unit answers, an exception too, tells that it is there and that the line is set right: the answer has a CRC.
What it has once said or refused it is not asked again.
"""

from collections.abc import Sequence
from enum import Enum

from ..errors import ConfigurationError, DriverError, FrameError, NoAnswerError, RefusedError, TransportLostError
from ..steps import Steps
from .codec import Framing
from .frames import Question
from .link import ModbusLink
from .scan import PROBE_WORDS

QUESTIONS = ((3, 0),)
"""(function, address) of what a unit is asked to tell that it is there: a register that it lacks is refused."""
THOROUGH_QUESTIONS = ((3, 0), (4, 0), (3, 40000), (3, 0x1000))
"""For devices that stay silent, instead of refusing, when they are asked for what they do not have."""
SILENCES_MOST = 4
"""Questions that a unit, though there, may leave unanswered before it is left alone."""

Image = dict[tuple[int, int], int]


class Presence(Enum):
    """What came of asking a unit."""

    THERE = "there"
    ABSENT = "absent"
    UNCLEAR = "unclear"
    """Something came that is no answer to the question: noise, another speed, two devices of one number."""


def is_there(link: ModbusLink, unit: int, questions: Sequence[tuple[int, int]] = QUESTIONS) -> Steps[Presence]:
    """Ask until something sound comes. Raises TransportLostError."""
    found = Presence.ABSENT
    for function, address in questions:
        try:
            yield from link.ask(unit, function, address, PROBE_WORDS)
        except ConfigurationError:
            return Presence.THERE
        except RefusedError as error:
            if error.is_brief or link.framing is Framing.RTU:
                return Presence.THERE
            # 10 and 11: a gateway speaks for a unit that it does not reach
        except NoAnswerError:
            pass
        except FrameError:
            found = Presence.UNCLEAR
        else:
            return Presence.THERE
    return found


class Inquiry:
    """One unit that is there, asked for one span of registers after another."""

    def __init__(self, link: ModbusLink, unit: int) -> None:
        self.link, self.unit = link, unit
        self.words: Image = {}
        """By (function, address), what it has said."""
        self._refused: dict[Question, DriverError] = {}
        self._silences = 0

    @property
    def is_mute(self) -> bool:
        """It has left too many questions without an answer: no more are worth their time."""
        return self._silences >= SILENCES_MOST

    def ask(self, function: int, address: int, count: int) -> Steps[tuple[int, ...] | None]:
        """The words there; None where it does not give them. Raises TransportLostError."""
        known = [self.words.get((function, address + n)) for n in range(count)]
        words = tuple(word for word in known if word is not None)
        question = Question(self.unit, function, address, count)
        if len(words) == count:
            return words
        if question in self._refused or self.is_mute:
            return None
        try:
            reply = yield from self.link.ask_patiently(self.unit, function, address, count)
        except TransportLostError:
            raise
        except DriverError as error:
            self._silences += isinstance(error, NoAnswerError)
            self._refused[question] = error
            return None
        self.words.update({(function, address + n): word for n, word in enumerate(reply.words)})
        return reply.words
