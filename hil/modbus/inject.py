"""A fault becomes bytes: given a question, what the line brings instead of a plain answer, and when.

Pure; times as in `scene`. Shares no code with the driver.
"""

from collections.abc import Callable

from .faults import Fault, Framing, Kind, Setting, words_of
from .frames import Request, crc_holds, exception_pdu, flip_unnoticed, framed, registers_pdu, rtu
from .scene import Happening, Scene, Stretch, answer, turnaround_us

MOST_FLOOD_US, SHORT_FLOOD_BYTES, LONG_FLOOD_BYTES = 4_000_000, 1_500, 6_000
NOT_DATA_BYTES = 9  # a Modbus TCP frame up to the first register


def happen(line: Setting, question: Request, fault: Fault | None) -> Happening:
    """All that one question brings about."""
    if fault is None:
        return Happening([Stretch(turnaround_us(line, question), answer(line, question), line.character_us)])
    return _INJECTORS[fault.kind](Scene(line, question, fault))


def _silence(_scene: Scene) -> Happening:
    return Happening()


def _late(scene: Scene) -> Happening:
    return Happening([scene.at(scene.late_us(), scene.good)])


def _half_late(scene: Scene) -> Happening:
    cut = 1 + scene.fault.b % (len(scene.good) - 1)
    return Happening([scene.at(scene.turnaround_us, scene.good[:cut]), scene.at(scene.late_us(), scene.good[cut:])])


def _halves(scene: Scene) -> Happening:
    cut = 1 + scene.fault.b % (len(scene.good) - 1)
    first = scene.at(scene.turnaround_us, scene.good[:cut])
    return Happening([first, scene.at(first.end_us + scene.fault.a % (scene.line.timeout_us // 3), scene.good[cut:])])


def _doubled(scene: Scene) -> Happening:
    first = scene.at(scene.turnaround_us, scene.good)
    # TCP numbers its answers. On a serial line the second is heard before a silence ends the first: one that comes
    # later, and has the shape of the next question's answer, is that answer, as far as anybody can know.
    if scene.line.framing is Framing.TCP:
        most_us = scene.line.timeout_us
    elif scene.line.is_real:
        return Happening([Stretch(first.end_us, scene.good + scene.good, 0)])
    else:
        most_us = max(1, scene.line.silence_us - scene.line.character_us)
    return Happening([first, scene.at(first.end_us + scene.fault.a % most_us, scene.good)])


def _swapped(scene: Scene) -> Happening:
    """The answer to an earlier question comes first; ours behind it, or too late."""
    if scene.line.framing is Framing.TCP:
        asked = scene.question
        earlier = Request(asked.unit, asked.function, scene.fault.b & 0xFFFF, asked.count, (asked.transaction or 0) - 1)
        other = framed(earlier, registers_pdu(earlier.function, words_of(~scene.line.seed & (1 << 64) - 1, earlier)))
    elif scene.fault.b & 1:
        other = scene.other(scene.other_unit, scene.question.function, scene.question.count)
    else:
        other = scene.other(scene.question.unit, scene.question.function, scene.other_count)
    first = scene.at(scene.turnaround_us, other)
    if scene.fault.a & 1:
        return Happening([first, scene.at(first.end_us, scene.good)])
    return Happening([first, scene.at(max(first.end_us, scene.late_us()), scene.good)])


def _truncated(scene: Scene) -> Happening:
    return scene.comes(scene.good[: 1 + scene.fault.a % (len(scene.good) - 1)])


def _bit_flip(scene: Scene) -> Happening:
    damaged = bytearray(scene.good)
    # Over TCP the network's own checksum guards the words; a wrong header can still come, from a faulty device.
    reach = 8 * (NOT_DATA_BYTES if scene.line.framing is Framing.TCP else len(damaged))
    for bit in scene.chance.sample(range(reach), scene.chance.choice((1, 1, 2, 3, 5, 17, 40))):
        damaged[bit // 8] ^= 1 << bit % 8
    happening = scene.comes(bytes(damaged))
    happening.excused = scene.line.framing is not Framing.TCP and crc_holds(bytes(damaged))
    return happening


def _crc_collision(scene: Scene) -> Happening:
    happening = scene.comes(flip_unnoticed(scene.good, scene.fault.a % (8 * len(scene.good) - 16)))
    happening.excused = True
    return happening


def _garbage(scene: Scene) -> Happening:
    noise = scene.chance.randbytes(1 + scene.fault.a % 64)
    before, behind = (noise, b"") if scene.fault.b & 1 else (b"", noise)
    if scene.fault.b & 2:
        return scene.comes(noise)
    return scene.comes(before, scene.good, behind)


def _flood(scene: Scene) -> Happening:
    """Noise without a pause, from at once; on most lines to beyond all patience."""
    apart_us = scene.line.character_us or 200
    length_us = min(MOST_FLOOD_US, 3 * (scene.deadline_us + scene.line.worst_us))
    most_bytes = SHORT_FLOOD_BYTES if scene.fault.a % 8 else LONG_FLOOD_BYTES
    noise = scene.chance.randbytes(min(most_bytes, length_us // apart_us))
    return Happening([Stretch(0, noise, apart_us)])


def _endless(scene: Scene) -> Happening:
    """An answer that never ends: its first bytes, then one now and then."""
    apart_us = max(1000, scene.line.silence_us * 9 // 10, scene.line.character_us)
    length_us = min(MOST_FLOOD_US, 2 * (scene.deadline_us + scene.line.worst_us))
    head = scene.good[: 1 + scene.fault.a % 6]
    return Happening(
        [
            scene.at(scene.turnaround_us, head),
            Stretch(scene.turnaround_us + len(head) * scene.line.character_us, bytes(length_us // apart_us), apart_us),
        ]
    )


def _foreign_unit(scene: Scene) -> Happening:
    return scene.alone_or_with(scene.other(scene.other_unit, scene.question.function, scene.question.count))


def _wrong_function(scene: Scene) -> Happening:
    function = 7 - scene.question.function if scene.fault.b & 1 else 1 + scene.fault.b % 2
    return scene.alone_or_with(scene.other(scene.question.unit, function, scene.question.count))


def _wrong_count(scene: Scene) -> Happening:
    return scene.alone_or_with(scene.other(scene.question.unit, scene.question.function, scene.other_count))


def _lying_count(scene: Scene) -> Happening:
    pdu = bytearray(registers_pdu(scene.question.function, words_of(scene.line.seed, scene.question)))
    pdu[1] = (pdu[1] + 2 + scene.fault.a % 100) & 0xFF
    return scene.comes(framed(scene.question, bytes(pdu)))


def _exception(scene: Scene) -> Happening:
    code = 1 + scene.fault.a % 11 if scene.fault.b % 8 else scene.fault.a % 256
    return scene.comes(framed(scene.question, exception_pdu(scene.question.function, code)))


def _other_master(scene: Scene) -> Happening:
    """Somebody else asks another unit, just before our answer or just behind it; or ours, just before we ask again."""
    is_between = scene.fault.b % 3 == 2
    unit = scene.question.unit if is_between else scene.other_unit
    asks = rtu(unit, bytes((scene.question.function, 0, 72, 0, scene.question.count)))
    gets = scene.other(unit, scene.question.function, scene.question.count)
    if is_between:
        answered = scene.at(scene.turnaround_us, scene.good)
        asked = scene.at(answered.end_us + scene.line.silence_us // 2, asks)
        return Happening([answered, asked, scene.at(asked.end_us + scene.turnaround_us, gets)])
    if scene.fault.a & 1:
        return scene.comes(asks, gets, scene.good)
    return scene.comes(scene.good, asks, gets)


def _echo(scene: Scene) -> Happening:
    asked = scene.question
    pdu = bytes((asked.function, *asked.address.to_bytes(2, "big"), *asked.count.to_bytes(2, "big")))
    happening = Happening() if scene.fault.a & 1 else scene.comes(scene.good)
    happening.stretches.insert(0, Stretch(0, rtu(asked.unit, pdu), 0))
    return happening


def _reboot(scene: Scene) -> Happening:
    """What a power supply sends as it comes up, then nothing for a while."""
    longest_us = 200_000 if scene.line.is_real else 3_000_000
    deaf_us = scene.line.timeout_us + scene.fault.a % longest_us
    noise = bytes(scene.fault.b % 4)
    return Happening([scene.at(deaf_us, noise)] if noise else [], deaf_until_us=deaf_us)


def _map_change(scene: Scene) -> Happening:
    """The register is not where it was, or is the middle of a longer one."""
    return scene.comes(framed(scene.question, exception_pdu(scene.question.function, 2 + scene.fault.a % 2)))


def _lost(scene: Scene) -> Happening:
    happening = scene.comes(scene.good[: scene.fault.a % len(scene.good)])
    happening.lost_at_us = scene.fault.b % (2 * scene.line.timeout_us)
    happening.refused_openings = scene.fault.a // 3 % 3
    return happening


def _wrong_transaction(scene: Scene) -> Happening:
    right = int.from_bytes(scene.good[:2], "big")
    wrong = (right + 1 + scene.fault.b % 0xFFFF) & 0xFFFF
    return scene.alone_or_with(wrong.to_bytes(2, "big") + scene.good[2:])


def _wrong_protocol(scene: Scene) -> Happening:
    wrong = bytearray(scene.good)
    wrong[2 + scene.fault.b % 4] ^= 1 + scene.fault.a % 255
    return scene.alone_or_with(bytes(wrong))


def _gateway_late(scene: Scene) -> Happening:
    return Happening(gateway_keeps_us=scene.late_us())


_INJECTORS: dict[Kind, Callable[[Scene], Happening]] = {
    Kind.SILENCE: _silence,
    Kind.LATE: _late,
    Kind.HALF_LATE: _half_late,
    Kind.HALVES: _halves,
    Kind.DOUBLED: _doubled,
    Kind.SWAPPED: _swapped,
    Kind.TRUNCATED: _truncated,
    Kind.BIT_FLIP: _bit_flip,
    Kind.CRC_COLLISION: _crc_collision,
    Kind.GARBAGE: _garbage,
    Kind.FLOOD: _flood,
    Kind.ENDLESS: _endless,
    Kind.FOREIGN_UNIT: _foreign_unit,
    Kind.WRONG_FUNCTION: _wrong_function,
    Kind.WRONG_COUNT: _wrong_count,
    Kind.LYING_COUNT: _lying_count,
    Kind.EXCEPTION: _exception,
    Kind.OTHER_MASTER: _other_master,
    Kind.ECHO: _echo,
    Kind.REBOOT: _reboot,
    Kind.MAP_CHANGE: _map_change,
    Kind.LOST: _lost,
    Kind.WRONG_TRANSACTION: _wrong_transaction,
    Kind.WRONG_PROTOCOL: _wrong_protocol,
    Kind.GATEWAY_LATE: _gateway_late,
}
