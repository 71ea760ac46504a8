"""A meter profile of one's own in a config: found by its name, tried, and explained by `netmeter check`."""

from pathlib import Path

from drivers.assemble import assemble_snapshot
from gateway.config.load import load_config
from gateway.reading.meters import profile_of
from tests.pipeline.test_config_load import GOOD as CONFIG
from tests.pipeline.test_config_load import told, write
from tests.protocol.test_profile_schema import ASKING, VARIANTS
from tests.protocol.test_profiles import GOOD as PROFILE

PLACE = "13: [[meter]] grid: "
UNLIKE = "a count is 1000 Wh of import and 1 Wh of export"
"""True of the variants here, and told: test_config_directions."""


def config_with(folder: Path, profile: str) -> Path:
    return write(folder, CONFIG.replace('profile = "sunspec"', f'profile = "{profile}"'))


def test_a_profile_beside_the_config_is_found_by_the_name_in_it(tmp_path: Path) -> None:
    (tmp_path / "whatever it is called.toml").write_text('name = "cellar"\n' + PROFILE, encoding="utf-8")
    path = config_with(tmp_path, "cellar")
    assert told(path) == []
    (section,) = load_config(path).meter
    profile = profile_of(section, tmp_path)
    assert (profile.name, profile.title, profile.path.name) == ("cellar", "T1", "whatever it is called.toml")


def test_a_profile_by_its_file_and_one_of_its_variants(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "e.toml").write_text(ASKING + VARIANTS, encoding="utf-8")
    path = config_with(tmp_path, "own/e.toml@b")
    assert [one for one in told(path) if UNLIKE not in one] == []
    (section,) = load_config(path).meter
    assert section.profile == f"{tmp_path / 'own' / 'e.toml'}@b"
    assert profile_of(section, tmp_path).name == "e@b"


def test_a_wrong_profile_is_told_with_both_lines(tmp_path: Path) -> None:
    own = tmp_path / "cellar.toml"
    own.write_text(PROFILE.replace('type = "float32"', 'type = "flaot32"'), encoding="utf-8")
    (sentence,) = told(config_with(tmp_path, "cellar"))
    line = PROFILE.splitlines().index('type = "float32"') + 1
    assert sentence == f"{PLACE}{own}:{line}: registers[0].type = 'flaot32': did you mean `float32`?"


def test_a_profile_that_is_not_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "cellar.toml").write_text('vendor = "Test\n', encoding="utf-8")
    (sentence,) = told(config_with(tmp_path, "cellar"))
    assert "cellar.toml: not valid TOML" in sentence


def test_a_vector_that_does_not_hold_is_told(tmp_path: Path) -> None:
    (tmp_path / "cellar.toml").write_text(PROFILE.replace("1_000_000", "2_000_000"), encoding="utf-8")
    (sentence,) = told(config_with(tmp_path, "cellar"))
    assert "one kilowatt-hour: energy_import_milliwh should be 2000000, is 1000000" in sentence


def test_a_question_that_no_device_answers_is_asked_at_once(tmp_path: Path) -> None:
    (sentence,) = told(config_with(tmp_path, "accuenergy-acuvim-ii"))
    assert sentence.startswith(PLACE)
    assert "primary or secondary values" in sentence
    assert '"accuenergy-acuvim-ii@secondary": energies are secondary values' in sentence
    assert told(config_with(tmp_path, "accuenergy-acuvim-ii@primary")) == []


def test_a_question_that_the_device_may_answer_is_not_asked(tmp_path: Path) -> None:
    assert told(config_with(tmp_path, "chint-dtsu666")) == []


def test_an_answer_that_does_not_exist_gets_those_that_do(tmp_path: Path) -> None:
    (sentence,) = told(config_with(tmp_path, "chint-dtsu666@501e"))
    assert "no variant `501e`: did you mean `" in sentence


def test_the_ratio_of_transformers_holds_for_each_variant(tmp_path: Path) -> None:
    (tmp_path / "cellar.toml").write_text(ASKING + VARIANTS, encoding="utf-8")
    path = write(tmp_path, CONFIG.replace('profile = "sunspec"', 'profile = "cellar"\nratio = 60'))
    assert [one for one in told(path) if UNLIKE not in one] == []
    (section,) = load_config(path).meter
    profile = profile_of(section, tmp_path).as_variant("a")
    image = {(4, 0x10): 0x3F80, (4, 0x11): 0, (4, 0x50): 0, (4, 0x51): 7}  # 0x3F800000 is 1.0 kWh; 7 Wh
    snapshot = assemble_snapshot(profile.registers, image, profile.word_order, one_moment=True)
    assert snapshot.energy_import is not None
    assert snapshot.energy_export is not None
    assert (snapshot.energy_import.milliwh, snapshot.energy_export.milliwh) == (60_000_000, 420_000)
