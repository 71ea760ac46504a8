"""A meter's side of a conversation, told exchange by exchange after IEC 62056-21, and the runner that plays it.

A script is a list: bytes that the meter sends, `SILENCE`, or `Expect` (what it must have been sent since the last of
its words, and at which rate). The runner keeps virtual time, so that what a session would last can be judged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from drivers.iec62056.actions import Action, Done, Failed, Listen, Pause, Send, SetBaud, SetLine
from drivers.iec62056.dialogue import Dialogue
from drivers.iec62056.plan import Line, Plan
from tests.protocol.iec_telegrams import with_parity


@dataclass(frozen=True, slots=True)
class Expect:
    """What must have been sent, and the rate at which the port now is."""

    characters: bytes
    baud_bd: int


class _Silence:
    """Nothing comes for as long as the reader waits."""


SILENCE = _Silence()
Script = Sequence[bytes | Expect | _Silence]


@dataclass(slots=True)
class Played:
    """What a session did and how it ended."""

    end: Done | Failed | None = None
    sent: list[bytes] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    baud_bd: int = 0
    lasted_us: int = 0
    unread: bytes = b""

    def take(self, actions: list[Action]) -> int:
        """Does what they say; how long may be listened afterwards (0: it is over)."""
        self.actions.extend(one for one in actions if not isinstance(one, Listen))
        for action in actions:
            match action:
                case Send(payload):
                    self.sent.append(payload)
                    self.lasted_us += len(payload) * 10_000_000 // self.baud_bd
                case SetBaud(baud_bd):
                    self.baud_bd = baud_bd
                case Pause(duration_us):
                    self.lasted_us += duration_us
                case Done() | Failed():
                    self.end = action
                case Listen(silence_us):
                    return silence_us
                case SetLine():
                    pass
        return 0


def play(
    plan: Plan,
    script: Script,
    *,
    line: Line | None = None,
    chunks: Callable[[bytes], Sequence[bytes]] = lambda stream: [stream],
    parity: bool = True,
) -> Played:
    """Plays a script to its end; what comes after it is silence. `parity`: the meter's characters carry it."""
    line = line or Line()
    dialogue, played = Dialogue(plan, line), Played()
    silence_us = played.take(dialogue.start())
    for part in script:
        if isinstance(part, Expect):
            assert b"".join(played.sent) == with_parity(part.characters), played.sent
            assert played.baud_bd == part.baud_bd
            played.sent.clear()
        elif isinstance(part, bytes):
            for chunk in chunks(with_parity(part) if parity else part):
                if played.end is not None:
                    played.unread += chunk
                    continue
                played.lasted_us += len(chunk) * 10_000_000 // played.baud_bd
                silence_us = played.take(dialogue.receive(chunk))
        elif played.end is None:
            played.lasted_us += silence_us
            silence_us = played.take(dialogue.silence())
    for _ in range(200):
        if played.end is not None:
            return played
        played.lasted_us += silence_us
        silence_us = played.take(dialogue.silence())
    raise AssertionError("a session without end")
