"""Which bills there are, from dates alone. Every expected day and number is counted on a calendar by hand."""

from datetime import date
from pathlib import Path

import pytest

from gateway.account.slots import TimelineError
from gateway.account.timeline import Spell, timeline

from .accounts import account

DAY = date.fromisoformat
PTO = '[generator]\ntechnology = "solar"\nsize_kw = "9"\npto = {}\n'
READ = ("months = true", "read_dates = [{}]\nread_day = 'first_day'")
FIRSTS = [
    f"2025-{month:02d}-{day:02d}"
    for month, day in zip(range(1, 13), (10, 9, 11, 9, 10, 9, 9, 8, 9, 8, 7, 9), strict=True)
]
FIRSTS += ["2026-01-09", "2026-02-09", "2026-03-11", "2026-04-10"]


def spells(folder: Path, *changes: tuple[str, str], more: str = "", first: str, last: str) -> tuple[Spell, ...]:
    made = account(folder, *changes, more=more)
    return timeline(made.terms, made.programmes, DAY(first), DAY(last))


def bills(found: tuple[Spell, ...]) -> list[tuple[str, str, str, int, bool]]:
    return [
        (str(one.cycle.first_day), str(one.cycle.last_day), one.programme, one.number, one.closes_year)
        for spell in found
        for one in spell.slots
    ]


def test_months_from_the_programmes_first_day(tmp_path) -> None:
    (spell,) = spells(tmp_path, first="2025-01-01", last="2026-02-10")
    found = bills((spell,))
    assert spell.whole
    assert [one[3] for one in found] == [*range(1, 13), 1]
    assert [one[0] for one in found if one[4]] == ["2025-12-01"]
    assert found[1][:2] == ("2025-02-01", "2025-02-28")


def test_a_cycle_that_has_not_ended_has_no_bill(tmp_path) -> None:
    found = bills(spells(tmp_path, first="2025-01-01", last="2025-03-30"))
    assert [one[1] for one in found] == ["2025-01-31", "2025-02-28"]


def test_permission_to_operate_cuts_its_cycle(tmp_path) -> None:
    """The stub belongs to the first year and is not counted: the twelve begin on 1 June and end on 31 May."""
    plain, nem = spells(tmp_path, more=PTO.format("2025-05-20"), first="2025-01-01", last="2026-06-30")
    assert [one[2] for one in bills((plain,))] == ["plain"] * 5
    assert bills((plain,))[-1][:2] == ("2025-05-01", "2025-05-19")
    assert bills((nem,))[0] == ("2025-05-20", "2025-05-31", "nem2", 0, False)
    assert [one[3] for one in bills((nem,))][1:] == [*range(1, 13), 1]
    assert [one[:2] for one in bills((nem,)) if one[4]] == [("2026-05-01", "2026-05-31")]
    assert nem.whole


def test_a_generic_programme_credits_nothing_before_permission_to_operate(tmp_path) -> None:
    """It has no option nem_start: the letter's own day counts."""
    more = PTO.format("2025-05-20")
    plain, generic = spells(
        tmp_path, ('name = "nem2"', 'name = "net_billing"'), more=more, first="2025-01-01", last="2025-06-30"
    )
    assert bills((plain,))[-1][1:3] == ("2025-05-19", "plain")
    assert bills((generic,))[0][:3] == ("2025-05-20", "2025-05-31", "net_billing")


def test_only_the_last_piece_of_a_cut_cycle_ends_it(tmp_path) -> None:
    plain, nem = spells(tmp_path, more=PTO.format("2025-05-20"), first="2025-04-01", last="2025-06-30")
    assert [one.ends_cycle for one in (*plain.slots, *nem.slots)] == [True, False, True, True]


@pytest.mark.parametrize(
    ("rule", "begins"), [("pto", "2025-05-20"), ("read_before_pto", "2025-05-01"), ("read_after_pto", "2025-06-01")]
)
def test_credits_begin_by_the_option(tmp_path, rule: str, begins: str) -> None:
    more = PTO.format("2025-05-20") + f'[choices]\nnem_start = "{rule}"\n'
    _, nem = spells(tmp_path, more=more, first="2025-01-01", last="2025-12-31")
    assert str(nem.slots[0].cycle.first_day) == begins


def test_permission_before_the_energy_counts_the_years_all_the_same(tmp_path) -> None:
    """Since 2023-05-10 the years begin on 1 June; the running one is not whole, the next one is."""
    changes = ("from = 2025-01-01", "from = 2022-01-01")
    found = spells(tmp_path, changes, more=PTO.format("2023-05-10"), first="2025-01-01", last="2026-06-30")
    (spell,) = found
    assert bills(found)[0][3] == 8
    assert [one[1] for one in bills(found) if one[4]] == ["2025-05-31", "2026-05-31"]
    assert not spell.whole
    assert "began before the first energy" in spell.note


def test_without_an_opening_the_account_is_since_a_date(tmp_path) -> None:
    (spell,) = spells(tmp_path, ("from = 2025-01-01", "from = 2022-01-01"), first="2025-01-01", last="2026-12-31")
    assert not spell.whole
    assert not any(one.closes_year for one in spell.slots)
    assert spell.note.startswith("since 2025-01-01")


def test_an_opening_says_where_the_year_stands(tmp_path) -> None:
    """Seven bills lie before: the account's first is the eighth, its fifth closes the year."""
    more = "[opening]\nas_of = 2025-03-01\nlast_true_up = 2024-08-01\ncycles = 7\n"
    found = spells(
        tmp_path, ("from = 2025-01-01", "from = 2022-01-01"), more=more, first="2025-03-01", last="2025-12-31"
    )
    assert found[0].whole
    assert found[0].opening is not None
    assert bills(found)[0][0] == "2025-03-01"
    assert [one[1] for one in bills(found) if one[4]] == ["2025-07-31"]


def test_an_opening_is_the_first_day_of_a_cycle(tmp_path) -> None:
    more = "[opening]\nas_of = 2025-03-05\nlast_true_up = 2024-08-01\ncycles = 7\n"
    with pytest.raises(
        TimelineError, match=r"as_of 2025-03-05 is not the first day .* near it are 2025-03-01 and 2025-04-01"
    ):
        spells(tmp_path, ("from = 2025-01-01", "from = 2022-01-01"), more=more, first="2025-03-01", last="2025-12-31")


def test_an_opening_needs_the_energy_from_then_on(tmp_path) -> None:
    more = "[opening]\nas_of = 2025-03-01\nlast_true_up = 2024-08-01\ncycles = 7\n"
    changes = ("months = true", f"read_dates = [2025-03-01, {', '.join(FIRSTS[3:])}]\nread_day = 'first_day'")
    with pytest.raises(TimelineError, match="the first energy is of 2025-06-20"):
        spells(tmp_path, changes, more=more, first="2025-06-20", last="2026-01-31")


@pytest.mark.parametrize("known", range(3, 17))
def test_an_anniversary_beyond_the_read_dates_counts_as_if_they_were_known(tmp_path, known: int) -> None:
    """10 April 2026 begins a year, so 9 April 2025 did, twelve readings before, and the three bills before are 10, 11,
    and 12, however few of the dates up to it are known: 11 March 2025 is 395 days before it, thirteen months."""
    first = ('name = "nem2"\nfrom = 2025-01-01', 'name = "nem2"\nfrom = 2022-01-01')
    read = (READ[0], READ[1].format(", ".join(FIRSTS[:known])) + "\nanniversary = 2026-04-10")
    found = bills(spells(tmp_path, first, read, first="2025-01-10", last="2026-04-20"))
    assert [(one[3], one[4]) for one in found] == [
        (10, False),
        (11, False),
        (12, True),
        *((number, number == 12) for number in range(1, 13)),
    ][: known - 1]


@pytest.mark.parametrize("day", ["2026-01-20", "2026-01-29", "2026-02-25"])
def test_an_anniversary_that_no_cycle_of_a_usual_length_reaches_is_refused(tmp_path, day: str) -> None:
    """The last reading is of 9 January: 11, 20 and 47 days are neither one nor two cycles of 28 to 33 days."""
    read = (READ[0], READ[1].format(", ".join(FIRSTS[:13])) + f"\nanniversary = {day}")
    first = ('name = "nem2"\nfrom = 2025-01-01', 'name = "nem2"\nfrom = 2022-01-01')
    with pytest.raises(TimelineError, match=f"anniversary {day} is not the first day"):
        spells(tmp_path, first, read, first="2025-01-10", last="2026-01-20")


def test_an_anniversary_counts_the_years(tmp_path) -> None:
    changes = [("from = 2025-01-01", "from = 2022-01-01"), ("months = true", "months = true\nanniversary = 2025-04-01")]
    found = spells(tmp_path, *changes, first="2025-01-01", last="2026-05-31")
    assert [one[3] for one in bills(found)][:4] == [10, 11, 12, 1]
    assert [one[1] for one in bills(found) if one[4]] == ["2025-03-31", "2026-03-31"]
    assert not found[0].whole
    assert found[0].note == "no true-up before 2025-04-01: its year began before"


def test_read_dates_are_kept_as_they_are(tmp_path) -> None:
    changes = (READ[0], READ[1].format(", ".join(FIRSTS)))
    found = bills(
        spells(tmp_path, changes, ("from = 2025-01-01", "from = 2025-01-10"), first="2025-01-10", last="2026-04-30")
    )
    assert found[0] == ("2025-01-10", "2025-02-08", "nem2", 1, False)
    assert [one[:2] for one in found if one[4]] == [("2025-12-09", "2026-01-08")]
    assert len(found) == 15


def test_moving_in_and_out_cuts_and_closes(tmp_path) -> None:
    people = ('utility = "pge"', 'utility = "pge"\nmoved_in = 2025-02-10\nmoved_out = 2025-07-14')
    found = bills(spells(tmp_path, people, first="2025-01-01", last="2025-12-31"))
    assert found[0] == ("2025-02-10", "2025-02-28", "nem2", 1, False)
    assert found[-1] == ("2025-07-01", "2025-07-14", "nem2", 6, True)


def test_another_supplier_closes_the_year(tmp_path) -> None:
    more = '[[supplier]]\nname = "mce"\nfrom = 2025-06-16\npcia_vintage = "2025"\n'
    before, after = spells(tmp_path, more=more, first="2025-01-01", last="2025-12-31")
    assert bills((before,))[-1] == ("2025-06-01", "2025-06-15", "nem2", 6, True)
    assert before.slots[-1].why == "supplier mce on 2025-06-16"
    assert bills((after,))[0] == ("2025-06-16", "2025-06-30", "nem2", 0, False)
    assert {one.supplier for one in after.slots} == {"mce"}
    assert after.whole


def test_another_programme_closes_the_year(tmp_path) -> None:
    more = '[[programme]]\nname = "nem1"\nfrom = 2025-09-01\n'
    before, after = spells(tmp_path, more=more, first="2025-01-01", last="2025-12-31")
    assert bills((before,))[-1] == ("2025-08-01", "2025-08-31", "nem2", 8, True)
    assert bills((after,))[0][2:4] == ("nem1", 1)


def test_days_before_the_first_programme_are_refused(tmp_path) -> None:
    with pytest.raises(TimelineError, match=r'no \[\[programme\]\] holds on 2024-11-01.*name = "plain"'):
        spells(tmp_path, first="2024-11-15", last="2025-12-31")


def test_no_bill_at_all_is_told(tmp_path) -> None:
    with pytest.raises(TimelineError, match="no billing cycle ends within the energy there is"):
        spells(tmp_path, first="2025-01-01", last="2025-01-15")
