"""One [[identity]] entry of a meter profile, read strictly into a `Mark`. How to write one: docs/profiles.md."""

from decimal import Decimal

from .decode import WORDS, DataType
from .marks import Mark
from .profile_register import MODBUS_MAX_REGISTERS, choice
from .tables import Table

_EXPECTED = ("values", "begins", "between")


def read_mark(table: Table, default_function: int) -> Mark:
    """Raises ProfileError for a mark that could not be missed, or never be met."""
    data_type = DataType(choice(table, "type", [kind.value for kind in DataType]))
    is_text = data_type is DataType.STRING
    said = [key for key in _EXPECTED if table.has(key)]
    if len(said) != 1:
        table.fail(said[1] if said else "values", "say what must stand there, once: as values, begins or between")
    if said[0] == ("between" if is_text else "begins"):
        table.fail(said[0], "a text has values or begins, a number values or between")
    low, high = table.span("between") if said[0] == "between" else (None, None)
    words = table.integer("words", 1, MODBUS_MAX_REGISTERS) if is_text else WORDS[data_type]
    mark = Mark(
        name=table.text("name"),
        function=table.integer("function", 3, 4, default_function),
        address=table.integer("address", 0, 0x10000 - words),
        words=words,
        data_type=data_type,
        scale=table.positive("scale", Decimal(1)),
        values=_values(table, is_text) if said[0] == "values" else (),
        begins=table.texts("begins") if said[0] == "begins" else (),
        low=low,
        high=high,
        is_proof=table.flag("proof"),
        source=table.text("source"),
        confirmed=table.flag("confirmed"),
    )
    if table.has("scale") and said[0] != "between":
        table.fail("scale", "only a number with `between` is scaled; `values` are raw counts")
    table.finish()
    return mark


def _values(table: Table, is_text: bool) -> tuple[int | str, ...]:
    return table.texts("values") if is_text else table.integers("values", -(2**63), 2**64 - 1)
