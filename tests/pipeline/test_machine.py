"""Which machine this is: what the system's two files say, as digests, and what silence proves."""

from pathlib import Path

import pytest

from gateway.ledger.epochs import Machine
from gateway.machine import this_machine


def at(folder: Path, machine_id: bytes | None, serial: bytes | None) -> Machine:
    paths = folder / "machine-id", folder / "serial-number"
    for path, content in zip(paths, (machine_id, serial), strict=True):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
    return this_machine(*paths)


def test_neither_number_leaves_the_machine_as_it_is(tmp_path: Path) -> None:
    found = at(tmp_path, b"b08dfa6083e7567a1921a715000001fb\n", b"10000000abcdef01\x00")
    assert found.machine
    assert found.board
    assert "b08dfa6083e7" not in f"{found}"
    assert "abcdef01" not in f"{found}"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"uninitialized\n"])
def test_a_machine_that_does_not_say_is_nobody(tmp_path: Path, content: bytes | None) -> None:
    assert at(tmp_path, content, None) == Machine("", "")


@pytest.mark.parametrize(
    ("then", "now", "is_other"),
    [
        ((b"a", b"1"), (b"a", b"1"), False),
        ((b"a", b"1"), (b"a", b"2"), True),  # a copied card brings its machine-id along
        ((b"a", b"1"), (b"b", b"1"), True),  # installed anew
        ((b"a", None), (b"b", None), True),
        ((b"a", b"1"), (None, None), False),  # in a container
        ((None, None), (b"a", b"1"), False),
        ((b"a", None), (b"a", b"1"), False),
    ],
)
def test_what_either_does_not_say_proves_nothing(
    tmp_path: Path, then: tuple[bytes, bytes], now: tuple[bytes, bytes], is_other: bool
) -> None:
    known = at(tmp_path, *then)
    assert at(tmp_path, *now).is_other_than(known) is is_other
