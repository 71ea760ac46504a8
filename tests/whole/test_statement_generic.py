"""The generic five as a person runs them: registers every 15 minutes -> `netmeter replay --intervals` -> `statement`.

Nine bills over both changes of season inside one, both nights on which the clock is set, and gaps over the beginning of
a peak and over the hour that does not exist; tiers by the day. Held against tests/oracle/generic.py.
"""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.oracle.generic import Quarter, Rate, Reading, by_share, in_order, nets, quarters, seasons

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from gateway.cli import main; main(prog_name='netmeter')"]
PACIFIC = ZoneInfo("America/Los_Angeles")
READ = [*(f"2025-{month:02}-10" for month in range(9, 13)), *(f"2026-{month:02}-10" for month in range(1, 7))]
FIRST, END = (datetime.fromisoformat(one).replace(tzinfo=PACIFIC) for one in (READ[0], READ[-1]))
GAPS = [
    (datetime(2025, 11, 12, 15, tzinfo=PACIFIC), datetime(2025, 11, 12, 17, tzinfo=PACIFIC)),
    (datetime(2026, 3, 8, 1, tzinfo=PACIFIC), datetime(2026, 3, 8, 4, tzinfo=PACIFIC)),
]
DAYS = [(first, str(date.fromisoformat(following) - timedelta(days=1))) for first, following in pairwise(READ)]
BUCKETS = ("summer_peak", "summer_off_peak", "winter_peak", "winter_off_peak")
PRICES = dict(zip(BUCKETS, [("0.52", "0.61"), ("0.31", "0.40"), ("0.38", "0.47"), ("0.29", "0.33")], strict=True))
EXPORTS = dict(zip(BUCKETS, [("0.20", "0.11"), ("0.07", "0.05"), ("0.12", "0.09"), ("0.06", "0.04")], strict=True))
LIMITS = {"summer": "4.5", "winter": "5.25"}
SURPLUS = "0.031"


def fractions(table: dict[str, tuple[str, str]]) -> dict[str, tuple[Fraction, Fraction]]:
    return {name: (Fraction(low), Fraction(high)) for name, (low, high) in table.items()}


RATE = Rate(fractions(PRICES), fractions(EXPORTS), {season: Fraction(one) for season, one in LIMITS.items()})


def tariff() -> str:
    lines = ['format = 1\nid = "made"\nname = "Made"\nutility = "made"\nzone = "America/Los_Angeles"']
    lines.append('currency = "USD"\nsource = "a test"')
    for name, first, last in (("summer", "06-01", "09-30"), ("winter", "10-01", "05-31")):
        lines.append(f'[[season]]\nname = "{name}"\nfrom = "{first}"\nto = "{last}"')
    for name, first, last in (("peak", "16:00", "21:00"), ("off_peak", "00:00", "24:00")):
        lines.append(f'[[period]]\nname = "{name}"\nfrom = "{first}"\nto = "{last}"')
    lines.append(f'[[version]]\neffective = 2025-01-01\nsource = "a test"\nsurplus_per_kwh = "{SURPLUS}"')
    lines.append('[version.fixed_per_month]\ncharge = "7.25"\n[version.export_per_kwh]')
    lines += [f'{name} = "{EXPORTS[name][0]}"' for name in BUCKETS]
    lines += [f'[version.energy_per_kwh.{name}]\nenergy = "{PRICES[name][0]}"' for name in BUCKETS]
    for season, limit in LIMITS.items():
        lines.append(f'[[version.tier]]\nabove_kwh_per_day = "{limit}"')
        own = [name for name in BUCKETS if name.startswith(season)]
        lines += [f'[version.tier.energy_per_kwh.{name}]\nenergy = "{PRICES[name][1]}"' for name in own]
        lines.append("[version.tier.export_per_kwh]")
        lines += [f'{name} = "{EXPORTS[name][1]}"' for name in own]
    return "\n".join(lines) + "\n"


TWO_METERS = """\
[[meter]]
name = "production"
role = "production"
from = "csv"
file = "intervals.csv"
"""


def account(programme: str, choices: dict[str, str], more: str = "") -> str:
    made = f"""\
format = 1
id = "made"
name = "Made"
tariff = "./made.toml"
[customer]
utility = "made"
moved_in = 2025-09-10
moved_out = {DAYS[-1][1]}
[[programme]]
name = "{programme}"
from = 2025-09-10
[[meter]]
name = "grid"
from = "csv"
file = "intervals.csv"
{more}
[billing]
read_dates = [{", ".join(READ)}]
read_day = "first_day"
rounding = "none"
[choices]
"""
    return made + "".join(f'{name} = "{value}"\n' for name, value in choices.items())


def readings() -> list[Reading]:
    """A house with an array that gives by day; nothing is read in the gaps."""
    rows: list[Reading] = []
    at, taken_wh, given_wh, number = FIRST.astimezone(UTC), 1_000_000, 5_000, 0
    while at <= END.astimezone(UTC):
        if not any(first < at < last for first, last in GAPS):
            rows.append((at, taken_wh, given_wh))
        sun = 17 <= at.hour < 24
        in_gap = any(first <= at < last for first, last in GAPS)
        taken_wh += 120 if in_gap else number * 31 % 37 if sun else 60 + number * 7919 % 211
        given_wh += 40 if in_gap else 250 + number * 104729 % 501 if sun else 0
        at, number = at + timedelta(minutes=15), number + 1
    return rows


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env=environment, cwd=folder, timeout=300, check=False
    )
    assert "Traceback" not in done.stderr
    return done


def replayed(folder: Path, table: str) -> Path:
    """The intervals of a table of registers, in a folder with the tariff."""
    (folder / "registers.csv").write_text(table, encoding="ascii")
    (folder / "made.toml").write_text(tariff(), encoding="utf-8")
    service = ["--tariff", "./made.toml", "--service-amps", "100", "--service-volts", "240", "--clock-error-s", "0"]
    done = run(folder, "replay", "--readings", "registers.csv", *service, "--intervals", "intervals.csv")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A net meter: both registers."""
    rows = [f"{at:%Y-%m-%dT%H:%M:%SZ},{taken}.000,{given}.000" for at, taken, given in readings()]
    return replayed(tmp_path_factory.mktemp("made"), "time,import_wh,export_wh\n" + "\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def two_meters(tmp_path_factory) -> Path:
    """The same energy on two one-way meters: the load on one, the production on the other."""
    rows = [f"{at:%Y-%m-%dT%H:%M:%SZ},{taken}.000,,{given}.000" for at, taken, given in readings()]
    header = "time,import_wh,export_wh,production_wh\n"
    return replayed(tmp_path_factory.mktemp("apart"), header + "\n".join(rows) + "\n")


TOLD: dict[tuple[Path, str], list[dict]] = {}
"""Each account is reckoned once."""


def told(home: Path, programme: str, more: str = "", **choices: str) -> list[dict]:
    name = "-".join([programme, *choices.values()]) + ".toml"
    if (home, name) not in TOLD:
        (home / name).write_text(account(programme, choices, more), encoding="utf-8")
        done = run(home, "statement", "--account", name, "--json")
        assert done.returncode == 0, done.stderr
        made: list[dict] = json.loads(done.stdout)["statements"]
        assert [(one["first_day"], one["last_day"]) for one in made] == DAYS
        TOLD[home, name] = made
    return TOLD[home, name]


@pytest.fixture(scope="module")
def bills() -> list[tuple[list[Quarter], dict[str, int]]]:
    every = list(quarters(readings(), PACIFIC))
    dates = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in DAYS]
    return [([one for one in every if first <= one.day <= last], seasons(first, last)) for first, last in dates]


def dues(made: list[dict]) -> list[Fraction]:
    return [Fraction(one["due_now"]) for one in made]


def test_net_billing_prices_each_interval_in_its_tier(home, bills) -> None:
    expected = [charge - credit + Fraction("7.25") for charge, credit in (in_order(*_in(bill)) for bill in bills)]
    assert dues(told(home, "net_billing")) == expected


def test_the_oracle_would_find_a_clock_without_daylight_saving_time(home) -> None:
    """The positive control: an hour off in summer is another bill, in winter it is the same."""
    every = list(quarters(readings(), timezone(timedelta(hours=-8))))
    first, last = (date.fromisoformat(one) for one in DAYS[3])
    winter = in_order([one for one in every if first <= one.day <= last], RATE, seasons(first, last))
    first, last = (date.fromisoformat(one) for one in DAYS[0])
    summer = in_order([one for one in every if first <= one.day <= last], RATE, seasons(first, last))
    made = dues(told(home, "net_billing"))
    assert made[3] == winter[0] - winter[1] + Fraction("7.25")
    assert made[0] != summer[0] - summer[1] + Fraction("7.25")


def test_a_credit_pays_the_next_bill_and_the_rest_is_paid_out(home, bills) -> None:
    bank, expected = Fraction(0), []
    for bill in bills:
        charge, credit = in_order(*_in(bill))
        used = min(bank, charge)
        bank += credit - used
        expected.append(charge - used + Fraction("7.25"))
    expected[-1] -= bank
    assert bank > 0
    assert dues(told(home, "net_billing_carryover")) == expected


def test_credits_can_be_lost(home, bills) -> None:
    bank, expected = Fraction(0), []
    for bill in bills:
        charge, credit = in_order(*_in(bill))
        bank += credit
        used = min(bank, charge)
        bank -= used
        expected.append(charge - used + Fraction("7.25"))
    made = told(home, "net_billing_carryover", credit_from="same_cycle", leftover="lost")
    assert dues(made) == expected


def test_dollars_of_a_buckets_surplus_pay_later_energy(home, bills) -> None:
    bank, expected = Fraction(0), []
    for quarter_hours, days in bills:
        net = nets(quarter_hours)
        charge = by_share(net, RATE.price, RATE, days)
        bank += by_share({name: -kwh for name, kwh in net.items()}, RATE.export, RATE, days)
        used = min(bank, charge)
        bank -= used
        expected.append(charge - used + Fraction("7.25"))
    expected[-1] -= bank
    assert close(dues(told(home, "net_metering_usd")), expected)


def test_kilowatt_hours_stay_in_their_bucket(home, bills) -> None:
    stored: dict[str, Fraction] = {}
    surplus, expected = Fraction(0), []
    for quarter_hours, days in bills:
        net = nets(quarter_hours)
        left = {name: kwh - stored.get(name, Fraction(0)) for name, kwh in net.items()}
        surplus = max(Fraction(0), surplus - sum(net.values()))
        stored |= {name: max(Fraction(0), -kwh) for name, kwh in left.items()}
        expected.append(by_share(left, RATE.price, RATE, days) + Fraction("7.25"))
    expected[-1] -= surplus * Fraction(SURPLUS)
    assert surplus > 0
    made = told(home, "net_metering_kwh", surplus_to="same_bucket", january_net="counted")
    assert close(dues(made), expected)


def test_all_is_bought_and_all_is_sold_each_on_its_own_meter(two_meters, bills) -> None:
    """Load at the full price, production at that of exports; nothing sets off anything before the sum."""
    priced = [in_order(*_in(bill)) for bill in bills]
    made = told(two_meters, "buy_all_sell_all", more=TWO_METERS)
    assert dues(made) == [charge - credit + Fraction("7.25") for charge, credit in priced]
    for one, (charge, credit) in zip(made, priced, strict=True):
        by_kind = {kind: sum(_exact(one, kind), Fraction(0)) for kind in ("energy", "credit", "fixed")}
        assert by_kind == {"energy": charge, "credit": -credit, "fixed": Fraction("7.25")}


def test_no_watt_hour_of_either_meter_is_lost(two_meters) -> None:
    rows, made = readings(), told(two_meters, "buy_all_sell_all", more=TWO_METERS)
    for place, name in ((1, "import_milliwh"), (2, "export_milliwh")):
        assert sum(one[name] for one in made) == (rows[-1][place] - rows[0][place]) * 1000


def test_a_net_meter_beside_the_production_is_refused(two_meters, home) -> None:
    """The grid meter gives energy too: then nobody knows the load."""
    more = TWO_METERS.replace('"intervals.csv"', f'"{two_meters / "intervals.csv"}"')
    (home / "both.toml").write_text(account("buy_all_sell_all", {}, more), encoding="utf-8")
    done = run(home, "statement", "--account", "both.toml")
    assert (done.returncode, "so it is a net meter" in done.stderr) == (1, True), done.stderr


def test_banks_add_up_from_bill_to_bill(home) -> None:
    """bank(t+1) = bank(t) + earned - used, and no bank begins with what the one before did not leave."""
    choices = {"net_metering_kwh": {"surplus_to": "same_bucket", "january_net": "counted"}}
    for programme in ("net_metering_kwh", "net_metering_usd", "net_billing_carryover"):
        held: dict[str, Fraction] = {}
        for one in told(home, programme, **choices.get(programme, {})):
            for move in one["banks"]:
                assert Fraction(move["before"]) == held.get(move["name"], Fraction(0)), (programme, move)
                parts = [Fraction(move[name]) for name in ("earned", "used", "paid_out", "forfeited")]
                held[move["name"]] = Fraction(move["before"]) + parts[0] - sum(parts[1:])
                assert held[move["name"]] == Fraction(move["after"])
        assert not any(held.values()), programme  # moving out closes the year


def test_a_net_meter_cannot_sell_all(home) -> None:
    (home / "all.toml").write_text(account("buy_all_sell_all", {}), encoding="utf-8")
    done = run(home, "statement", "--account", "all.toml")
    assert done.returncode == 1
    assert 'needs a [[meter]] with role = "production"' in done.stderr


def _exact(one: dict, kind: str) -> list[Fraction]:
    return [Fraction(line["exact"]) for line in one["lines"] if line["kind"] == kind]


def close(found: list[Fraction], expected: list[Fraction]) -> bool:
    """Shares of tiers are told to 1e-12 of a milliwatt-hour."""
    assert len(found) == len(expected)
    return all(abs(one - other) < Fraction(1, 10**12) for one, other in zip(found, expected, strict=True))


def _in(bill: tuple[list[Quarter], dict[str, int]]) -> tuple[list[Quarter], Rate, dict[str, int]]:
    return bill[0], RATE, bill[1]
