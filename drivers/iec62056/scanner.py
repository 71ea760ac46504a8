"""Finds telegrams in a stream: bytes in, telegrams out, good and bad, each with its place.

For what is heard without being asked (mode D, files) and for the data of a dialogue. Any chunking gives the same
telegrams; what is held is bounded; after damage the next whole telegram is found. Requests and commands that come back
as an echo are dropped and never told, for a command may hold a password. (IEC 62056-21:2002, 5.5, 6.3, 6.5)
"""

import enum

from .bcc import bcc, crc16
from .block import Raw, telegram_of
from .parity import without_parity
from .readout import Check, Fault, Telegram
from .signs import (
    BLANK_OR_ACK,
    BLOCK_MARK,
    COMMAND,
    END,
    EOT,
    ESCAPED_STX,
    ETX,
    IDENTIFICATION,
    IDENTIFICATION_CUT,
    LF,
    LONGEST_NAME,
    MARK,
    REQUEST,
    STX,
    WITH_CRC,
)

MAX_BYTES = 65536
"""Of one telegram, by default; a year of quarter hours is longer and comes in partial blocks."""
_PIECE = 4096


class _State(enum.Enum):
    HUNT = enum.auto()  # nothing that frames
    PLAIN = enum.auto()  # an identification has come
    BLOCK = enum.auto()  # an STX has come
    CHECK = enum.auto()  # an ETX has come: the next character is the BCC, whatever it is
    END = enum.auto()  # a `!` has come: an ETX behind it tells of an STX that was lost


class Scanner:
    """One stream. The buffer always begins with the telegram that is being read."""

    def __init__(
        self, *, max_bytes: int = MAX_BYTES, has_bcc: bool = True, looks_behind: bool = False, is_named: bool = False
    ) -> None:
        """`has_bcc`: False for a meter that ends with ETX. `looks_behind`: wait for the character behind a `!`.
        `is_named`: the meter's identification has come already.
        """
        self._max_bytes = max_bytes
        self._has_bcc = has_bcc
        self._looks_behind = looks_behind
        self._is_named = is_named
        self._raw = bytearray()
        self._text = bytearray()
        self._offset = 0
        self._identification: tuple[int, int] | None = None
        self._pending: int | None = None  # an STX that may be part of an identification
        self._found: list[Telegram] = []
        self._begin(_State.PLAIN if is_named else _State.HUNT)

    @property
    def held_bytes(self) -> int:
        """What is kept of an unfinished telegram."""
        return len(self._raw)

    @property
    def has_begun(self) -> bool:
        """True once an identification or an STX has come whose telegram is not finished."""
        return self._state is not _State.HUNT

    def feed(self, received: bytes) -> list[Telegram]:
        """The telegrams that end in `received`."""
        for begin in range(0, len(received), _PIECE):
            piece = received[begin : begin + _PIECE]
            self._raw += piece
            self._text += without_parity(piece)
            while self._step():
                pass
        return self._taken()

    def finish(self) -> list[Telegram]:
        """Nothing more will come: what is unfinished, with the reason. The scanner is empty afterwards."""
        if self._pending is not None:
            self._open_block(self._pending)
            while self._step():
                pass
        end = len(self._raw)
        if self._state is _State.CHECK:
            self._emit(end, Check.BCC, "ends before the BCC", at=end)
        elif self._state is _State.BLOCK:
            self._emit(end, Check.BCC, "ends inside a data block: no ETX", at=end)
        elif self._state is _State.PLAIN:
            self._finish_cut(end, "ends before the line with `!` is whole")
        elif self._state is _State.END:
            self._finish_plain()
        else:
            self._finish_bare(end)
        self._drop(len(self._raw), _State.HUNT)
        return self._taken()

    def _finish_cut(self, end: int, fault: str) -> None:
        """A plain telegram whose last line did not end: whole if it ends with a CRC that agrees."""
        ended = WITH_CRC.search(self._text, self._line, end)
        if ended and crc16(self._text[: ended.start() + 1]) == int(ended[1], 16):
            self._end = (ended.start(), end, end)
            self._state = _State.END
            self._emit(end, Check.CRC16)
        else:
            self._emit(end, Check.NONE, fault, at=end)

    def _finish_bare(self, end: int) -> None:
        cut = IDENTIFICATION_CUT.search(self._text, self._line)
        if cut is None:
            self._flush_bare(end)
            return
        self._close_cut(cut.start())
        self._drop(cut.start(), _State.PLAIN)
        self._identification, self._body = (0, len(self._raw)), len(self._raw)
        self._emit(len(self._raw), Check.NONE, "ends inside an identification", at=len(self._raw))

    def _taken(self) -> list[Telegram]:
        found, self._found = self._found, []
        return found

    def _begin(self, state: _State) -> None:
        """A new telegram at the beginning of the buffer."""
        self._state = state
        self._at = 0  # searched up to here
        self._line: int = 0  # where this line begins
        self._body = 0
        self._covered = 0  # where the BCC begins to count
        self._identification = None
        self._pending = None
        self._is_command = False
        self._is_inside = False  # began within a readout that had not ended
        self._end = (0, 0, 0)  # of a plain telegram: of its data sets, of its `!`, of its line

    def _drop(self, count: int, state: _State) -> None:
        del self._raw[:count]
        del self._text[:count]
        self._offset += count
        self._begin(state)

    def _step(self) -> bool:
        """Takes one mark, if one is there. False: more bytes are needed."""
        if self._state is _State.CHECK:
            return self._check()
        if self._state is _State.END:
            return self._look_behind()
        limit = min(len(self._text), self._max_bytes)
        is_block = self._state is _State.BLOCK and self._pending is None
        mark = (BLOCK_MARK if is_block else MARK).search(self._text, self._at, limit)
        if mark is None:
            self._at = max(self._at, limit - LONGEST_NAME) if is_block else limit
            if limit == self._max_bytes:
                self._overflow()
            return limit == self._max_bytes
        self._at = mark.end()
        byte = self._text[mark.end() - 1]
        if is_block:
            self._line = max(self._body, self._text.rfind(b"\n", 0, mark.end() - 1) + 1)
        if byte == LF:
            self._line_ended(mark.end() - 1)
        elif byte == STX:
            self._stx(mark.start())
        elif self._pending is not None:
            self._open_block(self._pending)
        elif self._state is _State.BLOCK:
            self._end = (mark.start(), mark.start(), mark.end())
            self._state = _State.CHECK
        else:
            self._etx_without_stx(mark.end())
        return True

    def _overflow(self) -> None:
        if self._state is not _State.HUNT:
            self._emit(self._max_bytes, Check.NONE, f"longer than {self._max_bytes} bytes", at=self._max_bytes)
        else:
            self._flush_bare(self._max_bytes)
        self._drop(self._max_bytes, _State.HUNT)

    def _line_ended(self, at: int) -> None:
        line = bytes(self._text[self._line : at])
        named = IDENTIFICATION.search(line) if b"/" in line else None
        asked = REQUEST.search(line) if b"/?" in line else None
        if named:
            self._identified(self._line + named.start(), self._line + len(line.rstrip(b"\r")), at + 1)
        elif self._pending is not None:
            self._open_block(self._pending)
        elif asked:
            self._close_cut(self._line + asked.start())
            self._drop(at + 1, _State.HUNT)
        elif self._state is _State.BLOCK:
            self._line = at + 1
        else:
            self._plain_line(line, at)

    def _identified(self, begin: int, end: int, next_line: int) -> None:
        """An identification from `begin` to `end`: whatever was being read is cut there."""
        self._close_cut(begin)
        self._drop(begin, _State.PLAIN)
        self._identification = (0, end - begin)
        self._at = self._line = self._body = next_line - begin

    def _plain_line(self, line: bytes, at: int) -> None:
        ended = END.search(line)
        is_first = self._line == self._body
        if ended and self._state is _State.PLAIN:
            mark = self._line + ended.start()
            self._end = (mark, mark + 1 + len(ended[1]), at + 1)
            self._state = _State.END
        elif ended:
            self._flush_bare(at + 1)
            self._drop(at + 1, _State.HUNT)
        elif is_first and self._state is _State.HUNT and b"(" not in line:
            self._drop(at + 1, _State.HUNT)
        else:
            self._line = at + 1
            if is_first and self._state is _State.PLAIN and BLANK_OR_ACK.fullmatch(line):
                self._body = at + 1

    def _stx(self, at: int) -> None:
        if self._pending is not None:
            self._open_block(self._pending)
        elif ESCAPED_STX.search(self._text, self._line, at):
            self._pending = at
        else:
            self._open_block(at)

    def _open_block(self, at: int) -> None:
        """An STX at `at`: with the identification before it, if nothing stands between, else a block of its own."""
        before = bytes(self._text[self._body : at])
        command = COMMAND.search(before)
        if self._state is not _State.PLAIN or command or b"(" in before:
            # An STX inside a readout is rather a turned bit than a beginning, and one BCC in 128 agrees by chance.
            is_readout = self._is_named or self._is_inside or self._identification is not None
            is_inside = self._state is _State.BLOCK and is_readout
            begin = at - len(command[0]) if command else at
            self._close_cut(begin)
            self._drop(begin, _State.BLOCK)
            self._is_inside = is_inside
            at -= begin
        self._pending = None
        self._state = _State.BLOCK
        self._body = self._line = self._at = at + 1
        self._is_command = command is not None
        self._covered = at - 2 if command else at + 1

    def _etx_without_stx(self, end: int) -> None:
        if self._state is _State.PLAIN:
            self._emit(end, Check.NONE, "ETX without STX", at=end - 1)
        else:
            self._flush_bare(end)
        self._drop(end, _State.HUNT)

    def _close_cut(self, at: int) -> None:
        """What was being read ends at `at`, because the next begins there."""
        if self._state is _State.HUNT:
            self._flush_bare(at)
        elif self._state is _State.PLAIN:
            self._finish_cut(at, "cut: the next telegram begins")
        else:
            self._emit(at, Check.BCC, "cut inside a data block: the next begins", at=at)

    def _flush_bare(self, end: int) -> None:
        """Data sets outside of any frame are told, and are no telegram."""
        self._emit(end, Check.NONE, "no identification and no STX: nothing tells whether all is here", at=0)

    def _emit(self, end: int, check: Check, fault: str = "", *, at: int = 0, more_follows: bool = False) -> None:
        """The telegram from the beginning of the buffer to `end`; a command that we sent ourselves is none."""
        is_nothing = self._identification is None and self._text.find(b"(", 0, end) < 0
        if self._is_command or is_nothing:
            return
        body_end = self._end[0] if self._state in (_State.CHECK, _State.END) else end
        body = self._text[self._body : body_end].rstrip(b"\r\n ")
        if body.endswith(b"!"):
            body_end = self._body + len(body) - 1
        raw = Raw(bytes(self._raw[:end]), self._offset, (self._body, max(self._body, body_end)), self._identification)
        faults = (Fault(self._offset + at, fault),) if fault else ()
        if self._is_inside:
            faults = (Fault(self._offset, "begins inside a readout that had not ended"), *faults)
        telegram = telegram_of(raw, check, faults, more_follows=more_follows)
        if telegram.data_sets or telegram.identification is not None:
            self._found.append(telegram)

    def _check(self) -> bool:
        body_end, _, end = self._end
        ended = self._text[body_end]
        if self._has_bcc and len(self._text) == end:
            return False
        if not self._has_bcc:
            self._emit(end, Check.NONE, more_follows=ended == EOT)
        else:
            computed, came = bcc(self._text[self._covered : end]), self._text[end]
            if came == computed:
                end += 1
                self._emit(end, Check.BCC, more_follows=ended == EOT)
            else:
                # What stands in the BCC's place may begin the next telegram: it is looked at again.
                fault = f"BCC is 0x{came:02X}, the data give 0x{computed:02X}"
                self._emit(end, Check.BCC, fault, at=end, more_follows=ended == EOT)
        self._drop(end, _State.HUNT)
        return True

    def _look_behind(self) -> bool:
        end = self._end[2]
        if not self._looks_behind:
            self._finish_plain()
            return True
        if len(self._text) == end:
            return False
        if self._text[end] in (ETX, EOT):
            self._emit(end, Check.NONE, "ETX without STX", at=end)
            self._drop(end + 1, _State.HUNT)
        else:
            self._finish_plain()
        return True

    def _finish_plain(self) -> None:
        """A telegram that ended with `!`, with the CRC behind it where it has one."""
        body_end, mark_end, end = self._end
        shown = self._text[body_end + 1 : mark_end].decode("ascii")
        computed = crc16(self._text[: body_end + 1])
        if not shown:
            self._emit(end, Check.NONE)
        elif int(shown, 16) == computed:
            self._emit(end, Check.CRC16)
        else:
            fault = f"CRC16 is 0x{int(shown, 16):04X}, the data give 0x{computed:04X}"
            self._emit(end, Check.CRC16, fault, at=body_end + 1)
        self._drop(end, _State.HUNT)
