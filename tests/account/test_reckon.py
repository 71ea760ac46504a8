"""From energy to bills where something happens in between: a hole, another schedule, supplier or meter, an opening.

Expected figures are worked out in the head: 1 kWh taken and half a kWh given every hour of the day, or as said.
"""

import csv
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.account.charges import PriceError
from gateway.account.energy import EnergyError, EnergyTable
from gateway.account.lines import Due, LineKind
from gateway.account.reckon import make_statements
from gateway.account.slots import TimelineError
from gateway.account.sources import Energy, energy_of
from gateway.account.statement import Statements
from gateway.account.statement_text import summary_text
from gateway.cli.replay import replay
from gateway.cli.statement import statement

from .accounts import account, text
from .energies import PACIFIC, table

FROM_2022 = ("from = 2025-01-01", "from = 2022-01-01")
HOUR = (1000, 500)


def hours(first: str, last: str, wh: tuple[int, int] = HOUR) -> list[tuple[int, int]]:
    """The same energy in every quarter, four to the hour, from midnight of a day to the midnight that ends another."""
    start, end = (datetime.combine(date.fromisoformat(one), datetime.min.time(), PACIFIC) for one in (first, last))
    seconds = end.timestamp() - start.timestamp() + 86_400
    return [(wh[0] // 4, wh[1] // 4)] * round(seconds / 900)


def quarters(first: str, last: str, wh: tuple[int, int] = HOUR) -> EnergyTable:
    return table(f"{first}T00:00", 15, hours(first, last, wh))


def made(folder: Path, energy: EnergyTable, *changes: tuple[str, str], more: str = "") -> Statements:
    return make_statements(account(folder, *changes, more=more), Energy(energy, ()))


def write_csv(path: Path, energy: EnergyTable, skip: range = range(0)) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["meter", "start", "end", "import_milliwh", "export_milliwh"])
        for row in range(len(energy)):
            if row not in skip:
                start, end = (
                    datetime.fromtimestamp(int(column[row]) / 1e6, PACIFIC).isoformat()
                    for column in (energy.start_us, energy.end_us)
                )
                flows = (energy.flow_import, energy.flow_export)
                writer.writerow(["grid", start, end, *(int(flow.milliwh[row]) for flow in flows)])


def told(folder: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(statement, ["--account", str(folder / "home.toml"), *arguments])
    return done.exit_code, done.output


def test_a_hole_is_told_and_the_bill_is_incomplete(tmp_path) -> None:
    """Four quarters of 10 February are missing: 59 days x 24 kWh less one."""
    energy = quarters("2025-01-01", "2025-03-02")
    first = (31 + 9) * 96 + 40
    write_csv(tmp_path / "intervals.csv", energy, range(first, first + 4))
    (tmp_path / "home.toml").write_text(text(), encoding="utf-8")
    code, output = told(tmp_path)
    assert code == 3
    assert "INCOMPLETE: energy is missing" in output
    assert "not all energy of 2025-02-10T18:00:00Z to 2025-02-10T19:00:00Z is known" in output
    assert told(tmp_path, "--period", "1")[0] == 0
    code, output = told(tmp_path, "--period", "2")
    assert code == 3
    assert f"{28 * 24 - 1:.6f}" in output


def test_a_true_up_over_a_hole_is_incomplete(tmp_path) -> None:
    """A quarter of March 2025 is missing: the bills of March and of December, which closes the year, say so."""
    write_csv(tmp_path / "intervals.csv", quarters("2025-01-01", "2026-02-01", (4, 0)), range(70 * 96, 70 * 96 + 1))
    read = account(tmp_path)
    found = make_statements(read, energy_of(read.terms.meter, tmp_path, lambda _: ("", ()))).statements
    assert [one.number for one in found if not one.is_whole] == [3, 12]
    assert any("not all energy of bill 3 of this year is known" in note for note in found[11].notes)
    assert told(tmp_path, "--period", "12")[0] == 3
    assert told(tmp_path, "--period", "13")[0] == 0


def test_a_first_cycle_that_begins_before_the_energy_is_incomplete(tmp_path) -> None:
    found = made(tmp_path, quarters("2025-01-11", "2025-03-01"), FROM_2022)
    january, february = found.statements
    (hole,) = january.holes
    assert str(hole) == "2025-01-01T08:00:00Z to 2025-01-11T08:00:00Z"
    assert february.holes == ()


def test_a_cycle_without_any_energy_is_refused(tmp_path) -> None:
    energy = quarters("2025-01-01", "2025-04-01")
    write_csv(tmp_path / "intervals.csv", energy, range(31 * 96, 59 * 96))
    (tmp_path / "home.toml").write_text(text(), encoding="utf-8")
    code, output = told(tmp_path)
    assert code == 1
    assert "there is no interval in the billing cycle 2025-02-01 to 2025-02-28" in output


def test_a_day_without_a_price_is_refused(tmp_path) -> None:
    with pytest.raises(PriceError, match="pge-e-tou-c has no price for 2024-12-01 to 2024-12-31"):
        made(tmp_path, quarters("2024-12-01", "2025-02-02"), FROM_2022)


def test_hours_of_one_kwh_under_nem2_cannot_be_netted_by_the_quarter(tmp_path) -> None:
    hourly = table("2025-01-01T00:00", 60, [HOUR] * 24 * 33)
    with pytest.raises(EnergyError, match="does not lie within one 15min netting interval"):
        made(tmp_path, hourly)
    found = made(tmp_path, hourly, more='[choices]\nnetting_interval = "60min"\n')
    assert found.statements[0].energy.import_milliwh == 31 * 24 * 1_000_000


def test_another_schedule_splits_the_lines_by_day(tmp_path) -> None:
    """E-TOU-C to 9 February, E-ELEC from the 10th: 9 and 19 days of five peak hours at 1 kW."""
    (tmp_path / "mine.toml").write_text(
        'format = 1\nid = "mine"\nname = "Mine"\n[[schedule]]\ntariff = "pge-e-tou-c"\nfrom = 2025-01-01\n'
        '[[schedule]]\ntariff = "pge-e-elec"\nfrom = 2025-02-10\n',
        encoding="utf-8",
    )
    found = made(tmp_path, quarters("2025-01-01", "2025-03-01"), ('"pge-e-tou-c"', '"mine.toml"'))
    february = found.statements[1]
    sources = {line.source.split(",")[0].split(":")[0] for line in february.lines if line.kind is LineKind.ENERGY}
    days = [(str(block.first_day), str(block.last_day)) for block in february.energy.blocks]
    assert days == [("2025-02-01", "2025-02-09"), ("2025-02-10", "2025-02-28")]
    assert sources == {"mine"}
    peak = {cell.block.first_day: cell.import_milliwh for cell in february.energy.cells if cell.bucket == "winter_peak"}
    assert peak == {date(2025, 2, 1): 9 * 5 * 10**6, date(2025, 2, 10): 19 * 5 * 10**6}


def test_another_supplier_splits_the_account(tmp_path) -> None:
    """The utility then bills delivery, PCIA of the vintage and franchise fee instead of its own generation."""
    more = '[[supplier]]\nname = "mce"\nfrom = 2026-04-11\npcia_vintage = "2019"\n'
    energy = quarters("2026-03-01", "2026-05-02", (1000, 0))
    found = made(tmp_path, energy, ("from = 2025-01-01", "from = 2026-03-01"), more=more)
    assert [(str(one.slot.cycle.first_day), one.slot.supplier) for one in found.statements] == [
        ("2026-03-01", ""),
        ("2026-04-01", ""),
        ("2026-04-11", "mce"),
    ]
    before, after = (
        {line.key.rsplit(".", 1)[1]: line for line in one.lines if line.kind is LineKind.ENERGY}
        for one in found.statements[1:]
    )
    # the sheet of 2026-03-01: generation 0.13710 and bundled PCIA -0.01011 go; PCIA and surcharge of 2019 come
    tariff = found.account.tariff.version[-1]
    exit_fee = tariff.pcia_per_kwh["2019"] + tariff.franchise_fee_per_kwh["2019"]
    assert after["winter_peak"].rate == before["winter_peak"].rate - Decimal("0.12699") + exit_fee
    assert found.statements[1].bill.true_up is not None
    assert any("energy is sold by mce" in note for note in found.statements[2].notes)


def test_an_opening_is_part_of_the_true_up(tmp_path) -> None:
    """Eleven bills came to 100.00 of energy and 50.00 of non-bypassable charges; 30.00 of minimums were paid."""
    more = (
        "[opening]\nas_of = 2025-12-01\nlast_true_up = 2025-01-01\ncycles = 11\n"
        'energy_charges = "100.00"\nnon_bypassable_charges = "50.00"\nminimums_billed = "30.00"\n'
    )
    energy = quarters("2025-12-01", "2026-01-01", (4, 0))
    (bill,) = made(tmp_path, energy, FROM_2022, more=more).statements
    assert bill.carried_in_year == Decimal("150.00") + bill.carried
    adjustment = next(line.amount for line in bill.true_up_lines if line.key == "true_up.adjustment")
    assert adjustment == Decimal("120.00") + bill.carried
    assert bill.bill.true_up is not None
    assert bill.bill.true_up.due(Due.NOW) == Decimal("120.00") + bill.carried


def test_of_two_rates_one_after_the_other_a_bill_has_one(tmp_path) -> None:
    """The first ends on 15 January: that bill's last day has the second, on all its 744 kWh."""
    charge = '[[charge]]\nname = "tax"\nsource = "state"\nof = "import"\n'
    first = charge + 'from = 2024-01-01\nlast_day = 2025-01-15\nper_kwh = "0.001"\n'
    second = charge + 'from = 2025-01-16\nper_kwh = "0.002"\n'
    (bill,) = made(tmp_path, quarters("2025-01-01", "2025-01-31"), more=first + second).statements
    assert [(one.key, one.quantity, one.amount) for one in bill.other] == [("other.2", Decimal(744), Decimal("1.49"))]


def test_energy_after_moving_out_is_told_and_waits_for_no_bill(tmp_path) -> None:
    out = ('utility = "pge"', 'utility = "pge"\nmoved_out = 2025-01-31')
    found = made(tmp_path, quarters("2025-01-01", "2025-02-02"), out)
    assert (
        "not billed: 2025-02-01 to 2025-02-02, 48.000000 kWh imported and 24.000000 exported; moved out on 2025-01-31"
        in found.notes
    )


def test_a_credit_that_the_next_programme_does_not_use_is_told(tmp_path) -> None:
    """999.00 were paid, and the true-up of January, which takes and gives alike, owes only non-bypassable charges."""
    more = '[[payment]]\nday = 2025-01-05\namount = "999"\n[[programme]]\nname = "plain"\nfrom = 2025-02-01\n'
    found = made(tmp_path, quarters("2025-01-01", "2025-02-28", (1000, 1000)), more=more)
    (move,) = found.statements[0].banks
    assert move.after > 900
    assert any(
        f"plain, from 2025-02-01 on, has no use for the bank bill_credit, which holds {move.after}" in one
        for one in found.notes
    )


@pytest.mark.parametrize(("wh", "told"), [((1000, 0), "exported"), ((0, 1000), "imported"), (HOUR, "")])
def test_a_direction_in_which_nothing_ever_flowed_is_told(tmp_path, wh: tuple[int, int], told: str) -> None:
    notes = made(tmp_path, quarters("2025-01-01", "2025-01-31", wh)).notes
    assert [one for one in notes if "nothing was" in one] == (
        [f"grid: nothing was {told} in all this time; is that register of the meter read?"] if told else []
    )


def test_a_payment_that_no_bill_counts_is_told(tmp_path) -> None:
    """Of before the first bill and of a later one; that of the first bill is counted."""
    more = "".join(f'[[payment]]\nday = {day}\namount = "5"\n' for day in ("2024-12-31", "2025-01-01", "2025-03-01"))
    found = made(tmp_path, quarters("2025-01-01", "2025-01-31"), more=more)
    assert [one for one in found.notes if "payment" in one] == [
        "the payment of 5 on 2024-12-31 is in no bill that a true-up here follows: not counted"
    ]


def test_earlier_months_come_from_a_file(tmp_path) -> None:
    write_csv(tmp_path / "before.csv", quarters("2025-01-01", "2025-02-15", (1000, 0)))
    write_csv(tmp_path / "intervals.csv", quarters("2025-02-10", "2025-03-01", (2000, 0)))
    text_of = text(('file = "intervals.csv"', 'file = "intervals.csv"\nearlier = "before.csv"'))
    (tmp_path / "home.toml").write_text(text_of, encoding="utf-8")
    read = account(tmp_path, ('file = "intervals.csv"', 'file = "intervals.csv"\nearlier = "before.csv"'))
    energy = energy_of(read.terms.meter, tmp_path, lambda _: ("", ()))
    january, february = make_statements(read, energy).statements
    assert january.energy.import_milliwh == 31 * 24 * 1_000_000
    assert february.energy.import_milliwh == (9 * 24 + 19 * 48) * 1_000_000
    assert february.holes == ()


def test_a_meter_exchange_goes_on_and_the_quarter_it_fell_into_is_told(tmp_path) -> None:
    """An old meter ends at 5,000 kWh; the new one begins at 2 kWh. What flowed in between no register has."""
    rows, register = ["time,import_wh,export_wh"], 4_000_000
    start = datetime(2025, 1, 1, tzinfo=PACIFIC).timestamp()
    for quarter in range(59 * 96 + 1):
        if quarter == 20 * 96:
            register = 2_000
        at = datetime.fromtimestamp(start + quarter * 900, PACIFIC).isoformat()
        rows.append(f"{at},{register}.000,0.000")
        register += 250
    (tmp_path / "r.csv").write_text("\n".join(rows) + "\n", encoding="ascii")
    options = ["--tariff", "pge-e-tou-c", "--service-amps", "100", "--service-volts", "240", "--clock-error-s", "0"]
    done = CliRunner().invoke(
        replay, ["--readings", str(tmp_path / "r.csv"), *options, "--intervals", str(tmp_path / "intervals.csv")]
    )
    assert done.exit_code in (0, 3), done.output
    read = account(tmp_path)
    found = make_statements(read, energy_of(read.terms.meter, tmp_path, lambda _: ("", ()))).statements
    (hole,) = found[0].holes
    assert hole.end_us - hole.start_us <= 4 * 900_000_000
    grown = sum(one.energy.import_milliwh for one in found)
    assert 59 * 24 * 1_000_000 - 4 * 250_000 <= grown <= 59 * 24 * 1_000_000 - 250_000


def test_the_same_twice(tmp_path) -> None:
    first = made(tmp_path, quarters("2025-01-01", "2025-03-01"))
    second = made(tmp_path, quarters("2025-01-01", "2025-03-01"))
    assert first.statements == second.statements
    other = made(tmp_path, quarters("2025-01-01", "2025-03-01", (1004, 500)))
    assert other.statements[0].energy_digest != first.statements[0].energy_digest


def test_what_the_figures_lack_is_named_and_never_zero(tmp_path) -> None:
    """The sheets of E-TOU-C before 2026-03-01 have no minimum charge."""
    (january,) = made(tmp_path, quarters("2025-01-01", "2025-02-01")).statements
    (line,) = [one for one in january.not_included if "no minimum charge" in one.label]
    assert line.label == "Not included: no minimum charge: the least that is billed is not in these figures"
    assert (line.due, line.source) == (Due.NOTED, "pge-e-tou-c, version 2025-01-01")
    (march,) = made(
        tmp_path, quarters("2026-04-01", "2026-05-01"), ("from = 2025-01-01", "from = 2026-04-01")
    ).statements
    assert not any("no minimum charge" in one.label for one in march.not_included)


def test_the_table_of_bills_marks_those_whose_figures_lack_something(tmp_path) -> None:
    """December to April over 2026-03-01, since when E-TOU-C has no minimum charge: December to February lack theirs."""
    found = made(tmp_path, quarters("2025-12-01", "2026-05-01"), ("from = 2025-01-01", "from = 2025-12-01"))
    _, *rows, said = summary_text(found)
    assert [row.endswith(" *") for row in rows] == [True, True, True, False, False]
    assert said.strip() == "* not all that is billed is in these figures: the bill itself names it"


def test_a_day_before_all_energy_is_told(tmp_path) -> None:
    with pytest.raises(TimelineError, match="2024-06-30 is before the first energy there is, of 2025-01-01"):
        make_statements(account(tmp_path), Energy(quarters("2025-01-01", "2025-03-02"), ()), date(2024, 6, 30))
