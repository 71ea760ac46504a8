"""Statements as one HTML file that needs nothing else: no script, no font, no picture from elsewhere. Prints on paper.

Laid out like a bill, to lie beside the utility's. Layout only; text is escaped, figures are taken as they are.
"""

from collections.abc import Iterator, Sequence
from html import escape

from .lines import BankUnit, Line
from .money import kwh
from .statement import Statement, Statements, ranges_of
from .statement_json import due_words, plain
from .statement_text import NO_TRUE_UP_LINES, bank_doubts, between, line_doubt, not_placed

_STYLE = """
body { font: 15px/1.45 system-ui, "Liberation Sans", Arial, sans-serif; color: #1c2430;
  background: #eef1f4; margin: 0; }
main { max-width: 1020px; margin: 24px auto; background: #fff; padding: 32px 40px; box-sizing: border-box; }
h1 ~ section { margin-top: 28px; }
section + section { margin-top: 40px; border-top: 3px solid #1c2430; padding-top: 28px; }
h1 { font-size: 22px; margin: 0 0 2px; } h2 { font-size: 18px; margin: 0; } h3 { font-size: 15px; margin: 22px 0 4px; }
p { margin: 2px 0; } .quiet { color: #5a6675; font-size: 13px; }
.due { display: flex; gap: 12px; margin: 16px 0 4px; flex-wrap: wrap; }
.due div { background: #f3f6f9; border-left: 4px solid #2a6fb0; padding: 8px 14px; min-width: 150px; }
.due .quiet { display: block; }
.due strong { display: block; font-size: 20px; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; font-size: 13px; color: #5a6675; border-bottom: 1px solid #9aa5b1; }
td, th { padding: 4px 8px 4px 0; vertical-align: top; } td { border-bottom: 1px solid #e4e8ec; }
.n { text-align: right; white-space: nowrap; padding-left: 10px; min-width: 62px; }
.key { display: block; color: #768292; font-size: 11.5px; }
tr.sum td { font-weight: 600; border-top: 1px solid #1c2430; border-bottom: 0; }
.warn { background: #fdf1d8; border-left: 4px solid #c98a00; padding: 6px 12px; margin: 8px 0; }
li { margin: 2px 0; }
@media print {
  body { background: #fff; font-size: 11px; } main { max-width: none; margin: 0; padding: 0; }
  section { break-before: page; border: 0 !important; padding: 0 !important; margin: 0 !important; }
  section:first-of-type { break-before: auto; } tr { break-inside: avoid; } .key { font-size: 8.5px; }
  .due strong { font-size: 15px; }
}
"""


def statement_html(made: Statements, chosen: Sequence[Statement]) -> str:
    """The whole file."""
    terms = made.account.terms
    title = f"{terms.name}: statements"
    return page(
        title, "\n".join(text for part in (_head(made), *(_statement(made, one) for one in chosen)) for text in part)
    )


def page(title: str, body: str) -> str:
    """A whole file around a body."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _head(made: Statements) -> Iterator[str]:
    terms, tariff = made.account.terms, made.account.tariff
    yield f"<h1>{escape(terms.name)}</h1>"
    yield f'<p class="quiet">Account {escape(terms.id)}, tariff {escape(tariff.id)} of {escape(tariff.utility)}, '
    yield f"amounts in {escape(tariff.currency)}. Energy from {escape(made.source)}.</p>"
    yield '<p class="quiet">Reckoned from measured intervals by netmeter-gateway, to lie beside the utility’s bill. '
    yield "It is not that bill.</p>"
    for note in made.notes:
        yield f'<p class="quiet">{escape(note)}</p>'


def _statement(made: Statements, one: Statement) -> Iterator[str]:
    slot, currency = one.slot, escape(made.account.tariff.currency)
    year = f", bill {slot.number} of the year" if slot.number and slot.programme != "plain" else ""
    yield "<section>"
    yield f"<h2>Statement {one.number}: {slot.cycle.first_day} to {slot.cycle.last_day}</h2>"
    yield f'<p class="quiet">{slot.cycle.days} days, {escape(slot.programme)}{year}</p>'
    if not one.is_whole:
        yield '<p class="warn">Incomplete: energy is missing, see the notes.</p>'
    yield '<div class="due">'
    ranges = ranges_of(one)
    in_year = between(ranges.carried_in_year)
    yield f"<div>Due now<strong>{plain(one.due_now)} {currency}</strong>{_quiet(between(ranges.due_now))}</div>"
    yield f"<div>Carried to the true-up<strong>{plain(one.carried)} {currency}</strong>"
    yield _quiet(between(ranges.carried))
    yield _quiet(f"in this year {plain(one.carried_in_year)}{f', {in_year}' if in_year else ''}") + "</div>"
    yield "</div>"
    yield from _energy(one)
    yield from _lines("This cycle", one, one.bill.settled.lines)
    yield from _lines("Other charges", one, one.other)
    yield from _lines("True-up of the year", one, one.true_up_lines)
    if one.bill.true_up is not None and not one.true_up_lines:
        yield f"<h3>True-up of the year</h3>\n<p>{NO_TRUE_UP_LINES}</p>"
    yield from _banks(one)
    yield from _listed("Not in these figures", [line.label for line in one.not_included])
    yield from _listed("Notes", one.notes)
    yield "</section>"


def _energy(one: Statement) -> Iterator[str]:
    yield '<h3>Energy, kWh</h3>\n<table><tr><th>Bucket</th><th>Days</th><th class="n">Import</th>'
    yield '<th class="n">Export</th><th class="n">Net</th><th class="n">Uncertain</th></tr>'
    for cell in one.energy.cells:
        days = f"{cell.block.first_day} to {cell.block.last_day}"
        figures = (cell.import_milliwh, cell.export_milliwh, cell.net_milliwh, cell.uncertain_milliwh)
        yield _row([cell.bucket.replace("_", " "), days], [f"{kwh(each):.6f}" for each in figures])
    energy = one.energy
    doubt = energy.uncertain_milliwh
    figures = (energy.import_milliwh, energy.export_milliwh, energy.net_milliwh, doubt)
    yield _row(["All", ""], [f"{kwh(each):.6f}" for each in figures], ' class="sum"') + "</table>"
    if not_placed(one):
        yield f'<p class="quiet">{escape(not_placed(one))}</p>'


def _lines(title: str, one: Statement, lines: Sequence[Line]) -> Iterator[str]:
    if not lines:
        return
    yield f'<h3>{escape(title)}</h3>\n<table><tr><th>Line</th><th class="n">Quantity</th><th class="n">Rate</th>'
    yield '<th class="n">Amount</th><th class="n">Due</th><th class="n">Uncertain</th></tr>'
    for line in lines:
        quantity = "" if line.quantity is None else f"{plain(line.quantity)} {line.unit}"
        rate = "" if line.rate is None else plain(line.rate)
        doubt = _doubt(line_doubt(one, line))
        label = f'{escape(line.label)}<span class="key">{escape(line.key)}, exact {plain(line.exact)}'
        label += f", {escape(line.source)}</span>" if line.source else "</span>"
        cells = [quantity, rate, plain(line.amount), due_words(line.due), doubt]
        yield f"<tr><td>{label}</td>" + "".join(f'<td class="n">{each}</td>' for each in cells) + "</tr>"
    yield "</table>"


def _banks(one: Statement) -> Iterator[str]:
    if not one.banks:
        return
    names = ("Before", "Earned", "Used", "Paid out", "Forfeited", "After")
    yield (
        "<h3>Credits</h3>\n<table><tr><th>Bank</th>" + "".join(f'<th class="n">{name}</th>' for name in names) + "</tr>"
    )
    for at, move in enumerate(one.banks):
        unit = "" if move.unit is BankUnit.MONEY else f", {move.unit}"
        before, after = (_key(_doubt(each)) for each in bank_doubts(one, at, move))
        moved = [plain(each) for each in (move.earned, move.used, move.paid_out, move.forfeited)]
        figures = [plain(move.before) + before, *moved, plain(move.after) + after]
        yield _row([move.name.replace("_", " ") + unit], figures)
    yield "</table>"


def _quiet(text: str) -> str:
    return f'<span class="quiet">{text}</span>' if text else ""


def _key(text: str) -> str:
    return f'<span class="key">{text}</span>' if text else ""


def _doubt(text: str) -> str:
    return text.replace("+-", "&plusmn;")


def _listed(title: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield f"<h3>{escape(title)}</h3>\n<ul>" + "".join(f"<li>{escape(each)}</li>" for each in texts) + "</ul>"


def _row(words: Sequence[str], figures: Sequence[str], attributes: str = "") -> str:
    cells = "".join(f"<td>{escape(each)}</td>" for each in words)
    return f"<tr{attributes}>{cells}" + "".join(f'<td class="n">{each}</td>' for each in figures) + "</tr>"
