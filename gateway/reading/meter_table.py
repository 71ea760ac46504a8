"""docs/meters.md, made from the meter profiles: what each map has, who says so, and what nobody says.

Pure: profiles in, Markdown out. Nothing is told here that is not in a profile.
"""

from collections.abc import Iterable, Sequence

from drivers.decode import FLOATS
from drivers.profile import ENERGY, Accumulation, Family, Meaning, Profile, Register

HEAD = """# Meters

Made from the profiles in `drivers/profiles` by `netmeter profile table`; do not edit. How to write a profile:
[profiles.md](profiles.md). A meter that is not here needs a profile of its own, or speaks SunSpec.

"Sources" counts the energy registers on which two independent sources agree. No map here has been seen on hardware by
this project; where a vector below is a recording, somebody else's meter was. A resolution of 0.1 kWh is coarse: what
flowed on which side of a tariff's edge is known to that much.
"""

_ACCUMULATION = {
    Accumulation.SINGLE_PHASE: "one phase",
    Accumulation.VECTORIAL: "phases are netted (vectorial)",
    Accumulation.PER_PHASE: "each phase for itself",
    Accumulation.SETTABLE: "a setting of the meter",
    Accumulation.UNKNOWN: "not told by any source",
}


def meter_table(profiles: Sequence[Profile]) -> str:
    """The whole page."""
    rows = [
        "| profile | meters | talks | resolution | per phase | per tariff | sources |",
        "|---|---|---|---|---|---|---|",
    ]
    rows += [_row(profile) for profile in profiles]
    parts = [HEAD, "\n".join(rows) + "\n", *(_section(profile) for profile in profiles)]
    return "\n".join(parts)


def _row(profile: Profile) -> str:
    registers = _registers(profile)
    cells = (
        f"[`{profile.name}`](#{profile.name})",
        f"{profile.vendor} {profile.title}" if profile.family is Family.MODBUS else profile.title,
        profile.line_defaults or "not told",
        _resolutions(registers),
        _yes(any(one.is_phase and one.name.startswith("energy_") for one in registers)),
        _yes(any(one.is_tariff_counter for one in registers)),
        _agreement(registers),
    )
    return "| " + " | ".join(cells) + " |"


def _section(profile: Profile) -> str:
    registers = _registers(profile)
    lines = [f"## {profile.name}", "", f"{profile.vendor} {profile.title}.", ""]
    if profile.remark:
        lines += [profile.remark, ""]
    if profile.question:
        answers = "; ".join(f"`{profile.name}@{one.name}`: {one.title}" for one in profile.variants)
        how = (
            "The user is asked"
            if profile.must_be_answered
            else "The device is asked; where it does not tell, the user is"
        )
        lines += [f"**Sources differ.** {how}: {profile.question} Answers: {answers}.", ""]
    lines += [f"- {point}" for point in _points(profile, registers)]
    lines += ["", "| register | function | address | type | unit | sources |", "|---|---|---|---|---|---|"]
    lines += [_register_row(one, prefix) for prefix, one in _named(profile)]
    return "\n".join(lines) + "\n"


def _points(profile: Profile, registers: Sequence[Register]) -> list[str]:
    order = {"big": "high word first", "little": "low word first"}[profile.word_order.value]
    lag = f"{profile.update_lag_us / 1_000_000:g} s"
    points = [f"{order}; at most {profile.max_registers} registers a request"]
    if profile.pause_us:
        points[0] += f"; {profile.pause_us // 1000} ms between requests"
    points.append(f"a register is at most {lag} old ({_lag_source(profile)})")
    points.append(f"accumulation: {_ACCUMULATION[profile.accumulation]}")
    points.append(f"rollover: {_rollover(registers)}")
    points.append(f"recognised by: {_marks(profile)}")
    if not profile.one_moment:
        points.append("import and export do not come in one request; they are read again until nothing moves")
    points.append("vectors: " + "; ".join(f"{one.title} ({one.source})" for one in profile.vectors))
    return points


def _lag_source(profile: Profile) -> str:
    return profile.update_lag_source or "not told"


def _marks(profile: Profile) -> str:
    if profile.family is Family.SUNSPEC:
        return "`SunS` at 40000, 50000 or 0, and its model chain"
    marks = [
        f"{mark.name} at 0x{mark.address:04X}" + ("" if mark.is_proof else " (a plausible number only)")
        for mark in profile.marks
    ]
    return ", ".join(marks) or "nothing: no source tells a register that does"


def _rollover(registers: Iterable[Register]) -> str:
    told = []
    for one in registers:
        if one.meaning in ENERGY and one.rollover is not None:
            told.append(f"{one.name} at {one.rollover} {one.unit}")
        elif one.meaning in ENERGY and one.rollover_bits is not None:
            told.append(f"{one.name} after {one.rollover_bits} bits")
    return ", ".join(dict.fromkeys(told)) or "not told by any source; a fall closes the register epoch"


def _resolutions(registers: Iterable[Register]) -> str:
    found = []
    for one in registers:
        if one.meaning in ENERGY:
            digit = one.digit or 1
            if one.scale_factor_address is not None:
                found.append("by scale factor")
            else:
                found.append(f"{digit if one.data_type in FLOATS else (digit * one.scale).normalize():f} {one.unit}")
    return ", ".join(dict.fromkeys(found))


def _agreement(registers: Iterable[Register]) -> str:
    energy = [one for one in registers if one.meaning in ENERGY]
    return f"{sum(one.confirmed for one in energy)} of {len(energy)} by two"


def _register_row(register: Register, prefix: str) -> str:
    addresses = " + ".join(f"{prefix}0x{one:04X}" for one in (register.address, *register.plus))
    unit = register.unit if register.scale == 1 else f"{register.scale:f} {register.unit}".strip()
    sources = "two" if register.confirmed else "one"
    cells = (register.name, str(register.function), addresses, register.data_type.value, unit, sources)
    return "| " + " | ".join(cells) + " |"


def _named(profile: Profile) -> list[tuple[str, Register]]:
    """Registers with what stands before their address: the variant, or the SunSpec models."""
    rows = [("", one) for one in (*profile.identity, *profile.registers)]
    rows += [(f"@{variant.name}: ", one) for variant in profile.variants for one in variant.registers]
    for layout in profile.models:
        ids = f"{layout.ids[0]}" if len(layout.ids) == 1 else f"{layout.ids[0]} to {layout.ids[-1]}"
        rows += [(f"model {ids} + ", one) for one in layout.registers]
    return rows


def _registers(profile: Profile) -> list[Register]:
    return [one for _, one in _named(profile) if one.meaning not in (Meaning.VENDOR, Meaning.MODEL)]


def _yes(is_so: bool) -> str:
    return "yes" if is_so else ""
