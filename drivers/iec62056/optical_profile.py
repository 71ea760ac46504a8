"""A profile file of family `iec62056`: read strictly into a `Profile` whose `optical` says how it is talked to.

What is wrong is refused with file, line, key, value and the mend (ProfileError). How to write one: docs/optical.md.
"""

from dataclasses import replace

from ..decode import WordOrder
from ..errors import BadValueError
from ..meter_time import ClockFormat, ClockRegister, ClockZone
from ..profile import Family, Profile, Register
from ..snapshot import RegisterSnapshot
from ..tables import Table
from .load_profile import StampAt
from .mapping import STANDARD, UNITS, identity_of, register_of, snapshot_of
from .readout import BAUD_OF_DIGIT, Telegram
from .scanner import Scanner
from .terms import Method, Mode, OpticalTerms, ProfileTerms

_NO_CLOCK_ADDRESS = 0


def read_optical(table: Table, name: str) -> Profile:
    """The profile in `table`, of which `family` and `name` were read before. Raises ProfileError."""
    terms = _terms(table)
    registers = _registers(table)
    vectors = tuple(_vector(entry) for entry in table.tables("vectors"))
    profile = Profile(
        name=name,
        path=table.path,
        vendor=table.text("vendor"),
        title=table.text("title"),
        family=Family.IEC62056,
        word_order=WordOrder.BIG,
        max_registers=0,
        update_lag_us=table.integer("update_lag_ms", 0, 3_600_000) * 1000,
        pause_us=0,
        registers=registers,
        identity=(),
        models=(),
        vectors=(),
        clock=None if terms.clock_zone is None else _clock(terms.clock_zone),
        one_moment=terms.one_moment,
        update_lag_source=table.text("update_lag_source"),
        line_defaults=table.text("line_defaults", ""),
        remark=table.text("remark", ""),
        optical=terms,
    )
    table.finish()
    if not vectors:
        table.fail("vectors", "missing; a profile carries at least one [[vectors]] with a telegram and what it means")
    for title, telegram, expected in vectors:
        wrong = untrue(profile, telegram, expected)
        if wrong:
            table.fail("vectors", f"{title}: {wrong[0]}")
    return profile


def _terms(table: Table) -> OpticalTerms:
    mode = Mode(_choice(table, "mode", list(Mode)))
    method = Method(_choice(table, "method", list(Method), Method.READOUT))
    if method is Method.REGISTERS and mode is not Mode.C:
        table.fail("method", "single registers are read in programming mode, which mode C alone has")
    level = table.integer("password_level", 0, 2, 0)
    if level and mode is not Mode.C:
        table.fail("password_level", "a password is given in programming mode, which mode C alone has")
    unit = table.text("unit_if_none", "kWh") if table.has("unit_if_none") else None
    return OpticalTerms(
        mode=mode,
        method=method,
        read_command=_choice(table, "read_command", ["R1", "R2", "R5"], "R5"),
        push_bd=_baud(table, "push_baud_bd") if mode is Mode.D else 0,
        fastest_bd=_baud(table, "fastest_baud_bd", 19200),
        has_bcc=table.flag("has_bcc", mode is not Mode.D),
        wakes_up=table.flag("wakes_up", False),
        password_level=level,
        one_moment=table.flag("one_moment", False),
        unit_if_none=unit,
        longest_s=table.integer("longest_s", 5, 3600, 300),
        clock_zone=_zone(table.table("clock")) if table.has("clock") else None,
        load_profile=_load_profile(table.table("load_profile"), mode) if table.has("load_profile") else None,
    )


def _choice(table: Table, key: str, known: list[str], default: str | None = None) -> str:
    text = table.text(key, default)
    if text not in known:
        table.fail(key, f"known here: {', '.join(known)}")
    return text


def _baud(table: Table, key: str, default: int | None = None) -> int:
    rates = list(BAUD_OF_DIGIT.values())
    baud_bd = table.integer(key, rates[0], rates[-1], default)
    if baud_bd not in rates:
        table.fail(key, f"one of {', '.join(map(str, rates))}")
    return baud_bd


def _zone(table: Table) -> ClockZone:
    zone = ClockZone(_choice(table, "zone", list(ClockZone)))
    table.text("source")
    table.finish()
    return zone


def _load_profile(table: Table, mode: Mode) -> ProfileTerms:
    if mode is not Mode.C:
        table.fail("code", "a load profile is read in programming mode, which mode C alone has")
    terms = ProfileTerms(
        code=table.text("code", "P.01"),
        command=_choice(table, "command", ["R5", "R6"], "R6"),
        stamp_at=StampAt(_choice(table, "stamp_at", [one.value for one in StampAt])),
    )
    table.text("source")
    table.finish()
    return terms


def _registers(table: Table) -> tuple[Register, ...]:
    """The standard's, and the profile's own besides or instead of them."""
    own = [_register(entry) for entry in table.tables("registers")]
    names, places = {one.name for one in own}, {one.address for one in own}
    if len(names) < len(own):
        table.fail("registers", "two have one name")
    return (*(one for one in STANDARD if one.name not in names and one.address not in places), *own)


def _register(table: Table) -> Register:
    name, code, unit = table.text("name"), table.text("code"), table.text("unit")
    if name in ("energy_import", "energy_export", "power"):
        table.fail("name", "1.8.0, 2.8.0 and 16.7.0 mean the same in every meter; choose another name")
    if unit not in UNITS and unit:
        table.fail("unit", f"known here: {', '.join(UNITS)}")
    try:
        register = register_of(name, code, unit, table.text("source"), confirmed=table.flag("confirmed"))
    except ValueError as error:
        table.fail("code", str(error))
    table.finish()
    return register


def _clock(zone: ClockZone) -> ClockRegister:
    """That there is one, and of which zone; where it stands is told by codes."""
    where = _NO_CLOCK_ADDRESS
    return ClockRegister(0, where, ClockFormat.UNIX, zone, None, 1_000_000, 0, "IEC 62056-61, 0.9.1 and 0.9.2", True)


def _vector(table: Table) -> tuple[str, str, dict[str, object]]:
    title, telegram = table.text("title"), table.text("telegram")
    table.text("source")
    expected = table.table("expected").plain()
    table.finish()
    if not expected:
        table.fail("expected", "says nothing")
    return title, telegram, expected


def untrue(profile: Profile, telegram: str, expected: dict[str, object]) -> list[str]:
    """What of a telegram (lines as a person writes them, without framing) means something else than expected."""
    found = _found(profile, telegram)
    return [
        f"{name} should be {want}, is {found.get(name)}" for name, want in expected.items() if found.get(name) != want
    ]


def _found(profile: Profile, text: str) -> dict[str, object]:
    terms = profile.optical
    whole = heard(text)
    if terms is None or whole is None:
        return {}
    try:
        mapped = snapshot_of(whole.data_sets, profile.registers, unit_if_none=terms.unit_if_none)
    except BadValueError as error:
        return {"error": str(error)}
    identity = identity_of(whole.data_sets, whole.identification)
    return {**_flat(mapped.snapshot), "serial": identity.serial, "model": identity.model, "vendor": identity.vendor}


def heard(text: str) -> Telegram | None:
    """A telegram written as lines, as it is pushed: without STX, ETX and BCC."""
    lines = [line.strip() for line in text.strip().splitlines()]
    scanner = Scanner(has_bcc=False)
    telegrams = [*scanner.feed("".join(f"{line}\r\n" for line in lines).encode()), *scanner.finish()]
    return next((one for one in telegrams if one.valid), None)


def _flat(snapshot: RegisterSnapshot) -> dict[str, object]:
    flat: dict[str, object] = {**snapshot.others}
    for name, energy in (("energy_import", snapshot.energy_import), ("energy_export", snapshot.energy_export)):
        if energy is not None:
            flat[f"{name}_milliwh"] = energy.milliwh
            flat[f"{name}_resolution_milliwh"] = energy.resolution_milliwh
    if snapshot.power_milliw is not None:
        flat["power_milliw"] = snapshot.power_milliw
    return flat


def with_mode(profile: Profile, mode: Mode) -> Profile:
    """The profile of a meter that is set to another mode."""
    if profile.optical is None or profile.optical.mode is mode:
        return profile
    return replace(profile, optical=replace(profile.optical, mode=mode))
