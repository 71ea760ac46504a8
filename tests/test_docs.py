"""The pages for people: every link leads somewhere, every file that is named is there, every command line can be typed.

A command is parsed by the program's own parser and never run; what a page says that it prints is tested elsewhere.
Headings become anchors as GitHub makes them (github.com/gjtorikian/html-pipeline, toc_filter).
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gateway.cli import main as netmeter
from hil.cli import main as netmeter_hil

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = {"netmeter": netmeter, "netmeter-hil": netmeter_hil}

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.*)", re.MULTILINE)
NAMED = re.compile(r"`((?:\./)?(?:\.ci|config|docs|drivers|gateway|hil|systemd|tests)/[\w./*-]+)")
TYPED = re.compile(r"^(?:\$ )?(?:sudo )?(?:[\w./-]*/)?(netmeter(?:-hil)?) (.*)")
SPOKEN = re.compile(r"`(?:sudo )?(netmeter(?:-hil)?) ([a-z][^`\n\\]*)`")
END = re.compile(r"^(?:#.*|[|&;]+|\d?[<>]+.*)$")
"""What the shell takes for itself: a note, a pipe, a file."""


def anchors(page: Path) -> set[str]:
    """What a link to a heading of `page` may end with."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        again = 0
        while (name := f"{slug}-{again}" if again else slug) in found:
            again += 1
        found.add(name)
    return found


def blocks(text: str) -> Iterator[str]:
    """The lines of code blocks, fenced or indented by four, with lines that a backslash continues joined."""
    inside, held = False, ""
    for line in text.split("\n"):
        if line.startswith("```"):
            inside = not inside
        elif inside or line.startswith("    "):
            held += line.strip()
            if held.endswith("\\"):
                held = held[:-1]
                continue
            yield held
        held = ""


def command(words: list[str]) -> tuple[click.Context, list[str]]:
    """The command that is named, and the words that are left for it. Raises click.UsageError."""
    name, *left = words
    found: click.Command = PROGRAMS[name]
    ctx = click.Context(found, info_name=name)
    while isinstance(found, click.Group) and left and not left[0].startswith("-"):
        below = found.get_command(ctx, left[0])
        if below is None:
            raise click.UsageError(f"there is no command {left[0]}")
        found, ctx = below, click.Context(below, parent=ctx, info_name=left[0])
        left = left[1:]
    return ctx, left


def typed_wrong(words: list[str]) -> str:
    """Why the program would refuse a whole command line; empty where it would not. Files need not be there."""
    try:
        ctx, left = command(words)
        given, surplus, order = ctx.command.make_parser(ctx).parse_args(list(left))
        if surplus:
            return f"no place for {surplus[0]}"
        if "--help" in left or {"help", "version"} & {one.name for one in order}:
            return ""
        for one in ctx.command.params:
            value = given.get(one.name or "")
            texts = [text for text in (value if isinstance(value, list | tuple) else [value]) if isinstance(text, str)]
            if one.required and not texts:
                return f"{one.human_readable_name} is missing"
            for text in texts:
                # `N` stands for a number of the reader's
                if isinstance(one.type, click.Choice | click.types.IntParamType) and not text.isupper():
                    one.type.convert(text, one, ctx)
    except click.UsageError as error:
        return error.format_message()
    return ""


def spoken_wrong(words: list[str]) -> str:
    """The same of a command in running text, which may leave away what is not talked of: are there such options?"""
    try:
        ctx, left = command(words)
    except click.UsageError as error:
        return error.format_message()
    known = {"--help", *(way for one in ctx.command.params for way in (*one.opts, *one.secondary_opts))}
    unknown = [one for one in left if one.startswith("--") and one.partition("=")[0] not in known]
    return f"no option {unknown[0]}" if unknown else ""


def shell_words(line: str) -> list[str]:
    """Up to where the shell goes on with something else."""
    words: list[str] = []
    for word in shlex.split(line, comments=True):
        if END.match(word):
            break
        words.append(word)
    return words


def commands_of_help() -> Iterator[tuple[str, str]]:
    """Every command's own help, by its name."""
    todo = [click.Context(group, info_name=name) for name, group in PROGRAMS.items()]
    while todo:
        ctx = todo.pop()
        yield ctx.command_path, f"{ctx.command.help or ''}\n{ctx.command.epilog or ''}"
        if isinstance(ctx.command, click.Group):
            for name in ctx.command.list_commands(ctx):
                below = ctx.command.get_command(ctx, name)
                assert below is not None
                todo.append(click.Context(below, parent=ctx, info_name=name))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        place, _, anchor = link.partition("#")
        if ":" in place:
            continue  # the network is not asked
        target = page if not place else page.parent / place
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert not lost


@pytest.mark.parametrize("page", [one for one in PAGES if one.name != "CHANGELOG.md"], ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    """The changelog tells of what was there once."""
    named = set(NAMED.findall(page.read_text(encoding="utf-8")))
    bare = {name: name.removeprefix("./").rstrip("./") for name in named}
    assert not [name for name, path in bare.items() if not [*ROOT.glob(path), *ROOT.glob(f"{path}.py")]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_can_be_typed(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = {}
    for line in blocks(text):
        found = TYPED.match(line)
        if found is not None and "[-" not in found[2]:  # else it says what may be left away, and nobody types that
            wrong[line] = typed_wrong([found[1], *shell_words(found[2])])
    for program, line in SPOKEN.findall(text):
        wrong[line] = spoken_wrong([program, *shell_words(line)])
    assert not {line: why for line, why in wrong.items() if why}


def test_every_example_of_a_help_can_be_typed() -> None:
    wrong, seen = {}, 0
    for name, text in commands_of_help():
        joined = re.sub(r"\\\n\s*", "", text)
        for line in re.split(r"\n|Example: |\.  ", joined):
            if (found := TYPED.match(line.strip())) is not None:
                seen += 1
                wrong[f"{name}: {line.strip()}"] = typed_wrong([found[1], *shell_words(found[2])])
    assert seen >= len(list(commands_of_help()))  # each has one at least
    assert not {line: why for line, why in wrong.items() if why}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("netmeter read grid --raw", ""),
        ("netmeter red grid", "there is no command red"),
        ("netmeter read grid --raww", "No such option"),
        ("netmeter read --profile sunspec --host", "requires an argument"),
        ("netmeter read --profile sunspec --host a --parity even", "is not one of"),
        ("netmeter read --profile sunspec --host a --unit one", "is not a valid integer"),
        ("netmeter decode", "is missing"),
        ("netmeter decode a b", "no place for b"),
    ],
)
def test_control_a_line_that_cannot_be_typed_is_found(line: str, why: str) -> None:
    assert why in typed_wrong(line.split())
    assert bool(typed_wrong(line.split())) == bool(why)


def test_control_what_is_no_link_no_file_and_no_block_is_found() -> None:
    readme = ROOT / "README.md"
    assert {"install-on-a-pi", "try-it-two-commands"} <= anchors(readme)
    assert "install-on-a-pie" not in anchors(readme)
    assert list(blocks("a\n    b \\\n        c\n```\nd\n```\ne")) == ["b c", "d"]
    assert spoken_wrong(["netmeter", "check", "--no"]) == "no option --no"
    assert NAMED.findall("`gateway/app.py` and `tests/none.py:3`") == ["gateway/app.py", "tests/none.py"]


def test_the_readme_names_every_command() -> None:
    (listed,) = re.findall(r"^`netmeter (run \|[^`]*)`", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {one.split()[0] for one in listed.split("|")} == set(netmeter.list_commands(click.Context(netmeter)))
