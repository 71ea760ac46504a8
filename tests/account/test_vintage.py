"""Vintages by date: who may have NEM 1.0 or 2.0, until when, and what ends it. Dates by hand from the sources' words.

(net-metering A15, rows 13, 14, 19, 34, 36; corrections A-15)
"""

from datetime import date
from decimal import Decimal

import pytest

from gateway.account.programmes.vintage import (
    Reason,
    programme_by_application,
    protected_until,
    vintage_notes,
    vintages,
    years_after,
)
from gateway.account.terms import Enlargement, Generator, ProgrammeStint

TODAY = date(2026, 11, 22)
LAST_DAYS = [
    ("pge", date(2016, 12, 14), "nem1", "nem2"),
    ("sce", date(2017, 6, 30), "nem1", "nem2"),
    ("sdge", date(2016, 6, 28), "nem1", "nem2"),
    ("pge", date(2023, 4, 14), "nem2", "nbt"),
    ("sce", date(2023, 4, 14), "nem2", "nbt"),
]


@pytest.mark.parametrize(("utility", "last", "on_it", "after_it"), LAST_DAYS)
def test_the_day_of_the_application_decides(utility: str, last: date, on_it: str, after_it: str) -> None:
    assert programme_by_application(last, utility) == on_it
    assert programme_by_application(date.fromordinal(last.toordinal() + 1), utility) == after_it


def told(generator: Generator, *stints: tuple[str, date], utility: str = "pge", until: date = TODAY) -> list[str]:
    named = [ProgrammeStint(name=name, first=first) for name, first in stints]
    return list(vintage_notes(generator, utility, named, until))


def test_a_utility_that_is_none_of_the_three_is_not_judged() -> None:
    assert programme_by_application(date(2020, 1, 1), "ladwp") is None
    own = plant(date(2020, 1, 1), date(2020, 3, 1))
    assert vintages(own, "ladwp") == ()
    (note,) = told(own, ("nem2", date(2020, 3, 1)), utility="ladwp")
    assert "verify the programme's name" in note


def test_an_account_of_another_programme_hears_nothing_of_vintages() -> None:
    assert told(plant(), ("plain", date(2020, 3, 1)), utility="ladwp") == []


def test_san_jose_of_march_2023_is_protected_to_march_2043() -> None:
    assert protected_until("nem2", date(2023, 3, 15)) == date(2043, 3, 15)


def test_a_protection_that_began_on_29_february_ends_on_28() -> None:
    assert years_after(date(2020, 2, 29), 20) == date(2040, 2, 29)
    assert years_after(date(2020, 2, 29), 1) == date(2021, 2, 28)


def plant(
    application: date = date(2023, 4, 1), pto: date = date(2023, 9, 1), size_kw: str = "9", added: str = ""
) -> Generator:
    grown = (Enlargement(day=date(2026, 5, 1), added_kw=Decimal(added)),) if added else ()
    return Generator(technology="pv", size_kw=Decimal(size_kw), application=application, pto=pto, enlargement=grown)


def history(generator: Generator, own_choice: date | None = None) -> list[tuple[str, date, Reason]]:
    return [(one.programme, one.first_day, one.reason) for one in vintages(generator, "pge", own_choice)]


BY_RIGHT = ("nem2", date(2023, 9, 1), Reason.APPLICATION)
ENDED = ("nbt", date(2043, 9, 1), Reason.PROTECTION_ENDED)


def test_a_vintage_is_a_history_that_ends_twenty_years_after_permission() -> None:
    assert history(plant()) == [BY_RIGHT, ENDED]


@pytest.mark.parametrize(
    ("size_kw", "added", "is_lost"),
    [("9", "1", False), ("9", "1.001", True), ("20", "2", False), ("20", "2.001", True), ("5", "0.9", False)],
)
def test_it_is_lost_by_growing_beyond_a_tenth_and_a_kilowatt(size_kw: str, added: str, is_lost: bool) -> None:
    ends = ("nbt", date(2026, 5, 1), Reason.ENLARGED) if is_lost else ENDED
    assert history(plant(size_kw=size_kw, added=added)) == [BY_RIGHT, ends]


def test_enlargements_add_up() -> None:
    two = Generator(
        technology="pv",
        size_kw=Decimal(9),
        application=date(2023, 4, 1),
        pto=date(2023, 9, 1),
        enlargement=tuple(Enlargement(day=date(2025, month, 1), added_kw=Decimal("0.6")) for month in (3, 7)),
    )
    assert history(two) == [BY_RIGHT, ("nbt", date(2025, 7, 1), Reason.ENLARGED)]


def test_a_nem1_plant_that_grows_while_nem2_is_open_has_nem2_for_twenty_years_from_then() -> None:
    """As an owner of 4 kW from 2009 who added 5.9 kW in 2019 was told."""
    old = Generator(
        technology="pv",
        size_kw=Decimal(4),
        application=date(2009, 3, 1),
        pto=date(2009, 6, 1),
        enlargement=(Enlargement(day=date(2019, 6, 1), added_kw=Decimal("5.9")),),
    )
    assert history(old) == [
        ("nem1", date(2009, 6, 1), Reason.APPLICATION),
        ("nem2", date(2019, 6, 1), Reason.ENLARGED),
        ("nbt", date(2039, 6, 1), Reason.PROTECTION_ENDED),
    ]


def test_a_nem2_plant_that_grows_while_nem2_is_open_stays() -> None:
    early = Generator(
        technology="pv",
        size_kw=Decimal(4),
        application=date(2018, 3, 1),
        pto=date(2018, 6, 1),
        enlargement=(Enlargement(day=date(2020, 6, 1), added_kw=Decimal(5)),),
    )
    assert [one[0] for one in history(early)] == ["nem2", "nbt"]
    assert history(early)[-1][1] == date(2038, 6, 1)


def test_what_ends_it_first_counts() -> None:
    left = date(2024, 1, 1)
    assert history(plant(added="5"), own_choice=left) == [BY_RIGHT, ("nbt", left, Reason.OWN_CHOICE)]


@pytest.mark.parametrize(("pto", "programme"), [(date(2026, 4, 1), "nem2"), (date(2026, 4, 2), "nbt")])
def test_a_plant_that_takes_more_than_three_years_is_too_late(pto: date, programme: str) -> None:
    first = history(plant(pto=pto))[0]
    assert first[0] == programme
    assert (first[2] is Reason.COMPLETED_LATE) == (programme == "nbt")


PROTECTED = "nem2 is protected until 2043-09-01: 20 years from 2023-09-01"


def test_application_and_interconnection_on_two_sides_of_the_last_day_are_told() -> None:
    first, last = told(plant(), ("nem2", date(2023, 9, 1)))
    assert "by its application (2023-04-01) the plant is nem2, by its interconnection (2023-09-01)" in first
    assert last == PROTECTED


def test_an_account_that_goes_on_after_its_protection_is_told_then() -> None:
    assert not any("2043-09-01 the account has" in one for one in told(plant(), ("nem2", date(2023, 9, 1))))
    later = told(plant(), ("nem2", date(2023, 9, 1)), until=date(2043, 9, 1))
    assert any("from 2043-09-01 the account has nem2, its dates give nbt" in one for one in later)


def test_an_account_that_says_the_end_of_its_protection_is_not_told_of_it() -> None:
    stints = ("nem2", date(2023, 9, 1)), ("nbt", date(2043, 9, 1))
    assert not any("the account has" in one for one in told(plant(), *stints, until=date(2044, 1, 1)))


def test_a_programme_that_the_dates_do_not_give_is_told() -> None:
    first, _ = told(plant(date(2022, 4, 1), date(2022, 9, 1)), ("nem1", date(2022, 9, 1)))
    assert first.startswith("from 2022-09-01 the account has nem1, its dates give nem2 (application")


def test_a_plant_that_grew_too_much_is_told_with_both_sizes() -> None:
    notes = told(plant(date(2022, 4, 1), date(2022, 9, 1), added="2"), ("nem2", date(2022, 9, 1)))
    assert notes == [
        "from 2026-05-01 the account has nem2, its dates give nbt (enlarged: 2 kW added to 9 kW: more than 1 kW)"
    ]


@pytest.mark.parametrize(("size_kw", "is_told"), [("1000", False), ("1000.001", True)])
def test_a_plant_above_a_megawatt_is_told(size_kw: str, is_told: bool) -> None:
    notes = told(plant(date(2022, 4, 1), date(2022, 9, 1), size_kw), ("nem2", date(2022, 9, 1)))
    assert any("1000 kW" in one for one in notes) == is_told
