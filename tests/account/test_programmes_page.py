"""docs/programmes.md: the checklist has each of the documents' 74 rows once, and every test it names exists.

A page that points at a test which was renamed shows nothing to whoever has a wrong bill.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/programmes.md").read_text(encoding="utf-8")
ROW = re.compile(r"\| (\d+(?:, \d+)*) \| (.*)")
DEFINED = re.compile(r"^(?:async )?def test_(\w+)", re.MULTILINE)
ROWS = 74
UNDERSCORES = 2
"""A name with so many or more is that of a test, unless the program knows it as an option or key."""


def checklist() -> dict[int, str]:
    """Rows by number; twice the same is an error here."""
    found: dict[int, str] = {}
    for match in ROW.finditer(PAGE[PAGE.index("## Checklist") :]):
        for number in match[1].split(", "):
            assert int(number) not in found, f"row {number} stands there twice"
            found[int(number)] = match[2]
    return found


def known_words() -> set[str]:
    """What the program and its programmes' files have names for."""
    files = [*(ROOT / "gateway/account").rglob("*.py"), *(ROOT / "config/programmes").glob("*.toml")]
    return {word for one in files for word in re.findall(r"\w+", one.read_text(encoding="utf-8"))}


def missing(text: str) -> list[str]:
    """Names of test files and of tests that there are not; `...` at the end of a name stands for more."""
    files = list((ROOT / "tests").rglob("test_*.py"))
    stems = {one.stem for one in files}
    tests = {name for one in files for name in DEFINED.findall(one.read_text(encoding="utf-8"))}
    keys = known_words()
    lost = []
    for name in re.findall(r"`([^`]+)`", text):
        begun = name.removesuffix("...")
        if name.startswith("tests/"):
            found = (ROOT / name).exists() or (ROOT / f"{name}.py").exists()
        elif name.startswith("test_"):
            found = name in stems
        elif re.fullmatch(r"\w+", begun) and begun.count("_") >= UNDERSCORES and name not in keys:
            found = begun in tests or (name != begun and any(one.startswith(begun) for one in tests))
        else:
            continue
        if not found:
            lost.append(name)
    return lost


def test_each_row_of_the_documents_is_there_once() -> None:
    assert sorted(checklist()) == list(range(1, ROWS + 1))


def test_every_test_that_the_page_names_exists() -> None:
    assert missing(PAGE) == []


def test_a_name_that_is_gone_is_found() -> None:
    """The positive control."""
    said = "`test_no_such_file`, `tests/whole/test_nothing_here`, `what_no_test_is_called_at_all...`, `test_compare`"
    assert missing(said) == ["test_no_such_file", "tests/whole/test_nothing_here", "what_no_test_is_called_at_all..."]


def test_each_row_names_a_test_or_says_why_there_is_none() -> None:
    bare = {number for number, text in checklist().items() if not re.search(r"`[^`]*\w_\w[^`]*`|`\w+", text)}
    assert bare == {15, 60}  # a time of review, the hours of sunshine
