"""`smallest_interval_ms` in a meter's `state`: of an optical port alone, null before it is known."""

import json

import jsonschema
import pytest

from drivers.iec62056.meter import OpticalCounters
from gateway.ledger.records import Record
from gateway.publish.message import render
from gateway.reading.optical import pace_record
from tests.contract import check, check_with_controls

from .test_books import Desk, desk, started
from .world import NOON_US

__all__ = ["desk"]


def state_of(desk: Desk) -> Record:
    """As the broker gets it."""
    record = desk.books.state_record()
    assert record is not None
    content: Record = json.loads(render(record))
    return content


def test_the_state_of_an_optical_meter_tells_how_often_it_can_be_read(desk: Desk) -> None:
    counters = OpticalCounters()
    desk.books.pace = lambda: pace_record(counters)
    started(desk, NOON_US)
    assert state_of(desk)["smallest_interval_ms"] is None
    counters.smallest_interval_ms = 15_233  # the next session
    content = state_of(desk)
    assert content["smallest_interval_ms"] == 15_233
    check_with_controls("state", content)


def test_no_other_meter_has_the_key(desk: Desk) -> None:
    started(desk, NOON_US)
    content = state_of(desk)
    assert "smallest_interval_ms" not in content
    check("state", content)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "15233"])
def test_the_schema_takes_no_stand_in(desk: Desk, wrong: object) -> None:
    started(desk, NOON_US)
    content = {**state_of(desk), "smallest_interval_ms": 15_233}
    check("state", content)
    with pytest.raises(jsonschema.ValidationError):
        check("state", {**content, "smallest_interval_ms": wrong})
