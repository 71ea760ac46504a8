"""Questions that were left without their answer: it may still come, and must not be taken for the next one's.

An RTU answer says whose it is, by which function and how long; so one that comes late fits every question of the same
shape. Therefore a unit is not asked the same shape again for a while, and what a late answer has taken is remembered.
Pure: no wire, no clock.
"""

from dataclasses import dataclass

from .frames import CrcOk, Question, find_rtu_answer

SHAPE_QUIETS = 3
"""How many quiet times a question of the same shape waits."""
MOST_PATIENCE = 4
"""... or longer where later answers were seen: at most so many times timeout and quiet, for it may be a wrong guess."""
REMEMBERED = 16


@dataclass(frozen=True, slots=True)
class _Left:
    question: Question
    sent_us: int


class Unanswered:
    """One line's. Microseconds on the ticker's scale. Other units than the late one wait for nothing of this."""

    def __init__(self, timeout_us: int, quiet_us: int) -> None:
        self._patience_us = timeout_us + SHAPE_QUIETS * quiet_us
        self._longest_us = MOST_PATIENCE * (timeout_us + quiet_us)
        self._timeout_us = timeout_us
        self._latest_us: dict[int, int] = {}
        self._left: list[_Left] = []
        self._answered: _Left | None = None
        """The last that was: if its answer comes once more, the first may have been an older question's."""

    def leave(self, question: Question, sent_us: int) -> None:
        """`question`, sent then, ended without its answer."""
        others = [one for one in self._left if not one.question.has_shape_of(question)]
        self._left = [*others, _Left(question, sent_us)][-REMEMBERED:]
        self._answered = None

    def settle(self, question: Question, sent_us: int) -> None:
        """`question` got its answer, and a device answers in turn: nothing that it was asked before is under way."""
        self._answered = _Left(question, sent_us)
        self._left = [one for one in self._left if one.question.unit != question.unit]

    def free_from_us(self, question: Question) -> int:
        """Not before this moment is `question` to be sent, lest an older one's answer be taken for its own."""
        alike = [one.sent_us for one in self._left if one.question.has_shape_of(question)]
        # Half as long again as the latest that has come, for the next may take longer yet.
        late_us = self.latest_us(question.unit) * 3 // 2
        patience_us = max(self._patience_us, min(late_us, self._longest_us))
        return max(alike, default=-patience_us) + patience_us

    def latest_us(self, unit: int) -> int:
        """How long the latest answer of `unit` took that came after its timeout; 0 where none did."""
        return self._latest_us.get(unit, 0)

    def take_late(self, heard: bytes, now_us: int, crc_ok: CrcOk) -> int:
        """How many of them the bytes `heard` answer. How late a unit can be is learnt from it."""
        asked = self._left if self._answered is None else [*self._left, self._answered]
        late = [one for one in asked if find_rtu_answer(heard, one.question, crc_ok) is not None]
        for one in late:
            took_us, unit = now_us - one.sent_us, one.question.unit
            if took_us > self._timeout_us:
                self._latest_us[unit] = max(took_us, self.latest_us(unit))
        self._left = [one for one in self._left if one not in late]
        return len(late)
