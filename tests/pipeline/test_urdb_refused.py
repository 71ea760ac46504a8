"""A URDB record that cannot become a tariff is refused with its reason, and junk ends in nothing worse."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.tariff.urdb_file import UrdbError, read_urdb
from gateway.tariff.urdb_questions import Answers, Service, open_questions
from gateway.tariff.urdb_record import parse_rate
from gateway.tariff.urdb_text import import_rate
from tests.pipeline.urdb_record import FULL, rate_of, record, write

ONE = [[{"rate": 0.3}], [{"rate": 0.2}]]
WRONG = [
    ("", "not JSON"),
    ("[]", "holds no URDB record"),
    ("3", "holds no URDB record"),
    ('{"items": [3]}', "holds no URDB record"),
    ('{"a": NaN}', "NaN is no number that a price can be"),
    ('{"a": 1e999999999}', "the number 1e999999999 is beyond reckoning"),
    ('{"a": 1.5E-99999999999999999999}', "is beyond reckoning"),
    ('{"a": 1, "a": 2}', 'the key "a" stands twice'),
    ('{"dgRules": 1, "dgrules": 2}', 'the key "dgrules" stands twice'),
    ('{"a": ' + "[" * 100_000, "nested too deep"),
    ('{"a": ' + "9" * 5000 + "}", "too many digits"),
    (record(energyratestructure=None), "there is no energyratestructure"),
    (record(energyratestructure=[]), "no list of periods"),
    (record(energyratestructure=[[], *ONE]), "period 0 has no price"),
    (record(energyratestructure=[[{"adj": 0.1}], *ONE]), "period 0 tier 1 has no rate"),
    (record(energyratestructure=[[{"rate": "0.1"}], *ONE]), "rate of period 0 tier 1 is '0.1', not a number"),
    (record(energyratestructure=[[{"rate": True}], *ONE]), "not a number"),
    (record(energyratestructure=[[{"rate": 0.1, "adj": ""}], *ONE]), "adj of period 0 tier 1 is '', not a number"),
    (record(energyratestructure=[[{"rate": 0.1, "adj": False}], *ONE]), "adj of period 0 tier 1 is 'False', not a"),
    (record(energyratestructure=[[{"rate": 0.12345678901}], *ONE]), "has 11 decimal places, more than 9"),
    (record(energyratestructure=[[{"rate": 1e30}], *ONE]), "no price in dollars"),
    (record(energyratestructure=[[{"rate": 0.1}, {"rate": 0.2}], *ONE]), "tier 1 is not the last and has no max"),
    (record(energyratestructure=[[{"rate": 0.1, "max": 500}], *ONE]), "is the last and ends at 500"),
    (
        record(energyratestructure=[[{"rate": 0.1, "max": 9}, {"rate": 0.2, "max": 8}, {"rate": 0.3}], *ONE]),
        "tier 2 ends at 8, which is not above the tier before",
    ),
    (record(energyweekdayschedule=None), "energyweekdayschedule is missing"),
    (record(energyweekendschedule=[[0] * 24] * 11), "energyweekendschedule is missing or has not twelve months"),
    (record(energyweekendschedule=[[0] * 23] * 12), "month 1 of energyweekendschedule has not twenty-four hours"),
    (record(energyweekendschedule=[[3] * 24] * 12), "names period 3; there are 0 to 2"),
    (record(energyweekendschedule=[[-1] * 24] * 12), "names period -1"),
    (record(energyweekendschedule=[[0.5] * 24] * 12), "names period 0.5"),
    (record(fuelAdjustmentsMonthly=[0.01] * 12), "the price changes every month"),
    (record(startdate="6/1/26"), "startdate is '6/1/26', which is no date"),
    (record(startdate=1735732800), "midnight nowhere in the United States"),  # 12:00Z
    (record(startdate=-5), "no date of the years 1970 to 2099"),
    (record(fixedchargefirstmeter="12.50"), "the fixed charge is '12.50', not a number"),
    (record(fixedchargefirstmeter=None, fixedmonthlycharge="12.50"), "the fixed charge is '12.50', not a number"),
    (record(enddate="2024-12-31"), "ends on 2024-12-31, before it begins on 2025-01-01"),
]


@pytest.mark.parametrize(("content", "words"), WRONG, ids=lambda value: str(value)[:30])
def test_what_cannot_be_understood_is_refused(tmp_path, content, words):
    with pytest.raises(UrdbError) as error:
        rate_of(tmp_path, content)
    assert words in str(error.value)


def test_no_fuel_adjustment_in_twelve_zeros(tmp_path):
    assert rate_of(tmp_path, record(fuelAdjustmentsMonthly=[0] * 12)).used == (0, 1, 2)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"zone": "America/NewYork"}, 'there is no time zone "America/NewYork": did you mean "America/New_York"'),
        ({"holidays": "sce-to"}, 'there is no list of holidays "sce-to": did you mean "sce-tou"'),
        ({"id": "My Tariff"}, "small letters, digits"),
    ],
)
def test_an_answer_that_no_tariff_can_have_is_refused(tmp_path, answers, words):
    with pytest.raises(UrdbError) as error:
        import_rate(rate_of(tmp_path, record()), Answers(**FULL | answers))
    assert words in str(error.value)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**12) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
KEYS = sorted({*record(), "enddate", "flatdemandstructure", "energyattrs", "mincharge", "energytoulabels", "dgrules"})


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), JUNK, min_size=1, max_size=4))
def test_junk_in_any_key_is_imported_asked_or_refused_and_nothing_else(tmp_path_factory, junk):
    path = write(tmp_path_factory.getbasetemp(), json.dumps(record() | junk))
    with contextlib.suppress(UrdbError):
        rate = parse_rate(read_urdb(path, None))
        answers = Answers(**FULL, service=Service.BUNDLED, tier="1")
        if not open_questions(rate, answers):
            import_rate(rate, answers)
