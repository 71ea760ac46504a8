"""No net metering: what is taken is paid at the full price, what is given is recorded and earns nothing.

So is billed who has no permission to operate yet (net-metering A14), and a house without a plant. Its minimum charge
is a floor under the energy lines, not a placeholder: there is no true-up that could give it back.
"""

from dataclasses import dataclass, replace

from ..baseline import baseline_lines
from ..cells import Cell, CycleEnergy
from ..charges import Prices, days_of, fixed_lines, key_of, minimum_lines, printed_total
from ..lines import Due, Line, LineKind, energy_line, money_line
from ..money import kwh
from ..netting import NettingInterval
from ..period import Period, Settled
from ..setting import Ready, Setting
from ..tier_lines import tier_lines
from .step_prices import taken_by_step


@dataclass(frozen=True, slots=True)
class PlainState:
    """Nothing goes over from one cycle to the next."""


class Plain:
    """A programme (`period.Programme`)."""

    name = "plain"
    netting = NettingInterval.NONE

    def __init__(self, prices: Prices, *, by_step: bool = False) -> None:
        self.prices = prices
        self.by_step = by_step
        """Whether imports have time-step prices."""

    def settle(self, state: PlainState, period: Period) -> tuple[PlainState, Settled]:
        """One cycle: imports at the full price, baseline, fixed charges, and the minimum where they stay below it."""
        taken = imports_of(period.energy)
        lines = list(taken_by_step(taken, self.prices)) if self.by_step else self._by_tariff(taken)
        lines.extend(self.top_up(period.energy, lines))
        lines.extend(fixed_lines(period.energy, self.prices))
        return state, Settled(tuple(lines), notes=_given_away(period.energy))

    def _by_tariff(self, taken: CycleEnergy) -> list[Line]:
        return [
            *(self._line(position, cell) for position, cell in enumerate(taken.cells) if cell.import_milliwh),
            *tier_lines(taken, self.prices, Due.NOW),
            *baseline_lines(taken, self.prices, Due.NOW),
        ]

    def true_up(self, state: PlainState, period: Period) -> tuple[PlainState, Settled]:
        """There is none."""
        assert period.closes_year
        return state, Settled(())

    def _line(self, position: int, cell: Cell) -> Line:
        return energy_line(
            key_of("energy", cell.block, cell.bucket),
            f"Energy {cell.bucket.replace('_', ' ')}, {days_of(cell.block)}",
            cell.import_milliwh,
            self.prices.retail_in_tier(cell, 0),
            self.prices.rounding,
            due=Due.NOW,
            source=self.prices.source(cell.block),
            uncertain_milliwh=cell.import_uncertain_milliwh,
            cells=(position,),
        )

    def top_up(self, energy: CycleEnergy, lines: list[Line]) -> list[Line]:
        """What the energy lines lack of the minimum."""
        minimums = list(minimum_lines(energy, self.prices))
        least, billed = printed_total(minimums), printed_total(lines)
        if not minimums or billed >= least:
            return []
        label = f"Up to the minimum of {least:f}, {energy.cycle.first_day} to {energy.cycle.last_day}"
        kind, due, source = LineKind.FIXED, Due.NOW, minimums[0].source
        return [money_line("minimum", label, least - billed, self.prices.rounding, kind=kind, due=due, source=source)]


def make_plain(setting: Setting) -> Ready[PlainState]:
    """The maker."""
    return Ready(Plain(setting.prices, by_step=setting.choice("import_price") == "series"), PlainState())


def imports_of(energy: CycleEnergy) -> CycleEnergy:
    """The same cells, by position, without what was given."""
    cells = tuple(replace(one, export_milliwh=0, export_uncertain_milliwh=0) for one in energy.cells)
    return replace(energy, cells=cells)


def _given_away(energy: CycleEnergy) -> tuple[str, ...]:
    given = energy.export_milliwh
    return (f"{kwh(given):f} kWh were exported and earn nothing under this programme",) if given else ()
