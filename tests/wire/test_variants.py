"""Where sources differ on a map: the device decides, else the user is asked; and nothing is ever read by a guess."""

from pathlib import Path

import pytest

from drivers import BadValueError, ConfigurationError, NoAnswerError, Sample, load_profile
from drivers.build import open_polled
from hil.counters import Count
from hil.meters.models import MODELS
from hil.meters.slave import Slave, Words
from tests.protocol.modbus_bytes import float_words
from tests.wire.model_lines import over_tcp

COUNT = Count(import_milliwh=12_345_600_000, export_milliwh=6_543_200_000, power_milliw=-1_500_000)


def words_of(model: str) -> dict[tuple[int, int], int]:
    return dict(MODELS[model].registers(COUNT, 1234567).words)


def sampled(profile: str, words: Words, tmp_path: Path) -> Sample:
    with over_tcp(Slave(1, lambda: words), tmp_path) as link:
        return open_polled(load_profile(profile), link, 1).read()


def read(profile: str, words: Words, tmp_path: Path) -> tuple[int | None, tuple[str, ...]]:
    """Import of the first reading, and what was told."""
    sample = sampled(profile, words, tmp_path)
    energy = sample.snapshot.energy_import
    return (None if energy is None else energy.milliwh), sample.notes


@pytest.mark.parametrize(
    ("profile", "model", "variant"),
    [
        ("carlo-gavazzi-em24", "carlo-gavazzi-em24", "3e"),
        ("carlo-gavazzi-em530", "carlo-gavazzi-em530", "low-first"),
        ("carlo-gavazzi-em530", "carlo-gavazzi-em530-high-first", "high-first"),
        ("chint-dtsu666", "chint-dtsu666", "101e"),
        ("chint-dtsu666", "chint-dtsu666-401e", "401e"),
        ("siemens-pac2200", "siemens-pac2200", "f55"),
    ],
)
def test_the_device_tells_which_variant_it_is(profile: str, model: str, variant: str, tmp_path: Path) -> None:
    milliwh, notes = read(profile, words_of(model), tmp_path)
    assert milliwh == pytest.approx(12_345_600_000, abs=1000)
    assert any(f"read by {profile}@{variant}: " in note for note in notes)


@pytest.mark.parametrize(
    ("model", "read_by"),
    [("chint-dtsu666", "@101e"), ("chint-dtsu666-401e", "@401e"), ("siemens-pac2200", ""), ("abb-b2x", "")],
)
def test_a_reading_tells_by_which_variant_its_energy_was_read(model: str, read_by: str, tmp_path: Path) -> None:
    """A PAC2200's variants differ in a frequency: which of them it is changes no count."""
    assert sampled(model.removesuffix("-401e"), words_of(model), tmp_path).read_by == read_by


def test_an_em24_whose_total_is_at_the_other_address(tmp_path: Path) -> None:
    words = words_of("carlo-gavazzi-em24")
    for n in range(2):
        words[4, 0x3E + n], words[4, 0x42 + n] = words[4, 0x42 + n], words[4, 0x3E + n]
    milliwh, notes = read("carlo-gavazzi-em24", words, tmp_path)
    assert milliwh == 12_345_600_000
    assert any("read by carlo-gavazzi-em24@42: " in note for note in notes)


def test_a_dtsu666_that_shows_the_same_at_both_addresses_is_read(tmp_path: Path) -> None:
    words = words_of("chint-dtsu666") | words_of("chint-dtsu666-401e")
    milliwh, notes = read("chint-dtsu666", words, tmp_path)
    assert milliwh == pytest.approx(12_345_600_000, abs=1000)
    assert any("every variant that fits shows the same counts" in note for note in notes)


def with_float(words: dict[tuple[int, int], int], address: int, value: float) -> dict[tuple[int, int], int]:
    return words | {(3, address + n): word for n, word in enumerate(float_words(value))}


def both_zero() -> dict[tuple[int, int], int]:
    words = words_of("chint-dtsu666") | words_of("chint-dtsu666-401e")
    for address in (0x101E, 0x1028, 0x401E, 0x4028):
        words = with_float(words, address, 0.0)
    return words


DTSU = words_of("chint-dtsu666")
BOTH = DTSU | words_of("chint-dtsu666-401e")
ASKED = [
    # (profile, words, parts of the question)
    ("chint-dtsu666", with_float(BOTH, 0x401E, 1.0), ["@101e: import 12345.600 kWh", "@401e: import 1.000 kWh"]),
    ("chint-dtsu666", with_float(BOTH, 0x101E, 0.0), ["@101e: import 0.000 kWh"]),
    ("chint-dtsu666", both_zero(), ["@101e: import 0.000 kWh", "@401e: import 0.000 kWh"]),
    ("chint-dtsu666", DTSU | {(3, 6): 60}, ["ct_ratio_irat at 0x0006 is 60", "ratio"]),
    ("chint-dtsu666", {place: word for place, word in DTSU.items() if place[1] != 0x101E}, ["it has no energy_import"]),
    ("accuenergy-acuvim-ii", words_of("accuenergy-acuvim-ii"), ["primary or secondary", "acuvim-ii@secondary"]),
    ("carlo-gavazzi-em24", words_of("carlo-gavazzi-em24-e1"), ["it has no energy_import"]),
    ("carlo-gavazzi-em24", words_of("carlo-gavazzi-em24") | {(4, 0x0B): 1648}, ["device_type at 0x000B is 1648"]),
    ("carlo-gavazzi-em24", words_of("carlo-gavazzi-em24") | {(4, 0x46): 0, (4, 0x47): 0}, ["its parts are"]),
    ("carlo-gavazzi-em24-e1", words_of("carlo-gavazzi-em24"), ["this is no EM24-DIN AV E1", "device_type", "71"]),
    ("carlo-gavazzi-em530", words_of("carlo-gavazzi-em530") | {(4, 0): 0}, ["voltage_l1 at 0x0000 is 0"]),
    ("siemens-pac2200", words_of("siemens-pac2200") | {(3, 55): 0}, ["frequency at 0x0037"]),
    ("siemens-pac2200", with_float(words_of("siemens-pac2200"), 46, 50.0), ["at both or at neither"]),
]


@pytest.mark.parametrize(("profile", "words", "parts"), ASKED)
def test_where_the_device_does_not_tell_the_user_is_asked(
    profile: str, words: Words, parts: list[str], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(profile, words, tmp_path)
    for part in parts:
        assert part in str(caught.value)


def test_the_user_s_answer_is_obeyed(tmp_path: Path) -> None:
    words = with_float(BOTH, 0x401E, 1.0)
    assert read("chint-dtsu666@401e", words, tmp_path)[0] == pytest.approx(1_000_000, abs=1)
    assert read("chint-dtsu666@101e", words, tmp_path)[0] == pytest.approx(12_345_600_000, abs=1000)


def test_silence_speaks_for_no_variant(tmp_path: Path) -> None:
    link_to_another = over_tcp(Slave(2, lambda: DTSU), tmp_path, timeout_us=300_000)
    with link_to_another as link, pytest.raises(NoAnswerError, match="needs its variant named"):
        open_polled(load_profile("chint-dtsu666"), link, 1).read()


def test_another_device_is_asked_anew(tmp_path: Path) -> None:
    words = DTSU
    with over_tcp(Slave(1, lambda: words), tmp_path) as link:
        meter = open_polled(load_profile("chint-dtsu666"), link, 1)
        meter.read()
        words = words_of("chint-dtsu666-401e")
        with pytest.raises(ConfigurationError):
            meter.read()
        meter.forget()
        assert any("@401e" in note for note in meter.read().notes)


def test_what_a_device_shows_once_decides_nothing(tmp_path: Path) -> None:
    """At the first look 0x101E holds nonsense, so that 0x401E alone fits; then both fit, and differ."""
    good = with_float(BOTH, 0x401E, 1.0)
    asked = iter([good | {(3, 0x101E): 0x7F80, (3, 0x101F): 0}])  # for the first request; later ones see `good`
    slave, question = Slave(1, lambda: next(asked, good)), r"@401e: import 1\.000 kWh"
    with over_tcp(slave, tmp_path) as link, pytest.raises(ConfigurationError, match=question):
        open_polled(load_profile("chint-dtsu666"), link, 1).read()


def test_infinity_in_a_variant_s_energy_is_no_value(tmp_path: Path) -> None:
    infinite = DTSU | {(3, 0x101E): 0x7F80, (3, 0x101F): 0}
    with pytest.raises(ConfigurationError, match="infinite float"):
        read("chint-dtsu666", infinite, tmp_path)
    with pytest.raises(BadValueError, match="infinite float"):
        read("chint-dtsu666@101e", infinite, tmp_path)
