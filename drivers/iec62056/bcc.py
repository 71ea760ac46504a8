"""The two checks of a telegram: block check character, and the CRC16 that P1 meters put behind the `!`.

A BCC may be any of 128 values, line ends and ETX among them: it is taken by count, never looked for.
(IEC 62056-21:2002, 5.5 and annex; CRC of the Dutch P1 companion standard 5.0.2, 6.2)
"""

_CRC_POLYNOMIAL = 0xA001


def bcc(covered: bytes | bytearray) -> int:
    """Exclusive or of all characters behind the first SOH or STX up to and with ETX or EOT; seven bits."""
    number, length = int.from_bytes(covered, "big"), len(covered)
    while length > 1:  # folded in halves: a few operations on long numbers instead of one a character
        half = (length + 1) // 2
        number = (number >> 8 * half) ^ (number & (1 << 8 * half) - 1)
        length = half
    return number & 0x7F


def _table() -> tuple[int, ...]:
    entries = []
    for entry in range(256):
        for _ in range(8):
            entry = entry >> 1 ^ (_CRC_POLYNOMIAL if entry & 1 else 0)
        entries.append(entry)
    return tuple(entries)


_TABLE = _table()


def crc16(covered: bytes | bytearray) -> int:
    """CRC-16 with polynomial 0xA001, from 0, over everything from `/` to and with `!`."""
    crc = 0
    for byte in covered:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc
