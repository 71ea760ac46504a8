"""Two thousand histories of meter, clock, tariff and faults by lot, judged by an oracle that knows no gateway.

Integers of every bucket and interval, the law after every booked reading, the truth within what was told.
NETMETER_HYPOTHESIS=20 plays twenty times as many; `netmeter-hil soak clock` any number.
"""

from collections import Counter

import pytest

from hil.histories.broken import BROKEN
from hil.histories.judge import LAWS
from hil.histories.plan import history
from hil.histories.soak import ClockSoak

from .world import MORE

run_history = ClockSoak().run_one
SEED = 6
HISTORIES = 2000 * MORE
PARTS = 10


@pytest.mark.parametrize("part", range(PARTS))
def test_histories_by_lot(part: int) -> None:
    counts: Counter[str] = Counter()
    for number in range(1 + part, HISTORIES + 1, PARTS):
        result = run_history(history(SEED, number))
        assert [str(one) for one in result.verdict.findings] == []
        counts += result.verdict.counts
        counts["felt"] += result.felt
    # The lot does bring what the judge looks at.
    of = HISTORIES // PARTS
    assert counts["felt"] > 0.95 * of
    assert counts["steps"] > 2 * of
    assert counts["revisions"] > of
    assert counts["truths"] > 5 * of


@pytest.mark.parametrize("law", BROKEN)
def test_books_that_break_a_law_are_refused_for_it(law: str) -> None:
    found: Counter[str] = Counter()
    for number in range(1, 41):
        found += Counter(one.what for one in run_history(history(SEED, number), law).verdict.findings)
    assert found[law] > 0, found
    assert set(found) <= set(LAWS)


@pytest.mark.parametrize(("seed", "number"), [(401, 39), (403, 232)])
def test_histories_that_were_once_outside_of_what_is_told(seed: int, number: int) -> None:
    assert [str(one) for one in run_history(history(seed, number)).verdict.findings] == []
