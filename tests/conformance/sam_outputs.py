"""What SAM's engine says of each month, and the same figures read off this program's statements. No reckoning of bills.

`differences` lists every figure that is further off than a millionth (of a dollar, of a kilowatt-hour).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gateway.account.account_file import AccountFile
from gateway.account.lines import Due, Line
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy
from gateway.account.statement import Statement

from .sam_case import first_years, has_series

TOLERANCE = Decimal("0.000001")


def due(one: Statement, *prefixes: str) -> Decimal:
    """The amounts due now of lines whose key begins so, true-up lines among them."""
    return sum((line.amount for line in one.lines if line.due is Due.NOW and line.key.startswith(prefixes)), Decimal(0))


def amounts(one: Statement, prefix: str) -> Decimal:
    return sum((line.amount for line in one.lines if line.key.startswith(prefix)), Decimal(0))


def year_surplus(one: Statement) -> Decimal:
    found = [move.after for move in one.bill.settled.banks if move.name == "year_surplus_kwh"]
    return found[0] if found else Decimal(0)


def excess(one: Statement, option: int) -> Decimal:
    net = Decimal(one.energy.net_milliwh).scaleb(-6)
    return Decimal(0) if option == 4 else max(Decimal(0), -net)


READ: dict[str, Callable[[Statement, int], Decimal]] = {
    "utility_bill_w_sys": lambda one, option: one.due_now,
    "true_up_credits": lambda one, option: -due(one, "true_up."),
    "charge_w_sys_ec": lambda one, option: due(one, "energy.", "export.", "bank."),
    "charge_w_sys_fixed": lambda one, option: due(one, "fixed."),
    "charge_w_sys_minimum": lambda one, option: due(one, "minimum"),
    "charge_w_sys_ec_gross": lambda one, option: amounts(one, "energy."),
    "net_billing_credits": lambda one, option: {2: -amounts(one, "export."), 3: -due(one, "bank.")}.get(
        option, Decimal(0)
    ),
    "nm_dollars_applied": lambda one, option: -due(one, "bank.") if option < 2 else Decimal(0),
    "two_meter_sales": lambda one, option: -amounts(one, "export.") if option == 4 else Decimal(0),
    "excess_kwhs_earned": excess,
    "cumulative_excess_generation": lambda one, option: year_surplus(one),
}
YEAR_1 = {
    "year1_monthly_utility_bill_w_sys": "utility_bill_w_sys",
    "year1_true_up_credits": "true_up_credits",
    "year1_monthly_ec_charge_with_system": "charge_w_sys_ec",
    "year1_monthly_ec_charge_gross_with_system": "charge_w_sys_ec_gross",
    "year1_monthly_fixed_with_system": "charge_w_sys_fixed",
    "year1_monthly_minimum_with_system": "charge_w_sys_minimum",
    "year1_net_billing_credits": "net_billing_credits",
    "year1_nm_dollars_applied": "nm_dollars_applied",
    "year1_two_meter_sales": "two_meter_sales",
    "year1_excess_kwhs_earned": "excess_kwhs_earned",
    "year1_monthly_cumulative_excess_generation": "cumulative_excess_generation",
}


def differences(account: AccountFile, energy: Energy, case: Mapping[str, Any]) -> list[str]:
    """Every figure of the engine that this program does not have."""
    inputs, outputs = case["inputs"], case["outputs"]
    option, years = int(inputs["ur_metering_option"]), first_years(inputs)
    made = make_statements(account, energy).statements
    found: list[str] = []
    if len(made) != 12 * years:
        found.append(f"{len(made)} statements instead of {12 * years}")
    expected = dict(_expected(outputs, years))
    if not any(name == "utility_bill_w_sys" for name, _ in expected):
        found.append("the case has no bills")
    for (name, month), value in expected.items():
        ours = READ[name](made[month], option)
        if abs(ours - Decimal(repr(value))) > TOLERANCE:
            found.append(f"{name}, month {month + 1}: the engine has {value}, this program {ours:f}")
    if option != 4 and inputs.get("ts_buy_rate") is None:
        found += _tier_differences(outputs, made, "energy")
    if option in (1, 2, 3) and not has_series(inputs):
        found += _tier_differences(outputs, made, "surplus")
    return found


def _expected(outputs: Mapping[str, Any], years: int) -> Iterator[tuple[tuple[str, int], float]]:
    """The engine's figures by name and month, counted over all years."""
    for key, name in YEAR_1.items():
        for month, value in enumerate(outputs.get(key) or ()):
            yield (name, month), float(value)
    for key, by_year in (outputs.get("ym") or {}).items():
        name = key.removesuffix("_ym")
        if name not in READ:
            continue
        for year in range(years):
            for month, value in enumerate(by_year[year + 1]):
                yield (name, 12 * year + month), float(value)


def _tier_differences(outputs: Mapping[str, Any], made: Sequence[Statement], what: str) -> Iterator[str]:
    """Energy of the first year by month, period and tier; the engine's tables have headings and sums around them."""
    prefix = {"energy": "energy", "surplus": "export"}[what]
    for month, table in enumerate(outputs.get(f"{what}_w_sys_ec_by_month_period_tier") or ()):
        ours = {place: sum(_kwh(made[month].lines, prefix, *place)) for place in _places(table)}
        for (period, tier), value in _places(table).items():
            if abs(ours[period, tier] - Decimal(repr(value))) > TOLERANCE:
                text = f"the engine has {value} kWh, this program {ours[period, tier]:f}"
                yield f"{what}, month {month + 1}, period {period}, tier {tier}: {text}"


def _places(table: Sequence[Sequence[float]]) -> dict[tuple[int, int], float]:
    """Value by (period, tier), without headings and sums."""
    tiers = [int(one) for one in table[0][1:-1]]
    return {
        (int(row[0]), tier): float(value) for row in table[1:-1] for tier, value in zip(tiers, row[1:-1], strict=True)
    }


def _kwh(lines: Sequence[Line], prefix: str, period: int, tier: int) -> list[Decimal]:
    found = [Decimal(0)]
    for line in lines:
        parts = line.key.split(".")
        if parts[0] != prefix or parts[2] != f"p{period}" or line.quantity is None:
            continue
        if tier == (int(parts[3].removeprefix("tier")) if len(parts) > 3 else 1):
            found.append(abs(line.quantity))
    return found
