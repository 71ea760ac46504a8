"""What the store keeps as JSON is pinned to the schema's number: an older program must be able to refuse by it."""

from pathlib import Path

import pytest

from gateway.energy import AccumulatorState
from gateway.ledger.version import SCHEMA_VERSION

from .stored_shape import complaint, lines, shape

PINNED = Path(__file__).with_name("stored_shape.txt").read_text(encoding="utf-8").splitlines()


def test_every_field_and_word_that_is_stored_is_the_one_of_this_schema_number() -> None:
    told = complaint(PINNED, lines())
    assert not told, told


class Grown(AccumulatorState):
    """As somebody would write it who thinks of no older program."""

    mood_tomorrow: int = 0


def test_control_a_new_field_is_seen_and_the_mend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.pipeline.stored_shape.ROOTS", (Grown,))
    assert "Grown mood_tomorrow: int = 0" in shape()
    told = complaint(PINNED, [*PINNED, "Grown mood_tomorrow: int = 0"])
    assert told.startswith("+Grown mood_tomorrow: int = 0\n")
    assert "Raise SCHEMA_VERSION in gateway/ledger/version.py" in told


def test_control_a_word_that_is_gone_and_a_default_that_changed_are_seen() -> None:
    without = [line.replace("carried | first | unknown", "carried | first") for line in PINNED]
    assert "-Opening: carried | first | unknown\n+Opening: carried | first\n" in complaint(PINNED, without)
    other = [line.replace("bool = false", "bool = true", 1) if "incomplete" in line else line for line in PINNED]
    assert "+AccumulatorState incomplete: bool = true\n" in complaint(PINNED, other)


def test_a_new_number_asks_for_its_shape_alone() -> None:
    told = complaint(PINNED, [f"schema {SCHEMA_VERSION + 1}", *PINNED[1:]])
    assert "The schema's number is new: write its shape down" in told
    assert "Raise" not in told
