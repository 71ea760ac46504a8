"""Meter profile files: find one by name or path, and read it strictly into a `Profile`.

Wrong keys, wrong values and missing sources are refused with file, key, value and the mend (ProfileError).
How to write one: docs/profiles.md.
"""

from collections.abc import Sequence
from pathlib import Path

from .decode import WordOrder
from .errors import ProfileError
from .meter_time import ClockFormat, ClockRegister, ClockZone
from .profile import (
    ENERGY,
    IDENTITY,
    Accumulation,
    Family,
    Profile,
    Register,
    SunSpecModel,
    Vector,
    VectorBlock,
)
from .profile_find import profile_file, split_name
from .profile_marks import read_mark
from .profile_register import MODBUS_MAX_REGISTERS, choice, read_absent, read_register
from .profile_variant import read_variant
from .tables import Table, did_you_mean
from .vectors import MISSING


def load_profile(name_or_path: str, search: Sequence[Path] = ()) -> Profile:
    """A profile by name (in a folder of `search`, else a shipped one) or by the path of a .toml file.

    "NAME@VARIANT" is one variant of it. Raises ProfileError where there is none or where it is wrong.
    """
    name, variant = split_name(name_or_path)
    return _variant_of(_read(Table.load(profile_file(name, search))), name, variant)


def parse_profile(text: str, name_or_path: str) -> Profile:
    """The same from the text of the file that had this name when it was kept. Raises ProfileError."""
    name, variant = split_name(name_or_path)
    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    return _variant_of(_read(Table.parse(text, path)), name, variant)


def _variant_of(profile: Profile, name: str, variant: str | None) -> Profile:
    if variant is None:
        return profile
    names = [one.name for one in profile.variants]
    if variant not in names:
        mend = did_you_mean(variant, names) if names else f"it has none; write `{name}`"
        raise ProfileError(f"{profile.path}: no variant `{variant}`: {mend}")
    return profile.as_variant(variant)


def _read(table: Table) -> Profile:
    path = table.path
    family = Family(choice(table, "family", [kind.value for kind in Family]))
    if family is Family.IEC62056:
        from .iec62056.optical_profile import read_optical  # few gateways have an optical port

        return read_optical(table, _name(table, path))
    max_registers = table.integer("max_registers", 2, MODBUS_MAX_REGISTERS, MODBUS_MAX_REGISTERS)
    function = table.integer("function", 3, 4)
    if family is Family.SUNSPEC and table.has("registers"):
        table.fail("registers", "a profile of family `sunspec` has [[models]] with [[models.registers]] instead")
    if family is Family.MODBUS and table.has("models"):
        table.fail("models", "only a profile of family `sunspec` has models")
    for key in ("variants", "verify"):
        if family is Family.SUNSPEC and table.has(key):
            table.fail(key, "only a profile of family `modbus` has it; SunSpec models tell what they are")
    if family is Family.SUNSPEC and table.has("clock"):
        table.fail("clock", "SunSpec models have no clock; only a profile of family `modbus` has one")
    absent = read_absent(table.table("absent")) if table.has("absent") else {}
    registers = tuple(read_register(entry, function, absent=absent) for entry in table.tables("registers"))
    models = tuple(_model(entry, function) for entry in table.tables("models"))
    profile = Profile(
        name=_name(table, path),
        path=path,
        vendor=table.text("vendor"),
        title=table.text("title"),
        family=family,
        word_order=WordOrder(choice(table, "word_order", [order.value for order in WordOrder])),
        max_registers=max_registers,
        update_lag_us=table.integer("update_lag_ms", 0, 3_600_000) * 1000,
        pause_us=table.integer("pause_ms", 0, 10_000, 0) * 1000,
        registers=tuple(register for register in registers if register.meaning not in IDENTITY),
        identity=tuple(register for register in registers if register.meaning in IDENTITY),
        models=models,
        variants=tuple(read_variant(entry, function, absent, registers) for entry in table.tables("variants")),
        vectors=tuple(_vector(entry, function, family) for entry in table.tables("vectors")),
        clock=_clock(table.table("clock"), function, max_registers) if table.has("clock") else None,
        one_moment=table.flag("one_moment", True),
        accumulation=Accumulation(choice(table, "accumulation", list(Accumulation), Accumulation.UNKNOWN)),
        update_lag_source=table.text("update_lag_source"),
        line_defaults=table.text("line_defaults", ""),
        remark=table.text("remark", ""),
        question=table.text("question") if table.has("variants") else "",
        verify=table.flag("verify", False),
        marks=tuple(read_mark(entry, function) for entry in table.tables("identity")),
    )
    table.finish()
    _check_whole(profile, table)
    return profile


def _name(table: Table, path: Path) -> str:
    """As gateway.toml says it: `NAME` or `NAME@VARIANT`; what reads as a path or a variant would never be found."""
    name = table.text("name", path.stem)
    if table.has("name") and (not name.strip() or name != name.strip() or not name.isprintable()):
        table.fail("name", "a name in printable characters, without blanks around it")
    if table.has("name") and ("@" in name or name.endswith(".toml")):
        table.fail("name", "gateway.toml could not name it: `@` begins a variant, and .toml ends a path")
    return name


def _check_whole(profile: Profile, table: Table) -> None:
    if profile.variants:
        _check_variants(profile, table)
        return
    groups = [layout.registers for layout in profile.models] or [profile.registers]
    for group in groups:
        names = [register.name for register in group]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            table.fail("registers", f"`{twice}` stands there twice; names must differ")
        if not any(register.meaning in ENERGY for register in group):
            table.fail("registers", "none is `energy_import` or `energy_export`; a meter needs one of them")
        _check_one_moment(profile, group, table)
        _check_overlap([*profile.identity, *group], table)
        for register in group:
            if register.last - register.first >= profile.max_registers:
                table.fail("max_registers", f"`{register.name}` and its scale factor do not fit into one request")
    if profile.verify and not profile.marks:
        table.fail("verify", "needs an [[identity]] block that a device must bear")
    if not profile.vectors:
        table.fail("vectors", "missing; a profile carries at least one [[vectors]] of its own")
    counts = tuple(meaning.value for meaning in ENERGY)
    if not any(name.startswith(counts) for vector in profile.vectors for name in vector.expected):
        known = [f"{name}_milliwh" for name in counts]
        said = next((name for vector in profile.vectors for name in vector.expected if name != MISSING), "nothing")
        table.fail("vectors", f"none expects a count of energy, but `{said}`; {did_you_mean(said, known)}")


def _check_overlap(registers: Sequence[Register], table: Table) -> None:
    """No word belongs to two registers; but the parts of a sum may be shown by themselves."""
    owner: dict[tuple[int, int], tuple[int, Register]] = {}
    for register in registers:
        for address in (register.address, *register.plus):
            for place in ((register.function, address + n) for n in range(register.words)):
                begin, other = owner.setdefault(place, (address, register))
                is_part = (begin, other.words, other.data_type) == (address, register.words, register.data_type)
                if other is not register and not (is_part and (other.plus or register.plus)):
                    where = f"function {place[0]}, address 0x{place[1]:04X}"
                    mend = "correct address or type"
                    table.fail("registers", f"`{register.name}` lies on `{other.name}` ({where}); {mend}")


def _check_variants(profile: Profile, table: Table) -> None:
    """Each variant must be a whole profile; and a choice needs two."""
    names = [one.name for one in profile.variants]
    if len(names) < 2 or len(set(names)) < len(names):
        table.fail("variants", "two at least, of different names; what is certain stands in [[registers]]")
    for vector in profile.vectors:
        if vector.variant not in names:
            listed = ", ".join(names)
            table.fail("vectors", f"`{vector.title}` needs variant = one of {listed}, by which it is read")
    for name in names:
        if all(vector.variant != name for vector in profile.vectors):
            table.fail("vectors", f"variant `{name}` has none of its own")
        _check_whole(profile.as_variant(name), table)


def _check_one_moment(profile: Profile, group: Sequence[Register], table: Table) -> None:
    """A profile whose map forbids import and export in one request must say so."""
    energy = [register for register in group if register.meaning in ENERGY]
    if not energy or not profile.one_moment:
        return
    span = max(register.last for register in energy) - min(register.first for register in energy) + 1
    if span > profile.max_registers or len({register.function for register in energy}) > 1:
        table.fail("one_moment", "import and export do not fit into one request here; write one_moment = false")


def _model(table: Table, function: int) -> SunSpecModel:
    ids = table.integers("ids", 1, 65534)
    factors = {name: _offset(table, name, value) for name, value in table.table("scale_factors").plain().items()}
    registers = tuple(read_register(entry, function, factors) for entry in table.tables("registers"))
    table.finish()
    return SunSpecModel(ids=ids, registers=registers)


def _offset(table: Table, name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 2 <= value <= 1000:
        table.fail("scale_factors", f"`{name}` must be an offset from 2 to 1000, not {value!r}")
    return value


def _clock(table: Table, default_function: int, max_registers: int) -> ClockRegister:
    clock = ClockRegister(
        function=table.integer("function", 3, 4, default_function),
        address=table.integer("address", 0, 0xFFFF),
        format=ClockFormat(choice(table, "format", [kind.value for kind in ClockFormat])),
        zone=ClockZone(choice(table, "zone", [zone.value for zone in ClockZone])),
        dst_address=table.integer("dst_address", 0, 0xFFFF) if table.has("dst_address") else None,
        resolution_us=table.integer("resolution_ms", 1, 60_000, 1000) * 1000,
        lag_us=table.integer("lag_ms", 0, 60_000, 0) * 1000,
        source=table.text("source"),
        confirmed=table.flag("confirmed"),
    )
    if clock.dst_address is not None and clock.zone is not ClockZone.LOCAL:
        table.fail("dst_address", "only a clock with zone `local` has daylight saving time")
    if clock.last > 0xFFFF or clock.last - clock.first >= max_registers:
        table.fail("address", "the time and its flag do not fit into one request")
    table.finish()
    return clock


def _vector(table: Table, default_function: int, family: Family) -> Vector:
    vector = Vector(
        title=table.text("title"),
        source=table.text("source"),
        model=table.integer("model", 1, 65534) if family is Family.SUNSPEC else None,
        blocks=tuple(_vector_block(entry, default_function) for entry in table.tables("blocks")),
        expected=table.table("expected").plain(),
        variant=table.text("variant") if table.has("variant") else None,
    )
    table.finish()
    if not vector.blocks or not vector.expected:
        table.fail("blocks", "a vector needs [[vectors.blocks]] and [vectors.expected]")
    return vector


def _vector_block(table: Table, default_function: int) -> VectorBlock:
    block = VectorBlock(
        function=table.integer("function", 3, 4, default_function),
        address=table.integer("address", 0, 0xFFFF),
        words=table.integers("words", 0, 0xFFFF),
    )
    table.finish()
    return block
