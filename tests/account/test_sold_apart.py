"""Buy all, sell all: the load from one meter, the production from another; refused where a meter cannot tell."""

import pytest

from gateway.account.energy import EnergyError
from gateway.account.rows import added
from gateway.account.sold_apart import two_meters

from .energies import table

START = "2026-07-01T10:00"


def test_the_load_is_bought_and_the_production_sold() -> None:
    load = table(START, 15, [(700, 0), (900, 0)])
    production = table(START, 15, [(3, 400), (0, 500)])  # its plant takes 3 Wh itself
    both = added(two_meters([load], [production]))
    assert both.flow_import.milliwh.tolist() == [700_000, 900_000]
    assert both.flow_export.milliwh.tolist() == [400_000, 500_000]


def test_a_net_meter_cannot_say_what_the_load_was() -> None:
    with pytest.raises(EnergyError, match="gave energy to the grid, so it is a net meter"):
        two_meters([table(START, 15, [(700, 0), (0, 1)])], [table(START, 15, [(0, 1), (0, 1)])])


def test_nobody_guesses_which_register_counts_the_production() -> None:
    with pytest.raises(EnergyError, match="turn its registers round"):
        two_meters([table(START, 15, [(700, 0)])], [table(START, 15, [(400, 0)])])


def test_without_a_production_meter_nothing_can_be_sold() -> None:
    with pytest.raises(EnergyError, match='role = "production"'):
        two_meters([table(START, 15, [(700, 0)])], [])
