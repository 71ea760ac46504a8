"""Books without one rule of ours each: what the judge of `soak mixed` has to find. Never used elsewhere.

Each rule is taken out of the gateway for as long as one history is played.
"""

from collections.abc import Callable
from typing import Any

from gateway.bookkeeping.books import Books
from gateway.decision import ValidatorState
from gateway.reading.read import Reading
from gateway.registers import believe, validate

from .broken import BROKEN as CLOCKS
from .broken import with_fault
from .jump_broken import BROKEN as JUMPS
from .jump_plan import JumpHistory
from .jump_play import JumpPlayer
from .record import Played


def _stays(state: ValidatorState, _reading: Reading) -> tuple[ValidatorState, Reading | None]:
    """Nothing that is remembered is moved with a clock that was set back."""
    return state, state.last


def _never_asleep(*_: Any) -> None:
    """A register that stood and gives all at once is another meter."""


TAKEN_OUT: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "do not move what is remembered with the clock": (validate, "placed_by", _stays),
    "take a register that stood for another meter": (believe, "_asleep", _never_asleep),
}
BOOKS: dict[str, Callable[[Books], None]] = {
    "do not tell a step of the clock": CLOCKS["truth"],
    "do not tell what is undecided": JUMPS["do not tell what is undecided"],
}
BROKEN = (*TAKEN_OUT, *BOOKS)


class _WithoutPlayer(JumpPlayer):
    """Plays a history without one rule of the gateway's."""

    def __init__(self, history: JumpHistory, rule: str) -> None:
        self._rule = rule
        super().__init__(history)

    def play(self) -> Played:
        """All of it; the rule is there again afterwards."""
        module, name, stand_in = TAKEN_OUT[self._rule]
        ours = getattr(module, name)
        setattr(module, name, stand_in)
        try:
            return super().play()
        finally:
            setattr(module, name, ours)


def broken_player(one: JumpHistory, rule: str) -> JumpPlayer:
    """Plays a history without `rule`, one of BROKEN."""
    return with_fault(JumpPlayer, BOOKS[rule])(one) if rule in BOOKS else _WithoutPlayer(one, rule)
