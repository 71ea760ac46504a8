"""Rounds of the soaks, short: a disk that fails under the real daemon, and kills at its system calls."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hil.broker import find_mosquitto
from hil.disk import find_strace
from hil.folder import make_folder
from hil.soak.call_kill import Site
from hil.soak.damage_round import DamageRound
from hil.soak.disk_plan import DiskFault, DiskKind
from hil.soak.disk_round import DiskRound
from hil.soak.history import SITE, RoundResult
from hil.soak.kill_round import KillRound
from hil.soak.plan import Fault, Kind, control_round
from hil.soak.soaks import SOAKS

pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is missing: `./tests/run --setup` installs it"),
    pytest.mark.skipif(find_strace() is None, reason="strace is not installed (Debian: apt-get install strace)"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_folder("soak")
    yield made
    shutil.rmtree(made, ignore_errors=True)


def assert_clean(result: RoundResult, faults: int) -> None:
    verdict = result.verdict
    assert [str(one) for one in verdict.findings] == []
    assert (result.injected, result.felt) == (faults, faults)
    assert (verdict.lost_milliwh, verdict.doubled_milliwh, verdict.misplaced_milliwh) == (0, 0, 0)
    assert verdict.counts["intervals"] > 0


def test_a_disk_that_fails_is_told_and_costs_nothing(folder: Path) -> None:
    kinds = (DiskKind.SYNCS, DiskKind.READ_ONLY, DiskKind.START_WRITE)
    faults = [DiskFault(number, kind, int(kind is DiskKind.START_WRITE), 0) for number, kind in enumerate(kinds, 1)]
    result = DiskRound(control_round(7), faults, folder, lambda _line: None).run()
    assert_clean(result, len(faults))
    assert result.verdict.counts["told"] == len(faults)


def test_damage_is_found_and_so_are_sound_pages_in_the_place_of_others(folder: Path) -> None:
    kinds = (DiskKind.PAGES_EXCHANGED, DiskKind.OLD_PAGE, DiskKind.CUT)
    faults = [DiskFault(number, kind, 0, number) for number, kind in enumerate(kinds, 1)]
    result = DamageRound(control_round(7), faults, folder, lambda _line: None).run()
    verdict = result.verdict
    assert [str(one) for one in verdict.findings] == []
    assert (result.injected, result.felt) == (len(faults), len(faults))
    # The exchange alters always; what a cut takes may lie in free pages alone.
    assert verdict.counts["altered"] >= 1
    assert verdict.counts["altered_found"] == verdict.counts["altered"]
    assert verdict.counts["states"] > 0


def test_control_an_older_page_that_the_tallies_fit_is_not_found_and_the_judge_says_so(folder: Path) -> None:
    faults = [DiskFault(1, DiskKind.OLD_PAGE, 0, 1)]
    result = DamageRound(control_round(7), faults, folder, lambda _line: None, recount=True).run()
    assert {one.what for one in result.verdict.findings} == {"not_found"}


def test_control_a_daemon_that_forgets_what_failed_is_found_out(folder: Path) -> None:
    faults = [DiskFault(1, DiskKind.FAILING, 0, 0)]
    result = DiskRound(control_round(7), faults, folder, lambda _line: None, sabotage="forget-failures").run()
    assert SOAKS["disk"].control_finding in {one.what for one in result.verdict.findings}


def test_kills_at_system_calls_of_every_phase_cost_nothing(folder: Path) -> None:
    sites = [
        (Kind.MIGRATION_CALL, Site("pwrite64", 30)),
        (Kind.STARTUP_CALL, Site("write", 2)),
        (Kind.CYCLE_CALL, Site("fdatasync", 2)),
        (Kind.SHUTDOWN_CALL, Site("pwrite64", 3)),
    ]
    faults = tuple(Fault(number, kind, 0, site) for number, (kind, site) in enumerate(sites, 1))
    result = KillRound(replace(control_round(7), faults=faults), folder, lambda _line: None).run()
    assert_clean(result, len(faults))
    struck = [key for key in result.verdict.counts if key.startswith(SITE)]
    assert len(struck) == len(faults)
    assert any("ledger.sqlite" in key for key in struck)
