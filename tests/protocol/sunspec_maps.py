"""SunSpec maps laid out by hand from the model definitions (sunspec/models json/model_1, 103, 113, 203, 213, 701)."""

import struct

NAN = [0x7FC0, 0x0000]


def place(table: dict[int, int], address: int, words: list[int]) -> None:
    table.update({address + n: word for n, word in enumerate(words)})


def text(value: str, words: int) -> list[int]:
    raw = value.encode("latin-1").ljust(2 * words, b"\0")
    return [int.from_bytes(raw[n : n + 2], "big") for n in range(0, 2 * words, 2)]


def common(length: int = 66, serial: str = "SN 007") -> list[int]:
    body = text("Maker", 16) + text("Model X", 16) + text("", 8) + text("1.2", 8) + text(serial, 16) + [1, 0x8000]
    return [1, length, *body[:length]]


def meter_203(imported: int = 90663, exported: int = 0, model: int = 203, length: int = 105) -> list[int]:
    body = [0] * (length + 2)
    body[0:2] = [model, length]
    body[18], body[22] = 654, 1
    body[38:40] = [exported >> 16, exported & 0xFFFF]
    body[46:48] = [imported >> 16, imported & 0xFFFF]
    body[54] = 1
    return body


def model_701(injected: int, absorbed: int) -> list[int]:
    body = [0] * 155
    body[0:2] = [701, 153]
    for offset, count in ((19, injected), (23, absorbed)):
        body[offset : offset + 4] = [count >> shift & 0xFFFF for shift in (48, 32, 16, 0)]
    return body


def floats(model: int, length: int, values: dict[int, float]) -> list[int]:
    """A model of floats, NaN (not implemented) wherever no value stands."""
    body = [model, length, *NAN * (length // 2)]
    for offset, value in values.items():
        body[offset : offset + 2] = struct.unpack(">2H", struct.pack(">f", value))
    return body


def meter_213(imported: float, exported: float, model: int = 213) -> list[int]:
    return floats(model, 124, {60: exported, 68: imported, 28: 1500.5, 26: 60.0, 2: 6.25, 12: 240.0, 124: 0.0})


def inverter_113(produced: float, model: int = 113) -> list[int]:
    return floats(model, 60, {32: produced, 22: 1500.5, 24: 60.0, 2: 6.25, 16: 240.0})


def inverter_103(produced: int, factor: int = 0, model: int = 103) -> list[int]:
    body = [model, 50] + [0xFFFF] * 50
    body[2:7] = [124, 41, 42, 41, 0xFFFF]
    body[10:14] = [2401, 2402, 2403, 0xFFFF]
    body[14:18] = [2970, 0, 5999, 0xFFFE]
    body[24:27] = [produced >> 16, produced & 0xFFFF, factor & 0xFFFF]
    return body


def sunspec_table(*models: list[int], base: int = 40000, end: bool = True) -> dict[int, int]:
    table: dict[int, int] = {}
    words = [0x5375, 0x6E53]
    for model in models:
        words += model
    place(table, base, words + ([0xFFFF, 0] if end else []))
    return table
