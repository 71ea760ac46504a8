"""SunSpec maps laid out by hand from the model definitions (sunspec/models json/model_1, 203, 701)."""


def place(table: dict[int, int], address: int, words: list[int]) -> None:
    table.update({address + n: word for n, word in enumerate(words)})


def text(value: str, words: int) -> list[int]:
    raw = value.encode("latin-1").ljust(2 * words, b"\0")
    return [int.from_bytes(raw[n : n + 2], "big") for n in range(0, 2 * words, 2)]


def common(length: int = 66) -> list[int]:
    body = text("Maker", 16) + text("Model X", 16) + text("", 8) + text("1.2", 8) + text("SN 007", 16) + [1, 0x8000]
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


def sunspec_table(*models: list[int], base: int = 40000, end: bool = True) -> dict[int, int]:
    table: dict[int, int] = {}
    words = [0x5375, 0x6E53]
    for model in models:
        words += model
    place(table, base, words + ([0xFFFF, 0] if end else []))
    return table
