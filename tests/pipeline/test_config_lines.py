"""The line of each key in a TOML text. Expected lines are counted by hand; expected keys are tomllib's own."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.toml_lines import key_lines, line_of

TRICKY = '''# line 1
top = 1 # [not.a.table]

[plain]
"quoted key" = "a = [b]"  # = 5
dotted.inner = """
[[meter]]
fake = 1 \\
"""
after = 3

[[meter]]
name = 'first'
list = [
  1,   # one
  # a comment = 2
  [2, 3],
  { x = 1, y.z = "}" },
]
after = 5

[meter.sub]
key = 1

[[meter]]
name = """quotes at the end"""""
inline = { a = 1, b = { c = "#" } }
when = 2026-03-01 07:00:00
last = true
'''

BY_HAND = {
    ("top",): 2,
    ("plain",): 4,
    ("plain", "quoted key"): 5,
    ("plain", "dotted"): 6,
    ("plain", "dotted", "inner"): 6,
    ("plain", "after"): 10,
    ("meter",): 12,
    ("meter", 0): 12,
    ("meter", 0, "name"): 13,
    ("meter", 0, "list"): 14,
    ("meter", 0, "list", 0): 15,
    ("meter", 0, "list", 1): 17,
    ("meter", 0, "list", 1, 0): 17,
    ("meter", 0, "list", 1, 1): 17,
    ("meter", 0, "list", 2): 18,
    ("meter", 0, "list", 2, "x"): 18,
    ("meter", 0, "list", 2, "y"): 18,
    ("meter", 0, "list", 2, "y", "z"): 18,
    ("meter", 0, "after"): 20,
    ("meter", 0, "sub"): 22,
    ("meter", 0, "sub", "key"): 23,
    ("meter", 1): 25,
    ("meter", 1, "name"): 26,
    ("meter", 1, "inline"): 27,
    ("meter", 1, "inline", "a"): 27,
    ("meter", 1, "inline", "b"): 27,
    ("meter", 1, "inline", "b", "c"): 27,
    ("meter", 1, "when"): 28,
    ("meter", 1, "last"): 29,
}


def paths_of(value: object, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """Every path in what tomllib made of a text."""
    found = {path} if path else set()
    if isinstance(value, dict):
        for name, one in value.items():
            found |= paths_of(one, (*path, name))
    if isinstance(value, list):
        for position, one in enumerate(value):
            found |= paths_of(one, (*path, position))
    return found


def test_every_key_of_a_tricky_text_has_its_line():
    assert key_lines(TRICKY) == BY_HAND


def test_windows_line_ends_count_once():
    assert key_lines(TRICKY.replace("\n", "\r\n")) == BY_HAND


def test_a_missing_key_is_told_at_its_table():
    assert line_of(key_lines(TRICKY), ("meter", 1, "missing")) == 25
    assert line_of(key_lines(TRICKY), ("nowhere",)) == 1


@pytest.mark.parametrize(
    "text", ["", "\n", "# only a comment", "a=1", "a = ''''''", 'a = ""', "[a.b]\n[a]", "a=[]\nb={}"]
)
def test_small_texts_give_exactly_the_keys_that_tomllib_sees(text):
    assert set(key_lines(text)) == paths_of(tomllib.loads(text))


def toml_of(value: object) -> str:
    """A TOML value in one line, or over several for lists."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {toml_of(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[\n" + ",  # a ] in a comment\n".join(toml_of(one) for one in value) + "\n]"
    return str(value)


SCALARS = st.sampled_from(
    ['"x # ] } ="', "'\\'", '"""a\n"b" = 1\n\\""""', "'''\n[x]\n'''", "1", "-2.5e3", "true", "1979-05-27"]
)
KEYS = st.sampled_from(["a", "b-1", '"c d"', "'e.f'", "_g"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, st.sampled_from(["1", '"}"', "'['"]), max_size=3),
    max_leaves=6,
)


@given(st.lists(st.tuples(st.sampled_from(["", "[t]", "[[u]]", "[u.v]"]), st.dictionaries(KEYS, VALUES)), max_size=4))
def test_any_text_gives_exactly_the_keys_that_tomllib_sees(tables):
    text = "\n".join(
        header + "".join(f"\n{name} = {toml_of(one)}" for name, one in table.items()) for header, table in tables
    )
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a table twice, or the like: the scanner is never asked
    lines = key_lines(text)
    assert set(lines) == paths_of(parsed)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
