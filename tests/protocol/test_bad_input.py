"""Everything that a line can bring, kind by kind, in virtual time: ended in time, counted by its cause, never believed.

What is expected of a fault is written here by hand; the words are those of a device without any code of the driver.
"""

import pytest

from hil.modbus.faults import DECKS, Fault, Framing, Kind, Setting, Step, steps
from hil.modbus.judge import TrialVerdict
from hil.modbus.trial import run_plan

LINES = {
    Framing.RTU: Setting(11, Framing.RTU, 9600, 300_000, 400_000, 0),
    Framing.RTU_OVER_TCP: Setting(12, Framing.RTU_OVER_TCP, 0, 300_000, 400_000, 0),
    Framing.TCP: Setting(13, Framing.TCP, 0, 300_000, 400_000, 0),
}
CAUSES = {  # one of these is counted, or (for "answered") the question may get its answer all the same
    Kind.SILENCE: {"silent"},
    Kind.LATE: {"silent", "truncated"},
    Kind.HALF_LATE: {"truncated", "noise"},
    Kind.HALVES: {"answered", "truncated"},
    Kind.DOUBLED: {"answered"},
    Kind.SWAPPED: {"answered", "foreign", "mismatched", "silent", "late", "truncated"},
    Kind.TRUNCATED: {"truncated", "noise"},
    Kind.BIT_FLIP: {"damaged", "mismatched", "foreign", "noise", "truncated", "late", "silent"},
    Kind.CRC_COLLISION: {"answered", "foreign", "mismatched", "noise", "damaged", "truncated"},
    Kind.GARBAGE: {"answered", "noise", "damaged", "truncated"},
    Kind.FLOOD: {"noise", "damaged", "truncated", "foreign", "mismatched"},
    Kind.ENDLESS: {"noise", "damaged", "truncated", "foreign", "mismatched"},
    Kind.FOREIGN_UNIT: {"answered", "foreign"},
    Kind.WRONG_FUNCTION: {"answered", "mismatched"},
    Kind.WRONG_COUNT: {"answered", "mismatched"},
    Kind.LYING_COUNT: {"mismatched", "damaged", "noise", "truncated"},
    Kind.EXCEPTION: {"refused", "impossible"},
    Kind.OTHER_MASTER: {"answered", "ambiguous"},
    Kind.ECHO: {"answered", "silent"},
    Kind.REBOOT: {"silent", "noise", "truncated"},
    Kind.MAP_CHANGE: {"impossible"},
    Kind.LOST: {"lost", "answered", "truncated", "noise", "silent"},
    Kind.WRONG_TRANSACTION: {"answered", "late", "silent"},
    Kind.WRONG_PROTOCOL: {"noise", "truncated", "mismatched", "late"},
    Kind.GATEWAY_LATE: {"silent"},
}
ON = [(framing, kind) for framing, deck in DECKS.items() for kind in dict.fromkeys(deck)]


def plan_of(line: Setting, kind: Kind) -> list[Step]:
    """Forty faults of one kind, with dice far apart, and honest questions between them."""
    return steps(line, [Fault(n, kind, n * 7919 * 65537 + n, n * 104729 * 257 + n) for n in range(1, 41)])


def tried(framing: Framing, kind: Kind) -> TrialVerdict:
    line = LINES[framing]
    return run_plan(line, plan_of(line, kind), f"{framing} {kind}")


@pytest.mark.parametrize(("framing", "kind"), ON)
def test_nothing_wrong_is_believed_nothing_late_nothing_uncounted(framing: Framing, kind: Kind) -> None:
    verdict = tried(framing, kind)
    assert [str(finding) for finding in verdict.findings] == []
    assert verdict.counts["transactions"] > 60
    assert verdict.counts[f"injected_{kind.replace('-', '_')}"] == 40
    # A guard that never answers again would pass the rest: half of the honest questions at least get their answer.
    assert verdict.counts["answered"] >= 10


@pytest.mark.parametrize(("framing", "kind"), ON)
def test_it_is_counted_by_its_cause(framing: Framing, kind: Kind) -> None:
    line = LINES[framing]
    faulty = [step for step in plan_of(line, kind) if step.fault]
    for step in faulty:
        counts = run_plan(line, [step], f"{framing} {kind}").counts
        seen = {name.removeprefix("counted_") for name in counts if name.startswith("counted_")}
        if counts["answered"]:
            assert "answered" in CAUSES[kind]
        else:
            assert seen & CAUSES[kind], f"{step.fault}: counted {seen}"
