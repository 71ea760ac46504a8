"""The meter's own tariff counters against our buckets: both count the same, or it is told once.

`low` until noon, then `high`. The meter's counters are in kWh with two decimals: 10,000 mWh a digit.
"""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.bookkeeping.books import Books
from gateway.bookkeeping.journal import Origin, OutboxIds
from gateway.bookkeeping.tariff_counters import TariffCounter
from gateway.buckets.accumulate import Rules
from gateway.clock import SystemClock
from gateway.config.load import ConfigError, load_config
from gateway.config.types import GapPolicy
from gateway.energy import AccumulatorState, Direction
from gateway.kernels import Build, load_kernel
from gateway.ledger.records import Batch, StoredMeter, nothing_closed
from gateway.reading.lines import Lines
from gateway.reading.read import Reading
from gateway.registers.validate import ValidatorState

from .test_books import LIFE
from .world import MIN, NOON_US, SERVICE_MILLIW, H, S, by_hand, etouc, moved, reading, section

T1 = TariffCounter("energy_import_1", Direction.IMPORT, ("low",), 1_000_000)
T2 = TariffCounter("energy_import_2", Direction.IMPORT, ("high",), 1_000_000)
TOLERANCE = 2 * (10_000 + 1)
"""A digit of the counter and one of the register, at the beginning and now; readings are sharp in time."""


def books() -> Books:
    stored = StoredMeter(1, "grid", ValidatorState(), AccumulatorState(), 0, 0, "", nothing_closed)
    rules = Rules(limit_milliw=SERVICE_MILLIW, gap=GapPolicy.PRO_RATA, max_gap_us=H)
    timeline, kernel = by_hand((NOON_US, 2)), load_kernel(Build.PYTHON)
    return Books(stored, Origin("gw1", "e"), section(), timeline, kernel, rules, OutboxIds(0), MIN, counters=(T1, T2))


def told(desk: Books, readings: list[Reading]) -> list[tuple[str, object]]:
    batch = Batch()
    for one in readings:
        desk.take(one, batch)
    return [(row.kind, row.detail.get("counter")) for row in batch.events if row.kind.startswith("counters")]


def row(second: int, grown: int, first: str, second_counter: str) -> Reading:
    one = reading(NOON_US + second * S, LIFE + grown)
    others = {"energy_import_1": Decimal(first), "energy_import_2": Decimal(second_counter)}
    return moved(one, snapshot=type(one.snapshot)(one.snapshot.energy_import, None, None, True, others))


def day(after_noon: int, shift: int) -> list[Reading]:
    """100 Wh before noon, as much after it; the meter counts `shift` mWh of that on the other side."""
    low, high = Decimal(100_000 + shift) / 1_000_000, Decimal(after_noon - shift) / 1_000_000
    return [
        row(-600, 0, "70.00", "30.00"),
        row(-595, 0, "70.00", "30.00"),
        row(0, 100_000, f"{70 + low:.2f}", "30.00"),
        row(600, 100_000 + after_noon, f"{70 + low:.2f}", f"{30 + high:.2f}"),
    ]


def test_counters_that_count_the_same_are_no_news() -> None:
    assert told(books(), day(100_000, 0)) == []


def test_a_digit_more_is_no_disagreement() -> None:
    assert told(books(), day(100_000, 20_000)) == []


def test_more_than_the_digits_is_told_once_and_so_is_the_end_of_it() -> None:
    desk = books()
    assert told(desk, day(100_000, 30_000)) == [
        ("counters_disagree", "energy_import_1"),
        ("counters_disagree", "energy_import_2"),
    ]
    assert told(desk, [row(660, 210_000, "70.13", "30.08")]) == []
    assert told(desk, [row(720, 220_000, "70.10", "30.12")]) == [
        ("counters_agree", "energy_import_1"),
        ("counters_agree", "energy_import_2"),
    ]


def test_the_event_says_both_growths_and_the_tolerance() -> None:
    batch, desk = Batch(), books()
    for one in day(100_000, 50_000):
        desk.take(one, batch)
    (first, _) = [one.detail for one in batch.events if one.kind == "counters_disagree"]
    assert first == {
        "counter": "energy_import_1",
        "counted_milliwh": 150_000,
        "booked_milliwh": 100_000,
        # What the first register and noon leave open: a digit each, and 100 Wh of growth in the 10 min before and after
        "tolerance_milliwh": first["tolerance_milliwh"],
    }
    assert isinstance(first["tolerance_milliwh"], int)
    assert TOLERANCE <= first["tolerance_milliwh"] < 50_000


def test_a_meter_that_does_not_tell_them_is_not_held_against_anything() -> None:
    readings = [moved(one, snapshot=reading(0, one.snapshot.energy_import).snapshot) for one in day(100_000, 99_000)]
    assert told(books(), readings) == []


def config_with(folder: Path, counter: str, bucket: str) -> Path:
    """A config whose meter has a counter of its own, named `energy_import_1` in the profile."""
    profile = (Path(__file__).parents[2] / "drivers/profiles/eastron-sdm630.toml").read_text(encoding="utf-8")
    more = (
        '[[registers]]\nname = "energy_import_1"\naddress = 0x0200\ntype = "float32"\nunit = "kWh"\n'
        'source = "a test"\nconfirmed = false\n'
    )
    head, mark, rest = profile.partition("[[registers]]")
    (folder / "own.toml").write_text(head + more + "\n" + mark + rest, encoding="utf-8")
    (folder / "gateway.toml").write_text(
        '[gateway]\nid = "home"\nclock = "ntp"\n[mqtt]\nhost = "127.0.0.1"\n'
        '[accounting]\ntariff = "pge-e-tou-c"\ninterval_min = 15\ngap = "pro_rata"\nmax_gap_s = 3600\n'
        '[[meter]]\nname = "grid"\nprofile = "own.toml"\nrole = "grid"\nregister = "own"\n'
        'service_amps = 100\nservice_volts = 240\nhost = "127.0.0.1"\n'
        f'[[meter.counter]]\nname = "{counter}"\nbuckets = ["{bucket}", "winter_peak"]\n',
        encoding="utf-8",
    )
    return folder / "gateway.toml"


@pytest.mark.parametrize(
    ("counter", "bucket", "told"),
    [
        ("energy_import_1", "summer_peak", ""),
        ("energy_import_9", "summer_peak", 'the meter has no tariff counter "energy_import_9"'),
        ("energy_import_1", "peak", 'the tariff has no bucket "peak"'),
    ],
)
def test_a_config_that_names_what_is_not_there_is_refused(tmp_path: Path, counter: str, bucket: str, told: str) -> None:
    path = config_with(tmp_path, counter, bucket)
    if not told:
        (found,) = load_config(path).meter
        assert found.counter[0].buckets == ("summer_peak", "winter_peak")
        return
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert told in str(caught.value)


def test_the_example_that_ships_holds_once_the_hashes_before_its_counter_are_taken_away(tmp_path: Path) -> None:
    config_with(tmp_path, "energy_import_1", "summer_peak")
    text = (Path(__file__).parents[2] / "config/gateway.toml").read_text(encoding="utf-8")
    for old, new in (
        ("#[[meter.counter]]", "[[meter.counter]]"),
        ('#name = "energy_import_t1"', 'name = "energy_import_1"'),
        ("#buckets = ", "buckets = "),
        ('profile = "eastron-sdm630"', 'profile = "own.toml"'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (tmp_path / "gateway.toml").write_text(text, encoding="utf-8")
    first, second = load_config(tmp_path / "gateway.toml").meter
    assert [(one.name, one.buckets) for one in first.counter] == [("energy_import_1", ("summer_peak", "winter_peak"))]
    assert second.counter == ()


class Ear:
    """Obeys `gateway.reading.lines.Listener`."""

    def __init__(self) -> None:
        self.heard: list[Reading] = []

    def deliver(self, reading: Reading) -> None:
        self.heard.append(reading)

    def report_failure(self, meter: str, error: str) -> None:
        raise AssertionError(f"{meter}: {error}")

    def report_event(self, meter: str, kind: str, detail: object) -> None:
        raise AssertionError(f"{meter}: {kind} {detail}")


def test_a_line_delivers_the_counters_that_are_held_against_ours_and_nothing_else(tmp_path: Path) -> None:
    config, ear = load_config(config_with(tmp_path, "energy_import_1", "summer_peak")), Ear()
    lines = Lines(config, tmp_path, etouc(), SystemClock(), ear)
    one = row(0, 0, "70.00", "30.00")
    snapshot = replace(one.snapshot, others={**one.snapshot.others, "voltage_l1": Decimal(230)})
    lines._deliver(moved(one, snapshot=snapshot))
    assert ear.heard[0].snapshot.others == {"energy_import_1": Decimal("70.00")}
