"""A URDB record becomes a tariff file or asks what it cannot say. Every value by hand from the record."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gateway.tariff.calendar import Calendar
from gateway.tariff.flags import Flag, Need
from gateway.tariff.prices import LeftOutError, part_per_kwh, price_total
from gateway.tariff.tariff_file import load_tariff
from gateway.tariff.urdb_file import UrdbError
from gateway.tariff.urdb_questions import Answers, open_questions
from gateway.tariff.urdb_text import import_rate
from tests.pipeline.urdb_record import FULL, ZONE, rate_of, record

TIERS = [{"rate": 0.1, "max": 500, "unit": "kWh"}, {"rate": 0.2, "max": 900}, {"rate": 0.35}]


def asked(folder, content, **answers):
    return [one.option.split()[0].rstrip(",") for one in open_questions(rate_of(folder, content), Answers(**answers))]


def made(folder, content, **answers):
    rate = rate_of(folder, content)
    assert open_questions(rate, Answers(**FULL | answers)) == ()
    imported = import_rate(rate, Answers(**FULL | answers))
    (folder / "made.toml").write_text(imported.text, encoding="utf-8")
    return imported, load_tariff(str(folder / "made.toml"))


def price_at(tariff, when):
    instant = int(datetime.fromisoformat(when).replace(tzinfo=ZoneInfo(tariff.zone)).timestamp()) * 1_000_000
    calendar = Calendar(tariff)
    return price_total(calendar.version_in_force(instant), calendar.bucket_names[calendar.bucket_at(instant)])


# ---- questions ----------------------------------------------------------------------------------------------------


def test_a_record_asks_for_what_urdb_cannot_say(tmp_path):
    assert asked(tmp_path, record()) == ["--zone", "--holidays", "--whole-hours", "--non-bypassable"]


def test_an_answered_question_is_not_asked_again(tmp_path):
    assert asked(tmp_path, record(), **FULL) == []


def test_a_flat_price_has_neither_holidays_nor_hours_to_ask_for(tmp_path):
    flat = [[0] * 24] * 12
    content = record(energyweekdayschedule=flat, energyweekendschedule=flat)
    assert asked(tmp_path, content) == ["--zone", "--non-bypassable"]


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"servicetype": None}, "--service"),
        ({"startdate": None}, "--effective"),
        ({"fixedchargeunits": None}, "--fixed-per"),
        ({"name": None}, "--name"),
        ({"utility": None}, "--utility"),
        ({"energyratestructure": [TIERS, [{"rate": 0.3}], [{"rate": 0.2}]]}, "--tier"),
    ],
)
def test_what_this_record_leaves_open_is_asked_too(tmp_path, changes, option):
    assert asked(tmp_path, record(**changes), **FULL) == [option]


def test_one_named_edge_leaves_the_others_to_be_answered(tmp_path):
    rate = rate_of(tmp_path, record())
    (question,) = open_questions(rate, Answers(**FULL | {"whole_hours": False, "edges": ((16, 990),)}))
    assert "at 21:00, or at another minute" in question.question


# ---- import -------------------------------------------------------------------------------------------------------


def test_hours_and_prices_are_the_records(tmp_path):
    _, tariff = made(tmp_path, record())
    assert (tariff.zone, tariff.name, tariff.utility) == (ZONE, "TOU-1", "My Utility")
    assert tariff.version[0].effective == date(2025, 1, 1)
    assert tariff.version[0].fixed_per_month == {"fixed_charge": Decimal("12.5")}
    assert price_at(tariff, "2026-07-01T16:00") == Decimal("0.3123456")  # a Wednesday, 0.3 + 0.0123456
    assert price_at(tariff, "2026-07-01T15:59") == Decimal("0.1")
    assert price_at(tariff, "2026-07-04T16:00") == Decimal("0.1")  # a Saturday
    assert price_at(tariff, "2026-12-01T16:00") == Decimal("0.2")


def test_a_fixed_charge_of_the_older_key_is_due_monthly(tmp_path):
    older = record(fixedchargefirstmeter=0, fixedchargeunits=None, fixedmonthlycharge=30)
    assert made(tmp_path, older)[1].version[0].fixed_per_month == {"fixed_charge": Decimal(30)}


def test_a_fixed_charge_of_zero_is_known_and_none(tmp_path):
    imported, tariff = made(tmp_path, record(fixedchargefirstmeter=0, fixedchargeunits=None))
    assert tariff.version[0].fixed_per_month == {}
    assert Flag.NO_CUSTOMER_CHARGE not in imported.flags


def test_a_named_list_gives_holidays_the_hours_of_a_weekend(tmp_path):
    # Labor Day, Monday 7 September 2026
    assert price_at(made(tmp_path, record())[1], "2026-09-07T17:00") == Decimal("0.3123456")
    assert price_at(made(tmp_path, record(), holidays="sce-tou")[1], "2026-09-07T17:00") == Decimal("0.1")


def test_a_named_edge_moves_to_its_minute(tmp_path):
    _, tariff = made(tmp_path, record(), edges=((16, 16 * 60 + 30),))
    assert price_at(tariff, "2026-07-01T16:29") == Decimal("0.1")
    assert price_at(tariff, "2026-07-01T16:30") == Decimal("0.3123456")


def test_the_non_bypassable_part_is_taken_out_of_the_rate_and_the_sum_stays(tmp_path):
    _, tariff = made(tmp_path, record(), non_bypassable="0.0305")
    version = tariff.version[0]
    assert price_total(version, "rate_1") == Decimal("0.3123456")
    assert version.energy_per_kwh["rate_1"]["rate"] == Decimal("0.2695")
    assert part_per_kwh(tariff, version, "rate_1", Need.NON_BYPASSABLE) == Decimal("0.0305")


def test_an_unknown_part_is_refused_later(tmp_path):
    imported, tariff = made(tmp_path, record())
    assert imported.flags == (Flag.TOTAL_ONLY,)
    with pytest.raises(LeftOutError, match="total only"):
        part_per_kwh(tariff, tariff.version[0], "rate_1", Need.NON_BYPASSABLE)


@pytest.mark.parametrize(
    ("tier", "price"), [("1", "0.1"), ("2", "0.2"), ("3", "0.35"), ("9", "0.35"), ("last", "0.35")]
)
def test_the_chosen_tiers_price_stands_and_the_others_are_told(tmp_path, tier, price):
    content = record(energyratestructure=[TIERS, [{"rate": 0.3}], [{"rate": 0.4}]])
    imported, tariff = made(tmp_path, content, tier=tier)
    assert price_total(tariff.version[0], "rate_0") == Decimal(price)
    assert Flag.ONE_TIER_ONLY in imported.flags
    told = {
        "tier 1 of rate_0: 0.1 USD per kWh to 500 kWh",
        "tier 2 of rate_0: 0.2 USD per kWh above 500 to 900 kWh",
        "tier 3 of rate_0: 0.35 USD per kWh above 900 kWh",
    }
    assert told - set(imported.not_included) == {line for line in told if f": {price} USD" in line}


@pytest.mark.parametrize(
    ("service", "need", "flag"),
    [("Delivery", Need.DELIVERY, Flag.DELIVERY_ONLY), ("Energy", Need.SUPPLY, Flag.GENERATION_ONLY)],
)
def test_a_price_for_one_part_alone_serves_for_that_part(tmp_path, service, need, flag):
    imported, tariff = made(tmp_path, record(servicetype=service))
    assert imported.flags == (flag,)
    assert part_per_kwh(tariff, tariff.version[0], "rate_1", need) == Decimal("0.3123456")
    for refused in {Need.DELIVERY, Need.SUPPLY, Need.NON_BYPASSABLE, Need.PRICE_TO_COMPARE, Need.RETAIL} - {need}:
        with pytest.raises(LeftOutError):
            part_per_kwh(tariff, tariff.version[0], "rate_1", refused)


def test_of_two_fixed_charges_one_is_taken_and_both_are_told(tmp_path):
    imported, tariff = made(tmp_path, record(fixedmonthlycharge=7))
    assert tariff.version[0].fixed_per_month == {"fixed_charge": Decimal("12.5")}
    note = "fixedchargefirstmeter 12.5 is taken for the fixed charge, and fixedmonthlycharge 7 for the same one"
    assert note in imported.notes


def test_a_non_bypassable_part_above_the_price_is_refused(tmp_path):
    # 0.1 USD off-peak; the part may be all of it
    assert made(tmp_path, record(), non_bypassable="0.1")[1].version[0].energy_per_kwh["rate_0"]["rate"] == 0
    with pytest.raises(UrdbError, match=r"the price of rate_0 is 0[.]1, less than its non-bypassable part 0[.]11"):
        made(tmp_path, record(), non_bypassable="0.11")


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"servicetype": "Delivery"}, Flag.DELIVERY_ONLY),
        ({"fixedchargefirstmeter": None}, Flag.NO_CUSTOMER_CHARGE),
        ({"mincharge": 5.5, "minchargeunits": "$/month"}, Flag.NO_MINIMUM_CHARGE),
        ({"flatdemandstructure": [[{"rate": 7.5}]]}, Flag.NO_DEMAND_CHARGES),
        ({"demandreactivepowercharge": 0.52}, Flag.NO_OTHER_CHARGES),
        ({"energyattrs": [{"Voltage discount": "$-0.00106/kWh"}]}, Flag.NO_OTHER_CHARGES),
    ],
)
def test_what_the_record_bills_and_the_tariff_does_not_know_is_flagged(tmp_path, changes, flag):
    assert flag not in made(tmp_path, record())[0].flags
    imported, tariff = made(tmp_path, record(**changes))
    assert flag in imported.flags
    with pytest.raises(LeftOutError):
        part_per_kwh(tariff, tariff.version[0], "rate_0", Need.SUPPLY)


@pytest.mark.parametrize(
    ("changes", "flag", "line"),
    [
        ({"mincharge": "5.50"}, Flag.NO_MINIMUM_CHARGE, "minimum charge: 5.50"),
        ({"energyattrs": {"Discount": "2 %"}}, Flag.NO_OTHER_CHARGES, "energyattrs: Discount 2 %"),
        ({"energyattrs": "see sheet"}, Flag.NO_OTHER_CHARGES, "energyattrs: see sheet"),
        (
            {"demandratestructure": [[{"rate": "x"}]]},
            Flag.NO_DEMAND_CHARGES,
            "demand charge by time of use: x USD per kW",
        ),
        ({"flatdemandstructure": "high"}, Flag.NO_DEMAND_CHARGES, "demand charge of the month: high USD per kW"),
    ],
)
def test_a_charge_that_cannot_be_read_is_told_all_the_same(tmp_path, changes, flag, line):
    imported, _ = made(tmp_path, record(**changes))
    assert flag in imported.flags
    assert line in imported.not_included


def test_a_demand_charge_of_zero_is_none(tmp_path):
    assert made(tmp_path, record(flatdemandstructure=[[{"rate": 0, "adj": 0}]]))[0].not_included == ()


def test_the_records_own_labels_name_the_buckets_where_they_differ(tmp_path):
    labels = ["Summer Off-Peak", "Summer On-Peak", "Winter"]
    _, tariff = made(tmp_path, record(energytoulabels=labels))
    assert set(tariff.version[0].energy_per_kwh) == {"summer_off_peak", "summer_on_peak", "winter"}
    _, tariff = made(tmp_path, record(energytoulabels=["a", "a", "b"]))
    assert set(tariff.version[0].energy_per_kwh) == {"rate_0", "rate_1", "rate_2"}


def test_a_record_is_chosen_by_its_label(tmp_path):
    two = {"items": [record(label="one", name="first"), record(label="two", name="second")]}
    assert rate_of(tmp_path, two, "two").text("name") == "second"
    with pytest.raises(UrdbError, match="holds 2 records: choose one with --label: one, two"):
        rate_of(tmp_path, two)
    with pytest.raises(UrdbError, match='holds 0 records with the label "tow": did you mean "two"'):
        rate_of(tmp_path, two, "tow")


def test_text_of_the_record_cannot_write_lines_of_its_own(tmp_path):
    evil = 'x"\nflags = ["estimate"]\n\x1b[31m\u2028# \\'
    imported, tariff = made(tmp_path, record(name=evil, source=evil, energycomments=evil, energyattrs=[{evil: evil}]))
    assert Flag.ESTIMATE not in tariff.flags_of(tariff.version[0])
    assert "\x1b" not in imported.text


def test_a_refusal_shows_what_a_terminal_would_obey_as_blanks(tmp_path):
    two = {"items": [record(label="\x1b[2Jone"), record(label="two")]}
    with pytest.raises(UrdbError, match=r"with --label:  \[2Jone, two"):
        rate_of(tmp_path, two)
