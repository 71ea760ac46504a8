"""Values for people are decoded when somebody looks, once, and are the same then."""

from decimal import Decimal

from drivers.assemble import assemble_snapshot
from drivers.decode import WordOrder
from drivers.later import Later
from drivers.profile_file import load_profile


def test_nothing_is_decoded_before_a_look_and_nothing_twice() -> None:
    calls: list[int] = []

    def decode() -> dict[str, Decimal]:
        calls.append(1)
        return {"frequency": Decimal("50.01")}

    values = Later(decode)
    assert calls == []
    assert (values["frequency"], len(values), list(values)) == (Decimal("50.01"), 1, ["frequency"])
    assert calls == [1]


def test_it_is_equal_to_what_it_holds() -> None:
    assert Later(lambda: {"frequency": Decimal(50)}) == {"frequency": Decimal(50)}
    assert Later(lambda: {"frequency": Decimal(50)}) != {"frequency": Decimal(60)}
    assert repr(Later(lambda: {"a": Decimal(1)})) == "{'a': Decimal('1')}"


def test_the_words_of_a_reading_are_kept_for_a_later_look() -> None:
    """The SDM630's voltage of phase 1 is a float at wire address 0 of function 4: 0x43660000 is 230."""
    profile = load_profile("eastron-sdm630")
    image = {(4, 0): 0x4366, (4, 1): 0x0000}
    snapshot = assemble_snapshot(profile.registers, image, WordOrder.BIG, one_moment=True)
    assert snapshot.others["voltage_l1"] == 230
    assert snapshot.energy_import is None


def test_what_is_kept_of_a_reading_is_what_is_accounted() -> None:
    profile = load_profile("eastron-sdm630")
    image = {(4, 0): 0x4366, (4, 1): 0x0000, (4, 72): 0x3F80, (4, 73): 0x0000}  # 230 V; 1 kWh imported
    snapshot = assemble_snapshot(profile.registers, image, WordOrder.BIG, one_moment=True)
    kept = snapshot.accounted()
    assert (kept.energy_import, kept.one_moment) == (snapshot.energy_import, True)
    assert kept.energy_import is not None
    assert kept.energy_import.milliwh == 1_000_000
    assert kept.others == {}
