"""What a model is recognised by: words that bear a mark, words that do not, and marks that are refused."""

from pathlib import Path

import pytest

from drivers import ProfileError, load_profile
from drivers.decode import WordOrder
from drivers.marks import Likeness, likeness

HEAD = """
vendor = "Test"
title = "T1"
family = "modbus"
function = 4
word_order = "little"
update_lag_ms = 500
update_lag_source = "test"
"""
REST = """
[[registers]]
name = "energy_import"
address = 0x10
type = "uint32"
unit = "Wh"
source = "test"
confirmed = true

[[vectors]]
title = "one watt-hour"
source = "synthetic"
[[vectors.blocks]]
address = 0x10
words = [1, 0]
[vectors.expected]
energy_import_milliwh = 1_000
"""
CODE = """
[[identity]]
name = "device_type"
address = 0x0B
type = "uint16"
values = [71, 1648]
proof = true
source = "test"
confirmed = true
"""
TEXT = """
[[identity]]
name = "type"
function = 3
address = 0x20
type = "string"
words = 2
begins = ["B23", "B24"]
proof = true
source = "test"
confirmed = true
"""
HERTZ = """
[[identity]]
name = "frequency"
address = 0x30
type = "int32"
scale = 0.1
between = [45, 65]
proof = false
source = "test"
confirmed = true
"""


def judged(tmp_path: Path, marks: str, words: dict[tuple[int, int], int]) -> Likeness:
    path = tmp_path / "marked.toml"
    path.write_text(HEAD + marks + REST, encoding="utf-8")
    return likeness(load_profile(str(path)).marks, words, WordOrder.LITTLE)


# 0x4232 0x3420 is "B24 ", 0x4132 "A2"; 500 * 0.1 Hz = 50 Hz and 651 * 0.1 = 65.1 Hz, low word first.
CASES = [
    (CODE, {(4, 0x0B): 1648}, Likeness.PROVEN),
    (CODE, {(4, 0x0B): 1649}, Likeness.OTHER),
    (CODE, {(3, 0x0B): 1648}, Likeness.OTHER),
    (CODE, {(4, 0x0B): 0xFFFF}, Likeness.OTHER),
    (CODE, {}, Likeness.OTHER),
    (TEXT, {(3, 0x20): 0x4232, (3, 0x21): 0x3420}, Likeness.PROVEN),
    (TEXT, {(3, 0x20): 0x4132, (3, 0x21): 0x3420}, Likeness.OTHER),
    (TEXT, {(3, 0x20): 0x4232}, Likeness.OTHER),
    (TEXT, {(3, 0x20): 0, (3, 0x21): 0}, Likeness.OTHER),
    (HERTZ, {(4, 0x30): 500, (4, 0x31): 0}, Likeness.LIKELY),
    (HERTZ, {(4, 0x30): 651, (4, 0x31): 0}, Likeness.OTHER),
    (HERTZ, {(4, 0x30): 0, (4, 0x31): 500}, Likeness.OTHER),
    (HERTZ, {(4, 0x30): 0, (4, 0x31): 0x8000}, Likeness.OTHER),
    (CODE + HERTZ, {(4, 0x0B): 71, (4, 0x30): 500, (4, 0x31): 0}, Likeness.PROVEN),
    (CODE + HERTZ, {(4, 0x0B): 71, (4, 0x30): 0, (4, 0x31): 0}, Likeness.OTHER),
    ("", {(4, 0x0B): 71}, Likeness.OTHER),
]


@pytest.mark.parametrize(("marks", "words", "verdict"), CASES)
def test_a_device_is_what_its_marks_say(
    tmp_path: Path, marks: str, words: dict[tuple[int, int], int], verdict: Likeness
) -> None:
    assert judged(tmp_path, marks, words) is verdict


WRONG = [
    (CODE.replace("values = [71, 1648]", ""), "identity[0].values: say what must stand there"),
    (CODE.replace("values =", "between ="), None),  # two numbers: a span is as good
    (CODE + "between = [1, 2]", "identity[0].between = [1, 2]: say what must stand there, once"),
    (CODE.replace("[71, 1648]", '["71"]'), "identity[0].values = ['71']"),
    (CODE.replace("proof = true", ""), "identity[0].proof: missing"),
    (CODE.replace("proof = true", "prof = true"), "identity[0].proof: missing"),
    (TEXT.replace('["B23", "B24"]', "[]"), "identity[0].begins = []: must name one"),
    (TEXT.replace("begins =", "between ="), "a text has values or begins"),
    (TEXT.replace("words = 2", ""), "identity[0].words: missing"),
    (HERTZ.replace("[45, 65]", "[65, 45]"), "must be below the second"),
    (HERTZ.replace("[45, 65]", "[45]"), "two numbers"),
    (HERTZ.replace("[45, 65]", "[45, inf]"), "two numbers"),
    (CODE + "scale = 0.1", "identity[0].scale = 0.1: only a number with `between`"),
]


@pytest.mark.parametrize(("marks", "message"), WRONG)
def test_a_wrong_mark_is_refused(tmp_path: Path, marks: str, message: str | None) -> None:
    path = tmp_path / "marked.toml"
    path.write_text(HEAD + marks + REST, encoding="utf-8")
    if message is None:
        assert load_profile(str(path)).marks
        return
    with pytest.raises(ProfileError) as caught:
        load_profile(str(path))
    assert f"{path}:" in str(caught.value)
    assert message in str(caught.value)
