"""One [[variants]] entry of a meter profile, read strictly into a `Variant`. How to write one: docs/profiles.md."""

import re

from .decode import WordOrder
from .profile import Register, Sum, Variant
from .profile_marks import read_mark
from .profile_register import Absent, choice, read_register
from .tables import Table, did_you_mean

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def read_variant(table: Table, default_function: int, absent: Absent, common: tuple[Register, ...]) -> Variant:
    """`common`: the registers that all variants share. Raises ProfileError."""
    name = table.text("name")
    if not _NAME.fullmatch(name):
        table.fail("name", "small letters, digits and hyphens, because it follows the profile's name: PROFILE@NAME")
    registers = tuple(read_register(entry, default_function, absent=absent) for entry in table.tables("registers"))
    known = [register.name for register in (*common, *registers)]
    variant = Variant(
        name=name,
        title=table.text("title"),
        word_order=WordOrder(choice(table, "word_order", [one.value for one in WordOrder]))
        if table.has("word_order")
        else None,
        registers=registers,
        marks=tuple(read_mark(entry, default_function) for entry in table.tables("identity")),
        sums=tuple(_sum(entry, known) for entry in table.tables("sums")),
    )
    table.finish()
    return variant


def _sum(table: Table, known: list[str]) -> Sum:
    found = Sum(table.text("total"), table.texts("parts"), table.positive("tolerance"))
    for key, name in (("total", found.total), *(("parts", part) for part in found.parts)):
        if name not in known:
            table.fail(key, f"`{name}` is no register of this variant; {did_you_mean(name, known)}")
    table.finish()
    return found
