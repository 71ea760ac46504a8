"""One session with a meter on the optical port, modes A, B, C and E's opening: bytes in, actions out.

No port, no clock, no thread; any chunking of the same bytes gives the same session. Every wait, every repetition and
every answer's length has an end. It reads: no command that writes exists. (IEC 62056-21:2002, chapter 6)
"""

from dataclasses import replace

from .actions import Action, Done, Framing, Listen, Outcome, Pause, Reason, Send, SetBaud, SetLine
from .interrogation import interrogate
from .parity import without_parity
from .plan import FALL_BACK_US, INACTIVITY_US, WAKE_UP_CHARACTERS, WAKE_UP_PAUSE_US, Line, Mode, Plan
from .readout import BAUD_OF_DIGIT, BAUD_OF_LETTER, SLOW_REACTION_US, Check, Telegram
from .scanner import Scanner
from .session import (
    MAX_GREETING_BYTES,
    START_BD,
    Flow,
    GiveUpError,
    Greeting,
    RefusedByMeterError,
    Session,
    digit_of,
)
from .signs import NAK


class Dialogue:
    """One session by one plan. Ask `start`, then `receive` or `silence` as each Listen says."""

    def __init__(self, plan: Plan, line: Line) -> None:
        self._flow = _session(Session(plan, line))
        self._is_over = False

    def start(self) -> list[Action]:
        """The first actions."""
        return self._until_listen(next(self._flow))

    def receive(self, received: bytes) -> list[Action]:
        """What to do about these bytes; nothing, once the session is over."""
        return self._until_listen(self._flow.send(received)) if received and not self._is_over else []

    def silence(self) -> list[Action]:
        """What to do because nothing came for as long as the last Listen said."""
        return [] if self._is_over else self._until_listen(self._flow.send(b""))

    def _until_listen(self, action: Action) -> list[Action]:
        actions = [action]
        while isinstance(action, Send | SetBaud | SetLine | Pause):
            action = self._flow.send(b"")
            actions.append(action)
        self._is_over = not isinstance(action, Listen)
        return actions


def _session(session: Session) -> Flow[None]:
    """Attempt after attempt; the last of several stays at 300 Bd."""
    plan = session.plan
    if plan.wake_up:
        yield SetBaud(START_BD)
        yield Send(bytes(WAKE_UP_CHARACTERS))
        yield Pause(WAKE_UP_PAUSE_US)
    rest_us = 0
    for attempt in range(1, plan.attempts + 1):
        try:
            outcome = yield from _attempt(session, is_slow=1 < attempt == plan.attempts)
        except GiveUpError as lost:
            rest_us = max(rest_us, lost.failed.rest_us)  # a meter lost once may still be where it was lost
            if attempt == plan.attempts or isinstance(lost, RefusedByMeterError):
                yield replace(lost.failed, rest_us=rest_us)
                return
        else:
            yield Done(outcome)
            return
        session.repeats += 1
        yield from _quiet(session)


def _attempt(session: Session, *, is_slow: bool) -> Flow[Outcome]:
    yield SetBaud(START_BD)
    greeting = yield from session.greet()
    letter = greeting.identification.baud_character
    mode = _mode_of(session.plan, letter)
    if mode is Mode.A:
        return (yield from _data(session, greeting, START_BD, greeting.behind, is_asked=False))
    if mode is Mode.B:
        baud_bd = BAUD_OF_LETTER.get(letter, START_BD)
        yield SetBaud(baud_bd)
        return (yield from _data(session, greeting, baud_bd, b"", is_asked=False))
    baud_bd = START_BD if is_slow else _baud_of(session.plan, letter)
    if mode is Mode.E:
        return (yield from _open_hdlc(session, greeting, baud_bd))
    if session.plan.commands:
        return (yield from interrogate(session, greeting, baud_bd))
    behind = yield from session.select(greeting, baud_bd, "0", "0")
    return (yield from _data(session, greeting, baud_bd, behind, is_asked=True))


def _mode_of(plan: Plan, letter: str) -> Mode:
    if plan.mode is not Mode.AUTO:
        return plan.mode
    if letter in BAUD_OF_DIGIT:
        return Mode.C
    return Mode.B if letter in BAUD_OF_LETTER else Mode.A


def _baud_of(plan: Plan, letter: str) -> int:
    """The meter's own rate, or 300: it changes to no other (6.3.14)."""
    offered_bd = BAUD_OF_DIGIT.get(letter, START_BD)
    return START_BD if plan.max_baud_bd is not None and offered_bd > plan.max_baud_bd else offered_bd


def _data(session: Session, greeting: Greeting, baud_bd: int, behind: bytes, *, is_asked: bool) -> Flow[Outcome]:
    """The data message. `is_asked`: after an option select, where a damaged one can be asked for again by NAK."""
    naks_left = session.plan.repeats if is_asked else 0
    scanner = Scanner(max_bytes=session.plan.max_bytes, has_bcc=session.line.has_bcc, is_named=True)
    telegrams = scanner.feed(session.plain(behind))
    worst = ""
    while True:
        for telegram in telegrams:
            worst = _objection(session, telegram, is_asked=is_asked)
            if not worst:
                return Outcome(greeting.identification, baud_bd, telegram=telegram, repeats=session.repeats)
        # Something damaged has ended: if really nothing more comes, the meter waits for our word.
        is_bad = bool(worst) and not scanner.has_begun
        received = yield (Listen(SLOW_REACTION_US) if is_bad and naks_left else session.listening())
        if received:
            telegrams = scanner.feed(session.plain(received))
            continue
        for telegram in scanner.finish():
            worst = _objection(session, telegram, is_asked=is_asked) or worst
        if not worst:
            raise GiveUpError(Reason.NO_ANSWER, "silent after its identification")
        if not naks_left:
            raise GiveUpError(Reason.DAMAGED, worst)
        naks_left -= 1
        session.repeats += 1
        telegrams = []
        worst = ""
        yield session.sending(bytes((NAK,)))


def _objection(session: Session, telegram: Telegram, *, is_asked: bool) -> str:
    """Why a telegram is not to be used; empty if it is."""
    if telegram.faults:
        return str(telegram.faults[0])
    if telegram.check is Check.NONE and is_asked and session.line.has_bcc:
        return f"byte {telegram.offset}: no BCC, where a meter that was asked has one (or has_bcc = false)"
    return ""


def _open_hdlc(session: Session, greeting: Greeting, baud_bd: int) -> Flow[Outcome]:
    """Mode E: the meter repeats our option select at the new rate, then speaks HDLC (annex E)."""
    heard = yield from session.select(greeting, baud_bd, "2", "2")
    expected = b"\x06" + f"2{digit_of(baud_bd)}2\r\n".encode("ascii")
    while expected not in without_parity(heard):
        received = yield session.listening()
        if not received:
            raise GiveUpError(Reason.NO_ANSWER, "has not confirmed HDLC", INACTIVITY_US)
        heard = (heard + received)[-MAX_GREETING_BYTES:]
    yield SetLine(Framing.EIGHT_NONE)
    return Outcome(greeting.identification, baud_bd, repeats=session.repeats)


def _quiet(session: Session) -> Flow[None]:
    """Wait until a meter that was misunderstood has said all that it has to say."""
    heard = 0
    while heard <= session.plan.max_bytes:
        received = yield Listen(FALL_BACK_US + session.line.margin_us)
        if not received:
            return
        heard += len(received)
