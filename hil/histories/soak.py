"""The lots of histories that are soaked: `clock`, `jumps`, `mixed`. What each draws, who plays, who judges.

Only what plays the books loads them, when it plays: who judges shares no code with the judged.
"""

from collections.abc import Iterable

from ..soak.history import Verdict
from . import judge, jump_judge, mix_judge
from .jump_plan import JumpHistory, jump_history
from .mix_plan import mixed_history
from .plan import History, history
from .record import Played
from .runner import HistorySoak, Plays


class ClockSoak(HistorySoak[History]):
    """The clock is set, readings fail, the machine stops: in integers against an oracle."""

    name = "clock"
    summary = "histories of steps, gaps, restarts and wrong answers in virtual time, in integers against an oracle"
    always_told: tuple[str, ...] = judge.LAWS
    round_size, say_every = 500, 100
    counted, counted_as = "steps", "steps of the clock"
    control_least = control_most = 40

    def draw(self, seed: int, number: int) -> History:
        return history(seed, number)

    def player(self, one: History, broken: str) -> Plays:
        from .broken import broken_player
        from .play import Player

        return broken_player(one, broken) if broken else Player(one)

    def judge(self, one: History, played: Played) -> Verdict:
        return judge.judge(one, played)

    def rules(self) -> Iterable[str]:
        from .broken import BROKEN

        return BROKEN

    def shown_by(self, rule: str) -> tuple[str, ...]:
        return (rule,)

    def told_of(self, rule: str, count: int) -> str:  # noqa: ARG002
        return f"books that break the law of {rule}"


class JumpSoak(HistorySoak[JumpHistory]):
    """The register jumps or stands, the clock is right. The control breaks rules as real systems do."""

    name = "jumps"
    summary = "histories of zeros, spikes, frozen registers, resets and swaps in virtual time, against the truth"
    always_told: tuple[str, ...] = jump_judge.LAWS

    def draw(self, seed: int, number: int) -> JumpHistory:
        return jump_history(seed, number)

    def player(self, one: JumpHistory, broken: str) -> Plays:
        from .jump_broken import broken_player
        from .jump_play import JumpPlayer

        return broken_player(one, broken) if broken else JumpPlayer(one)

    def judge(self, one: JumpHistory, played: Played) -> Verdict:
        return jump_judge.judge(one, played)

    def rules(self) -> Iterable[str]:
        from .jump_broken import BROKEN

        return BROKEN


class MixedSoak(HistorySoak[JumpHistory]):
    """The register jumps or stands while the clock is set. The control takes one rule of ours out each."""

    name = "mixed"
    summary = "histories of registers that jump or stand while the clock is set, in virtual time, against the truth"
    always_told: tuple[str, ...] = mix_judge.LAWS

    def draw(self, seed: int, number: int) -> JumpHistory:
        return mixed_history(seed, number)

    def player(self, one: JumpHistory, broken: str) -> Plays:
        from .jump_play import JumpPlayer
        from .mix_broken import broken_player

        return broken_player(one, broken) if broken else JumpPlayer(one)

    def judge(self, one: JumpHistory, played: Played) -> Verdict:
        return mix_judge.judge(one, played)

    def rules(self) -> Iterable[str]:
        from .mix_broken import BROKEN

        return BROKEN

    def shown_by(self, rule: str) -> tuple[str, ...]:  # noqa: ARG002
        """A meter that is taken for another may be told as lost energy, and not as a truth outside of what is told."""
        return (self.control_finding, "taken")
