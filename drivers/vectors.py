"""A profile's own vectors, run: words placed at the vector's addresses must mean what the vector says.

Pure. Used by the tests, and open to whoever writes a profile of their own.
"""

from collections.abc import Mapping
from decimal import Decimal

from .assemble import assemble_identity, assemble_snapshot
from .meter_time import decode_time
from .profile import Profile, Vector
from .snapshot import EnergyRegister, MeterIdentity, RegisterSnapshot

MISSING = "absent"


def check_vector(profile: Profile, vector: Vector) -> tuple[str, ...]:
    """What differs, one sentence each; empty if the vector holds. Raises BadValueError as a real reading would."""
    if vector.variant is not None and profile.variants:
        profile = profile.as_variant(vector.variant)
    image = {(block.function, block.address + n): word for block in vector.blocks for n, word in enumerate(block.words)}
    registers = profile.registers
    if vector.model is not None:
        layout = profile.model_layout(vector.model)
        if layout is None:
            return (f"{vector.title}: model {vector.model} is not in this profile",)
        registers = tuple(register.moved(vector.blocks[0].address) for register in layout.registers)
    snapshot = assemble_snapshot(registers, image, profile.word_order, one_moment=True)
    identity = assemble_identity(profile.identity, image, profile.word_order)
    found = _flat(snapshot, identity) | _clock(profile, image)
    expected = dict(vector.expected)
    absent = expected.pop(MISSING, [])
    names = absent if isinstance(absent, list) else [absent]
    wrong = [f"{vector.title}: {name} should be absent, is {found[name]}" for name in names if name in found]
    known = {register.name for register in (*registers, *profile.identity)} | {"clock"}
    wrong += [f"{vector.title}: absent names `{name}`, which is no register" for name in names if name not in known]
    for name, want in expected.items():
        got = found.get(name, MISSING)
        if got != want:
            wrong.append(f"{vector.title}: {name} should be {want}, is {got}")
    return tuple(wrong)


def _flat(snapshot: RegisterSnapshot, identity: MeterIdentity) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, energy in (("energy_import", snapshot.energy_import), ("energy_export", snapshot.energy_export)):
        if energy is not None:
            flat |= {name: energy, **_energy(name, energy)}
    if snapshot.power_milliw is not None:
        flat |= {"power": snapshot.power_milliw, "power_milliw": snapshot.power_milliw}
    flat |= snapshot.others
    for name, text in (("vendor", identity.vendor), ("model", identity.model), ("firmware", identity.firmware)):
        if text is not None:
            flat[name] = text
    if identity.serial is not None:
        flat["serial"] = identity.serial
    return flat


def _clock(profile: Profile, image: Mapping[tuple[int, int], int]) -> dict[str, object]:
    """`clock` and, with a flag, `daylight_saving`: what the meter's clock shows, without zone."""
    clock = profile.clock
    if clock is None:
        return {}
    words = [image.get((clock.function, address)) for address in range(clock.first, clock.last + 1)]
    whole = [word for word in words if word is not None]
    if len(whole) < len(words):
        return {}
    time = decode_time(clock, whole, profile.word_order)
    return {"clock": time.shown.isoformat(), "daylight_saving": time.daylight_saving}


def _energy(name: str, energy: EnergyRegister) -> dict[str, int | bool | Decimal]:
    return {
        f"{name}_milliwh": energy.milliwh,
        f"{name}_resolution_milliwh": energy.resolution_milliwh,
        f"{name}_rounding_milliwh": energy.rounding_milliwh,
        f"{name}_unproven": energy.unproven,
    }
