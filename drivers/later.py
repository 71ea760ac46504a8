"""Values for people, decoded when somebody looks: in a daemon nearly nobody ever does, and it is half of a poll's work.

Pure: it reads words that were read already, and asks no device.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal


class Later(Mapping[str, Decimal]):
    """A mapping that `decode` fills at the first look. Equal to any mapping with the same content."""

    __slots__ = ("_decode", "_values")

    def __init__(self, decode: Callable[[], dict[str, Decimal]]) -> None:
        """`decode` must not raise: it is called far from whoever could say which reading it was."""
        self._decode: Callable[[], dict[str, Decimal]] | None = decode
        self._values: dict[str, Decimal] = {}

    def __getitem__(self, name: str) -> Decimal:
        return self._looked()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._looked())

    def __len__(self) -> int:
        return len(self._looked())

    def __repr__(self) -> str:
        return repr(self._looked())

    def _looked(self) -> dict[str, Decimal]:
        decode = self._decode
        if decode is not None:
            self._values = decode()
            self._decode = None  # and with it the words
        return self._values
