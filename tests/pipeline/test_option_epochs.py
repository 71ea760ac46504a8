"""An option that changes what registers mean closes the register epoch; one that does not goes on.

Through the books of a store.
"""

from pathlib import Path

import pytest

from drivers import load_profile
from gateway.bookkeeping.desk import open_books
from gateway.bookkeeping.journal import OutboxIds
from gateway.clock import SystemClock
from gateway.config.load import load_config
from gateway.config.types import ClockSource
from gateway.kernels import Build, load_kernel
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.reading.meters import profile_of
from gateway.reading.read import Reading
from gateway.registers.basis import basis_of
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff

from .test_cli_check import HEAD, METER
from .world import KWH, S, snapshot

LIFE = 900 * KWH
PHASED = """
[[registers]]
name = "energy_{direction}_l{phase}"
address = {address}
type = "float32"
unit = "kWh"
source = "test"
confirmed = true
"""

CLOSING = {
    "ratio = 40": "modbus",
    'ct_ratio = "200/5"': "modbus",
    'pt_ratio = "208/120"': "modbus",
    "swap_direction = true": "modbus",
    "base_address = 1": "modbus",
    'word_order = "little"': "modbus",
    "sum_phases = true": "modbus",
    "sunspec_base = 40000": "sunspec",
    "sunspec_meter = 2": "sunspec",
    "sunspec_model = 701": "sunspec",
    "sum_phases = true ": "sunspec",
}
GOING_ON = [
    "unit = 9",
    "max_registers = 60",
    "pause_ms = 50",
    "connect_pause_ms = 50",
    'ct_ratio = "1"',
    'word_order = "big"',
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A profile with phases beside the config, and no store yet."""
    shipped = load_profile("eastron-sdm630").path.read_text(encoding="utf-8")
    before, vectors, after = shipped.partition("[[vectors]]")
    phases = [
        PHASED.format(direction=direction, phase=phase, address=first + 2 * phase)
        for direction, first in (("import", 0x158), ("export", 0x15E))
        for phase in (1, 2, 3)
        if f"energy_{direction}_l{phase}" not in shipped
    ]
    (tmp_path / "mine.toml").write_text(before + "".join(phases) + vectors + after, encoding="utf-8")
    return tmp_path


def config_of(home: Path, family: str, options: str = "") -> Path:
    text = HEAD.replace('"ntp"', '"operator"') + METER.replace("PORT", "/dev/null")
    text = text.replace("eastron-sdm630", "sunspec" if family == "sunspec" else "mine.toml")
    text = text.replace("service_amps = 100", f"service_amps = 100\n{options.strip()}")
    (home / "gateway.toml").write_text(f'{text}\n[store]\npath = "{home}/ledger.sqlite"\n')
    return home / "gateway.toml"


def take(home: Path, readings: list[tuple[int, int]]) -> list[str]:
    """The decisions on readings (age in seconds, import in mWh) by the books as the config opens them."""
    migrate(home / "ledger.sqlite")
    config, clock = load_config(home / "gateway.toml"), SystemClock(ClockSource.OPERATOR)
    store, batch = Store(home / "ledger.sqlite"), Batch()
    calendar, kernel = Calendar(load_tariff("pge-e-tou-c")), load_kernel(Build.PYTHON)
    ids = OutboxIds(store.newest_outbox_id())
    books = open_books(config, home, config.meter[0], store, calendar, kernel, ids)
    decisions = []
    for age_s, milliwh in readings:
        at_us, monotonic_us = clock.wall_us() - age_s * S, clock.monotonic_us() - age_s * S
        both = snapshot(milliwh, 500_000)
        books.take(Reading("grid", both, at_us, at_us, monotonic_us, clock.boot_id, clock.state()), batch)
        decisions.append(books.last_decision)
    store.commit(batch)
    store.close()
    return decisions


@pytest.mark.parametrize("options", CLOSING)
def test_an_option_that_changes_the_meaning_closes_the_epoch(home: Path, options: str) -> None:
    config_of(home, CLOSING[options])
    take(home, [(400, LIFE), (380, LIFE + 10)])
    config_of(home, CLOSING[options], options)
    decisions = take(home, [(360 - 20 * n, LIFE + 20 + n) for n in range(5)])
    assert decisions[:4] == ["quarantined: ratio_changed"] * 4
    assert decisions[4] == "newepoch: ratio_changed"


@pytest.mark.parametrize("options", GOING_ON)
def test_an_option_that_changes_no_meaning_goes_on(home: Path, options: str) -> None:
    config_of(home, "modbus")
    take(home, [(400, LIFE), (380, LIFE + 10)])
    config_of(home, "modbus", options)
    assert take(home, [(360, LIFE + 20)]) == ["accepted"]


@pytest.mark.parametrize("family", ["modbus", "sunspec"])
def test_no_two_options_are_taken_for_each_other(home: Path, family: str) -> None:
    told = set()
    choices = [options for options, kind in CLOSING.items() if kind == family and options != 'ct_ratio = "200/5"']
    for options in ["", *choices]:
        section = load_config(config_of(home, family, options)).meter[0]
        told.add(basis_of(profile_of(section, home), section.swap_direction, section.sunspec_choice).registers)
    assert len(told) == len(choices) + 1


def test_the_same_ratio_said_in_other_words_is_the_same(home: Path) -> None:
    """200/5 = 40: who rewrites the line has changed nothing."""
    told = set()
    for options in ("ratio = 40", 'ct_ratio = "200/5"', 'ct_ratio = "20"\npt_ratio = "240/120"'):
        section = load_config(config_of(home, "modbus", options)).meter[0]
        told.add(basis_of(profile_of(section, home), section.swap_direction).registers)
    assert len(told) == 1
