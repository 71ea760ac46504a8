"""Five meters as register files for `hil.meters.mixed_line`, each written down from its maker's map by hand.

Values stand in the comments; nothing of `drivers` or `gateway` is imported. No real serial number.
"""

import struct
from pathlib import Path

Registers = dict[tuple[int, int], int]


def _put(registers: Registers, function: int, address: int, octets: bytes) -> None:
    for n in range(len(octets) // 2):
        registers[function, address + n] = int.from_bytes(octets[2 * n : 2 * n + 2], "big")


def _zeros(function: int, first: int, last: int) -> Registers:
    return {(function, address): 0 for address in range(first, last + 1)}


def sdm630() -> Registers:
    """Eastron: function 4, float32, kWh. Import 1234.5, export 5678.25 kWh; 230 V on three phases, 50 Hz; serial 1."""
    found = _zeros(4, 0x0000, 0x0165)
    for address in (0x0000, 0x0002, 0x0004):
        _put(found, 4, address, struct.pack(">f", 230.0))
    _put(found, 4, 0x0046, struct.pack(">fff", 50.0, 1234.5, 5678.25))
    _put(found, 4, 0x0156, struct.pack(">f", 6912.75))
    _put(found, 3, 0xFC00, struct.pack(">I", 1))
    return found


def abb_b23() -> Registers:
    """ABB: function 3, unsigned 64 bit in 0.01 kWh. Import 12345.67, export 89.01 kWh; 230.0 V, 50.00 Hz; serial 2."""
    found = _zeros(3, 0x5000, 0x5007) | _zeros(3, 0x5460, 0x5477) | _zeros(3, 0x5B00, 0x5B3A)
    _put(found, 3, 0x5000, struct.pack(">QQ", 1_234_567, 8_901))
    _put(found, 3, 0x5B00, struct.pack(">III", 2300, 2300, 2300))
    found[3, 0x5B2C] = 5000
    _put(found, 3, 0x8900, struct.pack(">I", 2))
    _put(found, 3, 0x8908, b"B2.0.0".ljust(16, b"\0"))
    _put(found, 3, 0x8960, b"B23 112-100".ljust(12, b" "))
    return found


def iem3155() -> Registers:
    """Schneider: function 3, signed 64 bit in Wh. Import 7,654,321 Wh, export 1,000 Wh; 230 V, 50 Hz; serial 3."""
    found = _zeros(3, 0x0BB7, 0x0C26) | _zeros(3, 0x0C83, 0x0C8A)
    _put(found, 3, 0x0031, b"iEM3155".ljust(40, b"\0"))
    _put(found, 3, 0x0081, struct.pack(">I", 3))
    _put(found, 3, 0x0BD3, struct.pack(">fff", 230.0, 230.0, 230.0))
    _put(found, 3, 0x0C25, struct.pack(">f", 50.0))
    _put(found, 3, 0x0C83, struct.pack(">qq", 7_654_321, 1_000))
    return found


def em24_e1() -> Registers:
    """Carlo Gavazzi EM24 with Ethernet: type 1648, low word first, 0.1 kWh a count. Import 4321.5, export 12.3 kWh."""
    found = _zeros(4, 0x0000, 0x004F)
    low_first = [(0x0000, 2300), (0x0002, 2300), (0x0004, 2300), (0x0034, 43_215), (0x004E, 123)]
    for address, count in low_first:
        found[4, address], found[4, address + 1] = count & 0xFFFF, count >> 16
    found[4, 0x000B] = 1648
    found[4, 0x0033] = 500
    _put(found, 4, 0x5000, b"0000004".ljust(14, b"\0"))
    return found | {(3, address): word for (_function, address), word in found.items()}


def sunspec_203() -> Registers:
    """SunSpec models 1 and 203 at 40000: import 100,000 Wh, export 2,500 Wh, no power; serial 5."""
    texts = [("Example", 32), ("Meter 203", 32), ("", 16), ("1.0", 16), ("5", 32)]
    common = b"".join(text.encode().ljust(length, b"\0") for text, length in texts)
    none = 0x8000
    words = [none] * 105
    words[16 - 2], words[17 - 2] = none, none
    words[18 - 2], words[22 - 2] = 0, 0  # W and its scale factor
    energy = {38: 0, 39: 2_500, 46: 1, 47: 100_000 - 65_536, 54: 0}  # 100,000 = 0x000186A0
    for offset in range(38, 54):
        words[offset - 2] = energy.get(offset, 0)
    words[54 - 2] = 0
    found: Registers = {}
    whole = b"SunS" + struct.pack(">HH", 1, 66) + common + struct.pack(">HH", 5, 0x8000)
    whole += struct.pack(">HH105H", 203, 105, *words) + struct.pack(">HH", 0xFFFF, 0)
    _put(found, 3, 40000, whole)
    return found


def stranger() -> Registers:
    """A device that no profile knows: eight words of text at 0, nothing else."""
    found: Registers = {}
    _put(found, 3, 0, b"HEATPUMP 9000 X!")
    return found


def write(path: Path, registers: Registers) -> Path:
    """As the simulated line reads it."""
    lines = [f"{function} 0x{address:04X}: {word:04X}" for (function, address), word in sorted(registers.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
