"""Programming mode as a part of a session: option select 1, operand, password, reads, break. It only reads.

A block that is damaged is asked for again by NAK, a command that the meter did not understand is sent again, both to a
bound; a refusal ends that command alone. (IEC 62056-21:2002, 6.4.4 and 6.5)
"""

from collections.abc import Generator

from .actions import Action, Answer, Outcome, Pause, Reason
from .block import text_faults
from .data_set import data_sets_of
from .plan import INACTIVITY_US
from .programming import (
    BREAK,
    Operand,
    Password,
    ReadCommand,
    Reply,
    ReplyReader,
    Sign,
    TooLong,
    error_of,
    named,
    password_message,
    read_message,
)
from .readout import Telegram
from .session import Flow, GiveUpError, Greeting, RefusedByMeterError, Session
from .signs import ACK, NAK

_SIGN_OF = {bytes((ACK,)): Sign.ACK, bytes((NAK,)): Sign.NAK}


def interrogate(session: Session, greeting: Greeting, baud_bd: int) -> Flow[Outcome]:
    """The answers to the plan's commands. However it ends, the meter is told by a break that it is free."""
    behind = yield from session.select(greeting, baud_bd, "0", "1")
    talk = _Talk(session, greeting.identification.reaction_us, behind)
    try:
        operand = yield from talk.operand()
        if session.plan.password is not None:
            yield from talk.log_in(session.plan.password)
        answers = []
        for command in session.plan.commands:
            answers.append((yield from talk.ask(command)))
    except GiveUpError:
        yield from talk.say(BREAK)
        raise
    yield from talk.say(BREAK)
    return Outcome(greeting.identification, baud_bd, answers=tuple(answers), operand=operand, repeats=session.repeats)


class _Talk:
    """Messages to and fro, once the meter is in programming mode."""

    def __init__(self, session: Session, reaction_us: int, behind: bytes) -> None:
        self._session = session
        self._reaction_us = reaction_us
        self._reader = ReplyReader(session.plan.max_bytes)
        self._waiting: list[Reply] = self._reader.feed(session.plain(behind))
        self._echo: Sign | None = None

    def say(self, characters: bytes) -> Generator[Action, bytes, None]:
        """Send, not before the meter can hear again. A message's echo is known as one; that of a single sign is not."""
        yield Pause(self._reaction_us)
        self._echo = _SIGN_OF.get(characters)
        yield self._session.sending(characters)

    def _reply(self) -> Flow[Reply]:
        """The next reply; GiveUpError if the meter is silent, breaks off, or talks without end."""
        reply = yield from self._next()
        if reply is self._echo:
            reply = yield from self._next()
        self._echo = None
        if reply is Sign.BREAK:
            raise RefusedByMeterError(Reason.BROKEN_OFF, "the meter has broken off")
        if isinstance(reply, TooLong):
            raise RefusedByMeterError(Reason.TOO_LONG, f"more than {self._session.plan.max_bytes} bytes in one block")
        return reply

    def _next(self) -> Flow[Reply]:
        while not self._waiting:
            received = yield self._session.listening()
            if not received:
                raise GiveUpError(Reason.NO_ANSWER, "silent in programming mode", INACTIVITY_US)
            self._waiting = self._reader.feed(self._session.plain(received))
        return self._waiting.pop(0)

    def operand(self) -> Flow[str]:
        """What the meter begins with: P0."""
        for _ in range(8):  # an echo of ours may come first
            reply = yield from self._reply()
            if isinstance(reply, Operand):
                return reply.text
        raise GiveUpError(Reason.DAMAGED, "no P0 at the beginning of programming mode")

    def log_in(self, password: Password) -> Flow[None]:
        """Give the password; the meter acknowledges it."""
        for _ in range(self._session.plan.repeats + 1):
            yield from self.say(password_message(password))
            reply = yield from self._reply()
            if reply is Sign.ACK:
                return
            if isinstance(reply, Telegram) and reply.valid:
                raise RefusedByMeterError(Reason.REFUSED, f"password level {password.level}: {error_of(reply)}")
            self._session.repeats += 1
        raise RefusedByMeterError(Reason.REFUSED, f"password level {password.level} not acknowledged")

    def ask(self, command: ReadCommand) -> Flow[Answer]:
        """One command's answer, of as many partial blocks as the meter makes of it."""
        blocks: list[Telegram] = []
        naks_left = again_left = self._session.plan.repeats
        held = 0
        yield from self.say(read_message(command))
        while True:
            reply = yield from self._reply()
            if reply is Sign.NAK and not blocks:
                if not again_left:
                    return Answer(command.text, None, "NAK")
                again_left -= 1
                self._session.repeats += 1
                yield from self.say(read_message(command))
            elif not isinstance(reply, Telegram):
                continue  # an ACK of a meter that acknowledges commands, or our own as an echo
            elif not reply.valid:
                if not naks_left:
                    raise GiveUpError(Reason.DAMAGED, f"{command.text}: {reply.faults[0]}")
                naks_left -= 1
                self._session.repeats += 1
                yield from self.say(bytes((NAK,)))
            else:
                blocks.append(reply)
                held += reply.length
                if not reply.more_follows:
                    return _answer(command, blocks)
                if held > self._session.plan.max_bytes:
                    raise RefusedByMeterError(Reason.TOO_LONG, f"{command.text}: more than {held} bytes")
                yield from self.say(bytes((ACK,)))


def _answer(command: ReadCommand, blocks: list[Telegram]) -> Answer:
    """One answer of all blocks; a line may have been cut between two."""
    error = error_of(blocks[0]) if len(blocks) == 1 else ""
    if error:
        return Answer(command.text, None, error)
    first = blocks[0]
    text = "".join(block.text for block in blocks)
    data_sets, junk = data_sets_of(text, first.offset + 1, is_vouched=True)
    faults = text_faults(data_sets, junk, first.offset + 1)
    if faults:
        return Answer(command.text, None, str(faults[0]))
    length = sum(block.length for block in blocks)
    whole = Telegram(first.offset, length, None, tuple(data_sets), first.check, text=text)
    return Answer(command.text, named(whole, command))
