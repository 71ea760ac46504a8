"""How far house time may run, and how far it has: two small files between whoever leads a gateway and its feed."""

from pathlib import Path


class Leash:
    """Microseconds of UTC. Written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, path.with_name(f"{path.name}.at")
        self.told_us = 0
        """What was told last, by this object."""

    @property
    def path(self) -> Path:
        return self._path

    def lead(self, until_us: int) -> None:
        """Let it run up to an instant."""
        _write(self._path, until_us)

    def until_us(self) -> int:
        """How far it may run."""
        return int(self._path.read_text(encoding="ascii"))

    def tell(self, at_us: int) -> None:
        """It stands there, and the ledger has all on its disk."""
        self.told_us = at_us
        _write(self._at, at_us)

    def at_us(self) -> int:
        """Where it stands; 0 before it was told."""
        return int(self._at.read_text(encoding="ascii")) if self._at.exists() else 0


def _write(path: Path, number: int) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text(str(number), encoding="ascii")
    new.replace(path)
