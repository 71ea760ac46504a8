"""What a scan asks first and how long it says that it takes: reckoned by hand from the line's own times."""

import pytest

from drivers.modbus.scan import (
    LIKELY_UNITS,
    USUAL_UNITS,
    LineParity,
    LinePlan,
    LineSetting,
    likely_first,
    settings_of,
    silent_us,
)


def test_the_settings_that_meters_are_delivered_with_come_first() -> None:
    assert [str(one) for one in settings_of()[:3]] == ["9600 8N1", "19200 8E1", "9600 8E1"]


def test_every_combination_comes_once() -> None:
    settings = settings_of((300, 9600), (LineParity.ODD, LineParity.NONE), (1, 2))
    assert sorted(str(one) for one in settings) == sorted(
        ["300 8O1", "300 8N1", "9600 8O1", "9600 8N1", "300 8O2", "300 8N2", "9600 8O2", "9600 8N2"]
    )


@pytest.mark.parametrize(
    ("units", "likely", "rest"),
    [
        ((5, 1, 3), (1, 3), (5,)),
        ((7,), (7,), ()),
        ((20, 21, 22), (20,), (21, 22)),
        ((2, 2, 9), (2,), (9,)),
    ],
)
def test_likely_units_go_first(units: tuple[int, ...], likely: tuple[int, ...], rest: tuple[int, ...]) -> None:
    assert likely_first(units) == (likely, rest)


def test_a_silent_unit_costs_its_characters_the_timeout_and_a_rest() -> None:
    # 9600 8N1: 10 bits = 1041.67 us, rounded up 1042; 8 characters of question and 9 of answer; 200 ms; 50 ms.
    assert silent_us(LineSetting(9600), 200_000) == 17 * 1042 + 200_000 + 50_000


def test_at_300_baud_the_silence_between_frames_is_the_longer_rest() -> None:
    # 8E1: 11 bits = 36,666.7 us, rounded up; t3.5 = 36,667 * 7 // 2
    assert silent_us(LineSetting(300, LineParity.EVEN), 200_000) == 17 * 36_667 + 200_000 + 128_334


def test_the_first_unit_is_asked_after_listening_alone() -> None:
    plan = LinePlan(settings_of(), USUAL_UNITS, listen_us=2_000_000)
    assert plan.first_us == 2_000_000 + 267_714


def test_the_worst_case_is_every_unit_at_every_setting() -> None:
    plan = LinePlan((LineSetting(9600), LineSetting(19200)), (1, 2, 3, 4, 5), listen_us=1_000_000)
    # 19200 8N1: 521 us a character. Two settings in two rounds: four times 0.3 s for a unit that is late.
    assert plan.worst_us == 1_000_000 + 5 * 267_714 + 5 * (17 * 521 + 250_000) + 4 * 300_000


def test_nothing_is_left_out_where_nobody_answers_and_nothing_asked_twice() -> None:
    plan = LinePlan(settings_of((9600, 1200)), tuple(range(1, 248)))
    asked = [(step.setting, unit) for step in (*plan.first_steps(), *plan.rest_steps(())) for unit in step.units]
    assert len(asked) == len(set(asked)) == 4 * 247


def test_where_somebody_answered_only_that_setting_is_gone_on_with() -> None:
    plan = LinePlan(settings_of((9600, 1200)), USUAL_UNITS)
    (step,) = plan.rest_steps([LineSetting(1200)])
    assert step.setting == LineSetting(1200)
    assert set(step.units) == set(USUAL_UNITS) - set(LIKELY_UNITS)


def test_every_setting_asks_all_units_at_all_of_them_at_once() -> None:
    plan = LinePlan(settings_of((9600, 1200)), (1, 50), is_every=True)
    assert [step.units for step in plan.first_steps()] == [(1, 50)] * 4
    assert plan.rest_steps([LineSetting(9600)]) == ()
