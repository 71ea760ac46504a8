"""Bills over a gap: whatever truly flowed in it, each line and sum of the bill lies in what is told.

July has one gap of up to fifteen hours over edges of prices, its registers read exactly on both sides (`test_gaps`).
"""

import atexit
import random
import shutil
import tempfile
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account.account_file import AccountFile, read_account
from gateway.account.energy import EnergyTable, Flow
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy
from gateway.account.statement import Statement

from ..pipeline.world import tries
from .energies import us
from .net_billing import account_text, write_table
from .test_doubts_laws import complaints
from .test_gaps import CARRIES, KWH, QUARTER_US, even, gap_table


def by_hour(component: str, _month: int, _weekend: bool, hour: int) -> str:
    """A price of exports that changes with each hour (`net_billing.Price`)."""
    return f"0.{hour * 7 % 19:02}" if component == "generation" else f"0.0{hour % 10}"


@cache
def account(programme: str) -> AccountFile:
    """Read once; the export prices are read anew with each bill, so their folder stays."""
    folder = Path(tempfile.mkdtemp(prefix="gap-bills-"))
    atexit.register(shutil.rmtree, folder)
    write_table(folder, by_hour)
    net_billing = programme == "nbt"
    text = account_text(
        folder,
        pto=date(2026, 7, 1),
        programme=programme,
        choices='acc_plus = "none"' if net_billing else "",
        prices="made.toml" if net_billing else "",
    )
    path = folder / "home.toml"
    path.write_text(text.replace("[billing]", '[billing]\nrounding = "none"'), encoding="utf-8")
    return read_account(path)


def july_bill(programme: str, table: EnergyTable) -> Statement:
    (bill,) = make_statements(account(programme), Energy(table, ())).statements
    return bill


def of_july(table: EnergyTable) -> EnergyTable:
    """With the month's first and last quarter, in which nothing flows."""
    ends = [us("2026-07-01T00:00"), us("2026-08-01T00:00") - QUARTER_US]
    starts = np.concatenate([ends[:1], table.start_us, ends[1:]]).astype(np.int64)

    def wider(flow: Flow) -> Flow:
        return Flow(*(np.pad(getattr(flow, name), 1) for name in Flow.__slots__))

    flows = wider(table.flow_import), wider(table.flow_export)
    return EnergyTable("grid", "made", starts, starts + QUARTER_US, *flows, np.pad(table.estimated, 1))


@pytest.mark.parametrize("programme", ["nbt", "nem2"])
@tries(5)
@given(st.integers(0, 2**32), st.integers(2, 60), st.booleans())
def test_the_truth_of_a_gap_lies_in_what_its_bill_tells(programme: str, seed: int, count: int, lumps: bool) -> None:
    dice = random.Random(seed)
    most = dice.randrange(1, CARRIES)
    true = [
        [dice.choice((0, CARRIES)) if lumps else dice.randrange(most) for _ in range(count)],
        [dice.choice((0, 0, KWH)) if lumps else dice.randrange(most) for _ in range(count)],
    ]
    booked = [even(sum(one), count) for one in true]
    told, real = (july_bill(programme, of_july(gap_table(*one))) for one in (booked, true))
    if told.ranges is None:
        assert [one.exact for one in told.lines] == [one.exact for one in real.lines]
        return
    assert complaints([told], [real]) == []
