"""Lists on a command line: `1,2,10-20` and `N,E`. A mistake is told with what was meant to stand there."""

from collections.abc import Sequence
from typing import Any

import click


class NumberList(click.ParamType[tuple[int, ...]]):
    """Whole numbers and ranges, within two bounds; each once, in the order given."""

    name = "LIST"

    def __init__(self, lowest: int, highest: int) -> None:
        self._lowest, self._highest = lowest, highest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        numbers: list[int] = []
        for part in str(value).split(","):
            first, dash, last = part.strip().partition("-")
            if not first.isdecimal() or (dash and not last.isdecimal()):
                self.fail(f"{part.strip()!r} is no number and no range, like 5 or 10-20", param, ctx)
            begin, end = int(first), int(last or first)
            if not self._lowest <= begin <= end <= self._highest:
                self.fail(f"{part.strip()!r}: from {self._lowest} to {self._highest}, upwards", param, ctx)
            numbers.extend(range(begin, end + 1))
        return tuple(dict.fromkeys(numbers))


class WordList(click.ParamType[tuple[str, ...]]):
    """Some of a few words, in the order given; small letters count as capitals."""

    name = "LIST"

    def __init__(self, words: Sequence[str]) -> None:
        self._words = tuple(str(word) for word in words)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        found = [part.strip().upper() for part in str(value).split(",")]
        wrong = next((word for word in found if word not in self._words), None)
        if wrong is not None:
            self.fail(f"{wrong!r} is not one of {', '.join(self._words)}", param, ctx)
        return tuple(dict.fromkeys(found))
